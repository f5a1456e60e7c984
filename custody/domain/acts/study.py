"""The study: its criteria as signed data, its cohorts, its committees, its doses and their toxicities."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from custody.domain.acts.base import Act, Names, act, signed
from custody.domain.ids import CohortId, Digest, DoseId, SiteId, StudyId
from custody.domain.terms import Committee, CommitteeDecision, Meaning, Role


@act(
    "study_proposed",
    opens="may",
    title="Study version proposed",
    about=StudyId,
    unguarded_because="a proposed version judges nothing",
    biz_step="other",
    signatures=(signed(Meaning.REQUESTED, Role.SPONSOR, Role.QA_REVIEWER),),
)
@dataclass(frozen=True, kw_only=True)
class StudyProposed(Act):
    """`content` is the whole study as canonical JSON text: protocol facts, sites, criteria."""

    study: StudyId
    study_version: int
    content: str


@act(
    "study_approved",
    title="Study version approved and in force",
    about=StudyId,
    after=("study_proposed",),
    unguarded_because="the workflow refuses a version that is incomplete or cannot hold its highest dose",
    biz_step="other",
    signatures=(signed(Meaning.APPROVED, Role.QP),),
)
@dataclass(frozen=True, kw_only=True)
class StudyApproved(Act):
    """`confirmed_defaults`: every setting left at custody's default, confirmed by name (rules section 19)."""

    study: StudyId
    study_version: int
    content_digest: Digest
    confirmed_defaults: tuple[str, ...]


@act(
    "committee_decided",
    title="Committee decision recorded",
    about=StudyId,
    after=("study_approved",),
    unguarded_because="gate ALO-COHORT judges the decisions",
    biz_step="other",
    signatures=(signed(Meaning.CONFIRMED, Role.SPONSOR, Role.DATA_SAFETY_BOARD),),
)
@dataclass(frozen=True, kw_only=True)
class CommitteeDecided(Act):
    study: StudyId
    committee: Committee
    cohort: CohortId
    decision: CommitteeDecision
    document: str


@act(
    "cohort_opened",
    title="Cohort opened",
    about=StudyId,
    after=("study_approved",),
    unguarded_because="gate ALO-COHORT judges whether it may be used",
    biz_step="other",
    signatures=(signed(Meaning.APPROVED, Role.SPONSOR),),
)
@dataclass(frozen=True, kw_only=True)
class CohortOpened(Act):
    study: StudyId
    cohort: CohortId


@act(
    "cohort_closed",
    title="Cohort closed",
    about=StudyId,
    after=("cohort_opened",),
    unguarded_because="closing only stops",
    biz_step="other",
    signatures=(signed(Meaning.APPROVED, Role.SPONSOR),),
)
@dataclass(frozen=True, kw_only=True)
class CohortClosed(Act):
    study: StudyId
    cohort: CohortId


@act(
    "cohort_slot_taken",
    title="Place in a cohort taken",
    about=StudyId,
    after=("cohort_opened",),
    unguarded_because="written with the allocation, which hold point G7 guards",
    biz_step="reserving",
    companion=True,
)
@dataclass(frozen=True, kw_only=True)
class CohortSlotTaken(Act):
    study: StudyId
    cohort: CohortId
    dose: Names[DoseId]


@act(
    "cohort_slot_freed",
    title="Place in a cohort freed",
    about=StudyId,
    after=("cohort_slot_taken",),
    unguarded_because="it only gives back",
    biz_step="other",
    companion=True,
)
@dataclass(frozen=True, kw_only=True)
class CohortSlotFreed(Act):
    study: StudyId
    cohort: CohortId
    dose: Names[DoseId]


@act(
    "study_dose_started",
    title="Dose started in a cohort",
    about=StudyId,
    after=("cohort_slot_taken",),
    unguarded_because="written with the start of the infusion, which hold point G12 guards",
    biz_step="other",
    companion=True,
)
@dataclass(frozen=True, kw_only=True)
class StudyDoseStarted(Act):
    study: StudyId
    cohort: CohortId
    dose: Names[DoseId]
    started_at: datetime


