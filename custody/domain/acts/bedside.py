"""S13 and S14: prescription, preparation, dose release, the bedside check and the infusion."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from custody.domain.acts.base import Act, Names, Parent, Scanned, act, signed
from custody.domain.acts.donation import HAPPENED
from custody.domain.acts.study import StudyDoseStarted
from custody.domain.ids import BagId, CohortId, Digest, DoseId, ParticipantId, StudyId, WristbandToken
from custody.domain.terms import Answer, BagReadAs, HoldPoint, IdentifierMethod, Meaning, Role

PREPARERS = (
    signed(Meaning.PERFORMED, Role.PREPARER),
    signed(Meaning.VERIFIED, Role.PREPARER, Role.VERIFIER, Role.HOSPITAL_RECEIVER),
)
BEDSIDE_PAIR = (
    signed(Meaning.IDENTITY_CHECKED, Role.BEDSIDE_NURSE),
    signed(Meaning.IDENTITY_CHECKED, Role.SECOND_CHECKER, Role.BEDSIDE_NURSE, Role.INVESTIGATOR),
)
AT_THE_BED = (Role.BEDSIDE_NURSE, Role.SECOND_CHECKER, Role.INVESTIGATOR)
NURSE = (signed(Meaning.PERFORMED, Role.BEDSIDE_NURSE, Role.INVESTIGATOR),)
PHYSICIAN = (signed(Meaning.CONFIRMED, Role.INVESTIGATOR),)


@act(
    "prescription_signed",
    title="Dose prescribed",
    about=DoseId,
    after=("dose_requested",),
    unguarded_because="hold points G10 and G12 judge it",
    biz_step="other",
    signatures=(signed(Meaning.PRESCRIBED, Role.INVESTIGATOR),),
)
@dataclass(frozen=True, kw_only=True)
class PrescriptionSigned(Act):
    """`notice_acknowledged`: the physician has read the release notice that came with the product; one wording serves every kit."""

    dose: DoseId
    volume_ml: Decimal
    rate_ml_per_min: Decimal
    planned_minutes: int
    premedication: tuple[str, ...]
    notice_acknowledged: bool


@act(
    "ready_confirmed",
    title="Investigator ready for the dose",
    about=DoseId,
    after=("dose_allocated",),
    unguarded_because="gate PRP-READY judges how old it is",
    biz_step="other",
    signatures=PHYSICIAN,
)
@dataclass(frozen=True, kw_only=True)
class ReadyConfirmed(Act):
    dose: DoseId


@act(
    "bag_preparation_started",
    title="Bag thaw or preparation started",
    about=DoseId,
    after=("dose_allocated",),
    hold_point=HoldPoint.PREPARE,
    biz_step="other",
    signatures=PREPARERS,
    second="repeat",
)
@dataclass(frozen=True, kw_only=True)
class BagPreparationStarted(Act):
    """The preparation clock of the bag starts here; from now on there is no way back to storage."""

    dose: DoseId
    bag: Scanned[Parent[BagId]]
    container_whole: Answer

    def companions(self, study: StudyId | None) -> tuple[Act, ...]:
        del study
        return (BagPreparing(bag=self.bag, dose=self.dose),)


@act(
    "bag_preparing",
    title="Bag in preparation",
    about=BagId,
    after=("bag_reserved",),
    unguarded_because="written with the start of preparation, which hold point G10 guards",
    biz_step="other",
    companion=True,
)
@dataclass(frozen=True, kw_only=True)
class BagPreparing(Act):
    bag: BagId
    dose: Names[DoseId]


@act(
    "bag_discarded",
    title="Bag of a dose discarded during preparation",
    about=DoseId,
    after=("bag_preparation_started",),
    unguarded_because="a leak at thaw is always recorded",
    biz_step="inspecting",
    signatures=PREPARERS,
)
@dataclass(frozen=True, kw_only=True)
class BagDiscarded(Act):
    dose: DoseId
    bag: Scanned[Parent[BagId]]
    reason: str

    def companions(self, study: StudyId | None) -> tuple[Act, ...]:
        del study
        return (BagDiscardedFromDose(bag=self.bag, dose=self.dose),)


@act(
    "bag_discarded_from_dose",
    title="Bag discarded",
    about=BagId,
    after=("bag_preparing",),
    unguarded_because="written with the discard",
    biz_step="inspecting",
    companion=True,
)
@dataclass(frozen=True, kw_only=True)
class BagDiscardedFromDose(Act):
    bag: BagId
    dose: Names[DoseId]


@act(
    "cover_bound",
    title="Bag and line covered, cover label bound",
    about=BagId,
    after=("bag_preparing",),
    unguarded_because="gate DOS-COVER asks for it in the blinded phase",
    biz_step="encoding",
    signatures=PREPARERS,
    second="repeat",
)
@dataclass(frozen=True, kw_only=True)
class CoverBound(Act):
    bag: Scanned[BagId]
    cover_label: Scanned[str]


@act(
    "dose_bag_released",
    title="Prepared bag released for infusion",
    about=DoseId,
    after=("bag_preparation_started",),
    hold_point=HoldPoint.DOSE_RELEASE,
    biz_step="dispensing",
    signatures=(signed(Meaning.RELEASED, Role.PREPARER),),
)
@dataclass(frozen=True, kw_only=True)
class DoseBagReleased(Act):
    dose: DoseId
    bag: Scanned[Parent[BagId]]

    def companions(self, study: StudyId | None) -> tuple[Act, ...]:
        del study
        return (BagDispensed(bag=self.bag, dose=self.dose),)


@act(
    "bag_dispensed",
    title="Bag released for its dose",
    about=BagId,
    after=("bag_preparing",),
    unguarded_because="written with the dose release, which hold point G11 guards",
    biz_step="dispensing",
    companion=True,
)
@dataclass(frozen=True, kw_only=True)
class BagDispensed(Act):
    bag: BagId
    dose: Names[DoseId]


@act(
    "vitals_recorded",
    title="Vital signs recorded",
    about=DoseId,
    after=("dose_allocated",),
    unguarded_because=HAPPENED,
    biz_step="sensor_reporting",
    by=(Role.BEDSIDE_NURSE, Role.INVESTIGATOR),
)
@dataclass(frozen=True, kw_only=True)
class VitalsRecorded(Act):
    """Heart rate per minute, mean arterial pressure in mmHg, oxygen saturation in %, temperature in °C."""

    dose: DoseId
    measured_at: datetime
    heart_rate: int
    mean_arterial_pressure_mmhg: int
    oxygen_saturation_percent: int
    temperature_celsius: Decimal


@act(
    "vitals_omitted",
    title="Scheduled vital signs not taken, with the reason",
    about=DoseId,
    after=("infusion_started",),
    unguarded_because=HAPPENED,
    biz_step="other",
    signatures=NURSE,
)
@dataclass(frozen=True, kw_only=True)
class VitalsOmitted(Act):
    """`minute`: minutes after the start (or, after the end, as the schedule counts them) that were missed."""

    dose: DoseId
    after_end: bool
    minute: int
    reason: str


@act(
    "premedication_given",
    title="Pre-medication given",
    about=DoseId,
    after=("prescription_signed",),
    unguarded_because="gate BED-PREMED judges it",
    biz_step="other",
    signatures=NURSE,
)
@dataclass(frozen=True, kw_only=True)
class PremedicationGiven(Act):
    dose: DoseId
    drugs: tuple[str, ...]
    given_at: datetime


@act(
    "fit_to_infuse_signed",
    title="Participant fit to be infused",
    about=DoseId,
    after=("dose_allocated",),
    unguarded_because="gate BED-FIT judges it",
    biz_step="inspecting",
    signatures=PHYSICIAN,
)
@dataclass(frozen=True, kw_only=True)
class FitToInfuseSigned(Act):
    dose: DoseId
    alive: Answer
    still_eligible: Answer
    stable: Answer


@dataclass(frozen=True, kw_only=True)
class BedsideScans:
    """What one person scanned and answered at the bed (rules section 12); `bag_read_as`: which label of the bag was read for `bag`.

    Of scans recorded before that was kept it is None.
    """

    wristband: Scanned[WristbandToken]
    second_identifier: Scanned[Digest]
    second_identifier_method: IdentifierMethod
    bag: Scanned[BagId]
    bag_read_as: BagReadAs | None = None
    container_whole: Answer
    nothing_unusual_seen: Answer
    line_and_filter_right: Answer
    no_other_drug_on_line: Answer
    resuscitation_ready: Answer
    physician_present: Answer
    volume_ml: Scanned[Decimal]
    rate_ml_per_min: Scanned[Decimal]


@act(
    "bedside_scanned",
    title="Bedside scans of one person",
    about=DoseId,
    after=("dose_allocated",),
    unguarded_because="a scan is evidence; hold point G12 judges it",
    biz_step="inspecting",
    by=AT_THE_BED,
)
@dataclass(frozen=True, kw_only=True)
class BedsideScanned(Act):
    """Each person scans alone, on a device of their own, without seeing the other's scans."""

    dose: DoseId
    scans: BedsideScans


