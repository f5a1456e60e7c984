"""The door for scans: routing, our own codes, the wrong thing scanned, and every way a scan can be spoiled."""

import pytest
import zxingcpp
from hypothesis import example, given
from hypothesis import strategies as st

from custody.codes.isbt128_donation import din_symbol
from custody.codes.scan import CUSTODY_KINDS, Family, ScannedValue, custody_symbol, expect, read_scan
from custody.errors import UnreadableCodeError

BAG = "CU1:bag:K7Q2M9X4T1ZB8"
GS1_BAG = "]d201095212345432131728012010LOT-26A001\x1d21BAG-00012"
ISBT_BAG = "=+04000=A99992600000100=<DX001VA0&>0280202359&/CHA999926000001"
LINK_BAG = "https://id.gs1.org/01/09521234543213/10/LOT-26A001/21/BAG-00012?17=280120"


@pytest.mark.parametrize(
    ("text", "symbology", "family"),
    [
        (BAG, None, Family.CUSTODY),
        (f"]C0{BAG}", "]C0", Family.CUSTODY),
        (f"]Q1{BAG}", "]Q1", Family.CUSTODY),
        (ISBT_BAG, None, Family.ISBT),
        (f"]d1{ISBT_BAG}", "]d1", Family.ISBT),
        ("]C0=A99992600000100", "]C0", Family.ISBT),
        ("]C4=A99992600000100=<DX001VA0", "]C4", Family.ISBT),
        ("&>0280202359", None, Family.ISBT),
        (GS1_BAG, "]d2", Family.GS1),
        ("]C100095212340000000013", "]C1", Family.GS1),
        ("]Q30109521234543213", "]Q3", Family.GS1),
        ("]e00109521234543213", "]e0", Family.GS1),
        ("]E09521234543213", "]E0", Family.GS1),
        ("]E496385074", "]E4", Family.GS1),
        ("]I109521234543213", "]I1", Family.GS1),
        (LINK_BAG, None, Family.LINK),
        (f"]Q1{LINK_BAG}", "]Q1", Family.LINK),
        (f"]d1{LINK_BAG}", "]d1", Family.LINK),
    ],
)
def test_prefix_and_first_characters_decide_the_family(text, symbology, family):
    scan = read_scan(text)
    assert (scan.text, scan.symbology, scan.family) == (text, symbology, family)


def test_all_families_name_the_values_of_the_same_bag():
    assert expect(read_scan(BAG), "bag") == "K7Q2M9X4T1ZB8"
    assert expect(read_scan(ISBT_BAG), "donation") == "A999926000001"
    assert expect(read_scan(ISBT_BAG), "chain_of_identity") == "CHA999926000001"
    for text in (ISBT_BAG, GS1_BAG, LINK_BAG):
        assert expect(read_scan(text), "expiry") == "2028-01-20T23:59"
    for text in (GS1_BAG, LINK_BAG):
        assert expect(read_scan(text), "serial_number") == "BAG-00012"


def test_trade_item_symbol_holds_a_gtin_filled_with_zeros():
    assert expect(read_scan("]E09521234543213"), "gtin") == "09521234543213"
    assert expect(read_scan("]E496385074"), "gtin") == "00000096385074"


def test_bare_digits_are_read_as_gs1_only_where_the_site_allows_it():
    text = GS1_BAG.removeprefix("]d2")
    assert expect(read_scan(text, bare_digits_are_gs1=True), "lot_number") == "LOT-26A001"
    with pytest.raises(UnreadableCodeError, match="set the scanner to send AIM identifiers"):
        read_scan(text)


@pytest.mark.parametrize("kind", CUSTODY_KINDS)
def test_every_kind_of_custody_code_is_printed_and_read(kind):
    symbol = custody_symbol(kind, "AB-12/3_4.5:6")
    assert symbol == f"CU1:{kind}:AB-12/3_4.5:6"
    assert read_scan(symbol).values == (ScannedValue(kind, "AB-12/3_4.5:6"),)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("bag", ""),
        ("bag", "k7q2"),
        ("bag", "A B"),
        ("bag", "A" * 81),
        ("bag", "A\n"),
        ("bag", "Ａ"),
        ("sample", "A1"),
        ("", "A1"),
        ("BAG", "A1"),
    ],
)
def test_custody_code_of_another_form_is_neither_printed_nor_read(kind, value):
    with pytest.raises(UnreadableCodeError, match="a custody code is"):
        custody_symbol(kind, value)
    with pytest.raises(UnreadableCodeError):
        read_scan(f"CU1:{kind}:{value}")


