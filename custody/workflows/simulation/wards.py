"""Bags in a hospital besides those given: quality decides about the cold and about gaps, bags are refused and destroyed."""

from __future__ import annotations

from datetime import datetime, timedelta

from custody.domain.acts import quality, shipping
from custody.domain.ids import BagId, LotId, ShipmentId
from custody.domain.terms import ColdChainDecision
from custody.workflows.rehearsal.road import QA
from custody.workflows.simulation.agenda import Way
from custody.workflows.simulation.hands import Hands
from custody.workflows.simulation.kinds import Fault
from custody.workflows.simulation.trial import Trial, Ward

MENDED_BY_QUALITY = frozenset({Fault.TRIP_WARM, Fault.WARD_WARM})


def led_to(trial: Trial, bag: BagId, what: str) -> None:
    """What a fault of this bag, its lot or its donor has led to."""
    fault = trial.truth.fault_of(bag)
    if fault is not None:
        trial.tally.led_to[fault][what] += 1


def decide_cold(hands: Hands, bag: BagId) -> Way[None]:
    """Quality looks at the curve and decides for the bag, as far as the record is known."""
    yield hands.takes(20, 120)
    trial = hands.trial
    decided = quality.ColdChainDecided(
        bag=bag, decision=ColdChainDecision.RELEASE, covers_until=trial.now, reason="short, and within what the study allows"
    )
    answer = yield from hands.sign(decided, QA)
    if answer.is_done and trial.truth.unfit.get(bag) in MENDED_BY_QUALITY:
        trial.tally.led_to[trial.truth.unfit[bag]]["quality decided: may be used"] += 1
        trial.truth.mends(bag)


def dispose_gap(hands: Hands, bag: BagId, since: datetime | None) -> Way[None]:
    """Seals and trace were whole all the time, says quality: the gap is disposed of."""
    yield hands.takes(20, 120)
    now = hands.trial.now
    disposed = quality.GapDisposed(
        node=bag,
        gap_started_at=since or now - timedelta(days=2),
        gap_ended_at=now,
        seals_intact=True,
        trace_continuous=True,
        reason="seals and trace were whole all the time",
    )
    yield from hands.sign(disposed, QA)


def refuse(hands: Hands, ward: Ward, shipment: ShipmentId, bag: BagId) -> Way[None]:
    """Rejected at receipt by two, and destroyed by two."""
    refused = shipping.BagRefusedAtReceipt(bag=bag, shipment=shipment, reject=True, reason="not to be used")
    yield from hands.sign(refused, *ward.team.receivers)
    yield hands.takes(5, 60)
    yield from destroy(hands, bag, *ward.team.receivers, reason="rejected at receipt")


def destroy(hands: Hands, bag: BagId, *who: str, reason: str) -> Way[None]:
    destroyed = shipping.BagDestroyed(bag=bag, method="incineration", reason=reason)
    answer = yield from hands.sign(destroyed, *who)
    hands.trial.tally.done["bags destroyed"] += answer.is_done


def destroy_stock(trial: Trial, ward: Ward, lot: LotId, reason: str) -> Way[None]:
    """Every bag of a lot that lies in a hospital and was promised to nobody."""
    hands = Hands(trial, "destroying", lot, ward.hospital.number)
    while bag := next((bag for bag in ward.stock if trial.truth.lot_of(bag) == lot), None):
        ward.stock.remove(bag)
        yield from destroy(hands, bag, *ward.team.receivers, reason=reason)
        yield hands.takes(1, 5)
