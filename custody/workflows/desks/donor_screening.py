"""What the donor desk knows of one donation: samples with their dilution worksheet, tests, history and delivery, each beside its limit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from custody.domain.acts.donation import DonorSampled, DonorTestResulted
from custody.domain.criteria import DonorCriteria
from custody.domain.dossier import Deed
from custody.domain.folds.base import MissingFact
from custody.domain.folds.donation import DonationFold, DonorTests
from custody.domain.ids import Digest, SampleId
from custody.domain.terms import Answer, DonorTestOutcome, SamplePurpose
from custody.gates.eligibility import HISTORY_LINES

TEST_ORDER = ("reactive", "indeterminate", "not_counting", "missing", "non_reactive")
"""States of a test, exceptions first. `not_counting`: its results are on no sample that counts."""
DAYS_PER_WEEK = 7


@dataclass(frozen=True, kw_only=True)
class Worksheet:
    """The dilution arithmetic, in ml (21 CFR 1271.3(t)): two sums, each against what she has of her own."""

    weight_kg: Decimal
    blood_ml: Decimal
    colloid_ml: Decimal
    crystalloid_ml: Decimal
    into_plasma_ml: Decimal
    plasma_ml: Decimal
    infused_ml: Decimal
    blood_volume_ml: Decimal
    diluted: bool


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One blood sample. `after_birth` is negative before it; `counts` is False where number or time contradict themselves."""

    digest: Digest
    sample: SampleId
    purpose: SamplePurpose
    taken_at: datetime
    after_birth: timedelta
    first: datetime
    last: datetime
    is_due_from: bool
    in_window: bool
    counts: bool
    results: int
    worksheet: Worksheet
    by: str
    corrected: bool


@dataclass(frozen=True, kw_only=True)
class Result:
    digest: Digest
    outcome: DonorTestOutcome
    sample: SampleId
    method: str
    laboratory: str
    reported_at: datetime
    by: str
    counts: bool
    corrected: bool


@dataclass(frozen=True, kw_only=True)
class Test:
    """One required test with every result, oldest first. `state` is one of TEST_ORDER."""

    code: str
    required: bool
    state: str
    results: tuple[Result, ...]


