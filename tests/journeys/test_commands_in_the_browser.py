"""Command bar codes scanned with a wedge in Chromium, scripts on: at the bench, at the receiving desk and at the bed."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.browsing import DESK, Person, serving
from tests.journeys.pages import enter
from tests.web.at_the_desks import NURSE_ONE, RECEIVER_ONE, bring_to_the_bed, refused_scans
from tests.web.conftest import NOW, Web

pytestmark = [pytest.mark.browser, pytest.mark.slow]
OPERATOR = "demo-operator-one"
LOT = "/desks/bench/lot/LOT-0004"
SHIPMENT, BAG, DOSE = "/receiving/SH-0002", "DEMO0002B0019", "DOSE-0001"
RECEIPT = f"{SHIPMENT}/bags/{BAG}"
BED = f"/bedside/{DOSE}/scan"


@pytest.fixture(scope="module")
def server(demonstration_folder, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUSTODY_WEAK_SECRETS", "1")
        with serving(demonstration_folder, tmp_path_factory.mktemp("commands") / "store", NOW) as running:
            yield running


@pytest.fixture(scope="module")
def web(server):
    """The same store without a screen, with the good lot at the bed."""
    found = Web(server.store, server.config, server.clock)
    bring_to_the_bed(found)
    return found


@pytest.fixture(scope="module")
def person(browser, server):
    context = browser.new_context(viewport=DESK, locale="en-GB")
    return Person("", server, context, context.new_page())


def scanned(person, web, account, path, field, command):
    """Where this person stands after a command was scanned into a field; no scan may have been refused over it."""
    enter(person.context, person.server, web, account)
    before = len(refused_scans(web, account))
    person.go(path)
    with person.page.expect_navigation():
        person.scan(field, f"CU1:command:{command}")
    assert len(refused_scans(web, account)) == before
    return person.page.url.removeprefix(person.server.url)


@pytest.mark.parametrize(
    ("path", "field", "command", "there"),
    [
        ("/desks/bench", "scan", "CANCEL", "/"),
        (LOT, "scan", "CANCEL", "/desks/bench"),
        (f"{LOT}?act=sample_taken", "scan", "CANCEL", LOT),
        (LOT, "scan", "SUPERVISOR", f"/station/supervisor?then={LOT}"),
        (LOT, "workstation", "CANCEL", "/desks/bench"),
    ],
)
def test_command_at_the_bench_leads_away(person, web, path, field, command, there):
    assert scanned(person, web, OPERATOR, path, field, command) == there


@pytest.mark.parametrize(
    ("path", "field", "command", "there"),
    [
        ("/receiving", "scan", "CANCEL", "/"),
        ("/receiving", "scan", "SUPERVISOR", "/station/supervisor?then=/receiving"),
        (RECEIPT, "bag", "CANCEL", SHIPMENT),
        (RECEIPT, "equipment", "CANCEL", SHIPMENT),
        (RECEIPT, "bag", "PRINT", f"/things/bag/{BAG}?print=1"),
        (f"{RECEIPT}/refuse", "bag", "CANCEL", SHIPMENT),
    ],
)
def test_command_at_the_receiving_desk_leads_away_though_the_form_is_empty(person, web, path, field, command, there):
    assert scanned(person, web, RECEIVER_ONE, path, field, command) == there


@pytest.mark.parametrize(
    ("path", "field", "command", "there"),
    [
        ("/bedside", "scan", "NEXT", f"/bedside/{DOSE}"),
        (BED, "scans.wristband", "CANCEL", f"/bedside/{DOSE}"),
        (BED, "scans.wristband", "SUPERVISOR", f"/station/supervisor?then={BED}"),
        (BED, "scans.wristband", "PRINT", f"/things/dose/{DOSE}?print=1"),
    ],
)
def test_command_at_the_bed_leads_away_and_is_no_scan_of_the_patient(person, web, path, field, command, there):
    assert scanned(person, web, NURSE_ONE, path, field, command) == there


def test_next_in_a_longer_form_sends_it_as_its_button_does(person, web):
    enter(person.context, person.server, web, RECEIVER_ONE)
    person.go(RECEIPT)
    person.scan("bag", "CU1:command:NEXT")
    bag = person.page.locator('input[name="bag"]')
    expect(bag).to_have_value("")
    # The browser itself asks for what is missing, as it does when the button is pressed; nothing has left the page.
    assert person.page.url == person.server.url + RECEIPT
    assert person.page.evaluate("document.querySelectorAll('main form :invalid').length") > 0