@act(
    "infusion_started",
    title="Infusion started",
    about=DoseId,
    after=("dose_bag_released",),
    hold_point=HoldPoint.BEDSIDE,
    biz_step="other",
    signatures=BEDSIDE_PAIR,
    second="repeat",
)
@dataclass(frozen=True, kw_only=True)
class InfusionStarted(Act):
    dose: DoseId
    participant: Parent[ParticipantId]
    cohort: CohortId
    bag: Names[BagId]
    scans: BedsideScans
    started_at: datetime

    def companions(self, study: StudyId | None) -> tuple[Act, ...]:
        assert study is not None
        return (
            BagSpiked(bag=self.bag, dose=self.dose),
            ParticipantDoseStarted(participant=self.participant, dose=self.dose),
            StudyDoseStarted(study=study, cohort=self.cohort, dose=self.dose, started_at=self.started_at),
        )


@act(
    "bag_spiked",
    title="Bag spiked",
    about=BagId,
    after=("bag_filled",),
    unguarded_because="written with the start of the infusion, which hold points G12 and G12N guard",
    biz_step="other",
    companion=True,
)
@dataclass(frozen=True, kw_only=True)
class BagSpiked(Act):
    bag: BagId
    dose: Names[DoseId]


@act(
    "participant_dose_started",
    title="Dose of the participant started",
    about=ParticipantId,
    after=("participant_dose_requested",),
    unguarded_because="written with the start of the infusion, which hold point G12 guards",
    biz_step="other",
    companion=True,
)
@dataclass(frozen=True, kw_only=True)
class ParticipantDoseStarted(Act):
    participant: ParticipantId
    dose: Names[DoseId]


