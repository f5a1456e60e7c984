"""The safety desk: from a reaction at the bed to the reports, late ones in sight, and the products behind an event."""

import re
from datetime import timedelta

import pytest

from custody.domain.acts import bedside as ward
from custody.domain.acts import safety
from custody.domain.acts.study import CohortOpened
from custody.domain.ids import AdverseEventId, CohortId
from custody.domain.terms import Expectedness, Relatedness, ReportRecipient, SafetyReport, Seriousness
from custody.workflows.rehearsal import bedside
from custody.workflows.rehearsal.player import Player
from custody.workflows.rehearsal.steps import STUDY, Script
from tests.web.at_the_desks import bring_to_the_bed
from tests.web.desks.test_quality_control import address, inline

DESK = "/desks/safety"
NURSE, PHYSICIAN, SPONSOR, OFFICER, BOARD = (
    "demo-nurse-one",
    "demo-physician-one",
    "demo-sponsor-one",
    "demo-safety-one",
    "demo-board-one",
)


class Ward:
    """An infusion that runs, and what is recorded after it began; the clock stands a minute after the last thing."""

    def __init__(self, web):
        self.web = web
        self.cast = bring_to_the_bed(web)
        self.who, self.dose = self.cast.participant, self.cast.dose
        self.script = Script((web.clock.now + timedelta(minutes=2)).replace(microsecond=0))
        bedside.start(self.script, self.cast)
        self.play()
        self.event = AdverseEventId("AE-1")

    def play(self):
        player = Player(self.web.store)
        for step in self.script.in_order():
            player.play(step)
            self.web.clock.now = step.at + timedelta(minutes=1)
        self.script.steps.clear()

    def do(self, act, by, *, hours=0.0):
        self.script.start = self.web.clock.now + timedelta(hours=hours)
        self.script.do(act, by)
        self.play()
        return self

    def reacts(self):
        seen = ward.ReactionRecorded(dose=self.dose, seen_at=self.web.clock.now, description="flush and wheeze")
        return self.do(seen, NURSE)

    def reported(self, seriousness=Seriousness.LIFE_THREATENING, **more):
        now = self.web.clock.now
        act = safety.AdverseEventReported(
            participant=self.who,
            event=self.event,
            description="circulatory shock",
            began_at=now,
            learned_at=now,
            seriousness=seriousness,
            ctcae_grade=4,
            dose=self.dose,
            **more,
        )
        return self.do(act, PHYSICIAN)

    def judged(self, by, related=Relatedness.POSSIBLE, seriousness=Seriousness.LIFE_THREATENING):
        act = safety.AdverseEventAssessed(
            participant=self.who,
            event=self.event,
            seriousness=seriousness,
            ctcae_grade=4,
            relatedness=related,
            expectedness=Expectedness.UNEXPECTED,
            reason="began during the infusion",
        )
        return self.do(act, by)

    def told(self):
        return self.do(safety.SponsorInformed(participant=self.who, event=self.event, informed_at=self.web.clock.now), SPONSOR)

    @property
    def sheet(self):
        return f"{DESK}/participant/{self.who.value}"


@pytest.fixture
def at_ward(web):
    return Ward(web)


def test_reaction_at_the_bed_offers_its_report_with_what_is_known_filled_in(web, at_ward):
    at_ward.reacts()
    running = web.browser(NURSE).get(f"/bedside/{at_ward.dose}")
    assert "flush and wheeze" in running.text
    there = address(running, "Report as adverse event")
    form = web.browser(NURSE).get(there).form("/acts/adverse_event_reported/review")
    assert form["description"] == ["flush and wheeze"]
    assert form["dose"] == [at_ward.dose.value]
    assert form["event"] == ["AE-1"]
    done = inline(web.browser(NURSE), there, {"seriousness": "not_known", "ctcae_grade": "3"})
    assert f'href="{at_ward.sheet}">Back to' in done.html, done.text
    page = web.browser(NURSE).get(DESK)
    assert "not yet reported" not in page.text, "a reaction with a report waits no longer"
    assert "Not known yet" in page.text


