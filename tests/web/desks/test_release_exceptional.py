"""An exceptional release at the release desk: the five steps in their order, the failed result beside its limit, the release last."""

from custody.domain.acts.quality import ResultRecorded, ResultReviewed
from custody.domain.acts.release import ExceptionRequested, ReleasedExceptionally
from custody.domain.ids import LotId
from custody.store import entries
from custody.workflows.rehearsal.player import Player
from custody.workflows.rehearsal.steps import Step
from tests.web.at_the_desks import acts_of, cast_of
from tests.web.desks.test_quality_control import enter, inline
from tests.web.desks.test_release import reviewed

LOT = LotId("LOT-0004")
DOSE = "/desks/release/dose/DOSE-0001"
PHYSICIAN, QA, QC, QP, SPONSOR = "demo-physician-one", "demo-qa-one", "demo-qc-reviewer-one", "demo-qp-one", "demo-sponsor-one"


def sign(web, account, act, values, *, desk="release"):
    web.clock.advance(minutes=1)
    page = inline(web.browser(account), f"/desks/{desk}/dose/DOSE-0001?act={act}", values)
    assert 'class="confirmation"' in page.html, page.text


def play(web, account, act):
    """For an act whose form is not of this desk."""
    web.clock.advance(minutes=1)
    Player(web.store).play(Step(name=act.rule.name, at=web.clock.now, by=(account,), act=act))


def asked(web):
    """A viability of 75 % in the lot that is kept back, and a physician who asks for it."""
    enter(web, "75.0")
    with web.store.reading() as connection:
        stream = entries.load_streams(connection, [LOT.key])[LOT.key]
    failed = next(entry.digest for entry in reversed(stream) if isinstance(entry.act, ResultRecorded))
    play(web, QC, ResultReviewed(node=LOT, results=(failed,)))
    request = ExceptionRequested(
        dose=cast_of(web, "good").dose,
        participant=cast_of(web, "good").participant,
        lot=LOT,
        test="VIA",
        result=failed,
        hazard_if_not_treated="dies",
        alternatives_considered="none",
    )
    play(web, PHYSICIAN, request)


def test_dose_somebody_asked_for_stands_in_the_queue_with_the_failed_result_and_the_next_step(web):
    asked(web)
    queue = web.browser(QP).get("/desks/release").text
    assert "dose DOSE-0001 VIA of lot LOT-0004" in queue[queue.index("Exceptional release asked for") :]
    text = web.browser(QP).get(DOSE).text
    assert "VIA: 75.0 %, limit ≥ 80.0 %" in text
    assert "dies · none" in text
    assert "Exceptional release of one dose Not yet." in text


def exceptionally_released(web):
    """All five steps signed in their order, and the release."""
    asked(web)
    sign(web, QC, "exception_risk_evaluated", {"evaluation": "viable cells are enough"}, desk="quality-control")
    sign(web, QA, "exception_never_list_confirmed", {})
    sign(web, PHYSICIAN, "exception_accepted", {}, desk="allocation")
    assert "Exceptional release of one dose Not yet." in web.browser(QP).get(DOSE).text
    reviewed(web)
    sign(web, SPONSOR, "exception_sponsor_notified", {"authority_notice": "NMPA 2026-17"}, desk="allocation")
    form = web.browser(QP).get(f"{DOSE}?act=released_exceptionally").form("/acts/released_exceptionally/review")
    assert (form["lot"], form["test"]) == (["LOT-0004"], ["VIA"])
    sign(web, QP, "released_exceptionally", {})


def test_exceptional_release_is_signed_after_its_five_steps_and_names_exactly_the_failed_result(web):
    exceptionally_released(web)
    given = [act for act in acts_of(web, "dose:DOSE-0001") if isinstance(act, ReleasedExceptionally)]
    assert [(act.lot.value, act.test) for act in given] == [("LOT-0004", "VIA")]
    web.clock.advance(minutes=1)
    text = web.browser(QP).get(DOSE).text
    assert "The exceptional release has been signed." in text
    assert "Valid until" in text


def request_for(web, account, lot):
    """The physician's form, filled in and sent for review."""
    enter(web, "75.0")
    with web.store.reading() as connection:
        stream = entries.load_streams(connection, [LOT.key])[LOT.key]
    failed = next(entry.digest for entry in reversed(stream) if isinstance(entry.act, ResultRecorded))
    given = {"lot": lot, "test": "VIA", "result": failed.value, "hazard_if_not_treated": "dies", "alternatives_considered": "none"}
    given["participant"] = cast_of(web, "good").participant.value
    web.clock.advance(minutes=1)
    return inline(web.browser(account), "/desks/allocation/dose/DOSE-0001?act=exception_requested", given)


def test_physician_requests_a_lot_that_was_kept_back_from_their_site_and_finds_it_nowhere_else(web):
    physician = web.browser(PHYSICIAN)
    for path in (f"/things/lot/{LOT}", f"/certificates/lot/{LOT}", f"/symbols/lot/{LOT}.svg", f"/desks/quality-control/lot/{LOT}"):
        assert physician.get(path).code in {403, 404}, path
    page = request_for(web, PHYSICIAN, LOT.value)
    assert 'class="confirmation"' in page.html, page.text
    asked_for = [act for act in acts_of(web, "dose:DOSE-0001") if isinstance(act, ExceptionRequested)]
    assert [act.lot for act in asked_for] == [LOT]


def test_lot_nobody_made_cannot_be_requested(web):
    browser = web.browser(PHYSICIAN)
    form = browser.get("/desks/allocation/dose/DOSE-0001?act=exception_requested")
    page = browser.send(form, "/acts/exception_requested/review", {"lot": "LOT-9999", "test": "VIA"})
    assert page.code == 422
    assert "There is no lot LOT-9999" in page.text
