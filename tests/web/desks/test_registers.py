"""The registers desk: due dates that warn before they block, what waits for a step, and each register whole."""

import re
from datetime import timedelta

import pytest

from custody.workflows.demonstration import SECRET
from tests.web.at_the_desks import cast_of
from tests.web.desks.test_quality_control import inline
from tests.web.test_people import accept_policy

DESK = "/desks/registers"
QA, ADMIN, OPERATOR, PACKER = "demo-qa-one", "demo-admin-one", "demo-operator-one", "demo-coldchain-one"
KINDS = ("material", "equipment", "shipper", "logger", "account", "site", "study", "documents")


@pytest.fixture(scope="module")
def cast(looked_at):
    return cast_of(looked_at, "good")


def test_every_register_is_reached_from_the_desk(looked_at):
    page = looked_at.signed_in(QA).get(DESK)
    for kind in KINDS:
        assert f'href="{DESK}/of/{kind}"' in page.html, kind
    assert "Temperature loggers (" in page.text


def test_calibration_warns_before_it_blocks(web):
    cast = cast_of(web, "good")
    path = f"{DESK}/logger/{cast.trip_logger}"
    first = web.browser(QA).get(path)
    until = re.search(r"until (\d{4}-\d\d-\d\d)", first.text)
    assert until, first.text
    assert "in order" in first.text
    due = web.clock.now.fromisoformat(f"{until[1]}T00:00:00+00:00")
    web.clock.now = due - timedelta(days=10)
    page = web.browser(QA).get(DESK)
    assert f"logger {cast.trip_logger}" in page.text
    assert "10 days left" in page.text
    web.clock.now = due + timedelta(days=2)
    page = web.browser(QA).get(path)
    assert "PAST ITS DATE: hold points refuse it" in page.text
    assert "2 days late" in page.text


def test_late_things_come_first(web):
    cast = cast_of(web, "good")
    web.clock.now = web.clock.now.replace(year=2027, month=1, day=15)
    text = web.browser(QA).get(f"{DESK}/of/logger").text
    assert text.rindex("days late") < text.index(cast.trip_logger.value), "what is in order comes after everything that is late"


def test_material_that_waits_for_its_release_is_released_in_place(web):
    moment = {"expires_at.date": "2027-01-01", "expires_at.time": "10:00:00", "expires_at.offset": "+08:00"}
    given = {"material": "MAT-99", "name": "Trypsin", "supplier": "S", "supplier_lot": "7", "certificate": "C-7", "animal_origin": "no"}
    page = inline(web.browser(OPERATOR), f"/acts/material_received?then={DESK}", given | moment)
    assert 'class="confirmation"' in page.html, page.text
    web.clock.advance(minutes=1)
    page = web.browser(QA).get(DESK)
    assert "not released, certificate C-7 Trypsin · S 7" in page.text
    path = f"{DESK}/material/MAT-99"
    assert f"{path}?act=material_released" in page.html
    page = inline(web.browser(QA), f"{path}?act=material_released", {})
    assert f'href="{path}">Back to' in page.html, page.text
    assert "MAT-99" not in web.browser(QA).get(DESK).text


def test_study_shows_its_documents_keys_and_the_review_of_accounts(looked_at):
    text = looked_at.signed_in(QA).get(f"{DESK}/study/NCT06505941").text
    assert "Consent form of donors" in text
    assert "Study version 1" in text
    assert "days left" in text or "days late" in text


def test_account_shows_training_and_leads_to_the_persons_page(looked_at):
    page = looked_at.signed_in(QA).get(f"{DESK}/account/{OPERATOR}")
    assert "Training" in page.text
    assert f'href="/people/{OPERATOR}"' in page.html


def test_what_cannot_be_done_now_says_why(looked_at, cast):
    text = looked_at.signed_in(PACKER).get(f"{DESK}/logger/{cast.trip_logger}").text
    assert "Temperature logger calibrated" in text
    assert "This is done by: QA reviewer" in text


@pytest.mark.parametrize("path", ["/of/lot", "/logger/UNKNOWN-1", "/lot/LOT-0001"])
def test_thing_that_is_unknown_or_not_of_this_desk_is_not_found(looked_at, path):
    assert looked_at.signed_in(QA).get(f"{DESK}{path}").code == 404


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("account", [QA, OPERATOR])
def test_pages_are_worded_in_both_languages(looked_at, cast, account, language):
    things = (f"logger/{cast.trip_logger}", f"shipper/{cast.shipper}", "study/NCT06505941")
    for path in (DESK, *(f"{DESK}/of/{kind}" for kind in KINDS), *(f"{DESK}/{thing}" for thing in things)):
        page = looked_at.signed_in(account, language).get(path)
        assert page.code == 200, page.text
        assert not re.search(r"\[[a-z_]+(\.[A-Za-z_]+)*\]", page.html), page.text


def approve(web, version, begins, *, ends="", review="2027-06-01", procedure="manufacturing", account=QA):
    """Approve a version of an SOP on the desk, and sign it."""
    days = {"effective_from": begins, "effective_until": ends, "review_due_on": review}
    given = {"procedure": procedure, "number": "SOP-017", "document_version": version, **days}
    page = inline(web.browser(account), f"/acts/document_approved?then={DESK}", given)
    web.clock.advance(minutes=1)
    return page


def register_of(web):
    return web.browser(QA).get(f"{DESK}/of/documents").text


