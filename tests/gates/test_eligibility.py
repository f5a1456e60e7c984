"""ELG: one pass, one block per reason, the boundaries of section 5."""

import dataclasses
from datetime import timedelta
from decimal import Decimal

import pytest

from custody.domain.acts.donation import DonorRiskAssessed, EligibilityRefused
from custody.domain.terms import Answer, DonorTestOutcome, HoldPoint, Role, SamplePurpose
from custody.gates import evaluate
from custody.workflows.rehearsal.steps import Step
from tests.chain import blocked_gates, reasons
from tests.gates.upstream_helpers import add_result, add_sample, determine_at, put_in_force, result_is, sample_taken_at

G2 = HoldPoint.ELIGIBILITY
REACTIVE, NEGATIVE, INDETERMINATE = DonorTestOutcome.REACTIVE, DonorTestOutcome.NON_REACTIVE, DonorTestOutcome.INDETERMINATE
SECOND = timedelta(seconds=1)
REQUIRED = (
    "HIV_AB", "HIV_NAT", "HBSAG", "HBC_AB", "HBV_NAT", "HCV_AB", "HCV_NAT", "SYPHILIS", "HTLV_AB", "CMV_IGG", "CMV_IGM", "CMV_NAT", "EBV",
)  # fmt: skip
ALLOWED = [
    {"test": "SYPHILIS", "with_negative": ["SYPHILIS_TREPONEMAL"], "jurisdictions": ["strict", "us", "eu"]},
    {"test": "CMV_IGG", "with_negative": ["CMV_IGM", "CMV_NAT"], "jurisdictions": ["strict", "us", "eu"]},
    {"test": "HBC_AB", "with_negative": ["HBSAG"], "jurisdictions": ["eu"], "needs_risk_assessment": True},
]


def delivered_at(chain):
    return chain.step("cord_collected").act.delivered_at


def only(chain, gate, reason):
    verdict = chain.verdict_at(G2)
    assert blocked_gates(verdict) == {gate}
    assert reasons(verdict, gate) == {reason}


def test_a_tested_donor_may_be_found_eligible(chain):
    verdict = chain.verdict_at(G2)
    assert verdict.is_go
    assert sum(f.gate.startswith("ELG-") for f in verdict.findings) == 7


# ELG-MISS


@pytest.mark.parametrize("test", [t for t in REQUIRED if not t.endswith("NAT") or t == "CMV_NAT"])
def test_each_required_test_must_have_a_result(chain, test):
    chain.drop("donor_test_resulted", where=lambda act: act.test == test)
    only(chain, "ELG-MISS", "tests_missing")


def test_a_missing_nat_also_asks_for_the_repeat(chain):
    chain.drop("donor_test_resulted", where=lambda act: act.test == "HCV_NAT")
    assert blocked_gates(chain.verdict_at(G2)) == {"ELG-MISS", "ELG-REPEAT"}


def test_without_any_result_all_rules_about_tests_block(chain):
    chain.drop_all("donor_test_resulted")
    verdict = chain.verdict_at(G2)
    assert blocked_gates(verdict) == {"ELG-MISS", "ELG-REACT", "ELG-WINDOW", "ELG-DILUTE", "ELG-REPEAT"}
    assert {code for gate in ("ELG-REACT", "ELG-WINDOW", "ELG-DILUTE") for code in reasons(verdict, gate)} == {"missing"}


def test_without_a_sample_results_prove_nothing(chain):
    chain.drop("donor_sampled")
    assert blocked_gates(chain.verdict_at(G2)) == {"ELG-MISS", "ELG-WINDOW", "ELG-DILUTE", "ELG-REPEAT"}


def test_a_sample_number_used_twice_proves_nothing(chain):
    sample = chain.step("donor_sampled").act
    add_sample(chain, sample.sample.value, SamplePurpose.AT_DONATION, sample.taken_at + SECOND)
    assert "ELG-MISS" in blocked_gates(chain.verdict_at(G2))


def test_a_result_reported_before_its_sample_was_taken_does_not_count(chain):
    taken_at = chain.step("donor_sampled").act.taken_at
    chain.change("donor_test_resulted", where=lambda act: act.test == "EBV", reported_at=taken_at - SECOND)
    only(chain, "ELG-MISS", "tests_missing")
    chain.change("donor_test_resulted", where=lambda act: act.test == "EBV", reported_at=taken_at)
    assert chain.verdict_at(G2).is_go


# ELG-REACT


