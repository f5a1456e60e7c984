"""S1 to S3: the mother's consent, the donor's tests, the cord and its way to the facility."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from custody.domain.acts.base import Act, Parent, Scanned, act, signed
from custody.domain.ids import Din, DonorId, LoggerId, SampleId, SealNumber, TissueId
from custody.domain.terms import Answer, Determination, DonorTestOutcome, HoldPoint, Meaning, Role, SamplePurpose

HAPPENED = "it records what happened, and moves nothing towards a patient"


@act(
    "donor_registered",
    opens="first",
    title="Donor registered under a code",
    about=DonorId,
    unguarded_because=HAPPENED,
    biz_step="other",
    by=(Role.DONOR_COORDINATOR,),
)
@dataclass(frozen=True, kw_only=True)
class DonorRegistered(Act):
    donor: DonorId


@act(
    "consent_signed",
    title="Donor consent signed",
    about=DonorId,
    after=("donor_registered",),
    unguarded_because="hold point G1 judges it before anything is collected",
    biz_step="other",
    signatures=(signed(Meaning.WITNESSED, Role.DONOR_COORDINATOR),),
)
@dataclass(frozen=True, kw_only=True)
class ConsentSigned(Act):
    """`ticks` are the boxes the mother ticked, `scopes` the uses she allowed, both by the codes of the form."""

    donor: DonorId
    form_version: str
    signed_at: datetime
    by_birth_mother: bool
    identity_checked: bool
    ticks: tuple[str, ...]
    scopes: tuple[str, ...] = ()


@act(
    "consent_withdrawn",
    title="Donor consent withdrawn",
    about=DonorId,
    after=("consent_signed",),
    unguarded_because="a withdrawal is always recorded",
    biz_step="other",
    signatures=(signed(Meaning.WITNESSED, Role.DONOR_COORDINATOR),),
)
@dataclass(frozen=True, kw_only=True)
class ConsentWithdrawn(Act):
    donor: DonorId
    withdrawn_at: datetime
    reason: str = ""


@act(
    "cord_collected",
    opens="first",
    title="Cord collected",
    about=Din,
    hold_point=HoldPoint.COLLECTION,
    biz_step="commissioning",
    signatures=(signed(Meaning.PERFORMED, Role.PROCUREMENT_NURSE),),
)
@dataclass(frozen=True, kw_only=True)
class CordCollected(Act):
    """Gestation in completed days; `membranes_ruptured_minutes` from rupture to delivery; highest fever within 24 h in °C."""

    donation: Scanned[Din]
    donor: Parent[DonorId]
    delivered_at: datetime
    collected_at: datetime
    mother_age_years: int
    gestation_days: int
    membranes_ruptured_minutes: int
    highest_fever_celsius: Decimal
    chorioamnionitis: bool
    cord_length_cm: Decimal


@act(
    "donor_sampled",
    title="Mother's blood sample taken",
    about=Din,
    after=("cord_collected",),
    unguarded_because="hold point G2 judges the sample",
    biz_step="sampling",
    signatures=(signed(Meaning.PERFORMED, Role.PROCUREMENT_NURSE, Role.DONOR_COORDINATOR),),
)
@dataclass(frozen=True, kw_only=True)
class DonorSampled(Act):
    """The dilution worksheet: blood and colloid in the 48 h, crystalloid in the hour before sampling, in ml; weight in kg."""

    donation: Din
    sample: SampleId
    purpose: SamplePurpose
    taken_at: datetime
    mother_weight_kg: Decimal
    blood_ml_48h: Decimal
    colloid_ml_48h: Decimal
    crystalloid_ml_1h: Decimal


@act(
    "donor_test_resulted",
    title="Donor test result",
    about=Din,
    after=("donor_sampled",),
    unguarded_because="hold point G2 judges the result",
    biz_step="inspecting",
    signatures=(signed(Meaning.PERFORMED, Role.QC_ANALYST, Role.DONOR_COORDINATOR),),
)
@dataclass(frozen=True, kw_only=True)
class DonorTestResulted(Act):
    donation: Din
    sample: SampleId
    test: str
    outcome: DonorTestOutcome
    method: str
    laboratory: str
    reported_at: datetime


@act(
    "donor_history_taken",
    title="Donor history taken",
    about=Din,
    after=("cord_collected",),
    unguarded_because="hold point G2 judges the history",
    biz_step="other",
    signatures=(signed(Meaning.PERFORMED, Role.DONOR_COORDINATOR, Role.PROCUREMENT_NURSE),),
)
@dataclass(frozen=True, kw_only=True)
class DonorHistoryTaken(Act):
    """Each line answers “is there a risk?”; `truth_confirmed`: the donor confirmed that the answers are true."""

    donation: Din
    vaccination: Answer
    travel: Answer
    transfusion: Answer
    infection_risk: Answer
    inherited: Answer
    blood_or_immune: Answer
    cancer: Answer
    truth_confirmed: bool


@act(
    "donor_risk_assessed",
    title="Risk of a reactive donor test assessed",
    about=Din,
    after=("donor_test_resulted",),
    unguarded_because="gate ELG-REACT judges whether the rules allow it and whether it still stands",
    biz_step="inspecting",
    signatures=(signed(Meaning.EVALUATED, Role.QP, Role.QA_REVIEWER),),
)
@dataclass(frozen=True, kw_only=True)
class DonorRiskAssessed(Act):
    """The documented assessment of a reactive `test` where the rules ask for one; it speaks for the results known when it is signed."""

    donation: Din
    test: str
    acceptable: bool
    reason: str
    document: str


@act(
    "eligibility_determined",
    title="Donor eligibility determined",
    about=Din,
    after=("cord_collected",),
    hold_point=HoldPoint.ELIGIBILITY,
    biz_step="accepting",
    signatures=(signed(Meaning.DETERMINED, Role.QP, Role.QA_REVIEWER),),
)
@dataclass(frozen=True, kw_only=True)
class EligibilityDetermined(Act):
    """A positive determination, made at hold point G2."""

    donation: Din


@act(
    "eligibility_refused",
    title="Donor found ineligible, or an earlier determination withdrawn",
    about=Din,
    after=("cord_collected",),
    unguarded_because="a refusal is always recorded",
    biz_step="inspecting",
    signatures=(signed(Meaning.DETERMINED, Role.QP, Role.QA_REVIEWER),),
)
@dataclass(frozen=True, kw_only=True)
class EligibilityRefused(Act):
    donation: Din
    reason: str
    determination: Determination = Determination.INELIGIBLE


@act(
    "tissue_packed",
    opens="first",
    title="Cord tissue packed and sealed at the hospital",
    about=TissueId,
    unguarded_because="hold point G3 judges it at the facility",
    biz_step="packing",
    signatures=(signed(Meaning.PERFORMED, Role.PROCUREMENT_NURSE),),
)
@dataclass(frozen=True, kw_only=True)
class TissuePacked(Act):
    """`label_code` is the code printed on the container; `documents` by their codes in the study's list."""

    tissue: Scanned[TissueId]
    donation: Parent[Din]
    label_code: str
    seal: SealNumber
    pieces: int
    documents: tuple[str, ...]
    logger: Parent[LoggerId]
    packed_at: datetime


