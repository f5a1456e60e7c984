"""Codes typed instead of scanned are noted behind the station, and read from there again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.workflows.typed_codes import TypedCode, station_with, typed_codes

TORN = TypedCode("wristband", "label torn")
FIELDS = st.from_regex(r"[a-z][a-z_]{0,20}", fullmatch=True)
REASONS = st.text(st.characters(codec="utf-8", exclude_characters="|", exclude_categories=("C", "Z")), min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("station", "codes", "kept"),
    [
        ("ward 3", (), "ward 3"),
        ("ward 3", (TORN,), "ward 3 typed: wristband = label torn"),
        ("", (TORN, TypedCode("bag", "wet")), "typed: wristband = label torn | bag = wet"),
        ("", (TypedCode("bag", "a | b"),), "typed: bag = a / b"),
        ("", (TypedCode("bag", "one\nline"),), "typed: bag = one line"),
    ],
)
def test_note_stands_behind_the_station(station, codes, kept):
    assert station_with(station, codes) == kept


def test_entry_whose_codes_were_scanned_has_none():
    assert typed_codes("ward 3") == ()


@given(st.lists(st.builds(TypedCode, FIELDS, REASONS), min_size=1, max_size=4))
def test_what_was_noted_is_read_again(codes):
    reasons_without_the_mark = tuple(code for code in codes if "typed: " not in code.reason)
    assert typed_codes(station_with("ward 3", reasons_without_the_mark)) == reasons_without_the_mark
