"""Passports, traces and search: what a person may know about one thing."""

import pytest

from custody.domain.acts.study import CohortOpened, CommitteeDecided
from custody.domain.ids import CohortId
from custody.domain.terms import Committee, CommitteeDecision, Role
from custody.workflows.door import unit_of_work
from custody.workflows.recording import record
from custody.workflows.rehearsal.steps import STUDY, people
from custody.workflows.signer import Signer


def test_passport_of_a_bag_says_first_who_has_it_since_when_and_what_is_next(web):
    text = web.browser("demo-qp-one").get("/things/bag/DEMO0001B0014").text
    top = text[text.index("With Demo University Hospital since") :]
    assert top.index("Next: Bag taken out of storage") < top.index("Bag filled") < top.index("Bag accepted into the hospital")


def test_gap_in_custody_is_drawn_as_an_event_with_its_length(web):
    page = web.browser("demo-qp-one").get("/things/bag/DEMO0003B001E")
    assert "with no custodian" in page.text
    assert '<li class="gap bad">' in page.html


def test_recalled_lot_says_so_on_its_own_passport_and_on_its_bags(web):
    browser = web.browser("demo-qp-one")
    assert "Recalled (RC-0001)" in browser.get("/things/lot/LOT-0005").text
    assert "Recalled (RC-0001): lot LOT-0005" in browser.get("/things/bag/DEMO0005B0018").text


def test_stop_stands_on_the_timeline_with_its_codes(web):
    browser = web.browser("demo-qp-one")
    review = browser.send(browser.get("/acts/released?about=lot:LOT-0004"), "/acts/released/review")
    browser.send(review, "/acts/released", {"secret": "demonstration"})
    text = browser.get("/things/lot/LOT-0004").text
    assert "STOP · G6 Release" in text
    assert "REL-" in text


def test_acts_that_may_come_next_are_those_of_the_person(web):
    qp = web.browser("demo-qp-one").get("/things/lot/LOT-0004").html
    nurse = web.browser("demo-nurse-one").get("/things/lot/LOT-0004").html
    assert "/acts/hold_placed?about=lot:LOT-0004" in qp
    assert "/acts/hold_placed" not in nurse


@pytest.mark.parametrize(
    "path",
    [
        "/things/bag/DEMO0009B0013",
        "/things/lot/NO-LOT",
        "/things/nokind/X",
        "/things/bag/xx",
        "/things/lot/NO-LOT/trace",
        "/things/bag/%E2%80%AE",
    ],
)
def test_thing_nobody_made_known_is_not_found(web, path):
    assert web.browser("demo-qp-one").get(path).code in {404, 422}


def test_trace_leads_from_the_donor_to_the_bags_and_back(web):
    browser = web.browser("demo-qp-one")
    forward = browser.get("/things/donation/A999926000001/trace").text
    assert "bag DEMO0001B0014" in forward
    assert "donation A999926000001" in browser.get("/things/bag/DEMO0001B0014/trace?direction=backward").text


@pytest.mark.parametrize(
    "typed", ["DEMO0001B0014", "demo0001b0014", "CU1:bag:DEMO0001B0014", "]Q1CU1:bag:DEMO0001B0014", "bag:DEMO0001B0014"]
)
def test_exact_number_or_symbol_opens_the_passport(web, typed):
    page = web.browser("demo-qp-one").get(f"/search?q={typed}")
    assert page.location == "/things/bag/DEMO0001B0014"


def test_beginning_of_a_number_lists_what_it_fits(web):
    page = web.browser("demo-qp-one").get("/search?q=DEMO0001B")
    assert page.code == 200
    assert "4 found" in page.text


def test_number_of_nothing_says_so(web):
    assert "Nothing was found for “zzz”" in web.browser("demo-qp-one").get("/search?q=zzz").text


def test_unreadable_symbol_is_said_to_be_one_and_kept(web):
    browser = web.browser("demo-qp-one")
    page = browser.get("/search?q=CU1:bag:")
    assert page.code == 422
    assert "There is a problem" in page.text
    assert "Scan refused" in web.browser("demo-admin-one").get("/things/account/demo-qp-one").text


def open_blinded_phase(web):
    def sign(account, role, act):
        person = people()[account]
        signer = Signer(account=person.account, role=role, site=person.site, study=STUDY, method="secret")
        with unit_of_work(web.store) as connection:
            record(connection, act, signer, web.clock())

    cohort = CohortId("P2")
    for committee in Committee:
        act = CommitteeDecided(study=STUDY, committee=committee, cohort=cohort, decision=CommitteeDecision.OPEN, document="D-1")
        sign("demo-board-one", Role.DATA_SAFETY_BOARD, act)
    sign("demo-sponsor-one", Role.SPONSOR, CohortOpened(study=STUDY, cohort=cohort))


@pytest.mark.parametrize("path", ["/things/lot/LOT-0001", "/things/lot/LOT-0001/trace"])
def test_hidden_thing_reads_like_an_unknown_one_and_the_attempt_is_kept(web, path):
    open_blinded_phase(web)
    nurse = web.browser("demo-nurse-one")
    hidden, unknown = nurse.get(path), nurse.get(path.replace("LOT-0001", "LOT-9999"))
    assert hidden.code == unknown.code == 404
    assert hidden.text.replace("LOT-0001", "") == unknown.text.replace("LOT-9999", "")
    assert "Access refused" in web.browser("demo-admin-one").get("/things/account/demo-nurse-one").text


def test_blinded_person_finds_no_lot_on_list_search_or_passport(web):
    open_blinded_phase(web)
    nurse = web.browser("demo-nurse-one")
    for path in ("/", "/search?q=LOT-0", "/things/bag/DEMO0001B0014", "/acts", "/waiting"):
        assert "LOT-000" not in nurse.get(path).html, path


def test_work_list_tells_what_moves_and_what_is_blocked_with_the_reason(web):
    text = web.browser("demo-qp-one").get("/").text
    blocked = text[text.index("Blocked") : text.index("Moving")]
    assert "bag DEMO0005B0018" in blocked
    assert "Recalled (RC-0001): lot LOT-0005" in blocked
    assert "Gap in the custody record" in blocked
    moving = text[text.index("Moving") :]
    assert "dose DOSE-0001" in moving
    assert "With the hospital" in moving
    assert "As of 2026-06-01 14:00:20 (UTC+8)" in text
