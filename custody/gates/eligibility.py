"""ELG: the donor was tested in time, is free of the risks named, and a qualified person said so (rules G2, section 5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from custody.domain.acts.donation import CordCollected, DonorHistoryTaken, DonorTestResulted, EligibilityDetermined
from custody.domain.criteria import DonorCriteria
from custody.domain.dossier import Deed, Signed
from custody.domain.folds.donation import DonorTests, TestedSample
from custody.domain.folds.registers import span
from custody.domain.ids import Digest
from custody.domain.terms import Answer, DonorTestOutcome, Meaning, Role
from custody.domain.verdict import Blocked, Outcome, Passed, Reason
from custody.gates.case import Case
from custody.gates.consent import donation_of
from custody.gates.registry import gate

HISTORY_LINES = ("vaccination", "travel", "transfusion", "infection_risk", "inherited", "blood_or_immune", "cancer")


def _digests(measured: Iterable[TestedSample]) -> tuple[Digest, ...]:
    return tuple(dict.fromkeys(digest for m in measured for digest in m.evidence))


@gate(
    "ELG-MISS",
    revision=1,
    title="Every required donor test has a result on a sample of the donation",
    source="rules section 5, required tests; 21 CFR 1271.85; Directive 2006/17/EC annex II",
    each="donation",
)
def every_test_resulted(case: Case, _now: datetime) -> Outcome:
    tests = donation_of(case).tests
    missing = tuple(test for test in tests.criteria.required_tests if not tests.of_test(test))
    if missing or not tests.criteria.required_tests:
        return Blocked(Reason("tests_missing", test=missing), _digests(tests.of_donation))
    return Passed(_digests(tests.of_donation))


@gate(
    "ELG-REACT",
    revision=2,
    title="No donor test is reactive, except where the rules allow it",
    source="rules section 5, verdict; 21 CFR 1271.80(d)",
    each="donation",
)
def nothing_reactive(case: Case, _now: datetime) -> Outcome:
    tests = donation_of(case).tests
    if not tests.results:
        return Blocked(Reason("missing", what="donor_test_results"))
    against = next(objections_in_tests(tests), None)
    if against is not None:
        return against
    assessed = (tests.risk_assessed(test) for test in dict.fromkeys(d.act.test for d in tests.results))
    return Passed((*(d.digest for d in tests.results), *(d.digest for d in assessed if d is not None)))


def objections_in_tests(tests: DonorTests) -> Iterator[Blocked]:
    """Every result that stands in the way, whenever it came."""
    for result in tests.results:
        reason = _objection(result.act, tests)
        if reason is not None:
            yield Blocked(reason, (result.digest,))


def _objection(result: DonorTestResulted, tests: DonorTests) -> Reason | None:
    """Why this result stands in the way, or None. One that is neither reactive nor non-reactive is unknown, and unknown blocks."""
    if result.outcome is DonorTestOutcome.NON_REACTIVE:
        return None
    if result.outcome is DonorTestOutcome.INDETERMINATE:
        return Reason("test_indeterminate", test=result.test)
    jurisdiction = tests.donation.criteria.settings.jurisdiction
    for row in tests.criteria.reactive_allowed:
        if row.test == result.test and jurisdiction in row.jurisdictions and all(_negative(tests, test) for test in row.with_negative):
            return _risk(result.test, tests) if row.needs_risk_assessment else None
    return Reason("test_reactive", test=result.test)


def _risk(test: str, tests: DonorTests) -> Reason | None:
    """A risk that a qualified person assessed with these results before them, and accepted, is no objection."""
    assessed = tests.risk_assessed(test)
    if assessed is None:
        return Reason("needs_risk_assessment", test=test)
    return None if assessed.act.acceptable else Reason("risk_not_acceptable", test=test)


def _negative(tests: DonorTests, test: str) -> bool:
    """Tested, and never with another outcome than non-reactive."""
    outcomes = {d.act.outcome for d in tests.results if d.act.test == test}
    return outcomes == {DonorTestOutcome.NON_REACTIVE}


@gate(
    "ELG-WINDOW",
    revision=1,
    title="The mother's blood was drawn in the days around birth that the rules allow",
    source="rules section 5, blood sample time; 21 CFR 1271.80(b); Directive 2006/17/EC annex II",
    each="donation",
)
def sampled_in_window(case: Case, _now: datetime) -> Outcome:
    return window_of(donation_of(case).tests)


def window_of(tests: DonorTests) -> Outcome:
    if not tests.of_donation:
        return Blocked(Reason("missing", what="donor_sample"))
    for test in tests.criteria.required_tests:
        measured = tests.of_test(test)
        if measured and not any(tests.in_window(m.sample.act) for m in measured):
            first, last = tests.window
            reason = Reason("sampled_outside_window", test=test, seen=measured[-1].sample.act.taken_at, first=first, last=last)
            return Blocked(reason, _digests(measured))
    return Passed(_digests(tests.of_donation))


@gate(
    "ELG-DILUTE",
    revision=1,
    title="The blood tested was not diluted by infusions",
    source="rules section 5, dilution; 21 CFR 1271.80(d)(2)",
    each="donation",
)
def sample_not_diluted(case: Case, _now: datetime) -> Outcome:
    """Each test needs one undiluted sample, such as one drawn before the infusion, among those in the window where there are any."""
    return dilution_of(donation_of(case).tests)


def dilution_of(tests: DonorTests) -> Outcome:
    if not tests.of_donation:
        return Blocked(Reason("missing", what="donor_sample"))
    for test in tests.criteria.required_tests:
        measured = tests.of_test(test)
        in_window = [m for m in measured if tests.in_window(m.sample.act)]
        counting = in_window or measured
        if counting and all(tests.is_diluted(m.sample.act) for m in counting):
            sample = counting[-1].sample.act
            infused_ml = sample.blood_ml_48h + sample.colloid_ml_48h + sample.crystalloid_ml_1h
            reason = Reason("sample_diluted", sample=sample.sample, infused_ml=infused_ml, weight_kg=sample.mother_weight_kg)
            return Blocked(reason, _digests(counting))
    return Passed(_digests(tests.of_donation))


@gate(
    "ELG-REPEAT",
    revision=1,
    title="Nucleic-acid tests were done, or the mother was tested again after half a year",
    source="rules section 5, repeat at 180 days; Directive 2006/17/EC annex II 2.6",
    each="donation",
)
def nat_or_repeated(case: Case, _now: datetime) -> Outcome:
    tests = donation_of(case).tests
    settings = case.criteria_now.settings
    if not settings.require_nat_or_repeat:
        return Passed(note=Reason("repeat_not_required"))
    by_nat = [tests.of_test(test) for test in tests.criteria.nat_tests]
    if by_nat and all(by_nat):
        return Passed(_digests(m for measured in by_nat for m in measured))
    repeated = [tests.repeated(test) for test in tests.criteria.required_tests]
    if repeated and all(repeated):
        return Passed(_digests(m for measured in repeated for m in measured))
    without_nat = tuple(test for test, measured in zip(tests.criteria.nat_tests, by_nat, strict=True) if not measured)
    return Blocked(Reason("repeat_needed", test=without_nat, repeat_from=tests.repeat_from), _digests(tests.measured))


@gate(
    "ELG-HIST",
    revision=2,
    title="History and delivery show no risk the study excludes",
    source="rules section 5, history and accept limits",
    each="donation",
)
def history_without_risk(case: Case, _now: datetime) -> Outcome:
    donation = donation_of(case)
    history = donation.history
    evidence = (history.digest, *donation.collection_evidence)
    objections = (*objections_in_history(history), *objections_in_delivery(donation.collection, donation.criteria.donor))
    return Blocked(objections[0], evidence) if objections else Passed(evidence)


def objections_in_history(history: Deed[DonorHistoryTaken]) -> Iterator[Reason]:
    for line in HISTORY_LINES:
        answer: Answer = getattr(history.act, line)
        if answer is Answer.NOT_CHECKED:
            yield Reason("history_not_checked", fields=(line,))
        elif answer is Answer.YES:
            yield Reason("history_risk", fields=(line,))
    if not history.act.truth_confirmed:
        yield Reason("truth_not_confirmed")


def objections_in_delivery(seen: CordCollected, criteria: DonorCriteria) -> Iterator[Reason]:
    if not criteria.mother_age_min <= seen.mother_age_years <= criteria.mother_age_max:
        yield Reason("mother_age_outside", seen=seen.mother_age_years, lowest=criteria.mother_age_min, highest=criteria.mother_age_max)
    if not criteria.gestation_days_min <= seen.gestation_days < criteria.gestation_days_below:
        lowest, below = criteria.gestation_days_min, criteria.gestation_days_below
        yield Reason("gestation_outside", seen_days=seen.gestation_days, lowest_days=lowest, below_days=below)
    if not seen.highest_fever_celsius < criteria.fever_celsius_below:
        yield Reason("mother_had_fever", seen_celsius=seen.highest_fever_celsius, below_celsius=criteria.fever_celsius_below)
    if seen.chorioamnionitis:
        yield Reason("chorioamnionitis")
    if not timedelta(0) <= timedelta(minutes=seen.membranes_ruptured_minutes) <= span(hours=criteria.membranes_hours_max):
        yield Reason("membranes_open_too_long", seen_minutes=seen.membranes_ruptured_minutes, hours_max=criteria.membranes_hours_max)
    if not seen.cord_length_cm >= criteria.cord_length_cm_min:
        yield Reason("cord_too_short", seen_cm=seen.cord_length_cm, lowest_cm=criteria.cord_length_cm_min)


QUALIFIED = frozenset[Role]().union(*(slot.roles for slot in EligibilityDetermined.rule.slots))
"""Who may determine eligibility: the roles of the act's own signature."""


@gate(
    "ELG-SIGN",
    revision=1,
    title="A qualified person determined eligibility, and it stands",
    source="rules G2; 21 CFR 1271.50",
    each="donation",
)
def eligibility_signed(case: Case, _now: datetime) -> Outcome:
    """At G2 the people now signing; from then on the recorded determination, unless a refusal came after it."""
    proposed = case.proposed_as(EligibilityDetermined)
    if proposed is not None and proposed.donation == case.donation.node:
        return _signed(case.signers, ())
    refusal, determination = case.donation.eligibility_refused, case.donation.eligibility
    if refusal is not None:
        return Blocked(Reason("eligibility_refused", refused_at=refusal.at), (refusal.digest,))
    if determination is None:
        return Blocked(Reason("missing", what="eligibility", node=case.donation.node.key))
    return _signed(determination.signers, (determination.digest,))


def _signed(signers: tuple[Signed, ...], evidence: tuple[Digest, ...]) -> Outcome:
    if any(s.role in QUALIFIED and s.meaning is Meaning.DETERMINED for s in signers):
        return Passed(evidence)
    return Blocked(Reason("not_signed_by_qualified_person", seen=tuple(s.role for s in signers)), evidence)
