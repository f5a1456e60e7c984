"""The road from the participant's consent to the closed dose (S9, S13 to S15)."""

from __future__ import annotations

import hashlib
from decimal import Decimal

from custody.domain.acts import allocation, bedside, manufacturing, quality, shipping, study
from custody.domain.criteria import StudyContent
from custody.domain.ids import BagId, CohortId, Digest, SampleId, WristbandToken
from custody.domain.terms import Answer, BagReadAs, Committee, CommitteeDecision, ConsentSigner, IdentifierMethod, ProductForm, Sex
from custody.workflows.rehearsal.downstream import handoff
from custody.workflows.rehearsal.places import KEPT, Kept
from custody.workflows.rehearsal.road import Cast, read_file
from custody.workflows.rehearsal.steps import STUDY, Script

PHYSICIAN = "demo-physician-one"
NURSES = ("demo-nurse-one", "demo-nurse-two")
PREPARERS = ("demo-preparer-one", "demo-preparer-two")
PLANNED_MINUTES = 60
GOOD_VALUES = {
    "INC-AGE": "54",
    "INC-72H": "20",
    "INC-PF": "118",
    "EXC-LIVER": "6",
    "EXC-SURVIVAL": "240",
    "EXC-EGFR": "82",
    "EXC-ALT": "1.4",
    "EXC-NEUTROPHILS": "6200",
    "EXC-TRIAL": "400",
}


def wristband(cast: Cast) -> WristbandToken:
    return WristbandToken(f"WB{cast.patient or cast.number:04d}X7K2M9Q4")


def second_identifier(cast: Cast) -> Digest:
    if cast.second_identifier is not None:
        return cast.second_identifier
    return Digest(hashlib.sha256(f"demonstration identifier {cast.participant}".encode()).hexdigest())


def open_cohort(script: Script, cast: Cast, criteria: StudyContent) -> None:
    cohort = criteria.cohort(CohortId(cast.cohort))
    assert cohort is not None
    needs = [Committee.DATA_SAFETY] if cohort.after else []
    if cohort.phase == 2:
        needs.append(Committee.ETHICS)
    for committee in needs:
        decided = study.CommitteeDecided(
            study=STUDY, committee=committee, cohort=cohort.id, decision=CommitteeDecision.OPEN, document="minutes on file"
        )
        script.do(decided, "demo-sponsor-one", days=-31)
    script.do(study.CohortOpened(study=STUDY, cohort=cohort.id), "demo-sponsor-one", days=-30)


def enrol(script: Script, cast: Cast, criteria: StudyContent) -> None:
    """Registered, consented by a representative, eligible, weighed twice, wristband put on by two."""
    day = -1.0
    script.do(allocation.ParticipantRegistered(participant=cast.participant), PHYSICIAN, days=day, minutes=300)
    consent = allocation.ParticipantConsented(
        participant=cast.participant,
        signed_at=script.when(days=day, minutes=305),
        signed_by=ConsentSigner.LEGAL_REPRESENTATIVE,
        relation="spouse",
        form_version="P-1.2",
    )
    script.do(consent, PHYSICIAN, days=day, minutes=310)
    lines = tuple(
        allocation.EligibilityLine(
            code=line.code, satisfied=Answer.YES, value=Decimal(GOOD_VALUES[line.code]) if line.code in GOOD_VALUES else None
        )
        for line in criteria.eligibility
    )
    eligible = allocation.ParticipantEligibilityRecorded(
        participant=cast.participant, diagnosed_at=script.when(days=day, minutes=-600), lines=lines
    )
    script.do(eligible, PHYSICIAN, days=day, minutes=330)
    weight = allocation.WeightMeasured(participant=cast.participant, weight_kg=cast.weight_kg, height_cm=Decimal(172), sex=Sex.MALE)
    script.do(weight, NURSES, days=day, minutes=340)
    band = allocation.WristbandIssued(participant=cast.participant, wristband=wristband(cast), second_identifier=second_identifier(cast))
    script.do(band, NURSES, days=day, minutes=350)


