"""What is packed comes back, and nothing else does: not one bit may differ, not even one that says nothing."""

from __future__ import annotations

import os
import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.store.packing import packed, unpacked

TEXTS = st.lists(st.sampled_from([b"2026-03-01", b"5.0", b'"],["', b"\r\n", b"\0"]), max_size=300).map(b"".join)


@given(st.one_of(st.binary(max_size=2000), TEXTS), st.sampled_from((1, 6, 9)))
def test_what_is_packed_comes_back(data, level):
    assert unpacked(packed(data, level)) == data


@pytest.mark.parametrize("size", [0, 1, 100, 70_000, 300_000])
@pytest.mark.parametrize("level", [1, 6])
def test_what_cannot_be_made_less_comes_back_too(size, level):
    data = os.urandom(size)
    assert unpacked(packed(data, level)) == data


@given(st.one_of(st.binary(max_size=60), TEXTS), st.sampled_from((1, 6)), st.randoms(use_true_random=False))
def test_every_bit_counts(data, level, chance: random.Random):
    content = packed(data, level)
    places = {*chance.sample(range(len(content)), min(20, len(content))), len(content) - 5, *range(10)}
    for place in sorted(places):
        for bit in range(8):
            changed = bytearray(content)
            changed[place] ^= 1 << bit
            try:
                seen = unpacked(bytes(changed))
            except ValueError:
                continue
            assert seen != data, f"bit {bit} of byte {place} of {len(content)} does not count"


def test_the_same_said_in_another_way_is_refused():
    """A repetition taken from an earlier place: whoever unpacks sees no difference, and the checksum is the same."""
    data = b"abcdefgh" * 3 + b"-" * 9 + b"abcdefgh"
    content = packed(data)
    stream = content[9:]
    others = [
        bytes((*stream[:place], stream[place] ^ 1 << bit, *stream[place + 1 :])) for place in range(2, len(stream) - 4) for bit in range(8)
    ]
    same = [other for other in (*others, zlib.compress(data, 0)) if says(other) == data]
    assert same
    for other in same:
        with pytest.raises(ValueError, match="sealed"):
            unpacked(content[:9] + other)


def says(stream):
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return None


@given(st.binary(max_size=200), st.sampled_from((1, 6)))
def test_what_was_packed_before_there_were_seals_is_read_as_it_is(data, level):
    content = zlib.compress(data, level)
    assert unpacked(content) == data
    for other in (content[:-1], content[:-5], content[:1], b"", content + b"\0", content + content):
        with pytest.raises(ValueError, match=r"cut short|incomplete|incorrect|behind it|state"):
            unpacked(other)


@given(st.binary(max_size=200))
def test_what_is_cut_short_or_longer_is_refused(data):
    content = packed(data)
    for other in (content[:-1], content[:-5], content[:9], content[:1], b"", content + b"\0", content + content, content[9:] + content[:9]):
        with pytest.raises(ValueError, match=r"sealed|cut short|incomplete|incorrect|behind it|state"):
            unpacked(other)


@pytest.mark.parametrize("content", [None, 7, "text", "S234567890"])
def test_what_is_no_bytes_is_refused(content):
    with pytest.raises(ValueError, match=r"bytes|subscriptable"):
        unpacked(content)
