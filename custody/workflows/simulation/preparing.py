"""One bag from the hospital's freezer to the nurse: thawed by two, looked at, released for its dose, handed over."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from custody.domain.acts import allocation, bedside, manufacturing, quality, shipping
from custody.domain.ids import BagId, SampleId
from custody.domain.terms import Answer as Said
from custody.domain.terms import PartyKind
from custody.workflows.proposing import possession_code
from custody.workflows.simulation import wards
from custody.workflows.simulation.agenda import Way
from custody.workflows.simulation.cold import Warm
from custody.workflows.simulation.dose import Dosing, Fate
from custody.workflows.simulation.kinds import Delay, Fault, Slip
from custody.workflows.simulation.tally import Answer

TRIES = 8
GOOD = (("APP", "conforms", ""), ("CCI", "no leak", ""), ("LAB", "100", "%"))
LEAKS = (("APP", "conforms", ""), ("CCI", "leak", ""), ("LAB", "100", "%"))
WARM_CELSIUS = Decimal("-130.0")
OVER = ("BED-CONS", "ALO-PART", "ALO-WINDOW", "ALO-DUP", "BAG-REL", "BAG-RECALL", "BAG-DONOR")
"""What no waiting and no decision at the hospital changes."""
CODE = "C-771035"


def prepared(dosing: Dosing, bag: BagId) -> Way[Fate]:
    """In the nurse's hands; lost at the thaw; or the dose is over."""
    hands = dosing.hands
    yield from _freezer_warms(dosing)
    for _ in range(TRIES):
        yield from _taken_out(dosing, bag)
        yield from _other_bag_tried(dosing, bag)
        answer = yield from hands.sign(
            bedside.BagPreparationStarted(dose=dosing.dose, bag=hands.typed(bag), container_whole=Said.YES), *dosing.preparers
        )
        if answer.is_done:
            dosing.thawed.append(bag)
            return (yield from _released(dosing, bag))
        dosing.stopped("thaw", answer, bag)
        yield from _back_to_the_freezer(dosing, bag)
        if answer.has(*OVER) or answer.kind == "refused":
            return "over"
        yield from _settled(dosing, bag, answer)
    return "over"


def _freezer_warms(dosing: Dosing) -> Way[None]:
    """Some time before, the freezer was warm for half an hour, and nobody noticed until its record is read."""
    hands, trial, ward = dosing.hands, dosing.trial, dosing.ward
    if not hands.breaks(Fault.WARD_WARM):
        return
    yield hands.takes(1, 5)
    start = trial.now
    ward.freezer.warm.append(Warm(start=start, end=start + timedelta(minutes=30), celsius=WARM_CELSIUS))
    for bag in (*ward.stock, *(bag for bag in dosing.bags if bag not in dosing.thawed)):
        trial.truth.breaks(bag, Fault.WARD_WARM)
    yield hands.takes(41, 55)


def _taken_out(dosing: Dosing, bag: BagId) -> Way[None]:
    """The freezer's record is read, the physician is ready, and two take the bag out."""
    hands, ward = dosing.hands, dosing.ward
    hands.read(ward.freezer.file(dosing.now), dosing.preparers[0])
    yield hands.takes(0.5, 2)
    yield from hands.sign(bedside.ReadyConfirmed(dose=dosing.dose), dosing.physician)
    yield hands.takes(1, 4)
    yield from hands.sign(manufacturing.BagTakenOut(bag=bag, taken_at=dosing.now), *dosing.preparers)
    yield hands.takes(0.5, 2)


def _other_bag_tried(dosing: Dosing, bag: BagId) -> Way[None]:
    """Somebody has taken a bag of the stock, which was reserved for nobody or for somebody else."""
    hands, stock = dosing.hands, dosing.ward.stock
    if stock and hands.errs(Slip.BAG_OF_ANOTHER_DOSE):
        other = hands.draw.choice(stock)
        wrong = bedside.BagPreparationStarted(dose=dosing.dose, bag=other, container_whole=Said.YES)
        answer = yield from hands.sign(wrong, *dosing.preparers)
        hands.slip(Slip.BAG_OF_ANOTHER_DOSE, answer, bag.key)
        yield hands.takes(0.5, 2)


def _back_to_the_freezer(dosing: Dosing, bag: BagId) -> Way[None]:
    stored = manufacturing.BagStored(bag=bag, equipment=dosing.ward.hospital.freezer, position=f"H-{bag.value[:4]}", stored_at=dosing.now)
    yield from dosing.hands.sign(stored, dosing.preparers[0])


def _settled(dosing: Dosing, bag: BagId, answer: Answer) -> Way[None]:
    """What is done before it is tried again: quality decides, or everybody waits for somebody else."""
    hands = dosing.hands
    if answer.has("BAG-COLD"):
        # Everything up to the decision must have been read before it, or it covers nothing.
        hands.read(dosing.ward.freezer.file(dosing.now), dosing.preparers[0])
        yield from wards.decide_cold(hands, bag)
    if answer.has("BAG-GAP"):
        yield from wards.dispose_gap(hands, bag, None)
    if answer.has("ALO-COHORT", "BAG-HOLD", "BED-STUDY") and not hands.holds_on(bag):
        yield hands.takes(60, 150)
    yield from hands.lift_holds(bag)
    yield hands.takes(2, 10)


