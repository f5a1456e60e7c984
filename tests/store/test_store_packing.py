"""What is packed comes back, and nothing else does: not one bit may differ, not even one that says nothing."""

from __future__ import annotations

import os
import random

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
    places = {*chance.sample(range(len(content)), min(20, len(content))), len(content) - 5}
    for place in sorted(places):
        for bit in range(8):
            changed = bytearray(content)
            changed[place] ^= 1 << bit
            try:
                seen = unpacked(bytes(changed))
            except ValueError:
                continue
            assert seen != data, f"bit {bit} of byte {place} of {len(content)} does not count"


@given(st.binary(max_size=200))
def test_what_is_cut_short_or_longer_is_refused(data):
    content = packed(data)
    for other in (content[:-1], content[:-5], content[:1], b"", content + b"\0", content + content):
        with pytest.raises(ValueError, match=r"cut short|incomplete|incorrect|behind it|state"):
            unpacked(other)
