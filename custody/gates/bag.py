"""BAG: the standing gates of a bag, judged live at every step towards the patient (rules section 4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from custody.domain.acts.allocation import DoseAllocated, SpareAllocated
from custody.domain.acts.base import Act, marked_nodes
from custody.domain.acts.bedside import BagPreparationStarted, DoseBagReleased, InfusionStarted, NextBagStarted
from custody.domain.acts.shipping import BagAccepted, ShipperSealed
from custody.domain.cold_chain import ClassReason
from custody.domain.folds.bag import BagFold, BagState
from custody.domain.folds.cold_life import JudgedLife
from custody.domain.folds.donation import DonationFold
from custody.domain.folds.exception import ExceptionFold
from custody.domain.folds.lot import Conditional, LotFold, Quarantined, Recalled, Rejected, Released
from custody.domain.folds.registers import span
from custody.domain.folds.study import StudyFold
from custody.domain.ids import Digest, DoseId, KitId, Node, ShipmentId
from custody.domain.lineage import ancestors_of, donations_of, holds_over, recalls_over
from custody.domain.terms import Answer
from custody.domain.verdict import Blocked, Excepted, Outcome, Passed, Reason
from custody.gates.case import Case
from custody.gates.eligibility import dilution_of, objections_in_delivery, objections_in_history, objections_in_tests, window_of
from custody.gates.registry import gate


@gate("BAG-REL", revision=1, title="The lot of the bag is released", source="rules 4 BAG-REL, 9", each="bag")
def lot_is_released(case: Case, now: datetime) -> Outcome:
    lot = case.bag.lot
    match lot.disposition:
        case Released(deed):
            return Passed((deed.digest,))
        case Conditional(deed) if not lot.pending_failed and not lot.overdue(now):
            return Passed((deed.digest,))
        case Recalled(deed):
            return Blocked(Reason("bag_lot_recalled", lot=lot.node, recalled_at=deed.at), (deed.digest,))
    excepted = _exception(case, lot, now)
    if excepted:
        return Excepted(Reason("released_exceptionally", lot=lot.node), excepted)
    return _not_released(lot, now)


def _exception(case: Case, lot: LotFold, now: datetime) -> tuple[Digest, ...]:
    """Evidence that an exceptional release stands for this lot and this dose; an overdue test is nobody's exception."""
    if not isinstance(case.subject, DoseId) or lot.overdue(now):
        return ()
    return ExceptionFold(case.dossier, case.subject, case.study).covers_lot(lot, now)


def _not_released(lot: LotFold, now: datetime) -> Blocked:
    match lot.disposition:
        case Conditional(deed) if lot.pending_failed:
            return Blocked(Reason("lot_test_failed", lot=lot.node, tests=", ".join(lot.pending_failed)), (deed.digest,))
        case Conditional(deed):
            late = lot.overdue(now)[0]
            return Blocked(Reason("lot_test_overdue", lot=lot.node, test=late.test, due_at=lot.due_at(late)), (deed.digest,))
        case Rejected(deed):
            return Blocked(Reason("bag_lot_rejected", lot=lot.node, rejected_at=deed.at), (deed.digest,))
        case Quarantined() | _:
            return Blocked(Reason("lot_in_quarantine", lot=lot.node), (lot.started.digest,))


@gate("BAG-COLD", revision=2, title="The bag stayed cold enough all its life", source="rules 4 BAG-COLD, 11", each="bag")
def stayed_cold(case: Case, now: datetime) -> Outcome:
    cold_life = case.bag.cold_life
    life = cold_life.judged(now, sign_of_thaw=_sees_thaw(case))
    if life.klass >= 3:
        return Blocked(_worst(life), life.evidence)
    if cold_life.rejection is not None:
        rejected = cold_life.rejection
        return Blocked(Reason("cold_chain_rejected", decided_at=rejected.at), (*life.evidence, rejected.digest))
    if life.klass == 2:
        released = cold_life.release_of(life)
        if released is None:
            return Blocked(_worst(life), life.evidence)
        return Passed((*life.evidence, released.digest), note=Reason("cold_chain_released_by_qa", decided_at=released.at))
    note = Reason("cold_minutes_noted", minutes=life.temperatures.minutes_outside) if life.klass == 1 else None
    return Passed(life.evidence, note=note)


def _sees_thaw(case: Case) -> bool:
    """What either receiver sees now, before it is recorded."""
    readings = (act for act in (case.proposed, case.second) if isinstance(act, BagAccepted) and act.bag == case.bag.node)
    return any(act.no_sign_of_thaw is Answer.NO for act in readings)


def _worst(life: JudgedLife) -> Reason:
    """The first reason of the worst class, in the words of the cold-chain rules."""
    worst: ClassReason = life.reasons[0]
    return Reason(worst.code, **worst.values)