@pytest.mark.parametrize(
    ("text", "kind", "match"),
    [
        ("CU1:wristband:T0KEN", "bag", r"^this is a wristband; scan the bag label$"),
        ("CU1:equipment:LN2-3", "bag", r"^this is an equipment label; scan the bag label$"),
        (BAG, "wristband", r"^this is a bag label; scan the wristband$"),
        ("=A99992600000100", "bag", r"^this is a donation number \(DIN\); scan the bag label$"),
        (GS1_BAG, "participant", r"^this is a product number \(GTIN\); scan the participant code$"),
        ("=,000012", "seal", r"^this is a product division code; scan the seal$"),
        ("&(N0001", "seal", r"^this is a code of ISBT 128 structure 010; scan the seal$"),
        ("]d291OUR-OWN", "seal", r"^this is a GS1 value \(91\); scan the seal$"),
        ("=]202801", "product_code", r"^this is an expiry month; scan the product code$"),
    ],
)
def test_another_thing_scanned_is_named_together_with_the_right_one(text, kind, match):
    with pytest.raises(UnreadableCodeError, match=match) as caught:
        expect(read_scan(text), kind)
    assert caught.value.code == "wrong_code_kind"
    assert caught.value.values == {"seen": read_scan(text).values[0].kind, "expected": kind}


def test_code_that_names_two_different_expiries_is_no_answer():
    scan = read_scan("=+03000=A99992600000100=>028020&>0280210800")
    with pytest.raises(UnreadableCodeError, match="more than one expiry date"):
        expect(scan, "expiry")


def test_code_that_says_the_same_expiry_twice_is_one_answer():
    assert expect(read_scan("=+03000=A99992600000100=>028020&>0280202359"), "expiry") == "2028-01-20T23:59"


@pytest.mark.parametrize("flags", ["06", "07", "08", "09", "10"])
def test_tube_sample_or_record_carries_the_donation_but_is_not_the_product(flags):
    scan = read_scan(din_symbol("A999926000001", flags))
    assert scan.not_the_product
    assert expect(scan, "donation") == "A999926000001"


@pytest.mark.parametrize("text", [din_symbol("A999926000001"), din_symbol("A999926000001", "11"), ISBT_BAG, GS1_BAG, BAG])
def test_other_scans_are_not_taken_for_a_sample(text):
    assert not read_scan(text).not_the_product


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "nothing was scanned"),
        ("A" * 10_000, "10000 characters arrived"),
        ("=" + "A" * 1_999, "no|needs|has 15"),
        ("]d2", "only its prefix ]d2"),
        ("]X0ABC", "symbols of the kind ]X0"),
        ("]", "symbols of the kind ]"),
        ("hello", "no code that custody knows"),
        (" CU1:bag:A1", "no code that custody knows"),
        ("CU1:bag:A1\r", "control character U[+]000D"),
        ("CU1:bag:A1\x00", "control character U[+]0000"),
        ("CU1:bag:A1\x1d", "a custody code is"),
        ("＝A99992600000100", "full-width"),
        ("CU1：bag：A1", "full-width"),
        ("扫码", "full-width"),
        ("CUÖbag", "keyboard layout"),
        ("CU1:badge:Aß1", "keyboard layout"),
        ("´A99992600000100", "keyboard layout"),
        ("CU&bag", "keyboard layout"),
        ("CU1;bag", "keyboard layout"),
        ("=@ABC", "keyboard layout"),
        ("+d20109521234543213", "keyboard layout"),
        ("cu1:BAG:k7q2m9x4t1zb8", "Caps Lock"),
        ("=a99992600000100", "Caps Lock"),
        ("]D2010952", "Caps Lock"),
        ("HtTp://id.gs1.org/01/12312312312326", "small letters"),
        (f"]d2{GS1_BAG[3:]}".replace("\x1d", "<GS>"), "arrives as text"),
        (f"]d2{GS1_BAG[3:]}".replace("\x1d", "␝"), "picture of itself"),
        (GS1_BAG.replace("\x1d", ""), "separator"),
        ("]d1hello", "kind ]d1"),
        ("]d1CU1:bag:A1", "kind ]d1"),
        ("]Q1=A99992600000100", "kind ]Q1"),
        ("]C0https://id.gs1.org/01/12312312312326", "kind ]C0"),
        ("]E0952123454321X", "8, 12, 13 or 14 digits"),
        ("]E09521234543214", "check digit"),
        ("=A99992600000114", "reserve"),
        ("\ud800", "keyboard layout"),
    ],
)
def test_spoiled_scan_is_refused_with_one_clear_sentence(text, match):
    with pytest.raises(UnreadableCodeError, match=match) as caught:
        read_scan(text)
    assert "\n" not in str(caught.value)


