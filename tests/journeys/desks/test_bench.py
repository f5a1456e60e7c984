"""The bench in Chromium, by scanner: a product is opened, materials are scanned, a second product is refused, the line is cleared."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.browsing import DESK, PHONE, Person, barriers, no_sideways_scroll, serving
from tests.web.conftest import NOW

pytestmark = [pytest.mark.browser, pytest.mark.slow]
GLOVE = 64


@pytest.fixture(scope="module")
def server(demonstration_folder, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUSTODY_WEAK_SECRETS", "1")
        with serving(demonstration_folder, tmp_path_factory.mktemp("bench") / "store", NOW) as running:
            yield running


def start_lot(operator):
    """A lot of the working bank, begun today on its own form."""
    operator.follow("Drug-product lot started")
    operator.fill({"lot": "LOT-0077", "product": "cells", "form": "frozen", "vials_drawn": "9"})
    scan(operator, "WCB-0001", "more.banks")
    operator.press("Continue")
    operator.page.fill("[name=secret]", "demonstration")
    with operator.page.expect_navigation():
        operator.page.locator(".signature button").click()
    operator.follow("Back to Bench")


def scan(person, text, field="scan"):
    with person.page.expect_navigation():
        person.scan(field, text)


def test_operator_works_on_one_product_by_scanner_and_clears_the_line(browser, server):
    operator = Person.arrives(browser, server, "demo-operator-one")
    page = operator.page
    operator.follow("Bench", exact=True)
    start_lot(operator)
    page.fill("#field-workstation", "BSC-01")
    with page.expect_navigation():
        page.get_by_role("button", name="Stand here").click()
    expect(page.locator("#field-scan")).to_be_focused()
    scan(operator, "CU1:lot:LOT-0077")
    expect(page.locator("h1")).to_have_text("lot LOT-0077")
    scan(operator, "CU1:material:MED-0001")
    scan(operator, "INC-01")
    expect(page.locator(".scans li").first).to_contain_text("Fits INC-01 ready")
    scan(operator, "LOT-0004")
    expect(page.locator(".scans [role=alert]")).to_contain_text("ANOTHER product")
    for size in (PHONE, DESK):
        page.set_viewport_size(size)
        assert no_sideways_scroll(page)
        assert barriers(page) == []
        assert min(box["height"] for box in (each.bounding_box() for each in page.locator("main .button >> visible=true").all())) >= GLOVE
    operator.follow("Manufacturing step of a lot with these 2")
    expect(page.locator('[name="culture.materials"]')).to_have_value("MED-0001")
    expect(page.locator('[name="culture.equipment"]')).to_have_value("INC-01")
    operator.go("/desks/bench/lot/LOT-0004")
    expect(page.locator("main")).to_contain_text("one product at a time")
    page.get_by_label("The line is cleared").check()
    operator.press("Close lot LOT-0077")
    expect(page.locator(".station")).to_contain_text("No product is open")
    assert operator.foreign == operator.complaints == []
