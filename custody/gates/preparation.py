"""PRP: may this bag be thawed or prepared now (hold point G10); after this there is no way back to storage."""

from __future__ import annotations

from datetime import datetime

from custody.domain.acts.bedside import BagPreparationStarted
from custody.domain.acts.shipping import BagDamaged
from custody.domain.folds.bag import BagFold
from custody.domain.folds.base import MissingFact
from custody.domain.folds.dose import DoseFold
from custody.domain.folds.registers import span
from custody.domain.ids import BagId, Digest
from custody.domain.terms import Answer
from custody.domain.verdict import Blocked, Outcome, Passed, Reason
from custody.gates.case import Case
from custody.gates.registry import gate


@gate("PRP-READY", revision=1, title="The investigator's “ready” is fresh", source="rules 4 (G10), 19 ready_minutes")
def investigator_is_ready(case: Case, now: datetime) -> Outcome:
    ready = case.dose.ready
    if ready is None:
        raise MissingFact("ready", node=case.dose.node)
    minutes = case.criteria_now.settings.ready_minutes
    said_at = min(ready.at, ready.recorded_at)
    if now - said_at <= span(minutes=minutes):
        return Passed((ready.digest,))
    return Blocked(Reason("ready_too_old", said_at=said_at, now=now, minutes=minutes), (ready.digest,))


@gate("PRP-ORDER", revision=2, title="One bag after the other, the spares on site", source="rules 4 (G10), 12 dose of several bags")
def bags_in_order(case: Case, now: datetime) -> Outcome:
    del now
    dose, bag = case.dose, _scanned(case).bag
    if dose.ended is not None:
        return Blocked(Reason("infusion_over", ended_at=dose.ended.act.ended_at), (dose.ended.digest,))
    running = next((b for b in dose.bags_opened if b != bag and not dose.is_over(b)), None)
    if running is not None:
        return Blocked(Reason("bag_before_not_finished", bag=running))
    used = [b for b in dose.bags_opened if b != bag and dose.discard_of(b) is None]
    if len(used) >= dose.plan.bag_count:
        return Blocked(Reason("planned_bags_used", used=len(used), planned=dose.plan.bag_count))
    if dose.bags_opened:
        return Passed(tuple(d.digest for b in used for d in dose.finishes_of(b)))
    return _all_on_site(case, dose)


def _all_on_site(case: Case, dose: DoseFold) -> Outcome:
    """Before the first bag is thawed: every reserved bag, spares included, is in the hospital, and there are enough spares."""
    evidence: list[Digest] = []
    for bag in dose.bags:
        fold = BagFold(case.dossier, bag, case.study)
        if fold.accepted is None or fold.destroyed is not None or fold.damaged is not None:
            return Blocked(Reason("bag_not_on_site", bag=bag), tuple(evidence))
        evidence.append(fold.accepted.digest)
    wanted = dose.criteria.settings.spare_bags
    if len(dose.spares) < wanted:
        return Blocked(Reason("too_few_spares", seen=len(dose.spares), expected=wanted), tuple(evidence))
    return Passed(tuple(evidence))


@gate("PRP-BAG", revision=1, title="The right bag was scanned, by both", source="rules 4 (G10), 10 labels are scanned, 12")
def right_bag(case: Case, now: datetime) -> Outcome:
    del now
    for bag in _bags_scanned(case):
        if bag not in case.dose.bags:
            return Blocked(Reason("bag_of_another_dose", seen=bag, dose=case.dose.node), _allocation(case.dose))
    first, *others = _bags_scanned(case)
    different = next((bag for bag in others if bag != first), None)
    if different is not None:
        return Blocked(Reason("bags_scanned_differ", first=first, second=different), _allocation(case.dose))
    return Passed(_allocation(case.dose))


def _scanned(case: Case) -> BagPreparationStarted:
    act = case.proposed_as(BagPreparationStarted)
    if act is None:
        raise MissingFact("preparation", node=case.dose.node)
    return act


def _readings(case: Case) -> tuple[BagPreparationStarted, ...]:
    """What the first person scanned, and the second."""
    second = case.second
    return (_scanned(case), *((second,) if isinstance(second, BagPreparationStarted) else ()))


def _bags_scanned(case: Case) -> tuple[BagId, ...]:
    return tuple(reading.bag for reading in _readings(case))


def _allocation(dose: DoseFold) -> tuple[Digest, ...]:
    return (dose.allocation.digest,) if dose.allocation is not None else ()


@gate("PRP-INT", revision=1, title="The container is whole before it is thawed", source="rules 4 (G10)", each="bag")
def container_is_whole(case: Case, now: datetime) -> Outcome:
    """A foreign bag is left to PRP-BAG: it is never held for being scanned at the wrong place."""
    del now
    bag = case.bag.node
    damage = case.dossier.last(bag, BagDamaged)
    if damage is not None:
        return Blocked(Reason("bag_damaged", bag=bag, found_at=damage.at), (damage.digest,))
    answers = [reading.container_whole for reading in _readings(case) if reading.bag == bag]
    wrong = next((answer for answer in answers if answer is not Answer.YES), None)
    if wrong is not None:
        return Blocked(Reason("container_not_whole", bag=bag, answer=wrong))
    return Passed(note=None if answers else Reason("another_bag_scanned", bag=bag))


@gate("PRP-TWO", revision=1, title="Two people prepare the bag", source="rules 4 (G10), 10 dual verification")
def two_people_prepare(case: Case, now: datetime) -> Outcome:
    del now
    people = {signer.person for signer in case.signers}
    if len(people) < 2:
        return Blocked(Reason("one_person", people=len(people)))
    if not isinstance(case.second, BagPreparationStarted):
        return Blocked(Reason("second_did_not_scan"))
    return Passed()
