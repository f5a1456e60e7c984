"""Acts to ledger bodies and back: strings, integers, booleans and null, nothing else.

Decimals keep the digits they were entered with; times keep their offset and have six decimals;
an identifier of a thing with a stream is written as that stream's name, so it can be read without its class.
"""

from __future__ import annotations

import dataclasses
import typing
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import lru_cache
from typing import Any, cast

from custody.domain.acts.base import ACTS, Act, FieldType, alternatives, field_types
from custody.domain.ids import Identifier, Node, node_of, parsed
from custody.errors import InputError

TEXT_LENGTH_MAX = 1_000_000
"""A study's whole content is one text; forms allow far less."""
UPCASTERS: dict[tuple[str, int], Any] = {}
"""(act, version) -> function from that version's body to the next; empty until an act changes its meaning."""


def body_of(act: Act) -> dict[str, Any]:
    """The act's fields as the ledger keeps them; to be read, never changed: it is made once for each act."""
    known: dict[str, Any] | None = act.__dict__.get(_BODY)
    if known is None:
        known = encoded(act)
        object.__setattr__(act, _BODY, known)
    return known


_BODY = "_body"


def encoded(value: Any) -> Any:
    """A value as the ledger keeps it: text, whole numbers, booleans, null, lists and objects. Raises InputError for anything else."""
    kind = type(value)
    encoder = _ENCODERS.get(kind)
    if encoder is None:
        encoder = _ENCODERS[kind] = _encoder_of(kind)
    return encoder(value)


def _encoder_of(kind: type[Any]) -> Callable[[Any], Any]:
    for base, encoder in _KINDS:
        if issubclass(kind, base):
            return encoder
    if dataclasses.is_dataclass(kind):
        names = tuple(field.name for field in dataclasses.fields(kind))
        return lambda value: {name: encoded(getattr(value, name)) for name in names}
    return _refuse


def _refuse(value: Any) -> Any:
    raise InputError(f"a {type(value).__name__} cannot be kept in the ledger")


def _time_text(value: datetime) -> str:
    if value.utcoffset() is None:
        raise InputError(f"the time {value} has no offset from UTC")
    return value.isoformat(timespec="microseconds")


def _normal(value: str) -> str:
    return value if value.isascii() else unicodedata.normalize("NFC", value)


_ENCODERS: dict[type[Any], Callable[[Any], Any]] = {}
_KINDS: tuple[tuple[type[Any], Callable[[Any], Any]], ...] = (
    (type(None), lambda value: value),
    (int, lambda value: value),
    (StrEnum, lambda value: value.value),
    (str, _normal),
    (Decimal, str),
    (datetime, _time_text),
    (date, lambda value: value.isoformat()),
    (Node, lambda value: value.key),
    (Identifier, lambda value: value.value),
    (tuple, lambda value: [encoded(item) for item in value]),
)
"""The first that fits says how a value of that kind is kept."""


def act_from(name: str, version: int, body: Mapping[str, Any]) -> Act:
    """The act that a ledger body stands for.

    Raises InputError naming the field that does not fit.
    """
    rule = ACTS.get(name)
    if rule is None:
        raise InputError(f"there is no act called “{name[:60]}”", code="unknown_act", act=name)
    while version < rule.version:
        body = UPCASTERS[name, version](body)
        version += 1
    if version > rule.version:
        raise InputError(f"{name} version {version} was written by a newer custody; this one reads up to version {rule.version}")
    return decoded(rule.cls, body)  # type: ignore[no-any-return]


def decoded(cls: type[Any], body: Mapping[str, Any]) -> Any:
    """An instance of the dataclass `cls` from a ledger body. Raises InputError with `field` set."""
    readers = _readers_of(cls)
    given = {}
    for name, content in body.items():
        reader = readers.get(name)
        if reader is None:
            raise InputError(f"{name} is no field here; expected {', '.join(readers)}", code="unknown_field", field=name)
        try:
            given[name] = reader(content)
        except InputError as error:
            inner = f"{name}.{error.field}" if error.field else name
            raise type(error)(f"{inner}: {error}", code=error.code, field=inner, **error.values) from error
    for name in _REQUIRED[cls]:
        if name not in given:
            raise InputError(f"{name} is missing", code="missing_field", field=name)
    return cls(**given)


Reader = Callable[[Any], Any]
_READERS: dict[type[Any], dict[str, Reader]] = {}
_REQUIRED: dict[type[Any], tuple[str, ...]] = {}


def _readers_of(cls: type[Any]) -> dict[str, Reader]:
    """How each field of a class is read, put together once a class: a verdict reads hundreds of acts."""
    found = _READERS.get(cls)
    if found is None:
        fields = field_types(cls)
        _REQUIRED[cls] = tuple(name for name, field in fields.items() if field.required)
        found = _READERS[cls] = {name: _reader(field) for name, field in fields.items()}
    return found