@dataclass(frozen=True, kw_only=True)
class Answered:
    """One line of the history. `answer` is None before it was taken."""

    line: str
    answer: Answer | None

    @property
    def is_good(self) -> bool:
        return self.answer is Answer.NO


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One line of the delivery with what is accepted; `passed` as gate ELG-HIST judges it."""

    name: str
    value: object
    lowest: object
    highest: object
    passed: bool


def samples(tests: DonorTests) -> Iterator[Sample]:
    """Every sample recorded, in the order of the record; one that contradicts itself is shown too, and said not to count."""
    counting = {deed.digest for deed in tests.samples}
    first, last = tests.window
    for deed in tests.donation.dossier.deeds(tests.donation.node, DonorSampled):
        act = deed.act
        is_repeat = act.purpose is SamplePurpose.REPEAT
        yield Sample(
            digest=deed.digest,
            sample=act.sample,
            purpose=act.purpose,
            taken_at=act.taken_at,
            after_birth=act.taken_at - tests.donation.delivered_at,
            first=tests.repeat_from if is_repeat else first,
            last=last,
            is_due_from=is_repeat,
            in_window=act.taken_at >= tests.repeat_from if is_repeat else tests.in_window(act),
            counts=deed.digest in counting,
            results=sum(result.act.sample == act.sample for result in tests.results),
            worksheet=worksheet(tests, act),
            by=deed.signers[0].printed_name,
            corrected=deed.corrected,
        )


def worksheet(tests: DonorTests, sample: DonorSampled) -> Worksheet:
    """The arithmetic behind `DonorTests.is_diluted`, step by step."""
    into_plasma = sample.colloid_ml_48h + sample.crystalloid_ml_1h
    return Worksheet(
        weight_kg=sample.mother_weight_kg,
        blood_ml=sample.blood_ml_48h,
        colloid_ml=sample.colloid_ml_48h,
        crystalloid_ml=sample.crystalloid_ml_1h,
        into_plasma_ml=into_plasma,
        plasma_ml=tests.criteria.plasma_ml_per_kg * sample.mother_weight_kg,
        infused_ml=into_plasma + sample.blood_ml_48h,
        blood_volume_ml=tests.criteria.blood_ml_per_kg * sample.mother_weight_kg,
        diluted=tests.is_diluted(sample),
    )


def tested(tests: DonorTests) -> tuple[Test, ...]:
    """Every required test, and every other that was reported; what is reactive or missing comes first."""
    reported = (deed.act.test for deed in tests.results)
    every = (_test(tests, code) for code in dict.fromkeys((*tests.criteria.required_tests, *reported)))
    return tuple(sorted(every, key=lambda test: TEST_ORDER.index(test.state)))


def _test(tests: DonorTests, code: str) -> Test:
    counting = {measured.result.digest for measured in tests.measured}
    results = tuple(_result(deed, counts=deed.digest in counting) for deed in tests.results if deed.act.test == code)
    return Test(code=code, required=code in tests.criteria.required_tests, state=_state(tests, code, results), results=results)


def _state(tests: DonorTests, code: str, results: tuple[Result, ...]) -> str:
    outcomes = {result.outcome for result in results}
    for bad in (DonorTestOutcome.REACTIVE, DonorTestOutcome.INDETERMINATE):
        if bad in outcomes:
            return bad.value
    if not results:
        return "missing"
    return "non_reactive" if tests.of_test(code) else "not_counting"


def _result(deed: Deed[DonorTestResulted], *, counts: bool) -> Result:
    act = deed.act
    return Result(
        digest=deed.digest,
        outcome=act.outcome,
        sample=act.sample,
        method=act.method,
        laboratory=act.laboratory,
        reported_at=act.reported_at,
        by=deed.signers[0].printed_name,
        counts=counts,
        corrected=deed.corrected,
    )


def history(donation: DonationFold) -> tuple[tuple[Answered, ...], bool | None]:
    """The seven lines, and whether the mother confirmed them; None before anybody asked her."""
    try:
        act = donation.history.act
    except MissingFact:
        return tuple(Answered(line=line, answer=None) for line in HISTORY_LINES), None
    return tuple(Answered(line=line, answer=getattr(act, line)) for line in HISTORY_LINES), act.truth_confirmed


def delivery(donation: DonationFold, criteria: DonorCriteria) -> tuple[Measured, ...]:
    """What was measured at the delivery beside what is accepted (rules section 5); limits named `below` are not included."""
    seen = donation.collection
    membranes, hours = timedelta(minutes=seen.membranes_ruptured_minutes), criteria.membranes_hours_max
    rows: tuple[tuple[str, Any, Any, Any], ...] = (
        ("mother_age_years", seen.mother_age_years, criteria.mother_age_min, criteria.mother_age_max),
        ("cord_length_cm", seen.cord_length_cm, criteria.cord_length_cm_min, None),
        ("membranes_ruptured_minutes", membranes, timedelta(0), timedelta(hours=float(hours))),
    )
    limited = tuple(
        Measured(name=name, value=value, lowest=lowest, highest=highest, passed=lowest <= value and (highest is None or value <= highest))
        for name, value, lowest, highest in rows
    )
    weeks = Measured(
        name="gestation_days",
        value=weeks_and_days(seen.gestation_days),
        lowest=weeks_and_days(criteria.gestation_days_min),
        highest=weeks_and_days(criteria.gestation_days_below),
        passed=criteria.gestation_days_min <= seen.gestation_days < criteria.gestation_days_below,
    )
    fever = Measured(
        name="highest_fever_celsius",
        value=seen.highest_fever_celsius,
        lowest=None,
        highest=criteria.fever_celsius_below,
        passed=seen.highest_fever_celsius < criteria.fever_celsius_below,
    )
    inflamed = Measured(name="chorioamnionitis", value=seen.chorioamnionitis, lowest=None, highest=False, passed=not seen.chorioamnionitis)
    return tuple(sorted((*limited, weeks, fever, inflamed), key=lambda row: row.passed))


def weeks_and_days(days: int) -> str:
    """Completed days of gestation as obstetricians write them: 276 is `39+3`."""
    return f"{days // DAYS_PER_WEEK}+{days % DAYS_PER_WEEK}"