@dataclass(frozen=True, kw_only=True)
class NextBagScans:
    """The short check for every further bag of a running dose."""

    wristband: Scanned[WristbandToken]
    bag: Scanned[BagId]
    bag_read_as: BagReadAs | None = None
    container_whole: Answer
    nothing_unusual_seen: Answer


@act(
    "next_bag_started",
    title="Next bag started",
    about=DoseId,
    after=("infusion_started",),
    hold_point=HoldPoint.NEXT_BAG,
    biz_step="other",
    signatures=BEDSIDE_PAIR,
    second="repeat",
)
@dataclass(frozen=True, kw_only=True)
class NextBagStarted(Act):
    dose: DoseId
    bag: Names[BagId]
    scans: NextBagScans

    def companions(self, study: StudyId | None) -> tuple[Act, ...]:
        del study
        return (BagSpiked(bag=self.bag, dose=self.dose),)


@act(
    "infusion_rate_changed",
    title="Infusion rate changed",
    about=DoseId,
    after=("infusion_started",),
    unguarded_because=HAPPENED,
    biz_step="other",
    by=AT_THE_BED,
)
@dataclass(frozen=True, kw_only=True)
class InfusionRateChanged(Act):
    dose: DoseId
    rate_ml_per_min: Decimal
    reason: str


@act(
    "infusion_paused",
    title="Infusion paused",
    about=DoseId,
    after=("infusion_started",),
    unguarded_because=HAPPENED,
    biz_step="other",
    by=AT_THE_BED,
)
@dataclass(frozen=True, kw_only=True)
class InfusionPaused(Act):
    dose: DoseId
    reason: str


@act(
    "infusion_resumed",
    title="Infusion resumed by the physician's decision",
    about=DoseId,
    after=("infusion_paused", "infusion_alarm_answered"),
    unguarded_because="while an infusion runs the physician decides and signs (rules section 4)",
    biz_step="other",
    signatures=PHYSICIAN,
)
@dataclass(frozen=True, kw_only=True)
class InfusionResumed(Act):
    dose: DoseId
    reason: str


@act(
    "infusion_alarm_answered",
    title="Physician's decision on an alarm during the infusion",
    about=DoseId,
    after=("infusion_started",),
    unguarded_because="while an infusion runs the physician decides and signs (rules section 4)",
    biz_step="other",
    signatures=PHYSICIAN,
)
@dataclass(frozen=True, kw_only=True)
class InfusionAlarmAnswered(Act):
    """`decision` is one of `pause`, `stop`, `go_on`."""

    dose: DoseId
    alarm: str
    decision: str
    reason: str


@act(
    "reaction_recorded",
    title="Reaction recorded",
    about=DoseId,
    after=("infusion_started",),
    unguarded_because="a reaction is always recorded",
    biz_step="other",
    by=AT_THE_BED,
)
@dataclass(frozen=True, kw_only=True)
class ReactionRecorded(Act):
    dose: DoseId
    seen_at: datetime
    description: str