def allocate(script: Script, cast: Cast) -> None:
    """The dose is requested, its bags reserved, and the prescription signed."""
    day = -1.0
    requested = allocation.DoseRequested(dose=cast.dose, participant=cast.participant, cohort=CohortId(cast.cohort), criteria_version=1)
    script.do(requested, PHYSICIAN, days=day, minutes=360)
    allocated = allocation.DoseAllocated(dose=cast.dose, cohort=CohortId(cast.cohort), bags=cast.dose_bags)
    script.do(allocated, "demo-iwrs-one", days=day, minutes=380)
    prescription = bedside.PrescriptionSigned(
        dose=cast.dose,
        volume_ml=cast.dose_volume_ml,
        rate_ml_per_min=rate_ml_per_min(cast),
        planned_minutes=PLANNED_MINUTES,
        premedication=("chlorphenamine",),
        notice_acknowledged=True,
    )
    script.do(prescription, PHYSICIAN, days=day, minutes=400)


def rate_ml_per_min(cast: Cast) -> Decimal:
    return (cast.dose_volume_ml / PLANNED_MINUTES).quantize(Decimal("0.01"))


def thaw(script: Script, cast: Cast, bag: BagId, *, minutes: float) -> None:
    """Ready, taken out, thawed, checked and released by the pharmacists, handed to the nurse; 25 minutes in all."""
    ward_record(script, minutes=minutes - 6, kept=cast.kept)
    script.do(bedside.ReadyConfirmed(dose=cast.dose), PHYSICIAN, minutes=minutes - 5)
    taken = manufacturing.BagTakenOut(bag=bag, taken_at=script.when(minutes=minutes - 2))
    script.do(taken, PREPARERS, minutes=minutes - 1.5)
    prepared = bedside.BagPreparationStarted(dose=cast.dose, bag=bag, container_whole=Answer.YES)
    script.do(prepared, PREPARERS, minutes=minutes)
    sample = SampleId(f"D-{bag.value}")
    script.do(
        quality.SampleTaken(node=cast.dose, sample=sample, taken_at=script.when(minutes=minutes + 8)), PREPARERS[0], minutes=minutes + 8
    )
    for test, result, unit in (("APP", "conforms", ""), ("CCI", "no leak", ""), ("LAB", "100", "%")):
        recorded = quality.ResultRecorded(
            node=cast.dose,
            test=test,
            sample=sample,
            result=result,
            unit=unit,
            method=f"M-{test}",
            method_version="1",
            instrument="by eye",
            read_at=script.when(minutes=minutes + 9),
            bag=bag,
        )
        script.do(recorded, PREPARERS[0], minutes=minutes + 9)
    script.do(bedside.DoseBagReleased(dose=cast.dose, bag=bag), PREPARERS[0], minutes=minutes + 12)
    offer = handoff(bag, NURSES[0], "C-771035", cast, script.when(minutes=minutes + 14))
    script.do(offer, PREPARERS[0], minutes=minutes + 14)
    script.do(shipping.HandoffAccepted(node=bag, seals=(), code=offer.code), NURSES[0], minutes=minutes + 17)


def ward_record(script: Script, *, minutes: float, kept: Kept = KEPT[ProductForm.FROZEN]) -> None:
    """The record of the hospital's own store, up to a few minutes before it is read."""
    read_file(
        script,
        kept.ward_logger,
        script.when(days=-1, minutes=200),
        script.when(minutes=minutes),
        kept.celsius,
        PREPARERS[0],
        at=script.when(minutes=minutes),
        interval=kept.interval,
    )


def make_ready_at_the_bed(script: Script, cast: Cast) -> None:
    script.do(
        bedside.PremedicationGiven(dose=cast.dose, drugs=("chlorphenamine",), given_at=script.when(minutes=-12)), NURSES[0], minutes=-11
    )
    vitals(script, cast, minutes=-10)
    fit = bedside.FitToInfuseSigned(dose=cast.dose, alive=Answer.YES, still_eligible=Answer.YES, stable=Answer.YES)
    script.do(fit, PHYSICIAN, minutes=-8)


