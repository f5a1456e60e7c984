"""RCV: was this bag rightly accepted into the hospital (hold point G9, and again before it is thawed and given)."""

from __future__ import annotations

from datetime import datetime

from custody.domain.acts.quality import ColdChainDecided, GapDisposed, HoldLifted
from custody.domain.acts.shipping import BagAccepted, BagRefusedAtReceipt
from custody.domain.dossier import Deed
from custody.domain.folds.base import MissingFact
from custody.domain.ids import Digest
from custody.domain.terms import Answer, ColdChainDecision
from custody.domain.verdict import Blocked, Outcome, Passed, Reason
from custody.gates.case import Case
from custody.gates.registry import gate

NEXT_STEPS_OF_QA = (HoldLifted, ColdChainDecided, GapDisposed)
"""The acts by which QA decides about a bag in receipt quarantine."""


@gate("RCV-DEC", revision=2, title="Two people accepted the bag", source="rules 4 G9, 11 receipt checklist", each="bag")
def accepted_by_two(case: Case, now: datetime) -> Outcome:
    del now
    refused = _refusal_that_stands(case)
    if refused is not None:
        code = "receipt_rejected" if refused.act.reject else "receipt_in_quarantine"
        return Blocked(Reason(code, bag=case.bag.node, decided_at=refused.at), (refused.digest,))
    if _proposed(case) is not None:
        return _two_receivers(case)
    accepted = _accepted(case)
    if len(accepted.persons) >= 2:
        return Passed((accepted.digest,))
    return Blocked(Reason("receipt_by_one_person", bag=case.bag.node), (accepted.digest,))


def _refusal_that_stands(case: Case) -> Deed[BagRefusedAtReceipt] | None:
    """A rejection is final; a quarantine stands until QA has decided something about this bag after it, wherever it was sent meanwhile."""
    if case.bag.rejected_at_receipt is not None:
        return case.bag.rejected_at_receipt
    last = case.dossier.last(case.bag.node, BagRefusedAtReceipt)
    if last is None:
        return None
    decisions = case.dossier.deeds(case.bag.node, *NEXT_STEPS_OF_QA)
    for deed in decisions:
        rejects = isinstance(deed.act, ColdChainDecided) and deed.act.decision is ColdChainDecision.REJECT
        rejects = rejects or (isinstance(deed.act, GapDisposed) and not (deed.act.seals_intact and deed.act.trace_continuous))
        if deed.entry.position > last.entry.position and not rejects:
            return None
    return last


def _two_receivers(case: Case) -> Outcome:
    """Two different people, and the second scanned this bag too."""
    if len({signer.person for signer in case.signers}) < 2 or not isinstance(case.second, BagAccepted):
        return Blocked(Reason("receipt_by_one_person", bag=case.bag.node))
    if case.second.bag != case.bag.node:
        return Blocked(Reason("receivers_scanned_differently", first=case.bag.node, second=case.second.bag))
    return Passed()


@gate("RCV-SEAL", revision=1, title="The seals are the ones put on", source="rules 4 G9, 11 receipt checklist", each="bag")
def seals_are_equal(case: Case, now: datetime) -> Outcome:
    del now
    shipment = case.bag.shipment
    arrival, sealed = shipment.arrival, shipment.sealed
    evidence = (sealed.digest, arrival.digest)
    if arrival.act.shipper != sealed.act.shipper:
        return Blocked(Reason("another_shipper_arrived", seen=arrival.act.shipper, expected=sealed.act.shipper), evidence)
    if sorted(arrival.act.seals) == sorted(sealed.act.seals) and sealed.act.seals:
        return Passed(evidence)
    return Blocked(Reason("seal_differs", seen=arrival.act.seals, expected=sealed.act.seals), evidence)


@gate("RCV-INT", revision=1, title="Shipper and container are whole", source="rules 4 G9, 11 receipt checklist", each="bag")
def container_is_whole(case: Case, now: datetime) -> Outcome:
    del now
    bag, arrival = case.bag, case.bag.shipment.arrival
    if bag.damaged is not None:
        return Blocked(Reason("bag_found_damaged", bag=bag.node, found_at=bag.damaged.at), (bag.damaged.digest,))
    if arrival.act.outside_undamaged is not Answer.YES:
        return Blocked(Reason("shipper_damaged", answer=arrival.act.outside_undamaged), (arrival.digest,))
    minutes_max = bag.shipment.criteria.settings.out_of_shipper_min
    for answers in _answers(case):
        if answers.container_whole is not Answer.YES:
            return Blocked(Reason("received_container_not_whole", bag=bag.node, answer=answers.container_whole), _evidence(case))
        if answers.no_sign_of_thaw is not Answer.YES:
            return Blocked(Reason("received_with_sign_of_thaw", bag=bag.node, answer=answers.no_sign_of_thaw), _evidence(case))
        if not 0 <= answers.out_of_shipper_minutes <= minutes_max:
            minutes = answers.out_of_shipper_minutes
            return Blocked(Reason("out_of_shipper_too_long", bag=bag.node, minutes=minutes, minutes_max=minutes_max), _evidence(case))
    return Passed((arrival.digest, *_evidence(case)))


@gate("RCV-LABEL", revision=1, title="The label is readable and right", source="rules 4 G9, 11 receipt checklist", each="bag")
def label_is_right(case: Case, now: datetime) -> Outcome:
    del now
    bag, shipment = case.bag, case.bag.shipment
    if bag.node not in shipment.bags:
        return Blocked(Reason("not_on_packing_list", bag=bag.node, shipment=shipment.node), (shipment.planned.digest,))
    for answers in _answers(case):
        if answers.shipment != shipment.node:
            return Blocked(Reason("another_shipment_named", seen=answers.shipment, expected=shipment.node), _evidence(case))
        if answers.label_readable is not Answer.YES:
            return Blocked(Reason("label_not_readable", bag=bag.node, answer=answers.label_readable), _evidence(case))
        if answers.label_equals_order is not Answer.YES:
            return Blocked(Reason("label_differs_from_order", bag=bag.node, answer=answers.label_equals_order), _evidence(case))
    return Passed((shipment.planned.digest, *_evidence(case)))


@gate("RCV-DOC", revision=1, title="All documents are there", source="rules 4 G9, 11 receipt checklist", each="bag")
def documents_are_there(case: Case, now: datetime) -> Outcome:
    """A missing document does not condemn the bag: it passes once QA has sent it and it is recorded."""
    del now
    shipment = case.bag.shipment
    missing = tuple(document for document in shipment.criteria.documents.shipment if document not in shipment.documents_here)
    if not missing:
        return Passed((shipment.arrival.digest,))
    return Blocked(Reason("documents_not_received", documents=missing), (shipment.arrival.digest,))


def _proposed(case: Case) -> BagAccepted | None:
    act = case.proposed_as(BagAccepted)
    return act if act is not None and act.bag == case.bag.node else None


def _accepted(case: Case) -> Deed[BagAccepted]:
    """The acceptance that stands. Raises MissingFact when there is none."""
    accepted = case.bag.accepted
    if accepted is None:
        raise MissingFact("acceptance", node=case.bag.node)
    return accepted


def _answers(case: Case) -> tuple[BagAccepted, ...]:
    """What the receivers answer now, each for themselves; later, what was recorded."""
    proposed = _proposed(case)
    if proposed is None:
        return (_accepted(case).act,)
    return (proposed, case.second) if isinstance(case.second, BagAccepted) else (proposed,)


def _evidence(case: Case) -> tuple[Digest, ...]:
    return () if _proposed(case) is not None else (_accepted(case).digest,)