# ── after the thaw ──


def _released(dosing: Dosing, bag: BagId) -> Way[Fate]:
    """Looked at, released for the dose and handed to the nurse; a bag that leaks is discarded by two."""
    hands = dosing.hands
    sample = SampleId(f"D-{bag.value}")
    yield hands.takes(5, 9)
    yield from hands.sign(quality.SampleTaken(node=dosing.dose, sample=sample, taken_at=dosing.now), dosing.preparers[0])
    if hands.errs(Slip.DISPENSED_UNTESTED):
        answer = hands.one(bedside.DoseBagReleased(dose=dosing.dose, bag=bag), dosing.preparers[0])
        hands.slip(Slip.DISPENSED_UNTESTED, answer, dosing.dose.key)
    leaks = hands.breaks(Fault.THAW_LEAK)
    if leaks:
        dosing.trial.truth.breaks(bag, Fault.THAW_LEAK)
    for test, result, unit in LEAKS if leaks else GOOD:
        yield hands.takes(0.2, 0.8)
        yield from hands.sign(_result(dosing, bag, sample, (test, result, unit)), dosing.preparers[0])
    if dosing.kit is not None:
        yield from _covered(dosing, bag)
    yield hands.takes(1, 3)
    answer = yield from hands.sign(bedside.DoseBagReleased(dose=dosing.dose, bag=bag), dosing.preparers[0])
    if not answer.is_done:
        dosing.stopped("dose release", answer, bag)
        return (yield from discarded(dosing, bag, "may not be used"))
    yield from _to_the_nurse(dosing, bag)
    if hands.is_late(Delay.PREPARATION_WAITED):
        yield hands.takes(100, 170)
    return "ready"


def _covered(dosing: Dosing, bag: BagId) -> Way[None]:
    """In the blinded phase two people cover bag and line, so that nobody at the bed sees what it is."""
    hands = dosing.hands
    if hands.errs(Slip.COVER_FORGOTTEN):
        answer = hands.one(bedside.DoseBagReleased(dose=dosing.dose, bag=bag), dosing.preparers[0])
        hands.slip(Slip.COVER_FORGOTTEN, answer, dosing.dose.key)
    yield hands.takes(1, 3)
    covered = bedside.CoverBound(bag=bag, cover_label=f"COVER-{dosing.comer.number:05d}-{len(dosing.thawed)}")
    yield from hands.sign(covered, *dosing.preparers)


def _result(dosing: Dosing, bag: BagId, sample: SampleId, seen: tuple[str, str, str]) -> quality.ResultRecorded:
    test, result, unit = seen
    return quality.ResultRecorded(
        node=dosing.dose,
        test=test,
        sample=sample,
        result=result,
        unit=unit,
        method=f"M-{test}",
        method_version="1",
        instrument="by eye",
        read_at=dosing.now,
        bag=bag,
    )


def _to_the_nurse(dosing: Dosing, bag: BagId) -> Way[None]:
    hands, nurse = dosing.hands, dosing.nurses[0]
    offered = shipping.HandoffOffered(
        node=bag,
        to_kind=PartyKind.PERSON,
        to_organisation=dosing.ward.hospital.name,
        to_person=dosing.trial.staff.person(nurse),
        seals=(),
        code=possession_code(bag, CODE),
        offered_at=dosing.now,
    )
    yield hands.takes(0.5, 2)
    yield from hands.sign(offered, dosing.preparers[0])
    yield hands.takes(1, 5)
    yield from hands.sign(shipping.HandoffAccepted(node=bag, seals=(), code=offered.code), nurse)


def discarded(dosing: Dosing, bag: BagId, reason: str) -> Way[Fate]:
    """A thawed bag that will not be given: discarded by two, destroyed by two; a spare may take its place."""
    hands = dosing.hands
    yield hands.takes(1, 4)
    yield from hands.sign(bedside.BagDiscarded(dose=dosing.dose, bag=bag, reason=reason), *dosing.preparers)
    yield from wards.destroy(hands, bag, *dosing.preparers, reason=reason)
    dosing.gone.append(bag)
    return "lost"


def participant_leaves(dosing: Dosing) -> Way[None]:
    """The participant takes the consent back before anything is given."""
    hands = dosing.hands
    if dosing.started_at is None and hands.breaks(Fault.PARTICIPANT_LEAVES):
        yield hands.takes(1, 5)
        left = allocation.ParticipantLeft(participant=dosing.participant, reason="withdrawn", left_at=dosing.now)
        yield from hands.must(left, dosing.physician)
        dosing.trial.truth.breaks(dosing.participant, Fault.PARTICIPANT_LEAVES)