@act(
    "toxicity_recorded",
    title="Dose-limiting toxicity recorded",
    about=StudyId,
    after=("study_dose_started",),
    unguarded_because="a toxicity is always recorded",
    biz_step="other",
    signatures=(signed(Meaning.CONFIRMED, Role.INVESTIGATOR, Role.SAFETY_OFFICER),),
)
@dataclass(frozen=True, kw_only=True)
class ToxicityRecorded(Act):
    study: StudyId
    cohort: CohortId
    dose: Names[DoseId]
    description: str


@act(
    "study_halted",
    title="Study halted",
    about=StudyId,
    after=("study_approved",),
    unguarded_because="a halt only stops",
    biz_step="holding",
    signatures=(signed(Meaning.APPROVED, Role.SPONSOR, Role.DATA_SAFETY_BOARD, Role.SAFETY_OFFICER),),
)
@dataclass(frozen=True, kw_only=True)
class StudyHalted(Act):
    study: StudyId
    reason: str


@act(
    "study_resumed",
    title="Study resumed",
    about=StudyId,
    after=("study_halted",),
    unguarded_because="every gate still runs",
    biz_step="other",
    signatures=(signed(Meaning.APPROVED, Role.SPONSOR),),
)
@dataclass(frozen=True, kw_only=True)
class StudyResumed(Act):
    study: StudyId
    reason: str


@act(
    "logger_key_registered",
    opens="may",
    title="Logger signing key registered",
    about=StudyId,
    unguarded_because="gate BAG-COLD judges each file against the registered keys",
    biz_step="other",
    signatures=(signed(Meaning.APPROVED, Role.QA_REVIEWER, Role.QP),),
)
@dataclass(frozen=True, kw_only=True)
class LoggerKeyRegistered(Act):
    """Trust in a logger's key, given once per logger lot; `fingerprint` is the SHA-256 of the public key as printed in the file."""

    study: StudyId
    issuer: str
    device_lot: str
    fingerprint: Digest


@act(
    "document_approved",
    title="Version of a controlled document approved",
    about=StudyId,
    after=("study_approved",),
    unguarded_because="hold point G4 asks for training in the version in force",
    biz_step="other",
    signatures=(signed(Meaning.APPROVED, Role.QA_REVIEWER, Role.QP),),
)
@dataclass(frozen=True, kw_only=True)
class DocumentApproved(Act):
    """A version of the SOP of one `procedure`, such as `manufacturing`; the next one supersedes it on the day that comes into force.

    In force from `effective_from` up to and including `effective_until` (None: until superseded); `review_due_on` warns and blocks nothing.
    """

    study: StudyId
    procedure: str
    number: str
    document_version: str
    effective_from: date
    effective_until: date | None
    review_due_on: date


@act(
    "clock_set_right",
    title="Server clock found right again",
    about=SiteId,
    after=("site_registered",),
    unguarded_because="by a wrong clock no hold point says anything; this is what ends that, and two people sign it",
    biz_step="other",
    signatures=(signed(Meaning.CONFIRMED, Role.ADMINISTRATOR), signed(Meaning.VERIFIED, Role.QA_REVIEWER, Role.QP)),
)
@dataclass(frozen=True, kw_only=True)
class ClockSetRight(Act):
    """The server's clock ran ahead, and what was recorded then bears times that have not come; it is right now (rules 4, SYS-CLOCK).

    Times of recording begin again with this entry. `compared_with`: the clock that it was compared with; `site` is where the server stands.
    """

    site: SiteId
    compared_with: str
    reason: str


@act(
    "document_withdrawn",
    title="Version of a controlled document withdrawn",
    about=StudyId,
    after=("document_approved",),
    unguarded_because="it only takes away; without a version in force hold point G4 blocks",
    biz_step="other",
    signatures=(signed(Meaning.APPROVED, Role.QA_REVIEWER, Role.QP),),
)
@dataclass(frozen=True, kw_only=True)
class DocumentWithdrawn(Act):
    study: StudyId
    procedure: str
    document_version: str
    reason: str
