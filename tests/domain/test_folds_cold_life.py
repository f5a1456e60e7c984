"""The temperatures of a bag over its life: its places, and which files count for them."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custody.domain.acts.equipment import LoggerInstalled
from custody.domain.folds.base import MissingFact
from custody.domain.folds.cold_life import ColdLife
from custody.domain.folds.lot import LotFold
from custody.domain.folds.study import StudyFold
from custody.workflows.rehearsal.files import logger_file
from custody.workflows.rehearsal.road import FREEZER, WARD_FREEZER, WARD_LOGGER
from custody.workflows.rehearsal.steps import STUDY
from tests.chain import Memory
from tests.gates.transport import rewrite_trip_file, trip_file


def life_of(chain, until=None):
    memory = Memory()
    for step in sorted((s for s in chain.steps if until is None or s.at <= until), key=lambda s: s.at):
        memory.play(step)
    bag = chain.cast.bags[0]
    dossier = memory.dossier(bag, STUDY)
    study = StudyFold(dossier, STUDY)
    return ColdLife(dossier, bag, study, LotFold(dossier, chain.cast.lot, study))


def test_places_are_the_freezer_the_shipper_and_the_ward_freezer(chain):
    places = life_of(chain).places
    assert [place.node for place in places] == [FREEZER, chain.cast.shipment, WARD_FREEZER]
    assert places[0].start == chain.step("bag_stored").act.stored_at
    assert places[1].start == chain.step("bag_packed").act.packed_at
    assert places[2].start == places[1].end == chain.step("bag_accepted").at
    assert places[2].end == chain.step("bag_taken_out", 3).act.taken_at


def test_life_ends_with_the_preparation(chain):
    life = life_of(chain)
    prepared = life.judged(chain.step("bag_preparation_started").at)
    closed = life.judged(chain.step("dose_closed").at - timedelta(hours=36))
    assert prepared.klass == closed.klass == 0
    assert prepared.evidence == closed.evidence


def test_good_life_relies_on_the_files_of_every_place(chain):
    now = chain.step("bag_preparation_started").at
    judged = life_of(chain, until=now).judged(now)
    assert (judged.klass, judged.reasons) == (0, ())
    assert len(judged.evidence) == 3


def test_trip_is_not_judged_while_it_is_under_way(chain):
    life = life_of(chain, until=chain.step("handoff_offered", 1).at)
    judged = life.judged(chain.step("handoff_offered", 1).at)
    assert [place.place.node for place in judged.places] == [FREEZER]
    assert judged.klass == 0


def test_minutes_are_summed_over_storage_and_trip(chain):
    rewrite_trip_file(chain, spike=(60, 9, "-140"))
    judged = life_of(chain).judged(chain.step("bag_preparation_started").at)
    assert judged.klass == 1
    assert 0 < judged.temperatures.minutes_outside < 20


def other_file(chain, hours, *, interval=10, **fields):
    """One more file of the trip's logger, of so many hours before (-) or after this trip, read in like that of the trip or with it."""
    step = chain.steps[trip_file(chain)]
    moved = timedelta(hours=hours)
    act, series, data = logger_file(chain.cast.trip_logger, step.series.start + moved, step.series.end + moved, "-190.0", interval)
    read_at = step.at if abs(hours) < 24 else step.at + moved
    chain.steps.append(dataclasses.replace(step, at=read_at, act=dataclasses.replace(act, **fields), series=series, file=data))


def reasons_at_the_end(chain):
    return {reason.code for reason in life_of(chain).judged(chain.step("dose_closed").at).reasons}


def test_shock_in_the_file_of_the_trip_waits_for_quality(chain):
    rewrite_trip_file(chain, shock_or_tilt=True)
    assert reasons_at_the_end(chain) == {"mark_tripped"}


@pytest.mark.parametrize("hours", [-20, 20])
def test_shock_in_a_file_beside_the_trip_may_be_one_of_a_wrong_clock(chain, hours):
    """Read in with that of the trip, and its times are less than a day from it."""
    other_file(chain, hours, shock_or_tilt=True)
    assert reasons_at_the_end(chain) == {"mark_tripped"}


@pytest.mark.parametrize("fields", [{"shock_or_tilt": True}, {"interval": 30}])
@pytest.mark.parametrize("hours", [-24 * 9, 24 * 9])
def test_what_a_logger_met_on_another_trip_is_no_matter_of_this_one(chain, hours, fields):
    """A logger travels again and again: one shock would stop every bag that it ever went with."""
    other_file(chain, hours, **fields)
    assert reasons_at_the_end(chain) == set()


def test_bag_left_on_the_bench_before_its_preparation_is_a_gap(chain):
    index = chain.index("bag_taken_out", 3)
    step = chain.steps[index]
    early = step.act.taken_at - timedelta(minutes=40)
    chain.steps[index] = dataclasses.replace(step, act=dataclasses.replace(step.act, taken_at=early), at=early)
    judged = life_of(chain).judged(chain.step("bag_preparation_started").at)
    assert [reason.code for reason in judged.reasons] == ["gap"]


def test_storage_times_that_contradict_each_other_are_no_facts(chain):
    stored_at = chain.step("bag_stored").act.stored_at
    chain.change("bag_taken_out", taken_at=stored_at - timedelta(minutes=1))
    with pytest.raises(MissingFact, match="consistent_storage_times"):
        _ = life_of(chain).places


