"""Times as people type them: a date, a clock time and an offset from UTC, each in a field of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Self

from custody.errors import InputError

QUARTERS = (-570, -210, 210, 270, 330, 345, 390, 570, 630, 765)
"""Offsets in use that are no whole hour, in minutes."""
YEARS = range(1900, 3000)
"""Years that people mean. At the ends of the calendar a time cannot be shown everywhere, and no day comes before or after."""
SITE = "site"
"""In place of an offset: whatever the clocks of the site showed on that day. Offered where they are put forward and back."""


@dataclass(frozen=True)
class Choice:
    value: str
    label: str


@dataclass(frozen=True)
class Moment:
    """`date` as 2026-11-22, `time` as 14:32 or 14:32:07, `offset` as +08:00 or SITE; each as typed. `zone` is that of the site."""

    date: str
    time: str
    offset: str
    zone: tzinfo = UTC

    @classmethod
    def of(cls, at: datetime, zone: tzinfo) -> Self:
        local = at.astimezone(zone)
        clock = local.strftime("%H:%M:%S" if local.second else "%H:%M")
        return cls(local.date().isoformat(), clock, offset_text(local.utcoffset() or timedelta(0)), zone)

    @classmethod
    def typed(cls, values: Mapping[str, list[str]], name: str, zone: tzinfo, now: datetime) -> Self:
        """What was typed under `name`; the offset is the site's own where none came."""
        date, clock, offset = ((values.get(f"{name}.{part}") or [""])[0].strip() for part in ("date", "time", "offset"))
        return cls(date, clock, offset or _usual(zone, now), zone)

    def as_typed(self, name: str) -> Iterator[tuple[str, list[str]]]:
        yield f"{name}.date", [self.date]
        yield f"{name}.time", [self.time]
        yield f"{name}.offset", [self.offset]

    @property
    def is_blank(self) -> bool:
        return not self.date and not self.time

    def read(self) -> datetime:
        """Raises InputError for what is no time, or was at the site twice or never when its clocks were changed."""
        text = f"{self.date}T{self.time}{'Z' if self.offset == SITE else self.offset}"
        try:
            at = datetime.fromisoformat(text)
        except ValueError as error:
            raise InputError(f"“{text[:40]}” is not a time", code="not_a_time", seen=f"{self.date} {self.time}".strip()[:40]) from error
        if at.utcoffset() is None or not self.date or not self.time or at.year not in YEARS:
            raise InputError(f"“{text[:40]}” is not a time", code="not_a_time", seen=f"{self.date} {self.time}".strip()[:40])
        return self._at_the_site(at.replace(tzinfo=self.zone)) if self.offset == SITE else at

    def _at_the_site(self, local: datetime) -> datetime:
        """A time of the site's clocks, with its offset on that day."""
        once, again = (local.replace(fold=fold).utcoffset() or timedelta(0) for fold in (0, 1))
        if once == again:
            return local.replace(tzinfo=timezone(once))
        seen = f"{self.date} {self.time}"
        if once > again:
            raise InputError(f"the clocks were put back, and {seen} came twice; choose the offset", code="clock_twice", seen=seen)
        raise InputError(f"the clocks were put forward, and {seen} never came; look at the time again", code="clock_skipped", seen=seen)


def _usual(zone: tzinfo, now: datetime) -> str:
    """The offset of the site; SITE where it is another at other times of the year."""
    year = {(now + timedelta(days=days)).astimezone(zone).utcoffset() for days in range(-360, 360, 30)}
    return SITE if len(year) > 1 else offset_text(year.pop() or timedelta(0))


def offset_text(offset: timedelta) -> str:
    minutes = round(offset.total_seconds() / 60)
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def offsets(chosen: str, site: str) -> tuple[Choice, ...]:
    """Every offset in use, and `chosen`; `site`: what SITE is called."""
    minutes = sorted({*QUARTERS, *(60 * hour for hour in range(-12, 15))})
    every = {offset_text(timedelta(minutes=each)): _label(each) for each in minutes}
    if chosen == SITE:
        every = {SITE: site, **every}
    every.setdefault(chosen, f"UTC{chosen}")
    return tuple(Choice(value, label) for value, label in every.items())


def _label(minutes: int) -> str:
    if not minutes:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'−' if minutes < 0 else '+'}{hours}" + (f":{rest:02d}" if rest else "")