def test_unreported_reaction_waits_on_the_desk(web, at_ward):
    at_ward.reacts()
    page = web.browser(PHYSICIAN).get(DESK)
    assert "Reactions at the bed, not yet reported as adverse events" in page.text
    assert "flush and wheeze" in page.text


def test_serious_event_asks_for_the_sponsor_first_with_the_time_left(web, at_ward):
    at_ward.reported()
    page = web.browser(PHYSICIAN).get(DESK)
    assert "Site tells the sponsor" in page.text
    assert "act=sponsor_informed" in page.html
    done = inline(web.browser(PHYSICIAN), address(page, "Sponsor informed of an adverse event"), {})
    assert 'class="confirmation"' in done.html, done.text
    sheet = web.browser(PHYSICIAN).get(at_ward.sheet)
    assert "Site tells the sponsor done in time" in sheet.text
    assert "First report: Regulator still to do" in sheet.text


def test_clock_stands_on_the_work_list_of_everybody_who_owes_something(web, at_ward):
    at_ward.reported()
    for account in (PHYSICIAN, SPONSOR, OFFICER, BOARD):
        text = web.browser(account).get("/").text
        assert "Safety clocks" in text, account
        assert "Site tells the sponsor" in text, account
    assert "Safety clocks" not in web.browser("demo-operator-one").get("/").text


def test_overdue_alert_is_named_first_and_stays_late_after_it_was_sent(web, at_ward):
    at_ward.reported()
    web.clock.advance(hours=24)
    sheet = web.browser(PHYSICIAN).get(at_ward.sheet)
    assert "Reports are overdue: 1" in sheet.text
    assert "Site tells the sponsor OVERDUE" in sheet.text
    at_ward.told()
    assert "Site tells the sponsor done LATE" in web.browser(PHYSICIAN).get(at_ward.sheet).text


def test_report_goes_to_the_recipient_whose_clock_runs_out_first(web, at_ward):
    at_ward.reported().told().judged(PHYSICIAN).judged(SPONSOR)
    page = web.browser(OFFICER).get(DESK)
    there = address(page, "Safety report submitted")
    assert "report=initial" in there
    assert "recipient=regulator" in there
    done = inline(web.browser(OFFICER), there, {"document": "NMPA-1"})
    assert 'class="confirmation"' in done.html, done.text
    assert "First report: Regulator done in time" in web.browser(OFFICER).get(at_ward.sheet).text
    assert "Further report: Regulator still to do" in web.browser(OFFICER).get(at_ward.sheet).text


def test_event_both_sides_call_unrelated_needs_no_report(web, at_ward):
    at_ward.reported().told()
    at_ward.judged(PHYSICIAN, Relatedness.NOT_RELATED).judged(SPONSOR, Relatedness.NOT_RELATED)
    text = web.browser(OFFICER).get(at_ward.sheet).text
    assert "First report" not in text
    assert "not related" in text


def test_sheet_shows_the_assessment_of_each_side_with_its_name(web, at_ward):
    at_ward.reported().told().judged(PHYSICIAN).judged(SPONSOR, seriousness=Seriousness.NOT_SERIOUS)
    text = web.browser(BOARD).get(at_ward.sheet).text
    assert "Investigator's assessment" in text
    assert "Sponsor's assessment" in text
    assert "began during the infusion" in text
    assert "AE-1 Life-threatening · CTCAE grade 4 · unexpected · may be related" in text, "the graver of both counts"


def test_act_somebody_may_not_begin_says_who_may(web, at_ward):
    at_ward.reported()
    page = web.browser(NURSE).get(f"{at_ward.sheet}?act=safety_report_submitted")
    assert "Safety officer" in page.text
    assert 'action="/acts/safety_report_submitted/review"' not in page.html


