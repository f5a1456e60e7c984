"""One logger's temperature readings as an exact series: strictly in time, in UTC, with a digest of its own."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from hashlib import sha256
from itertools import pairwise
from typing import Any

from custody.domain.measures import Celsius, Minutes, parse_decimal, rounded_up
from custody.errors import InputError

MICROSECONDS_PER_MINUTE = 60_000_000
MINUTE_PLACES = 3


@dataclass(frozen=True, slots=True)
class Reading:
    """One measured temperature."""

    at: datetime
    celsius: Decimal

    def __post_init__(self) -> None:
        if self.at.utcoffset() != timedelta(0):
            raise InputError(f"the reading at {self.at} is not in UTC; apply the logger's zone first")
        Celsius(self.celsius)


@dataclass(frozen=True, kw_only=True)
class Gap:
    """`minutes` without data, somewhere from `start` to `end`: all of it, or less when a device only counts its lost minutes per day."""

    start: datetime
    end: datetime
    minutes: Decimal


@dataclass(frozen=True, kw_only=True, eq=False)
class Series:
    """The readings of one logger, `interval_minutes` apart when nothing is lost. Equal readings are one series, known by its digest.

    `declared_gaps` are the minutes for which the device itself says its sensor gave no data.
    Raises InputError when there is no reading, or a reading is not later than the one before (named by its number).
    """

    readings: tuple[Reading, ...]
    interval_minutes: Decimal
    declared_gaps: tuple[Gap, ...] = ()

    def __post_init__(self) -> None:
        if not self.readings:
            raise InputError("a temperature series needs at least one reading; there is none")
        if Minutes(self.interval_minutes).value == 0:
            raise InputError("the logging interval is 0 minutes; expected more")
        for number, (before, after) in enumerate(pairwise(self.readings), start=2):
            if after.at <= before.at:
                raise InputError(
                    f"reading {number} ({after.at:%Y-%m-%d %H:%M} UTC) is not later than the one before it ({before.at:%Y-%m-%d %H:%M} UTC)"
                )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Series) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    @property
    def start(self) -> datetime:
        return self.readings[0].at

    @property
    def end(self) -> datetime:
        return self.readings[-1].at

    @property
    def celsius_values(self) -> tuple[Decimal, ...]:
        return tuple(reading.celsius for reading in self.readings)

    @property
    def canonical_bytes(self) -> bytes:
        """The same series always gives the same bytes: JSON, sorted keys, decimals as entered, times with fixed microseconds."""
        content = {
            "declared_gaps": [[_written(gap.start), _written(gap.end), str(gap.minutes)] for gap in self.declared_gaps],
            "interval_minutes": str(self.interval_minutes),
            "readings": [[_written(reading.at), str(reading.celsius)] for reading in self.readings],
        }
        return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical bytes, in hex."""
        return sha256(self.canonical_bytes).hexdigest()

    def within(self, start: datetime, end: datetime) -> tuple[Reading, ...]:
        """The readings from `start` to `end`, both included."""
        first = bisect_left(self.readings, start, key=lambda reading: reading.at)
        last = bisect_right(self.readings, end, key=lambda reading: reading.at)
        return self.readings[first:last]

    def gaps(self, allowed_minutes: Decimal) -> tuple[Gap, ...]:
        """Stretches between readings, and minutes the device declares lost, that are longer than `allowed_minutes`."""
        allowed = timedelta(microseconds=int(allowed_minutes * MICROSECONDS_PER_MINUTE))
        between = (
            Gap(start=before.at, end=after.at, minutes=minutes_between(before.at, after.at))
            for before, after in pairwise(self.readings)
            if after.at - before.at > allowed
        )
        declared = (gap for gap in self.declared_gaps if gap.minutes > allowed_minutes)
        return tuple(sorted((*between, *declared), key=lambda gap: gap.start))


def minutes_between(start: datetime, end: datetime) -> Decimal:
    """With three decimals, rounded up: what is over a limit is never written as on it. Whole minutes have no decimals."""
    exact = Fraction((end - start) // timedelta(microseconds=1), MICROSECONDS_PER_MINUTE)
    return Decimal(exact.numerator) if exact.denominator == 1 else rounded_up(exact, MINUTE_PLACES)


def clip(series: Series, start: datetime, end: datetime) -> Series:
    """What `series` says about the time from `start` to `end`.

    The nearest reading on either side stays, because values between readings are linear and the first and last minutes need it.
    """
    first = max(bisect_right(series.readings, start, key=lambda reading: reading.at) - 1, 0)
    last = min(bisect_left(series.readings, end, key=lambda reading: reading.at) + 1, len(series.readings))
    first = min(first, last - 1)
    return Series(
        readings=series.readings[first : max(last, first + 1)],
        interval_minutes=series.interval_minutes,
        declared_gaps=tuple(gap for gap in series.declared_gaps if gap.start < end and start < gap.end),
    )


def joined(*parts: Series) -> Series:
    """Several files of one logger as one series; a reading that two files share counts once.

    Raises InputError when two files differ about the same minute, or ran at different intervals: then they are separate traces.
    """
    intervals = {part.interval_minutes for part in parts}
    if len(intervals) != 1:
        seen = ", ".join(sorted(str(interval) for interval in intervals)) or "no series"
        raise InputError(f"series can be joined when all have one logging interval; seen: {seen}")
    readings: dict[datetime, Reading] = {}
    for reading in (reading for part in parts for reading in part.readings):
        if readings.setdefault(reading.at, reading).celsius != reading.celsius:
            seen = f"{readings[reading.at].celsius} and {reading.celsius} °C"
            raise InputError(f"two files of this logger differ at {reading.at:%Y-%m-%d %H:%M} UTC: {seen}")
    return Series(
        readings=tuple(readings[at] for at in sorted(readings)),
        interval_minutes=intervals.pop(),
        declared_gaps=tuple(
            sorted({gap for part in parts for gap in part.declared_gaps}, key=lambda gap: (gap.start, gap.end, gap.minutes))
        ),
    )


def series_from_bytes(canonical: bytes) -> Series:
    """The series that `canonical_bytes` wrote; InputError when the bytes are anything else."""
    try:
        content: dict[str, Any] = json.loads(canonical)
        # A long file says the same few values again and again: each is read and kept once.
        known = {celsius: parse_decimal(celsius) for celsius in {celsius for _, celsius in content["readings"]}}
        series = Series(
            readings=tuple(Reading(_read(at), known[celsius]) for at, celsius in content["readings"]),
            interval_minutes=parse_decimal(content["interval_minutes"]),
            declared_gaps=tuple(
                Gap(start=_read(start), end=_read(end), minutes=parse_decimal(minutes)) for start, end, minutes in content["declared_gaps"]
            ),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError("these bytes are not a stored temperature series") from error
    if series.canonical_bytes != canonical:
        raise InputError("these bytes are not a stored temperature series in its canonical form")
    return series


def _written(at: datetime) -> str:
    return at.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _read(text: str) -> datetime:
    return datetime.fromisoformat(text)