def test_version_of_an_sop_supersedes_the_one_before_on_its_day(web):
    today = web.clock.now.date()
    assert 'class="confirmation"' in approve(web, "1.0", f"{today}").html
    assert 'class="confirmation"' in approve(web, "2.0", f"{today + timedelta(days=20)}").html
    text = register_of(web)
    assert re.search(r"SOP in force [^·]*: SOP-017 · 1\.0 · ", text), text
    assert "SOP to come into force" in text
    web.clock.advance(days=20)
    text = register_of(web)
    assert "SOP superseded" in text
    assert re.search(r"SOP in force [^·]*: SOP-017 · 2\.0 · ", text), text


def test_new_version_warns_people_before_it_blocks_them_and_training_names_it(web):
    today = web.clock.now.date()
    approve(web, "1.0", f"{today + timedelta(days=20)}")
    path = f"{DESK}/account/{OPERATOR}"
    page = web.browser(QA).get(path)
    assert "version 1.0 · due soon" in page.text
    assert "20 days left" in page.text
    given = {"account": OPERATOR, "procedure": "manufacturing", "passed_on": f"{today}", "valid_until": "2028-01-01"}
    trained = inline(web.browser(QA), f"{path}?act=training_recorded", given | {"document_version": "1.0"})
    assert 'class="confirmation"' in trained.html, trained.text
    web.clock.advance(days=21)
    page = web.browser(QA).get(path)
    assert "not trained" not in page.text
    assert "version 1.0" in page.text
    other = web.browser(QA).get(f"{DESK}/account/demo-verifier-one").text
    assert "version 1.0 · PAST ITS DATE: hold points refuse it" in other


def test_review_of_a_document_warns_on_the_desk_and_its_end_too(web):
    today = web.clock.now.date()
    approve(web, "1.0", f"{today}", ends=f"{today + timedelta(days=60)}", review=f"{today + timedelta(days=10)}")
    assert "Documents that end or are due for review" in web.browser(QA).get(DESK).text
    web.clock.advance(days=62)
    assert "SOP past its last day" in register_of(web)


def test_version_that_was_used_or_begins_before_the_last_is_refused(web):
    today = web.clock.now.date()
    approve(web, "1.0", f"{today}")
    assert "Version 1.0 was approved before" in approve(web, "1.0", f"{today + timedelta(days=9)}").text
    assert "must begin later" in approve(web, "1.1", f"{today}").text
    assert "It would end before it begins" in approve(web, "1.2", f"{today + timedelta(days=9)}", ends=f"{today}").text
    assert "SOP-017 · 1.1" not in register_of(web)


def test_withdrawn_version_stays_in_the_register(web):
    approve(web, "1.0", f"{web.clock.now.date()}")
    given = {"procedure": "manufacturing", "document_version": "1.0", "reason": "wrong pump setting"}
    page = inline(web.browser(QA), f"/acts/document_withdrawn?then={DESK}", given)
    assert 'class="confirmation"' in page.html, page.text
    assert "SOP withdrawn" in register_of(web)


def released(web):
    """What becomes of the release of a lot that waits for it."""
    browser = web.browser("demo-qp-one")
    page = browser.send(browser.get("/acts/released?about=lot:LOT-0004"), "/acts/released/review", {})
    return browser.send(page, "/acts/released", {"secret": SECRET})


def test_clock_that_ran_ahead_is_found_right_by_administrator_and_quality(web):
    """By then whatever the record has seen lies ahead, and every hold point answers CANNOT CHECK."""
    right = web.clock.now
    web.clock.now = right + timedelta(days=365)
    web.browser(ADMIN)
    web.clock.now = right + timedelta(minutes=1)
    stopped = released(web)
    assert "CANNOT CHECK" in stopped.text
    assert "administrator and quality sign that" in stopped.text
    browser = accept_policy(web.browser(ADMIN))
    values = {"compared_with": "clock of the laboratory", "reason": "a year ahead since the power failed"}
    page = inline(browser, "/acts/clock_set_right?about=site:A9991", values)
    assert "waiting for the second person" in page.text, page.text
    browser = web.browser(QA)
    link = re.search(r'href="(/proposals/site/[^"]+)"', browser.get("/waiting").html)[1]
    page = browser.send(browser.get(link), f"{link}/countersign", {"secret": SECRET})
    assert 'class="confirmation"' in page.html, page.text
    judged = released(web).text
    assert "CANNOT CHECK" not in judged
    assert "STOP" in judged, "that lot may not be released, and now the rules say so themselves"


def test_registers_count_in_days_of_the_readers_place(web):
    """Due on that day, and it is still that day in London: in Shanghai, where this facility is, the day is over (rules section 3)."""
    cast = cast_of(web, "good")
    path = f"{DESK}/logger/{cast.trip_logger}"
    until = re.search(r"until (\d{4}-\d\d-\d\d)", web.browser(QA).get(path).text)
    assert until
    last_day = web.clock.now.fromisoformat(f"{until[1]}T15:59:00+00:00")
    web.clock.now = last_day
    assert "PAST ITS DATE" not in web.browser(QA).get(path).text
    web.clock.now = last_day + timedelta(minutes=2)
    page = web.browser(QA).get(path)
    assert "PAST ITS DATE: hold points refuse it" in page.text
    assert "1 days late" in page.text or "1 day late" in page.text