@act(
    "infusion_taken_over",
    title="Infusion taken over at change of shift",
    about=DoseId,
    after=("infusion_started",),
    unguarded_because=HAPPENED,
    biz_step="other",
    signatures=(signed(Meaning.RECEIVED, Role.BEDSIDE_NURSE),),
)
@dataclass(frozen=True, kw_only=True)
class InfusionTakenOver(Act):
    dose: DoseId


@act(
    "bag_finished",
    title="Bag finished",
    about=DoseId,
    after=("infusion_started", "infusion_recorded_late"),
    unguarded_because="what was given is always recorded; hold point G13 judges the sums",
    biz_step="other",
    signatures=(
        signed(Meaning.PERFORMED, Role.BEDSIDE_NURSE),
        signed(Meaning.WITNESSED, Role.SECOND_CHECKER, Role.BEDSIDE_NURSE, Role.INVESTIGATOR),
    ),
)
@dataclass(frozen=True, kw_only=True)
class BagFinished(Act):
    """All volumes in ml; they must add up to what was prepared."""

    dose: DoseId
    bag: Scanned[Names[BagId]]
    given_ml: Decimal
    residual_ml: Decimal
    line_ml: Decimal
    samples_ml: Decimal
    spill_ml: Decimal
    reason_if_partial: str = ""

    def companions(self, study: StudyId | None) -> tuple[Act, ...]:
        del study
        return (BagInfused(bag=self.bag, dose=self.dose, given_ml=self.given_ml, residual_ml=self.residual_ml),)


@act(
    "bag_infused",
    title="Bag infused",
    about=BagId,
    after=("bag_filled",),
    unguarded_because="written with the end of the bag",
    biz_step="other",
    companion=True,
)
@dataclass(frozen=True, kw_only=True)
class BagInfused(Act):
    bag: BagId
    dose: Names[DoseId]
    given_ml: Decimal
    residual_ml: Decimal


@act(
    "infusion_ended",
    title="Infusion ended",
    about=DoseId,
    after=("infusion_started", "infusion_recorded_late"),
    unguarded_because="an end is always recorded",
    biz_step="other",
    signatures=NURSE,
)
@dataclass(frozen=True, kw_only=True)
class InfusionEnded(Act):
    """`completed` is false for a partial or stopped dose, which needs the reason."""

    dose: DoseId
    ended_at: datetime
    completed: bool
    reason: str = ""


@act(
    "infusion_recorded_late",
    title="Infusion recorded late, after the system was down",
    about=DoseId,
    after=("dose_requested",),
    unguarded_because="what physically happened is always recorded; both times are kept and it is flagged",
    biz_step="other",
    signatures=BEDSIDE_PAIR,
)
@dataclass(frozen=True, kw_only=True)
class InfusionRecordedLate(Act):
    dose: DoseId
    participant: Parent[ParticipantId]
    bags: tuple[Names[BagId], ...]
    started_at: datetime
    reason: str
    paper_form: str

    def companions(self, study: StudyId | None) -> tuple[Act, ...]:
        del study
        spiked = tuple(BagSpiked(bag=bag, dose=self.dose) for bag in self.bags)
        return (ParticipantDoseStarted(participant=self.participant, dose=self.dose), *spiked)


@act(
    "dose_closed",
    title="Dose closed and reconciled",
    about=DoseId,
    after=("infusion_ended",),
    hold_point=HoldPoint.CLOSE,
    biz_step="other",
    signatures=(
        signed(Meaning.CLOSED, Role.BEDSIDE_NURSE, Role.INVESTIGATOR, Role.PREPARER),
        signed(Meaning.WITNESSED, *AT_THE_BED, Role.PREPARER),
    ),
)
@dataclass(frozen=True, kw_only=True)
class DoseClosed(Act):
    dose: DoseId
    participant: Parent[ParticipantId]
    remark: str = ""

    def companions(self, study: StudyId | None) -> tuple[Act, ...]:
        del study
        return (ParticipantDoseClosed(participant=self.participant, dose=self.dose),)


@act(
    "participant_dose_closed",
    title="Dose of the participant closed",
    about=ParticipantId,
    after=("participant_dose_requested",),
    unguarded_because="written with the closing of the dose, which hold point G13 guards",
    biz_step="other",
    companion=True,
)
@dataclass(frozen=True, kw_only=True)
class ParticipantDoseClosed(Act):
    participant: ParticipantId
    dose: Names[DoseId]
