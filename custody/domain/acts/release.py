"""S8: review and release of banks and lots; conditional and exceptional release."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from custody.domain.acts.base import Act, Parent, act, signed
from custody.domain.ids import BankId, Digest, DoseId, LotId, ParticipantId
from custody.domain.terms import HoldPoint, Meaning, Role

BANK_OR_LOT = (BankId, LotId)


@act(
    "results_concluded",
    title="QC results concluded",
    about=BANK_OR_LOT,
    after=("result_recorded",),
    hold_point=HoldPoint.RESULT_REVIEW,
    biz_step="inspecting",
    signatures=(signed(Meaning.REVIEWED, Role.QC_REVIEWER),),
)
@dataclass(frozen=True, kw_only=True)
class ResultsConcluded(Act):
    node: BankId | LotId


@act(
    "batch_record_reviewed",
    title="Batch record reviewed",
    about=BANK_OR_LOT,
    after=("bank_filled", "bags_filled"),
    unguarded_because="hold point G6 asks for it",
    biz_step="inspecting",
    signatures=(signed(Meaning.REVIEWED, Role.QA_REVIEWER),),
)
@dataclass(frozen=True, kw_only=True)
class BatchRecordReviewed(Act):
    node: BankId | LotId
    remark: str = ""


@act(
    "audit_trail_reviewed",
    title="Critical audit trail reviewed",
    about=BANK_OR_LOT,
    after=("bank_filled", "bags_filled"),
    unguarded_because="hold point G6 asks for it",
    biz_step="inspecting",
    signatures=(signed(Meaning.REVIEWED, Role.QA_REVIEWER),),
)
@dataclass(frozen=True, kw_only=True)
class AuditTrailReviewed(Act):
    """`up_to_position` is the last entry of the stream that was read; a later correction needs a new review."""

    node: BankId | LotId
    up_to_position: int
    remark: str = ""


RELEASER = (signed(Meaning.RELEASED, Role.QP, Role.QA_REVIEWER),)


@act(
    "released",
    title="Released by the qualified person",
    about=BANK_OR_LOT,
    after=("bank_filled", "bags_filled"),
    hold_point=HoldPoint.RELEASE,
    biz_step="accepting",
    signatures=RELEASER,
)
@dataclass(frozen=True, kw_only=True)
class Released(Act):
    node: BankId | LotId


@dataclass(frozen=True, kw_only=True)
class PendingTest:
    """A test of column C that is still open, and when its result is due."""

    test: str
    due_at: datetime


@act(
    "released_conditionally",
    title="Released conditionally, with tests pending",
    about=LotId,
    after=("bags_filled",),
    hold_point=HoldPoint.RELEASE,
    biz_step="accepting",
    signatures=RELEASER,
)
@dataclass(frozen=True, kw_only=True)
class ReleasedConditionally(Act):
    lot: LotId
    pending: tuple[PendingTest, ...]


@act(
    "rejected",
    title="Rejected",
    about=BANK_OR_LOT,
    after=("bank_started", "lot_started"),
    unguarded_because="a rejection only stops",
    biz_step="destroying",
    signatures=(signed(Meaning.REJECTED, Role.QP, Role.QA_REVIEWER),),
)
@dataclass(frozen=True, kw_only=True)
class Rejected(Act):
    node: BankId | LotId
    reason_code: str
    reason: str


@act(
    "exception_requested",
    title="Exceptional release requested by the treating physician",
    about=DoseId,
    after=("dose_requested",),
    unguarded_because="a request releases nothing; hold point X judges it",
    biz_step="other",
    signatures=(signed(Meaning.REQUESTED, Role.INVESTIGATOR),),
)
@dataclass(frozen=True, kw_only=True)
class ExceptionRequested(Act):
    """Rules section 9.4 (a): names the participant, the failed result, the hazard without treatment, the alternatives."""

    dose: DoseId
    participant: Parent[ParticipantId]
    lot: Parent[LotId]
    test: str
    result: Digest
    hazard_if_not_treated: str
    alternatives_considered: str


@act(
    "exception_risk_evaluated",
    title="Risk of the failure evaluated by the manufacturer",
    about=DoseId,
    after=("exception_requested",),
    unguarded_because="an evaluation releases nothing; hold point X judges it",
    biz_step="other",
    signatures=(signed(Meaning.EVALUATED, Role.QC_REVIEWER, Role.QA_REVIEWER, Role.QP, Role.SPONSOR),),
)
@dataclass(frozen=True, kw_only=True)
class ExceptionRiskEvaluated(Act):
    dose: DoseId
    evaluation: str


@act(
    "exception_never_list_confirmed",
    title="QA confirms that the failure is not on the never-list",
    about=DoseId,
    after=("exception_requested",),
    unguarded_because="a confirmation releases nothing; hold point X judges it",
    biz_step="other",
    signatures=(signed(Meaning.CONFIRMED, Role.QA_REVIEWER),),
)
@dataclass(frozen=True, kw_only=True)
class ExceptionNeverListConfirmed(Act):
    dose: DoseId


@act(
    "exception_accepted",
    title="Exceptional release accepted by the treating physician",
    about=DoseId,
    after=("exception_requested",),
    unguarded_because="acceptance alone releases nothing; hold point X judges it",
    biz_step="other",
    signatures=(signed(Meaning.ACCEPTED, Role.INVESTIGATOR),),
)
@dataclass(frozen=True, kw_only=True)
class ExceptionAccepted(Act):
    dose: DoseId


@act(
    "exception_sponsor_notified",
    title="Sponsor notified of the exceptional release",
    about=DoseId,
    after=("exception_requested",),
    unguarded_because="a notice releases nothing; hold point X asks for it",
    biz_step="other",
    signatures=(signed(Meaning.CONFIRMED, Role.SPONSOR),),
)
@dataclass(frozen=True, kw_only=True)
class ExceptionSponsorNotified(Act):
    dose: DoseId
    authority_notice: str


@act(
    "released_exceptionally",
    title="Exceptional release of one dose",
    about=DoseId,
    after=("exception_requested",),
    hold_point=HoldPoint.EXCEPTION,
    biz_step="accepting",
    signatures=(signed(Meaning.RELEASED, Role.QP),),
)
@dataclass(frozen=True, kw_only=True)
class ReleasedExceptionally(Act):
    """Covers exactly one failed result of one lot for this dose; the lot stays as it is."""

    dose: DoseId
    lot: Parent[LotId]
    test: str
    result: Digest
