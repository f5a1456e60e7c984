"""S9: the participant, the dose that is asked for, and the bags set aside for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from custody.domain.acts.base import Act, Names, Parent, Scanned, act, signed
from custody.domain.acts.donation import HAPPENED
from custody.domain.acts.study import CohortSlotFreed, CohortSlotTaken
from custody.domain.ids import BagId, CohortId, Digest, DoseId, KitId, ParticipantId, StudyId, WristbandToken
from custody.domain.terms import Answer, ConsentSigner, HoldPoint, Meaning, Role, Sex

WARD_PAIR = (
    signed(Meaning.PERFORMED, Role.BEDSIDE_NURSE, Role.INVESTIGATOR),
    signed(Meaning.VERIFIED, Role.SECOND_CHECKER, Role.BEDSIDE_NURSE, Role.INVESTIGATOR),
)
INVESTIGATOR = (signed(Meaning.CONFIRMED, Role.INVESTIGATOR),)


@act(
    "participant_registered",
    opens="first",
    title="Participant registered under a code",
    about=ParticipantId,
    unguarded_because=HAPPENED,
    biz_step="other",
    by=(Role.INVESTIGATOR,),
)
@dataclass(frozen=True, kw_only=True)
class ParticipantRegistered(Act):
    participant: ParticipantId


@act(
    "participant_consented",
    title="Participant consent signed",
    about=ParticipantId,
    after=("participant_registered",),
    unguarded_because="hold points G7, G10 and G12 judge it",
    biz_step="other",
    signatures=INVESTIGATOR,
)
@dataclass(frozen=True, kw_only=True)
class ParticipantConsented(Act):
    """`relation` to the participant when a representative signed."""

    participant: ParticipantId
    signed_at: datetime
    signed_by: ConsentSigner
    relation: str
    form_version: str


@act(
    "participant_left",
    title="Participant withdrew, died or failed screening",
    about=ParticipantId,
    after=("participant_registered",),
    unguarded_because="it only stops",
    biz_step="other",
    signatures=INVESTIGATOR,
)
@dataclass(frozen=True, kw_only=True)
class ParticipantLeft(Act):
    """`reason` is one of `withdrawn`, `died`, `screen_failed`."""

    participant: ParticipantId
    reason: str
    left_at: datetime


@dataclass(frozen=True, kw_only=True)
class EligibilityLine:
    """One criterion of the protocol by its code: `satisfied` says that it allows inclusion; `value` where the criterion has a number."""

    code: str
    satisfied: Answer
    value: Decimal | None = None


@act(
    "participant_eligibility_recorded",
    title="Participant eligibility signed",
    about=ParticipantId,
    after=("participant_registered",),
    unguarded_because="gate ALO-PART judges every line",
    biz_step="inspecting",
    signatures=INVESTIGATOR,
)
@dataclass(frozen=True, kw_only=True)
class ParticipantEligibilityRecorded(Act):
    participant: ParticipantId
    diagnosed_at: datetime
    lines: tuple[EligibilityLine, ...]


@act(
    "weight_measured",
    title="Weight, height and sex entered twice",
    about=ParticipantId,
    after=("participant_registered",),
    unguarded_because="gates ALO-WT and BED-WT judge it",
    biz_step="inspecting",
    signatures=WARD_PAIR,
    second="repeat",
)
@dataclass(frozen=True, kw_only=True)
class WeightMeasured(Act):
    participant: ParticipantId
    weight_kg: Scanned[Decimal]
    height_cm: Scanned[Decimal]
    sex: Scanned[Sex]


@act(
    "wristband_issued",
    title="Trial wristband put on",
    about=ParticipantId,
    after=("participant_registered",),
    unguarded_because="a new wristband revokes the one before; gate BED-PID judges it",
    biz_step="encoding",
    signatures=WARD_PAIR,
    second="repeat",
)
@dataclass(frozen=True, kw_only=True)
class WristbandIssued(Act):
    """`second_identifier` is a keyed commitment to the participant's other identifier, never the identifier."""

    participant: ParticipantId
    wristband: Scanned[WristbandToken]
    second_identifier: Scanned[Digest]


