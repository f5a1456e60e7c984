"""One delivery: packed, sealed, handed to the courier, on the road, handed to the hospital, and received bag by bag."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from custody.domain.acts import manufacturing, shipping
from custody.domain.acts.base import Act
from custody.domain.ids import SiteId
from custody.domain.terms import PartyKind, StorageForm
from custody.workflows.proposing import possession_code
from custody.workflows.rehearsal.downstream import COURIER, DOCUMENTS
from custody.workflows.rehearsal.road import PACKER, QA, VERIFIER
from custody.workflows.simulation.agenda import Way
from custody.workflows.simulation.cold import EVERY_MINUTES, Warm
from custody.workflows.simulation.hands import Hands
from custody.workflows.simulation.kinds import Delay, Fault, Slip
from custody.workflows.simulation.plan import Delivery
from custody.workflows.simulation.receipt import Parcel, receive
from custody.workflows.simulation.tally import Answer
from custody.workflows.simulation.trial import Trial

MAKER = SiteId("A9991")
PLANNED_MINUTES = 240
HANDOVER_TRIES = 4
CODES = ("A-402913", "B-118204")
ON_THE_ROAD = (Fault.TRIP_WARM, Fault.TRIP_HOT, Fault.LOGGER_CLOCK, Fault.SEAL_BROKEN)
CELSIUS = {Fault.TRIP_WARM: Decimal("-130.0"), Fault.TRIP_HOT: Decimal("-95.0")}
"""Class 2, on which quality decides, and class 3, which is final (rules section 11)."""


def deliver(trial: Trial, delivery: Delivery) -> Way[None]:
    hands = Hands(trial, "delivery", delivery.number)
    parcel = Parcel(delivery, trial.wards[delivery.hospital])
    parcel.ward.freezer.begins(trial.now)
    yield from _at_the_bench(hands)
    sealed = yield from _packed(hands, parcel)
    if not sealed.is_done:
        yield from _unpacked(hands, parcel, sealed)
        return
    yield hands.takes(4, 12)
    if not (yield from handed_over(hands, parcel, PACKER, COURIER, CODES[0])):
        return
    yield from _on_the_road(hands, parcel)
    receiver = parcel.ward.team.receivers[0]
    if not (yield from handed_over(hands, parcel, COURIER, receiver, CODES[1])):
        return
    yield from receive(hands, parcel)


def _at_the_bench(hands: Hands) -> Way[None]:
    """One shipment at a time is packed; now and then there is a queue besides."""
    trial = hands.trial
    if hands.is_late(Delay.BENCH_QUEUE):
        yield hands.takes(60, 8 * 60)
    while trial.packing_free_at is not None and trial.now < trial.packing_free_at:
        yield trial.packing_free_at - trial.now + timedelta(minutes=5)
    trial.packing_free_at = trial.now + timedelta(minutes=90)


# ── packing ──


def _packed(hands: Hands, parcel: Parcel) -> Way[Answer]:
    """Shipper and logger made known, everything packed by two, the freezer's record read, the shipper sealed."""
    trial, delivery = hands.trial, parcel.delivery
    for act, who in _made_known(trial, parcel):
        yield from hands.sign(act, who)
        yield hands.takes(0.3, 2)
    parcel.loaded_at = trial.now
    yield from hands.sign(shipping.LoggerStarted(logger=parcel.logger, started_at=trial.now), PACKER)
    yield hands.takes(11, 14)
    packing = shipping.PackingStarted(
        shipment=parcel.shipment, shipper=parcel.shipper, loggers=(parcel.logger,), charged_at=trial.now - timedelta(minutes=80)
    )
    yield from hands.sign(packing, PACKER)
    for bag in delivery.bags:
        yield hands.takes(0.5, 1.5)
        yield from hands.sign(manufacturing.BagTakenOut(bag=hands.typed(bag), taken_at=trial.now), PACKER, VERIFIER)
        yield hands.takes(0.2, 0.6)
        yield from hands.sign(shipping.BagPacked(bag=bag, shipment=parcel.shipment, packed_at=trial.now), PACKER, VERIFIER)
    yield timedelta(minutes=EVERY_MINUTES)
    hands.read(trial.freezer.file(trial.now), PACKER)
    yield hands.takes(1, 3)
    sealed = shipping.ShipperSealed(
        shipment=parcel.shipment, shipper=parcel.shipper, seals=parcel.seals, documents=DOCUMENTS, bags=delivery.bags
    )
    return (yield from hands.sign(sealed, PACKER, VERIFIER))


