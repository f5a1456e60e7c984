"""Where a bag is: in which equipment at which position, in which shipper, or out of the cold and for how long already."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from custody.domain.acts.manufacturing import BagStored
from custody.domain.acts.shipping import BagAccepted
from custody.domain.folds.bag import FINAL, BagFold, BagState
from custody.domain.folds.base import MissingFact
from custody.domain.folds.cold_places import Place, places_of
from custody.domain.folds.registers import span
from custody.domain.ids import BagId, EquipmentId, ShipmentId


@dataclass(frozen=True, kw_only=True)
class Whereabouts:
    """`out_since`: out of storage, not packed and not in preparation; from `cold_by` on that time is a gap in its cold chain.

    `in_doubt`: the recorded times contradict each other, so that nobody can say where it is.
    """

    bag: BagId
    state: BagState
    place: EquipmentId | ShipmentId | None
    position: str
    since: datetime | None
    out_since: datetime | None
    cold_by: datetime | None
    expires_at: datetime
    in_doubt: bool = False

    @property
    def over(self) -> bool:
        return self.state in FINAL


def whereabouts(fold: BagFold) -> Whereabouts:
    """Raises MissingFact for a bag that was never filled."""
    place, in_doubt = None, False
    try:
        places = places_of(fold.dossier, fold.node)
        place = places[-1] if places else None
    except MissingFact:
        in_doubt = True
    inside = place is not None and place.end is None and fold.state not in FINAL
    out = place.end if place is not None and fold.prepared is None and fold.state not in FINAL else None
    return Whereabouts(
        bag=fold.node,
        state=fold.state,
        place=place.node if inside and place is not None else None,
        position=_position(fold, place) if inside and place is not None else "",
        since=place.start if inside and place is not None else None,
        out_since=out,
        cold_by=None if out is None else out + _allowed(fold),
        expires_at=fold.earliest_expiry().expires_at,
        in_doubt=in_doubt,
    )


def _allowed(fold: BagFold) -> timedelta:
    """How long it may be without a temperature record: the gap of its lot's cold chain criteria (rules section 11)."""
    return span(minutes=fold.cold_life.criteria.gap_minutes_max)


def _position(fold: BagFold, place: Place) -> str:
    last = fold.dossier.last(fold.node, BagStored, BagAccepted)
    return last.act.position if last is not None and last.act.equipment == place.node else ""
