"""The donor desk in Chromium: a mother is registered, consents, and her form is read back; what blocks a donation is read in one list."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from custody.workflows import demonstration
from tests.journeys.browsing import DESK, PHONE, Person, barriers, no_sideways_scroll, serving
from tests.web.conftest import NOW

pytestmark = [pytest.mark.browser, pytest.mark.slow]
TICKS = ("cord_donation", "blood_tests", "medical_history", "research_use")


@pytest.fixture(scope="module")
def server(demonstration_folder, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUSTODY_WEAK_SECRETS", "1")
        with serving(demonstration_folder, tmp_path_factory.mktemp("donor") / "store", NOW) as running:
            yield running


def go_on(person):
    """The form of the desk, read once more and signed where it is signed; back on the desk."""
    person.press("Continue")
    if person.page.locator("[name=secret]").count():
        person.page.fill("[name=secret]", demonstration.SECRET)
    with person.page.expect_navigation():
        person.page.locator(".signature button").click()
    person.follow("Back to Donors")


def is_fit_to_use(person):
    for size in (PHONE, DESK):
        person.page.set_viewport_size(size)
        assert no_sideways_scroll(person.page)
        assert barriers(person.page) == []


def test_coordinator_registers_a_mother_and_reads_her_consent_back_with_the_tick_that_is_missing(browser, server):
    coordinator = Person.arrives(browser, server, "demo-coordinator-one")
    page = coordinator.page
    coordinator.follow("Donors", exact=True)
    expect(page.locator("h1")).to_have_text("Donors")
    expect(page.locator("#field-scan")).to_be_focused()
    coordinator.follow("Donor registered under a code")
    coordinator.fill({"donor": "DN-0088"})
    go_on(coordinator)
    row = page.get_by_role("row").filter(has_text="donor DN-0088")
    expect(row).to_contain_text("Registered, no consent yet")
    coordinator.follow("Donor consent signed", within=row)
    signed = server.clock() - timedelta(minutes=20)
    coordinator.fill({"form_version": "D-2.0", "signed_at": signed, "by_birth_mother": "yes", "identity_checked": "yes"})
    coordinator.fill({"ticks": TICKS, "scopes": ["clinical_trial"]})
    go_on(coordinator)
    expect(page.locator("h1")).to_have_text("donor DN-0088")
    expect(page.locator(".criterion").first).to_contain_text("Not complete")
    expect(page.locator(".criterion").first).to_contain_text("Keeping of data")
    is_fit_to_use(coordinator)
    assert coordinator.foreign == coordinator.complaints == []


def test_qualified_person_reads_everything_eligibility_needs_and_the_family_by_scan_alone(browser, server):
    qp = Person.arrives(browser, server, "demo-qp-one")
    qp.go("/desks/donor")
    with qp.page.expect_navigation():
        qp.scan("scan", "A999926000001")
    expect(qp.page.locator("h1")).to_have_text("donation A999926000001")
    rules = qp.page.locator("#rules")
    rules.locator("summary").click()
    expect(rules.locator(".criterion-good")).to_have_count(12)
    expect(qp.page.locator(".lineage [aria-current]")).to_have_text("donation A999926000001")
    is_fit_to_use(qp)
    assert qp.foreign == qp.complaints == []
