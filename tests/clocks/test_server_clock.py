"""The server's clock jumps: what the record has seen of time is never unseen, and nothing that has expired becomes good again.

Everything goes through the real workflows at a bed, by a clock that the tests set.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import select

from custody.domain.acts.bedside import BedsideScanned, FitToInfuseSigned
from custody.domain.acts.people import SignaturePolicyAccepted
from custody.domain.acts.study import ClockSetRight
from custody.domain.ids import AccountId, SiteId
from custody.domain.terms import Answer
from custody.errors import NotPermittedError
from custody.store import sessions
from custody.store.period import digests_between
from custody.store.tables import entry
from custody.store.verification import verify
from custody.workflows import bedside
from custody.workflows.drill.roads import CAST, START, road
from custody.workflows.refusals import access_refused
from custody.workflows.rehearsal.bedside import NURSES, PHYSICIAN, scans
from custody.workflows.rehearsal.editing import step_of
from custody.workflows.rehearsal.steps import STUDY
from tests.workflows.desk import BEDSIDE, account

BAG = CAST.dose_bags[0]
STARTED = step_of(road(), "infusion_started").act
THAWED_AT = step_of(road(), "bag_preparation_started").at
EXPIRY = THAWED_AT + timedelta(hours=3)
LAST_START = EXPIRY - timedelta(minutes=60)
SCANNED = BedsideScanned(dose=CAST.dose, scans=scans(CAST, BAG))
SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))
ALARMS_FROM = 2 * MINUTE


@pytest.fixture
def bed(desk_at):
    return desk_at(BEDSIDE)


def patient_is_ready(bed, at):
    """Vital signs and the physician's signature by the clock as it stands."""
    vitals = step_of(road(), "vitals_recorded").act
    assert bed.record(replace(vitals, measured_at=at), NURSES[0], at).kind == "recorded"
    fit = FitToInfuseSigned(dose=CAST.dose, alive=Answer.YES, still_eligible=Answer.YES, stable=Answer.YES)
    assert bed.record(fit, PHYSICIAN, at).kind == "recorded"


def checked(bed, at):
    """Both nurses scan by the clock as it stands; the word of the verdict and its codes."""
    for nurse in NURSES:
        assert bed.record(SCANNED, nurse, at).kind == "recorded"
    with bed.store.writing() as connection:
        found = bedside.check(connection, CAST.dose, bed.signer(NURSES[1], SCANNED), at)
    return found.verdict.word, found.verdict.codes


def both_sign(bed, at):
    """Both nurses sign the start by the clock as it stands: what became of it."""
    act = replace(STARTED, started_at=at)
    outcome = bed.record(act, NURSES[0], at)
    return outcome if outcome.kind != "waiting" else bed.countersign(act, NURSES[1], at, answers=act)


def recorded_times(bed):
    with bed.store.reading() as connection:
        return list(connection.execute(select(entry.c.recorded_at).order_by(entry.c.id)).scalars())


def is_whole(bed):
    with bed.store.reading() as connection:
        return verify(connection, checkpoint=None).faults == ()


# ── set back ──


@pytest.mark.parametrize("back", [SECOND, ALARMS_FROM - SECOND, ALARMS_FROM + SECOND, HOUR, DAY])
def test_dose_that_was_too_late_never_becomes_good_by_a_clock_that_is_set_back(bed, back):
    """The record has seen the moment after which nothing may be started; then the clock says that it is yet to come."""
    late = LAST_START + SECOND
    patient_is_ready(bed, late)
    word, codes = checked(bed, late)
    assert (word, codes) == ("STOP", ("BAG-EXP",))
    at = late - back
    patient_is_ready(bed, at)
    word, codes = checked(bed, at)
    assert (word, set(codes)) == (("STOP", {"BAG-EXP"}) if back <= ALARMS_FROM else ("CANNOT CHECK", {"SYS-CLOCK"}))
    assert both_sign(bed, at).kind == ("stopped" if back <= ALARMS_FROM else "cannot_check")
    assert is_whole(bed)


def something_else_is_recorded(bed, at):
    """Somebody far from this bed is turned away, and that is kept as evidence."""
    by = bed.entries(account("demo-carrier-one"))[-1].by
    with bed.store.writing() as connection:
        access_refused(connection, by, STUDY, what="/lots", refusal="not for this role", now=at)


