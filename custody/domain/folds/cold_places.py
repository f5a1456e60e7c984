"""Where one bag was, from its first storage to its preparation (rules section 11)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from custody.domain.acts.base import Act
from custody.domain.acts.bedside import BagPreparing
from custody.domain.acts.manufacturing import BagStored, BagTakenOut
from custody.domain.acts.shipping import BagAccepted, BagPacked, BagUnpacked
from custody.domain.cold_chain import Stay
from custody.domain.dossier import Deed, Dossier
from custody.domain.folds.base import MissingFact
from custody.domain.folds.temperature_files import Trace
from custody.domain.ids import BagId, EquipmentId, LoggerId, ShipmentId


@dataclass(frozen=True, kw_only=True)
class Place:
    """The bag was in this equipment or shipper from `start` to `end` (None: still is)."""

    node: EquipmentId | ShipmentId
    start: datetime
    end: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class JudgedPlace:
    place: Place
    stay: Stay
    traces: tuple[Trace, ...]
    uncalibrated: tuple[LoggerId, ...]

    @cached_property
    def overlapping(self) -> tuple[Trace, ...]:
        """Files that say something about this stay."""
        return tuple(t for t in self.traces if t.series.start <= self.stay.end and self.stay.start <= t.series.end)


def places_of(dossier: Dossier, bag: BagId) -> tuple[Place, ...]:
    """Where it was, oldest first, until its preparation began. Raises MissingFact when the times contradict each other."""
    places: list[Place] = []
    for deed in dossier.deeds(bag, Act):
        entered, left_at = _moved(deed)
        if left_at is None:
            continue
        if places and places[-1].end is None:
            if entered == places[-1].node:  # put away twice, or at another position, in the same freezer
                continue
            if left_at < places[-1].start:
                raise MissingFact("consistent_storage_times", node=bag, evidence=(deed.digest,))
            places[-1] = replace(places[-1], end=left_at)
        if isinstance(deed.act, BagPreparing):
            break
        if entered is not None:
            places.append(Place(node=entered, start=left_at))
    return tuple(places)


def _moved(deed: Deed[Act]) -> tuple[EquipmentId | ShipmentId | None, datetime | None]:
    """Where an act took the bag (None: nowhere that is cold), and when; no time when it did not move it."""
    match deed.act:
        case BagStored(equipment=equipment, stored_at=at):
            return equipment, at
        case BagAccepted(equipment=equipment):
            return equipment, deed.at
        case BagPacked(shipment=shipment, packed_at=at):
            return shipment, at
        case BagTakenOut(taken_at=at):
            return None, at
        case BagUnpacked() | BagPreparing():
            return None, deed.at
        case _:
            return None, None
