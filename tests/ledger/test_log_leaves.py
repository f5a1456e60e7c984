"""Salted leaves: one encoding per entry, and no guess can be tried without the salt."""

from hashlib import sha256

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from custody.errors import InputError, LedgerBrokenError
from custody.ledger.leaves import leaf_data, leaf_hashes
from custody.ledger.merkle import leaf_hash

SALT = bytes(range(16))
DIGEST = bytes(range(100, 132))
PARTS = st.tuples(
    st.binary(min_size=16, max_size=16), st.text(min_size=1, max_size=8), st.integers(1, 2**63 - 1), st.binary(min_size=32, max_size=32)
)


def test_layout_is_fixed():
    expected = b"custody leaf/1\n" + SALT + b"\x00\x05" + b"bag:A" + b"\x00" * 7 + b"\x07" + DIGEST
    assert leaf_data(SALT, "bag:A", 7, DIGEST) == expected


def test_leaf_never_changes_between_versions():
    assert (
        sha256(b"\x00" + leaf_data(SALT, "bag:A", 7, DIGEST)).hexdigest()
        == "a7ef1fb4ce04f73dab2a0f59f86699d31ab9a45a0981f2a89aba2ea0cf4acc4f"
    )


@given(PARTS, PARTS)
def test_two_entries_never_share_an_encoding(one, other):
    assume(one != other)
    assert leaf_data(*one) != leaf_data(*other)


def test_part_of_the_stream_cannot_move_into_the_position():
    assert leaf_data(SALT, "bag:A\x00", 7, DIGEST) != leaf_data(SALT, "bag:A", 7, DIGEST)


def test_the_same_entry_under_another_salt_is_another_leaf():
    assert leaf_hash(leaf_data(SALT, "bag:A", 7, DIGEST)) != leaf_hash(leaf_data(SALT[::-1], "bag:A", 7, DIGEST))


@pytest.mark.parametrize(
    "parts",
    [
        (SALT[1:], "bag:A", 7, DIGEST),
        (SALT + b"\0", "bag:A", 7, DIGEST),
        (SALT, "", 7, DIGEST),
        pytest.param((SALT, "a" * 65_536, 7, DIGEST), id="long stream"),
        (SALT, "bag:A", 0, DIGEST),
        (SALT, "bag:A", 2**63, DIGEST),
        (SALT, "bag:A", 7, DIGEST[1:]),
    ],
)
def test_a_part_that_does_not_fit_is_refused(parts):
    with pytest.raises(InputError, match=r"^a leaf has"):
        leaf_data(*parts)


def test_longest_stream_and_last_position_fit():
    assert len(leaf_data(SALT, "a" * 65_535, 2**63 - 1, DIGEST)) == 15 + 16 + 2 + 65_535 + 8 + 32


def test_stored_rows_become_leaf_hashes_in_order():
    rows = [(SALT, "bag:A", 1, DIGEST), (SALT, "bag:B", 1, DIGEST)]
    assert list(leaf_hashes(rows)) == [leaf_hash(leaf_data(*row)) for row in rows]


@pytest.mark.parametrize(
    "row",
    [
        (None, "bag:A", 7, DIGEST),
        (SALT, None, 7, DIGEST),
        (SALT, "bag:A", None, DIGEST),
        (SALT, "\ud800", 7, DIGEST),
        (SALT, "bag:A", 7, b""),
    ],
)
def test_a_stored_row_of_odd_types_is_a_broken_record(row):
    with pytest.raises(LedgerBrokenError, match="has no proper leaf"):
        list(leaf_hashes([row]))