def test_reading_from_before_the_logger_was_installed_says_nothing_about_the_freezer(chain):
    installed_at = chain.step("bag_packed").act.packed_at - timedelta(hours=1)
    chain.change("logger_installed", where=lambda act: act.equipment == FREEZER, installed_at=installed_at)
    judged = life_of(chain).judged(chain.step("bag_preparation_started").at)
    assert [reason.code for reason in judged.reasons] == ["gap"]


def test_long_time_on_the_bench_is_a_gap_although_the_ward_freezer_was_not_read_yet(chain):
    while any(s.name == "logger_file_read" and s.act.logger == WARD_LOGGER for s in chain.steps):
        chain.drop("logger_file_read", where=lambda act: act.logger == WARD_LOGGER)
    prepared_at = chain.step("bag_preparation_started").at
    chain.change("bag_taken_out", 3, taken_at=prepared_at - timedelta(minutes=31))
    assert [reason.code for reason in life_of(chain).judged(prepared_at).reasons] == ["gap"]


LIVES = {"bag_stored": FREEZER, "bag_accepted": WARD_FREEZER}
"""What puts a bag into the place in which it is asked about: the freezer, and after the trip the ward's."""
MINUTES = st.integers(-3 * 24 * 60, 6 * 24 * 60)


def in_storage(chain, last, second_logger_at=None):
    """The life of a bag in storage since this act, with all files that were ever read; where wished, with those of a second logger."""
    stored_at = chain.step(last).at
    steps = [step for step in chain.steps if step.at <= stored_at or step.name in {"logger_file_read", "logger_installed"}]
    if second_logger_at is not None:
        step = chain.step("logger_installed", where=lambda act: act.equipment == LIVES[last])
        act = dataclasses.replace(step.act, logger=second_logger(chain, last), installed_at=second_logger_at)
        steps.append(dataclasses.replace(step, act=act))
    whole = chain.steps
    chain.steps = steps
    try:
        return life_of(chain)
    finally:
        chain.steps = whole


def second_logger(chain, last):
    return WARD_LOGGER if last == "bag_stored" else chain.cast.trip_logger


def last_reading_of(chain, logger):
    return max(step.series.end for step in chain.steps if step.name == "logger_file_read" and step.act.logger == logger)


def trace_age(life):
    return timedelta(hours=float(life.study.criteria_now.settings.storage_trace_age_h))


def answer(work_out):
    """What is said, or that nobody can say."""
    try:
        return work_out()
    except MissingFact as missing:
        return missing.reason


@pytest.mark.parametrize("last", LIVES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(minutes=MINUTES, near=st.sampled_from([-1, 0, 1]), late=st.sampled_from([None, 0, -2000, 100, 1500, 3000]))
def test_life_in_storage_is_at_every_moment_what_working_it_out_anew_says(chain, last, minutes, near, late):
    """Before, at and after the end of the newest file, its age, and the coming of a second logger, to the microsecond."""
    other_ends = last_reading_of(chain, second_logger(chain, last))
    life = in_storage(chain, last, None if late is None else other_ends - timedelta(minutes=late))
    read_to = life._last_storage_read_to()
    edges = (read_to, read_to + trace_age(life), *(d.act.installed_at for d in life.dossier.deeds(LIVES[last], LoggerInstalled)))
    for edge in edges:
        for now in (edge + timedelta(microseconds=near), edge + timedelta(minutes=minutes)):
            assert answer(lambda now=now: life.judged(now)) == answer(lambda now=now: life._judged(now, False))


def test_logger_installed_at_this_very_moment_does_not_count_yet(chain):
    """Its one reading is of now: the freezer's own file says how far the life is known."""
    now = last_reading_of(chain, WARD_LOGGER)
    life = in_storage(chain, "bag_stored", second_logger_at=now)
    assert life._last_storage_read_to() == now
    assert life.judged(now) == life._judged(now, False)
    later = now + timedelta(microseconds=1)
    assert life.judged(later) == life._judged(later, False) != life.judged(now)


@pytest.mark.parametrize("last", LIVES)
def test_life_in_storage_is_worked_out_once_while_its_newest_file_is_young(chain, last, monkeypatch):
    life = in_storage(chain, last)
    read_to, age = life._last_storage_read_to(), trace_age(life)
    asked = []
    work_out = ColdLife._judged
    monkeypatch.setattr(ColdLife, "_judged", lambda fold, now, sign: asked.append(now) or work_out(fold, now, sign))
    for now in (read_to, read_to + age / 2, read_to + age):
        life.judged(now)
    assert len(asked) == 1
    life.judged(read_to + age + timedelta(microseconds=1))
    life.judged(read_to + age + timedelta(hours=1))
    assert len(asked) == 3, "once its files are too old, every moment adds to the gap"


def test_newer_file_of_the_freezer_takes_the_place_of_the_answer_before(chain):
    """The answer is kept with the streams it rests on, which go on as they grow."""
    life = in_storage(chain, "bag_accepted")
    read_to = life._last_storage_read_to()
    before = life.judged(read_to)
    chain.steps = [s for s in chain.steps if s.name != "logger_file_read" or s.act.logger != WARD_LOGGER or s.series.end < read_to]
    shorter = in_storage(chain, "bag_accepted")
    assert shorter._last_storage_read_to() < read_to
    assert shorter.judged(read_to) == shorter._judged(read_to, False) != before
