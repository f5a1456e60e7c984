"""QC gates at hold points G5 and G6: scenarios 8 to 12 of the rules page, both edges of every limit, and the fact missing."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from custody.domain.acts.codec import body_of
from custody.domain.acts.quality import OutOfSpecificationClosed, OutOfSpecificationOpened, ResultReviewed
from custody.domain.acts.record import Corrected
from custody.domain.terms import HoldPoint
from custody.gates import evaluate
from tests.chain import blocked_gates, reasons
from tests.gates.lots import (
    add_result,
    at_conclusion,
    at_release,
    change_result,
    drop_result,
    of_test,
    put,
    result_digest,
    step_of_lot,
    values,
)


def test_the_valid_chain_passes_every_result_gate_of_banks_and_lot(chain):
    for nth in range(3):
        assert chain.verdict_at(HoldPoint.RESULT_REVIEW, nth=nth).is_go


@pytest.mark.parametrize(
    ("test", "result"), [("CD34", "2.1"), ("VIA", "79.9"), ("END", "0.51"), ("CNT", "79.99"), ("CNT", "120.01"), ("CD73", "94.9")]
)
def test_value_just_outside_its_limit_fails_at_review_and_release(chain, test, result):
    change_result(chain, test, result)
    assert blocked_gates(at_conclusion(chain)) == {"QC-FAIL"}
    assert blocked_gates(at_release(chain)) == {"QC-FAIL", "REL-TEST"}
    assert reasons(at_release(chain), "QC-FAIL") == {"result_out_of_limits"}


@pytest.mark.parametrize(
    ("test", "result"), [("CD34", "2.0"), ("VIA", "80.0"), ("END", "0.5"), ("CNT", "80"), ("CNT", "120"), ("END", "< 0.5")]
)
def test_value_just_inside_its_limit_passes(chain, test, result):
    change_result(chain, test, result)
    assert at_conclusion(chain).is_go
    assert at_release(chain).is_go


def test_failed_result_says_what_was_seen_and_expected(chain):
    change_result(chain, "VIA", "79.9")
    assert values(at_conclusion(chain), "QC-FAIL") == {"test": "VIA", "seen": "79.9 %", "expected": "≥ 80.0 %"}


def test_bound_that_does_not_decide_the_limit_fails(chain):
    change_result(chain, "END", "< 0.6")
    assert blocked_gates(at_conclusion(chain)) == {"QC-FAIL"}


def test_unit_that_cannot_be_converted_gives_no_verdict(chain):
    change_result(chain, "END", "0.1", "ng/ml")
    assert blocked_gates(at_conclusion(chain)) == {"QC-UNIT"}
    assert blocked_gates(at_release(chain)) == {"QC-UNIT", "REL-TEST"}
    assert values(at_release(chain), "REL-TEST") == {"test": "END", "seen": "ng/ml", "expected": "EU/ml"}


def test_result_that_is_no_number_gives_no_verdict(chain):
    change_result(chain, "PH", "7,2")
    assert blocked_gates(at_conclusion(chain)) == {"QC-UNIT"}
    assert reasons(at_conclusion(chain), "QC-UNIT") == {"result_unreadable"}


def test_missing_mycoplasma_result_blocks_review_and_release(chain):
    drop_result(chain, "MYCN")
    assert blocked_gates(at_conclusion(chain)) == {"QC-MISS"}
    assert blocked_gates(at_release(chain)) == {"QC-MISS", "REL-TEST"}
    assert values(at_conclusion(chain), "QC-MISS") == {"tests": "MYCN"}


def test_blank_result_is_no_result(chain):
    change_result(chain, "PH", "  ")
    assert blocked_gates(at_conclusion(chain)) == {"QC-MISS"}


def test_information_only_test_may_be_missing_or_bad(chain):
    drop_result(chain, "DIF")
    change_result(chain, "POT", "1")
    assert at_release(chain).is_go


def test_organism_found_by_a_test_nobody_asked_for_still_stops_the_lot(chain):
    add_result(chain, "GRAM", "cocci seen")
    assert blocked_gates(at_conclusion(chain)) == {"QC-FAIL"}
    assert blocked_gates(at_release(chain)) == {"QC-FAIL", "REL-TEST"}


def test_sterility_read_a_minute_before_fourteen_days_is_no_result_yet(chain):
    lot = chain.cast.lot
    taken_at = chain.step("sample_taken", where=lambda act: act.node == lot).act.taken_at
    chain.change("result_recorded", where=of_test(lot, "STE"), read_at=taken_at + timedelta(days=14, minutes=-1))
    assert blocked_gates(at_conclusion(chain)) == {"QC-MISS"}
    assert reasons(at_conclusion(chain), "QC-MISS") == {"read_too_early"}
    chain.change("result_recorded", where=of_test(lot, "STE"), read_at=taken_at + timedelta(days=14))
    assert at_conclusion(chain).is_go


def test_early_growth_counts_at_once(chain):
    lot = chain.cast.lot
    taken_at = chain.step("sample_taken", where=lambda act: act.node == lot).act.taken_at
    chain.change("result_recorded", where=of_test(lot, "STE"), read_at=taken_at + timedelta(days=3), result="growth")
    assert blocked_gates(at_conclusion(chain)) == {"QC-FAIL"}


def test_result_of_a_sample_nobody_took_is_no_result(chain):
    chain.drop("sample_taken", where=lambda act: act.node == chain.cast.lot)
    assert blocked_gates(at_conclusion(chain)) == {"QC-MISS"}
    assert reasons(at_conclusion(chain), "QC-MISS") == {"sample_not_taken"}


def test_result_without_a_review_blocks(chain):
    add_result(chain, "PH", "7.3", "pH", before="results_concluded", minutes=5)
    assert blocked_gates(at_conclusion(chain)) == {"QC-REVIEW"}
    assert reasons(at_conclusion(chain), "QC-REVIEW") == {"result_not_reviewed"}


def test_analyst_may_not_conclude_on_the_own_result(chain):
    case, now = chain.case_at(HoldPoint.RESULT_REVIEW, nth=2)
    analyst = case.lot.results.tests["PH"].results[0].deed.signers[0].person
    verdict = evaluate(HoldPoint.RESULT_REVIEW, replace(case, signers=(replace(case.signers[0], person=analyst),)), now)
    assert blocked_gates(verdict) == {"QC-REVIEW"}
    assert reasons(verdict, "QC-REVIEW") == {"own_result_reviewed"}


def test_review_before_a_correction_does_not_count(chain):
    lot, digest = chain.cast.lot, result_digest(chain, "PH")
    result = chain.step("result_recorded", where=of_test(lot, "PH")).act
    right = json.dumps(body_of(replace(result, result="7.3")), sort_keys=True)
    corrected = Corrected(node=lot, entry=digest, reason="typing error", act="result_recorded", act_version=1, replacement=right)
    put(chain, corrected, "demo-analyst-one", step_of_lot(chain, "results_concluded").at - timedelta(minutes=5))
    assert blocked_gates(at_conclusion(chain)) == {"QC-REVIEW"}
    review = ResultReviewed(node=lot, results=(digest,))
    put(chain, review, "demo-qc-reviewer-one", step_of_lot(chain, "results_concluded").at - timedelta(minutes=2))
    assert at_conclusion(chain).is_go


def test_open_investigation_blocks_and_a_closed_one_does_not(chain):
    lot, digest = chain.cast.lot, result_digest(chain, "PH")
    at = step_of_lot(chain, "results_concluded").at
    opened = OutOfSpecificationOpened(node=lot, investigation="OOS-1", result=digest)
    put(chain, opened, "demo-qc-reviewer-one", at - timedelta(minutes=10))
    assert blocked_gates(at_conclusion(chain)) == {"QC-OOS"}
    assert values(at_conclusion(chain), "QC-OOS") == {"investigations": "OOS-1"}
    closed = OutOfSpecificationClosed(node=lot, investigation="OOS-1", laboratory_error=False, conclusion="no fault found")
    put(chain, closed, "demo-qa-one", at - timedelta(minutes=5))
    assert at_conclusion(chain).is_go


def test_investigation_opened_again_is_open(chain):
    lot, digest = chain.cast.lot, result_digest(chain, "PH")
    at = step_of_lot(chain, "results_concluded").at
    for minutes, act, by in (
        (10, OutOfSpecificationOpened(node=lot, investigation="OOS-1", result=digest), "demo-qc-reviewer-one"),
        (9, OutOfSpecificationClosed(node=lot, investigation="OOS-1", laboratory_error=False, conclusion="none"), "demo-qa-one"),
        (8, OutOfSpecificationOpened(node=lot, investigation="OOS-1", result=digest), "demo-qc-reviewer-one"),
    ):
        put(chain, act, by, at - timedelta(minutes=minutes))
    assert blocked_gates(at_conclusion(chain)) == {"QC-OOS"}


def test_failed_result_alone_opens_no_investigation_gate(chain):
    change_result(chain, "CD34", "2.1")
    assert "QC-OOS" not in blocked_gates(at_conclusion(chain))
