"""The one way a value becomes bytes: canonical JSON (RFC 8785), narrowed to what can be read for thirty years.

Text must already be NFC and keys ASCII, so that sorting by code point is the order RFC 8785 asks for and
two people who typed the same word signed the same bytes. Nothing is normalised, rounded or coerced here:
a value that is not already exact is refused, because the ledger must hold what was said and signed.
"""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Callable
from typing import Any

from custody.errors import InputError, MalformedFileError

# I-JSON (RFC 7493 section 2.2): every JSON reader keeps integers up to here exact.
LARGEST_INTEGER = 2**53 - 1
# No act nests nearly this deep; the limit also ends a value that contains itself.
DEEPEST_NESTING = 64

_UNASSIGNED = "Cn"
_SURROGATE = "Cs"

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, check_circular=False, allow_nan=False).encode


class _RefusedError(Exception):
    """Why a value is refused; the path is gathered from the inside out while it travels up."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.steps: list[str] = []

    @property
    def path(self) -> str:
        return "$" + "".join(reversed(self.steps))


def canonical(value: object) -> bytes:
    """The UTF-8 bytes that are hashed and signed for `value`.

    Allowed: str, int, bool, None, list or tuple, and dict with ASCII str keys; exact types only (an enum
    is given by its value, a decimal or time by its text). Raises InputError that names the place in the
    value (`$.body.seals[2]`), never its content.
    """
    try:
        _examine(value, 0, _examine_new_text)
    except _RefusedError as refused:
        raise InputError(f"{refused.path}: {refused}", path=refused.path) from None
    return _encode(value).encode()


def parse_canonical(data: bytes) -> Any:
    """The value whose canonical bytes are `data`; tuples come back as lists.

    Raises MalformedFileError for anything `canonical` would not have written: repeated keys, floats,
    other spacing, order or escapes, bytes that are not UTF-8.
    """
    if type(data) is not bytes:
        raise MalformedFileError(f"canonical JSON is bytes, not {type(data).__name__}")
    try:
        value = json.loads(data.decode())
        _examine(value, 0, _examine_kept_text)
    except (ValueError, RecursionError) as error:
        raise MalformedFileError(f"not canonical JSON: {error}") from error
    except _RefusedError as refused:
        raise MalformedFileError(f"not canonical JSON: {refused.path}: {refused}", path=refused.path) from None
    expected = _encode(value).encode()
    if data != expected:
        raise MalformedFileError(f"not canonical JSON: {_difference(data, expected)}")
    return value


def _examine(value: object, depth: int, examine_text: Callable[[str], None]) -> None:
    if type(value) is str:
        if not value.isascii():
            examine_text(value)
    elif type(value) is int:
        if not -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
            raise _RefusedError("an integer beyond 2^53-1; write it as text")
    elif type(value) is dict:
        _examine_object(value, depth + 1, examine_text)
    elif type(value) is list or type(value) is tuple:
        _examine_array(value, depth + 1, examine_text)
    elif value is not None and value is not True and value is not False:
        kind = type(value).__name__
        raise _RefusedError(f"a {kind}; expected text, an integer, true or false, null, a list or an object (decimals and times as text)")


def _examine_object(members: dict[Any, object], depth: int, examine_text: Callable[[str], None]) -> None:
    if depth > DEEPEST_NESTING:
        raise _RefusedError(f"nested deeper than {DEEPEST_NESTING}")
    for key, member in members.items():
        if type(key) is not str:
            raise _RefusedError(f"a key that is a {type(key).__name__}; keys are ASCII text")
        if not key.isascii():
            raise _RefusedError("a key outside ASCII")
        # Most members are plain text: the call and its bookkeeping cost more than this look.
        if type(member) is str and member.isascii():
            continue
        try:
            _examine(member, depth, examine_text)
        except _RefusedError as refused:
            refused.steps.append(f".{key}")
            raise


def _examine_array(members: list[object] | tuple[object, ...], depth: int, examine_text: Callable[[str], None]) -> None:
    if depth > DEEPEST_NESTING:
        raise _RefusedError(f"nested deeper than {DEEPEST_NESTING}")
    for index, member in enumerate(members):
        try:
            _examine(member, depth, examine_text)
        except _RefusedError as refused:
            refused.steps.append(f"[{index}]")
            raise


def _examine_new_text(text: str) -> None:
    """Text about to be written.

    Unassigned code points are refused (RFC 7493 section 2.1 forbids half of them anyway): only text of
    assigned ones is promised to stay NFC in every later version of Unicode.
    """
    kinds = _kinds_without_surrogates(text)
    if _UNASSIGNED in kinds:
        raise _RefusedError("text with a character that Unicode has not assigned")
    if not unicodedata.is_normalized("NFC", text):
        raise _RefusedError("text that is not in Unicode form NFC; normalise it where it is typed")


def _examine_kept_text(text: str) -> None:
    """Text written earlier, maybe by a Python with newer Unicode tables than this one.

    Where this Python does not know every character it cannot judge the form, and must not refuse.
    """
    kinds = _kinds_without_surrogates(text)
    if not unicodedata.is_normalized("NFC", text) and _UNASSIGNED not in kinds:
        raise _RefusedError("text that is not in Unicode form NFC")


def _kinds_without_surrogates(text: str) -> set[str]:
    kinds = set(map(unicodedata.category, text))
    if _SURROGATE in kinds:
        raise _RefusedError("text with half a surrogate pair")
    return kinds


def _difference(data: bytes, expected: bytes) -> str:
    repeated: list[str] = []

    def note_repeats(pairs: list[tuple[str, Any]]) -> None:
        repeated.extend(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)

    json.loads(data.decode(), object_pairs_hook=note_repeats)
    if repeated:
        return f"the key {repeated[0]!r} stands twice in one object"
    offset = next((at for at, (seen, wanted) in enumerate(zip(data, expected, strict=False)) if seen != wanted), len(expected))
    return f"byte {offset} is another than canonical form has there (spacing, order or escapes)"
