"""A series is strictly in time, keeps its decimals and is named by its digest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from custody.domain.readings import Gap, Reading, Series, minutes_between
from custody.errors import InputError

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


def at(minutes):
    return START + timedelta(minutes=minutes)


def series(*minutes_and_celsius, interval="10", declared=()):
    return Series(
        readings=tuple(Reading(at(minutes), Decimal(celsius)) for minutes, celsius in minutes_and_celsius),
        interval_minutes=Decimal(interval),
        declared_gaps=declared,
    )


@pytest.mark.parametrize("second", [10, 9])
def test_reading_that_is_not_later_than_the_one_before_is_named(second):
    with pytest.raises(InputError, match=r"reading 3 \(2026-03-01 08:..* UTC\) is not later than the one before it"):
        series((0, "5"), (10, "5"), (second, "5"))


def test_series_without_readings_or_interval_is_refused():
    with pytest.raises(InputError, match="needs at least one reading"):
        series()
    with pytest.raises(InputError, match="interval is 0 minutes"):
        series((0, "5"), interval="0")


def test_local_or_naive_times_are_refused():
    for zone in (None, timezone(timedelta(hours=8))):
        with pytest.raises(InputError, match="is not in UTC"):
            Reading(datetime(2026, 3, 1, 8, 0, tzinfo=zone), Decimal(5))


@pytest.mark.parametrize("celsius", ["999.9", "-273.1", "NaN"])
def test_implausible_temperature_is_refused(celsius):
    with pytest.raises(InputError, match="is not plausible"):
        Reading(START, Decimal(celsius))


def test_digest_changes_with_every_part_and_with_nothing_else():
    first = series((0, "5.0"), (10, "5.1"))
    assert first.digest == series((0, "5.0"), (10, "5.1")).digest
    gap = Gap(start=at(0), end=at(10), minutes=Decimal(3))
    others = [
        series((0, "5.00"), (10, "5.1")),
        series((0, "5.0"), (11, "5.1")),
        series((0, "5.0"), (10, "5.1"), interval="5"),
        series((0, "5.0"), (10, "5.1"), declared=(gap,)),
    ]
    assert len({first.digest, *(other.digest for other in others)}) == 5


def test_canonical_bytes_are_fixed_for_ever():
    gap = Gap(start=at(0), end=at(10), minutes=Decimal("2.5"))
    assert series((0, "5.0"), (10, "-0.1"), declared=(gap,)).canonical_bytes == (
        b'{"declared_gaps":[["2026-03-01T08:00:00.000000Z","2026-03-01T08:10:00.000000Z","2.5"]],"interval_minutes":"10",'
        b'"readings":[["2026-03-01T08:00:00.000000Z","5.0"],["2026-03-01T08:10:00.000000Z","-0.1"]]}'
    )


def test_clip_keeps_the_nearest_reading_on_either_side():
    whole = series(*((minute, "5") for minute in range(0, 100, 10)))
    clipped = whole.clipped(at(25), at(45))
    assert [reading.at for reading in clipped.readings] == [at(20), at(30), at(40), at(50)]
    assert [reading.at for reading in whole.clipped(at(20), at(40)).readings] == [at(20), at(30), at(40)]


def test_clip_outside_the_series_keeps_its_nearest_end():
    whole = series((0, "5"), (10, "6"))
    assert [reading.at for reading in whole.clipped(at(20), at(30)).readings] == [at(10)]
    assert [reading.at for reading in whole.clipped(at(-20), at(-10)).readings] == [at(0)]
    assert whole.clipped(at(-10), at(50)) == whole


def test_clip_keeps_the_declared_gaps_that_touch_the_time():
    gap = Gap(start=at(0), end=at(60), minutes=Decimal(3))
    whole = series((0, "5"), (120, "5"), declared=(gap,))
    assert whole.clipped(at(50), at(100)).declared_gaps == (gap,)
    assert whole.clipped(at(60), at(100)).declared_gaps == ()


def test_within_takes_both_ends():
    whole = series(*((minute, "5") for minute in range(0, 50, 10)))
    assert [reading.at for reading in whole.within(at(10), at(30))] == [at(10), at(20), at(30)]
    assert (whole.start, whole.end) == (at(0), at(40))
    assert whole.celsius_values == (Decimal(5),) * 5


def test_gaps_are_longer_than_what_is_allowed():
    declared = (Gap(start=at(0), end=at(1440), minutes=Decimal(25)), Gap(start=at(0), end=at(1440), minutes=Decimal(20)))
    seen = series((0, "5"), (20, "5"), (41, "5"), declared=declared).gaps(Decimal(20))
    assert [(gap.start, gap.minutes) for gap in seen] == [(at(0), 25), (at(20), 21)]


def test_minutes_between_are_exact_or_rounded_up():
    assert str(minutes_between(at(0), at(90))) == "90"
    assert minutes_between(at(0), at(0) + timedelta(seconds=30)) == Decimal("0.5")
    assert minutes_between(at(0), at(15) + timedelta(microseconds=1)) == Decimal("15.001")
