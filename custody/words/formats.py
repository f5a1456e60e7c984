"""How times, numbers and lengths of time are written for people: local time with its offset, exact digits, no ambiguity."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal

NARROW_SPACE = "\N{NARROW NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
POWER_FROM = Decimal(1_000_000)
DIGITS_UNGROUPED = 4
WHOLE_MINUTES_FROM = 5
DECIMAL = re.compile(r"-?\d+(?:\.\d+)?")
CANONICAL_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{6})?(?:[+-]\d\d:\d\d|Z)")
"""A time as the ledger keeps it."""


def clock_time(at: datetime, zone: tzinfo) -> str:
    """`14:32:07 (UTC+8)`; a zone is never named by letters, because CST is three zones."""
    local = _local(at, zone)
    return f"{local:%H:%M:%S} ({offset(local)})"


def date_and_time(at: datetime, zone: tzinfo) -> str:
    """`2026-11-22 14:32 (UTC+8)`, with seconds only where there are any: two times that differ by seconds must not look equal."""
    local = _local(at, zone)
    seconds = ":%S" if local.second or local.microsecond else ""
    return f"{local.strftime(f'%Y-%m-%d %H:%M{seconds}')} ({offset(local)})"


def offset(at: datetime) -> str:
    """The offset of an aware time as `UTC`, `UTC+8` or `UTC+5:30`."""
    difference = at.utcoffset()
    assert difference is not None
    if not difference:
        return "UTC"
    hours, minutes = divmod(abs(difference) // timedelta(minutes=1), 60)
    sign = MINUS if difference < timedelta(0) else "+"
    return f"UTC{sign}{hours}" + (f":{minutes:02d}" if minutes else "")


def number(value: Decimal | int) -> str:
    """All digits as they are, large numbers grouped by three or, when round, as a power of ten: `28.50`, `12 345`, `1.2×10⁸`."""
    exact = Decimal(value)
    if not exact.is_finite():
        return str(value)
    sign = MINUS if exact < 0 else ""
    size = abs(exact)
    power = size.adjusted()
    mantissa = size.scaleb(-power).normalize()
    if size >= POWER_FROM and len(mantissa.as_tuple().digits) <= DIGITS_UNGROUPED:
        return f"{sign}{mantissa:f}×10{str(power).translate(SUPERSCRIPT)}"
    whole, point, decimals = f"{size:f}".partition(".")
    if len(whole) > DIGITS_UNGROUPED:
        whole = f"{int(whole):,}".replace(",", NARROW_SPACE)
    return f"{sign}{whole}{point}{decimals}"


def rough_minutes(minutes: Decimal) -> str:
    """A length that is told and compared with no limit: whole minutes from five on, below that one decimal."""
    step = Decimal(1) if abs(minutes) >= WHOLE_MINUTES_FROM else Decimal("0.1")
    return number(minutes.quantize(step))


def hours_and_minutes(length: timedelta) -> tuple[int, int, int]:
    """Whole hours, minutes and seconds of a length of time, without its sign."""
    minutes, seconds = divmod(round(abs(length).total_seconds()), 60)
    return minutes // 60, minutes % 60, seconds


def _local(at: datetime, zone: tzinfo) -> datetime:
    if at.utcoffset() is None:
        raise ValueError(f"the time {at} has no offset from UTC, so nobody can say what the clock showed")
    return at.astimezone(zone)
