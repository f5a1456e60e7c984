"""Product codes, messages and the 29-character item id."""

import pytest

from custody.codes.isbt128_products import (
    CollectionUse,
    MessageEffect,
    mpho_id,
    product_symbol,
    read_label_message,
    read_mpho_id,
    read_product_code,
    read_product_divisions,
)
from custody.errors import UnreadableCodeError


@pytest.mark.parametrize(
    ("content", "description", "collection_type", "division", "pack"),
    [
        ("S12954A0", "S1295", "4", "A0", None),
        ("T1295003", "T1295", None, None, "003"),
        ("DX001VA0", "DX001", "V", "A0", None),
        ("T0416003", "T0416", None, None, "003"),
        ("S12340Ab", "S1234", "0", "Ab", None),
        ("YA001V00", "YA001", "V", "00", None),
        ("X0001V00", "X0001", "V", "00", None),
    ],
)
def test_product_code_is_read(content, description, collection_type, division, pack):
    product = read_product_code(content)
    assert (product.description_code, product.collection_type, product.division, product.pack_number) == (
        description,
        collection_type,
        division,
        pack,
    )
    assert product_symbol(content) == f"=<{content}"


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("S12954A", "capital letter, four"),
        ("s12954A0", "capital letter, four"),
        ("S12954A-", "capital letter, four"),
        ("T1295A03", "three digits"),
        ("X1001V00", "no group"),
        ("G1234V00", "no group"),
        ("Y0001V00", "no group"),
        ("S1295ZA0", "no collection type"),
        ("S12954aB", "a division is"),
        ("S12954AB", "a division is"),
    ],
)
def test_product_code_of_another_form_is_refused(content, match):
    with pytest.raises(UnreadableCodeError, match=match):
        read_product_code(content)


@pytest.mark.parametrize(
    ("letters", "use"),
    [
        ("Rr", CollectionUse.RESEARCH),
        ("1X", CollectionUse.DONOR_ONLY),
        ("2L3E", CollectionUse.NAMED_RECIPIENT),
        ("G", CollectionUse.EMERGENCY),
        ("0VP7", CollectionUse.ALLOGENEIC),
        ("ABCDFHJQSTds4568", CollectionUse.SITE_RULE),
    ],
)
def test_collection_type_says_for_whom_the_product_is(letters, use):
    assert {read_product_code(f"S1295{letter}00").use for letter in letters} == {use}


def test_tissue_has_no_collection_type():
    assert read_product_code("T1295003").use is None


@pytest.mark.parametrize(("content", "needed"), [("S1295499", True), ("P1295499", True), ("E1295499", False), ("S1295400", False)])
def test_division_99_of_cells_and_tissue_products_points_at_structure_032(content, needed):
    assert read_product_code(content).needs_product_divisions is needed


@pytest.mark.parametrize(
    ("content", "effect"),
    [
        ("Mq00", MessageEffect.BLOCK),
        ("Md00", MessageEffect.BLOCK),
        ("Mr00", MessageEffect.BLOCK),
        ("Mx00", MessageEffect.BLOCK),
        ("Mf00", MessageEffect.BLOCK),
        ("Mb00", MessageEffect.WARNING),
        ("Ma00", MessageEffect.RECIPIENT_CHECK),
        ("0000", MessageEffect.NO_GROUP),
        ("6200", MessageEffect.BLOOD_GROUP),
        ("T300", MessageEffect.BLOOD_GROUP),
        ("Mz00", MessageEffect.UNKNOWN),
    ],
)
def test_label_message_has_its_effect(content, effect):
    assert read_label_message(content).effect is effect


def test_published_blood_group_is_named_and_the_licensed_ones_are_not():
    assert read_label_message("6200").meaning == "A RhD positive"
    assert read_label_message("T300").meaning is None


def test_product_divisions_are_six_capitals_or_digits():
    assert read_product_divisions("000012") == "000012"
    for content in ("00012", "00001a", "0000-1"):
        with pytest.raises(UnreadableCodeError, match="six capital letters or digits"):
            read_product_divisions(content)


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (("A999921123456", "E0398", "A0", "A9999"), "A9999E0398A999921123456A00000"),
        (("A999924123457", "E3046", "00", "00000"), "00000E3046A999924123457000000"),
        (("A999926000001", "DX001", "A0", "A9999"), "A9999DX001A999926000001A00000"),
        (("A999917123456", "T0479", "000012", "A9997"), "A9997T0479A999917123456000012"),
    ],
)
def test_item_id_is_built_and_read(parts, text):
    assert mpho_id(*parts).text == text
    assert read_mpho_id(text) == mpho_id(*parts)


def test_item_id_needs_no_facility():
    assert mpho_id("A999924123457", "E3046", "00").facility == "00000"


@pytest.mark.parametrize("text", ["", "A9999E0398A999921123456A0000", "A9O99E0398A999921123456A00000", "A9999E0398A999921123456003"])
def test_item_id_of_another_form_is_refused(text):
    with pytest.raises(UnreadableCodeError, match="29 characters"):
        read_mpho_id(text)
