"""Files of other times than a bag's: left out, they change nothing of what is said about its life, and they need not be at hand."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custody.domain.acts.shipping import LoggerFileRead
from custody.domain.dossier import Dossier
from custody.domain.folds import cold_life
from custody.domain.folds.base import MissingFact
from custody.domain.folds.cold_life import ColdLife
from custody.domain.folds.cold_window import Days, days_of, series_wanted
from custody.domain.folds.lot import LotFold
from custody.domain.folds.study import StudyFold
from custody.domain.ids import Digest
from custody.domain.readings import Gap, Reading, Series
from custody.workflows.rehearsal.places import FREEZER_LOGGER
from custody.workflows.rehearsal.road import WARD_LOGGER
from custody.workflows.rehearsal.steps import STUDY, Step
from tests.chain import Memory

DAY = timedelta(days=1)
A_YEAR = 365
MOMENTS = ("bag_stored", "bag_packed", "bag_accepted", "bag_preparation_started", "infusion_ended")


@st.composite
def files(draw):
    """A file of one of the three loggers, from a year before the bag was stored to months after; some warm, some with lost minutes."""
    day = draw(st.one_of(st.integers(-A_YEAR, 120), st.integers(-5, 5)))
    return {
        "logger": draw(st.sampled_from(["freezer", "ward", "trip"])),
        "begins": timedelta(days=day, minutes=draw(st.integers(0, 1439))),
        "readings": draw(st.integers(1, 5)),
        "interval": draw(st.sampled_from([1, 10, 15, 1440])),
        "celsius": draw(st.sampled_from(["-190", "-140", "-100"])),
        "lost": draw(st.sampled_from([None, 0, 3, 600])),
        "genuine": draw(st.sampled_from([None, True, False])),
        "knocked": draw(st.booleans()),
        "read_after": draw(st.integers(0, 200)),
    }


def step_of(file, chain, start):
    begins = start + file["begins"]
    every = timedelta(minutes=file["interval"])
    readings = tuple(Reading(begins + n * every, Decimal(file["celsius"])) for n in range(file["readings"]))
    ends = readings[-1].at
    midnight = datetime(ends.year, ends.month, ends.day, tzinfo=UTC)
    lost = () if file["lost"] is None else (Gap(start=midnight, end=midnight + DAY, minutes=Decimal(file["lost"])),)
    series = Series(readings=readings, interval_minutes=Decimal(file["interval"]), declared_gaps=lost)
    act = LoggerFileRead(
        logger={"freezer": FREEZER_LOGGER, "ward": WARD_LOGGER, "trip": chain.cast.trip_logger}[file["logger"]],
        file=Digest(series.digest),
        series=Digest(series.digest),
        format="test",
        signature_valid=file["genuine"],
        key_fingerprint=None,
        interval_minutes=series.interval_minutes,
        count=len(readings),
        starts_at=series.start,
        ends_at=series.end,
        celsius_min=Decimal(file["celsius"]),
        celsius_max=Decimal(file["celsius"]),
        shock_or_tilt=file["knocked"],
    )
    return Step(name="logger_file_read", at=ends + timedelta(hours=file["read_after"]), by=("demo-qa-one",), act=act, series=series)


def dossier_with(chain, more, until):
    start = chain.step("bag_stored").at
    made = [step_of(file, chain, start) for file in more]
    # Its own loggers were there before the first of all these files.
    steps = [
        dataclasses.replace(step, at=step.at - 2 * A_YEAR * DAY, act=dataclasses.replace(step.act, installed_at=start - 2 * A_YEAR * DAY))
        if step.name == "logger_installed"
        else step
        for step in chain.steps
    ]
    memory = Memory()
    for step in sorted((step for step in (*steps, *made) if step.at <= until), key=lambda step: step.at):
        memory.play(step)
    return memory.dossier(chain.cast.bags[0], STUDY)


def life_in(dossier, chain):
    study = StudyFold(dossier, STUDY)
    return ColdLife(dossier, chain.cast.bags[0], study, LotFold(dossier, chain.cast.lot, study))


def told(dossier, chain, now):
    """All that a gate, a decision of quality or a page takes from it, each reason once; or that nobody can say."""
    try:
        judged = life_in(dossier, chain).judged(now)
    except MissingFact as missing:
        return missing.reason
    found = judged.temperatures
    return (
        judged.klass,
        {(reason.code, reason.klass, tuple(sorted(map(str, reason.values.items())))) for reason in judged.reasons},
        (found.klass, dict(found.minutes), found.minutes_outside, found.coldest, found.warmest),
        (found.excursions, found.gaps),
        (judged.evidence, judged.last_event_at, judged.known_at),
        [(place.place, place.stay.start, place.stay.end, place.overlapping, place.uncalibrated) for place in judged.places],
    )


@pytest.mark.parametrize("moment", MOMENTS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(more=st.lists(files(), max_size=8), minutes=st.integers(0, 3 * 24 * 60))
def test_life_is_judged_as_with_every_file_there_ever_was(chain, moment, more, minutes):
    now = chain.step(moment).at + timedelta(minutes=minutes)
    whole = dossier_with(chain, more, now)
    wanted = series_wanted(whole)
    narrow = Dossier(
        streams=dossier_with(chain, more, now).streams,
        series={digest: series for digest, series in whole.series.items() if digest in wanted},
        last_recorded_at=whole.last_recorded_at,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cold_life, "days_of", lambda *_: None)
        expected = told(whole, chain, now)
    assert told(narrow, chain, now) == expected


def test_files_of_other_years_are_not_asked_for(chain):
    base = {"interval": 10, "celsius": "-190", "lost": None, "genuine": True, "knocked": False, "read_after": 1, "readings": 5}
    years = [{**base, "logger": "freezer", "begins": timedelta(days=-day)} for day in range(10, A_YEAR)]
    now = chain.step("bag_preparation_started").at
    few, many = (series_wanted(dossier_with(chain, more, now)) for more in ((), years))
    assert few <= many
    assert len(many) - len(few) == 0
    [one] = [{**years[0], "begins": timedelta(hours=5)}]
    assert len(series_wanted(dossier_with(chain, [one], now))) == len(few) + 1


def test_file_read_long_after_the_preparation_is_at_hand_for_a_correction_of_it(chain):
    """It is judged as if the bag had not been prepared: then every later file says something about it."""
    late = {"interval": 10, "celsius": "-190", "lost": None, "genuine": True, "knocked": False, "read_after": 1, "readings": 5}
    more = [{**late, "logger": "ward", "begins": timedelta(days=90)}]
    now = chain.step("bag_stored").at + 120 * DAY
    assert len(series_wanted(dossier_with(chain, more, now))) == len(series_wanted(dossier_with(chain, (), now))) + 1


def test_file_whose_times_somebody_corrected_is_looked_at_whatever_they_say(chain):
    """Its readings decide, and not what was written about them afterwards."""
    deed = dossier_with(chain, (), chain.step("bag_preparation_started").at).deeds(FREEZER_LOGGER, LoggerFileRead)[0]
    long_ago = dataclasses.replace(deed.act, starts_at=deed.act.starts_at - 900 * DAY, ends_at=deed.act.ends_at - 900 * DAY)
    days = Days(deed.act.starts_at.date(), None)
    assert days.leave_out(dataclasses.replace(deed, act=long_ago))
    assert not days.leave_out(dataclasses.replace(deed, act=long_ago, corrected=True))


def test_margin_of_two_days_is_kept_on_both_sides(chain):
    now = chain.step("infusion_ended").at
    dossier = dossier_with(chain, (), now)
    days = days_of(dossier, chain.cast.bags[0], life_in(dossier, chain).places)
    stored, prepared = chain.step("bag_stored").act.stored_at, chain.step("bag_preparation_started").at
    assert days == Days(stored.date() - 2 * DAY, prepared.date() + 2 * DAY)


def test_where_the_times_of_a_bag_contradict_each_other_every_file_is_at_hand(chain):
    now = chain.step("bag_preparation_started").at
    old = {"interval": 10, "celsius": "-190", "lost": None, "genuine": True, "knocked": False, "read_after": 1, "readings": 5}
    more = [{**old, "logger": "freezer", "begins": timedelta(days=-90)}]
    before = series_wanted(dossier_with(chain, more, now))
    chain.change("bag_taken_out", taken_at=chain.step("bag_stored").act.stored_at - timedelta(minutes=1))
    assert len(series_wanted(dossier_with(chain, more, now))) == len(before) + 1