@gate("BAG-HOLD", revision=1, title="No hold on the bag, what it comes from or travels in", source="rules 2 holds, 4 BAG-HOLD", each="bag")
def nothing_is_held(case: Case, now: datetime) -> Outcome:
    del now
    holds = holds_over(case.dossier, _held_through(case))
    if not holds:
        return Passed((case.bag.filled.digest,))
    first = holds[0]
    return Blocked(Reason("hold_open", on=first.act.node.key, hold=first.act.hold, since=first.at), tuple(d.digest for d in holds))


def _held_through(case: Case) -> tuple[Node, ...]:
    """The bag, all it comes from, every shipment it travelled in or is about to, and the kit of its dose."""
    bag = case.bag
    travelling = (case.subject,) if isinstance(case.subject, ShipmentId) else ()
    kits = [bag.kit, *(case.dose.kit_with(case.proposed),)] if isinstance(case.subject, DoseId) else [bag.kit]
    named = [n for n in marked_nodes(case.proposed, "followed") if isinstance(n, KitId)]
    nodes = (bag.node, *ancestors_of(case.dossier, bag.node), *bag.shipments, *travelling, *(k for k in (*kits, *named) if k is not None))
    return tuple(dict.fromkeys(nodes))


@gate("BAG-RECALL", revision=1, title="Nothing the bag comes from is recalled", source="rules 2, 4 BAG-RECALL", each="bag")
def nothing_is_recalled(case: Case, now: datetime) -> Outcome:
    del now
    bag = case.bag
    recalls = recalls_over(case.dossier, (bag.node, *ancestors_of(case.dossier, bag.node)))
    if not recalls:
        return Passed((bag.filled.digest,))
    first = recalls[0]
    return Blocked(
        Reason("recalled", on=first.act.node.key, recall=first.act.recall, recalled_at=first.at), tuple(d.digest for d in recalls)
    )


@gate("BAG-DONOR", revision=2, title="Donor consent and eligibility still stand", source="rules 4 BAG-DONOR, 5 withdrawal", each="bag")
def donors_still_stand(case: Case, now: datetime) -> Outcome:
    del now
    bag, study = case.bag.node, case.study_id
    return case.dossier.once(bag, ("BAG-DONOR", study), lambda ledger: _donors_stand(BagFold(ledger, bag, StudyFold(ledger, study))))


def _donors_stand(bag: BagFold) -> Outcome:
    lot = bag.lot
    if lot.is_placebo:
        return Passed((lot.started.digest,), note=Reason("no_donor"))
    donations = donations_of(bag.dossier, bag.node)
    if not donations:
        return Blocked(Reason("missing", what="donation", node=bag.node.key))
    evidence: list[Digest] = []
    for din in donations:
        donation = DonationFold(bag.dossier, din, bag.study)
        withdrawn = donation.consent_withdrawn
        if withdrawn is not None:
            return Blocked(Reason("donor_consent_withdrawn", withdrawn_at=withdrawn.act.withdrawn_at), (withdrawn.digest,))
        if donation.eligibility is None:
            against = donation.eligibility_refused
            return Blocked(Reason("donor_eligibility_gone", donation=din), () if against is None else (against.digest,))
        then = replace(donation, judged_by=bag.study.criteria_at(donation.eligibility.recorded_at))  # another version judges no donor anew
        found = next(_found_later(then), None)
        if found is not None:
            return found
        evidence += (donation.consent.digest, donation.eligibility.digest)
    return Passed(tuple(evidence))


def _found_later(donation: DonationFold) -> Iterator[Blocked]:
    """What came to light after the determination, and would not have let it be made: nobody need have withdrawn it yet."""
    yield from objections_in_tests(donation.tests)
    yield from (Blocked(reason, (donation.history.digest,)) for reason in objections_in_history(donation.history))
    in_delivery = objections_in_delivery(donation.collection, donation.criteria.donor)
    yield from (Blocked(reason, donation.collection_evidence) for reason in in_delivery)
    yield from (outcome for outcome in (window_of(donation.tests), dilution_of(donation.tests)) if isinstance(outcome, Blocked))


@gate(
    "BAG-EXP", revision=1, title="The infusion ends before the bag expires", source="bag label; rules 4 BAG-EXP, 8 shelf life", each="bag"
)
def ends_before_expiry(case: Case, now: datetime) -> Outcome:
    bag = case.bag
    thawed_now = isinstance(case.proposed, BagPreparationStarted) and case.proposed.bag == bag.node
    clock = bag.earliest_expiry(now if thawed_now else None)
    if now >= clock.expires_at:  # a bag is valid before its expiry, not at it
        return Blocked(Reason("bag_expired", expires_at=clock.expires_at, now=now, clock=clock.kind), clock.evidence)
    planned_end = _planned_end(case, now)
    if planned_end is None or planned_end <= clock.expires_at:
        return Passed(clock.evidence)
    return Blocked(Reason("ends_after_expiry", planned_end=planned_end, expires_at=clock.expires_at, clock=clock.kind), clock.evidence)


