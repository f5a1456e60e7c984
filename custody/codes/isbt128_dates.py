"""Dates and times of ISBT 128 labels. The codes carry no time zone: whoever reads one must know where it was printed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from custody.errors import UnreadableCodeError

END_OF_DAY = time(23, 59)
_DAY = re.compile(r"([0-9])([0-9]{2})([0-9]{3})")
_MINUTE = re.compile(r"([0-9]{2})([0-9]{2})")
_CALENDAR_DAY = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_CENTURIES = {"0": 2000, "9": 1900}
_FLEXIBLE = re.compile(r"([12])0(0[123])([0-9]{8})([0-9]{4})")


@dataclass(frozen=True)
class LabelTime:
    """A date, and a time of day when the code carries one, as the label says it: without a zone."""

    day: date
    time_of_day: time | None = None

    @property
    def moment(self) -> datetime:
        """The label's own minute; 23:59 where it says only the day, so a date-only expiry lasts to the end of that day."""
        return datetime.combine(self.day, END_OF_DAY if self.time_of_day is None else self.time_of_day)


class TimeOf(StrEnum):
    """What a flexible date and time (structure 031) is the time of."""

    EXPIRY = "01"
    COLLECTION = "02"
    PRODUCTION = "03"


@dataclass(frozen=True)
class FlexibleTime:
    """Structure 031: the only one that says whether its time is local or UTC."""

    time_of: TimeOf
    is_utc: bool
    moment: datetime


def read_date(content: str) -> LabelTime:
    """cyyjjj: century (0 for 20, 9 for 19), year, day of the year."""
    parts = _DAY.fullmatch(content)
    if parts is None or parts[1] not in _CENTURIES:
        raise UnreadableCodeError("a date on an ISBT 128 label is six digits, century 0 or 9, year, day of the year")
    year = _CENTURIES[parts[1]] + int(parts[2])
    day = date(year, 1, 1) + timedelta(days=int(parts[3]) - 1)
    if day.year != year:
        raise UnreadableCodeError(f"the year {year} has no day {parts[3]}")
    return LabelTime(day)


def read_date_time(content: str) -> LabelTime:
    """Century, year, day of the year and time: cyyjjjhhmm."""
    return LabelTime(read_date(content[:6]).day, read_minute(content[6:]))


def read_minute(text: str) -> time:
    """hhmm, 0000 to 2359."""
    parts = _MINUTE.fullmatch(text)
    if parts is None or int(parts[1]) > 23 or int(parts[2]) > 59:
        raise UnreadableCodeError("a time in a code is four digits from 0000 to 2359")
    return time(int(parts[1]), int(parts[2]))


def read_calendar_day(text: str) -> date:
    """YYYYMMDD."""
    parts = _CALENDAR_DAY.fullmatch(text)
    if parts is None:
        raise UnreadableCodeError("a calendar day in a code is eight digits, year, month, day")
    try:
        return date(int(parts[1]), int(parts[2]), int(parts[3]))
    except ValueError as error:
        raise UnreadableCodeError("a code names a calendar day that does not exist") from error


def read_flexible_time(content: str) -> FlexibleTime:
    """Structure 031: 1 local or 2 UTC, 0, what it is the time of, YYYYMMDDhhmm."""
    parts = _FLEXIBLE.fullmatch(content)
    if parts is None:
        raise UnreadableCodeError("a flexible date and time begins with 1 or 2, then 0, then 01, 02 or 03, and holds digits only")
    moment = datetime.combine(read_calendar_day(parts[3]), read_minute(parts[4]))
    return FlexibleTime(TimeOf(parts[2]), is_utc=parts[1] == "2", moment=moment)


def date_content(day: date) -> str:
    """The six digits cyyjjj of a day between 1900 and 2099."""
    if not 1900 <= day.year <= 2099:
        raise UnreadableCodeError(f"an ISBT 128 date cannot say the year {day.year}; it reaches from 1900 to 2099")
    century = "0" if day.year >= 2000 else "9"
    return f"{century}{day.year % 100:02}{day.timetuple().tm_yday:03}"


def date_time_content(moment: LabelTime) -> str:
    """cyyjjjhhmm; 2359 where only the day is known."""
    return date_content(moment.day) + moment.moment.strftime("%H%M")


def expiry_symbol(expires: LabelTime) -> str:
    """The text of a bar code for an expiry: always with a time, `&>` and ten digits."""
    return "&>" + date_time_content(expires)


def collection_symbol(collected: LabelTime) -> str:
    return "&*" + date_time_content(collected)


def production_symbol(produced: LabelTime) -> str:
    return "&}" + date_time_content(produced)
