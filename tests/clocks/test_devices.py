"""Clocks of devices: a logger a day wrong, a minute of sixty-one seconds, a time somebody gives for what they did by a wrong watch."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from custody.domain.acts.bedside import BedsideScanned, PremedicationGiven
from custody.domain.terms import HoldPoint
from custody.errors import InputError, MalformedFileError
from custody.intake.loggers import read_logger_file
from custody.intake.twins import sealed
from custody.web.answers import plain_value
from custody.web.moments import SITE, Choice, Moment, offsets
from custody.words.words import Words
from custody.workflows.drill.roads import CAST, START, road
from custody.workflows.judging import reason_from
from custody.workflows.rehearsal.bedside import NURSES, scans
from custody.workflows.rehearsal.editing import step_of
from custody.workflows.rehearsal.files import KEY, logger_file
from tests.chain import blocked_gates, reasons
from tests.gates.transport import rewrite_trip_file, trip_file
from tests.workflows.desk import BEDSIDE

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
LEAP_SECONDS = ("2016-12-31T23:59:60+00:00", "2026-06-30T23:59:60Z", "9999-12-31T23:59:60+14:00")


@pytest.fixture
def bed(desk_at):
    return desk_at(BEDSIDE)


# ── loggers ──


@pytest.mark.parametrize("days", [-1, 1])
def test_logger_a_day_wrong_proves_nothing_about_the_trip(chain, days):
    """Its readings are all cold, and of another day: no temperature record of this one, which quality could release by a decision."""
    step = chain.steps[trip_file(chain)]
    shifted = [step.series.start + days * DAY, step.series.end + days * DAY]
    act, series, data = logger_file(chain.cast.trip_logger, *shifted, "-190.0", 10)
    chain.steps[trip_file(chain)] = replace(step, act=act, series=series, file=data)
    verdict = chain.verdict_at(HoldPoint.RECEIPT)
    assert blocked_gates(verdict) == {"BAG-COLD"}
    assert reasons(verdict, "BAG-COLD") == {"missing_trace"}


def test_logger_a_few_minutes_wrong_changes_nothing(chain):
    rewrite_trip_file(chain, starts_later=2, ends_earlier=2)
    assert chain.verdict_at(HoldPoint.RECEIPT).is_go


@pytest.mark.parametrize("minute", ["23:60", "24:00"])
def test_minute_that_is_none_in_a_file_is_refused_by_its_line(minute):
    """Loggers print whole minutes; a leap second that spills over into them reads as no time at all."""
    at = datetime(2016, 12, 31, 22, 0, tzinfo=UTC)
    logger = step_of(road(), "logger_file_read").act.logger
    _, _, data = logger_file(logger, at, at + 2 * timedelta(hours=1), "-190.0")
    body = data.partition(b"Cert:\r\n")[0]
    assert b"2016-12-31 23:50" in body
    spoiled = sealed(
        body.replace(b"2016-12-31 23:50", f"2016-12-31 {minute}".encode()), KEY, lot="DEMO0001", issuer="custody demonstration"
    )
    with pytest.raises(MalformedFileError, match="line"):
        read_logger_file(spoiled)


# ── times that people and devices give ──


@pytest.mark.parametrize("text", LEAP_SECONDS)
def test_leap_second_is_no_time_and_never_a_fault(text):
    """What looks like a time is shown as it was typed."""
    with pytest.raises(InputError, match="is not a time"):
        Moment("2016-12-31", "23:59:60", "+00:00").read()
    for language in ("en", "zh"):
        words = Words(language, UTC)
        assert text in words.error("bad_identifier", {"seen": text, "kind": "wristband token", "expected": "x"}, "x")
    padded = text.replace("60", "60.000000").replace("Z", "+00:00")
    assert reason_from(f'{{"code":"x","values":{{"seen":"{padded}"}}}}').values["seen"] == padded


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+14:00"])
@pytest.mark.parametrize("hours", [-12, 14])
def test_time_beyond_the_calendar_of_a_place_is_shown_all_the_same(text, hours):
    assert Words("en", timezone(timedelta(hours=hours))).value(text)


@pytest.mark.parametrize("wrong", [DAY, 2 * MINUTE])
def test_what_a_device_says_has_yet_to_come_is_refused(bed, wrong):
    scanned = BedsideScanned(dose=CAST.dose, scans=scans(CAST, CAST.dose_bags[0]))
    size = bed.size()
    with pytest.raises(InputError, match="in the future"):
        bed.record(scanned, NURSES[0], START, happened_at=START + wrong)
    given = PremedicationGiven(dose=CAST.dose, drugs=("chlorphenamine",), given_at=START + wrong)
    with pytest.raises(InputError, match="in the future"):
        bed.record(given, NURSES[0], START)
    assert bed.size() == size


def test_scan_by_a_device_a_day_behind_is_kept_with_both_times_and_counts_as_old(bed):
    """The pair is too far apart: by its own watch one of them scanned yesterday."""
    scanned = BedsideScanned(dose=CAST.dose, scans=scans(CAST, CAST.dose_bags[0]))
    bed.record(scanned, NURSES[0], START, happened_at=START - DAY)
    (entry,) = [each for each in bed.entries(CAST.dose) if each.recorded_at == START]
    assert (entry.happened_at, entry.recorded_at) == (START - DAY, START)
    act = replace(step_of(road(), "infusion_started").act, started_at=START)
    outcome = bed.both(act, *NURSES, START)
    assert (outcome.kind, outcome.verdict.codes) == ("stopped", ("BED-TWO",))


def test_start_by_a_device_a_day_behind_is_judged_by_the_clock_of_the_server(bed):
    """A start of yesterday ends no earlier than one of now."""
    act = replace(step_of(road(), "infusion_started").act, started_at=START - DAY)
    assert bed.both(act, *NURSES, START).kind == "recorded"
    late = START + timedelta(hours=3)
    assert "BAG-EXP" in late_start(bed, replace(act, started_at=late - DAY), late)


def late_start(bed, act, at):
    """The codes that stop a further start at this time."""
    outcome = bed.both(act, *NURSES, at)
    return outcome.verdict.codes


@pytest.mark.parametrize("year", ["0001", "1899", "3000", "9999"])
def test_year_that_nobody_means_is_refused_before_it_can_break_a_page(year):
    """At the ends of the calendar a time cannot be told in every zone, and a day has none before or after it."""
    with pytest.raises(InputError, match="is not a time"):
        Moment(f"{year}-12-31", "23:59", "-12:00").read()
    with pytest.raises(InputError, match="is not a date"):
        plain_value(date, f"{year}-12-31")


# ── times typed where the clocks are put forward and back ──


def typed_in(zone, day, clock, offset="", *, now=START):
    return Moment.typed({"at.date": [day], "at.time": [clock], "at.offset": [offset]}, "at", ZoneInfo(zone), now)


@pytest.mark.parametrize(
    ("zone", "day", "clock", "expected"),
    [
        ("Europe/Berlin", "2026-01-15", "07:30", "2026-01-15T07:30:00+01:00"),
        ("Europe/Berlin", "2026-06-15", "07:30", "2026-06-15T07:30:00+02:00"),
        ("Europe/Berlin", "2026-10-25", "01:59:59", "2026-10-25T01:59:59+02:00"),
        ("Europe/Berlin", "2026-10-25", "03:00", "2026-10-25T03:00:00+01:00"),
        ("Australia/Lord_Howe", "2026-06-15", "07:30", "2026-06-15T07:30:00+10:30"),
        ("Asia/Shanghai", "2026-01-15", "07:30", "2026-01-15T07:30:00+08:00"),
        ("Africa/Casablanca", "2026-03-01", "07:30", "2026-03-01T07:30:00+00:00"),
    ],
)
@pytest.mark.parametrize("now", [START, START + 180 * DAY])
def test_typed_time_has_the_offset_of_its_own_day_and_not_of_the_day_it_is_typed_on(zone, day, clock, expected, now):
    assert typed_in(zone, day, clock, now=now).read().isoformat() == expected


@pytest.mark.parametrize(("day", "clock", "said"), [("2026-10-25", "02:30", "came twice"), ("2026-03-29", "02:30", "never came")])
def test_time_that_came_twice_or_never_is_asked_for_again(day, clock, said):
    with pytest.raises(InputError, match=said):
        typed_in("Europe/Berlin", day, clock).read()
    assert typed_in("Europe/Berlin", day, clock, "+01:00").read().isoformat() == f"{day}T{clock}:00+01:00"


def test_clock_of_the_site_is_offered_where_it_changes_and_stays_chosen_while_a_form_is_filled_in():
    berlin, shanghai = (typed_in(zone, "", "") for zone in ("Europe/Berlin", "Asia/Shanghai"))
    assert (offsets(berlin.offset, "here")[0], offsets(shanghai.offset, "here")[0].label) == (Choice(SITE, "here"), "UTC−12")
    again = Moment.typed(dict(berlin.as_typed("at")), "at", berlin.zone, START)
    assert (again.offset, shanghai.offset) == (SITE, "+08:00")
