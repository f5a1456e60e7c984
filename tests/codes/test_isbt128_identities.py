"""The other ISBT 128 identities: printed vectors and their neighbours."""

import pytest

from custody.codes.isbt128_identities import (
    Consignment,
    FacilityIdentity,
    FacilityProduct,
    chain_of_identity_symbol,
    consignment_symbol,
    lot_symbol,
    padded,
    printed_check,
    read_chain_of_identity,
    read_consignment,
    read_donor,
    read_expiry_month,
    read_facility_product,
    read_grid,
    read_patient,
    read_staff,
    without_padding,
)
from custody.codes.isbt128_structures import structure
from custody.errors import UnreadableCodeError


def test_published_donor_is_read():
    assert read_donor("A99990000222244445555") == FacilityIdentity("A9999", "0000222244445555")


def test_staff_is_read():
    assert read_staff("A9999N00012") == FacilityIdentity("A9999", "N00012")


def test_published_facility_products_are_read():
    assert read_facility_product("A9999AB3456") == FacilityProduct("A9999", "AB3456", None)
    assert read_facility_product("A9997AB3456T0123") == FacilityProduct("A9997", "AB3456", "T0123")


def test_published_consignment_is_read_and_printed():
    consignment = read_consignment("A999917123450102")
    assert consignment == Consignment("A9999", 2017, 12345, 1, 2)
    assert consignment_symbol(consignment) == "=$A999917123450102"
    assert read_consignment("A999917123450002").box == 0


def test_published_lot_number_keeps_its_padding_and_shows_none():
    assert lot_symbol("5434RZ") == "&,10000000000005434RZ"
    assert padded("5434RZ") == "0000000000005434RZ"
    assert without_padding("0000000000005434RZ") == "5434RZ"


def test_published_grid_is_read():
    assert read_grid("6939DKM001392612726") == "6939DKM001392612726"


def test_patient_is_read():
    patient = read_patient("0105ABC12")
    assert (patient.location, patient.number) == ("01", "ABC12")


def test_expiry_month_is_read():
    assert read_expiry_month("202801") == "202801"


def test_chain_of_identity_is_printed_with_its_check_character():
    assert chain_of_identity_symbol("CHA999926000001") == "&/CHA999926000001"
    assert printed_check(structure(40, "CHA999926000001")) == "*"


def test_check_character_is_due_only_where_the_standard_says_so():
    assert printed_check(structure(19, "A99990000222244445555")) == "G"
    assert not printed_check(structure(35, "0000000000005434RZ"))


@pytest.mark.parametrize(
    ("read", "content", "match"),
    [
        (read_donor, "A9999000022224444555X", "donor"),
        (read_donor, "O99990000222244445555", "donor"),
        (read_staff, "A9999n00012", "staff"),
        (read_facility_product, "A9999AB345", "processing facility"),
        (read_facility_product, "A9999AB3456t0123", "processing facility"),
        (read_consignment, "A99991712345010", "consignment"),
        (read_consignment, "A999917123450302", "box 3 of 2"),
        (read_patient, "0100", "no number"),
        (read_expiry_month, "202813", "month from 01 to 12"),
        (read_expiry_month, "202800", "month from 01 to 12"),
        (read_grid, "6939DKM00139261272", "GRID"),
        (read_grid, "6939DKM001392612727", "check digits do not belong"),
        (read_grid, "6939DKM001392612826", "check digits do not belong"),
        (read_chain_of_identity, "CXA999926000001", "Chain of Identity"),
        (read_chain_of_identity, "CHA9999260000", "Chain of Identity"),
        (padded, "", "1 to 18"),
        (padded, "A" * 19, "1 to 18"),
        (padded, "A-1", "1 to 18"),
    ],
)
def test_identity_of_another_form_is_refused(read, content, match):
    with pytest.raises(UnreadableCodeError, match=match):
        read(content)


def test_consignment_that_would_read_as_another_cannot_be_printed():
    with pytest.raises(UnreadableCodeError, match="2000 to 2099"):
        consignment_symbol(Consignment("A9999", 2117, 12345, 1, 2))