def _planned_end(case: Case, now: datetime) -> datetime | None:
    """When what is left of the dose would end if it started now; None while nothing is prescribed."""
    if not isinstance(case.subject, DoseId):
        return None
    minutes = case.dose.planned_minutes
    if minutes is None:
        return None
    start = case.proposed_as(InfusionStarted)
    return max(now, start.started_at if start is not None else now) + span(minutes=minutes)


@gate("BAG-GAP", revision=2, title="The custody record has no gap", source="rules 4 BAG-GAP, 10", each="bag")
def custody_is_unbroken(case: Case, now: datetime) -> Outcome:
    custody = case.bag.custody
    gaps = [(gap, custody.disposal_of(gap)) for gap in custody.gaps(now)]
    first = next((gap for gap, disposal in gaps if disposal is None), None)
    if first is None:
        return Passed((*custody.evidence, *(disposal.digest for _, disposal in gaps if disposal is not None)))
    return Blocked(Reason(first.kind, start=first.start, end=first.end or now, on=first.node.key), first.evidence)


IN_STORAGE = frozenset({BagState.FILLED, BagState.QUARANTINE, BagState.AVAILABLE})
"""Whether the lot is released is BAG-REL's question, not this one's."""

STEPS: dict[type[Act], frozenset[BagState]] = {
    DoseAllocated: IN_STORAGE | {BagState.RECEIVED},
    SpareAllocated: IN_STORAGE | {BagState.RECEIVED},
    ShipperSealed: IN_STORAGE | {BagState.RECEIVED, BagState.PACKED},
    BagAccepted: frozenset({BagState.RECEIPT_QUARANTINE}),
    BagPreparationStarted: frozenset({BagState.RECEIVED}),
    DoseBagReleased: frozenset({BagState.PREPARED}),
    InfusionStarted: frozenset({BagState.DOSE_RELEASED, BagState.AT_BEDSIDE}),
    NextBagStarted: frozenset({BagState.DOSE_RELEASED, BagState.AT_BEDSIDE}),
}
"""The states from which each step towards the patient may be taken (rules section 2). That a listed bag is packed at all is SHP-SCAN's."""

CONTAINER_ASKED: tuple[type[Act], ...] = (BagAccepted, BagPreparationStarted, InfusionStarted, NextBagStarted)
"""At these steps a gate of its own (RCV-INT, PRP-INT, BED-INT) judges a leak found earlier."""


@gate("BAG-STATE", revision=1, title="The bag is where this step expects it", source="rules 2, 4 BAG-STATE", each="bag")
def state_allows_the_step(case: Case, now: datetime) -> Outcome:
    bag = case.bag
    reason = _out_of_use(case) or _wrong_state(case) or _taken_elsewhere(case) or _in_handover(case, now)
    if reason is None:
        return Passed((bag.filled.digest,))
    return Blocked(reason, (bag.filled.digest,))


def _out_of_use(case: Case) -> Reason | None:
    rejected, discarded, damaged = case.bag.rejected_at_receipt, case.bag.discarded, case.bag.damaged
    if rejected is not None:
        return Reason("bag_rejected_at_receipt", bag=case.bag.node, rejected_at=rejected.at)
    if discarded is not None:
        return Reason("bag_discarded", bag=case.bag.node, discarded_at=discarded.at)
    if damaged is not None and not isinstance(case.proposed, CONTAINER_ASKED):
        return Reason("bag_found_damaged", bag=case.bag.node, found_at=damaged.at)
    return None


def _wrong_state(case: Case) -> Reason | None:
    allowed = STEPS.get(type(case.proposed))
    if allowed is None:
        return Reason("missing", what="step", node=case.bag.node.key)
    if case.bag.state in allowed:
        return None
    return Reason("bag_state_differs", bag=case.bag.node, seen=case.bag.state, expected=tuple(sorted(allowed)))


def _taken_elsewhere(case: Case) -> Reason | None:
    """In another shipper, or reserved for another dose."""
    bag = case.bag
    if isinstance(case.subject, ShipmentId):
        packed = bag.packed
        elsewhere = bag.state is BagState.PACKED and packed is not None and packed.act.shipment != case.subject
        return Reason("in_another_shipper", bag=bag.node, shipment=bag.shipment.node) if elsewhere else None
    if not isinstance(case.subject, DoseId) or bag.reserved_for == case.subject:
        return None
    if bag.reserved_for is not None:
        return Reason("reserved_for_another_dose", bag=bag.node)
    if isinstance(case.proposed, DoseAllocated | SpareAllocated):
        return None
    return Reason("not_reserved", bag=bag.node)


def _in_handover(case: Case, now: datetime) -> Reason | None:
    """Offered and not yet accepted: it cannot be used. Once that lasts too long it is a gap, and BAG-GAP says so."""
    custody = case.bag.custody
    offered = custody.open_handover
    if offered is None or custody.is_overdue(offered, now):
        return None
    return Reason("in_handover", bag=case.bag.node, since=offered.started_at)
