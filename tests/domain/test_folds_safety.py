"""Adverse events: who judges what, day 0, and every clock of the rules to the second and the calendar day."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from custody.domain.acts import bedside, safety
from custody.domain.folds.base import MissingFact
from custody.domain.folds.safety import SafetyEvent, end_of_day, events_of, unreported_reactions
from custody.domain.ids import AdverseEventId
from custody.domain.terms import EventOutcome, Expectedness, Relatedness, ReportRecipient, SafetyReport, Seriousness
from custody.workflows.rehearsal.steps import STUDY, Step

SHANGHAI, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")
AE = AdverseEventId("AE-1")
DOCTOR, SPONSOR, OFFICER, NURSE = "demo-physician-one", "demo-sponsor-one", "demo-safety-one", "demo-nurse-one"
LEARNED = datetime(2026, 6, 16, 15, 0, tzinfo=UTC)  # 23:00 on the 16th in Shanghai
SECOND = timedelta(seconds=1)
RELATED, NOT_RELATED = Relatedness.POSSIBLE, Relatedness.NOT_RELATED
EXPECTED, UNEXPECTED = Expectedness.EXPECTED, Expectedness.UNEXPECTED


class Events:
    """Events of the participant of the valid chain, after its dose."""

    def __init__(self, chain):
        self.chain, self.who = chain, chain.cast.participant

    def put(self, cls, by, at, **fields):
        act = cls(participant=self.who, event=AE, **fields)
        self.chain.steps.append(Step(name=cls.rule.name, at=at, by=(by,), act=act))

    def reported(self, seriousness=Seriousness.DEATH, grade=3, at=LEARNED, **fields):
        values = {"description": "shock", "began_at": LEARNED, "learned_at": LEARNED, "dose": self.chain.cast.dose, **fields}
        self.put(safety.AdverseEventReported, DOCTOR, at, seriousness=seriousness, ctcae_grade=grade, **values)
        return self

    def told(self, at, by=SPONSOR, recorded_at=None):
        self.put(safety.SponsorInformed, by, recorded_at or at, informed_at=at)
        return self

    def judged(self, by, seriousness=Seriousness.DEATH, related=RELATED, expected=UNEXPECTED, at=LEARNED + timedelta(hours=1), grade=3):
        self.put(
            safety.AdverseEventAssessed,
            by,
            at,
            seriousness=seriousness,
            ctcae_grade=grade,
            relatedness=related,
            expectedness=expected,
            reason="seen",
        )
        return self

    def sent(self, at, recipient=ReportRecipient.REGULATOR, report=SafetyReport.INITIAL, recorded_at=None):
        self.put(
            safety.SafetyReportSubmitted,
            OFFICER,
            recorded_at or at,
            report=report,
            recipient=recipient,
            submitted_at=at,
            document="R-1",
        )
        return self

    def followed(self, outcome, at=LEARNED + timedelta(hours=2)):
        self.put(safety.AdverseEventFollowedUp, DOCTOR, at, seen_at=at, outcome=outcome, description="seen again")
        return self

    def closed(self, at):
        self.put(safety.AdverseEventClosed, DOCTOR, at, conclusion="over")
        return self

    @property
    def fold(self):
        return SafetyEvent(self.chain.played().dossier(self.who, STUDY), self.who, AE)

    def clock(self, kind, recipient=None, zone=SHANGHAI):
        (found,) = [c for c in self.fold.clocks(zone) if (c.kind, c.recipient) == (kind, recipient)]
        return found


@pytest.fixture
def events(chain):
    return Events(chain)


def kinds(fold):
    return [clock.kind for clock in fold.clocks(SHANGHAI)]


def test_event_nobody_reported_is_missing(events):
    with pytest.raises(MissingFact, match="adverse_event"):
        _ = events.fold.reported


def test_event_that_is_not_serious_has_no_clock(events):
    fold = events.reported(Seriousness.NOT_SERIOUS).fold
    assert kinds(fold) == []
    assert fold.due(SHANGHAI, LEARNED) is None


def test_serious_event_is_told_to_the_sponsor_within_24_hours_to_the_second(events):
    clock = events.reported().clock("sponsor")
    until = LEARNED + timedelta(hours=24)
    assert clock.until == until
    assert clock.state(until - SECOND) == "open"
    assert clock.state(until) == "overdue"


@pytest.mark.parametrize(("after", "state"), [(timedelta(hours=24) - SECOND, "done"), (timedelta(hours=24), "done_late")])
def test_sponsor_told_in_time_or_late_stays_visible(events, after, state):
    clock = events.reported().told(LEARNED + after).clock("sponsor")
    assert clock.state(LEARNED + timedelta(days=90)) == state


def test_clock_of_the_site_runs_from_what_it_learned_and_never_from_the_future(events):
    events.reported(learned_at=LEARNED + timedelta(days=3), at=LEARNED)
    assert events.clock("sponsor").began_at == LEARNED


@pytest.mark.parametrize(
    ("seriousness", "days"),
    [
        (Seriousness.DEATH, 7),
        (Seriousness.LIFE_THREATENING, 7),
        (Seriousness.NOT_KNOWN, 7),
        (Seriousness.HOSPITALISATION, 15),
        (Seriousness.DISABILITY, 15),
        (Seriousness.CONGENITAL_ANOMALY, 15),
        (Seriousness.MEDICALLY_IMPORTANT, 15),
    ],
)
@pytest.mark.parametrize("recipient", ReportRecipient)
def test_unexpected_serious_event_is_reported_within_its_calendar_days(events, seriousness, days, recipient):
    day_0 = LEARNED + timedelta(minutes=30)  # 23:30 of the 16th in Shanghai
    clock = events.reported(seriousness).told(day_0).clock("initial", recipient)
    first_after = {7: datetime(2026, 6, 24, tzinfo=SHANGHAI), 15: datetime(2026, 7, 2, tzinfo=SHANGHAI)}[days]
    assert clock.began_at == day_0
    assert clock.until == first_after
    assert clock.state(first_after - SECOND) == "open"
    assert clock.state(first_after) == "overdue"


def test_day_0_is_the_calendar_day_of_the_site_and_not_of_greenwich(events):
    events.reported().told(datetime(2026, 6, 16, 16, 0, tzinfo=UTC))  # midnight: already the 17th in Shanghai
    assert events.clock("initial", ReportRecipient.REGULATOR).until == datetime(2026, 6, 25, tzinfo=SHANGHAI)
    assert events.clock("initial", ReportRecipient.REGULATOR, NEW_YORK).until == datetime(2026, 6, 24, tzinfo=NEW_YORK)


def test_days_end_at_midnight_across_a_change_to_winter_time():
    day_0 = datetime(2026, 10, 28, 12, tzinfo=NEW_YORK)
    assert end_of_day(day_0, 7, NEW_YORK) == datetime(2026, 11, 5, 5, tzinfo=UTC)


def test_report_clocks_wait_for_day_0(events):
    clock = events.reported().clock("initial", ReportRecipient.REGULATOR)
    assert (clock.until, clock.state(LEARNED + timedelta(days=60))) == (None, "waiting")


def test_day_0_is_the_sponsors_first_knowledge_however_it_is_known(events):
    events.reported().told(LEARNED + timedelta(hours=9), by=DOCTOR).told(LEARNED + timedelta(hours=5))
    assert events.fold.sponsor_knew_at == LEARNED + timedelta(hours=5)


def test_whatever_the_sponsors_people_record_proves_that_the_sponsor_knew(events):
    events.reported().judged(OFFICER, at=LEARNED + timedelta(hours=2)).told(LEARNED + timedelta(hours=30))
    assert events.fold.sponsor_knew_at == LEARNED + timedelta(hours=2)


def test_knowledge_dated_after_its_entry_counts_from_the_entry(events):
    events.reported().told(LEARNED + timedelta(days=4), recorded_at=LEARNED + timedelta(hours=1))
    assert events.fold.sponsor_knew_at == LEARNED + timedelta(hours=1)


def test_further_report_to_the_regulator_is_due_within_the_next_8_days(events):
    clock = events.reported().told(LEARNED).clock("follow_up", ReportRecipient.REGULATOR)
    assert clock.until == datetime(2026, 7, 2, tzinfo=SHANGHAI)
    assert kinds(events.fold).count("follow_up") == 1


def test_only_a_fatal_or_life_threatening_event_needs_the_further_report(events):
    assert "follow_up" not in kinds(events.reported(Seriousness.DISABILITY).told(LEARNED).fold)


def test_report_counts_for_the_recipient_and_the_kind_it_was(events):
    at = LEARNED + timedelta(days=1)
    events.reported().told(LEARNED).sent(at, ReportRecipient.ETHICS_COMMITTEE).sent(at, report=SafetyReport.FOLLOW_UP)
    assert events.clock("initial", ReportRecipient.ETHICS_COMMITTEE).done_at == at
    assert events.clock("initial", ReportRecipient.REGULATOR).done_at is None
    assert events.clock("follow_up", ReportRecipient.REGULATOR).done_at == at


def test_report_dated_after_its_entry_was_not_sent(events):
    at = LEARNED + timedelta(days=1)
    events.reported().told(LEARNED).sent(at + SECOND, recorded_at=at)
    assert events.clock("initial", ReportRecipient.REGULATOR).done_at is None


@pytest.mark.parametrize(("offset", "state"), [(-SECOND, "done"), (timedelta(0), "done_late")])
def test_late_report_is_late_for_ever(events, offset, state):
    at = datetime(2026, 6, 24, tzinfo=SHANGHAI) + offset
    clock = events.reported().told(LEARNED).sent(at).clock("initial", ReportRecipient.REGULATOR)
    assert clock.state(at + timedelta(days=365)) == state


@pytest.mark.parametrize(
    ("by_investigator", "by_sponsor", "runs"),
    [
        (None, None, True),
        (EXPECTED, None, True),
        (EXPECTED, UNEXPECTED, True),
        (UNEXPECTED, EXPECTED, False),
        (EXPECTED, EXPECTED, False),
    ],
)
def test_only_the_sponsor_says_that_an_event_is_expected(events, by_investigator, by_sponsor, runs):
    events.reported().told(LEARNED)
    for who, said in ((DOCTOR, by_investigator), (SPONSOR, by_sponsor)):
        if said is not None:
            events.judged(who, expected=said)
    assert ("initial" in kinds(events.fold)) is runs


@pytest.mark.parametrize(
    ("by_investigator", "by_sponsor", "runs"),
    [
        (NOT_RELATED, None, True),
        (None, NOT_RELATED, True),
        (RELATED, NOT_RELATED, True),
        (NOT_RELATED, RELATED, True),
        (NOT_RELATED, NOT_RELATED, False),
    ],
)
def test_neither_side_overrules_the_suspicion_of_the_other(events, by_investigator, by_sponsor, runs):
    events.reported().told(LEARNED)
    for who, said in ((DOCTOR, by_investigator), (OFFICER, by_sponsor)):
        if said is not None:
            events.judged(who, related=said)
    assert ("initial" in kinds(events.fold)) is runs


@pytest.mark.parametrize(
    ("first", "by_investigator", "by_sponsor", "stands"),
    [
        (Seriousness.DEATH, Seriousness.NOT_SERIOUS, None, Seriousness.NOT_SERIOUS),
        (Seriousness.NOT_SERIOUS, None, Seriousness.LIFE_THREATENING, Seriousness.LIFE_THREATENING),
        (Seriousness.NOT_SERIOUS, Seriousness.DISABILITY, Seriousness.NOT_SERIOUS, Seriousness.DISABILITY),
        (Seriousness.NOT_KNOWN, None, Seriousness.NOT_SERIOUS, Seriousness.NOT_KNOWN),
        (Seriousness.NOT_KNOWN, None, Seriousness.DISABILITY, Seriousness.NOT_KNOWN),
        (Seriousness.NOT_KNOWN, Seriousness.NOT_SERIOUS, None, Seriousness.NOT_SERIOUS),
    ],
)
def test_graver_of_both_sides_counts_and_what_nobody_knows_counts_as_grave(events, first, by_investigator, by_sponsor, stands):
    events.reported(first)
    for who, said in ((DOCTOR, by_investigator), (SPONSOR, by_sponsor)):
        if said is not None:
            events.judged(who, said)
    assert events.fold.seriousness is stands


def test_death_at_follow_up_or_by_its_grade_is_death(events):
    assert events.reported(Seriousness.NOT_SERIOUS).followed(EventOutcome.FATAL).fold.seriousness is Seriousness.DEATH


def test_grade_5_is_death(events):
    assert events.reported(Seriousness.NOT_SERIOUS, grade=5).fold.seriousness is Seriousness.DEATH


def test_closing_stands_until_something_more_is_learned(events):
    events.reported().closed(LEARNED + timedelta(hours=3))
    assert events.fold.closed is not None
    events.followed(EventOutcome.NOT_RECOVERED, LEARNED + timedelta(hours=4))
    assert events.fold.closed is None


def test_closing_hides_no_clock(events):
    events.reported().told(LEARNED).closed(LEARNED + timedelta(hours=3))
    due = events.fold.due(SHANGHAI, LEARNED + timedelta(days=30))
    assert due is not None
    assert due.state(LEARNED + timedelta(days=30)) == "overdue"


def test_what_runs_out_first_is_due_first(events):
    events.reported()
    assert events.fold.due(SHANGHAI, LEARNED).kind == "sponsor"
    events.told(LEARNED)
    assert events.fold.due(SHANGHAI, LEARNED).kind == "initial"


def test_events_of_a_participant_keep_apart(events):
    events.reported().closed(LEARNED + timedelta(hours=1))
    other = dataclasses.replace(events.chain.steps[-2].act, event=AdverseEventId("AE-2"), seriousness=Seriousness.NOT_SERIOUS)
    at = LEARNED + timedelta(hours=2)
    events.chain.steps.append(Step(name="adverse_event_reported", at=at, by=(NURSE,), act=other))
    first, second = events_of(events.fold.dossier, events.who)
    assert (first.event, second.event) == (AE, AdverseEventId("AE-2"))
    assert first.closed is not None
    assert second.closed is None
    assert not second.is_serious


def test_report_of_a_given_dose_stands_in_the_stream_of_the_dose(events):
    dose = events.chain.cast.dose
    events.reported()
    written = events.chain.played().dossier(dose, STUDY).deeds(dose, safety.DoseEventReported)
    assert [(deed.act.event, deed.act.participant) for deed in written] == [(AE, events.who)]


def test_reaction_at_the_bed_waits_until_an_event_names_it(events):
    dose = events.chain.cast.dose
    seen = bedside.ReactionRecorded(dose=dose, seen_at=LEARNED, description="wheeze")
    events.chain.steps.append(Step(name="reaction_recorded", at=LEARNED, by=(NURSE,), act=seen))
    dossier = events.chain.played().dossier(dose, events.who, STUDY)
    (waiting,) = unreported_reactions(dossier, events.who, dose)
    events.reported(reaction=waiting.digest)
    after = events.chain.played().dossier(dose, events.who, STUDY)
    assert unreported_reactions(after, events.who, dose) == ()
