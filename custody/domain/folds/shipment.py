"""One shipment: its plan, its packing and seals, its hand-overs, who answers for it, and what was found on arrival."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import TypeVar

from custody.domain.acts.base import Act
from custody.domain.acts.shipping import (
    BagPacked,
    BagUnpacked,
    DocumentsReceived,
    PackingStarted,
    ShipmentArrived,
    ShipmentLost,
    ShipmentPlanned,
    ShipperQualified,
    ShipperSealed,
)
from custody.domain.criteria import StudyContent
from custody.domain.dossier import Deed, Dossier
from custody.domain.folds.base import MissingFact
from custody.domain.folds.handover import Custodian, Handover, handovers_of
from custody.domain.folds.registers import span
from custody.domain.folds.study import StudyFold
from custody.domain.ids import BagId, LoggerId, SealNumber, ShipmentId, ShipperId

A = TypeVar("A", bound=Act)


@dataclass(frozen=True)
class ShipmentFold:
    dossier: Dossier
    node: ShipmentId
    study: StudyFold

    @cached_property
    def planned(self) -> Deed[ShipmentPlanned]:
        """The latest plan. Raises MissingFact when there is none."""
        return self._needed(self.dossier.last(self.node, ShipmentPlanned), "shipment_plan")

    @cached_property
    def packing(self) -> Deed[PackingStarted]:
        """The latest start of packing. Raises MissingFact when there is none."""
        return self._needed(self.dossier.last(self.node, PackingStarted), "packing")

    @cached_property
    def sealing(self) -> Deed[ShipperSealed] | None:
        return self.dossier.last(self.node, ShipperSealed)

    @property
    def sealed(self) -> Deed[ShipperSealed]:
        """Raises MissingFact while the shipper is not sealed."""
        return self._needed(self.sealing, "sealing")

    @property
    def seals(self) -> tuple[SealNumber, ...]:
        return self.sealed.act.seals

    @property
    def shipper(self) -> ShipperId:
        return self.packing.act.shipper

    @property
    def qualifications(self) -> tuple[Deed[ShipperQualified], ...]:
        """Every qualification of the shipper in use, by the day it was done, oldest first: a certificate found later is no newer one."""
        return tuple(sorted(self.dossier.deeds(self.shipper, ShipperQualified), key=lambda d: d.act.qualified_on))

    @property
    def loggers(self) -> tuple[LoggerId, ...]:
        return self.packing.act.loggers

    @property
    def bags(self) -> tuple[BagId, ...]:
        """The packing list: as sealed, or as planned while it is open."""
        return self.sealing.act.bags if self.sealing is not None else self.planned.act.bags

    @property
    def packed_bags(self) -> tuple[BagId, ...]:
        """Bags of the plan that were scanned into this shipper and not taken out again."""
        return tuple(bag for bag in self.planned.act.bags if self.packing_of(bag) is not None)

    def packing_of(self, bag: BagId) -> Deed[BagPacked] | None:
        """The scan of this bag into this shipper, unless it was taken out or packed elsewhere since, or the shipper was changed."""
        last = self.dossier.last(bag, BagPacked, BagUnpacked)
        if last is None or not isinstance(last.act, BagPacked) or last.act.shipment != self.node:
            return None
        changed_at = self._shipper_changed_at
        return last if changed_at is None or last.began.recorded_at >= changed_at else None  # type: ignore[return-value]

    @property
    def _shipper_changed_at(self) -> datetime | None:
        """When another shipper was taken than that which was packed before; None for the first."""
        packings = self.dossier.deeds(self.node, PackingStarted)
        changes = (after for before, after in pairwise(packings) if after.act.shipper != before.act.shipper)
        return max((deed.began.recorded_at for deed in changes), default=None)

    @cached_property
    def criteria(self) -> StudyContent:
        """The study version in force when the shipper was sealed, which judges the trip; the one in force now before that."""
        if self.sealing is None:
            return self.study.criteria_now
        return self.study.criteria_at(self.sealing.recorded_at)

    @cached_property
    def handovers(self) -> tuple[Handover, ...]:
        return handovers_of(self.dossier, self.node)

    @property
    def open_handover(self) -> Handover | None:
        return self.handovers[-1] if self.handovers and self.handovers[-1].is_open else None

    @property
    def left_at(self) -> datetime | None:
        """When the first carrier accepted it; None while it stands where it was packed."""
        accepted = [h.accepted for h in self.handovers if h.accepted is not None]
        return accepted[0].at if accepted else None

    @cached_property
    def arrived(self) -> Deed[ShipmentArrived] | None:
        return self.dossier.last(self.node, ShipmentArrived)

    @property
    def arrival(self) -> Deed[ShipmentArrived]:
        """Raises MissingFact while it has not arrived."""
        return self._needed(self.arrived, "arrival")

    @property
    def lost(self) -> Deed[ShipmentLost] | None:
        """The loss, unless it turned up later."""
        last = self.dossier.last(self.node, ShipmentLost, ShipmentArrived)
        return last if last is not None and isinstance(last.act, ShipmentLost) else None  # type: ignore[return-value]

    @property
    def late_after(self) -> datetime | None:
        """The last moment at which the transit is not yet a gap in custody; None before it left."""
        if self.left_at is None:
            return None
        over = self.criteria.settings.gap_transit_over_plan_min
        return self.left_at + timedelta(minutes=self.planned.act.planned_minutes) + span(minutes=over)

    def custody(self) -> Iterator[tuple[datetime, Custodian, Deed[Act]]]:
        """From when each custodian answered for it, in order. Raises MissingFact without a plan.

        An arrival ends what was before it; what has arrived may be handed on within the hospital.
        """
        yield self.packing.act.charged_at, Custodian(site=self.planned.act.origin), self.packing
        yield from (each for _, each in sorted(self._taken_over(), key=lambda found: found[0]))

    def _taken_over(self) -> Iterator[tuple[int, tuple[datetime, Custodian, Deed[Act]]]]:
        """Every passing on of custody, with where it stands in the stream."""
        for handover in self.handovers:
            if handover.accepted is not None and handover.receiver is not None:
                yield handover.accepted.entry.position, (handover.accepted.at, handover.receiver, handover.accepted)
        if self.arrived is not None:
            came_to = Custodian(site=self.arrived.began.by.site)
            yield self.arrived.entry.position, (self.arrived.act.arrived_at, came_to, self.arrived)

    @property
    def custodian(self) -> Custodian:
        return list(self.custody())[-1][1]

    @property
    def documents_here(self) -> frozenset[str]:
        """Documents that came with it or were sent after it. Raises MissingFact while it has not arrived."""
        later = (document for d in self.dossier.deeds(self.node, DocumentsReceived) for document in d.act.documents)
        return frozenset((*self.arrival.act.documents, *later))

    def _needed(self, deed: Deed[A] | None, what: str) -> Deed[A]:
        if deed is None:
            raise MissingFact(what, node=self.node)
        return deed