@pytest.mark.parametrize("back", [90 * SECOND, HOUR, DAY])
def test_what_others_record_by_the_clock_that_was_set_back_does_not_make_it_right(bed, back):
    """Only elsewhere has the record seen how late it is; then something is recorded by the wrong clock, and that stands last."""
    something_else_is_recorded(bed, LAST_START + SECOND)
    at = LAST_START + SECOND - back
    something_else_is_recorded(bed, at)
    patient_is_ready(bed, at)
    word, codes = checked(bed, at)
    assert (word, set(codes)) == (("STOP", {"BAG-EXP"}) if back <= ALARMS_FROM else ("CANNOT CHECK", {"SYS-CLOCK"}))
    assert both_sign(bed, at).kind == ("stopped" if back <= ALARMS_FROM else "cannot_check")


@pytest.mark.parametrize("back", [SECOND / 1000, SECOND, 90 * SECOND])
def test_clock_that_is_put_right_by_a_little_stops_no_good_dose(bed, back):
    something_else_is_recorded(bed, START)
    at = START - back
    assert checked(bed, at) == ("GO", ())
    assert both_sign(bed, at).kind == "recorded"
    assert is_whole(bed)


def test_second_that_comes_twice_loses_no_scan_and_no_signature(bed):
    """A leap second, as most servers show it: everything at one bed happens at the very same time."""
    at = START + SECOND
    assert checked(bed, at) == ("GO", ())
    assert both_sign(bed, at).kind == "recorded"


@pytest.mark.parametrize("ahead", [10 * MINUTE, HOUR, DAY])
def test_after_a_jump_ahead_nothing_is_judged_until_the_clock_comes_there_again(bed, ahead):
    something_else_is_recorded(bed, START + ahead)
    for at in (START, START + ahead - ALARMS_FROM - SECOND):
        assert checked(bed, at) == ("CANNOT CHECK", ("SYS-CLOCK",))
        something_else_is_recorded(bed, at)
    assert both_sign(bed, START).kind == "cannot_check"
    if ahead == 10 * MINUTE:
        patient_is_ready(bed, START + ahead)
        assert checked(bed, START + ahead) == ("GO", ())


# ── found right again ──

SITE = SiteId("A9991")
RIGHT_AGAIN = ClockSetRight(site=SITE, compared_with="clock of the laboratory", reason="a day ahead since the server was started")
ADMINISTRATOR, QUALITY, OTHER = "demo-admin-one", "demo-qa-one", "demo-carrier-one"


def first_signs(bed, at):
    accepted = SignaturePolicyAccepted(account=account(ADMINISTRATOR), policy_version="1")
    assert bed.record(accepted, ADMINISTRATOR, at).kind == "recorded"
    assert bed.record(RIGHT_AGAIN, ADMINISTRATOR, at).kind == "waiting"


def found_right(bed, at):
    """Administrator and quality sign it, by the clock as it stands."""
    first_signs(bed, at)
    return bed.countersign(RIGHT_AGAIN, QUALITY, at + SECOND)


@pytest.mark.parametrize("ahead", [HOUR, 365 * DAY])
def test_two_people_sign_that_a_clock_which_was_ahead_is_right_and_doses_are_judged_again(bed, ahead):
    something_else_is_recorded(bed, START + ahead)
    assert checked(bed, START) == ("CANNOT CHECK", ("SYS-CLOCK",))
    assert found_right(bed, START).kind == "recorded"
    assert checked(bed, START + 2 * SECOND) == ("GO", ())
    assert both_sign(bed, START + 3 * SECOND).kind == "recorded"
    assert is_whole(bed)


def test_one_person_alone_does_not_begin_the_times_anew(bed):
    something_else_is_recorded(bed, START + DAY)
    first_signs(bed, START)
    with pytest.raises(NotPermittedError):
        bed.countersign(RIGHT_AGAIN, ADMINISTRATOR, START + SECOND)
    assert checked(bed, START + 2 * SECOND) == ("CANNOT CHECK", ("SYS-CLOCK",))