def vitals(script: Script, cast: Cast, *, minutes: float) -> None:
    recorded = bedside.VitalsRecorded(
        dose=cast.dose,
        measured_at=script.when(minutes=minutes),
        heart_rate=96,
        mean_arterial_pressure_mmhg=74,
        oxygen_saturation_percent=93,
        temperature_celsius=Decimal("37.4"),
    )
    script.do(recorded, NURSES[0], minutes=minutes)


def scans(cast: Cast, bag: BagId) -> bedside.BedsideScans:
    return bedside.BedsideScans(
        wristband=wristband(cast),
        second_identifier=second_identifier(cast),
        second_identifier_method=IdentifierMethod.HOSPITAL_RECORD,
        bag=bag,
        bag_read_as=BagReadAs.OWN_LABEL,
        container_whole=Answer.YES,
        nothing_unusual_seen=Answer.YES,
        line_and_filter_right=Answer.YES,
        no_other_drug_on_line=Answer.YES,
        resuscitation_ready=Answer.YES,
        physician_present=Answer.YES,
        volume_ml=cast.dose_volume_ml,
        rate_ml_per_min=rate_ml_per_min(cast),
    )


def start(script: Script, cast: Cast) -> None:
    """Both nurses scan, then both sign, within three minutes."""
    bag = cast.dose_bags[0]
    for n, nurse in enumerate(NURSES):
        script.do(bedside.BedsideScanned(dose=cast.dose, scans=scans(cast, bag)), nurse, minutes=-2 + n * 0.5)
    started = bedside.InfusionStarted(
        dose=cast.dose,
        participant=cast.participant,
        cohort=CohortId(cast.cohort),
        bag=bag,
        scans=scans(cast, bag),
        started_at=script.when(),
    )
    script.do(started, NURSES, minutes=0)


def infuse(script: Script, cast: Cast) -> None:
    """The first bag, and a second where the dose needs one, thawed only when the first is finished; then the follow-up of a day."""
    first, *rest = cast.dose_bags
    for minute in (5, 15, 30):
        vitals(script, cast, minutes=minute)
    finish(script, cast, first, minutes=40, last=not rest)
    end = 40.0
    for bag in rest:
        thaw(script, cast, bag, minutes=48)
        vitals(script, cast, minutes=60)
        next_scans = bedside.NextBagScans(
            wristband=wristband(cast),
            bag=bag,
            bag_read_as=BagReadAs.OWN_LABEL,
            container_whole=Answer.YES,
            nothing_unusual_seen=Answer.YES,
        )
        script.do(bedside.NextBagStarted(dose=cast.dose, bag=bag, scans=next_scans), NURSES, minutes=68)
        finish(script, cast, bag, minutes=75, last=True)
        end = 75.0
    ended = bedside.InfusionEnded(dose=cast.dose, ended_at=script.when(minutes=end), completed=True)
    script.do(ended, NURSES[0], minutes=end + 1)


def finish(script: Script, cast: Cast, bag: BagId, *, minutes: float, last: bool) -> None:
    total = cast.dose_volume_ml
    given = total - 30 * (len(cast.dose_bags) - 1) if last else Decimal(30)
    finished = bedside.BagFinished(
        dose=cast.dose,
        bag=bag,
        given_ml=given,
        residual_ml=Decimal(30) - given,
        line_ml=Decimal(0),
        samples_ml=Decimal(0),
        spill_ml=Decimal(0),
        reason_if_partial="" if given == Decimal(30) else "the dose needs no more of this bag",
    )
    script.do(finished, NURSES, minutes=minutes)


def follow_up_and_close(script: Script, cast: Cast, criteria: StudyContent) -> None:
    end = 75.0 if len(cast.dose_bags) > 1 else 40.0
    for hours in criteria.vitals.hours_after_end:
        vitals(script, cast, minutes=end + hours * 60)
    for n, bag in enumerate(cast.dose_bags):
        destroyed = shipping.BagDestroyed(bag=bag, method="incineration", reason="used")
        script.do(destroyed, (NURSES[0], PREPARERS[0]), days=2, minutes=n)
    script.do(bedside.DoseClosed(dose=cast.dose, participant=cast.participant), NURSES, days=2, minutes=30)
