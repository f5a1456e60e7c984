"""A series that is decoded where somebody asks says the same as one that is there whole."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.domain import stored_series as module
from custody.domain.cold_chain import Stay, judge_life
from custody.domain.readings import Gap, Reading, Series
from custody.domain.stored_series import stored_series
from custody.domain.terms import StorageForm
from custody.errors import InputError, LedgerBrokenError
from custody.intake.study_files import load_study
from custody.resources import data_dir

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
CRITERIA = load_study(data_dir("seed_data") / "studies" / "nct06505941")[0].cold_chain.for_form(StorageForm.COLD_2_8)
SECONDS = st.integers(-3000, 12_000)
CELSIUS = st.one_of(st.sampled_from([Decimal("5.0"), Decimal(8), Decimal("-0.25")]), st.decimals("-200", "40", places=2))


def at(seconds):
    return START + timedelta(seconds=seconds)


@st.composite
def series(draw):
    seconds = sorted(draw(st.lists(st.integers(0, 9000), min_size=1, max_size=40, unique=True)))
    lost = draw(st.lists(st.tuples(SECONDS, st.integers(1, 900)), max_size=3))
    return Series(
        readings=tuple(Reading(at(second), draw(CELSIUS)) for second in seconds),
        interval_minutes=draw(st.decimals("0.5", "10", places=1)),
        declared_gaps=tuple(Gap(start=at(s), end=at(s + long), minutes=Decimal(long) / 8) for s, long in lost),
    )


@st.composite
def times(draw, whole):
    """Readings themselves and the moments around them as often as any other time."""
    beside = st.builds(
        lambda reading, by: reading.at + timedelta(microseconds=by), st.sampled_from(whole.readings), st.sampled_from((-1, 0, 1))
    )
    moment = st.one_of(beside, SECONDS.map(at))
    return tuple(sorted((draw(moment), draw(moment))))


def said(found):
    return None if found is None else (found.readings, found.declared_gaps, found.interval_minutes, found.digest)


@given(st.data(), series(), st.integers(10, 300))
def test_what_is_decoded_in_parts_is_what_was_written(data, whole, part_bytes):
    with mock.patch.object(module, "PART_BYTES", part_bytes):
        stored = stored_series(whole.canonical_bytes)
        assert (stored.start, stored.end, stored.count) == (whole.start, whole.end, whole.count)
        assert stored == whole
        assert stored.canonical_bytes == whole.canonical_bytes
        assert stored.celsius_values == whole.celsius_values
        for _ in range(4):
            start, end = data.draw(times(whole))
            assert stored.within(start, end) == whole.within(start, end)
            assert stored.values_within(start, end) == whole.values_within(start, end)
            assert said(stored.clipped(start, end)) == said(whole.clipped(start, end))
            since, until = data.draw(st.sampled_from([(start, end), (None, end), (start, None), (None, None)]))
            assert said(stored.between(since, until)) == said(whole.between(since, until))


@given(st.data(), series(), st.integers(10, 300))
def test_a_life_is_judged_the_same_by_what_is_decoded_in_parts(data, whole, part_bytes):
    with mock.patch.object(module, "PART_BYTES", part_bytes):
        stored = stored_series(whole.canonical_bytes)
        for _ in range(3):  # what was worked out of a part for one time serves the next
            start, end = data.draw(times(whole))
            judged = [judge_life((Stay(place="x", start=start, end=end, traces=(each,)),), CRITERIA) for each in (stored, whole)]
            assert judged[0] == judged[1]
            since, until = data.draw(times(whole))
            cut = [each.between(since, until) for each in (stored, whole)]
            if cut[1] is not None:
                judged = [judge_life((Stay(place="x", start=start, end=end, traces=(each,)),), CRITERIA) for each in cut]
                assert judged[0] == judged[1]


@given(series())
def test_stored_series_goes_to_another_process_whole(whole):
    stored = stored_series(whole.canonical_bytes)
    narrowed = stored.clipped(at(100), at(2000))
    for each in (stored, narrowed):
        assert said(pickle.loads(pickle.dumps(each))) == said(each)


ONE = Series(readings=(Reading(START, Decimal("5.0")), Reading(at(600), Decimal("5.1"))), interval_minutes=Decimal(10))


@pytest.mark.parametrize(
    "change",
    [
        lambda b: b[:-1],
        lambda b: b"[]",
        lambda b: b"{}",
        lambda b: b"",
        lambda b: b + b" ",
        lambda b: b"\xff",
        lambda b: b[: b.index(b'["2026')] + b"]}",
        lambda b: b.replace(b'"interval_minutes":"10"', b'"interval_minutes":10'),
        lambda b: b.replace(b'{"declared_gaps"', b'{"a":1,"declared_gaps"'),
        lambda b: b.replace(b'"declared_gaps":[],', b""),
    ],
)
def test_other_bytes_are_no_series(change):
    with pytest.raises(InputError, match="not a stored temperature series"):
        stored_series(change(ONE.canonical_bytes))


@pytest.mark.parametrize(
    "change",
    [
        lambda b: b.replace(b"5.0", b"x"),
        lambda b: b.replace(b'"5.0"', b"5.0"),
        lambda b: b.replace(b"5.0", b"500"),
        lambda b: b.replace(b"08:10", b"08:00"),
        lambda b: b.replace(b"08:10", b"07:10"),
        lambda b: b.replace(b"00Z", b"00 "),
        lambda b: b.replace(b"],[", b"],,["),
        lambda b: b.replace(b'"5.0"]', b'"5.0","1"]'),
    ],
)
def test_readings_that_cannot_be_read_are_a_broken_record(change):
    """Their digest was compared before: whoever wrote such bytes wrote the digest too."""
    with pytest.raises(LedgerBrokenError, match="its readings cannot be read"):
        _ = stored_series(change(ONE.canonical_bytes)).readings
