"""The road from the mother's consent to a released working cell bank (S1 to S5)."""

from __future__ import annotations

from decimal import Decimal

from custody.domain.acts import donation, manufacturing, quality, release
from custody.domain.acts.base import Act
from custody.domain.acts.manufacturing import Balance, CultureStep
from custody.domain.criteria import ReleaseTest, StudyContent
from custody.domain.ids import BankId, LotId, SampleId, SealNumber
from custody.domain.terms import Answer, BankKind, DonorTestOutcome, Need, SamplePurpose, Tier
from custody.workflows.rehearsal.places import HOOD, INCUBATOR, MEDIUM
from custody.workflows.rehearsal.road import OPERATOR, QA, QP, VERIFIER, Cast, read_file, register_logger
from custody.workflows.rehearsal.steps import Script

COORDINATOR = "demo-coordinator-one"
MATERNITY_NURSE = "demo-procurement-one"
BIRTH_DAY = -150.0
GOOD_RESULTS = {
    "APP": ("conforms", ""),
    "VOL": ("30.0", "ml"),
    "CNT": ("100", "% of label"),
    "VIA": ("92.5", "%"),
    "END": ("< 0.05", "EU/ml"),
    "PH": ("7.2", "pH"),
    "OSM": ("300", "mOsm/kg"),
    "CRY": ("10", "%"),
    "BSA": ("< 5", "ng"),
    "STR": ("100", "%"),
    "POT": ("45", "%"),
    "LAB": ("100", "%"),
    "KAR": ("46,XX", ""),
}


def give(script: Script, cast: Cast, criteria: StudyContent) -> None:
    """Consent, collection, donor tests and eligibility."""
    day = BIRTH_DAY
    script.do(donation.DonorRegistered(donor=cast.donor), COORDINATOR, days=day - 30)
    consent = donation.ConsentSigned(
        donor=cast.donor,
        form_version="D-2.0",
        signed_at=script.when(days=day - 30, minutes=-10),
        by_birth_mother=True,
        identity_checked=True,
        ticks=("cord_donation", "blood_tests", "medical_history", "research_use", "data_storage"),
        scopes=("clinical_trial",),
    )
    script.do(consent, COORDINATOR, days=day - 30, minutes=1)
    collected = donation.CordCollected(
        donation=cast.donation,
        donor=cast.donor,
        delivered_at=script.when(days=day),
        collected_at=script.when(days=day, minutes=20),
        mother_age_years=29,
        gestation_days=276,
        membranes_ruptured_minutes=360,
        highest_fever_celsius=Decimal("36.9"),
        chorioamnionitis=False,
        cord_length_cm=Decimal(32),
    )
    script.do(collected, MATERNITY_NURSE, days=day, minutes=30)
    sampled = donation.DonorSampled(
        donation=cast.donation,
        sample=_sample(cast, "BLOOD"),
        purpose=SamplePurpose.AT_DONATION,
        taken_at=script.when(days=day, minutes=60),
        mother_weight_kg=Decimal(68),
        blood_ml_48h=Decimal(0),
        colloid_ml_48h=Decimal(0),
        crystalloid_ml_1h=Decimal(500),
    )
    script.do(sampled, MATERNITY_NURSE, days=day, minutes=65)
    history = donation.DonorHistoryTaken(
        donation=cast.donation,
        truth_confirmed=True,
        **dict.fromkeys(_RISKS, Answer.NO),
    )
    script.do(history, COORDINATOR, days=day, minutes=90)
    for n, test in enumerate(criteria.donor.required_tests):
        result = donation.DonorTestResulted(
            donation=cast.donation,
            sample=_sample(cast, "BLOOD"),
            test=test,
            outcome=DonorTestOutcome.NON_REACTIVE,
            method="validated assay",
            laboratory="Demo Virology Laboratory",
            reported_at=script.when(days=day + 2, minutes=n),
        )
        script.do(result, COORDINATOR, days=day + 2, minutes=n)
    script.do(donation.EligibilityDetermined(donation=cast.donation), QP, days=day + 3)


_RISKS = ("vaccination", "travel", "transfusion", "infection_risk", "inherited", "blood_or_immune", "cancer")


def _sample(cast: Cast, what: str) -> SampleId:
    return SampleId(f"{what}-{cast.source:04d}")


def bring_tissue(script: Script, cast: Cast) -> None:
    """The cord travels at 5 °C for six hours, is accepted by two and put into culture within ten."""
    day = BIRTH_DAY
    register_logger(script, cast.cord_logger, by="demo-coldchain-one", days=day - 5, interval=5)
    seal = SealNumber(f"C{cast.source:03d}-1188")
    documents = ("collection_record", "donor_consent_copy")
    packed = donation.TissuePacked(
        tissue=cast.tissue,
        donation=cast.donation,
        label_code=f"T-{cast.donation}",
        seal=seal,
        pieces=1,
        documents=documents,
        logger=cast.cord_logger,
        packed_at=script.when(days=day, minutes=120),
    )
    script.do(packed, MATERNITY_NURSE, days=day, minutes=120)
    script.do(donation.TissueArrived(tissue=cast.tissue, arrived_at=script.when(days=day, minutes=480)), OPERATOR, days=day, minutes=480)
    read_file(
        script,
        cast.cord_logger,
        script.when(days=day, minutes=115),
        script.when(days=day, minutes=490),
        "5.0",
        OPERATOR,
        at=script.when(days=day, minutes=495),
        interval=5,
    )
    accepted = donation.TissueAccepted(tissue=cast.tissue, seal=seal, label_code=f"T-{cast.donation}", pieces=1, documents=documents)
    script.do(accepted, (OPERATOR, VERIFIER), days=day, minutes=520)
    started = manufacturing.ProcessingStarted(
        tissue=cast.tissue, started_at=script.when(days=day, minutes=600), materials=(MEDIUM,), equipment=(HOOD,)
    )
    script.do(started, OPERATOR, days=day, minutes=600)
    culture = culture_step(script, "primary culture", 0, "1000000", "16000000", days=day + 10)
    script.do(manufacturing.PrimaryCultureHarvested(tissue=cast.tissue, culture=culture), OPERATOR, days=day + 10)


