"""Canonical bytes: equal to RFC 8785 for every allowed value, and nothing else gets in or is read."""

import datetime as dt
import decimal
import enum
import json
import unicodedata

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from custody.errors import InputError, MalformedFileError
from custody.ledger import canonical as canonical_form
from custody.ledger.canonical import DEEPEST_NESTING, LARGEST_INTEGER, canonical, parse_canonical

ASSIGNED = st.characters(exclude_categories=("Cs", "Cn"))
TEXTS = st.text(ASSIGNED).map(lambda text: unicodedata.normalize("NFC", text))
KEYS = st.text(st.characters(max_codepoint=0x7F))
LEAVES = st.none() | st.booleans() | st.integers(-LARGEST_INTEGER, LARGEST_INTEGER) | TEXTS
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(KEYS, inner), max_leaves=20)


def as_lists(value):
    if isinstance(value, dict):
        return {key: as_lists(member) for key, member in value.items()}
    return [as_lists(member) for member in value] if isinstance(value, list | tuple) else value


@given(VALUES)
@example({"\x7f": "\u2028\u2029\x7f", "": '\x00\x1f\\/"\b\f\n\r\t', "10": 1, "9": 2})
def test_every_allowed_value_has_the_bytes_of_rfc_8785(value):
    assert canonical(value) == rfc8785.dumps(value)


@given(VALUES)
def test_canonical_bytes_are_read_back_as_the_same_value_and_written_the_same_again(value):
    read = parse_canonical(canonical(value))
    assert read == as_lists(value)
    # True == 1 in Python, not in JSON.
    assert json.dumps(read) == json.dumps(as_lists(value), sort_keys=True)
    assert canonical(read) == canonical(value)


def test_strings_and_literals_of_rfc_8785_section_3_2_2():
    value = {"string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"\u002f", "literals": [None, True, False]}
    assert canonical(value) == '{"literals":[null,true,false],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'.encode()


def test_each_control_character_is_escaped_as_ecmascript_does():
    short = {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r"}
    for code in range(0x20):
        escape = short.get(code, f"\\u{code:04x}")
        assert canonical(chr(code)) == f'"{escape}"'.encode()


@pytest.mark.parametrize("character", ["\x7f", "\u2028", "\u2029", "\ufeff", "\U0001f476", "脐", "/", "'"])
def test_other_characters_are_written_as_they_are(character):
    assert canonical(character) == f'"{character}"'.encode()


def test_keys_are_sorted_at_every_depth():
    assert canonical({"b": [{"z": 1, "a": 2}], "B": None, "a": True}) == b'{"B":null,"a":true,"b":[{"a":2,"z":1}]}'


class Colour(enum.StrEnum):
    RED = "red"


class Number(enum.IntEnum):
    ONE = 1


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (1.0, "float"),
        (float("nan"), "float"),
        (decimal.Decimal("-151.2"), "Decimal"),
        (dt.datetime(2026, 11, 22, tzinfo=dt.UTC), "datetime"),
        (dt.date(2026, 11, 22), "date"),
        (b"", "bytes"),
        ({1}, "set"),
        (object(), "object"),
        (Colour.RED, "Colour"),
        (Number.ONE, "Number"),
    ],
)
def test_a_value_of_another_type_is_refused_with_its_place(value, kind):
    with pytest.raises(InputError, match=rf"^\$\.body\.readings\[1\]: a {kind};") as refused:
        canonical({"body": {"readings": ["-151.2", value]}})
    assert refused.value.values["path"] == "$.body.readings[1]"


def test_a_refused_value_at_the_top_is_named_too():
    with pytest.raises(InputError, match=r"^\$: a float"):
        canonical(1.5)


def test_the_refusal_does_not_repeat_the_value():
    with pytest.raises(InputError) as refused:
        canonical({"name": "Zoe\u0301 Secret"})
    assert "Secret" not in str(refused.value)


@pytest.mark.parametrize("number", [LARGEST_INTEGER, -LARGEST_INTEGER])
def test_the_largest_integers_are_written(number):
    assert canonical(number) == str(number).encode()


@pytest.mark.parametrize("number", [LARGEST_INTEGER + 1, -LARGEST_INTEGER - 1, 2**64])
def test_integers_beyond_them_are_refused(number):
    with pytest.raises(InputError, match=r"^\$\.cells: an integer beyond 2\^53-1"):
        canonical({"cells": number})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("\ud800", "half a surrogate pair"),
        ("e\u0301", "form NFC"),
        ("\u212b", "form NFC"),
        ("\ufffe", "not assigned"),
        ("\u0378", "not assigned"),
    ],
)
def test_text_that_is_not_exact_is_refused(text, reason):
    with pytest.raises(InputError, match=rf"^\$\.note\[0\]: .*{reason}"):
        canonical({"note": [text]})


