"""The Single European Code, field by field."""

from datetime import date

import pytest

from custody.codes.sec import CodingSystem, read_donation_sequence, read_printed_sec, read_product_sequence, read_sec
from custody.errors import UnreadableCodeError


def test_published_code_is_read_field_by_field():
    code = read_printed_sec("PL001499Z549917123456 A00T041600320171231")
    assert (code.donation.country, code.donation.establishment, code.donation.donation_number) == ("PL", "001499", "Z549917123456")
    assert (code.product.system, code.product.product, code.product.split) == (CodingSystem.ISBT_128, "00T0416", "003")
    assert code.product.expires_on == date(2017, 12, 31)


def test_symbol_form_is_read_and_made():
    code = read_sec("PL001499Z549917123456A00T041600320181231")
    assert code.symbol == "&,4PL001499Z549917123456A00T041600320181231"
    assert code.printed == "SEC: PL001499Z549917123456 A00T041600320181231"


@pytest.mark.parametrize(
    ("text", "split", "expires_on"),
    [
        ("SEC: DK001122V000217133133 A00T017400020220620", "000", date(2022, 6, 20)),
        ("IE0TE999R019917123456\nA00S138400020170110", "000", date(2017, 1, 10)),
        ("IE0TE999R019917123456 A00S138400000000000", "000", None),
    ],
)
def test_printed_forms_are_read(text, split, expires_on):
    code = read_printed_sec(text)
    assert (code.product.split, code.product.expires_on) == (split, expires_on)
    assert read_sec(code.content) == code


def test_product_halves_are_read_alone():
    division = read_product_sequence("A00S14160Ab20161231")
    assert (division.product, division.split, division.text) == ("00S1416", "0Ab", "A00S14160Ab20161231")
    eutc = read_product_sequence("E000005300120161231")
    assert (eutc.system, eutc.product, eutc.split) == (CodingSystem.EUTC, "0000053", "001")


def test_donation_half_is_read_alone_for_a_cord_that_goes_to_its_manufacturer():
    assert read_donation_sequence("PL001499Z549917123456").text == "PL001499Z549917123456"


def test_expiry_in_the_first_years_keeps_its_zeros():
    assert read_product_sequence("B000005300100010101").text == "B000005300100010101"


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("", "donation half"),
        ("P1001499Z549917123456A00T041600320181231", "donation half"),
        ("pl001499Z549917123456A00T041600320181231", "donation half"),
        ("PL001499Z549917123456A00T04160032018123", "product half"),
        ("PL001499Z549917123456C00T041600320181231", "product half"),
        ("PL001499Z549917123456A00T0416003201812310", "product half"),
        ("PL001499Z549917123456A01T041600320181231", "another form"),
        ("PL001499Z549917123456A00T04160aB20181231", "another form"),
        ("PL001499Z549917123456A00T041600320181331", "does not exist"),
        ("PL001499Z549917123456A00T041600320190229", "does not exist"),
    ],
)
def test_code_with_a_wrong_field_is_refused(content, match):
    with pytest.raises(UnreadableCodeError, match=match):
        read_sec(content)


@pytest.mark.parametrize("text", ["PL001499Z549917123456A00T041600320171231", "SEC:PL001499Z549917123456 A00T041600320171231", ""])
def test_printed_form_without_its_gap_is_refused(text):
    with pytest.raises(UnreadableCodeError, match="21 characters, a space, and 19"):
        read_printed_sec(text)
