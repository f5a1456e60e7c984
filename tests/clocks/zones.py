"""Forty places from UTC+14 to UTC-9:30 with half and quarter hours, and the moments at which their clocks are put forward or back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

ZONES = (
    *("Pacific/Kiritimati", "Pacific/Chatham", "Pacific/Apia", "Pacific/Auckland", "Pacific/Fiji", "Australia/Lord_Howe"),
    *("Australia/Sydney", "Australia/Adelaide", "Australia/Darwin", "Australia/Eucla", "Asia/Tokyo", "Asia/Shanghai"),
    *("Asia/Singapore", "Asia/Yangon", "Asia/Dhaka", "Asia/Kathmandu", "Asia/Kolkata", "Asia/Karachi", "Asia/Kabul", "Asia/Dubai"),
    *("Asia/Tehran", "Africa/Nairobi", "Africa/Cairo", "Asia/Jerusalem", "Asia/Beirut", "Europe/Athens", "Europe/Berlin"),
    *("Europe/London", "Europe/Dublin", "Africa/Casablanca", "Atlantic/Azores", "America/Nuuk", "America/St_Johns"),
    *("America/Sao_Paulo", "America/Halifax", "America/New_York", "America/Chicago", "America/Denver", "America/Anchorage"),
    "Pacific/Marquesas",
)
HOUR = timedelta(hours=1)


@cache
def edges(zone: str, year: int = 2026) -> tuple[datetime, ...]:
    """When its clocks are changed in a year, in UTC; where they never are, a midnight of January and one of July."""
    place, found = ZoneInfo(zone), []
    at = datetime(year, 1, 1, tzinfo=UTC)
    while at.year == year:
        if at.astimezone(place).utcoffset() != (at + HOUR).astimezone(place).utcoffset():
            found.append(_first_minute(at, place))
        at += HOUR
    return tuple(found) or tuple(datetime(year, month, 20, tzinfo=place).astimezone(UTC) for month in (1, 7))


def _first_minute(before: datetime, place: ZoneInfo) -> datetime:
    at = before
    while at.astimezone(place).utcoffset() == before.astimezone(place).utcoffset():
        at += timedelta(minutes=1)
    return at
