"""One bag: where it came from, which state it is in, for which dose it is reserved, and when it expires."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property

from custody.domain.acts.allocation import BagFreed, BagReserved, DoseAllocated
from custody.domain.acts.base import Act
from custody.domain.acts.bedside import BagDiscardedFromDose, BagDispensed, BagInfused, BagPreparing, BagSpiked
from custody.domain.acts.manufacturing import BagFilled, BagRetained, BagStored, BagTakenOut
from custody.domain.acts.shipping import (
    BagAccepted,
    BagDamaged,
    BagDestroyed,
    BagPacked,
    BagRefusedAtReceipt,
    BagReturned,
    BagUnpacked,
    HandoffAccepted,
)
from custody.domain.dossier import Deed, Dossier
from custody.domain.folds.base import MissingFact
from custody.domain.folds.cold_life import ColdLife
from custody.domain.folds.custody import CustodyFold, journeys_of
from custody.domain.folds.lot import Conditional, LotFold, Released
from custody.domain.folds.registers import span
from custody.domain.folds.shipment import ShipmentFold
from custody.domain.folds.study import StudyFold
from custody.domain.ids import BagId, Digest, DoseId, KitId, LotId, ShipmentId
from custody.domain.terms import ProductForm


class BagState(StrEnum):
    """Rules section 2: a derived view, never stored. A bag in storage is in quarantine or available by its lot's disposition."""

    FILLED = "filled"
    QUARANTINE = "quarantine"
    AVAILABLE = "available"
    RETAINED = "retained"
    PACKED = "packed"
    IN_TRANSIT = "in_transit"
    LOST = "lost"
    RECEIPT_QUARANTINE = "receipt_quarantine"
    RECEIVED = "received"
    RETURNED = "returned"
    PREPARED = "prepared"
    DOSE_RELEASED = "dose_released"
    AT_BEDSIDE = "at_bedside"
    INFUSING = "infusing"
    INFUSED = "infused"
    PARTIAL = "partial"
    DESTROYED = "destroyed"


NEVER_BACK = frozenset({BagState.PREPARED, BagState.DOSE_RELEASED, BagState.AT_BEDSIDE, BagState.INFUSING})
"""From PREPARED there is no way back to storage; putting such a bag away changes nothing."""

IN_USE: dict[type[Act], BagState] = {
    BagPreparing: BagState.PREPARED,
    BagDispensed: BagState.DOSE_RELEASED,
    BagSpiked: BagState.INFUSING,
}

KEPT: dict[type[Act], BagState] = {
    BagRetained: BagState.RETAINED,
    BagUnpacked: BagState.QUARANTINE,
    BagAccepted: BagState.RECEIVED,
    BagRefusedAtReceipt: BagState.RECEIPT_QUARANTINE,
    BagReturned: BagState.RETURNED,
}

ARRIVED_ONCE = frozenset({BagState.RECEIVED, BagState.RECEIPT_QUARANTINE, BagState.RETURNED})
"""To these a bag comes back that was packed to be sent on and taken out again."""

FINAL = frozenset({BagState.INFUSED, BagState.PARTIAL, BagState.DESTROYED})


@dataclass(frozen=True, kw_only=True)
class Clock:
    """One of the clocks that run on a bag: it may be used before, not at, `expires_at`."""

    kind: str
    expires_at: datetime
    evidence: tuple[Digest, ...]