@pytest.mark.parametrize(
    ("key", "reason"), [(1, "a key that is a int"), (None, "a key that is a NoneType"), ("clé", "a key outside ASCII")]
)
def test_keys_are_ascii_text(key, reason):
    with pytest.raises(InputError, match=rf"^\$\.body: {reason}"):
        canonical({"body": {key: 1}})


def nested(depth, wrap):
    value = None
    for _ in range(depth):
        value = wrap(value)
    return value


@pytest.mark.parametrize("wrap", [lambda inner: [inner], lambda inner: (inner,), lambda inner: {"a": inner}])
def test_nesting_has_an_end(wrap):
    assert parse_canonical(canonical(nested(DEEPEST_NESTING, wrap))) == as_lists(nested(DEEPEST_NESTING, wrap))
    with pytest.raises(InputError, match="nested deeper than 64"):
        canonical(nested(DEEPEST_NESTING + 1, wrap))


def test_a_value_that_contains_itself_is_refused():
    loop = []
    loop.append(loop)
    with pytest.raises(InputError, match="nested deeper"):
        canonical(loop)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "Expecting value"),
        (b"{", "Expecting property name"),
        (b'{"a":1}\n', "byte 7"),
        (b'{"a":1, "b":2}', "byte 7"),
        (b' {"a":1}', "byte 0"),
        (b'{"b":1,"a":2}', "byte 2"),
        (b'{"a":1,"a":1}', "key 'a' stands twice"),
        (b'{"x":[{"a":1,"a":2}]}', "key 'a' stands twice"),
        (b"1.0", r"\$: a float"),
        (b'{"a":[1e2]}', r"\$\.a\[0\]: a float"),
        (b"NaN", r"\$: a float"),
        (b"-Infinity", r"\$: a float"),
        (b"-0", "byte 0"),
        (b"01", "Extra data"),
        (b"9007199254740992", "beyond 2"),
        pytest.param(b"1" * 5000, "not canonical JSON", id="5000 digits"),
        (b'"\\u0041"', "byte 1"),
        (b'"\\u00e9"', "byte 1"),
        (b'"\\u001F"', "byte 6"),
        (b'"\\/"', "byte 1"),
        (b'"\\ud800"', "half a surrogate pair"),
        (b'"\xed\xa0\x80"', "decode"),
        (b'"\xff"', "decode"),
        (b'\xef\xbb\xbf""', "BOM"),
        ('{"é":1}'.encode(), "outside ASCII"),
        ('"e\u0301"'.encode(), "form NFC"),
        (b"[" * 65 + b"]" * 65, "nested deeper"),
        pytest.param(b"[" * 200_000, "not canonical JSON", id="deep list"),
    ],
)
def test_bytes_that_are_not_canonical_are_not_read(data, reason):
    with pytest.raises(MalformedFileError, match=f"^not canonical JSON: .*{reason}|^{reason}"):
        parse_canonical(data)


@pytest.mark.parametrize("data", ["{}", bytearray(b"{}"), None])
def test_only_bytes_are_read(data):
    with pytest.raises(MalformedFileError, match="is bytes, not"):
        parse_canonical(data)


@given(st.binary())
def test_whatever_is_read_is_canonical(data):
    try:
        value = parse_canonical(data)
    except MalformedFileError:
        return
    assert canonical(value) == data


@given(VALUES, st.data())
def test_a_changed_byte_never_reads_as_the_same_value(value, data):
    written = bytearray(canonical(value))
    at = data.draw(st.integers(0, len(written) - 1))
    written[at] ^= 1 << data.draw(st.integers(0, 7))
    try:
        changed = parse_canonical(bytes(written))
    except MalformedFileError:
        return
    assert json.dumps(changed) != json.dumps(as_lists(value), sort_keys=True)


def test_text_of_a_newer_unicode_is_still_read(monkeypatch):
    """A Python older than the one that wrote cannot judge the form of characters it does not know."""
    newer = "a\u0378\u0301"
    monkeypatch.setattr(canonical_form.unicodedata, "is_normalized", lambda form, text: False)
    assert parse_canonical(f'"{newer}"'.encode()) == newer