@pytest.mark.parametrize("test", REQUIRED)
def test_a_reactive_result_makes_the_donor_ineligible(chain, test):
    put_in_force(chain, "donor", reactive_allowed=[])
    result_is(chain, test, REACTIVE)
    only(chain, "ELG-REACT", "test_reactive")


def test_an_indeterminate_result_blocks(chain):
    result_is(chain, "HIV_AB", INDETERMINATE)
    only(chain, "ELG-REACT", "test_indeterminate")


def test_a_later_negative_result_does_not_take_back_a_reactive_one(chain):
    result_is(chain, "HCV_AB", REACTIVE)
    add_result(chain, "HCV_AB", chain.step("donor_sampled").act)
    only(chain, "ELG-REACT", "test_reactive")


def test_a_reactive_result_on_an_unknown_sample_still_counts(chain):
    sample = chain.step("donor_sampled").act
    add_result(chain, "HIV_AB", dataclasses.replace(sample, sample=type(sample.sample)("NOBODY-1")), REACTIVE)
    only(chain, "ELG-REACT", "test_reactive")


@pytest.mark.parametrize(
    ("jurisdiction", "reason"), [("strict", "test_reactive"), ("us", "test_reactive"), ("eu", "needs_risk_assessment")]
)
def test_scenario_4_anti_hbc_alone_is_ineligible_and_in_the_eu_waits_for_an_assessment(chain, jurisdiction, reason):
    put_in_force(chain, "donor", reactive_allowed=ALLOWED)
    put_in_force(chain, "settings", jurisdiction=jurisdiction)
    result_is(chain, "HBC_AB", REACTIVE)
    only(chain, "ELG-REACT", reason)


def assessed(chain, *, acceptable=True, test="HBC_AB", after=timedelta(hours=1), by="demo-qp-one"):
    """The risk of a reactive test, assessed so long after the result of anti-HBc."""
    at = next(s.at for s in chain.steps if s.name == "donor_test_resulted" and s.act.test == "HBC_AB") + after
    donation = chain.step("cord_collected").act.donation
    act = DonorRiskAssessed(donation=donation, test=test, acceptable=acceptable, reason="vaccinated, HBV NAT negative", document="RA-1")
    chain.steps.append(Step(name="donor_risk_assessed", at=at, by=(by,), act=act))
    determine_at(chain, max(at + timedelta(days=1), chain.step("eligibility_determined").at))


def reactive_hbc(chain, jurisdiction="eu"):
    put_in_force(chain, "donor", reactive_allowed=ALLOWED)
    put_in_force(chain, "settings", jurisdiction=jurisdiction)
    result_is(chain, "HBC_AB", REACTIVE)


@pytest.mark.parametrize("by", ["demo-qp-one", "demo-qa-one"])
def test_assessed_risk_ends_the_wait_in_the_eu(chain, by):
    reactive_hbc(chain)
    assessed(chain, by=by)
    verdict = chain.verdict_at(G2)
    assert verdict.is_go
    (finding,) = [f for f in verdict.findings if f.gate == "ELG-REACT"]
    assert len(finding.outcome.evidence) == len([s for s in chain.steps if s.name == "donor_test_resulted"]) + 1


@pytest.mark.parametrize("jurisdiction", ["strict", "us"])
def test_assessment_opens_nothing_where_the_rules_know_none(chain, jurisdiction):
    reactive_hbc(chain, jurisdiction)
    assessed(chain)
    only(chain, "ELG-REACT", "test_reactive")


def test_risk_assessed_as_not_acceptable_blocks(chain):
    reactive_hbc(chain)
    assessed(chain, acceptable=False)
    only(chain, "ELG-REACT", "risk_not_acceptable")


def test_later_assessment_counts_and_an_earlier_one_does_not(chain):
    reactive_hbc(chain)
    assessed(chain)
    assessed(chain, acceptable=False, after=timedelta(hours=2))
    only(chain, "ELG-REACT", "risk_not_acceptable")


def test_assessment_of_another_test_does_not_count(chain):
    reactive_hbc(chain)
    assessed(chain, test="HBSAG")
    only(chain, "ELG-REACT", "needs_risk_assessment")


def test_assessment_does_not_speak_for_a_result_that_came_after_it(chain):
    reactive_hbc(chain)
    assessed(chain, after=-SECOND)
    only(chain, "ELG-REACT", "needs_risk_assessment")
    assessed(chain, after=SECOND)
    assert chain.verdict_at(G2).is_go