@act(
    "dose_requested",
    opens="first",
    title="Dose requested",
    about=DoseId,
    unguarded_because="it opens the dose, so that an exceptional release can come before hold point G7",
    biz_step="other",
    signatures=(signed(Meaning.REQUESTED, Role.INVESTIGATOR),),
)
@dataclass(frozen=True, kw_only=True)
class DoseRequested(Act):
    """`criteria_version` is the study version in force now; it judges this dose."""

    dose: DoseId
    participant: Parent[ParticipantId]
    cohort: CohortId
    criteria_version: int

    def companions(self, study: StudyId | None) -> tuple[Act, ...]:
        del study
        return (ParticipantDoseRequested(participant=self.participant, dose=self.dose),)


@act(
    "participant_dose_requested",
    title="Dose requested for the participant",
    about=ParticipantId,
    after=("participant_registered",),
    unguarded_because="written with the request",
    biz_step="other",
    companion=True,
)
@dataclass(frozen=True, kw_only=True)
class ParticipantDoseRequested(Act):
    participant: ParticipantId
    dose: Names[DoseId]


@act(
    "kit_assigned",
    opens="first",
    title="Kit assigned by randomisation",
    about=KitId,
    unguarded_because="gate ALO-RAND judges it; an assignment moves nothing",
    biz_step="other",
    signatures=(signed(Meaning.CONFIRMED, Role.IWRS),),
)
@dataclass(frozen=True, kw_only=True)
class KitAssigned(Act):
    kit: KitId
    participant: Names[ParticipantId]
    bags: tuple[Names[BagId], ...]


@act(
    "dose_allocated",
    title="Bags reserved for the dose",
    about=DoseId,
    after=("dose_requested",),
    hold_point=HoldPoint.ALLOCATION,
    biz_step="reserving",
    signatures=(signed(Meaning.PERFORMED, Role.IWRS),),
)
@dataclass(frozen=True, kw_only=True)
class DoseAllocated(Act):
    """`bags` in the order in which they are to be given, spares last."""

    dose: DoseId
    cohort: CohortId
    bags: tuple[Scanned[Parent[BagId]], ...]
    kit: Parent[KitId] | None = None

    def companions(self, study: StudyId | None) -> tuple[Act, ...]:
        assert study is not None
        reserved = tuple(BagReserved(bag=bag, dose=self.dose, kit=self.kit) for bag in self.bags)
        return (*reserved, CohortSlotTaken(study=study, cohort=self.cohort, dose=self.dose))


@act(
    "spare_allocated",
    title="Spare bag reserved for a running dose",
    about=DoseId,
    after=("dose_allocated",),
    hold_point=HoldPoint.ALLOCATION,
    biz_step="reserving",
    signatures=(signed(Meaning.PERFORMED, Role.IWRS),),
)
@dataclass(frozen=True, kw_only=True)
class SpareAllocated(Act):
    """A bag in place of one that was destroyed at thaw (rules section 12)."""

    dose: DoseId
    bag: Scanned[Parent[BagId]]

    def companions(self, study: StudyId | None) -> tuple[Act, ...]:
        del study
        return (BagReserved(bag=self.bag, dose=self.dose),)


@act(
    "bag_reserved",
    title="Bag reserved for a dose",
    about=BagId,
    after=("bag_filled",),
    unguarded_because="written with the allocation, which hold point G7 guards",
    biz_step="reserving",
    companion=True,
)
@dataclass(frozen=True, kw_only=True)
class BagReserved(Act):
    """`kit` is followed, so that a hold on the kit reaches the bag wherever it is judged."""

    bag: BagId
    dose: Names[DoseId]
    kit: Parent[KitId] | None = None


@act(
    "dose_deallocated",
    title="Bags freed from the dose",
    about=DoseId,
    after=("dose_allocated",),
    unguarded_because="it moves away from the patient; a thawed bag is refused by its state",
    biz_step="other",
    signatures=(signed(Meaning.APPROVED, Role.IWRS),),
)
@dataclass(frozen=True, kw_only=True)
class DoseDeallocated(Act):
    dose: DoseId
    cohort: CohortId
    bags: tuple[Parent[BagId], ...]
    reason: str

    def companions(self, study: StudyId | None) -> tuple[Act, ...]:
        assert study is not None
        freed = tuple(BagFreed(bag=bag, dose=self.dose) for bag in self.bags)
        return (*freed, CohortSlotFreed(study=study, cohort=self.cohort, dose=self.dose))


@act(
    "bag_freed",
    title="Bag freed from a dose",
    about=BagId,
    after=("bag_reserved",),
    unguarded_because="written with the deallocation",
    biz_step="other",
    companion=True,
)
@dataclass(frozen=True, kw_only=True)
class BagFreed(Act):
    bag: BagId
    dose: Names[DoseId]
