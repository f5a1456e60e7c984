"""Measures refuse what is no number, what has no plausible size, and never round."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.domain.measures import (
    BodyHeight,
    BodyWeight,
    CellCount,
    Celsius,
    Kilograms,
    Measure,
    Millilitres,
    MillilitresPerMinute,
    Minutes,
    Percent,
    ceiling,
    half_up,
    parse_decimal,
    rounded_up,
)
from custody.errors import InputError

EVERY_MEASURE = [Celsius, Percent, Millilitres, MillilitresPerMinute, Kilograms, BodyWeight, BodyHeight, Minutes, CellCount]


def test_number_keeps_the_decimals_it_was_written_with():
    assert str(Celsius.parse("2.00")) == "2.00 °C"
    assert Percent.parse("2.05").value == Decimal("2.05")


def test_typographic_minus_and_spaces_around_are_read():
    assert Celsius.parse(" \N{MINUS SIGN}119.0 ").value == Decimal("-119.0")
    assert Celsius.parse("+2.0").value == Decimal("2.0")


def test_body_weight_of_900_kg_is_refused_with_what_was_expected():
    with pytest.raises(InputError, match=r"900 kg is not plausible: expected 20 to 400 kg") as refused:
        BodyWeight.parse("900")
    assert refused.value.code == "implausible"
    assert refused.value.values["seen"] == "900"


def test_decimal_comma_is_named():
    with pytest.raises(InputError, match=r"“5,0” is not a number of °C: it has a comma; write the decimals after a point") as refused:
        Celsius.parse("5,0")
    assert refused.value.code == "decimal_comma"


@pytest.mark.parametrize(
    "text", ["", " ", "NaN", "nan", "inf", "-Infinity", "1e308", "1e3", "0x10", "5.", ".5", "5 °C", "--5", "٥", "1_000", "5\n6"]
)
@pytest.mark.parametrize("measure", [Celsius, Percent, Millilitres, BodyWeight])
def test_what_is_no_plain_number_is_refused(measure, text):
    with pytest.raises(InputError, match="expected digits with a decimal point"):
        measure.parse(text)


def test_long_nonsense_is_shown_shortened():
    with pytest.raises(InputError, match=r"x{40}…”"):
        parse_decimal("x" * 1000)


@pytest.mark.parametrize("measure", EVERY_MEASURE)
def test_bounds_are_plausible_and_the_next_value_outside_is_not(measure):
    assert measure(measure.lowest).value == measure.lowest
    assert measure(measure.highest).value == measure.highest
    for outside in (measure.lowest - Decimal("0.001"), measure.highest + Decimal("0.001")):
        with pytest.raises(InputError, match="is not plausible"):
            measure(outside)


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), Decimal("-Infinity")])
def test_decimal_that_is_no_finite_number_is_refused(value):
    with pytest.raises(InputError, match="is not plausible"):
        Celsius(value)


@pytest.mark.parametrize("text", ["61000000", "6.1e7", "6.1E+7", "6.1×10^7", "6.1 x 10^7", "6.1 * 10^7", "6.1x107"])
def test_cell_counts_are_read_in_the_ways_laboratories_write_them(text):
    assert CellCount.parse(text).value == 61_000_000


@pytest.mark.parametrize("text", ["1e308", "1e99", "6.1e-7"])
def test_implausible_cell_counts_are_refused(text):
    with pytest.raises(InputError, match=r"is not (plausible|a number)"):
        CellCount.parse(text)


def test_two_measures_compare_only_within_their_own_unit():
    assert Celsius(Decimal(2)) < Celsius(Decimal(8))
    assert Celsius(Decimal(2)) != Percent(Decimal(2))
    with pytest.raises(TypeError, match="not supported"):
        assert Celsius(Decimal(2)) < Percent(Decimal(8))


def test_every_measure_says_its_unit():
    assert all(measure.unit in str(measure(measure.highest)) for measure in EVERY_MEASURE)
    assert all(issubclass(measure, Measure) for measure in EVERY_MEASURE)


@given(st.fractions(), st.integers(0, 6))
def test_rounding_up_never_goes_below_nor_a_whole_step_above(value, places):
    written = rounded_up(value, places)
    assert 0 <= Fraction(written) - value < Fraction(1, 10**places)
    assert -written.as_tuple().exponent == places


@given(st.fractions())
def test_ceiling_is_the_next_whole_number(value):
    assert 0 <= ceiling(value) - value < 1


def test_half_goes_up():
    assert half_up(Decimal("66.05"), 1) == Decimal("66.1")
    assert half_up(Decimal("66.049"), 1) == Decimal("66.0")
