"""Which day it is where somebody works: grants run from day to day of their own site (rules section 3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from custody.domain.acts.people import SiteRegistered
from custody.domain.dossier import Dossier
from custody.domain.ids import SiteId


def site_days(dossier: Dossier, now: datetime) -> Callable[[SiteId], date | None]:
    """The day it is now at a site; None where nobody can say: the site, or its time zone, is unknown."""

    def day_at(site: SiteId) -> date | None:
        registered = dossier.last(site, SiteRegistered)
        return None if registered is None else day_in(registered.act.zone, now)

    return day_at


def day_in(zone: str, now: datetime) -> date | None:
    """The day it is now in an IANA time zone; None for one that is unknown here."""
    return now.astimezone(ZoneInfo(zone)).date() if is_zone(zone) else None


@cache
def is_zone(name: str) -> bool:
    """Whether this machine knows a time zone of this name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
