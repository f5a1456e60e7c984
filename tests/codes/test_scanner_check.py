"""What a test code came as names what is set wrong: suffix, separator, keyboard layout, input method, capitals, a cut."""

import pytest

from custody.codes.scanner_check import TESTS, faults, first_difference

LETTERS, SEPARATOR, LENGTH = (test.text for test in TESTS)


def told(expected, seen, **more):
    return faults(expected, seen, **{"by_itself": True, **more})


@pytest.mark.parametrize("code", [LETTERS, SEPARATOR, LENGTH])
@pytest.mark.parametrize("prefix", ["", "]C0", "]Q1"])
def test_code_that_comes_as_it_is_has_no_fault(code, prefix):
    assert told(code, prefix + code) == ()


@pytest.mark.parametrize(
    ("expected", "seen", "fault"),
    [
        (LETTERS, "", "nothing_came"),
        (LETTERS, LETTERS.swapcase(), "caps_lock"),
        (LETTERS, LETTERS.replace(":", "："), "input_method"),
        (LETTERS, LETTERS.replace("TEST", "测试TEST"), "input_method"),
        (LETTERS, LETTERS.translate(str.maketrans("YZ:-_/", "ZYÖß?-")), "layout_german"),
        (LETTERS, LETTERS.replace("-", "+"), "layout_unknown"),
        (SEPARATOR, SEPARATOR.replace("\x1d", ""), "separator_missing"),
        (SEPARATOR, SEPARATOR.replace("\x1d", "<GS>"), "separator_as_text"),
        (SEPARATOR, SEPARATOR.replace("\x1d", "␝"), "separator_as_text"),
        (LENGTH, LENGTH[:30], "cut_short"),
        (LENGTH, LENGTH + "X", "characters_added"),
        (LENGTH, "CU1:bag:K7Q2M9X4T1ZB8", "another_code"),
    ],
)
def test_fault_is_named(expected, seen, fault):
    assert told(expected, seen) == (fault,)


def test_scan_that_did_not_end_with_enter_says_so_and_whether_it_was_tab():
    assert told(LETTERS, LETTERS, by_itself=False) == ("no_enter",)
    assert told(LETTERS, LETTERS, by_itself=False, noticed=frozenset({"tab"})) == ("ends_with_tab",)


def test_input_method_that_the_page_repaired_is_named_all_the_same():
    assert told(LETTERS, LETTERS, noticed=frozenset({"input_method"})) == ("input_method",)


def test_first_difference_is_shown_as_it_is():
    assert first_difference(LETTERS, LETTERS.replace("-", "ß")) == ("-", "ß")
    assert first_difference(LETTERS, LETTERS) == ("", "")
