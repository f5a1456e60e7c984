"""The monitor's desk in Chromium: from a finding to its verdicts, the trail of a person, the record verified, and nothing to write."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.browsing import Person
from tests.journeys.desks.at_a_desk import is_fit_to_use, served

pytestmark = [pytest.mark.browser, pytest.mark.slow]
WRITES = "main a[href*='/acts/'], main a[href*='act='], main a[href*='/corrections/'], main form[action*='/acts/']"


@pytest.fixture(scope="module")
def server(demonstration_folder, tmp_path_factory):
    with served(demonstration_folder, tmp_path_factory.mktemp("monitor")) as running:
        yield running


def test_inspector_follows_a_finding_reads_the_trail_and_verifies_the_record(browser, server):
    inspector = Person.arrives(browser, server, "demo-inspector-one")
    page = inspector.page
    inspector.follow("Monitoring", exact=True)
    expect(page.locator("#field-scan")).to_be_focused()
    expect(page.locator("main tbody").first).to_contain_text("Recalled (RC-0001)")
    assert page.locator(WRITES).count() == 0
    is_fit_to_use(inspector, "monitor_home")
    inspector.follow("lot LOT-0005")
    expect(page.locator("main")).to_contain_text("sister lot under investigation")
    expect(page.locator("main")).to_contain_text("G6 Release")
    assert page.locator(WRITES).count() == 0
    is_fit_to_use(inspector, "monitor_sheet")
    inspector.go("/desks/monitor")
    with page.expect_navigation():
        inspector.scan("scan", f"CU1:bag:{server.cast('good').bags[0]}")
    expect(page.locator("main")).to_contain_text("Verdicts, newest first")
    inspector.go("/desks/monitor")
    inspector.follow("Audit trail")
    inspector.fill({"account": "demo-qa-one", "from": "2026-05-01", "until": "2026-06-02"})
    with page.expect_navigation():
        page.locator("main form[action$='/audit'] button").click()
    expect(page.locator("main tbody").first).to_contain_text("Demo QA One")
    inspector.go("/desks/monitor")
    inspector.press("Verify the whole record")
    expect(page.locator("main")).to_contain_text("No fault was found.")
    assert inspector.foreign == inspector.complaints == []
