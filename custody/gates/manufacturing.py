"""MFG: each step is made from sound parents, with released materials, calibrated equipment and trained people, and adds up (rules G4)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from custody.domain.acts.base import Act
from custody.domain.acts.donation import TissueRejected
from custody.domain.acts.manufacturing import (
    BagFilled,
    BagsFilled,
    Balance,
    BankFilled,
    BankStarted,
    BankStepRecorded,
    LotStarted,
    LotStepRecorded,
    PrimaryCultureHarvested,
    ProcessingStarted,
)
from custody.domain.acts.release import Rejected
from custody.domain.criteria import StudyContent
from custody.domain.folds.base import MissingFact
from custody.domain.folds.culture import CultureFold, VialsFold
from custody.domain.folds.documents import in_force_on
from custody.domain.folds.donation import DonationFold
from custody.domain.folds.registers import EquipmentFold, MaterialFold, Use, training_of, use_of
from custody.domain.ids import BagId, BankId, Digest, DonorId, LotId, Node, TissueId
from custody.domain.lineage import ancestors_of, holds_over, is_placebo, recalls_over
from custody.domain.terms import BankKind, HoldPoint, Product
from custody.domain.verdict import Blocked, Outcome, Passed, Reason
from custody.gates.case import Case
from custody.gates.registry import gate

CULTURED = (PrimaryCultureHarvested, BankStepRecorded, LotStepRecorded)
COUNTED_UNITS = ("vials", "bags")
"""Units of a balance in which what came out can be counted against the containers named."""


def _criteria(case: Case) -> StudyContent:
    """A lot is judged by the study version it was started under, a tissue or bank by the one in force now."""
    if not isinstance(case.subject, LotId):
        return case.criteria_now
    proposed = case.proposed_as(LotStarted)
    if proposed is not None:
        return case.study.criteria(proposed.criteria_version)
    started = case.dossier.first(case.subject, LotStarted)
    if started is None:
        raise MissingFact("lot_started", node=case.subject)
    return case.study.criteria(started.act.criteria_version)


@gate(
    "MFG-PARENT",
    revision=1,
    title="Nothing it is made from is held, rejected, recalled, unknown or mixed",
    source="rules G4; section 2, holds; section 6, pooling",
)
def parents_sound(case: Case, _now: datetime) -> Outcome:
    nodes = (case.subject, *ancestors_of(case.dossier, case.subject, case.proposed))
    for hold in holds_over(case.dossier, nodes):
        return Blocked(Reason("parent_held", node=hold.act.subject, held_at=hold.at), (hold.digest,))
    for recall in recalls_over(case.dossier, nodes):
        return Blocked(Reason("parent_recalled", node=recall.act.subject, recalled_at=recall.at), (recall.digest,))
    for objection in (*_rejections(case, nodes), *_pedigree(case, nodes)):
        return objection
    return Passed(tuple(case.dossier.heads[n.key].digest for n in nodes if n.key in case.dossier.heads))


def _rejections(case: Case, nodes: tuple[Node, ...]) -> Iterator[Blocked]:
    for node in nodes:
        for rejected in (case.dossier.last(node, Rejected), case.dossier.last(node, TissueRejected)):
            if rejected is not None:
                yield Blocked(Reason("parent_rejected", node=node, rejected_at=rejected.at), (rejected.digest,))
    for din in case.donations:
        donation = DonationFold(case.dossier, din, case.study)
        if donation.eligibility_refused is not None:
            refused = donation.eligibility_refused
            yield Blocked(Reason("donor_ineligible", node=din, refused_at=refused.at), (refused.digest,))
        elif donation.eligibility is None and not case.criteria_now.settings.at_risk_processing:
            yield Blocked(Reason("donor_not_yet_eligible", node=din))


def _pedigree(case: Case, nodes: tuple[Node, ...]) -> Iterator[Blocked]:
    """What it is made from is known, of the right kind, and of one donor unless the study pools donors."""
    for node in nodes[1:]:
        if not case.dossier.knows(node):
            yield Blocked(Reason("missing", what="parent", node=node.key))
    donors = tuple(node for node in nodes if isinstance(node, DonorId))
    if len(donors) > 1 and not case.criteria_now.settings.allow_donor_pool:
        yield Blocked(Reason("parents_of_several_donors", count=len(donors)))
    match case.proposed:
        case BankStarted() as bank:
            yield from _bank_parents(case, bank)
        case LotStarted() as lot:
            yield from _lot_start(case, lot)


def _bank_parents(case: Case, bank: BankStarted) -> Iterator[Blocked]:
    if not bank.parents or bank.bank in bank.parents:
        yield Blocked(Reason("missing", what="parent", node=bank.bank.key))
    for parent in bank.parents:
        if bank.kind is BankKind.MASTER:
            fits = isinstance(parent, TissueId)
        else:
            started = case.dossier.first(parent, BankStarted)
            fits = started is not None and started.act.kind is BankKind.MASTER
        if not fits:
            yield Blocked(Reason("wrong_parent", kind=bank.kind, node=parent))


def _lot_start(case: Case, lot: LotStarted) -> Iterator[Blocked]:
    """A lot of cells has banks and a placebo has none; and nobody may pick the limits a lot will be judged by."""
    if lot.product is Product.PLACEBO and lot.banks:
        yield Blocked(Reason("placebo_with_banks", banks=lot.banks))
    if lot.product is Product.CELLS and not lot.banks:
        yield Blocked(Reason("missing", what="parent", node=lot.lot.key))
    in_force = case.criteria_now.version
    if lot.criteria_version != in_force:
        yield Blocked(Reason("criteria_not_in_force", seen=lot.criteria_version, expected=in_force))


def _use(case: Case, now: datetime) -> Use | None:
    use = use_of(case.proposed, now)
    if use is not None and use.started_at > now:
        raise MissingFact("step_time", node=case.subject)
    return use


@gate("MFG-MAT", revision=1, title="Materials are released and in date", source="rules G4; section 6, materials")
def materials_fit(case: Case, now: datetime) -> Outcome:
    use = _use(case, now)
    if use is None:
        return Passed(note=Reason("nothing_used"))
    if not use.materials:
        return Blocked(Reason("missing", what="materials", node=case.subject.key))
    evidence: list[Digest] = []
    for node in use.materials:
        material = MaterialFold(case.dossier, node)
        released = material.released
        if released is None:
            refused = material.refused
            code = "material_not_released" if refused is None else "material_refused"
            return Blocked(Reason(code, material=node), (material.received.digest, *((refused.digest,) if refused else ())))
        evidence += [material.received.digest, released.digest]
        if not material.in_date_at(use.ended_at):
            values = {"material": node, "expired_at": material.received.act.expires_at, "used_at": use.ended_at}
            return Blocked(Reason("material_expired", **values), tuple(evidence))
    return Passed(tuple(evidence))


@gate("MFG-EQP", revision=3, title="Equipment is registered and in calibration", source="rules G4; P11-10h")
def equipment_calibrated(case: Case, now: datetime) -> Outcome:
    use = _use(case, now)
    if use is None:
        return Passed(note=Reason("nothing_used"))
    if not use.equipment:
        return Blocked(Reason("missing", what="equipment", node=case.subject.key))
    evidence: list[Digest] = []
    for node in use.equipment:
        equipment = EquipmentFold(case.dossier, node)
        evidence.append(equipment.registered.digest)
        for day in use.days:
            calibration = equipment.calibration_on(day)
            evidence.append(calibration.digest)
            if not day <= calibration.act.due_on:
                values = {"equipment": node, "due_on": calibration.act.due_on, "used_on": day}
                return Blocked(Reason("equipment_calibration_lapsed", **values), tuple(dict.fromkeys(evidence)))
    return Passed(tuple(dict.fromkeys(evidence)))


@gate("MFG-TRAIN", revision=3, title="Everyone who signs is trained in the version in force", source="rules G4; 21 CFR 11.10(i), (k)")
def people_trained(case: Case, _now: datetime) -> Outcome:
    procedure = case.criteria_now.training.get(HoldPoint.MANUFACTURING)
    if procedure is None or not case.signers:
        return Blocked(Reason("missing", what="signer" if procedure else "training_asked_for"))
    evidence: dict[Digest, None] = {}
    for signer in case.signers:
        today = case.day_where(signer)
        document = in_force_on(case.dossier, case.study_id, procedure, today)
        version = "" if document is None else document.act.document_version
        evidence |= {} if document is None else {document.digest: None}
        training = training_of(case.dossier, signer.account, procedure, version)
        evidence[training.digest] = None
        if document is not None and training.act.document_version != version:
            other = {"account": signer.account, "procedure": procedure, "seen": training.act.document_version, "expected": version}
            return Blocked(Reason("training_in_other_version", **other), tuple(evidence))
        if not training.act.passed_on <= today <= training.act.valid_until:
            values = {"account": signer.account, "procedure": procedure, "valid_until": training.act.valid_until}
            return Blocked(Reason("training_lapsed", **values), tuple(evidence))
    return Passed(tuple(evidence))


def _culture(case: Case) -> CultureFold | Passed:
    """The culture with the proposed step, or why there is none to judge."""
    if is_placebo(case.dossier, case.subject, case.proposed):
        return Passed(note=Reason("made_without_cells"))
    if case.proposed_as(ProcessingStarted) is not None:
        return Passed(note=Reason("no_culture_yet"))
    assert isinstance(case.subject, TissueId | BankId | LotId)
    return CultureFold(case.dossier, case.subject, case.proposed)


@gate("MFG-PASS", revision=1, title="Passage is within the limit", source="rules section 6, default 6; study setting max_passage")
def passage_within(case: Case, _now: datetime) -> Outcome:
    culture = _culture(case)
    if isinstance(culture, Passed):
        return culture
    before = max([culture.passage_before or 0, *(step.passage for step in culture.recorded_steps)])
    if isinstance(case.proposed, CULTURED) and case.proposed.culture.passage < before:
        return Blocked(Reason("passage_goes_back", seen=case.proposed.culture.passage, before=before), culture.evidence)
    highest = _criteria(case).settings.max_passage
    if culture.passage <= highest:
        return Passed(culture.evidence)
    return Blocked(Reason("passage_too_high", seen=culture.passage, highest=highest), culture.evidence)


@gate("MFG-CPD", revision=1, title="Cumulative doublings are within the limit", source="rules section 6, default 30; study setting max_cpd")
def doublings_within(case: Case, _now: datetime) -> Outcome:
    culture = _culture(case)
    if isinstance(culture, Passed):
        return culture
    highest = _criteria(case).settings.max_cpd
    if culture.within_doublings(highest):
        return Passed(culture.evidence)
    return Blocked(Reason("doublings_too_many", seen=culture.doublings, highest=highest), culture.evidence)


@gate(
    "MFG-BAL", revision=1, title="Quantities balance, and no vial is drawn twice", source="rules section 6, balance; design section 6, bank"
)
def quantities_balance(case: Case, _now: datetime) -> Outcome:
    act = case.proposed
    if isinstance(act, ProcessingStarted):
        return Passed(note=Reason("nothing_counted"))
    if isinstance(act, BankStarted | LotStarted):
        parents = act.parents if isinstance(act, BankStarted) else act.banks
        return _vials_there(case, tuple(p for p in parents if isinstance(p, BankId)), act.vials_drawn)
    counted = _counted(act)
    if counted is None:
        return Blocked(Reason("missing", what="balance", node=case.subject.key))
    filled_twice = _bags_new(case, act.bags) if isinstance(act, BagsFilled) else None
    return filled_twice or _balanced(case, *counted)


def _counted(act: Act) -> tuple[Balance, int | None] | None:
    """The balance of a step, and how many containers it names."""
    match act:
        case PrimaryCultureHarvested(culture=step) | BankStepRecorded(culture=step) | LotStepRecorded(culture=step):
            return step.balance, None
        case BankFilled(balance=balance, vials=vials):
            return balance, vials
        case BagsFilled(balance=balance, bags=bags):
            return balance, len(bags)
    return None


def _balanced(case: Case, balance: Balance, containers: int | None) -> Outcome:
    parts = (balance.quantity_out, balance.samples, balance.waste, balance.retains)
    if balance.quantity_in <= 0 or any(part < 0 for part in parts):
        return Blocked(Reason("balance_implausible", unit=balance.unit, quantity_in=balance.quantity_in, accounted=sum(parts)))
    settings = _criteria(case).settings
    allowed = max(balance.quantity_in * settings.balance_tolerance_pct / 100, settings.balance_tolerance_units)
    accounted = sum(parts, Decimal(0))
    if not abs(balance.quantity_in - accounted) <= allowed:
        values = {"unit": balance.unit, "quantity_in": balance.quantity_in, "accounted": accounted, "allowed": allowed}
        return Blocked(Reason("balance_differs", **values))
    kept = balance.quantity_out + balance.samples + balance.retains
    if containers is not None and balance.unit in COUNTED_UNITS and not balance.quantity_out <= containers <= kept:
        return Blocked(Reason("containers_differ", unit=balance.unit, seen=containers, quantity_out=balance.quantity_out))
    return Passed()


def _bags_new(case: Case, bags: tuple[BagId, ...]) -> Blocked | None:
    if not bags:
        return Blocked(Reason("missing", what="bags", node=case.subject.key))
    for bag in bags:
        filled = case.dossier.first(bag, BagFilled)
        if bags.count(bag) > 1 or filled is not None:
            return Blocked(Reason("bag_filled_twice", bag=bag), (filled.digest,) if filled is not None else ())
    return None


def _vials_there(case: Case, banks: tuple[BankId, ...], drawn: tuple[int, ...]) -> Outcome:
    """Each vial exists, is named once and was never drawn before."""
    if not banks:
        return Passed(note=Reason("nothing_counted"))
    if not drawn:
        return Blocked(Reason("missing", what="vials_drawn", node=case.subject.key))
    for bank in banks:
        vials = VialsFold(case.dossier, bank)
        for vial in drawn:
            if not 1 <= vial <= vials.filled:
                return Blocked(Reason("vial_does_not_exist", bank=bank, vial=vial, filled=vials.filled), vials.evidence)
            if vial in vials.drawn or drawn.count(vial) > 1:
                return Blocked(Reason("vial_drawn_twice", bank=bank, vial=vial), vials.evidence)
    return Passed(tuple(digest for bank in banks for digest in VialsFold(case.dossier, bank).evidence))
