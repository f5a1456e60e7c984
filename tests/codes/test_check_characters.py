"""Check characters: every printed vector, and that one wrong character never passes."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from custody.codes.check_characters import MOD37_36_ALPHABET, gs1_check_digit, mod37_2, mod37_36, mod37_36_valid
from custody.errors import UnreadableCodeError

PUBLISHED_K = {
    "G123417654321": "A",
    "G123498654321": "H",
    "A999818123456": "N",
    "A999917123456": "9",
    "A999917123654": "Y",
    "A999917345628": "*",
    "A999917345658": "O",
    "A999820123456": "E",
    "W000009123456": "G",
    "A999915000001": "M",
    "A999926000001": "8",
    "A999926000002": "6",
    "A999926000003": "4",
    "A9990ABC123T0480": "8",
    "CHA999926000001": "*",
}
CODE_TEXT = st.text(MOD37_36_ALPHABET, min_size=1, max_size=40)


@pytest.mark.parametrize(("text", "k"), PUBLISHED_K.items())
def test_mod_37_2_gives_the_published_check_character(text, k):
    assert mod37_2(text) == k


def test_mod_37_36_gives_the_published_check_character():
    assert mod37_36("A12425GABC1234002") == "M"  # the example of ISO/IEC 7064 users: the Global Release Identifier
    assert mod37_36_valid("A12425GABC1234002M")


@given(CODE_TEXT)
def test_text_with_its_own_check_character_is_valid(text):
    assert mod37_36_valid(text + mod37_36(text))


@given(CODE_TEXT, st.data())
def test_one_exchanged_character_is_always_noticed(text, data):
    whole = text + mod37_36(text)
    place = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(st.sampled_from(MOD37_36_ALPHABET))
    assume(whole[place] != other)
    assert not mod37_36_valid(whole[:place] + other + whole[place + 1 :])


@given(CODE_TEXT, st.data())
def test_one_exchanged_character_changes_k(text, data):
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(MOD37_36_ALPHABET))
    assume(text[place] != other)
    assert mod37_2(text[:place] + other + text[place + 1 :]) != mod37_2(text)


@given(CODE_TEXT, st.data())
def test_two_neighbours_swapped_are_always_noticed_by_k(text, data):
    assume(len(text) > 1)
    place = data.draw(st.integers(0, len(text) - 2))
    assume(text[place] != text[place + 1])
    swapped = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    assert mod37_2(swapped) != mod37_2(text)


@pytest.mark.parametrize("text", ["", "a", "A-1", "٣", "Ａ", "A\n"])
def test_check_character_of_text_outside_the_alphabet_is_refused(text):
    with pytest.raises(UnreadableCodeError, match="capital letters A-Z and digits only"):
        mod37_2(text)
    with pytest.raises(UnreadableCodeError, match="capital letters A-Z and digits only"):
        mod37_36(text)


@given(st.text(max_size=20))
def test_validity_is_an_answer_for_any_text(text):
    assert mod37_36_valid(text) in {True, False}


@pytest.mark.parametrize("text", ["", "A", "a8", "٣٣"])
def test_text_without_a_readable_check_character_is_not_valid(text):
    assert not mod37_36_valid(text)


@pytest.mark.parametrize(
    "number",
    [
        "09521234543213",
        "09520123456788",
        "12312312312326",
        "106141411234567897",
        "952012345678912345",
        "095212340000000013",
        "9520123456788",
        "9521234000013",
        "9521234000020",
        "795260646688514634",
        "123456789012345675",
        "952123400000000017",
        "952123400000000024",
    ],
)
def test_published_gs1_number_ends_in_its_check_digit(number):
    assert gs1_check_digit(number[:-1]) == number[-1]


@pytest.mark.parametrize("number", ["09521234543214", "09506000134353", "095060001000000004", "9506000200003", "950600000000000027"])
def test_published_wrong_gs1_number_does_not_end_in_its_check_digit(number):
    assert gs1_check_digit(number[:-1]) != number[-1]


@pytest.mark.parametrize("digits", ["", "12A", "٣", "1 2"])
def test_check_digit_of_other_than_digits_is_refused(digits):
    with pytest.raises(UnreadableCodeError, match="digits only"):
        gs1_check_digit(digits)