def _reader(field: FieldType) -> Reader:
    one = _reader_of_one(field.plain)
    several = _reader_of_several(one) if field.repeated else one
    return _or_none(several, optional=field.optional)


def _or_none(reader: Reader, *, optional: bool) -> Reader:
    def read(content: Any) -> Any:
        if content is not None:
            return reader(content)
        if optional:
            return None
        raise InputError("must be filled in", code="missing_field")

    return read


def _reader_of_several(one: Reader) -> Reader:
    def read(content: Any) -> Any:
        if not isinstance(content, list | tuple):
            raise InputError(f"expected a list, saw {type(content).__name__}", code="not_a_list")
        return tuple([one(item) for item in content])

    return read


def _reader_of_one(plain: Any) -> Reader:
    if typing.get_origin(plain) is dict:
        return _reader_of_table(_reader_of_one(typing.get_args(plain)[1]))
    choices = alternatives(plain)
    wanted: Any = choices[0]
    if issubclass(wanted, Node):
        return _text_only(lambda content: _node(choices, content))
    if not issubclass(wanted, Identifier) and dataclasses.is_dataclass(wanted):
        return _reader_of_part(cast("type[Any]", wanted))
    if wanted is bool or wanted is int:
        return _reader_of_whole(wanted)
    return _text_only(lambda content: _from_text(wanted, content), whole_too=wanted is Decimal)


def _reader_of_table(inner: Reader) -> Reader:
    def read(content: Any) -> Any:
        if not isinstance(content, Mapping):
            raise InputError("expected names and values", code="not_a_group")
        return {str(key): inner(item) for key, item in content.items()}

    return read


def _reader_of_part(wanted: type[Any]) -> Reader:
    def read(content: Any) -> Any:
        if not isinstance(content, Mapping):
            raise InputError("expected several fields together", code="not_a_group")
        return decoded(wanted, content)

    return read


def _reader_of_whole(wanted: type[Any]) -> Reader:
    def read(content: Any) -> Any:
        if type(content) is wanted:
            return content
        raise InputError(f"expected {'yes or no' if wanted is bool else 'a whole number'}, saw “{content}”", code="not_a_number")

    return read


def _text_only(reader: Callable[[str], Any], *, whole_too: bool = False) -> Reader:
    def read(content: Any) -> Any:
        if isinstance(content, str):
            return reader(content)
        if whole_too and type(content) is int:
            return Decimal(content)
        raise InputError(f"expected text, saw {type(content).__name__}", code="not_text")

    return read


@lru_cache(maxsize=16_384)
def _node(choices: tuple[Any, ...], content: str) -> Node:
    if ":" not in content and len(choices) == 1:
        only: Node = choices[0].parse(content)
        return only
    node = node_of(content)
    if not isinstance(node, choices):
        expected = " or ".join(choice.kind_word() for choice in choices)
        raise InputError(f"saw {node.kind} {node}, expected a {expected}", code="wrong_kind", seen=node.kind, expected=expected)
    return cast("Node", node)


def _from_text(wanted: Any, content: str) -> Any:
    if wanted is str:
        if len(content) > TEXT_LENGTH_MAX:
            raise InputError(
                f"{len(content)} characters; at most {TEXT_LENGTH_MAX} are kept", code="too_long", seen=len(content), limit=TEXT_LENGTH_MAX
            )
        return unicodedata.normalize("NFC", content)
    if issubclass(wanted, Identifier):
        return parsed(wanted, content)
    if issubclass(wanted, StrEnum):
        if content not in wanted._value2member_map_:
            raise InputError(
                f"“{content[:40]}” is not one of {', '.join(wanted)}", code="not_a_choice", seen=content[:40], expected=", ".join(wanted)
            )
        return wanted(content)
    if wanted is Decimal:
        return exact_decimal(content)
    if wanted is datetime:
        return _time(content)
    if wanted is date:
        try:
            return date.fromisoformat(content)
        except ValueError as error:
            raise InputError(f"“{content[:40]}” is not a date such as 2026-01-31", code="not_a_date", seen=content[:40]) from error
    raise InputError(f"{wanted} cannot be read from text")


def exact_decimal(text: str) -> Decimal:
    """A finite decimal number of at most 30 characters, with the digits as entered. Raises InputError."""
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise InputError(f"“{text[:40]}” is not a number such as 28.5", code="not_a_number", seen=text[:40]) from error
    if not number.is_finite() or len(text) > 30:
        raise InputError(f"“{text[:40]}” is not a number that can be kept", code="not_a_number", seen=text[:40])
    return number


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"“{text[:40]}” is not a time such as 2026-01-31T14:30:00+08:00", code="not_a_time", seen=text[:40]) from error
    if at.utcoffset() is None:
        raise InputError(f"“{text[:40]}” says no offset from UTC", code="time_without_offset", seen=text[:40])
    return at
