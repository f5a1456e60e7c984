"""A lot goes through the release desk in Chromium: reviewed by one person, released by another, and never before that."""

import pytest
from playwright.sync_api import expect

from custody.domain.acts.release import AuditTrailReviewed, BatchRecordReviewed, Released
from custody.workflows import demonstration
from custody.workflows.dossiers import dossier_of
from tests.journeys.browsing import Person, serving
from tests.web.conftest import NOW

pytestmark = [pytest.mark.browser, pytest.mark.slow]
DESK = "/desks/release"


@pytest.fixture(scope="module")
def server(demonstration_folder, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUSTODY_WEAK_SECRETS", "1")
        with serving(demonstration_folder, tmp_path_factory.mktemp("release") / "store", NOW) as running:
            yield running


def sign(person):
    """Look at it again, sign with the secret, and go back to the desk."""
    person.press("Continue")
    person.page.fill("[name=secret]", demonstration.SECRET)
    with person.page.expect_navigation():
        person.page.locator(".signature button").click()
    expect(person.page.locator(".confirmation")).to_be_visible()
    person.follow("Back to Release", exact=True)


def test_lot_is_reviewed_step_by_step_and_released_by_somebody_else(browser, server):
    qp = Person.arrives(browser, server, "demo-qp-one")
    qp.go(DESK)
    qp.scan("scan", "LOT-0004")
    expect(qp.page.locator(".main-offer [aria-disabled=true]")).to_have_text("Released by the qualified person")
    expect(qp.page.locator(".main-offer .why-not")).to_contain_text("The batch record was not reviewed")
    qa = Person.arrives(browser, server, "demo-qa-one")
    qa.go(DESK)
    qa.follow("Batch record reviewed", exact=True)
    expect(qa.page.locator(".trail-read[open]")).to_be_visible()
    sign(qa)
    qa.follow("Critical audit trail reviewed", exact=True)
    expect(qa.page.locator(".trail-read[open] li").first).to_be_visible()
    sign(qa)
    expect(qa.page.locator(".main-offer .why-not")).to_be_visible()
    qp.go(DESK)
    qp.follow("Released by the qualified person", exact=True)
    sign(qp)
    expect(qp.page.locator("main")).to_contain_text("Released by Demo QP One")
    with server.store.reading() as connection:
        stood = dossier_of(connection, [server.cast("not_released").lot])
    lot = server.cast("not_released").lot
    assert all(stood.last(lot, act) is not None for act in (BatchRecordReviewed, AuditTrailReviewed, Released))
    assert not (qa.foreign + qp.foreign + qa.complaints + qp.complaints)