@act(
    "tissue_arrived",
    title="Cord tissue arrived",
    about=TissueId,
    after=("tissue_packed",),
    unguarded_because="an arrival is always recorded",
    biz_step="arriving",
    by=(Role.OPERATOR, Role.COLD_CHAIN_OPERATOR, Role.VERIFIER),
)
@dataclass(frozen=True, kw_only=True)
class TissueArrived(Act):
    tissue: Scanned[TissueId]
    arrived_at: datetime


@act(
    "tissue_accepted",
    title="Cord tissue accepted",
    about=TissueId,
    after=("tissue_arrived",),
    hold_point=HoldPoint.TISSUE_RECEIPT,
    biz_step="accepting",
    signatures=(signed(Meaning.PERFORMED, Role.OPERATOR), signed(Meaning.VERIFIED, Role.VERIFIER)),
    second="repeat",
)
@dataclass(frozen=True, kw_only=True)
class TissueAccepted(Act):
    tissue: Scanned[TissueId]
    seal: Scanned[SealNumber]
    label_code: Scanned[str]
    pieces: int
    documents: tuple[str, ...]


@act(
    "tissue_rejected",
    title="Cord tissue rejected",
    about=TissueId,
    after=("tissue_packed",),
    unguarded_because="a rejection is always recorded",
    biz_step="inspecting",
    signatures=(signed(Meaning.REJECTED, Role.QA_REVIEWER, Role.QP), signed(Meaning.WITNESSED, Role.VERIFIER, Role.OPERATOR)),
)
@dataclass(frozen=True, kw_only=True)
class TissueRejected(Act):
    tissue: TissueId
    reason: str
