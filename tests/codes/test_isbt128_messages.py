"""Structures, pairs and compound messages of ISBT 128: the accepted and the rejected texts of the standard."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.codes.isbt128 import read_isbt128, values_of
from custody.codes.isbt128_compound import compound_symbol
from custody.codes.isbt128_structures import DATA_IDENTIFIERS, structure, take_structure
from custody.errors import UnreadableCodeError


def numbers_of(text):
    return [found.number for found in read_isbt128(text)]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("=+05000=Z54991712345600=%T300=<T0416003&>0183652359&,4PL001499Z549917123456A00T041600320181231", [1, 2, 3, 5, 38]),
        ("=+04000=/A9997XYZ100T0479=A99991712345600=,000012=>019031", [34, 1, 32, 4]),
        ("=+04035=/A9997XYZ100T0479=,000012=A99991712345600=>019031", [34, 32, 1, 4]),
        ("=+06000=/A9999XYZ100T0476=,000025=A99971712345600=>019032=}017032&,1000000000000XYZ123", [34, 32, 1, 4, 8, 35]),
        ("=+04000=A99992600000100=<DX001VA0&>0280202359&/CHA999926000001", [1, 3, 5, 40]),
        ("=A99991712345600=,000012", [1, 32]),
        ("=A99992600000100=%6200", [1, 2]),
        ("=A99992600000100=<DX001VA0", [1, 3]),
        ("=<DX001VA0&>0280202359", [3, 5]),
        ("=<DX001VA0=>028020", [3, 4]),
        ("=+03034=/A9997XYZ100T0479=,000012=A99991712345600", [34, 32, 1]),
        ("=+04036=/A9997XYZ100T0479=,000012=A99991712345600=}017032", [34, 32, 1, 8]),
        ("=+05037=/A9997XYZ100T0479=,000012=A99991712345600=>019031=}017032", [34, 32, 1, 4, 8]),
    ],
)
def test_message_of_several_structures_is_read(text, numbers):
    assert numbers_of(text) == numbers
    assert "".join(found.symbol for found in read_isbt128(text)) == text[text.startswith("=+") * 7 :]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("=+05000=/A9997XYZ100T0479=A99991712345600=,000012=>019031", "promises 5 structures and holds 4"),
        ("=+03000=/A9997XYZ100T0479=A99991712345600=,000012=>019031", "promises 3 structures and holds 4"),
        ("=+00000", "holds 0"),
        ("=+0000", "needs 5 letters and digits"),
        ("=+0A000=A99991712345600", "not five digits"),
        ("=+01099=A99991712345600", "order 099"),
        ("=+04035=/A9997XYZ100T0479=A99991712345600=,000012=>019031", "registered order 035"),
        ("=+02000=A99991712345600&a123", "cannot hold a nationally"),
        ("=+02000=A99991712345600=+01000=%6200", "cannot hold a compound message header"),
        ("=zINVALID", "no data identifier"),
        ("GARBAGE", "no data identifier"),
        ("", "no data identifier"),
        ("=", "no data identifier"),
        ("&a", "no data identifier"),
        ("=0", "no data identifier"),
        ("=A9O991712345600", "never a letter O"),
        ("=A99991x12345600", "13 characters"),
        ("=A999917123456", "needs 15 letters and digits after =, 13 were read"),
        ("=A9999171234560000", "has 15 letters and digits after =, more were read"),
        ("=G12341765432171", "check value"),
        ("=A99992600000100=A99992600000200", "scan one symbol at a time"),
        ("=%6200=A99992600000100", "scan one symbol at a time"),
        ("=A99992600000100=<DX001VA0&>0280202359", "scan one symbol at a time"),
        ("=A99992600000100&a12", "scan one symbol at a time"),
        ("&#01X5ABC12", "in digits how long"),
        ("&#0109ABC12", "needs 13 letters and digits"),
        ("=<DX001-A0", "needs 8 letters and digits after =<, 5 were read"),
        ("=%٣٣٣٣", "needs 4 letters and digits after =%, 0 were read"),
        ("=>028000", "has no day"),
        ("=>027366", "has no day"),
        ("=>028367", "has no day"),
        ("&>0280202400", "0000 to 2359"),
        ("&>0280202360", "0000 to 2359"),
    ],
)
def test_broken_message_is_refused_whole(text, match):
    with pytest.raises(UnreadableCodeError, match=match):
        read_isbt128(text)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("=A99992600000107", [("donation", "A999926000001"), ("donation_flags", "07")]),
        ("=%6200", [("label_message", "62")]),
        (
            "=<S12954A0",
            [("product_code", "S12954A0"), ("product_description", "S1295"), ("collection_type", "4"), ("division", "A0")],
        ),
        ("=<S1295499", [("product_code", "S1295499"), ("product_description", "S1295"), ("collection_type", "4")]),
        ("=<T1295003", [("product_code", "T1295003"), ("product_description", "T1295"), ("pack_number", "003")]),
        ("=>019031", [("expiry", "2019-01-31T23:59")]),
        ("&>0183652359", [("expiry", "2018-12-31T23:59")]),
        ("=*026006", [("collection_time", "2026-01-06T23:59")]),
        ("&*0170091330", [("collection_time", "2017-01-09T13:30")]),
        ("=}017032", [("production_time", "2017-02-01T23:59")]),
        ("&}0170091330", [("production_time", "2017-01-09T13:30")]),
        ("&(N0001", [("isbt_010", "N0001")]),
        ("=;A99990000222244445555", [("donor", "A99990000222244445555")]),
        ("='A9999N00012", [("staff", "A9999N00012")]),
        ("=#0119800229", [("birth_date", "1980-02-29")]),
        ("&#0105ABC12", [("patient", "ABC12")]),
        ("=]202801", [("expiry_month", "202801")]),
        ("=$A999917123450102", [("consignment", "A999917123450102")]),
        ("&$0112345678901234", [("isbt_029", "0112345678901234")]),
        ("=(1001202801202359", [("expiry", "2028-01-20T23:59")]),
        ("=(2002202801202359", [("collection_time", "2028-01-20T23:59Z")]),
        ("=,000012", [("product_divisions", "000012")]),
        ("&+A9999AB3456", [("processing_facility", "A9999"), ("facility_product_code", "AB3456")]),
        (
            "=/A9997AB3456T0123",
            [("processing_facility", "A9997"), ("facility_product_code", "AB3456"), ("product_description", "T0123")],
        ),
        ("&,10000000000005434RZ", [("lot_number", "0000000000005434RZ")]),
        ("&,20000000000005434RZ", [("supplemental_number", "0000000000005434RZ")]),
        ("&,3A234567890123456789", [("donor_registry", "A234567890123456789")]),
        ("&,4PL001499Z549917123456A00T041600320181231", [("sec", "PL001499Z549917123456A00T041600320181231")]),
        ("&:6939DKM001392612726", [("donor_registry", "6939DKM001392612726")]),
        ("&/CHA999926000001", [("chain_of_identity", "CHA999926000001")]),
        ("&a=what the nation likes", [("isbt_national", "&a=what the nation likes")]),
    ],
)
def test_single_symbol_names_its_values(text, values):
    (found,) = read_isbt128(text)
    assert found.symbol == text
    assert [(value.kind, value.value) for value in values_of(found)] == values


def test_identifiers_and_numbers_are_unique_and_complete():
    assert sorted(row.number for row in DATA_IDENTIFIERS) == list(range(1, 41))
    assert len({row.identifier for row in DATA_IDENTIFIERS}) == 40


def test_our_bag_label_is_printed_as_one_compound_message():
    parts = [structure(1, "A99992600000100"), structure(3, "DX001VA0"), structure(5, "0280202359"), structure(40, "CHA999926000001")]
    assert compound_symbol(*parts) == "=+04000=A99992600000100=<DX001VA0&>0280202359&/CHA999926000001"


def test_compound_message_in_a_wrong_order_cannot_be_printed():
    with pytest.raises(UnreadableCodeError, match="registered order 034"):
        compound_symbol(structure(1, "A99992600000100"), structure(32, "000012"), structure(34, "A9997AB3456T0123"), order="034")


@pytest.mark.parametrize(
    ("number", "content", "match"),
    [
        (99, "A", "no structure with the number 99"),
        (3, "DX001VA00", "more were read"),
        (3, "DX001VA0=%6200", "does not fit"),
        (1, "%6200", "does not fit"),
        (4, "02802", "needs 6"),
    ],
)
def test_structure_with_content_that_does_not_fit_cannot_be_printed(number, content, match):
    with pytest.raises(UnreadableCodeError, match=match):
        structure(number, content)


@given(st.sampled_from([row for row in DATA_IDENTIFIERS if row.counted is None and row.number != 1]), st.data())
def test_structure_takes_exactly_its_length_and_leaves_the_rest(row, data):
    content = data.draw(st.text("ABCXYZabcxyz0123456789", min_size=row.length, max_size=row.length))
    found, rest = take_structure(row.identifier + content + "=A99992600000100")
    assert (found.number, found.content, rest) == (row.number, content, "=A99992600000100")
