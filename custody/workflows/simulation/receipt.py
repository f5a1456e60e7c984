"""A parcel at the receiving desk: arrival, the logger's file, and every bag accepted by two, decided by quality, or destroyed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from custody.domain.acts import manufacturing, shipping
from custody.domain.ids import BagId, LoggerId, SealNumber, ShipmentId, ShipperId
from custody.domain.terms import Answer as Said
from custody.workflows.rehearsal.downstream import DOCUMENTS
from custody.workflows.simulation import wards
from custody.workflows.simulation.agenda import Way
from custody.workflows.simulation.cold import Warm, trip_file
from custody.workflows.simulation.giving import participant
from custody.workflows.simulation.hands import Hands
from custody.workflows.simulation.kinds import Fault, Slip
from custody.workflows.simulation.plan import Delivery
from custody.workflows.simulation.tally import Answer
from custody.workflows.simulation.trial import Ward

TRIES = 5
A_DAY = timedelta(days=1)
FILE_IS_OLD = timedelta(minutes=8)
FINAL = frozenset({Fault.TRIP_HOT, Fault.LOGGER_CLOCK, Fault.SEAL_BROKEN})
"""Of these quality rejects the bags."""
HOPELESS = ("BAG-REL", "BAG-RECALL", "BAG-DONOR", "RCV-SEAL", "RCV-INT")


@dataclass
class Parcel:
    """What is on its way: `loaded_at` is when its logger began, `fault` what broke on the road."""

    delivery: Delivery
    ward: Ward
    loaded_at: datetime | None = None
    read_at: datetime | None = None
    fault: Fault | None = None
    warm: Warm | None = None
    clock_off: timedelta = timedelta(0)

    @property
    def shipment(self) -> ShipmentId:
        return ShipmentId(f"SH-{self.delivery.number:05d}")

    @property
    def shipper(self) -> ShipperId:
        return ShipperId(f"SHIPPER-{self.delivery.number:05d}")

    @property
    def logger(self) -> LoggerId:
        return LoggerId(f"LOGGER-T{self.delivery.number:05d}")

    @property
    def seals(self) -> tuple[SealNumber, ...]:
        return (SealNumber(f"S{self.delivery.number:05d}-4471"),)

    @property
    def other_seals(self) -> tuple[SealNumber, ...]:
        return (SealNumber(f"S{self.delivery.number:05d}-4477"),)

    def file(self, now: datetime) -> bytes:
        assert self.loaded_at is not None
        return trip_file(self.logger, self.loaded_at, now, warm=self.warm, clock_off=self.clock_off)


def receive(hands: Hands, parcel: Parcel) -> Way[None]:
    """The shipper is opened at the desk; then the participants for whom there are bags are asked to come."""
    trial, ward = hands.trial, parcel.ward
    yield hands.takes(2, 6)
    yield from _arrived(hands, parcel)
    accepted = 0
    for bag in parcel.delivery.bags:
        yield hands.takes(0.5, 1.5)
        accepted += yield from _bag(hands, parcel, bag)
    trial.tally.done["bags accepted by hospitals"] += accepted
    for comer in parcel.delivery.comers:
        start = trial.book_dose(trial.now + timedelta(hours=21) + hands.takes(0, 90))
        trial.agenda.begin(participant(trial, ward, comer, start), start - timedelta(hours=20))


def _arrived(hands: Hands, parcel: Parcel) -> Way[None]:
    """A seal that is broken has another number, or none that can be read: what stands on it is what is written down."""
    now, receiver = hands.trial.now, parcel.ward.team.receivers[0]
    arrived = shipping.ShipmentArrived(
        shipment=parcel.shipment,
        shipper=parcel.shipper,
        seals=parcel.other_seals if parcel.fault is Fault.SEAL_BROKEN else parcel.seals,
        arrived_at=now,
        outside_undamaged=Said.YES,
        shock_and_tilt_marks_clear=Said.YES,
        logger_present_and_running=Said.YES,
        bags_counted=len(parcel.delivery.bags),
        documents=DOCUMENTS,
        liquid_nitrogen_kg=Decimal("4.2"),
    )
    if hands.errs(Slip.CLOCK_AHEAD):
        hands.slip(Slip.CLOCK_AHEAD, hands.one(replace(arrived, arrived_at=now + A_DAY), receiver), parcel.shipment.key)
        yield hands.takes(0.3, 1)
    yield from hands.sign(arrived, receiver)
    yield hands.takes(1, 3)


# ── bag by bag ──


def _bag(hands: Hands, parcel: Parcel, bag: BagId) -> Way[bool]:
    """Whether it was accepted into the freezer; what is stopped goes to quality, and is tried again or destroyed."""
    trial, ward = hands.trial, parcel.ward
    for _ in range(TRIES):
        answer = yield from _accepted(hands, parcel, bag)
        if answer.is_done:
            stored = manufacturing.BagStored(bag=bag, equipment=ward.hospital.freezer, position=_place(bag), stored_at=trial.now)
            yield from hands.sign(stored, ward.team.receivers[0])
            ward.stock.append(bag)
            return True
        wards.led_to(trial, bag, f"receipt: {answer.words}")
        if not (yield from _settled(hands, parcel, bag, answer)):
            break
    yield from wards.refuse(hands, ward, parcel.shipment, bag)
    return False


def _accepted(hands: Hands, parcel: Parcel, bag: BagId) -> Way[Answer]:
    """Both receivers look at the bag and scan it; one of them may have another in hand."""
    trial, ward = hands.trial, parcel.ward
    if parcel.read_at is None or trial.now - parcel.read_at > FILE_IS_OLD:
        hands.read(parcel.file(trial.now), ward.team.receivers[0])
        parcel.read_at = trial.now
        yield hands.takes(0.2, 1)
    accepted = shipping.BagAccepted(
        bag=hands.typed(bag),
        shipment=parcel.shipment,
        container_whole=Said.YES,
        no_sign_of_thaw=Said.YES,
        label_readable=Said.YES,
        label_equals_order=Said.YES,
        out_of_shipper_minutes=hands.draw.randint(1, 4),
        equipment=ward.hospital.freezer,
        position=_place(bag),
    )
    others = [each for each in parcel.delivery.bags if each != bag]
    if others and hands.errs(Slip.WRONG_BAG_RECEIVED):
        wrong = replace(accepted, bag=hands.draw.choice(others))
        answer = yield from hands.sign(accepted, *ward.team.receivers, again=wrong)
        hands.slip(Slip.WRONG_BAG_RECEIVED, answer, bag.key)
        yield hands.takes(0.3, 1)
    return (yield from hands.sign(accepted, *ward.team.receivers))


def _place(bag: BagId) -> str:
    return f"H-{bag.value[:4]}"


def _settled(hands: Hands, parcel: Parcel, bag: BagId, answer: Answer) -> Way[bool]:
    """What quality and the receivers make of a STOP: True when it can be tried again."""
    if answer.has(*HOPELESS) or parcel.fault in FINAL:
        yield hands.takes(10, 60)
        return False
    if answer.has("BAG-GAP"):
        yield from wards.dispose_gap(hands, bag, parcel.loaded_at)
    if answer.has("BAG-COLD"):
        yield from wards.decide_cold(hands, bag)
    if answer.codes == ("BAG-HOLD",) and not hands.holds_on(bag):
        # On the lot: somebody else decides about that.
        yield hands.takes(60, 240)
    yield from hands.lift_holds(bag)
    return True
