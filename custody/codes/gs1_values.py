"""What the value of one GS1 element means: dates, times, temperatures, percent-encoded text."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, datetime
from decimal import Decimal

from custody.codes.gs1_identifiers import DATES, EXPIRY_WITH_TIME, PERCENT_ENCODED
from custody.codes.isbt128_dates import END_OF_DAY, read_minute
from custody.errors import UnreadableCodeError

# GS1 places a two-digit year within 50 years of today; seen from 2026 that is 1977 to 2076. The window stands still here,
# because the same code must always say the same day, and no product of this kind is dated before 2000.
_FIRST_YEAR_OF_1900S = 77
_TEMPERATURE = re.compile(r"([0-9]{4})([0-9]{2})(-?)")
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def require_readable_value(ai: str, value: str) -> None:
    """Refuse a date that does not exist, and text whose percent signs encode nothing."""
    if ai in DATES or ai == EXPIRY_WITH_TIME:
        value_moment(ai, value)
    if ai in PERCENT_ENCODED and _BAD_PERCENT.search(value):
        raise UnreadableCodeError(f"GS1 value ({ai}) holds a percent sign that encodes no character")


def value_date(ai: str, value: str) -> date:
    """YYMMDD; day 00 is the last day of the month, except where a time follows."""
    if ai not in DATES and ai != EXPIRY_WITH_TIME:
        raise UnreadableCodeError(f"GS1 value ({ai}) is not a date")
    year, month, day = (int(value[place : place + 2]) for place in (0, 2, 4))
    full_year = year + (1900 if year >= _FIRST_YEAR_OF_1900S else 2000)
    if 1 <= month <= 12 and day == 0 and ai in DATES:
        day = monthrange(full_year, month)[1]
    try:
        return date(full_year, month, day)
    except ValueError as error:
        raise UnreadableCodeError(f"GS1 value ({ai}) names a day that does not exist") from error


def value_moment(ai: str, value: str) -> datetime:
    """The minute of (7003), and the last minute of the day where only a day is given; without a zone."""
    time_of_day = read_minute(value[6:]) if ai == EXPIRY_WITH_TIME else END_OF_DAY
    return datetime.combine(value_date(ai, value), time_of_day)


def temperature(value: str) -> Decimal:
    """Degrees of (4330) to (4333): six digits with two decimals implied, a minus sign behind."""
    parts = _TEMPERATURE.fullmatch(value)
    if parts is None:
        raise UnreadableCodeError("a GS1 temperature is six digits, with a minus sign behind when below zero")
    return Decimal(f"{parts[3]}{parts[1]}.{parts[2]}")