STARTS = st.sampled_from(
    [
        "",
        *["]C0", "]C1", "]C4", "]d1", "]d2", "]Q1", "]Q3", "]e0", "]E0", "]E4", "]I1"],
        "=",
        "&",
        "=+",
        "&,4",
        "CU1:",
        "CU1:bag:",
        "https://",
    ]
)
SEEDS = st.sampled_from([BAG, GS1_BAG, ISBT_BAG, LINK_BAG, "]d28018952123400000000017\x1d80191\x1d724101", "&:6939DKM001392612726"])


def parses_or_is_refused(text, **settings):
    try:
        scan = read_scan(text, **settings)
    except UnreadableCodeError:
        return
    assert scan.text == text
    assert scan.values
    assert all(value.kind and value.value for value in scan.values)


@given(STARTS, st.text(), st.booleans())
@example("", "￼", True)
def test_any_text_is_read_or_refused(start, text, allowed):
    parses_or_is_refused(start + text, bare_digits_are_gs1=allowed)


@given(STARTS, st.text(st.characters(min_codepoint=29, max_codepoint=126), max_size=60), st.booleans())
def test_any_ascii_text_is_read_or_refused(start, text, allowed):
    parses_or_is_refused(start + text, bare_digits_are_gs1=allowed)


@given(SEEDS, st.data())
def test_real_code_with_a_piece_changed_is_read_or_refused(seed, data):
    start = data.draw(st.integers(0, len(seed)))
    end = data.draw(st.integers(start, len(seed)))
    piece = data.draw(st.text(st.characters(max_codepoint=255), max_size=4))
    parses_or_is_refused(seed[:start] + piece + seed[end:])


@given(st.from_regex(r"\][CdQeEI][0-4][0-9]{2,4}[ -~\x1d]{0,40}", fullmatch=True))
def test_any_gs1_looking_text_is_read_or_refused(text):
    parses_or_is_refused(text)


@pytest.mark.parametrize(
    ("symbol", "prefix", "options"),
    [
        (BAG, "]Q1", ("QRCode", {})),
        (BAG, "]C0", ("Code128", {})),
        ("=A99992600000100", "]C0", ("Code128", {})),
        (ISBT_BAG, "]d1", ("DataMatrix", {"force_square": True})),
        (LINK_BAG, "]Q1", ("QRCode", {})),
    ],
)
def test_drawn_symbol_is_read_as_what_it_was_drawn_from(symbol, prefix, options):
    form, extra = options
    drawn = zxingcpp.create_barcode(symbol, getattr(zxingcpp.BarcodeFormat, form), **extra)
    (found,) = zxingcpp.read_barcodes(zxingcpp.write_barcode_to_image(drawn, scale=4))
    scan = read_scan(found.symbology_identifier + found.bytes.decode("ascii"))
    assert (scan.symbology, scan.values) == (prefix, read_scan(symbol).values)


def test_drawn_gs1_symbol_is_read_with_its_separators():
    text = "(01)09521234543213(17)280120(10)LOT-26A001(21)BAG-00012"
    drawn = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.DataMatrix, gs1=True, force_square=True)
    (found,) = zxingcpp.read_barcodes(zxingcpp.write_barcode_to_image(drawn, scale=4))
    assert read_scan(found.symbology_identifier + found.bytes.decode("ascii")) == read_scan(GS1_BAG)
