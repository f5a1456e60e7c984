"""EXC: may one dose have an exceptional release of one failed result (rules section 9.4, hold point X)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from custody.domain.acts.release import ExceptionAccepted, ReleasedExceptionally
from custody.domain.folds.base import MissingFact
from custody.domain.folds.exception import ExceptionFold
from custody.domain.folds.lot import LotFold, Recalled, Rejected
from custody.domain.ids import DoseId
from custody.domain.terms import Role
from custody.domain.verdict import Blocked, Outcome, Passed, Reason
from custody.gates.case import Case
from custody.gates.registry import Rule, gate
from custody.gates.release import (
    ancestors_are_released,
    audit_trail_reviewed,
    batch_record_reviewed,
    donors_stand,
    hold_fault,
    labels_reconciled,
)
from custody.gates.results import results_are_reviewed, results_can_be_judged

SOURCE = "rules 9.4, X; EU ATMP GMP, out-of-specification administration"

NEVER_IN_THE_LOT: tuple[Rule, ...] = (
    results_can_be_judged,
    results_are_reviewed,
    donors_stand,
    ancestors_are_released,
    labels_reconciled,
    batch_record_reviewed,
    audit_trail_reviewed,
)
"""Rules of release behind the never-list: identity, donor, consent, label, missing signatures. They must hold for the lot as ever."""


def _fold(case: Case) -> ExceptionFold:
    if not isinstance(case.subject, DoseId):
        raise MissingFact("dose", node=case.subject)
    return ExceptionFold(case.dossier, case.subject, case.study)


def _release(case: Case) -> ReleasedExceptionally:
    release = case.proposed_as(ReleasedExceptionally)
    if release is None:
        raise MissingFact("exceptional_release", node=case.subject)
    return release


@gate("EXC-ORDER", revision=1, title="Every step of the exceptional release was signed, in order", source=SOURCE)
def steps_in_order(case: Case, _now: datetime) -> Outcome:
    release, fold = _release(case), _fold(case)
    evidence = tuple(d.digest for d in fold.steps if d is not None)
    missing = fold.first_step_out_of_order
    if missing is not None:
        return Blocked(Reason("exception_step_missing", step=missing.rule.name), evidence)
    request = fold.request
    if request is None:
        raise MissingFact("exception_request", node=fold.node)
    if (request.act.lot, request.act.test, request.act.result) != (release.lot, release.test, release.result):
        return Blocked(Reason("exception_differs_from_request", seen=release.test, expected=request.act.test), (request.digest,))
    if request.act.participant != fold.dose.participant:
        reason = Reason("exception_for_another_participant", seen=request.act.participant, expected=fold.dose.participant)
        return Blocked(reason, (request.digest, fold.dose.requested.digest))
    if not request.act.hazard_if_not_treated.strip() or not request.act.alternatives_considered.strip():
        return Blocked(Reason("missing", what="hazard_and_alternatives", node=fold.node.key), (request.digest,))
    return Passed(evidence)


@gate("EXC-NEVER", revision=1, title="Nothing on the never-list", source="rules 4 (exceptions), 9.4 (c)")
def nothing_never_excepted(case: Case, now: datetime) -> Outcome:
    release, fold = _release(case), _fold(case)
    reason = fold.never_reason(release)
    if reason is not None:
        return Blocked(reason, (release.result,))
    lot = LotFold(case.dossier, release.lot, case.study)
    of_the_lot = replace(case, subject=release.lot)
    fault = hold_fault(of_the_lot, release.lot) or _decision_fault(lot, release.test)
    if fault is not None:
        return fault
    if now >= lot.expires_at:
        return Blocked(Reason("lot_expired", expires_at=lot.expires_at), (lot.filled.digest,))
    evidence = [release.result]
    for rule in NEVER_IN_THE_LOT:
        outcome = rule(of_the_lot, now)
        if isinstance(outcome, Blocked):
            return outcome
        evidence += outcome.evidence
    return Passed(tuple(dict.fromkeys(evidence)))


def _decision_fault(lot: LotFold, test: str) -> Blocked | None:
    """A recall is never excepted; a rejection only when it was for exactly this test (its reason code)."""
    disposition = lot.disposition
    if isinstance(disposition, Recalled):
        return Blocked(Reason("lot_recalled", node=lot.node.key), (disposition.deed.digest,))
    if isinstance(disposition, Rejected) and disposition.deed.act.reason_code != test:
        return Blocked(Reason("lot_rejected", node=lot.node.key, why=disposition.deed.act.reason_code), (disposition.deed.digest,))
    return None


@gate("EXC-SIGN", revision=1, title="Signed by the people the rules name, all different", source="rules 3, 9.4")
def signed_by_different_people(case: Case, _now: datetime) -> Outcome:
    """Request and acceptance are of the same physician; evaluator, QA, sponsor and releaser are four more people."""
    fold = _fold(case)
    signed = [deed for deed in fold.steps if deed is not None]
    if len(signed) < len(fold.steps):
        return Blocked(Reason("missing", what="exception_signatures", node=fold.node.key), tuple(d.digest for d in signed))
    request, *others = signed
    acceptance = next(d for d in others if isinstance(d.act, ExceptionAccepted))
    evidence = tuple(d.digest for d in signed)
    if request.persons != acceptance.persons:
        return Blocked(Reason("acceptance_by_another_physician"), evidence)
    if not case.signers:
        return Blocked(Reason("missing", what="release_signature", node=fold.node.key), evidence)
    if any(signer.role is not Role.QP for signer in case.signers):
        return Blocked(Reason("not_qualified_person", role=case.signers[0].role), evidence)
    releasers = frozenset(s.person for s in case.signers)
    parties = [request.persons, releasers, *(d.persons for d in others if d is not acceptance)]
    everybody = frozenset().union(*parties)
    if len(everybody) < sum(len(party) for party in parties):
        return Blocked(Reason("exception_signed_twice"), evidence)
    return Passed(evidence)


@gate("EXC-BLIND", revision=1, title="Not in the blinded phase", source="rules 4 (exceptions), 13, 19")
def not_blinded(case: Case, _now: datetime) -> Outcome:
    """Asking would reveal the arm."""
    dose = _fold(case).dose
    if dose.is_blinded and not dose.criteria.settings.exceptional_release_blinded:
        return Blocked(Reason("exception_in_blinded_phase"), (dose.requested.digest,))
    return Passed((dose.requested.digest,))
