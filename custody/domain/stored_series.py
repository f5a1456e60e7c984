"""A temperature series as it is stored: its canonical bytes, of which only those stretches are decoded that somebody asks about.

A logger in a freezer may say a million things, and a verdict about one bag asks about the days it was there.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from functools import cached_property, lru_cache, partial
from itertools import pairwise
from typing import Any

from custody.domain.measures import Celsius, Minutes, parse_decimal
from custody.domain.readings import Gap, Part, Reading, Series, written
from custody.errors import InputError, LedgerBrokenError

PART_BYTES = 1 << 16
"""About 1,800 readings."""
STRETCHES_AT_HAND = 64
"""Decoded stretches, none of them longer than two parts, that are kept for whoever asks for the same again."""
_FIRST, _OPEN, _CLOSE = b',"readings":[', b'["', b'"]]}'
_TIME = len("2026-03-01T08:00:00.000000Z")
_VALUE = _TIME + len('","')
_set_at, _set_celsius = (vars(Reading)[name].__set__ for name in ("at", "celsius"))


class _Text:
    """Canonical bytes, equal to nothing but themselves; `whole`: from where to where they have readings, and the gaps they declare."""

    def __init__(self, canonical: bytes, first: int, gaps: tuple[Gap, ...]) -> None:
        self.canonical = canonical
        self.whole = (first, len(canonical) - len(_CLOSE) + 3, gaps)


class StoredSeries(Series):
    """Some readings of canonical bytes: the first begins at `first`, one after the last would begin at `after`. See `stored_series`."""

    def __init__(self, text: _Text, interval_minutes: Decimal, first: int, after: int, declared_gaps: tuple[Gap, ...]) -> None:
        kept = {"text": text, "first": first, "after": after, "interval_minutes": interval_minutes, "declared_gaps": declared_gaps}
        self.__dict__.update(kept, _parts={})  # frozen, as every series

    text: _Text
    first: int
    after: int
    _parts: dict[int, Part]

    def __reduce__(self) -> tuple[Any, ...]:
        """Packed, for it goes through a pipe, and with what was worked out of all of it: both take tenths of a second for a long one."""
        return _from_another_process, (zlib.compress(self.canonical_bytes, 1), self.digest), {"count": self.count}

    @property
    def readings(self) -> tuple[Reading, ...]:  # decoded each time: nobody keeps a million
        return _decode(self.text, self.first, self.after)

    @cached_property
    def start(self) -> datetime:
        return self._time(self.first)

    @cached_property
    def end(self) -> datetime:
        return self._time(self._before(self.after))

    @cached_property
    def count(self) -> int:
        return self.text.canonical.count(b"],[", self.first, self.after) + 1

    @property
    def canonical_bytes(self) -> bytes:
        if (self.first, self.after, self.declared_gaps) == self.text.whole:
            return self.text.canonical
        gaps = [[written(gap.start), written(gap.end), str(gap.minutes)] for gap in self.declared_gaps]
        head = json.dumps({"declared_gaps": gaps, "interval_minutes": str(self.interval_minutes)}, separators=(",", ":"))
        return head[:-1].encode("ascii") + _FIRST + self.text.canonical[self.first : self.after - 1] + b"]}"

    def _with(self, first: int, after: int, gaps: tuple[Gap, ...]) -> StoredSeries:
        return StoredSeries(self.text, self.interval_minutes, first, after, gaps)

    def within(self, start: datetime, end: datetime) -> tuple[Reading, ...]:
        return _decoded(self.text, self._place(start), self._place(end, behind=True))

    def values_within(self, start: datetime, end: datetime) -> frozenset[Decimal]:
        first, after = self._place(start), self._place(end, behind=True)
        return frozenset().union(*self._values(first, after)) if first < after else frozenset()

    def clipped(self, start: datetime, end: datetime) -> Series:
        first = self._before(self._place(start, behind=True))
        last = self._place(end)
        after = max(self._next(last + 1) if last < self.after else last, self._next(first + 1))
        return self._with(first, after, self._lost_during(start, end))

    def between(self, since: datetime | None, until: datetime | None) -> Series | None:
        first = self.first if since is None else self._place(since)
        after = self.after if until is None else self._place(until)
        return self._with(first, after, self._lost(since, until)) if first < after else None

    def parts(self, start: datetime, end: datetime) -> tuple[Part, ...]:
        first, last = self._before(self._place(start, behind=True)), self._before(self._place(end, behind=True))
        return tuple(self._part(number) for number in range(first // PART_BYTES, last // PART_BYTES + 1))

    def _part(self, number: int) -> Part:
        """The readings that begin in these bytes, and the next one."""
        part = self._parts.get(number)
        if part is None:
            first, after = self._span(number)
            after = self._next(after + 1) if after < self.after else after
            part = self._parts[number] = Part(partial(_decoded, self.text, first, after))
        return part

    def _span(self, number: int) -> tuple[int, int]:
        return self._next(max(number * PART_BYTES, self.first)), self._next((number + 1) * PART_BYTES)

    def _values(self, first: int, after: int) -> Iterator[frozenset[Decimal]]:
        """The temperatures of the readings from one place to another, part by part."""
        for number in range(first // PART_BYTES, (after - 1) // PART_BYTES + 1):
            begins, ends = self._span(number)
            if first <= begins < ends <= after:
                yield self._part(number).once("values", partial(_celsius_of, self._time(ends) if ends < self.after else None))
            else:
                yield _celsius_of(None, _decoded(self.text, max(first, begins), min(after, ends)))

    def _place(self, at: datetime, *, behind: bool = False) -> int:
        """Where the first reading at or after `at` begins; `behind`: the first one after it."""
        wanted = written(at).encode("ascii")
        low, high = self.first, self.after
        while low < high:
            middle = (low + high) // 2
            found = self._next(middle)
            seen = self.text.canonical[found + 2 : found + 2 + _TIME] if found < high else None
            if seen is not None and (seen < wanted or (behind and seen == wanted)):
                low = found + 1
            else:
                high = middle
        return self._next(low)

    def _next(self, place: int) -> int:
        """Where the first reading at or after a place in the bytes begins; where one after the last would when there is none."""
        found = self.text.canonical.find(_OPEN, place, self.after) if place < self.after else -1
        return found if found >= 0 else self.after

    def _before(self, place: int) -> int:
        """Where the reading before the one at `place` begins; the first has none before it."""
        return max(self.text.canonical.rfind(_OPEN, self.first, place), self.first)

    def _time(self, place: int) -> datetime:
        return _decode(self.text, place, self._next(place + 1))[0].at


def stored_series(canonical: bytes, digest: str | None = None) -> StoredSeries:
    """The series that `Series.canonical_bytes` wrote as `canonical`; `digest`: theirs, where that is known.

    The bytes are vouched for by their digest, which whoever has them compares first: what the readings are is found when they are asked
    for. Raises InputError when the bytes around the readings are not those of a series; LedgerBrokenError, later, when readings are not.
    """
    try:
        first = canonical.index(_FIRST) + len(_FIRST)
        around: dict[str, Any] = json.loads(canonical[: first - len(_FIRST)] + b"}")
        interval = Minutes.parse(around.pop("interval_minutes")).value
        gaps = tuple(_gap(*each) for each in around.pop("declared_gaps"))
    except (ValueError, KeyError, TypeError, AttributeError, InputError) as error:
        raise InputError("these bytes are not a stored temperature series") from error
    if around or not canonical.startswith(_OPEN, first) or not canonical.endswith(_CLOSE):
        raise InputError("these bytes are not a stored temperature series in its canonical form")
    text = _Text(canonical, first, gaps)
    series = StoredSeries(text, interval, *text.whole)
    if digest is not None:
        vars(series)["digest"] = digest
    return series


def _from_another_process(packed: bytes, digest: str) -> StoredSeries:
    return stored_series(zlib.decompress(packed), digest)


@lru_cache(maxsize=STRETCHES_AT_HAND)
def _short(text: _Text, first: int, after: int) -> tuple[Reading, ...]:
    return _decode(text, first, after)


def _decoded(text: _Text, first: int, after: int) -> tuple[Reading, ...]:
    return (_short if after - first <= 2 * PART_BYTES else _decode)(text, first, after)


def _decode(text: _Text, first: int, after: int) -> tuple[Reading, ...]:
    """The readings from one place in the bytes to another."""
    if first >= after:
        return ()
    try:
        stretch = text.canonical[first : after - 1].decode("ascii")
        if not (stretch.startswith('["') and stretch.endswith('"]')):
            raise _broken()
        written_readings = stretch[2:-2].split('"],["')
        # A long file says the same few values again and again: each is read and looked at once.
        known = {celsius: Celsius.parse(celsius).value for celsius in {each[_VALUE:] for each in written_readings}}
        readings = tuple(_reading(each, known[each[_VALUE:]]) for each in written_readings)
    except (ValueError, InputError) as error:
        raise _broken() from error
    if any(after.at <= before.at for before, after in pairwise(readings)):
        raise _broken()
    return readings


def _reading(text: str, celsius: Decimal) -> Reading:
    """What `Reading` would find plausible is not looked at for each again."""
    if text[_TIME - 1 : _VALUE] != 'Z","':
        raise InputError("not a reading as it is written here")
    reading = Reading.__new__(Reading)
    _set_at(reading, datetime.fromisoformat(text[:_TIME]))
    _set_celsius(reading, celsius)
    return reading


def _broken() -> LedgerBrokenError:
    return LedgerBrokenError("a stored temperature series is not what was kept: its readings cannot be read")


def _celsius_of(before: datetime | None, readings: tuple[Reading, ...]) -> frozenset[Decimal]:
    return frozenset(reading.celsius for reading in readings if before is None or reading.at < before)


def _gap(start: str, end: str, minutes: str) -> Gap:
    return Gap(start=datetime.fromisoformat(start), end=datetime.fromisoformat(end), minutes=parse_decimal(minutes))
