"""Which of several results of one test counts (rules section 7): retests, investigations, interim readings."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.domain.acts.quality import OutOfSpecificationClosed, OutOfSpecificationOpened
from custody.domain.folds.base import MissingFact
from custody.domain.folds.judged import shown_limit
from custody.domain.folds.lot import LotFold
from custody.domain.folds.results import Results
from custody.domain.folds.study import StudyFold
from custody.domain.quality import NumberLimit, TextLimit
from custody.workflows.rehearsal.steps import STUDY
from tests.chain import Chain
from tests.gates.lots import add_result, change_result, drop_result, of_test, put, result_digest, step_of_lot


def results_of(chain: Chain) -> Results:
    memory = chain.played()
    dossier = memory.dossier(chain.cast.lot, STUDY)
    return LotFold(dossier, chain.cast.lot, StudyFold(dossier, STUDY)).results


def fail_and_retest(chain: Chain, *, laboratory_error: bool, retest: str = "92", closed: bool = True, named: str = "OOS-1") -> None:
    """A viability of 79.9 %, its investigation, and a retest."""
    change_result(chain, "VIA", "79.9")
    lot, first = chain.cast.lot, result_digest(chain, "VIA")
    at = step_of_lot(chain, "result_reviewed").at
    opened = OutOfSpecificationOpened(node=lot, investigation="OOS-1", result=first)
    put(chain, opened, "demo-qc-reviewer-one", at - timedelta(hours=3))
    add_result(chain, "VIA", retest, "%", minutes=120, retest_of=first, investigation=named)
    if closed:
        end = OutOfSpecificationClosed(node=lot, investigation="OOS-1", laboratory_error=laboratory_error, conclusion="written")
        put(chain, end, "demo-qa-one", at - timedelta(hours=1))


def test_retest_counts_when_the_investigation_found_a_laboratory_error(chain):
    fail_and_retest(chain, laboratory_error=True)
    test = results_of(chain).tests["VIA"]
    assert test.passed
    assert [r.set_aside for r in test.results] == [True, False]


@pytest.mark.parametrize(
    "broken", [{"laboratory_error": False}, {"laboratory_error": True, "closed": False}, {"laboratory_error": True, "named": "OOS-2"}]
)
def test_first_result_stands_without_a_closed_investigation_that_names_the_retest_and_the_error(chain, broken):
    fail_and_retest(chain, **broken)
    assert results_of(chain).tests["VIA"].failed


def test_failed_retest_fails(chain):
    fail_and_retest(chain, laboratory_error=True, retest="79.9")
    assert results_of(chain).tests["VIA"].failed


def test_laboratory_error_without_a_retest_sets_nothing_aside(chain):
    fail_and_retest(chain, laboratory_error=True)
    chain.drop("result_recorded", where=lambda act: act.retest_of is not None)
    assert results_of(chain).tests["VIA"].failed


def test_good_result_after_a_failed_one_does_not_average_it_away(chain):
    change_result(chain, "VIA", "79.9")
    add_result(chain, "VIA", "99", "%")
    assert results_of(chain).tests["VIA"].failed


def test_result_without_a_verdict_stands_beside_a_good_one(chain):
    change_result(chain, "END", "0.1", "ng/ml")
    add_result(chain, "END", "0.1", "EU/ml")
    test = results_of(chain).tests["END"]
    assert not test.passed
    assert test.counts is not None
    assert test.counts.judgement.reason == "unit_unconvertible"


def test_interim_reading_does_not_spoil_the_final_one(chain):
    taken_at = chain.step("sample_taken", where=lambda act: act.node == chain.cast.lot).act.taken_at
    add_result(chain, "STE", "no growth")
    chain.change("result_recorded", nth=-1, where=of_test(chain.cast.lot, "STE"), read_at=taken_at + timedelta(days=2))
    assert results_of(chain).tests["STE"].passed


@given(values=st.lists(st.decimals(min_value=60, max_value=100, places=1), min_size=1, max_size=4))
def test_test_passes_only_when_no_standing_result_fails(values):
    chain = Chain()
    drop_result(chain, "VIA")
    for n, value in enumerate(values):
        add_result(chain, "VIA", str(value), "%", minutes=10 - n)
    assert results_of(chain).tests["VIA"].passed is (min(values) >= 80)


def test_measured_number_is_in_the_unit_of_the_limit(chain):
    change_result(chain, "CNT", "1.08e8", "cells")
    assert results_of(chain).measured("CNT") == Decimal(90)


def test_measured_number_is_missing_when_there_is_only_a_bound_or_nothing(chain):
    change_result(chain, "END", "< 0.05")
    assert results_of(chain).at_most("END") == Decimal("0.05")
    with pytest.raises(MissingFact, match="result_end"):
        results_of(chain).measured("END")
    drop_result(chain, "END")
    with pytest.raises(MissingFact, match="result_end"):
        results_of(chain).at_most("END")
    with pytest.raises(MissingFact, match="result_nonsense"):
        results_of(chain).at_most("NONSENSE")


@pytest.mark.parametrize(
    ("limit", "shown"),
    [
        (NumberLimit(unit="%", lowest=Decimal("80.0")), "≥ 80.0 %"),
        (NumberLimit(unit="EU/ml", highest=Decimal("0.5")), "≤ 0.5 EU/ml"),
        (NumberLimit(unit="ml", lowest=Decimal("28.5"), highest=Decimal("31.5")), "28.5–31.5 ml"),
        (TextLimit(accepted=("46,XX", "46,XY")), "46,XX / 46,XY"),
    ],
)
def test_limits_are_shown_as_people_write_them(limit, shown):
    assert shown_limit(limit) == shown
