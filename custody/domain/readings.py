"""One logger's temperature readings as an exact series: strictly in time, in UTC, with a digest of its own."""

from __future__ import annotations

import json
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from hashlib import sha256
from itertools import pairwise
from typing import Any, TypeVar

from custody.domain.measures import Celsius, Minutes, rounded_up
from custody.errors import InputError

MICROSECONDS_PER_MINUTE = 60_000_000
MINUTE_PLACES = 3
R = TypeVar("R")


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


class Part:
    """Some readings one after the other, decoded by `decode` when they are asked for, and what was once worked out of them."""

    def __init__(self, decode: Callable[[], tuple[Reading, ...]]) -> None:
        self._decode = decode
        self._worked_out: dict[object, Any] = {}
        self._at_work = threading.Lock()

    def once(self, key: Hashable, work_out: Callable[[tuple[Reading, ...]], R]) -> R:
        """`work_out` of the readings: done once for `key`, for as long as the part is kept."""
        if key not in self._worked_out:
            with self._at_work:  # whoever asks the same meanwhile waits for the answer instead of working it out too
                if key not in self._worked_out:
                    self._worked_out[key] = work_out(self._decode())
        known: R = self._worked_out[key]
        return known


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
    def count(self) -> int:
        return len(self.readings)

    @property
    def celsius_values(self) -> tuple[Decimal, ...]:
        return tuple(reading.celsius for reading in self.readings)

    @property
    def canonical_bytes(self) -> bytes:
        """The same series always gives the same bytes: JSON, sorted keys, decimals as entered, times with fixed microseconds."""
        content = {
            "declared_gaps": [[written(gap.start), written(gap.end), str(gap.minutes)] for gap in self.declared_gaps],
            "interval_minutes": str(self.interval_minutes),
            "readings": [[written(reading.at), str(reading.celsius)] for reading in self.readings],
        }
        return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical bytes, in hex."""
        return sha256(self.canonical_bytes).hexdigest()

    def within(self, start: datetime, end: datetime) -> tuple[Reading, ...]:
        """The readings from `start` to `end`, both included."""
        return self.readings[self._number(bisect_left, start) : self._number(bisect_right, end)]

    def values_within(self, start: datetime, end: datetime) -> frozenset[Decimal]:
        """Each temperature that was read from `start` to `end`, both included, in °C."""
        return frozenset(reading.celsius for reading in self.within(start, end))

    def clipped(self, start: datetime, end: datetime) -> Series:
        """What it says about the time from `start` to `end`.

        The nearest reading on either side stays, because values between readings are linear and the first and last minutes need it.
        """
        first = max(self._number(bisect_right, start) - 1, 0)
        last = min(self._number(bisect_left, end) + 1, len(self.readings))
        return replace(self, readings=self.readings[first : max(last, first + 1)], declared_gaps=self._lost_during(start, end))

    def between(self, since: datetime | None, until: datetime | None) -> Series | None:
        """The readings from `since` on and before `until` (None: no bound), and the gaps that touch that time; None without a reading."""
        first = 0 if since is None else self._number(bisect_left, since)
        last = len(self.readings) if until is None else self._number(bisect_left, until)
        return replace(self, readings=self.readings[first:last], declared_gaps=self._lost(since, until)) if first < last else None

    def parts(self, start: datetime, end: datetime) -> tuple[Part, ...]:
        """In order, what is needed to draw lines from reading to reading from `start` to `end`: the last reading of each is the first of
        the next.
        """
        clipped = self.clipped(start, end).readings
        return (Part(lambda: clipped),)

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

    def _number(self, bisect: Callable[..., int], at: datetime) -> int:
        return bisect(self.readings, at, key=lambda reading: reading.at)

    def _lost_during(self, start: datetime, end: datetime) -> tuple[Gap, ...]:
        return tuple(gap for gap in self.declared_gaps if gap.start < end and start < gap.end)

    def _lost(self, since: datetime | None, until: datetime | None) -> tuple[Gap, ...]:
        return tuple(gap for gap in self.declared_gaps if (since is None or gap.end > since) and (until is None or gap.start < until))


def minutes_between(start: datetime, end: datetime) -> Decimal:
    """With three decimals, rounded up: what is over a limit is never written as on it. Whole minutes have no decimals."""
    exact = Fraction((end - start) // timedelta(microseconds=1), MICROSECONDS_PER_MINUTE)
    return Decimal(exact.numerator) if exact.denominator == 1 else rounded_up(exact, MINUTE_PLACES)


def written(at: datetime) -> str:
    """A time (UTC) as the canonical bytes have it: always as long, and sorted as the times are."""
    return at.isoformat(timespec="microseconds")[:26] + "Z"
