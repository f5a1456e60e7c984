"""The chain of one stream: every change of a stored row is found, and found at its place."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.errors import InputError, LedgerBrokenError
from custody.ledger.streams import BEFORE_FIRST, GENESIS, Fault, StreamHead, entry_digest, first_fault, verify_stream

ENVELOPES = [b'{"act":"bag_filled"}', b'{"act":"bag_stored"}', b'{"act":"bag_reserved"}', b'{"act":"bag_packed"}']


def rows_of(envelopes):
    rows, previous = [], GENESIS
    for position, envelope in enumerate(envelopes, start=1):
        digest = entry_digest(previous, envelope)
        rows.append((position, previous, envelope, digest))
        previous = digest
    return rows


def rows_in(stream, envelopes=ENVELOPES):
    return [(stream, *row) for row in rows_of(envelopes)]


def test_digest_is_sha256_of_prefix_previous_and_envelope():
    previous = bytes(range(32))
    assert entry_digest(previous, b"{}") == sha256(b"custody entry/1\n" + previous + b"{}").digest()


def test_digest_of_the_first_entry_never_changes_between_versions():
    assert bytes(32) == GENESIS
    assert entry_digest(GENESIS, b'{"act":"bag_filled"}').hex() == "472e03f40c9fe5203712c79b997de81618b3da8bcd11bf8e65434e49c36f7f9b"


@pytest.mark.parametrize("previous", [b"", bytes(31), bytes(33)])
def test_a_previous_digest_of_another_length_is_refused(previous):
    with pytest.raises(InputError, match="32"):
        entry_digest(previous, b"{}")


def test_a_valid_stream_leads_to_its_head():
    rows = rows_of(ENVELOPES)
    assert verify_stream(rows, stream="bag:A") == StreamHead(4, rows[-1][3])
    assert first_fault(rows_in("bag:A")) is None


def test_a_stream_without_rows_stays_where_it_was():
    assert verify_stream([], stream="bag:A") == BEFORE_FIRST == (0, GENESIS)
    assert first_fault([]) is None


def test_a_stream_is_verified_from_a_known_head_on():
    rows = rows_of(ENVELOPES)
    head = verify_stream(rows[:2], stream="bag:A")
    assert verify_stream(rows[2:], stream="bag:A", after=head) == verify_stream(rows, stream="bag:A")


def test_a_cut_off_tail_shows_only_in_the_head():
    rows = rows_of(ENVELOPES)
    assert verify_stream(rows[:-1], stream="bag:A") != verify_stream(rows, stream="bag:A")


X = b"x" * 32
# which column of entry 3 becomes what, and the fault it must show as
CHANGES = [
    (0, 4, "position", "4", "3"),
    (0, 2, "position", "2", "3"),
    (0, "3", "position", "'3'", "3"),
    (0, 3.0, "position", "a float", "3"),
    (0, None, "position", "a NoneType", "3"),
    (0, 1 << 70, "position", "a int", "3"),
    (1, X, "previous", X.hex(), None),
    (1, b"", "previous", "no bytes", None),
    (1, None, "previous", "a NoneType", None),
    (1, bytes(64), "previous", "a bytes", None),
    (2, b"{}", "digest", None, None),
    (2, '{"act":"bag_reserved"}', "envelope", "a str", "bytes"),
    (1, "x" * 200, "previous", "a str", None),
    (2, None, "envelope", "a NoneType", "bytes"),
    (3, X, "digest", X.hex(), None),
    (3, "x", "digest", "'x'", None),
    (3, None, "digest", "a NoneType", None),
]


@pytest.mark.parametrize(("column", "changed", "what", "seen", "expected"), CHANGES)
def test_a_changed_column_is_the_first_fault(column, changed, what, seen, expected):
    rows = rows_of(ENVELOPES)
    row = list(rows[2])
    row[column] = changed
    rows[2] = tuple(row)
    with pytest.raises(LedgerBrokenError, match="bag:A entry 3: ") as broken:
        verify_stream(rows, stream="bag:A")
    fault = broken.value.values["fault"]
    assert (fault.stream, fault.position, fault.what) == ("bag:A", 3, what)
    assert seen is None or fault.seen == seen
    assert fault.expected == expected or expected is None
    assert first_fault([("bag:A", *row) for row in rows]) == fault


def test_true_is_not_position_one():
    (row,) = rows_of(ENVELOPES[:1])
    assert first_fault([("bag:A", True, *row[1:])]) == Fault("bag:A", 1, "position", "a bool", "1")


def test_a_changed_digest_names_both_digests():
    rows = rows_of(ENVELOPES)
    rows[1] = (*rows[1][:3], X)
    fault = first_fault([("bag:A", *row) for row in rows])
    assert fault == Fault("bag:A", 2, "digest", X.hex(), rows[2][1].hex())
    assert str(fault) == f"bag:A entry 2: digest is {X.hex()}, expected {rows[2][1].hex()}"


def test_a_changed_envelope_with_a_matching_digest_breaks_at_the_next_entry():
    rows = rows_of(ENVELOPES)
    forged = rows_of([ENVELOPES[0], b"{}"])[1]
    rows[1] = forged
    assert first_fault([("bag:A", *row) for row in rows]) == Fault("bag:A", 3, "previous", rows[2][1].hex(), forged[3].hex())


@pytest.mark.parametrize("at", range(3))
def test_a_deleted_entry_is_found_where_it_was(at):
    rows = rows_in("bag:A")
    del rows[at]
    assert first_fault(rows) == Fault("bag:A", at + 1, "position", str(at + 2), str(at + 1))


@pytest.mark.parametrize("at", range(3))
def test_swapped_entries_are_found(at):
    rows = rows_in("bag:A")
    rows[at], rows[at + 1] = rows[at + 1], rows[at]
    assert first_fault(rows) == Fault("bag:A", at + 1, "position", str(at + 2), str(at + 1))


def test_an_inserted_copy_is_found():
    rows = rows_in("bag:A")
    rows.insert(2, rows[1])
    assert first_fault(rows) == Fault("bag:A", 3, "position", "2", "3")


def test_streams_are_verified_one_after_the_other_and_their_heads_told():
    heads = []
    first, second = rows_in("bag:A"), rows_in("bag:B", ENVELOPES[1:])
    assert first_fault(first + second, lambda *head: heads.append(head)) is None
    assert heads == [("bag:A", 4, first[-1][4]), ("bag:B", 3, second[-1][4])]
    assert first_fault(first + second) is None


def test_no_head_is_told_when_there_are_no_streams():
    heads = []
    assert first_fault([], lambda *head: heads.append(head)) is None
    assert heads == []


def test_the_head_of_a_broken_stream_is_not_told():
    heads = []
    broken = rows_in("bag:B")
    broken[1] = (*broken[1][:3], b"{}", broken[1][4])
    fault = first_fault(rows_in("bag:A") + broken, lambda *head: heads.append(head))
    assert (fault.stream, fault.position, fault.what) == ("bag:B", 2, "digest")
    assert [head[0] for head in heads] == ["bag:A"]


def test_a_stream_that_starts_again_is_a_fault():
    """Else a second history of the same bag, right in itself, would pass."""
    rows = rows_in("bag:A") + rows_in("bag:B") + rows_in("bag:A", ENVELOPES[1:])
    assert first_fault(rows) == Fault("'bag:A'", 1, "stream", "'bag:A'", "a stream after 'bag:B'")


@pytest.mark.parametrize("stream", ["", None, 7, b"bag:A", True])
def test_a_stream_without_a_proper_name_is_a_fault(stream):
    assert first_fault(rows_in(stream)).what == "stream"
    assert first_fault(rows_in("a") + rows_in(stream)).what == "stream"


def test_the_first_stream_may_not_begin_late():
    assert first_fault(rows_in("bag:A")[1:]).what == "position"


@given(st.lists(st.lists(st.binary(max_size=40), min_size=1, max_size=6), min_size=1, max_size=4), st.data())
def test_any_flipped_bit_in_any_row_is_found_in_its_own_entry(streams, data):
    rows = [row for number, envelopes in enumerate(streams) for row in rows_in(f"bag:{number}", envelopes)]
    assert first_fault(rows) is None
    at = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.sampled_from([column for column in (2, 3, 4) if rows[at][column]]))
    changed = bytearray(rows[at][column])
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    damaged = list(rows[at])
    damaged[column] = bytes(changed)
    rows[at] = tuple(damaged)
    fault = first_fault(rows)
    assert (fault.stream, fault.position) == rows[at][:2]
