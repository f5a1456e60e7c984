"""REL: may this bank or lot be released, and by this person (rules G6 and section 9)."""

from __future__ import annotations

from datetime import datetime

from custody.domain.acts.release import Released, ReleasedConditionally
from custody.domain.folds.donation import DonationFold
from custody.domain.folds.judged import JudgedTest
from custody.domain.folds.lot import LotFold, Recalled, Rejected, open_deviations
from custody.domain.folds.lot import Released as ReleasedDisposition
from custody.domain.folds.tissue import TissueFold
from custody.domain.ids import BankId, Digest, LotId, TissueId
from custody.domain.lineage import ancestors_of, holds_over, recalls_over
from custody.domain.terms import Product, ProductForm, Role, Severity
from custody.domain.verdict import Blocked, Outcome, Passed, Reason
from custody.gates.case import Case
from custody.gates.registry import gate
from custody.gates.results import out_of_limits, why_no_verdict

G6 = "rules 9.1, G6"


@gate("REL-DONOR", revision=1, title="Its donors consented and are eligible", source="rules 5, 6, G6")
def donors_stand(case: Case, _now: datetime) -> Outcome:
    if case.lot.is_placebo:
        return Passed((case.lot.started.digest,), note=Reason("no_donor"))
    donations = case.donations
    if not donations:
        return Blocked(Reason("missing", what="donation", node=case.lot.node.key))
    if len(donations) > 1 and not case.lot.criteria.settings.allow_donor_pool:
        return Blocked(Reason("donors_pooled", donations=len(donations)))
    evidence: list[Digest] = []
    for din in donations:
        donation = DonationFold(case.dossier, din, case.study)
        withdrawal, eligibility = donation.consent_withdrawn, donation.eligibility
        if withdrawal is not None:
            return Blocked(Reason("consent_withdrawn", withdrawn_at=withdrawal.act.withdrawn_at), (withdrawal.digest,))
        if eligibility is None:
            return Blocked(Reason("donor_not_eligible", donation=din))
        evidence += (donation.consent.digest, eligibility.digest)
    return Passed(tuple(evidence))


@gate("REL-ANC", revision=1, title="Everything it was made from is accepted or released, and not recalled", source=G6)
def ancestors_are_released(case: Case, _now: datetime) -> Outcome:
    lot = case.lot
    if lot.product is Product.PLACEBO:
        return Passed((lot.started.digest,), note=Reason("no_donor"))
    ancestors = ancestors_of(case.dossier, lot.node)
    recalled = recalls_over(case.dossier, ancestors)
    if recalled:
        return Blocked(Reason("ancestor_recalled", ancestor=recalled[0].act.node.key), tuple(d.digest for d in recalled))
    made_from = [n for n in ancestors if isinstance(n, (TissueId, BankId))]
    if not made_from:
        return Blocked(Reason("missing", what="bank_or_tissue", node=lot.node.key))
    evidence: list[Digest] = []
    for node in made_from:
        decision = _release_of(case, node)
        if decision is None:
            return Blocked(Reason("ancestor_not_released", ancestor=node.key))
        evidence.append(decision)
    return Passed(tuple(evidence))


def _release_of(case: Case, node: TissueId | BankId) -> Digest | None:
    """The act by which a bank was released, or tissue accepted and not rejected since."""
    if isinstance(node, TissueId):
        tissue = TissueFold(case.dossier, node, case.study)
        return tissue.accepted.digest if tissue.accepted is not None and tissue.rejected is None else None
    disposition = LotFold(case.dossier, node, case.study).disposition
    return disposition.deed.digest if isinstance(disposition, ReleasedDisposition) else None


@gate("REL-TEST", revision=1, title="Every required test passed", source="rules 7, 9.1, 9.2, G6")
def tests_passed(case: Case, now: datetime) -> Outcome:
    """A full release needs every test of columns R and C; a conditional one may list open C tests, each with its due time."""
    results = case.lot.results
    conditional = case.proposed_as(ReleasedConditionally)
    if conditional is not None and (fault := _conditional_fault(case.lot, conditional, now)) is not None:
        return fault
    listed = {p.test for p in conditional.pending} if conditional is not None else set()
    open_allowed = {t.code for t in results.may_be_pending if not t.failed and t.code in listed}
    if not results.must_pass:
        return Blocked(Reason("missing", what="release_specification"))
    for test in results.binding:
        asked = test in results.must_pass or test in results.may_be_pending
        if test.passed or test.code in open_allowed or (not asked and not test.failed):
            continue
        return Blocked(_not_passed(case.lot, test), results.evidence(test.code))
    return Passed(results.evidence(*(t.code for t in results.binding)))


def _conditional_fault(lot: LotFold, release: ReleasedConditionally, now: datetime) -> Blocked | None:
    """Rules 9.2: fresh lots only, only tests of column C, each due later than now; an empty list is no condition."""
    if lot.form is not ProductForm.FRESH:
        return Blocked(Reason("conditional_needs_fresh", form=lot.form), (lot.started.digest,))
    allowed = {t.code for t in lot.results.may_be_pending}
    if not release.pending:
        return Blocked(Reason("missing", what="pending_tests", node=lot.node.key))
    for pending in release.pending:
        if pending.test not in allowed:
            return Blocked(Reason("test_may_not_be_pending", test=pending.test))
        if lot.due_at(pending) <= now:
            return Blocked(Reason("pending_test_overdue", test=pending.test, due_at=lot.due_at(pending)))
    return None


