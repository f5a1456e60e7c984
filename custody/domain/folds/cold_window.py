"""Which temperature files can say anything about a bag: those of the time it was in the cold, and not of all years of a freezer.

A freezer's loggers are read for as long as it stands, and every verdict about a bag in it would otherwise work through all of that.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, timedelta
from typing import NamedTuple

from custody.domain.acts.bedside import BagPreparing
from custody.domain.acts.equipment import LoggerInstalled
from custody.domain.acts.shipping import LoggerFileRead
from custody.domain.dossier import Deed, Dossier
from custody.domain.folds.base import MissingFact
from custody.domain.folds.cold_places import Place, places_of
from custody.domain.ids import BagId, Digest, EquipmentId, LoggerId, Node, ShipmentId, TissueId, node_of

MARGIN = timedelta(days=2)
"""What a device declares of a day (minutes it lost at no time it knows) may reach a day beyond its readings, in any zone."""


_LOGGER = f"{LoggerId.kind}:"


class Days(NamedTuple):
    """The days (UTC) whose files count, both included; `last` is None while the bag has not been prepared."""

    first: date
    last: date | None

    def leave_out(self, deed: Deed[LoggerFileRead]) -> bool:
        """Whether all of a file lies outside, as custody itself found it to: what somebody corrected is no reason not to look."""
        if deed.corrected:
            return False
        read = deed.act
        before = read.ends_at.astimezone(UTC).date() < self.first
        return before or (self.last is not None and read.starts_at.astimezone(UTC).date() > self.last)


def days_of(dossier: Dossier, bag: BagId, places: tuple[Place, ...]) -> Days | None:
    """From its first storage to its preparation, with a margin; None for a bag that was nowhere yet."""
    if not places:
        return None
    prepared = dossier.first(bag, BagPreparing)
    ends = [place.end for place in places if place.end is not None]
    last = None if prepared is None else max([prepared.at, *ends]).astimezone(UTC).date() + MARGIN
    return Days(places[0].start.astimezone(UTC).date() - MARGIN, last)


def series_wanted(dossier: Dossier) -> frozenset[Digest]:
    """The series that whoever judges something of this dossier can ask for: of loggers in storage only those of its bags' days, where all
    times are known; of every other logger all.
    """
    storage = _in_storage_only(dossier)
    days = _days_of_all(dossier) if storage else None
    wanted: set[Digest] = set()
    for key in dossier.streams:
        reads = dossier.deeds(node_of(key), LoggerFileRead) if key.startswith(_LOGGER) else ()
        narrow = days if key in storage else None
        wanted.update(deed.act.series for deed in reads if narrow is None or not narrow.leave_out(deed))
    return frozenset(wanted)


def _in_storage_only(dossier: Dossier) -> frozenset[str]:
    """The loggers installed somewhere that nothing here travelled with."""
    nodes = [node_of(key) for key in dossier.streams]
    installed = (deed.act.logger for node in nodes if isinstance(node, EquipmentId) for deed in dossier.deeds(node, LoggerInstalled))
    travelled = _named(dossier, (node for node in nodes if isinstance(node, ShipmentId | TissueId)))
    return frozenset(logger.key for logger in installed if logger not in travelled)


def _named(dossier: Dossier, nodes: Iterable[Node]) -> frozenset[LoggerId]:
    return frozenset(parent for node in nodes for parent in dossier.parents(node) if isinstance(parent, LoggerId))


def _days_of_all(dossier: Dossier) -> Days | None:
    """Of all bags together; no day where there is none, and None, which is every day, where the times of one contradict each other."""
    found = []
    for key in dossier.streams:
        bag = node_of(key)
        if not isinstance(bag, BagId):
            continue
        try:
            found.append(days_of(dossier, bag, places_of(dossier, bag)))
        except MissingFact:
            return None
    known = [days for days in found if days is not None]
    if not known:
        return Days(date.max, None)
    # Without an end: a correction is judged as if the preparation that it corrects had never been.
    return Days(min(days.first for days in known), None)
