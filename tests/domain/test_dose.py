"""Dose arithmetic: every printed vector, both sides of every limit."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.domain.dose import (
    RatePlan,
    cells_within_tolerance,
    dmso_grams,
    dmso_within_limit,
    endotoxin_eu_per_kg,
    highest_dose_fits,
    plan_dose,
    predicted_weight,
    rounded_weight,
    worst_hour_ml,
)
from custody.errors import InputError


def dose(cells_per_kg, weight_kg, cells_per_bag, bag_rounding_pct="5", **more):
    return plan_dose(
        cells_per_kg=Decimal(cells_per_kg),
        weight_kg=Decimal(weight_kg),
        cells_per_bag=Decimal(cells_per_bag),
        bag_ml=Decimal(30),
        bag_rounding_pct=Decimal(bag_rounding_pct),
        **more,
    )


@pytest.mark.parametrize(
    ("asked", "target", "bags", "ml"),
    [
        ((10**6, "60", 6 * 10**7, "5"), 6 * 10**7, 1, "30"),
        ((10**6, "61", 6 * 10**7, "5"), 61 * 10**6, 1, "30"),
        ((10**6, "61", 6 * 10**7, "0"), 61 * 10**6, 2, "30.5"),
        ((5 * 10**6, "70", 10**8, "5"), 35 * 10**7, 4, "105"),
        ((10 * 10**6, "70", 10**8, "5"), 70 * 10**7, 7, "210"),
    ],
)
def test_printed_dose_vectors(asked, target, bags, ml):
    plan = dose(*asked)
    assert (plan.target_cells, plan.bag_count, plan.volume_ml) == (target, bags, Decimal(ml))


def test_one_bag_for_61_kg_is_98_4_percent_of_the_dose():
    assert dose(10**6, "61", 6 * 10**7).percent_of_target == Decimal("98.4")
    assert dose(10**6, "61", 6 * 10**7, "0").percent_of_target == 100


def test_last_bag_is_opened_for_exactly_the_share_and_not_for_less():
    # 100 kg × 1e6 = 1e8; with 9.5e7 a bag the last one would give exactly 5 %.
    assert dose(10**6, "100", 95 * 10**6, "5").bag_count == 2
    assert dose(10**6, "100", 95 * 10**6, "5.01").bag_count == 1


def test_a_single_bag_is_always_opened():
    assert dose(10**6, "60", 10**13, "5").bag_count == 1


def test_cap_lowers_the_target():
    assert dose(10**6, "100", 6 * 10**7, cells_max=Decimal(9 * 10**7)).target_cells == 9 * 10**7
    assert dose(10**6, "80", 6 * 10**7, cells_max=Decimal(9 * 10**7)).target_cells == 8 * 10**7


@pytest.mark.parametrize("wrong", [{"cells_per_kg": 0}, {"cells_per_bag": 0}, {"cells_per_bag": -1}, {"cells_max": Decimal(0)}])
def test_dose_without_cells_cannot_be_planned(wrong):
    with pytest.raises(InputError, match="a dose cannot be planned with"):
        dose(**{"cells_per_kg": 10**6, "weight_kg": "60", "cells_per_bag": 6 * 10**7} | wrong)


@given(
    st.decimals("20", "400", places=3),
    st.sampled_from([10**6, 5 * 10**6, 10**7]),
    st.integers(10**7, 10**10),
    st.decimals("0", "20", places=1),
)
def test_bags_cover_the_dose_except_for_less_than_the_rounding_share(weight, per_kg, per_bag, pct):
    plan = plan_dose(
        cells_per_kg=Decimal(per_kg), weight_kg=weight, cells_per_bag=Decimal(per_bag), bag_ml=Decimal(30), bag_rounding_pct=pct
    )
    capacity = plan.bag_count * per_bag
    short = plan.target_cells - plan.planned_cells
    assert plan.bag_count >= 1
    assert plan.planned_cells == min(plan.target_cells, capacity)
    assert short == 0 or short * 100 < pct * plan.target_cells
    assert (plan.bag_count - 1) * per_bag < plan.target_cells
    assert plan.volume_ml <= 30 * plan.bag_count
    assert 0 <= Fraction(plan.volume_ml) - Fraction(30 * plan.planned_cells) / per_bag < Fraction(1, 100)


@pytest.mark.parametrize(("sex", "cm", "kg"), [("male", "170", "66.0"), ("female", "160", "52.4")])
def test_printed_predicted_weights(sex, cm, kg):
    assert predicted_weight(sex, Decimal(cm)) == Decimal(kg)


@pytest.mark.parametrize("sex", ["", "Male", "m", "other"])
def test_other_words_for_sex_are_refused(sex):
    with pytest.raises(InputError, match="expected female or male"):
        predicted_weight(sex, Decimal(170))


@pytest.mark.parametrize("cm", ["99.9", "250.1", "1.70", "NaN"])
def test_implausible_height_is_refused(cm):
    with pytest.raises(InputError, match="is not plausible"):
        predicted_weight("male", Decimal(cm))


def test_weight_is_rounded_to_a_tenth_before_anything_else():
    assert rounded_weight(Decimal("60.05")) == Decimal("60.1")
    assert rounded_weight(Decimal("60.049")) == Decimal("60.0")
    assert dose(10**6, "60.05", 6 * 10**7).target_cells == 60_100_000


@pytest.mark.parametrize("kg", ["900", "19.9", "0", "-60"])
def test_implausible_weight_is_refused(kg):
    with pytest.raises(InputError, match="is not plausible"):
        rounded_weight(Decimal(kg))


@pytest.mark.parametrize(("measured", "within"), [("80", True), ("79.9", False), ("120", True), ("120.1", False), ("100", True)])
def test_cells_within_twenty_percent_of_the_dose(measured, within):
    assert cells_within_tolerance(Decimal(measured), Decimal(100), Decimal(20)) is within


def test_printed_endotoxin_vectors():
    hour = RatePlan(volume_ml=Decimal(210), minutes=Decimal(60), slow_minutes=Decimal(15), slow_share=Decimal("0.5"))
    assert endotoxin_eu_per_kg(Decimal("0.5"), worst_hour_ml(hour), Decimal(70)) == Decimal("1.5")
    assert endotoxin_eu_per_kg(Decimal("2.0"), worst_hour_ml(hour), Decimal(70)) == Decimal("6.0")


def test_shorter_infusion_counts_whole_as_the_worst_hour():
    assert worst_hour_ml(RatePlan(volume_ml=Decimal(210), minutes=Decimal(30), slow_minutes=Decimal(15), slow_share=Decimal("0.5"))) == 210


def test_endotoxin_just_over_the_limit_is_not_rounded_onto_it():
    assert endotoxin_eu_per_kg(Decimal("1.666667"), Decimal(210), Decimal(70)) > 5
    assert endotoxin_eu_per_kg(Decimal("1.666666"), Decimal(210), Decimal(70)) == 5


@pytest.mark.parametrize("wrong", [("-0.1", "10"), ("0.1", "-10")])
def test_negative_endotoxin_or_volume_is_refused(wrong):
    with pytest.raises(InputError, match="expected 0 or more"):
        endotoxin_eu_per_kg(Decimal(wrong[0]), Decimal(wrong[1]), Decimal(70))


def test_printed_dmso_vector():
    grams = dmso_grams(Decimal(210), Decimal(10))
    assert grams == Decimal("23.1")
    assert dmso_within_limit(grams, Decimal(70), Decimal("1.0"))


def test_dmso_limit_is_inclusive_and_negative_amounts_are_refused():
    assert dmso_within_limit(Decimal(70), Decimal(70), Decimal("1.0"))
    assert not dmso_within_limit(Decimal("70.01"), Decimal(70), Decimal("1.0"))
    with pytest.raises(InputError, match="expected 0 or more"):
        dmso_grams(Decimal(-1), Decimal(10))
    with pytest.raises(InputError, match="expected 0 or more"):
        dmso_grams(Decimal(1), Decimal(-10))


def test_first_quarter_of_an_hour_runs_at_half_the_mean_rate_and_the_rest_makes_up_for_it():
    rates = RatePlan(volume_ml=Decimal(300), minutes=Decimal(60), slow_minutes=Decimal(15), slow_share=Decimal("0.5"))
    assert rates.mean_ml_per_min == 5
    assert rates.slow_ml_per_min_max == Decimal("2.5")
    assert rates.peak_ml_per_min == Decimal("5.834")
    assert rates.given_by(Decimal(15)) == Fraction("37.5")
    assert rates.given_by(Decimal(60)) == 300


@pytest.mark.parametrize(
    ("minutes", "slow_minutes", "slow_share", "volume_ml", "seen"),
    [
        ("15", "15", "0.5", "30", "cannot start with 15 slow minutes"),
        ("60", "-1", "0.5", "30", "cannot start with -1 slow minutes"),
        ("60", "15", "0", "30", "no rate for 30 ml"),
        ("60", "15", "1.1", "30", "no rate for 30 ml"),
        ("60", "15", "0.5", "0", "no rate for 0 ml"),
    ],
)
def test_impossible_rates_are_refused(minutes, slow_minutes, slow_share, volume_ml, seen):
    with pytest.raises(InputError, match=seen):
        RatePlan(volume_ml=Decimal(volume_ml), minutes=Decimal(minutes), slow_minutes=Decimal(slow_minutes), slow_share=Decimal(slow_share))


@given(st.integers(1, 300), st.integers(16, 180), st.integers(0, 15))
def test_no_other_hour_takes_more_than_the_worst_hour(volume, minutes, slow):
    rates = RatePlan(volume_ml=Decimal(volume), minutes=Decimal(minutes), slow_minutes=Decimal(slow), slow_share=Decimal("0.5"))
    worst = worst_hour_ml(rates)
    for start in range(max(minutes - 60, 0) + 1):
        end = min(start + 60, minutes)
        assert rates.given_by(Decimal(end)) - rates.given_by(Decimal(start)) <= Fraction(worst)


def fit(cells_per_bag, **changed):
    limits = {
        "cells_per_kg": (Decimal(10**6), Decimal(10**7), Decimal(5 * 10**6)),
        "weight_kg": Decimal(120),
        "cells_per_bag": Decimal(cells_per_bag),
        "bag_ml": Decimal(30),
        "bag_rounding_pct": Decimal(5),
        "volume_ml_max": Decimal(300),
        "bag_count_max": 10,
        "rate_ml_per_min_max": Decimal(6),
        "minutes_max": Decimal(80),
    }
    return highest_dose_fits(**limits | changed)


def test_bags_of_1_2e8_cells_just_fit_the_highest_dose_at_120_kg():
    seen = fit(12 * 10**7)
    assert seen.fits
    assert (seen.plan.bag_count, seen.plan.volume_ml) == (10, 300)


def test_weaker_bags_do_not_fit():
    assert fit(10**8).misses == ("volume", "bags")
    assert fit(119 * 10**6).fits  # 10 bags give 99.2 %, and the eleventh is not opened for so little
    assert fit(119 * 10**6, bag_rounding_pct=Decimal(0)).misses == ("volume", "bags")


def test_bags_and_rate_are_checked_on_their_own():
    assert fit(12 * 10**7, bag_count_max=9).misses == ("bags",)
    assert fit(12 * 10**7, minutes_max=Decimal(50)).fits
    assert fit(12 * 10**7, minutes_max=Decimal("49.9")).misses == ("rate",)


def test_study_without_a_dose_is_refused():
    with pytest.raises(InputError, match="names no dose"):
        fit(12 * 10**7, cells_per_kg=())