def _not_passed(lot: LotFold, test: JudgedTest) -> Reason:
    judged = test.counts
    if judged is None:
        return Reason("results_missing", tests=test.code)
    if judged.failed:
        return out_of_limits(lot.results, test, judged)
    return why_no_verdict(lot.results, test, judged)


@gate("REL-BMR", revision=1, title="The batch record was reviewed after its last entry", source=G6)
def batch_record_reviewed(case: Case, _now: datetime) -> Outcome:
    reviews = case.lot.batch_reviews
    return Passed((reviews[-1].digest,)) if reviews else Blocked(Reason("batch_record_not_reviewed"))


@gate(
    "REL-TRAIL", revision=1, title="The critical audit trail was reviewed up to its last entry", source="rules G6; PIC/S PI 041-1 (PIC-1)"
)
def audit_trail_reviewed(case: Case, _now: datetime) -> Outcome:
    reviews = case.lot.trail_reviews
    return Passed((reviews[-1].digest,)) if reviews else Blocked(Reason("audit_trail_not_reviewed"))


@gate("REL-DEV", revision=1, title="No major or critical deviation is open", source="rules 9.5, G6")
def deviations_closed(case: Case, _now: datetime) -> Outcome:
    """On the lot and on everything it was made from."""
    nodes = (case.lot.node, *ancestors_of(case.dossier, case.lot.node))
    opened = [d for d in open_deviations(case.dossier, *nodes) if d.act.severity is not Severity.MINOR]
    if not opened:
        return Passed((case.lot.started.digest,))
    first = opened[0]
    return Blocked(
        Reason("deviation_open", deviation=first.act.deviation, severity=first.act.severity, node=first.act.node.key),
        tuple(d.digest for d in opened),
    )


@gate("REL-LABEL", revision=1, title="Labels printed equal labels used and destroyed", source="rules 14, G6")
def labels_reconciled(case: Case, _now: datetime) -> Outcome:
    lot = case.lot
    printed, applied, destroyed = (
        sum(d.act.copies for d in deeds) for deeds in (lot.labels_printed, lot.labels_applied, lot.labels_destroyed)
    )
    evidence = tuple(d.digest for d in (*lot.labels_printed, *lot.labels_applied, *lot.labels_destroyed))
    if not lot.labels_printed:
        return Blocked(Reason("missing", what="labels_printed", node=lot.node.key))
    if printed != applied + destroyed:
        return Blocked(Reason("labels_not_reconciled", printed=printed, applied=applied, destroyed=destroyed), evidence)
    if applied < lot.containers:
        return Blocked(Reason("containers_without_label", labels=applied, containers=lot.containers), evidence)
    return Passed(evidence)


@gate("REL-HOLD", revision=1, title="It is not held, rejected or recalled", source="rules 2, G6")
def nothing_holds_it(case: Case, _now: datetime) -> Outcome:
    """A hold on any ancestor counts; a rejection or recall of its own is final."""
    fault = hold_fault(case, case.lot.node)
    if fault is not None:
        return fault
    disposition = case.lot.disposition
    if isinstance(disposition, Recalled):
        return Blocked(Reason("lot_recalled", node=case.lot.node.key), (disposition.deed.digest,))
    if isinstance(disposition, Rejected):
        return Blocked(Reason("lot_rejected", node=case.lot.node.key, why=disposition.deed.act.reason_code), (disposition.deed.digest,))
    return Passed((case.lot.started.digest,))


def hold_fault(case: Case, lot: BankId | LotId) -> Blocked | None:
    """The first open hold on a bank or lot or on anything it comes from."""
    holds = holds_over(case.dossier, (lot, *ancestors_of(case.dossier, lot)))
    if not holds:
        return None
    return Blocked(Reason("lot_held", node=holds[0].act.node.key, hold=holds[0].act.hold), tuple(d.digest for d in holds))


@gate("REL-ROLE", revision=1, title="Released by the qualified person", source="rules 3, 9.1, G6")
def released_by_qualified_person(case: Case, _now: datetime) -> Outcome:
    if not case.signers or not isinstance(case.proposed, (Released, ReleasedConditionally)):
        return Blocked(Reason("missing", what="release_signature", node=case.lot.node.key))
    for signer in case.signers:
        if signer.role is not Role.QP:
            return Blocked(Reason("not_qualified_person", role=signer.role))
    return Passed()


@gate("REL-SELF", revision=1, title="Who releases did not review", source="rules 3, 9.1, G6; PIC/S PI 041-1")
def releaser_is_not_the_reviewer(case: Case, _now: datetime) -> Outcome:
    if not case.signers:
        return Blocked(Reason("missing", what="release_signature", node=case.lot.node.key))
    if case.lot.reviewers & {signer.person for signer in case.signers}:
        return Blocked(Reason("reviewer_releases"))
    return Passed()
