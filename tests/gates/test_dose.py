"""DOS gates at hold points G7, G11 and G12: tests of the prepared bag, cells, endotoxin, DMSO, volume, rate and cover."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from custody.domain.acts.bedside import CoverBound
from custody.domain.acts.study import StudyApproved
from custody.domain.criteria import content_from
from custody.domain.ids import CohortId, Digest
from custody.domain.terms import HoldPoint, Product
from custody.gates import evaluate
from custody.workflows.rehearsal.steps import STUDY
from tests.chain import Chain, blocked_gates, reasons
from tests.gates.lots import add_result, change_result, drop_result, finding, of_test, put, values
from tests.gates.test_exception import except_result

PREPARERS = ("demo-preparer-one", "demo-preparer-two")


def at_dose_release(chain: Chain, nth: int = 0):
    return chain.verdict_at(HoldPoint.DOSE_RELEASE, nth=nth)


def first_bag(chain: Chain):
    return chain.cast.dose_bags[0]


def dose_gates(verdict) -> set[str]:
    return {gate for gate in blocked_gates(verdict) if gate.startswith("DOS-")}


def with_settings(chain: Chain, **settings) -> None:
    """The study in force with other settings from the start."""

    proposal = chain.step("study_proposed").act
    content = json.loads(proposal.content)
    content["settings"] |= settings
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    content_from(text, 1)
    chain.change("study_proposed", content=text)
    chain.replace("study_approved", StudyApproved(study=STUDY, study_version=1, content_digest=Digest("0" * 64), confirmed_defaults=()))


def test_both_bags_of_the_valid_chain_are_released_one_by_one(chain):
    assert at_dose_release(chain).is_go
    assert at_dose_release(chain, nth=1).is_go


# ── DOS-TEST ──


@pytest.mark.parametrize("test", ["APP", "CCI", "LAB"])
def test_bag_without_one_of_its_own_tests_is_not_released(chain, test):
    chain.drop("result_recorded", where=of_test(chain.cast.dose, test, first_bag(chain)))
    assert blocked_gates(at_dose_release(chain)) == {"DOS-TEST"}
    assert values(at_dose_release(chain), "DOS-TEST") == {"tests": test}


@pytest.mark.parametrize(("test", "result"), [("APP", "clumps"), ("CCI", "leak"), ("LAB", "99")])
def test_bag_that_fails_one_of_its_own_tests_is_stopped_there_and_at_the_bed(chain, test, result):
    chain.change("result_recorded", where=of_test(chain.cast.dose, test, first_bag(chain)), result=result)
    assert blocked_gates(at_dose_release(chain)) == {"DOS-TEST"}
    assert blocked_gates(chain.verdict_at(HoldPoint.BEDSIDE)) == {"DOS-TEST"}


def test_result_of_another_bag_does_not_count(chain):
    chain.change("result_recorded", where=of_test(chain.cast.dose, "APP", first_bag(chain)), bag=chain.cast.bags[-1])
    assert blocked_gates(at_dose_release(chain)) == {"DOS-TEST"}


def test_result_that_names_no_bag_does_not_count(chain):
    chain.change("result_recorded", where=of_test(chain.cast.dose, "APP", first_bag(chain)), bag=None)
    assert blocked_gates(at_dose_release(chain)) == {"DOS-TEST"}


def test_second_bag_is_judged_by_its_own_tests(chain):
    second = chain.cast.dose_bags[1]
    chain.change("result_recorded", where=of_test(chain.cast.dose, "CCI", second), result="leak")
    assert at_dose_release(chain).is_go
    assert blocked_gates(at_dose_release(chain, nth=1)) == {"DOS-TEST"}
    assert blocked_gates(chain.verdict_at(HoldPoint.NEXT_BAG)) == {"DOS-TEST"}


def test_unit_of_the_label_check_that_cannot_be_converted_blocks(chain):
    chain.change("result_recorded", where=of_test(chain.cast.dose, "LAB", first_bag(chain)), unit="labels")
    assert blocked_gates(at_dose_release(chain)) == {"DOS-TEST"}
    assert reasons(at_dose_release(chain), "DOS-TEST") == {"unit_not_convertible"}


def test_extra_test_on_the_bag_that_fails_blocks(chain):
    where = of_test(chain.cast.dose, "APP", first_bag(chain))
    good = chain.step("result_recorded", where=where)
    gram = replace(good.act, test="GRAM", result="cocci seen", unit="")
    put(chain, gram, PREPARERS[0], good.at)
    assert blocked_gates(at_dose_release(chain)) == {"DOS-TEST"}


def test_low_viability_of_the_lot_is_inherited_by_the_bag(chain):
    change_result(chain, "VIA", "79.9")  # the lot stays released: this result came in another way
    assert blocked_gates(at_dose_release(chain)) == {"DOS-TEST"}
    assert values(at_dose_release(chain), "DOS-TEST") == {"test": "VIA", "seen": "79.9 %", "expected": "≥ 80.0 %"}


def test_late_sterility_failure_of_the_lot_is_no_test_of_the_bag(chain):
    add_result(chain, "STE", "growth", before="dose_allocated", nth=0)
    assert dose_gates(chain.verdict_at(HoldPoint.BEDSIDE)) == set()


def test_washed_bag_needs_every_test_of_column_x_on_itself(chain):
    with_settings(chain, preparation_mode="open_wash")
    assert "DOS-TEST" in blocked_gates(at_dose_release(chain))
    assert values(at_dose_release(chain), "DOS-TEST") == {"tests": "VOL"}


def test_phase_2_dose_needs_the_potency_of_its_lot(chain):
    chain.change("dose_requested", cohort=CohortId("P2"))
    chain.change("dose_allocated", cohort=CohortId("P2"))
    change_result(chain, "POT", "19.9")
    assert "DOS-TEST" in blocked_gates(at_dose_release(chain))
    assert values(at_dose_release(chain), "DOS-TEST")["test"] == "POT"
    change_result(chain, "POT", "20")
    assert "DOS-TEST" not in blocked_gates(at_dose_release(chain))


# ── DOS-CELLS ──


def test_cells_are_counted_in_the_planned_volume(chain):
    # 130 kg at 1e6/kg is 1.3e8: 32.5 ml of bags labelled 1.2e8 in 30 ml.
    change_result(chain, "CNT", "120")
    assert at_dose_release(chain).is_go
    change_result(chain, "CNT", "120.01")
    assert values(at_dose_release(chain), "DOS-CELLS") == {
        "seen": Decimal(156013000),
        "expected": Decimal(130000000),
        "tolerance_pct": Decimal(20),
    }


@pytest.mark.parametrize(("count", "blocked"), [("80", set()), ("79.99", {"DOS-TEST", "DOS-CELLS"})])
def test_too_few_cells_block_at_dose_release_and_at_the_bed(chain, count, blocked):
    change_result(chain, "CNT", count)
    assert dose_gates(at_dose_release(chain)) == blocked
    assert dose_gates(chain.verdict_at(HoldPoint.BEDSIDE)) == blocked


def test_count_that_is_only_a_bound_is_a_missing_fact(chain):
    change_result(chain, "CNT", ">= 95")
    assert reasons(at_dose_release(chain), "DOS-CELLS") == {"missing"}


def test_count_nobody_measured_is_a_missing_fact(chain):
    drop_result(chain, "CNT")
    assert dose_gates(at_dose_release(chain)) == {"DOS-TEST", "DOS-CELLS"}
    assert reasons(at_dose_release(chain), "DOS-CELLS") == {"missing"}


def test_count_in_cells_is_compared_with_the_label(chain):
    change_result(chain, "CNT", "1.08e8", "cells")
    assert at_dose_release(chain).is_go


def test_excepted_count_excepts_the_cells_of_its_dose(chain):
    change_result(chain, "CNT", "75")
    except_result(chain, "CNT")
    verdict = at_dose_release(chain)
    assert blocked_gates(verdict) == set()
    for gate in ("BAG-REL", "DOS-TEST", "DOS-CELLS"):
        assert type(finding(verdict, gate).outcome).__name__ == "Excepted"


def test_excepted_viability_does_not_except_the_count(chain):
    change_result(chain, "VIA", "75")
    except_result(chain, "VIA")
    change_result(chain, "CNT", "79")
    assert {"DOS-TEST", "DOS-CELLS"} <= blocked_gates(at_dose_release(chain))


def test_placebo_has_no_cells_to_count(chain):
    make_placebo(chain)
    verdict = at_dose_release(chain)
    assert dose_gates(verdict) == set()
    assert finding(verdict, "DOS-CELLS").outcome.note.code == "no_cells"
    assert finding(verdict, "DOS-DMSO").outcome.note.code == "no_dmso"


def make_placebo(chain: Chain) -> None:
    chain.change("lot_started", product=Product.PLACEBO, banks=(), vials_drawn=())
    chain.change("bags_filled", viable_cells_label=Decimal(0))
    add_result(chain, "OSM", "300", "mOsm/kg")


# ── DOS-ENDO and DOS-DMSO ──


def test_endotoxin_of_the_worst_hour_blocks_over_its_limit(chain):
    # 32.5 ml in 60 min all count: 20 EU/ml x 32.5 ml / 130 kg = 5.0 EU/kg.
    change_result(chain, "END", "20")
    assert "DOS-ENDO" not in blocked_gates(at_dose_release(chain))
    change_result(chain, "END", "20.01")
    assert values(at_dose_release(chain), "DOS-ENDO") == {"seen": Decimal("5.003"), "expected": Decimal("5.0")}


def test_longer_infusion_counts_only_its_worst_hour(chain):
    change_result(chain, "END", "20.01")
    chain.change("prescription_signed", planned_minutes=120, rate_ml_per_min=Decimal("0.27"))
    assert "DOS-ENDO" not in blocked_gates(at_dose_release(chain))


def test_endotoxin_counts_as_the_bound_of_its_result(chain):
    change_result(chain, "END", "< 20.01")
    assert "DOS-ENDO" in blocked_gates(at_dose_release(chain))


@pytest.mark.parametrize("result", [None, "> 0.1"])
def test_endotoxin_without_an_upper_bound_is_a_missing_fact(chain, result):
    if result is None:
        drop_result(chain, "END")
    else:
        change_result(chain, "END", result)
    assert reasons(at_dose_release(chain), "DOS-ENDO") == {"missing"}


def test_endotoxin_needs_the_prescription(chain):
    chain.drop("prescription_signed")
    assert {"DOS-ENDO", "DOS-VOL"} <= blocked_gates(at_dose_release(chain))
    assert reasons(at_dose_release(chain), "DOS-ENDO") == {"missing"}


def test_dmso_blocks_over_the_daily_limit(chain):
    # 32.5 ml x 10 % x 1.10 g/ml = 3.575 g; 130 kg.
    with_settings(chain, dmso_g_per_kg_day="0.0275")
    assert at_dose_release(chain).is_go
    with_settings(chain, dmso_g_per_kg_day="0.0274")
    assert blocked_gates(at_dose_release(chain)) == {"DOS-DMSO"}
    assert values(at_dose_release(chain), "DOS-DMSO") == {"seen": Decimal("3.575"), "expected": Decimal("3.562")}


def test_dmso_nobody_measured_is_a_missing_fact(chain):
    drop_result(chain, "CRY")
    assert reasons(at_dose_release(chain), "DOS-DMSO") == {"missing"}


# ── DOS-VOL ──


@pytest.mark.parametrize(
    ("setting", "last", "first_out", "reason"),
    [
        ("max_volume_ml", "32.5", "32.49", "volume_over_limit"),
        ("max_bags", 2, 1, "too_many_bags"),
    ],
)
def test_dose_at_its_limit_passes_and_beyond_it_blocks(chain, setting, last, first_out, reason):
    with_settings(chain, **{setting: last})
    assert chain.verdict_at(HoldPoint.ALLOCATION).is_go
    with_settings(chain, **{setting: first_out})
    assert blocked_gates(chain.verdict_at(HoldPoint.ALLOCATION)) == {"DOS-VOL"}
    assert reasons(chain.verdict_at(HoldPoint.ALLOCATION), "DOS-VOL") == {reason}


def test_fewer_bags_than_the_dose_needs_block_allocation(chain):
    chain.change("dose_allocated", bags=chain.cast.dose_bags[:1])
    assert blocked_gates(chain.verdict_at(HoldPoint.ALLOCATION)) == {"DOS-VOL"}
    assert values(chain.verdict_at(HoldPoint.ALLOCATION), "DOS-VOL") == {"seen": 1, "expected": 2}


def test_rate_over_its_limit_blocks_once_it_is_prescribed(chain):
    with_settings(chain, max_rate_ml_min="0.55")
    assert chain.verdict_at(HoldPoint.PREPARE).is_go
    with_settings(chain, max_rate_ml_min="0.54")
    assert chain.verdict_at(HoldPoint.ALLOCATION).is_go
    assert blocked_gates(chain.verdict_at(HoldPoint.PREPARE)) == {"DOS-VOL"}
    assert values(chain.verdict_at(HoldPoint.PREPARE), "DOS-VOL") == {"seen": Decimal("0.55"), "expected": Decimal("0.54")}


def test_minutes_that_need_a_faster_rate_than_prescribed_count(chain):
    with_settings(chain, max_rate_ml_min="1")
    chain.change("prescription_signed", planned_minutes=32)
    assert reasons(at_dose_release(chain), "DOS-VOL") == {"rate_over_limit"}


def test_bag_filled_to_another_volume_or_strength_than_planned_blocks(chain):
    chain.change("bags_filled", volume_ml=Decimal(29))
    assert reasons(chain.verdict_at(HoldPoint.ALLOCATION), "DOS-VOL") == {"bag_volume_differs"}
    chain.change("bags_filled", volume_ml=Decimal(30), viable_cells_label=Decimal(60000000))
    assert reasons(chain.verdict_at(HoldPoint.ALLOCATION), "DOS-VOL") == {"label_cells_differ"}


# ── DOS-COVER ──


def test_open_phase_needs_no_cover(chain):
    assert finding(at_dose_release(chain), "DOS-COVER").outcome.note.code == "not_blinded"


@pytest.fixture
def blinded(chain):
    """The dose of the chain in the blinded phase, its bags covered under labels of their own."""
    chain.change("dose_requested", cohort=CohortId("P2"))
    for n, bag in enumerate(chain.cast.dose_bags):
        cover = CoverBound(bag=bag, cover_label=f"COVER-{n}")
        put(chain, cover, PREPARERS, chain.step("bag_preparation_started", n).at + timedelta(minutes=5))
    return chain


def covers(chain: Chain) -> set[str]:
    return {f.outcome.reason.code for f in at_dose_release(chain).blocking if f.gate == "DOS-COVER"}


def test_covered_bag_passes_in_the_blinded_phase(blinded):
    assert covers(blinded) == set()


def test_uncovered_bag_is_blocked_in_the_blinded_phase(blinded):
    blinded.drop("cover_bound")
    assert covers(blinded) == {"not_covered"}


def test_one_cover_label_on_two_bags_is_blocked(blinded):
    blinded.change("cover_bound", nth=1, cover_label="COVER-0")
    case, now = blinded.case_at(HoldPoint.DOSE_RELEASE, nth=1)
    verdict = evaluate(HoldPoint.DOSE_RELEASE, case, now)
    assert reasons(verdict, "DOS-COVER") == {"cover_label_used_twice"}