def test_event_leads_to_dose_bags_and_lot_and_each_of_them_back(web, at_ward):
    at_ward.reported()
    page = web.browser(OFFICER).get(at_ward.sheet)
    lot, bag = at_ward.cast.lot, at_ward.cast.dose_bags[0]
    for node in (at_ward.dose, bag, lot):
        assert f"{DESK}/{node.kind}/{node.value}" in page.html
        assert "AE-1" in web.browser(OFFICER).get(f"{DESK}/{node.kind}/{node.value}").text


def test_donation_leads_to_its_events_and_never_to_a_participant(web, at_ward):
    at_ward.reported()
    page = web.browser(OFFICER).get(f"{DESK}/donation/{at_ward.cast.donation.value}")
    assert page.code == 200
    assert "AE-1" in page.text
    assert at_ward.dose.value in page.text
    assert at_ward.who.value not in page.html
    assert at_ward.cast.donation.value not in web.browser(OFFICER).get(at_ward.sheet).html


def test_blinded_investigator_sees_the_event_and_not_the_lot(web, at_ward):
    at_ward.reported().do(CohortOpened(study=STUDY, cohort=CohortId("P2")), SPONSOR)
    page = web.browser(PHYSICIAN).get(at_ward.sheet)
    assert page.code == 200
    assert "circulatory shock" in page.text
    assert at_ward.cast.lot.value not in page.html
    for node in (at_ward.cast.lot, at_ward.cast.donation):
        assert web.browser(PHYSICIAN).get(f"{DESK}/{node.kind}/{node.value}").code == 404


def test_passport_of_participant_and_dose_carry_the_event(web, at_ward):
    at_ward.reported()
    assert "circulatory shock" in web.browser(OFFICER).get(f"/things/participant/{at_ward.who.value}").text
    assert "AE-1" in web.browser(OFFICER).get(f"/things/dose/{at_ward.dose.value}").text


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"ctcae_grade": "6"}, "A CTCAE grade is 1 to 5, not 6."),
        ({"event": "AE-1"}, "Adverse event AE-1 was reported before"),
    ],
)
def test_report_that_contradicts_the_record_is_refused_in_words(web, at_ward, values, said):
    at_ward.reported()
    now = web.clock.now + timedelta(hours=8)
    times = {
        f"{field}.{part}": value
        for field in ("began_at", "learned_at")
        for part, value in (("date", f"{now:%Y-%m-%d}"), ("time", f"{now:%H:%M:%S}"), ("offset", "+08:00"))
    }
    fields = {"description": "again", "seriousness": "not_serious", "ctcae_grade": "2", **times, **values}
    browser = web.browser(PHYSICIAN)
    page = browser.get(f"{at_ward.sheet}?act=adverse_event_reported")
    page = browser.send(page, "/acts/adverse_event_reported/review", fields)
    if said not in page.text:
        page = browser.send(page, "/acts/adverse_event_reported", {"secret": "demonstration"})
    assert said in page.text


def test_safety_pages_read_in_chinese(web, at_ward):
    at_ward.reacts().reported().told().judged(PHYSICIAN)
    report = safety.SafetyReportSubmitted(
        participant=at_ward.who,
        event=at_ward.event,
        report=SafetyReport.INITIAL,
        recipient=ReportRecipient.REGULATOR,
        submitted_at=web.clock.now,
        document="NMPA-1",
    )
    at_ward.do(report, OFFICER)
    for path in (DESK, at_ward.sheet, f"{DESK}/lot/{at_ward.cast.lot.value}"):
        for language in ("en", "zh"):
            page = web.signed_in(OFFICER, language).get(path)
            assert page.code == 200
            assert not re.search(r"\[[a-z_]+(\.[A-Za-z_]+)*\]", page.html)
            assert ("不良事件" in page.text) is (language == "zh")