@dataclass(frozen=True)
class BagFold:
    dossier: Dossier
    node: BagId
    study: StudyFold

    @cached_property
    def filled(self) -> Deed[BagFilled]:
        """Raises MissingFact when the bag was never filled: then it is no bag of ours."""
        found = self.dossier.first(self.node, BagFilled)
        if found is None:
            raise MissingFact("fill", node=self.node)
        return found

    @property
    def lot_id(self) -> LotId:
        return self.filled.act.lot

    @cached_property
    def lot(self) -> LotFold:
        return LotFold(self.dossier, self.lot_id, self.study)

    # -- where it is --------------------------------------------------------------------------------------------------------------

    @property
    def stored(self) -> Deed[BagStored] | None:
        return self.dossier.last(self.node, BagStored)

    @property
    def taken_out(self) -> Deed[BagTakenOut] | None:
        return self.dossier.last(self.node, BagTakenOut)

    @cached_property
    def packed(self) -> Deed[BagPacked] | None:
        """The last time it was packed, unless it was taken out of that shipper again before it left."""
        journeys = journeys_of(self.dossier, self.node)
        last = self.dossier.last(self.node, BagPacked, BagUnpacked)
        return journeys[-1] if journeys and last is not None and isinstance(last.act, BagPacked) else None

    @property
    def shipments(self) -> tuple[ShipmentId, ...]:
        """Every shipment it travelled in, or stands packed in, oldest first."""
        return tuple(dict.fromkeys(deed.act.shipment for deed in journeys_of(self.dossier, self.node)))

    @cached_property
    def shipment(self) -> ShipmentFold:
        """The shipment it was packed into last. Raises MissingFact when it never was."""
        if not self.shipments:
            raise MissingFact("shipment", node=self.node)
        return ShipmentFold(self.dossier, self.shipments[-1], self.study)

    @cached_property
    def receipt(self) -> Deed[BagAccepted | BagRefusedAtReceipt] | None:
        """The last decision of a receiver about this bag since it last travelled, or None."""
        decision: Deed[BagAccepted | BagRefusedAtReceipt] | None = self.dossier.last(self.node, BagAccepted, BagRefusedAtReceipt)
        travelled = (*journeys_of(self.dossier, self.node), *self.dossier.deeds(self.node, BagReturned))
        if decision is None or all(decision.entry.position > deed.entry.position for deed in travelled):
            return decision
        return None

    @property
    def accepted(self) -> Deed[BagAccepted] | None:
        """The acceptance that stands: neither refused, sent back nor packed again since."""
        return self.receipt if self.receipt is not None and isinstance(self.receipt.act, BagAccepted) else None  # type: ignore[return-value]

    @property
    def rejected_at_receipt(self) -> Deed[BagRefusedAtReceipt] | None:
        """A rejection at receipt is final."""
        return next((d for d in self.dossier.deeds(self.node, BagRefusedAtReceipt) if d.act.reject), None)

    @property
    def damaged(self) -> Deed[BagDamaged] | None:
        return self.dossier.first(self.node, BagDamaged)

    @property
    def discarded(self) -> Deed[BagDiscardedFromDose] | None:
        """Given up during its preparation; it waits for destruction."""
        return self.dossier.first(self.node, BagDiscardedFromDose)

    @property
    def destroyed(self) -> Deed[BagDestroyed] | None:
        return self.dossier.first(self.node, BagDestroyed)

    @property
    def prepared(self) -> Deed[BagPreparing] | None:
        """The first start of its preparation: a clock that has started is never started again."""
        return self.dossier.first(self.node, BagPreparing)

    @property
    def prepared_at(self) -> datetime | None:
        return self.prepared.at if self.prepared is not None else None

    @cached_property
    def state(self) -> BagState:
        """Raises MissingFact when the bag was never filled."""
        state = before = BagState.FILLED
        for deed in self.dossier.deeds(self.filled.act.bag, Act):
            if isinstance(deed.act, BagPacked) and state is not BagState.PACKED:
                before = state
            was, state = state, self._after(state, deed.act)
            if isinstance(deed.act, BagUnpacked) and was is BagState.PACKED and before in ARRIVED_ONCE:
                state = before
        available = state is BagState.QUARANTINE and isinstance(self.lot.disposition, Released | Conditional)
        return BagState.AVAILABLE if available else state

    def _after(self, state: BagState, act: Act) -> BagState:
        if isinstance(act, BagDestroyed) and state is not BagState.INFUSED:
            return BagState.DESTROYED
        if state in FINAL or state is BagState.RETAINED:  # no step leads from the retained samples to a patient (rules section 2)
            return state
        if isinstance(act, BagInfused):
            tolerance_ml = self.study.criteria_now.settings.close_tolerance_ml
            return BagState.INFUSED if act.residual_ml <= tolerance_ml else BagState.PARTIAL
        if isinstance(act, HandoffAccepted) and state is BagState.DOSE_RELEASED:
            return BagState.AT_BEDSIDE
        if state in NEVER_BACK or type(act) in IN_USE:
            return IN_USE.get(type(act), state)
        return self._kept_or_moved(state, act)

    def _kept_or_moved(self, state: BagState, act: Act) -> BagState:
        """Before preparation."""
        if isinstance(act, BagPacked):
            return self._travelling(ShipmentFold(self.dossier, act.shipment, self.study))
        if isinstance(act, BagStored) and state is BagState.FILLED:
            return BagState.QUARANTINE
        return KEPT.get(type(act), state)

    @staticmethod
    def _travelling(shipment: ShipmentFold) -> BagState:
        if shipment.lost is not None:
            return BagState.LOST
        if shipment.arrived is not None:
            return BagState.RECEIPT_QUARANTINE
        return BagState.PACKED if shipment.left_at is None else BagState.IN_TRANSIT

    # -- for whom -----------------------------------------------------------------------------------------------------------------

    @cached_property
    def reservation(self) -> Deed[BagReserved] | None:
        last = self.dossier.last(self.node, BagReserved, BagFreed)
        return last if last is not None and isinstance(last.act, BagReserved) else None  # type: ignore[return-value]

    @property
    def reserved_for(self) -> DoseId | None:
        return self.reservation.act.dose if self.reservation is not None else None

    @property
    def kit(self) -> KitId | None:
        """The kit it was reserved with; for a spare that of its dose, where the dose is part of the dossier."""
        reserved = self.reservation
        if reserved is None:
            return None
        if reserved.act.kit is not None:
            return reserved.act.kit
        allocated = self.dossier.last(reserved.act.dose, DoseAllocated)
        return allocated.act.kit if allocated is not None else None

    # -- how long ------------------------------------------------------------------------------------------------------------------

    @property
    def shelf_life(self) -> timedelta:
        """By the criteria of its lot: a fresh bag counts hours from the fill, a frozen one days."""
        settings = self.lot.criteria.settings
        if self.lot.form is ProductForm.FRESH:
            return span(hours=settings.fresh_hours)
        return span(days=settings.frozen_days)

    @property
    def thawed_life(self) -> timedelta | None:
        """How long a thawed bag lasts; None for a fresh one, which is never thawed."""
        if self.lot.form is ProductForm.FRESH:
            return None
        settings = self.lot.criteria.settings
        return span(hours=settings.thaw_hours_cold if settings.thawed_kept_cold else settings.thaw_hours_rt)

    def clocks(self, thaw_starts_at: datetime | None = None) -> tuple[Clock, ...]:
        """Every clock that runs on it. `thaw_starts_at`: when its preparation is about to start and is not yet recorded."""
        filled = (self.filled.digest,)
        running = [
            Clock(kind="label", expires_at=self.filled.act.expires_at, evidence=filled),
            Clock(kind="shelf_life", expires_at=self.filled.act.filled_at + self.shelf_life, evidence=filled),
        ]
        thawed_at = self.prepared_at or thaw_starts_at
        if thawed_at is not None and self.thawed_life is not None:
            evidence = (self.prepared.digest,) if self.prepared is not None else ()
            running.append(Clock(kind="thaw", expires_at=thawed_at + self.thawed_life, evidence=evidence))
        spiked = self.dossier.first(self.node, BagSpiked)
        if spiked is not None:
            life = span(minutes=self.study.criteria_now.settings.spike_to_end_min)
            running.append(Clock(kind="spike", expires_at=spiked.at + life, evidence=(spiked.digest,)))
        return tuple(running)

    def earliest_expiry(self, thaw_starts_at: datetime | None = None) -> Clock:
        """The clock that runs out first: it alone decides."""
        return min(self.clocks(thaw_starts_at), key=lambda clock: clock.expires_at)

    # -- what it went through -------------------------------------------------------------------------------------------------------

    @cached_property
    def custody(self) -> CustodyFold:
        return CustodyFold(self.dossier, self.node, self.study)

    @cached_property
    def cold_life(self) -> ColdLife:
        return ColdLife(self.dossier, self.node, self.study, self.lot)