def test_assessment_never_covers_a_reactive_hbsag_or_an_indeterminate_result(chain):
    reactive_hbc(chain)
    assessed(chain)
    result_is(chain, "HBSAG", REACTIVE)
    only(chain, "ELG-REACT", "test_reactive")
    result_is(chain, "HBSAG", NEGATIVE)
    result_is(chain, "HBC_AB", INDETERMINATE)
    only(chain, "ELG-REACT", "test_indeterminate")


def test_anti_hbc_with_a_reactive_hbsag_is_ineligible_in_the_eu_too(chain):
    put_in_force(chain, "donor", reactive_allowed=ALLOWED)
    put_in_force(chain, "settings", jurisdiction="eu")
    result_is(chain, "HBC_AB", REACTIVE)
    result_is(chain, "HBSAG", REACTIVE)
    only(chain, "ELG-REACT", "test_reactive")


@pytest.mark.parametrize(("treponemal", "passes"), [(NEGATIVE, True), (REACTIVE, False), (INDETERMINATE, False), (None, False)])
def test_an_unspecific_syphilis_test_is_allowed_only_with_a_negative_treponemal_one(chain, treponemal, passes):
    put_in_force(chain, "donor", reactive_allowed=ALLOWED)
    result_is(chain, "SYPHILIS", REACTIVE)
    if treponemal is not None:
        add_result(chain, "SYPHILIS_TREPONEMAL", chain.step("donor_sampled").act, treponemal)
    assert chain.verdict_at(G2).is_go is passes


@pytest.mark.parametrize(("igm", "nat", "passes"), [(NEGATIVE, NEGATIVE, True), (REACTIVE, NEGATIVE, False), (NEGATIVE, REACTIVE, False)])
def test_an_old_cmv_infection_is_allowed_and_a_fresh_one_is_not(chain, igm, nat, passes):
    put_in_force(chain, "donor", reactive_allowed=ALLOWED)
    result_is(chain, "CMV_IGG", REACTIVE)
    result_is(chain, "CMV_IGM", igm)
    result_is(chain, "CMV_NAT", nat)
    assert chain.verdict_at(G2).is_go is passes


# ELG-WINDOW


@pytest.mark.parametrize(
    ("jurisdiction", "from_birth", "passes"),
    [
        ("strict", timedelta(days=7), True),
        ("strict", timedelta(days=7) + SECOND, False),
        ("strict", -timedelta(hours=12), True),
        ("strict", -timedelta(hours=12) - SECOND, False),
        ("eu", -timedelta(hours=12), True),
        ("eu", -timedelta(hours=12) - SECOND, False),
        ("eu", timedelta(days=7), True),
        ("us", -timedelta(days=7), True),
        ("us", -timedelta(days=7) - SECOND, False),
        ("us", timedelta(days=7) + SECOND, False),
    ],
)
def test_blood_counts_from_the_first_to_the_last_moment_of_the_window(chain, jurisdiction, from_birth, passes):
    put_in_force(chain, "settings", jurisdiction=jurisdiction)
    sample_taken_at(chain, delivered_at(chain) + from_birth)
    if passes:
        assert chain.verdict_at(G2).is_go
    else:
        only(chain, "ELG-WINDOW", "sampled_outside_window")


def test_scenario_3_a_sample_taken_eight_days_after_birth(chain):
    sample_taken_at(chain, delivered_at(chain) + timedelta(days=8))
    assert blocked_gates(chain.verdict_at(G2)) == {"ELG-WINDOW"}


def test_a_second_sample_in_the_window_mends_a_late_one_when_everything_is_tested_on_it(chain):
    sample_taken_at(chain, delivered_at(chain) + timedelta(days=8))
    in_time = add_sample(chain, "BLOOD-B", SamplePurpose.AT_DONATION, delivered_at(chain))
    for test in REQUIRED[:-1]:
        add_result(chain, test, in_time)
    only(chain, "ELG-WINDOW", "sampled_outside_window")
    add_result(chain, REQUIRED[-1], in_time)
    assert chain.verdict_at(G2).is_go


# ELG-DILUTE


@pytest.mark.parametrize(
    ("blood", "colloid", "crystalloid", "passes"),
    [
        (0, 2720, 0, True),  # 68 kg x 40 ml/kg of plasma
        (0, 2720, 1, False),
        (0, 0, 2721, False),
        (1813, 2720, 0, True),  # 68 kg x 66.67 ml/kg of blood is 4533.56 ml
        (1814, 2720, 0, False),
        (4533, 0, 0, True),
        (4534, 0, 0, False),
    ],
)
def test_more_than_half_diluted_is_blocked(chain, blood, colloid, crystalloid, passes):
    chain.change("donor_sampled", blood_ml_48h=Decimal(blood), colloid_ml_48h=Decimal(colloid), crystalloid_ml_1h=Decimal(crystalloid))
    if passes:
        assert chain.verdict_at(G2).is_go
    else:
        only(chain, "ELG-DILUTE", "sample_diluted")


