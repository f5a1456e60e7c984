"""HOF: does custody of this shipment or bag pass to this person now (hold point H)."""

from __future__ import annotations

from datetime import datetime

from custody.domain.acts.shipping import HandoffAccepted
from custody.domain.folds.base import MissingFact
from custody.domain.folds.custody import CustodyFold
from custody.domain.folds.handover import Custodian, Handover, handovers_of, minutes_allowed
from custody.domain.folds.registers import span
from custody.domain.folds.shipment import ShipmentFold
from custody.domain.ids import BagId, Digest, ShipmentId
from custody.domain.terms import PartyKind, Role
from custody.domain.verdict import Blocked, Outcome, Passed, Reason
from custody.gates.case import Case
from custody.gates.registry import gate


@gate("HOF-GIVER", revision=2, title="The giver is the custodian", source="rules 4 H, 10 two-sided")
def giver_is_custodian(case: Case, now: datetime) -> Outcome:
    """Once a hand-over was accepted its giver answers no longer; whoever comes second is told who does, and since when."""
    del now
    newest = next(reversed(handovers_of(case.dossier, _node(case))), None)
    if newest is not None and newest.accepted is not None:
        return Blocked(Reason("handover_accepted_already", custodian=_custodian(case).words, at=newest.accepted.at), newest.evidence)
    offer, custodian = _offer(case).offered, _custodian(case)
    giver = offer.signers[0]
    if custodian.may_give(giver):
        return Passed((offer.digest,))
    return Blocked(Reason("giver_not_custodian", giver=giver.person, giver_site=giver.site, custodian=custodian.words), (offer.digest,))


@gate("HOF-RECEIVER", revision=1, title="The receiver is another person, and the one meant", source="rules 3, 4 H")
def receiver_is_right(case: Case, now: datetime) -> Outcome:
    del now
    offer = _offer(case).offered
    if not case.signers:
        raise MissingFact("receiver", node=_node(case))
    receiver, act = case.signers[0], offer.act
    if receiver.person in offer.persons:
        return Blocked(Reason("receiver_is_giver", person=receiver.person), (offer.digest,))
    if act.to_person is not None and receiver.person != act.to_person:
        return Blocked(Reason("receiver_not_named", seen=receiver.person, expected=act.to_person), (offer.digest,))
    if act.to_kind is PartyKind.PERSON:
        return _person(case, (offer.digest,))
    if receiver.role is not Role.CARRIER:
        return Blocked(Reason("receiver_no_carrier", seen=receiver.role, organisation=act.to_organisation), (offer.digest,))
    carriers = tuple(leg.carrier for leg in ShipmentFold(case.dossier, _shipment(case), case.study).planned.act.legs)
    if act.to_organisation not in carriers:
        return Blocked(Reason("carrier_not_planned", seen=act.to_organisation, expected=carriers), (offer.digest,))
    return Passed((offer.digest,))


def _person(case: Case, evidence: tuple[Digest, ...]) -> Outcome:
    """A person is named in the offer, and takes a shipment over only where it comes from or goes to."""
    act, receiver = _offer(case).offered.act, case.signers[0]
    if act.to_person is None:
        return Blocked(Reason("missing", what="receiver_named", node=_node(case).key), evidence)
    if isinstance(case.subject, ShipmentId) and receiver.role is not Role.CARRIER:
        plan = ShipmentFold(case.dossier, case.subject, case.study).planned.act
        if receiver.site not in (plan.origin, plan.destination):
            return Blocked(Reason("receiver_at_wrong_site", seen=receiver.site, expected=plan.destination), evidence)
    return Passed(evidence)


@gate("HOF-SEAL", revision=1, title="Both read the seals, and they are the ones put on", source="rules 4 H, 10")
def seals_read_equal(case: Case, now: datetime) -> Outcome:
    """A bag by itself carries no seal: then both sides must have read none."""
    del now
    offer = _offer(case).offered
    put_on = offer.act.seals
    evidence = [offer.digest]
    if isinstance(case.subject, ShipmentId):
        sealed = ShipmentFold(case.dossier, case.subject, case.study).sealed
        put_on = sealed.act.seals
        evidence.append(sealed.digest)
    for seals in (offer.act.seals, _accepted(case).seals):
        if sorted(seals) != sorted(put_on):
            return Blocked(Reason("handover_seal_differs", seen=seals, expected=put_on), tuple(evidence))
    return Passed(tuple(evidence))


@gate("HOF-CODE", revision=1, title="The possession code is right", source="rules 4 H")
def possession_code_is_right(case: Case, now: datetime) -> Outcome:
    del now
    offer = _offer(case).offered
    if _accepted(case).code == offer.act.code:
        return Passed((offer.digest,))
    return Blocked(Reason("possession_code_differs"), (offer.digest,))


@gate("HOF-TIME", revision=2, title="The hand-over was not left open too long", source="rules 4 H, 10 gap, 19 gap_internal / gap_courier")
def handover_is_fresh(case: Case, now: datetime) -> Outcome:
    handover = _offer(case)
    minutes = minutes_allowed(handover, case.study)
    offered_at = handover.started_at
    if offered_at > now:
        return Blocked(Reason("offered_in_future", offered_at=offered_at, now=now), handover.evidence)
    if now - offered_at <= span(minutes=minutes):
        return Passed(handover.evidence)
    return Blocked(Reason("handover_too_old", offered_at=offered_at, now=now, minutes=minutes), handover.evidence)


def _node(case: Case) -> ShipmentId | BagId:
    if not isinstance(case.subject, ShipmentId | BagId):
        raise MissingFact("handed_over_thing", node=case.subject)
    return case.subject


def _shipment(case: Case) -> ShipmentId:
    """A carrier organisation carries shipments, never a single bag."""
    if not isinstance(case.subject, ShipmentId):
        raise MissingFact("shipment", node=case.subject)
    return case.subject


def _offer(case: Case) -> Handover:
    """The hand-over that is open. Raises MissingFact when none is."""
    found = handovers_of(case.dossier, _node(case))
    if not found or not found[-1].is_open:
        raise MissingFact("open_handover", node=_node(case))
    return found[-1]


def _accepted(case: Case) -> HandoffAccepted:
    act = case.proposed_as(HandoffAccepted)
    if act is None:
        raise MissingFact("acceptance", node=_node(case))
    return act


def _custodian(case: Case) -> Custodian:
    node = _node(case)
    if isinstance(node, ShipmentId):
        return ShipmentFold(case.dossier, node, case.study).custodian
    return CustodyFold(case.dossier, node, case.study).custodian
