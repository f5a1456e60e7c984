"""A QC result is judged by exact decimals, its unit, its qualifier and the study's rounding."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.domain.quality import (
    Judgement,
    Rounding,
    at_least,
    at_most,
    between,
    equals_text,
    judge,
    percent_of_label,
    rounded_like,
)
from custody.errors import InputError

STRICT, HALF_UP, HALF_EVEN = Rounding.STRICT, Rounding.HALF_UP, Rounding.HALF_EVEN


@pytest.mark.parametrize(
    ("raw", "limit", "passes"),
    [
        ("2.00", at_most(Decimal("2.0"), "%"), (True, True, True)),
        ("2.04", at_most(Decimal("2.0"), "%"), (False, True, True)),
        ("2.05", at_most(Decimal("2.0"), "%"), (False, False, True)),
        ("79.95", at_least(Decimal("80.0"), "%"), (False, True, True)),
    ],
)
def test_printed_rounding_vectors(raw, limit, passes):
    assert tuple(judge(raw, "%", limit, rounding).passed for rounding in (STRICT, HALF_UP, HALF_EVEN)) == passes


@pytest.mark.parametrize(
    ("raw", "passed", "reason"),
    [
        ("< 0.05", True, "within"),
        ("<0.6", False, "undecidable"),
        ("< 0.5", True, "within"),
        ("≤ 0.5", True, "within"),
        ("<= 0.51", False, "undecidable"),
    ],
)
def test_detection_limit_is_the_upper_bound_of_the_value(raw, passed, reason):
    seen = judge(raw, "EU/ml", at_most(Decimal("0.5"), "EU/ml"))
    assert (seen.passed, seen.reason) == (passed, reason)
    assert seen.qualifier in {"<", "≤"}


@pytest.mark.parametrize(
    ("raw", "passed", "reason"),
    [
        ("> 80", True, "within"),
        ("≥80.0", True, "within"),
        (">= 79", False, "undecidable"),
        ("> 79.9", False, "undecidable"),
        ("< 79", False, "below"),
        ("< 90", False, "undecidable"),
        ("＞ 80", True, "within"),
    ],
)
def test_qualifiers_against_a_lowest_value(raw, passed, reason):
    seen = judge(raw, "%", at_least(Decimal("80.0"), "%"))
    assert (seen.passed, seen.reason) == (passed, reason)


@pytest.mark.parametrize(("raw", "reason"), [("> 2.1", "above"), ("> 1.0", "undecidable"), ("≥ 2.0", "undecidable")])
def test_lower_bound_never_passes_a_highest_value(raw, reason):
    seen = judge(raw, "%", at_most(Decimal("2.0"), "%"))
    assert (seen.passed, seen.reason) == (False, reason)


@pytest.mark.parametrize(
    ("raw", "passed", "reason"),
    [
        ("28.5", True, "within"),
        ("31.5", True, "within"),
        ("28.4", False, "below"),
        ("31.6", False, "above"),
        ("< 30", False, "undecidable"),
        ("> 30", False, "undecidable"),
    ],
)
def test_range_includes_both_its_ends(raw, passed, reason):
    seen = judge(raw, "ml", between(Decimal("28.5"), Decimal("31.5"), "ml"))
    assert (seen.passed, seen.reason) == (passed, reason)


@pytest.mark.parametrize(("raw", "passed"), [("2.1", False), ("2.0", True), ("0.0", True)])
def test_cd34_of_2_1_percent_fails(raw, passed):
    assert judge(raw, "%", at_most(Decimal("2.0"), "%")).passed is passed


@pytest.mark.parametrize(("raw", "passed"), [("79.9", False), ("80.0", True), ("80.1", True)])
def test_viability_of_79_9_percent_fails(raw, passed):
    assert judge(raw, "%", at_least(Decimal("80.0"), "%")).passed is passed


@pytest.mark.parametrize(("raw", "passed"), [("0.51", False), ("0.50", True), ("0.5", True)])
def test_endotoxin_of_0_51_fails(raw, passed):
    assert judge(raw, "EU/ml", at_most(Decimal("0.5"), "EU/ml")).passed is passed


@pytest.mark.parametrize("raw", ["", "  ", "\t\n"])
@pytest.mark.parametrize("limit", [at_most(Decimal("0.5"), "EU/ml"), equals_text("not detected")])
def test_no_result_is_not_passed(raw, limit):
    assert judge(raw, "EU/ml", limit) == Judgement(passed=None, reason="missing")


@pytest.mark.parametrize("raw", ["0,5", "about 2", "NaN", "1e308", "2.0 2.1", "<", "< <2", "0.5 EU"])
def test_text_where_a_number_is_due_gets_no_verdict(raw):
    seen = judge(raw, "%", at_most(Decimal("2.0"), "%"))
    assert (seen.passed, seen.reason) == (None, "number_unreadable")


@pytest.mark.parametrize("unit", ["", "EU/mg", "ng/ml", "cells", "EU"])
def test_unit_nobody_can_convert_gets_no_verdict(unit):
    seen = judge("0.1", unit, at_most(Decimal("0.5"), "EU/ml"))
    assert (seen.passed, seen.reason, seen.number) == (None, "unit_unconvertible", None)


@pytest.mark.parametrize(
    ("raw", "unit", "limit", "number"),
    [
        ("0.4", "IU/mL", at_most(Decimal("0.5"), "EU/ml"), Decimal("0.4")),
        ("0.853", "fraction", at_least(Decimal("80.0"), "%"), Decimal("85.3")),
        ("97", "percent", at_least(Decimal("95.0"), "%"), Decimal(97)),
        ("0.049", "µg", at_most(Decimal(50), "ng"), Decimal(49)),
        ("0.049", "ug", at_most(Decimal(50), "ng"), Decimal(49)),
        ("1500", "pg", at_most(Decimal(50), "ng"), Decimal("1.5")),
        ("300", "mosmol/kg", between(Decimal(260), Decimal(340), "mOsm/kg"), Decimal(300)),
        ("7.2", "pH", between(Decimal("6.8"), Decimal("7.6"), "pH"), Decimal("7.2")),
    ],
)
def test_units_on_the_conversion_list_are_converted(raw, unit, limit, number):
    seen = judge(raw, unit, limit)
    assert seen.passed is True
    assert seen.number == number


def test_conversion_can_turn_a_pass_into_a_fail():
    assert judge("0.051", "µg", at_most(Decimal(50), "ng")).passed is False


@pytest.mark.parametrize(("raw", "unit"), [("-3", "EU/ml"), ("-0.1", "EU/ml")])
def test_negative_result_gets_no_verdict_even_below_the_limit(raw, unit):
    seen = judge(raw, unit, at_most(Decimal("0.5"), "EU/ml"))
    assert (seen.passed, seen.reason) == (None, "implausible")


def test_more_than_a_hundred_percent_gets_no_verdict():
    assert judge("100.1", "%", at_least(Decimal("80.0"), "%")).reason == "implausible"
    assert judge("100.0", "%", at_least(Decimal("80.0"), "%")).passed is True


@pytest.mark.parametrize(
    ("raw", "passed"),
    [("4.8e7", True), ("47999999", False), ("7.2 x 10^7", True), ("72000001", False), ("6e7", True)],
)
def test_cell_count_is_judged_as_exact_percent_of_its_label(raw, passed):
    assert judge(raw, "cells", percent_of_label(Decimal(80), Decimal(120)), label=Decimal(60_000_000)).passed is passed


def test_percent_of_label_takes_percents_and_needs_a_label_for_cells():
    limit = percent_of_label(Decimal(80))
    assert judge("104", "%", limit).passed is True
    assert judge("79.9", "% of label", limit).passed is False
    for label in (None, Decimal(0)):
        assert judge("6e7", "cells", limit, label=label).reason == "label_missing"


def test_number_that_does_not_end_is_judged_exactly_and_shown_with_nine_decimals():
    seen = judge("1", "cells", percent_of_label(Decimal("33.3333333333")), label=Decimal(3))
    assert seen.passed is True
    assert seen.number == Decimal("33.333333333")


@pytest.mark.parametrize(
    ("raw", "passed"),
    [("No growth", True), (" no  GROWTH ", True), ("growth", False), ("no growth seen by A", False), ("pending", False)],
)
def test_words_are_compared_without_capitals_and_spaces(raw, passed):
    seen = judge(raw, "", equals_text("no growth"))
    assert (seen.passed, seen.reason) == (passed, "text_equal" if passed else "text_differs")


def test_several_accepted_words():
    karyotype = equals_text("normal 46,XX", "normal 46,XY")
    assert judge("normal 46,xy", "", karyotype).passed is True
    assert judge("47,XY,+8", "", karyotype).passed is False


def test_limits_that_admit_nothing_or_everything_are_refused():
    with pytest.raises(InputError, match="needs a lowest or a highest value"):
        between(None, None, "%")
    with pytest.raises(InputError, match="admits nothing"):
        between(Decimal(9), Decimal(8), "%")
    for words in ((), ("  ",)):
        with pytest.raises(InputError, match="needs the words it accepts"):
            equals_text(*words)


@given(st.decimals(0, 200, places=4, allow_nan=False), st.integers(0, 3))
def test_rounding_agrees_with_the_decimal_module(value, places):
    bound = Decimal(2).quantize(Decimal(1).scaleb(-places))
    assert rounded_like(Fraction(value), bound, HALF_UP) == Fraction(value.quantize(bound, rounding=ROUND_HALF_UP))
    assert rounded_like(Fraction(value), bound, HALF_EVEN) == Fraction(value.quantize(bound, rounding=ROUND_HALF_EVEN))
    assert rounded_like(Fraction(value), bound, STRICT) == Fraction(value)


@given(st.decimals(0, 100, places=2), st.decimals(0, 100, places=1))
def test_strict_verdict_is_plain_comparison(value, bound):
    assert judge(str(value), "%", at_least(bound, "%")).passed is (value >= bound)
    assert judge(str(value), "%", at_most(bound, "%")).passed is (value <= bound)
    assert judge(f"<{value}", "%", at_most(bound, "%")).passed is (value <= bound)
    assert judge(f"<{value}", "%", at_least(bound, "%")).passed is False
