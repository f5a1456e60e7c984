"""A participant's way: enrolled, bags reserved, prepared bag by bag, given at the bed, watched, and the dose closed; or given up."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from custody.domain.acts import allocation, bedside
from custody.domain.ids import BagId, DoseId, KitId
from custody.workflows.rehearsal import bedside as road
from custody.workflows.rehearsal.steps import Script
from custody.workflows.simulation import wards
from custody.workflows.simulation.agenda import Way
from custody.workflows.simulation.bed import at_the_bed
from custody.workflows.simulation.closing import end
from custody.workflows.simulation.dose import Dosing
from custody.workflows.simulation.hands import Hands
from custody.workflows.simulation.kinds import Slip
from custody.workflows.simulation.plan import Comer
from custody.workflows.simulation.preparing import prepared
from custody.workflows.simulation.tally import Answer
from custody.workflows.simulation.trial import Trial, Ward

ALLOCATOR = "demo-iwrs-one"
ALLOCATION_TRIES = 3
BEFORE_THE_BED = timedelta(minutes=50)


def participant(trial: Trial, ward: Ward, comer: Comer, start: datetime) -> Way[None]:
    """From the day before the planned start to the day after, whatever comes between."""
    hands = Hands(trial, "participant", comer.number)
    dosing = Dosing(hands, ward, comer, start)
    yield from _enrolled(dosing)
    if not (yield from _reserved(dosing)):
        yield from _sent_home(dosing, "no bags")
        return
    yield trial.agenda.until(start - BEFORE_THE_BED)
    while not _all_given(dosing):
        if _is_short(dosing) and not (yield from _spare(dosing)):
            break
        if not (yield from _one_bag(dosing)):
            break
    if dosing.started_at is None:
        yield from _given_up(dosing)
        return
    yield from end(dosing, completed=_all_given(dosing))
    trial.tally.doses["given" if _all_given(dosing) else "given in part"] += 1
    trial.tally.dose_stops.update(dosing.stops)
    yield from _asked_again(dosing)


def _all_given(dosing: Dosing) -> bool:
    return len(dosing.given) >= dosing.cast.bags_needed


def _is_short(dosing: Dosing) -> bool:
    """Whether fewer bags are left than the dose still needs."""
    left = [bag for bag in dosing.bags if bag not in dosing.gone]
    return len(left) < dosing.cast.bags_needed - len(dosing.given)


# ── before ──


def _enrolled(dosing: Dosing) -> Way[None]:
    """Registered, consented, eligible, weighed by two, and a wristband put on by two."""
    hands = dosing.hands
    script = Script(dosing.start)
    road.enrol(script, dosing.cast, dosing.trial.criteria)
    for step in dosing.ours(script.in_order()):
        if isinstance(step.act, allocation.WeightMeasured) and hands.errs(Slip.READINGS_DIFFER):
            yield dosing.trial.agenda.until(step.at)
            wrong = replace(step.act, weight_kg=step.act.weight_kg + 10)
            answer = yield from hands.sign(step.act, *step.by, again=wrong)
            hands.slip(Slip.READINGS_DIFFER, answer, dosing.participant.key)
        yield from hands.play((step,))
    dosing.trial.truth.bands[dosing.dose] = road.wristband(dosing.cast)
    dosing.trial.tally.done["participants enrolled"] += 1


def _reserved(dosing: Dosing) -> Way[bool]:
    """Whether the hospital has bags enough of one lot, and the hold point lets them be reserved."""
    hands, stock = dosing.hands, dosing.ward.stock
    requested = allocation.DoseRequested(dose=dosing.dose, participant=dosing.participant, cohort=dosing.cohort, criteria_version=1)
    yield hands.takes(5, 20)
    yield from hands.sign(requested, dosing.physician)
    # A freezer's record that is more than a day old says nothing of the bags in it.
    hands.read(dosing.ward.freezer.file(dosing.now), dosing.ward.team.preparers[0])
    bags = _of_one_lot(dosing, dosing.cast.bags_needed)
    if bags:
        yield hands.takes(5, 20)
        bags = tuple(bag for bag in bags if bag in stock)
    if len(bags) < dosing.cast.bags_needed:
        return False
    for bag in bags:
        stock.remove(bag)
    dosing.bags += bags
    if dosing.kit is not None:
        yield from _kit_assigned(dosing, dosing.kit)
    if not (yield from _allocated(dosing)):
        stock.extend((*bags, *dosing.spares))
        dosing.bags.clear()
        dosing.spares.clear()
        return False
    yield hands.takes(10, 30)
    cast = dosing.cast
    prescription = bedside.PrescriptionSigned(
        dose=dosing.dose,
        volume_ml=cast.dose_volume_ml,
        rate_ml_per_min=road.rate_ml_per_min(cast),
        planned_minutes=road.PLANNED_MINUTES,
        premedication=("chlorphenamine",),
        notice_acknowledged=True,
    )
    yield from hands.sign(prescription, dosing.physician)
    return True


def _kit_assigned(dosing: Dosing, kit: KitId) -> Way[None]:
    """Randomisation puts the bags of the dose, and one more where there is one, under a number that says nothing of the arm."""
    stock, truth = dosing.ward.stock, dosing.trial.truth
    more = [bag for bag in stock if truth.lot_of(bag) == truth.lot_of(dosing.bags[0])][:1]
    for bag in more:
        stock.remove(bag)
    dosing.spares += more
    assigned = allocation.KitAssigned(kit=kit, participant=dosing.participant, bags=(*dosing.bags, *dosing.spares))
    yield from dosing.hands.must(assigned, ALLOCATOR)
    yield dosing.hands.takes(1, 5)


def _allocated(dosing: Dosing) -> Way[bool]:
    """Bags that quality can still decide about are tried again; so is a lot that somebody looks into."""
    hands = dosing.hands
    for _ in range(ALLOCATION_TRIES):
        answer = yield from hands.sign(
            allocation.DoseAllocated(dose=dosing.dose, cohort=dosing.cohort, bags=tuple(dosing.bags), kit=dosing.kit), ALLOCATOR
        )
        if answer.is_done:
            return True
        dosing.stopped("allocation", answer)
        if not (yield from _decided(dosing, answer, tuple(dosing.bags))):
            break
    return False


def _decided(dosing: Dosing, answer: Answer, bags: tuple[BagId, ...]) -> Way[bool]:
    """Whether quality could do something about a STOP, so that it is worth another try."""
    hands = dosing.hands
    if not set(answer.codes) <= {"BAG-COLD", "BAG-HOLD"}:
        return False
    if answer.has("BAG-COLD"):
        hands.read(dosing.ward.freezer.file(dosing.now), dosing.ward.team.preparers[0])
        for bag in bags:
            yield from wards.decide_cold(hands, bag)
    else:
        yield hands.takes(60, 180)
    for bag in bags:
        yield from hands.lift_holds(bag)
    return True


def _of_one_lot(dosing: Dosing, wanted: int) -> tuple[BagId, ...]:
    """The oldest bags in the freezer of which there are enough of one lot."""
    stock, truth = dosing.ward.stock, dosing.trial.truth
    for first in stock:
        same = tuple(bag for bag in stock if truth.lot_of(bag) == truth.lot_of(first))
        if len(same) >= wanted:
            return same[:wanted]
    return ()


def _sent_home(dosing: Dosing, why: str) -> Way[None]:
    tally = dosing.trial.tally
    tally.doses[f"never reserved: {dosing.stops[-1] if dosing.stops else why}"] += 1
    left = allocation.ParticipantLeft(participant=dosing.participant, reason="screen_failed", left_at=dosing.now)
    yield from dosing.hands.sign(left, dosing.physician)


# ── bag by bag ──


def _one_bag(dosing: Dosing) -> Way[bool]:
    """The next bag prepared and given; False when the dose goes no further."""
    bag = next(bag for bag in dosing.bags if bag not in dosing.gone)
    fate = yield from prepared(dosing, bag)
    if fate == "ready":
        fate = yield from at_the_bed(dosing, bag)
    if fate == "lost" and bag not in dosing.gone:
        dosing.gone.append(bag)
    return fate != "over"


def _spare(dosing: Dosing) -> Way[bool]:
    """Whether a bag of the same lot (of the kit, where there is one) could be reserved in the place of a lost one."""
    truth, hands = dosing.trial.truth, dosing.hands
    stock = dosing.ward.stock if dosing.kit is None else dosing.spares
    lot = truth.lot_of(dosing.bags[0])
    bag = next((bag for bag in stock if truth.lot_of(bag) == lot), None)
    if bag is None:
        dosing.stops.append("no spare bag")
        return False
    stock.remove(bag)
    for _ in range(ALLOCATION_TRIES):
        yield hands.takes(5, 15)
        answer = yield from hands.sign(allocation.SpareAllocated(dose=dosing.dose, bag=bag), ALLOCATOR)
        if answer.is_done:
            dosing.bags.append(bag)
            dosing.trial.tally.done["spares used"] += 1
            return True
        dosing.stopped("spare", answer, bag)
        if not (yield from _decided(dosing, answer, (bag,))):
            break
    stock.append(bag)
    return False


def _given_up(dosing: Dosing) -> Way[None]:
    """Nothing was infused: what was thawed is destroyed, the rest is freed and destroyed as well, and the participant leaves."""
    hands, trial = dosing.hands, dosing.trial
    trial.tally.doses[f"given up: {dosing.stops[-1] if dosing.stops else 'no bag left'}"] += 1
    trial.tally.dose_stops.update(dosing.stops)
    yield hands.takes(10, 60)
    unthawed = tuple(bag for bag in dosing.bags if bag not in dosing.thawed)
    freed = allocation.DoseDeallocated(dose=dosing.dose, cohort=dosing.cohort, bags=unthawed, reason="the dose will not be given")
    yield from hands.sign(freed, ALLOCATOR)
    for bag in (each for each in (*dosing.bags, *dosing.spares) if each not in dosing.gone):
        yield hands.takes(2, 10)
        yield from wards.destroy(hands, bag, *dosing.preparers, reason="of a dose that was given up")


# ── after ──


def _asked_again(dosing: Dosing) -> Way[None]:
    """Somebody asks for a second dose for a participant who has had one."""
    hands, stock = dosing.hands, dosing.ward.stock
    if not stock or not hands.errs(Slip.DOSED_TWICE):
        return
    second, bag = DoseId(f"{dosing.dose.value}-AGAIN"), stock[0]
    requested = allocation.DoseRequested(dose=second, participant=dosing.participant, cohort=dosing.cohort, criteria_version=1)
    yield from hands.sign(requested, dosing.physician)
    stock.remove(bag)
    yield hands.takes(5, 15)
    allocated = allocation.DoseAllocated(dose=second, cohort=dosing.cohort, bags=(bag,))
    answer: Answer = yield from hands.sign(allocated, ALLOCATOR)
    hands.slip(Slip.DOSED_TWICE, answer, dosing.participant.key)
    if answer.is_caught:
        stock.append(bag)
