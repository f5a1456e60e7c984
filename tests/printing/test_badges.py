"""The demonstration sheet: what is printed beside a code is what the code says."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zxingcpp import BarcodeFormat

from custody.codes.scan import expect, read_scan
from custody.domain.ids import AccountId, BagId, WristbandToken
from custody.errors import NotFoundError, UnreadableCodeError
from custody.printing.badges import account_on_badge, badge, sheet
from tests.printing.pixels import read_back

BAG = BagId.from_random("DEMO0001B001")
DEMO = sheet(
    badges=[(AccountId("demo-nurse-one"), "Demo Nurse One"), (AccountId("demo-nurse-two"), "Demo Nurse Two")],
    wristbands=[(WristbandToken("WB0001X7K2M9Q4"), "P-0001")],
    bags=[(BAG, "bag 1 of 2")],
)


def test_every_picture_of_the_sheet_reads_back_as_its_code():
    for code in DEMO.codes:
        assert read_back(DEMO.svg(code.code128_name), BarcodeFormat.Code128) == code.text
        assert read_back(DEMO.svg(code.qr_name), BarcodeFormat.QRCode) == code.text
        assert expect(read_scan(code.text), code.kind) == code.value


def test_sheet_keeps_badges_wristbands_and_bags_apart():
    assert [code.kind for code in DEMO.codes] == ["badge", "badge", "wristband", "bag"]
    assert [code.who for code in DEMO.badges] == ["Demo Nurse One", "Demo Nurse Two"]
    assert (DEMO.bags[0].value, DEMO.bags[0].who) == (BAG.value, "bag 1 of 2")


def test_names_of_pictures_are_all_different():
    names = [name for code in DEMO.codes for name in (code.code128_name, code.qr_name)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", ["", "bag-K7Q2M9X4T1ZB8.qr.svg", "../secret", "badge-DEMO-NURSE-ONE"])
def test_only_what_is_on_the_sheet_is_drawn(name: str):
    with pytest.raises(NotFoundError, match="no such picture"):
        DEMO.svg(name)


@given(st.from_regex(AccountId.pattern, fullmatch=True).filter(str.isascii))
def test_badge_names_its_account_again(name: str):
    account = AccountId.parse(name)
    scanned = expect(read_scan(badge(account, "Somebody").text), "badge")
    assert account_on_badge(scanned) == account


def test_badge_that_can_be_no_account_is_refused():
    with pytest.raises(UnreadableCodeError, match="account"):
        account_on_badge("A/B")


def test_printed_codes_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        DEMO.bags[0].value = "X"