def test_who_acted_while_the_clock_was_ahead_is_no_obstacle_afterwards(bed):
    """A nurse was turned away somewhere meanwhile: that stands in her own stream with a time that has not come."""
    with bed.store.writing() as connection:
        access_refused(connection, bed.entries(account(NURSES[0]))[-1].by, STUDY, what="/lots", refusal="no role", now=START + DAY)
    assert found_right(bed, START).kind == "recorded"
    assert checked(bed, START + 2 * SECOND) == ("GO", ())


def test_dose_that_expired_by_the_right_clock_stays_expired(bed):
    something_else_is_recorded(bed, LAST_START + DAY)
    at = LAST_START + SECOND
    assert found_right(bed, at).kind == "recorded"
    patient_is_ready(bed, at + 2 * SECOND)
    assert checked(bed, at + 2 * SECOND) == ("STOP", ("BAG-EXP",))


def test_times_run_backwards_where_two_people_have_signed_it_and_nowhere_else(bed):
    something_else_is_recorded(bed, START + DAY)
    found_right(bed, START)
    something_else_is_recorded(bed, START + MINUTE)
    times = recorded_times(bed)
    assert [n for n, (earlier, later) in enumerate(pairwise(times)) if later < earlier] == [len(times) - 3]


def test_audit_trail_of_a_period_finds_what_was_recorded_before_and_after_the_clock_was_found_right(bed):
    something_else_is_recorded(bed, START + DAY)
    found_right(bed, START)
    something_else_is_recorded(bed, START + MINUTE)
    with bed.store.reading() as connection:
        wrong = digests_between(connection, START + DAY, START + DAY + HOUR, account=None, before=None, limit=9)
        right = digests_between(connection, START + SECOND, START + HOUR, account=AccountId(OTHER), before=None, limit=9)
        newest = len(recorded_times(bed))
    assert [number for number, _ in wrong] == [newest - 2, newest - 3, newest - 4], "recorded ahead, and signed by the first of two"
    assert [number for number, _ in right] == [newest]


def test_sessions_that_began_while_the_clock_was_ahead_end_when_it_is_found_right(bed):
    """Otherwise they would last until that day, however short a session is meant to be."""
    places = {}
    with bed.store.writing() as connection:
        for who, begun in (("before", START - HOUR), ("ahead", START + DAY)):
            opened, bench = sessions.open_bench(connection, AccountId(OTHER), station="desk", now=begun, lasts_at_most=HOUR * 12)
            token, session = sessions.open_session(
                connection, AccountId(OTHER), station="desk", now=begun, lasts_at_most=HOUR * 12, bench=bench
            )
            sessions.secret_given(connection, session, now=begun)
            places[who] = (opened, token, session)
    something_else_is_recorded(bed, START + DAY)
    assert found_right(bed, START).kind == "recorded"
    with bed.store.reading() as connection:
        found = {
            who: (
                sessions.find_bench(connection, opened, now=START + MINUTE) is not None,
                sessions.find_session(connection, token, now=START + MINUTE, idle_at_most=DAY) is not None,
                sessions.secret_given_at(connection, session) is not None,
            )
            for who, (opened, token, session) in places.items()
        }
    assert found == {"before": (True, True, True), "ahead": (False, False, False)}


# ── the order ──


def test_order_comes_from_the_ledger_and_its_times_never_run_backwards(bed, record_property):
    """By any clock, what is recorded later stands later; what the clock showed then stands in the entry as when it happened."""
    steps = (HOUR, -HOUR, DAY, -2 * DAY, SECOND, -SECOND, 365 * DAY, -364 * DAY, timedelta(0), -SECOND / 1000)
    at, shown = START, []
    for step in steps:
        at += step
        something_else_is_recorded(bed, at)
        shown.append(at)
    times, entries = recorded_times(bed), bed.entries(account("demo-carrier-one"))[-len(steps) :]
    assert all(earlier <= later for earlier, later in pairwise(times))
    assert [each.happened_at for each in entries] == shown
    assert [each.position for each in entries] == sorted(each.position for each in entries)
    assert all(each.recorded_at >= each.happened_at for each in entries)
    assert is_whole(bed)
    record_property(
        "figure", f"server clock: {len(steps)} jumps from a millisecond to a year: the order is the ledger's, 0 times run backwards"
    )