def test_a_sample_from_before_the_infusion_mends_a_diluted_one(chain):
    chain.change("donor_sampled", colloid_ml_48h=Decimal(5000))
    before = add_sample(chain, "BLOOD-B", SamplePurpose.PRE_INFUSION, delivered_at(chain), colloid_ml_48h=Decimal(0))
    only(chain, "ELG-DILUTE", "sample_diluted")
    for test in REQUIRED:
        add_result(chain, test, before)
    assert chain.verdict_at(G2).is_go


def test_an_undiluted_sample_outside_the_window_does_not_mend_a_diluted_one_inside(chain):
    chain.change("donor_sampled", colloid_ml_48h=Decimal(5000))
    late = add_sample(chain, "BLOOD-B", SamplePurpose.AT_DONATION, delivered_at(chain) + timedelta(days=8), colloid_ml_48h=Decimal(0))
    for test in REQUIRED:
        add_result(chain, test, late)
    assert blocked_gates(chain.verdict_at(G2)) == {"ELG-DILUTE"}


# ELG-REPEAT


def without_nat(chain):
    """A study that does not ask for nucleic-acid tests on the donation sample, and a donor who had none."""
    put_in_force(chain, "donor", required_tests=[t for t in REQUIRED if t not in ("HIV_NAT", "HBV_NAT", "HCV_NAT")])
    for test in ("HIV_NAT", "HBV_NAT", "HCV_NAT"):
        chain.drop("donor_test_resulted", where=lambda act, test=test: act.test == test)


@pytest.mark.parametrize("test", ["HIV_NAT", "HBV_NAT", "HCV_NAT"])
def test_each_of_the_three_nats_is_needed_to_spare_the_repeat(chain, test):
    put_in_force(chain, "donor", required_tests=[t for t in REQUIRED if t != test])
    chain.drop("donor_test_resulted", where=lambda act: act.test == test)
    only(chain, "ELG-REPEAT", "repeat_needed")
    assert chain.verdict_at(G2).blocking[0].outcome.reason.values["test"] == (test,)


@pytest.mark.parametrize(("days_and_seconds", "passes"), [((180, 0), True), ((179, 86399), False)])
def test_a_repeat_counts_from_the_180th_day(chain, days_and_seconds, passes):
    without_nat(chain)
    days, seconds = days_and_seconds
    repeat = add_sample(chain, "BLOOD-R", SamplePurpose.REPEAT, delivered_at(chain) + timedelta(days=days, seconds=seconds))
    for test in REQUIRED:
        if not test.endswith("NAT") or test == "CMV_NAT":
            add_result(chain, test, repeat)
    if passes:
        assert chain.verdict_at(G2).is_go
    else:
        only(chain, "ELG-REPEAT", "repeat_needed")


def test_a_reactive_repeat_makes_the_donor_ineligible(chain):
    repeat = add_sample(chain, "BLOOD-R", SamplePurpose.REPEAT, delivered_at(chain) + timedelta(days=180))
    add_result(chain, "HIV_AB", repeat, REACTIVE)
    only(chain, "ELG-REACT", "test_reactive")


def test_a_repeat_sample_does_not_stand_in_for_the_donation_sample(chain):
    chain.drop("donor_test_resulted", where=lambda act: act.test == "EBV")
    repeat = add_sample(chain, "BLOOD-R", SamplePurpose.REPEAT, delivered_at(chain) + timedelta(hours=1))
    add_result(chain, "EBV", repeat)
    only(chain, "ELG-MISS", "tests_missing")


def test_a_study_may_choose_neither_nat_nor_repeat(chain):
    without_nat(chain)
    put_in_force(chain, "settings", require_nat_or_repeat=False)
    verdict = chain.verdict_at(G2)
    assert verdict.is_go
    assert next(f for f in verdict.findings if f.gate == "ELG-REPEAT").outcome.note.code == "repeat_not_required"


# ELG-HIST


@pytest.mark.parametrize("line", ["vaccination", "travel", "transfusion", "infection_risk", "inherited", "blood_or_immune", "cancer"])
@pytest.mark.parametrize(("answer", "reason"), [(Answer.YES, "history_risk"), (Answer.NOT_CHECKED, "history_not_checked")])
def test_each_line_of_the_history_must_be_answered_with_no(chain, line, answer, reason):
    chain.change("donor_history_taken", **{line: answer})
    only(chain, "ELG-HIST", reason)


