"""Donation numbers: the published ones are read, every broken one is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.codes.isbt128_donation import Donation, FlagMeaning, check_flags, din_symbol, read_donation, read_printed_donation
from custody.errors import UnreadableCodeError

CHECK_FLAGS = {
    "G123417654321": "70",
    "G123498654321": "77",
    "A999818123456": "83",
    "A999917123456": "69",
    "A999917123654": "94",
    "A999917345628": "96",
    "A999917345658": "84",
    "A999820123456": "74",
    "W000009123456": "76",
    "A999915000001": "82",
    "A999926000001": "68",
    "A999926000002": "66",
    "A999926000003": "64",
}
DONATIONS = st.from_regex(r"[A-NP-Z1-9][A-NP-Z0-9]{2}[0-9]{2}[0-9]{8}", fullmatch=True)


@pytest.mark.parametrize(("number", "flags"), CHECK_FLAGS.items())
def test_published_check_flags_are_made_and_read(number, flags):
    assert check_flags(number) == flags
    assert read_donation(number + flags) == Donation(number, flags)
    assert read_donation(number + flags).meaning is FlagMeaning.CHECK


def test_published_number_with_check_flags_becomes_the_published_symbol():
    assert din_symbol("G123417654321", "70") == "=G12341765432170"


def test_symbol_without_flags_says_00():
    assert din_symbol("A999926000001") == "=A99992600000100"


@pytest.mark.parametrize("flags", ["71", "60", "96"])
def test_check_flags_of_another_number_are_refused(flags):
    with pytest.raises(UnreadableCodeError, match="does not agree with its check value"):
        read_donation("G123417654321" + flags)


@pytest.mark.parametrize(
    "content",
    [
        "A9O991712345600",
        "A99991x12345600",
        "A999917123456",
        "a99991712345600",
        "O99991712345600",
        "0999917123456 00",
        "A99A91712345600",
        "",
    ],
)
def test_number_of_another_form_is_refused(content):
    with pytest.raises(UnreadableCodeError, match=r"13 characters|reserve"):
        read_donation(content)


@pytest.mark.parametrize("flags", ["14", "97", "98", "99", "0A", "٠٠", "0", "000"])
def test_reserved_and_unreadable_flags_are_refused(flags):
    with pytest.raises(UnreadableCodeError, match="reserve"):
        read_donation("A999917123456" + flags)


@pytest.mark.parametrize(
    ("flags", "meaning", "container", "is_the_product"),
    [
        ("00", FlagMeaning.NONE, None, True),
        ("01", FlagMeaning.CONTAINER_OF_SET, 1, True),
        ("04", FlagMeaning.CONTAINER_OF_SET, 4, True),
        ("05", FlagMeaning.REPEAT_LABEL, None, True),
        ("06", FlagMeaning.PILOT_TUBE, None, False),
        ("07", FlagMeaning.TEST_TUBE, None, False),
        ("08", FlagMeaning.DONOR_RECORD, None, False),
        ("09", FlagMeaning.NAT_SAMPLE, None, False),
        ("10", FlagMeaning.BACTERIOLOGY_SAMPLE, None, False),
        ("11", FlagMeaning.MATCH_WITH_UNIT, None, True),
        ("12", FlagMeaning.AFFIXED_PARTIAL_LABEL, None, True),
        ("13", FlagMeaning.ATTACHED_LABEL, None, True),
        ("15", FlagMeaning.CONTAINER_OF_SET, 5, True),
        ("19", FlagMeaning.CONTAINER_OF_SET, 9, True),
        ("20", FlagMeaning.LOCAL, None, True),
        ("59", FlagMeaning.LOCAL, None, True),
    ],
)
def test_flags_say_what_was_scanned(flags, meaning, container, is_the_product):
    donation = read_donation("A999926000001" + flags)
    assert (donation.meaning, donation.container, donation.is_the_product) == (meaning, container, is_the_product)
    assert donation.number == "A999926000001"


@pytest.mark.parametrize(("flags", "printed"), [("00", ""), ("68", ""), ("12", "12"), ("07", "07")])
def test_flags_are_printed_unless_they_are_00_or_a_check_value(flags, printed):
    assert read_donation("A999926000001" + flags).printed_flags == printed


def test_number_is_printed_in_groups_with_its_check_character_apart():
    donation = read_donation("A99992600000100")
    assert donation.printed == "A9999 26 000001"
    assert donation.check_character == "8"


@pytest.mark.parametrize("text", ["A9999 17 123456 9", "A9999171234569"])
def test_typed_number_is_read_with_its_check_character(text):
    assert read_printed_donation(text) == Donation("A999917123456", "00")


def test_typed_number_with_a_wrong_check_character_is_refused():
    with pytest.raises(UnreadableCodeError, match="check character does not belong"):
        read_printed_donation("A9999171234568")


@pytest.mark.parametrize("text", ["", "A999917123456", "9"])
def test_typed_number_without_its_check_character_is_refused(text):
    with pytest.raises(UnreadableCodeError, match="13 characters"):
        read_printed_donation(text)


@given(DONATIONS)
def test_every_donation_survives_its_symbol_and_its_print(number):
    assert read_donation(din_symbol(number, check_flags(number))[1:]).number == number
    donation = read_donation(din_symbol(number)[1:])
    assert read_printed_donation(f"{donation.printed} {donation.check_character}").number == number
