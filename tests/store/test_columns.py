"""Columns compared by what was remembered of other texts are judged as columns whose text is searched."""

from __future__ import annotations

import re
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.ledger.canonical import canonical
from custody.store.columns import Columns

NAMES = ("stream", "position", "act", "site", "study", "recorded_at", "previous")
SIGNATURE = {"digest": sha256(b"signed").hexdigest(), "meaning": "performed", "method": "pin"}
HAPPENED = ',"happened_at":"'


def entry(**changes):
    return {
        "account": "lin.wei",
        "act": "consent_withdrawn",
        "act_version": 1,
        "body": {"donor": "donor:D-1"},
        "happened_at": "2026-03-01T09:30:00.000000+08:00",
        "idempotency_key": None,
        "person": "PERSON-001",
        "position": 3,
        "previous": sha256(b"before").hexdigest(),
        "printed_name": "Lin Wei",
        "recorded_at": "2026-03-01T09:31:00.000000+08:00",
        "role": "operator",
        "signature": None,
        "site": "A9991",
        "software_version": "0.1.0",
        "station": "desk",
        "stream": "donor:D-1",
        "study": "DEMO-1",
        **changes,
    }


def columns_of(fields):
    return {**{name: fields[name] for name in NAMES}, "previous": bytes.fromhex(fields["previous"])}


def text_of(fields):
    return canonical(fields).decode()


def having_seen(*seen):
    columns = Columns()
    for fields in seen:
        assert columns.agree(text_of(fields), **columns_of(fields))
    return columns


WORDS = st.text(st.sampled_from('",\\:{}ab林'), max_size=12)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "account": st.sampled_from(["lin.wei", "wang.fang"]),
        "act": st.sampled_from(["consent_withdrawn", "consent_given"]),
        "body": st.sampled_from([{}, {"position": 3, "previous": "00"}, {"happened_at": "now", "stream": "donor:D-2"}]),
        "idempotency_key": st.none() | WORDS,
        "position": st.integers(1, 12),
        "printed_name": WORDS,
        "recorded_at": st.sampled_from(["2026-03-01T09:31:00.000000+08:00", "2026-03-01T01:31:00.000000+00:00"]),
        "role": st.sampled_from(["operator", "quality"]),
        "signature": st.sampled_from([None, SIGNATURE, {**SIGNATURE, "digest": "0" * 64}, {**SIGNATURE, "digest": 'a","happened_at":"b'}]),
        "site": st.sampled_from(["A9991", "A9992"]),
        "station": WORDS,
        "stream": st.sampled_from(["donor:D-1", "donor:D-22"]),
        "study": st.sampled_from([None, "DEMO-1", "null"]),
    },
)


@given(seen=FIELDS, told=FIELDS, otherwise=FIELDS)
def test_what_was_remembered_changes_no_answer(seen, told, otherwise):
    """Columns that agree, and columns of another entry, beside a text whose like was seen before."""
    base, fields = entry(**seen), entry(**{**seen, **told})
    for columns in (columns_of(fields), columns_of({**fields, **otherwise}), columns_of(base)):
        expected = Columns().agree(text_of(fields), **columns)
        assert expected == (columns == columns_of(fields))
        assert having_seen(base).agree(text_of(fields), **columns) == expected
        assert having_seen(base, fields).agree(text_of(fields), **columns) == expected


@pytest.mark.parametrize("signature", [None, SIGNATURE])
@pytest.mark.parametrize("name", NAMES)
def test_each_column_is_compared_with_a_text_like_one_seen_before(name, signature):
    fields = entry(signature=signature)
    other = {"position": 4, "previous": bytes(32), "study": None}.get(name, "another")
    assert not having_seen(fields).agree(text_of(fields), **{**columns_of(fields), name: other})


@pytest.mark.parametrize("name", ["stream", "recorded_at", "site"])
def test_column_that_is_no_text_is_an_error(name):
    fields = entry(**{name: "5"})
    with pytest.raises(TypeError):
        having_seen(fields).agree(text_of(fields), **{**columns_of(fields), name: 5})


def test_text_is_searched_only_where_its_like_was_not_seen(monkeypatch):
    columns = having_seen(entry())
    monkeypatch.setattr("custody.store.columns._agree", lambda *_: pytest.fail("it was searched"))
    later = entry(stream="donor:D-22", position=14, previous="00" * 32, recorded_at="2026-03-02T10:00:00.000000+08:00")
    later["body"] = {"donor": "donor:D-22"}
    with pytest.raises(pytest.fail.Exception, match="it was searched"):
        columns.agree(text_of(entry(station="bench")), **columns_of(entry()))
    assert columns.agree(text_of(later), **columns_of(later))


@pytest.mark.parametrize("signature", [None, SIGNATURE])
def test_quotation_mark_in_a_value_is_none_around_it(signature):
    """A text in no canonical form: its stream, or what was signed, brings places of its own."""
    fields = entry(signature=signature)
    stream = "donor:D-1" + HAPPENED + "x"
    text = text_of(fields).replace('"stream":"donor:D-1"', f'"stream":"{stream}"')
    assert not having_seen(fields).agree(text, **{**columns_of(fields), "stream": stream})
    if signature:
        digest = ("a" + HAPPENED).ljust(64, "b")
        text = re.sub('"digest":"[0-9a-f]*"', f'"digest":"{digest}"', text_of(fields))
        assert not having_seen(fields).agree(text, **columns_of(fields))


def test_few_texts_are_remembered(monkeypatch):
    monkeypatch.setattr("custody.store.columns.FRAMES_REMEMBERED_MAX", 2)
    columns = having_seen(*(entry(account=f"account-{number}") for number in range(5)))
    assert len(columns._frames) <= 2