def _made_known(trial: Trial, parcel: Parcel) -> tuple[tuple[Act, str], ...]:
    today, end = trial.now.date(), trial.plan.over.date()
    return (
        (shipping.ShipperRegistered(shipper=parcel.shipper, model="Demo dry shipper"), PACKER),
        (
            shipping.ShipperQualified(shipper=parcel.shipper, qualified_on=today, qualified_until=end, hold_minutes=10 * 24 * 60),
            QA,
        ),
        (shipping.LoggerRegistered(logger=parcel.logger, model="Demo logger", interval_minutes=Decimal(EVERY_MINUTES)), PACKER),
        (shipping.LoggerCalibrated(logger=parcel.logger, calibrated_on=today, due_on=end, certificate="on file"), QA),
        (
            shipping.ShipmentPlanned(
                shipment=parcel.shipment,
                origin=MAKER,
                destination=parcel.ward.hospital.site,
                form=StorageForm.CRYO,
                bags=parcel.delivery.bags,
                legs=(shipping.Leg(carrier="Demo Courier"),),
                planned_minutes=PLANNED_MINUTES,
                documents=DOCUMENTS,
            ),
            PACKER,
        ),
    )


def _unpacked(hands: Hands, parcel: Parcel, sealed: Answer) -> Way[None]:
    """The shipper does not leave: its bags go back, and are destroyed when nothing can be done for them."""
    trial = hands.trial
    fault = trial.truth.fault_of(parcel.delivery.bags[0])
    if fault is not None:
        trial.tally.led_to[fault][f"shipping: {sealed.words}"] += 1
    trial.tally.done["shipments never sealed"] += 1
    for bag in parcel.delivery.bags:
        yield hands.takes(0.5, 2)
        unpacked = shipping.BagUnpacked(bag=bag, shipment=parcel.shipment, reason="the shipper did not leave")
        yield from hands.sign(unpacked, PACKER, VERIFIER)
        destroyed = shipping.BagDestroyed(bag=bag, method="incineration", reason="may not be used")
        yield from hands.sign(destroyed, PACKER, VERIFIER)
    trial.tally.done["bags destroyed"] += len(parcel.delivery.bags)


# ── from hand to hand ──


def handed_over(hands: Hands, parcel: Parcel, giver: str, receiver: str, code: str) -> Way[bool]:
    """Offered and taken over; a code heard wrongly or a seal misread is stopped, and read again."""
    stale = hands.is_late(Delay.HANDOVER_STALE)
    for _ in range(HANDOVER_TRIES):
        yield from hands.sign(_offer(hands, parcel, receiver, code), giver)
        yield hands.takes(33, 50) if stale else hands.takes(1, 5)
        right = shipping.HandoffAccepted(node=parcel.shipment, seals=parcel.seals, code=possession_code(parcel.shipment, code))
        if hands.errs(Slip.CODE_NOT_KNOWN):
            wrong = possession_code(parcel.shipment, "A-402931")
            hands.slip(Slip.CODE_NOT_KNOWN, hands.one(replace(right, code=wrong), receiver), parcel.shipment.key)
            yield hands.takes(0.3, 1)
        if hands.errs(Slip.SEAL_MISREAD):
            hands.slip(Slip.SEAL_MISREAD, hands.one(replace(right, seals=parcel.other_seals), receiver), parcel.shipment.key)
            yield hands.takes(0.3, 1)
        answer = yield from hands.sign(right, receiver)
        if answer.is_done:
            return True
        # Left open for too long, or somebody is not who was named: it is offered anew.
        stale = False
        yield hands.takes(1, 3)
    hands.trial.tally.done["hand-overs given up"] += 1
    return False


def _offer(hands: Hands, parcel: Parcel, receiver: str, code: str) -> shipping.HandoffOffered:
    to_carrier = receiver == COURIER
    return shipping.HandoffOffered(
        node=parcel.shipment,
        to_kind=PartyKind.CARRIER if to_carrier else PartyKind.PERSON,
        to_organisation="Demo Courier" if to_carrier else parcel.ward.hospital.name,
        to_person=None if to_carrier else hands.trial.staff.person(receiver),
        seals=parcel.seals,
        code=possession_code(parcel.shipment, code),
        offered_at=hands.trial.now,
    )


def _on_the_road(hands: Hands, parcel: Parcel) -> Way[None]:
    """Three to five hours, or far too many; one thing at most breaks on the way."""
    trial, left_at = hands.trial, hands.trial.now
    yield hands.takes(10 * 60, 14 * 60) if hands.is_late(Delay.COURIER_LATE) else hands.takes(170, 300)
    fault = next((each for each in ON_THE_ROAD if hands.breaks(each)), None)
    if fault is None:
        return
    parcel.fault = fault
    if fault in CELSIUS:
        parcel.warm = Warm(start=left_at + timedelta(minutes=40), end=left_at + timedelta(minutes=80), celsius=CELSIUS[fault])
    if fault is Fault.LOGGER_CLOCK:
        parcel.clock_off = timedelta(days=-1)
    for bag in parcel.delivery.bags:
        trial.truth.breaks(bag, fault)