def test_history_without_the_donors_confirmation_blocks(chain):
    chain.change("donor_history_taken", truth_confirmed=False)
    only(chain, "ELG-HIST", "truth_not_confirmed")


def test_without_a_history_the_rule_blocks(chain):
    chain.drop("donor_history_taken")
    only(chain, "ELG-HIST", "missing")


@pytest.mark.parametrize(
    ("field", "last_in", "first_out", "reason"),
    [
        ("mother_age_years", 18, 17, "mother_age_outside"),
        ("mother_age_years", 40, 41, "mother_age_outside"),
        ("gestation_days", 259, 258, "gestation_outside"),
        ("gestation_days", 293, 294, "gestation_outside"),
        ("highest_fever_celsius", Decimal("37.9"), Decimal("38.0"), "mother_had_fever"),
        ("membranes_ruptured_minutes", 1440, 1441, "membranes_open_too_long"),
        ("membranes_ruptured_minutes", 0, -1, "membranes_open_too_long"),
        ("cord_length_cm", Decimal(15), Decimal("14.9"), "cord_too_short"),
        ("chorioamnionitis", False, True, "chorioamnionitis"),
    ],
)
def test_delivery_values_are_accepted_up_to_their_limit(chain, field, last_in, first_out, reason):
    chain.change("cord_collected", **{field: last_in})
    assert chain.verdict_at(G2).is_go
    chain.change("cord_collected", **{field: first_out})
    only(chain, "ELG-HIST", reason)


# ELG-SIGN


def test_a_determination_needs_a_qualified_persons_signature(chain):
    case, now = chain.case_at(G2)
    nurse = dataclasses.replace(case.signers[0], role=Role.PROCUREMENT_NURSE)
    for signers in ((nurse,), ()):
        verdict = evaluate(G2, dataclasses.replace(case, signers=signers), now)
        assert blocked_gates(verdict) == {"ELG-SIGN"}
        assert reasons(verdict, "ELG-SIGN") == {"not_signed_by_qualified_person"}


@pytest.mark.parametrize("nth", [0, 1, 2])
def test_at_release_the_recorded_determination_counts(chain, nth):
    assert not {c for c in blocked_gates(chain.verdict_at(HoldPoint.RELEASE, "released", nth)) if c.startswith(("CON-", "ELG-"))}
    chain.drop("eligibility_determined")
    verdict = chain.verdict_at(HoldPoint.RELEASE, "released", nth)
    assert {c for c in blocked_gates(verdict) if c.startswith(("CON-", "ELG-"))} == {"ELG-SIGN"}
    assert reasons(verdict, "ELG-SIGN") == {"missing"}


def test_a_refusal_after_the_determination_takes_it_back(chain):
    refusal = EligibilityRefused(donation=chain.cast.donation, reason="a travel history came to light")
    chain.add(refusal, before="released", by="demo-qa-one")
    assert reasons(chain.verdict_at(HoldPoint.RELEASE), "ELG-SIGN") == {"eligibility_refused"}


def test_a_determination_after_a_refusal_stands(chain):
    refusal = EligibilityRefused(donation=chain.cast.donation, reason="a result was still out")
    chain.add(refusal, before="eligibility_determined", by="demo-qa-one")
    assert chain.verdict_at(G2).is_go
    assert "ELG-SIGN" not in blocked_gates(chain.verdict_at(HoldPoint.RELEASE))


def test_donor_rules_are_judged_again_at_release(chain):
    determined_at = chain.step("eligibility_determined").at
    repeat = add_sample(chain, "BLOOD-R", SamplePurpose.REPEAT, delivered_at(chain) + timedelta(days=30))
    add_result(chain, "HIV_NAT", repeat, REACTIVE)
    determine_at(chain, determined_at)
    assert chain.verdict_at(G2).is_go
    assert "ELG-REACT" in blocked_gates(chain.verdict_at(HoldPoint.RELEASE, "released", 2))


@pytest.mark.parametrize("late", ["sample", "result"])
def test_a_sample_or_result_dated_after_it_was_recorded_proves_nothing(chain, late):
    if late == "sample":
        chain.change("donor_sampled", taken_at=chain.step("donor_sampled").at + SECOND)
    else:
        chain.change("donor_test_resulted", reported_at=chain.step("donor_test_resulted").at + SECOND)
    assert "ELG-MISS" in blocked_gates(chain.verdict_at(G2))
