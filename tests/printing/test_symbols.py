"""Every symbol custody draws is read back from its pixels by a library that did not draw it."""

from __future__ import annotations

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zxingcpp import BarcodeFormat

from custody.codes.kinds import CUSTODY_KINDS
from custody.codes.scan import custody_symbol, read_scan
from custody.errors import InputError
from custody.printing.symbols import code128_svg, qr_svg
from tests.printing.pixels import picture, read_back

CODE128, QR = BarcodeFormat.Code128, BarcodeFormat.QRCode
VALUE_CHARACTERS = string.ascii_uppercase + string.digits + ":._/-"
PRINTABLE = "".join(map(chr, range(32, 127)))


def random_symbols(count: int) -> list[str]:
    """Texts of custody's own symbols, the same in every run: a failure can be looked at again."""
    choice = random.Random(20261122)
    kinds = sorted(CUSTODY_KINDS)
    return [custody_symbol(choice.choice(kinds), "".join(choice.choices(VALUE_CHARACTERS, k=choice.randint(1, 40)))) for _ in range(count)]


def test_hundreds_of_custody_symbols_read_back_as_code_128():
    for text in random_symbols(300):
        assert read_back(code128_svg(text), CODE128) == text


def test_hundreds_of_custody_symbols_read_back_as_qr():
    for text in random_symbols(200):
        assert read_back(qr_svg(text), QR) == text


@given(st.text(PRINTABLE, min_size=1, max_size=100))
def test_any_printable_text_reads_back_as_code_128(text: str):
    assert read_back(code128_svg(text), CODE128) == text


@given(st.text(PRINTABLE + "\n", min_size=1, max_size=120))
def test_any_printable_lines_read_back_as_qr(text: str):
    assert read_back(qr_svg(text), QR) == text


@given(st.lists(st.sampled_from(["7", "12", "123", "4567", "89012", "A", "b", "-", " "]), min_size=1, max_size=20).map("".join))
def test_runs_of_digits_of_any_length_read_back_as_code_128(text: str):
    """Code 128 packs digits in pairs, and an odd digit is where encoders go wrong."""
    assert read_back(code128_svg(text), CODE128) == text


@pytest.mark.parametrize("text", ["=A99992600000100", "CU1:bag:K7Q2M9X4T1ZB8", "0", "00", "000", "99", "990", "9912", "99A", "A", "~", " "])
def test_short_and_plain_texts_read_back(text: str):
    assert read_back(code128_svg(text), CODE128) == text
    assert read_back(qr_svg(text), QR) == text


def test_scanned_symbol_names_what_was_printed():
    scan = read_scan(read_back(qr_svg(custody_symbol("bag", "K7Q2M9X4T1ZB8")), QR))
    assert scan.all_of("bag") == ("K7Q2M9X4T1ZB8",)


@pytest.mark.parametrize("draw", [code128_svg, qr_svg])
@pytest.mark.parametrize("text", ["", "脐带", "é", "\t", "\x1d", "\x00", "\ud800", "CU1:bag:\x7f"])
def test_text_that_a_scanner_would_garble_is_refused(draw, text: str):
    with pytest.raises(InputError, match=r"cannot carry the character|no text"):
        draw(text)


def test_line_end_is_refused_in_a_bar_code_and_kept_in_a_qr_code():
    with pytest.raises(InputError, match=r"cannot carry the character '\\n'"):
        code128_svg("one\ntwo")
    assert read_back(qr_svg("one\ntwo"), QR) == "one\ntwo"


def test_last_length_that_fits_is_drawn_and_the_next_is_refused():
    assert read_back(code128_svg("A" * 100), CODE128) == "A" * 100
    with pytest.raises(InputError, match="101 characters are too many"):
        code128_svg("A" * 101)


def test_more_text_than_one_qr_code_holds_is_refused():
    """2331 bytes is the capacity of version 40 at level M (ISO/IEC 18004 table 7)."""
    assert qr_svg("a" * 2331)
    with pytest.raises(InputError, match="2332 characters do not fit"):
        qr_svg("a" * 2332)


@pytest.mark.parametrize("kind", sorted(CUSTODY_KINDS))
def test_custody_symbols_of_twenty_capitals_stay_within_version_3(kind: str):
    """29 modules a side and 4 of quiet zone on each: small enough for a 50 by 25 mm label."""
    image = picture(qr_svg(custody_symbol(kind, "K7Q2M9X4T1ZB8K7Q2M9X")), scale=1)
    assert image.width == image.height <= 29 + 8


@pytest.mark.parametrize("draw", [code128_svg, qr_svg])
def test_picture_brings_no_style_script_or_reference(draw):
    """A strict content security policy blocks inline styles, and an image must load nothing."""
    svg = draw("CU1:bag:K7Q2M9X4T1ZB8").replace('xmlns="http://www.w3.org/2000/svg"', "")
    for forbidden in ("style", "script", "href", "url(", "http", "<text", "&", "<!"):
        assert forbidden not in svg


@pytest.mark.parametrize(("draw", "quiet"), [(code128_svg, 10), (qr_svg, 4)])
def test_quiet_zone_beside_the_symbol_is_white(draw, quiet: int):
    image = picture(draw("CU1:bag:K7Q2M9X4T1ZB8"), scale=1)
    for left in (0, image.width - quiet):
        assert set(image.crop((left, 0, left + quiet, image.height)).tobytes()) == {255}
    assert 0 in image.crop((quiet, 0, quiet + 1, image.height)).tobytes()


def test_symbol_with_one_wide_bar_taken_out_does_not_read_as_something_else():
    """What the reader is worth: it answers with the text or not at all."""
    image = picture(code128_svg("CU1:bag:K7Q2M9X4T1ZB8"))
    image.paste(255, (200, 0, 230, image.height))
    import zxingcpp

    assert [b.text for b in zxingcpp.read_barcodes(image, formats=CODE128)] == []
