"""S7: samples, results, second review, investigations; and holds, deviations and QA decisions, which may come at any stage."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from custody.domain.acts.base import Act, Names, act, signed
from custody.domain.acts.donation import HAPPENED
from custody.domain.ids import BagId, BankId, Digest, Din, DonorId, DoseId, KitId, LotId, SampleId, ShipmentId, TissueId
from custody.domain.terms import ColdChainDecision, Meaning, Role, Severity

ANALYST = (signed(Meaning.PERFORMED, Role.QC_ANALYST, Role.PREPARER),)
REVIEWER = (signed(Meaning.REVIEWED, Role.QC_REVIEWER),)
QUALITY = (signed(Meaning.APPROVED, Role.QA_REVIEWER, Role.QP),)


@act(
    "sample_taken",
    title="Sample taken",
    about=(BankId, LotId, DoseId),
    unguarded_because=HAPPENED,
    biz_step="sampling",
    by=(Role.OPERATOR, Role.QC_ANALYST, Role.PREPARER),
)
@dataclass(frozen=True, kw_only=True)
class SampleTaken(Act):
    node: BankId | LotId | DoseId
    sample: SampleId
    taken_at: datetime


@act(
    "result_recorded",
    title="QC result recorded",
    about=(BankId, LotId, DoseId),
    after=("sample_taken",),
    unguarded_because="hold points G5, G6 and G11 judge the result; a bad one must always be recordable",
    biz_step="inspecting",
    signatures=ANALYST,
)
@dataclass(frozen=True, kw_only=True)
class ResultRecorded(Act):
    """`result` is the text as read from the instrument; `read_at` when it was read. A retest names what it repeats and why."""

    node: BankId | LotId | DoseId
    test: str
    sample: SampleId
    result: str
    unit: str
    method: str
    method_version: str
    instrument: str
    read_at: datetime
    bag: Names[BagId] | None = None
    retest_of: Digest | None = None
    investigation: str = ""


@act(
    "result_reviewed",
    title="QC result reviewed by a second person",
    about=(BankId, LotId, DoseId),
    after=("result_recorded",),
    unguarded_because="a review records that the result is what was measured; hold point G5 judges it",
    biz_step="inspecting",
    signatures=REVIEWER,
)
@dataclass(frozen=True, kw_only=True)
class ResultReviewed(Act):
    node: BankId | LotId | DoseId
    results: tuple[Digest, ...]


@act(
    "out_of_specification_opened",
    title="Out-of-specification investigation opened",
    about=(BankId, LotId, DoseId),
    after=("result_recorded",),
    unguarded_because="opening an investigation stops the lot, and moves nothing",
    biz_step="holding",
    signatures=(signed(Meaning.PERFORMED, Role.QC_REVIEWER, Role.QA_REVIEWER),),
)
@dataclass(frozen=True, kw_only=True)
class OutOfSpecificationOpened(Act):
    node: BankId | LotId | DoseId
    investigation: str
    result: Digest


@act(
    "out_of_specification_closed",
    title="Out-of-specification investigation closed",
    about=(BankId, LotId, DoseId),
    after=("out_of_specification_opened",),
    unguarded_because="hold point G6 judges the results again",
    biz_step="inspecting",
    signatures=QUALITY,
)
@dataclass(frozen=True, kw_only=True)
class OutOfSpecificationClosed(Act):
    """`laboratory_error`: the first result is proven wrong, so its retest counts instead; otherwise it stands."""

    node: BankId | LotId | DoseId
    investigation: str
    laboratory_error: bool
    conclusion: str


@act(
    "deviation_opened",
    title="Deviation opened",
    about=(TissueId, BankId, LotId, ShipmentId, DoseId),
    unguarded_because="opening a deviation can only stop a release",
    biz_step="holding",
    signatures=(
        signed(Meaning.PERFORMED, Role.OPERATOR, Role.QA_REVIEWER, Role.QC_REVIEWER, Role.COLD_CHAIN_OPERATOR, Role.PREPARER, Role.QP),
    ),
)
@dataclass(frozen=True, kw_only=True)
class DeviationOpened(Act):
    node: TissueId | BankId | LotId | ShipmentId | DoseId
    deviation: str
    severity: Severity
    description: str


@act(
    "deviation_closed",
    title="Deviation closed",
    about=(TissueId, BankId, LotId, ShipmentId, DoseId),
    after=("deviation_opened",),
    unguarded_because="hold point G6 still judges everything else",
    biz_step="inspecting",
    signatures=QUALITY,
)
@dataclass(frozen=True, kw_only=True)
class DeviationClosed(Act):
    node: TissueId | BankId | LotId | ShipmentId | DoseId
    deviation: str
    conclusion: str


HOLDABLE = (DonorId, Din, TissueId, BankId, LotId, ShipmentId, KitId, BagId)


@act(
    "hold_placed",
    title="Hold placed",
    about=HOLDABLE,
    unguarded_because="a hold only stops",
    biz_step="holding",
    signatures=(signed(Meaning.PERFORMED, Role.QA_REVIEWER, Role.QP, Role.SAFETY_OFFICER, Role.INVESTIGATOR),),
)
@dataclass(frozen=True, kw_only=True)
class HoldPlaced(Act):
    """`hold` names this hold, so that lifting one never lifts another."""

    node: DonorId | Din | TissueId | BankId | LotId | ShipmentId | KitId | BagId
    hold: str
    reason: str
    owner: str


@act(
    "hold_placed_by_custody",
    title="Hold placed by a STOP or a late result",
    about=HOLDABLE,
    unguarded_because="a hold only stops",
    biz_step="holding",
    companion=True,
)
@dataclass(frozen=True, kw_only=True)
class HoldPlacedByCustody(Act):
    """`cause` is the code of the gate that stopped, or the test whose late result failed."""

    node: LotId | BankId | BagId
    hold: str
    cause: str


@act(
    "hold_lifted",
    title="Hold lifted",
    about=HOLDABLE,
    after=("hold_placed", "hold_placed_by_custody"),
    unguarded_because="when the last hold is lifted every gate still runs at the next step",
    biz_step="other",
    signatures=QUALITY,
)
@dataclass(frozen=True, kw_only=True)
class HoldLifted(Act):
    node: DonorId | Din | TissueId | BankId | LotId | ShipmentId | KitId | BagId
    hold: str
    reason: str


@act(
    "recalled",
    title="Recalled",
    about=(DonorId, Din, TissueId, BankId, LotId),
    unguarded_because="a recall only stops",
    biz_step="holding",
    signatures=(signed(Meaning.APPROVED, Role.QP, Role.QA_REVIEWER),),
)
@dataclass(frozen=True, kw_only=True)
class Recalled(Act):
    """Final: every descendant stops at every later hold point from the moment this is recorded."""

    node: DonorId | Din | TissueId | BankId | LotId
    recall: str
    reason: str


@act(
    "gap_disposed",
    title="Gap in the custody record disposed of",
    about=(BagId, ShipmentId),
    unguarded_because="gate BAG-GAP judges whether the decision covers the gap",
    biz_step="inspecting",
    signatures=QUALITY,
)
@dataclass(frozen=True, kw_only=True)
class GapDisposed(Act):
    """Allowed only with seals intact and a continuous trace, which the signer states (rules section 4, BAG-GAP)."""

    node: BagId | ShipmentId
    gap_started_at: datetime
    gap_ended_at: datetime
    seals_intact: bool
    trace_continuous: bool
    reason: str


@act(
    "cold_chain_decided",
    title="Cold-chain excursion decided",
    about=(BagId,),
    unguarded_because="gate BAG-COLD judges whether the decision covers the class",
    biz_step="inspecting",
    signatures=QUALITY,
)
@dataclass(frozen=True, kw_only=True)
class ColdChainDecided(Act):
    """QA's decision on a class 2 life; it covers what was known up to `covers_until` and nothing later."""

    bag: BagId
    decision: ColdChainDecision
    covers_until: datetime
    reason: str


@act(
    "trace_given_up",
    title="Temperature record given up as lost",
    about=(ShipmentId, BagId),
    unguarded_because="it makes the class final, which only stops",
    biz_step="inspecting",
    signatures=QUALITY,
)
@dataclass(frozen=True, kw_only=True)
class TraceGivenUp(Act):
    node: ShipmentId | BagId
    reason: str