def culture_step(script: Script, step: str, passage: int, seeded: str, harvested: str, *, days: float) -> CultureStep:
    out = Decimal(harvested)
    return CultureStep(
        step=step,
        started_at=script.when(days=days - 5),
        materials=(MEDIUM,),
        equipment=(INCUBATOR, HOOD),
        passage=passage,
        viable_seeded=Decimal(seeded),
        viable_harvested=out,
        balance=Balance(unit="cells", quantity_in=out, quantity_out=out),
    )


def make_banks(script: Script, cast: Cast, criteria: StudyContent) -> None:
    """Master and working bank, each tested and released."""
    started = manufacturing.BankStarted(bank=cast.master, kind=BankKind.MASTER, parents=(cast.tissue,))
    _bank(script, cast.master, started, criteria, passage=2, seeded="4000000", harvested="64000000", day=-134)
    working = manufacturing.BankStarted(bank=cast.working, kind=BankKind.WORKING, parents=(cast.master,), vials_drawn=(1,))
    _bank(script, cast.working, working, criteria, passage=4, seeded="4000000", harvested="64000000", day=-96)


def _bank(
    script: Script,
    bank: BankId,
    started: manufacturing.BankStarted,
    criteria: StudyContent,
    *,
    passage: int,
    seeded: str,
    harvested: str,
    day: float,
) -> None:
    script.do(started, OPERATOR, days=day)
    step = culture_step(script, "expansion", passage, seeded, harvested, days=day + 5)
    script.do(manufacturing.BankStepRecorded(bank=bank, culture=step), OPERATOR, days=day + 5)
    filled = manufacturing.BankFilled(
        bank=bank,
        vials=16,
        viable_cells_per_vial=Decimal(4000000),
        filled_at=script.when(days=day + 5, minutes=60),
        balance=Balance(unit="vials", quantity_in=Decimal(16), quantity_out=Decimal(16)),
    )
    script.do(filled, (OPERATOR, VERIFIER), days=day + 5, minutes=60)
    label(script, bank, 16, days=day + 5, minutes=70)
    run_tests(script, bank, criteria, Tier.BANK, days=day + 6)
    conclude(script, bank, days=day + 36)


def label(script: Script, node: BankId | LotId, count: int, *, days: float, minutes: float) -> None:
    """One spare label is printed and destroyed, so that the reconciliation has something to reconcile."""
    printed = manufacturing.LabelsPrinted(node=node, design="bag_50x25mm" if isinstance(node, LotId) else "vial_25x10mm", copies=count + 1)
    script.do(printed, OPERATOR, days=days, minutes=minutes)
    script.do(manufacturing.LabelsApplied(node=node, copies=count), (OPERATOR, VERIFIER), days=days, minutes=minutes + 5)
    spare = manufacturing.LabelsDestroyed(node=node, copies=1, reason="spare")
    script.do(spare, (OPERATOR, VERIFIER), days=days, minutes=minutes + 10)


def run_tests(script: Script, node: BankId | LotId, criteria: StudyContent, tier: Tier, *, days: float) -> None:
    """A sample, a result for every test the tier needs, and the second person's review of all of them."""
    sample = SampleId(f"Q-{node.value}")
    script.do(quality.SampleTaken(node=node, sample=sample, taken_at=script.when(days=days)), OPERATOR, days=days)
    for n, row in enumerate(row for row in criteria.release if row.need(tier, 1) is not Need.NOT_TESTED):
        measured(script, node, row, sample, days=days + (row.due_days or 2), minutes=n)
    script.do_late(
        "result_reviewed",
        lambda seen: quality.ResultReviewed(node=node, results=seen.results_to_review(node)),
        "demo-qc-reviewer-one",
        days=days + 29,
    )


def measured(script: Script, node: BankId | LotId, row: ReleaseTest, sample: SampleId, *, days: float, minutes: float) -> None:
    """One good result, recorded when it is read."""
    result, unit = GOOD_RESULTS.get(row.code) or _good(row.accepted, row.lowest, row.unit)
    recorded = quality.ResultRecorded(
        node=node,
        test=row.code,
        sample=sample,
        result=result,
        unit=unit,
        method=f"M-{row.code}",
        method_version="1",
        instrument="on file",
        read_at=script.when(days=days, minutes=minutes),
    )
    script.do(recorded, "demo-analyst-one", days=days, minutes=minutes)


def _good(accepted: tuple[str, ...], lowest: Decimal | None, unit: str) -> tuple[str, str]:
    if accepted:
        return accepted[0], ""
    return ("98.5", unit) if lowest is not None else ("0.4", unit)


def conclude(script: Script, node: BankId | LotId, *, days: float, decision: Act | None = None) -> None:
    """QC concludes, QA reviews batch record and audit trail, the qualified person releases (or decides as said)."""
    script.do(release.ResultsConcluded(node=node), "demo-qc-reviewer-one", days=days)
    script.do(release.BatchRecordReviewed(node=node), QA, days=days, minutes=30)
    script.do_late(
        "audit_trail_reviewed",
        lambda seen: release.AuditTrailReviewed(node=node, up_to_position=seen.last_position(node)),
        QA,
        days=days,
        minutes=40,
    )
    script.do(decision or release.Released(node=node), QP, days=days, minutes=60)
