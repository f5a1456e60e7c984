"""In Chromium: a bag is scanned out and into its shipper at the packing desk, the shipper changes hands, a monitor reads it all."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from custody.codes.scanner_check import TESTS
from custody.workflows import demonstration
from tests.journeys.browsing import DESK, PHONE, Person, barriers, no_sideways_scroll, serving
from tests.web.conftest import NOW
from tests.web.desks.test_packing import SHIPMENT, in_store, plan

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PACKER, VERIFIER, CARRIER, INSPECTOR = "demo-coldchain-one", "demo-verifier-one", "demo-carrier-one", "demo-inspector-one"


@pytest.fixture(scope="module")
def server(demonstration_folder, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUSTODY_WEAK_SECRETS", "1")
        with serving(demonstration_folder, tmp_path_factory.mktemp("served") / "store", NOW) as running:
            yield running


def looks_right(person, name):
    """At both widths: nothing scrolls sideways, axe finds nothing; kept for people where CUSTODY_SCREENSHOTS names a folder."""
    folder = os.environ.get("CUSTODY_SCREENSHOTS")
    for word, size in (("360", PHONE), ("1280", DESK)):
        person.page.set_viewport_size(size)
        assert no_sideways_scroll(person.page), f"{name} at {word} px scrolls sideways"
        assert barriers(person.page) == [], f"{name} at {word} px"
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            person.page.screenshot(path=Path(folder) / f"{name}_{word}.png", full_page=True)


def sign(person, values):
    """Fill in the form that a desk opened, look at it again, sign it."""
    person.fill(values)
    person.press("Continue")
    person.page.fill("[name=secret]", demonstration.SECRET)
    with person.page.expect_navigation():
        person.page.locator(".signature button").click()
    assert person.page.locator(".confirmation").count(), person.text()


def as_web(server):
    """What the makers of these tests take for a store with a clock."""
    return SimpleNamespace(store=server.store, config=server.config, clock=server.clock)


def test_packer_scans_a_bag_out_and_into_its_shipper_and_comes_back_to_it(server, browser):
    web = as_web(server)
    bags = in_store(web)
    plan(web, bags, until="packing_started")
    packer, verifier = Person.arrives(browser, server, PACKER), Person.arrives(browser, server, VERIFIER)
    packer.go("/desks/packing")
    packer.follow("Scan the bags")
    looks_right(packer, "packing_shipment")
    for act, title in (("bag_taken_out", "taken out"), ("bag_packed", "Bag packed")):
        server.clock.advance(seconds=40)
        packer.go(f"/desks/packing/shipment/{SHIPMENT}")
        with packer.page.expect_navigation():
            packer.scan("scan", f"CU1:bag:{bags[0]}")
        assert f"act={act}" in packer.page.url, packer.text()
        sign(packer, {})
        packer.follow("Back to Packing")
        assert "waits for another person" in packer.text()
        verifier.countersign(title, {"bag": bags[0]})
    packer.go(f"/desks/packing/shipment/{SHIPMENT}")
    assert "1 of 2 scanned into the shipper" in packer.text()
    assert packer.foreign == []
    assert packer.complaints == []


def test_command_bar_code_cancels_the_open_form_from_any_of_its_fields(server, browser):
    packer = Person.arrives(browser, server, PACKER)
    path = f"/desks/storage/bag/{in_store(as_web(server))[1]}"
    packer.go(f"{path}?act=bag_stored")
    with packer.page.expect_navigation():
        packer.scan("bag", "CU1:command:CANCEL")
    assert packer.page.url.endswith(path)
    looks_right(packer, "storage_bag")


def test_station_is_checked_with_three_scans(server, browser):
    packer = Person.arrives(browser, server, PACKER)
    packer.go("/station")
    looks_right(packer, "station")
    with packer.page.expect_navigation():
        packer.scan("scan", TESTS[0].text)
    assert packer.page.locator("input[name=test]").input_value() == TESTS[1].name
    field = packer.page.locator("input[name=scan]")
    field.fill(TESTS[1].text.replace("\x1d", ""))
    packer.press("I scanned, and the page did not go on")
    assert "The separator (GS) is missing" in packer.text()
    assert "No Enter at the end" in packer.text()


def test_hand_over_desk_tells_everybody_who_answers_for_a_shipper(server, browser):
    courier = Person.arrives(browser, server, CARRIER, size=PHONE)
    courier.go("/desks/handoff")
    assert "Open hand-overs" in courier.text()
    looks_right(courier, "handoff")
    packer = Person.arrives(browser, server, PACKER)
    packer.go("/desks/handoff/shipment/SH-0001")
    assert "taken over by Demo Courier One" in packer.text()
    looks_right(packer, "handoff_shipment")
    assert courier.complaints == []


def test_inspector_reads_everything_and_verifies_the_record(server, browser):
    server.clock.advance(seconds=timedelta(minutes=1).total_seconds())
    inspector = Person.arrives(browser, server, INSPECTOR)
    inspector.go("/desks/monitor")
    looks_right(inspector, "monitor")
    inspector.press("Verify the whole record")
    assert "No fault was found." in inspector.text()
    inspector.go("/desks/monitor/audit?account=demo-coldchain-one&from=2026-05-01&until=2026-06-02")
    looks_right(inspector, "monitor_audit")
    assert "Demo Packer One" in inspector.text()
    inspector.go("/desks/monitor/lot/LOT-0005")
    looks_right(inspector, "monitor_lot")
    inspector.go("/things/shipment/SH-0003")
    looks_right(inspector, "passport_gap")
    assert "with no custodian" in inspector.text()
    assert inspector.complaints == []
