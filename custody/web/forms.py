"""Forms made from the table of acts: each field of an act becomes inputs, and what comes back becomes the act's body again."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from custody.codes.scan import expect, read_scan
from custody.domain.acts.base import ActRule, FieldType, alternatives, field_types
from custody.domain.ids import Digest, Identifier, Node
from custody.errors import InputError
from custody.words import Words

TEXT_MAX = 10_000
LONG_NAMES = frozenset(
    {
        "reason",
        "remark",
        "description",
        "conclusion",
        "evaluation",
        "hazard_if_not_treated",
        "alternatives_considered",
        "reason_if_partial",
    }
)
NodeFinder = Callable[[tuple[type[Node], ...], str], Node]
"""Finds the thing a typed or scanned text means, among these kinds; raises NotFoundError or UnreadableCodeError."""


@dataclass(frozen=True, kw_only=True)
class Input:
    """One input of a form. `kind`: text, longtext, number, integer, moment, day, yesno, choice, lines, hidden, rows."""

    name: str
    kind: str
    label: str
    help: str = ""
    required: bool = True
    scanned: bool = False
    value: str = ""
    options: tuple[tuple[str, str], ...] = ()
    rows: tuple[tuple[Input, ...], ...] = ()
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class FormGiven:
    """What came back: `values` by input name, `zone` for local times, `find` for things, `fixed` for what the server fills in."""

    values: Mapping[str, list[str]]
    zone: ZoneInfo
    find: NodeFinder
    fixed: Mapping[str, Any]

    def one(self, name: str) -> str:
        found = self.values.get(name, [])
        return found[0].strip() if found else ""


def inputs_of(rule: ActRule, words: Words, given: Mapping[str, Any], zone: ZoneInfo, fixed: frozenset[str]) -> tuple[Input, ...]:
    """The inputs for an act. `given`: values to show first, as the ledger writes them; `fixed`: fields nobody fills in by hand."""
    return tuple(
        each
        for name, field in field_types(rule.cls).items()
        if name not in fixed
        for each in _inputs(rule.name, name, name, field, words, given.get(name), zone)
    )


def _inputs(act: str, path: str, name: str, field: FieldType, words: Words, value: Any, zone: ZoneInfo) -> tuple[Input, ...]:
    plain = alternatives(field.plain)[0]
    if _is_part(plain):
        if field.repeated:
            return (_rows(act, path, name, plain, words, value, zone),)
        inner = value if isinstance(value, Mapping) else {}
        return tuple(
            each
            for sub, sub_field in field_types(plain).items()
            for each in _inputs(act, f"{path}.{sub}", sub, sub_field, words, inner.get(sub), zone)
        )
    kind, options = _kind(name, plain, words, repeated=field.repeated)
    return (
        Input(
            name=path,
            kind=kind,
            label=words.field(act, name),
            help=words.help(act, name),
            required=field.required and not field.optional,
            scanned=field.scanned or issubclass(plain, Identifier),
            value=_shown(value, kind, zone),
            options=options,
        ),
    )


def _is_part(plain: Any) -> bool:
    return dataclasses.is_dataclass(plain) and not issubclass(plain, Identifier)  # type: ignore[arg-type]


def _rows(act: str, path: str, name: str, plain: Any, words: Words, value: Any, zone: ZoneInfo) -> Input:
    lines = value if isinstance(value, list | tuple) else []
    filled = [*lines, *([{}] * max(0, ROWS_MIN - len(lines)))]
    rows = tuple(
        tuple(
            each
            for sub, sub_field in field_types(plain).items()
            for each in _inputs(act, f"{path}-{n}.{sub}", sub, sub_field, words, line.get(sub), zone)
        )
        for n, line in enumerate(filled)
    )
    return Input(name=path, kind="rows", label=words.field(act, name), rows=rows, required=False)


ROWS_MIN = 3


def _kind(name: str, plain: Any, words: Words, *, repeated: bool) -> tuple[str, tuple[tuple[str, str], ...]]:
    if repeated:
        return "lines", ()
    if plain is bool:
        return "yesno", ()
    if isinstance(plain, type) and issubclass(plain, StrEnum):
        return "choice", tuple((word.value, words.term(word)) for word in plain)
    kinds = {int: "integer", Decimal: "number", datetime: "moment", date: "day"}
    if plain in kinds:
        return kinds[plain], ()
    return ("longtext" if name in LONG_NAMES else "text"), ()


def _shown(value: Any, kind: str, zone: ZoneInfo) -> str:
    if value is None:
        return ""
    if kind == "moment" and isinstance(value, str) and value:
        return datetime.fromisoformat(value).astimezone(zone).strftime("%Y-%m-%dT%H:%M")
    if kind == "yesno":
        return "yes" if value else "no"
    if kind == "lines":
        return "\n".join(str(item).partition(":")[2] or str(item) for item in value)
    return str(value)


def body_from(rule: ActRule, given: FormGiven) -> dict[str, Any]:
    """The act's body from a form. Raises InputError with `field` naming the input that does not fit."""
    body: dict[str, Any] = {}
    for name, field in field_types(rule.cls).items():
        if name in given.fixed:
            body[name] = given.fixed[name]
            continue
        content = _content(name, field, given)
        if content is not None:
            body[name] = content
    return body


def _content(path: str, field: FieldType, given: FormGiven) -> Any:
    plain = alternatives(field.plain)[0]
    if _is_part(plain):
        if field.repeated:
            return _row_contents(path, plain, given)
        return {
            sub: content
            for sub, sub_field in field_types(plain).items()
            if (content := _content(f"{path}.{sub}", sub_field, given)) is not None
        }
    text = given.one(path)
    if not text:
        return [] if field.repeated and field.required else None
    if len(text) > TEXT_MAX:
        raise InputError(f"{len(text)} characters; at most {TEXT_MAX} are kept", code="too_long", field=path, seen=len(text), limit=TEXT_MAX)
    try:
        if field.repeated:
            return [_one(field, line.strip(), given) for line in text.replace(",", "\n").splitlines() if line.strip()]
        return _one(field, text, given)
    except InputError as error:
        raise type(error)(str(error), code=error.code, field=path, **error.values) from error


def _row_contents(path: str, plain: Any, given: FormGiven) -> list[dict[str, Any]]:
    numbers = sorted({int(n) for key in given.values if (n := _row_number(key, path)) is not None})
    rows = []
    for n in numbers:
        row = {
            sub: content
            for sub, sub_field in field_types(plain).items()
            if (content := _content(f"{path}-{n}.{sub}", sub_field, given)) is not None
        }
        if row:
            rows.append(row)
    return rows


def _row_number(key: str, path: str) -> str | None:
    if not key.startswith(f"{path}-"):
        return None
    number = key[len(path) + 1 :].partition(".")[0]
    return number if number.isascii() and number.isdigit() and len(number) < 5 else None


def _one(field: FieldType, text: str, given: FormGiven) -> Any:
    choices = alternatives(field.plain)
    plain = choices[0]
    if plain is bool:
        if text not in {"yes", "no"}:
            raise InputError(f"“{text[:40]}” is not yes or no", code="not_a_choice", seen=text[:40], expected="yes, no")
        return text == "yes"
    if plain is int:
        return _whole(text)
    if plain is datetime:
        return _moment(text, given.zone)
    if issubclass(plain, Node):
        return given.find(choices, text).key
    if issubclass(plain, Identifier) and plain is not Digest:
        return scanned_value(plain, text)
    return text


def scanned_value(plain: type[Identifier], text: str) -> str:
    """An identifier without a stream as scanned (`CU1:seal:…`) or typed. Raises UnreadableCodeError."""
    if text.startswith(("CU1:", "]")):
        kind = {"SealNumber": "seal", "WristbandToken": "wristband", "PersonId": "badge"}.get(plain.__name__, "")
        return expect(read_scan(text), kind) if kind else plain.parse(text).value
    return plain.parse(text).value


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise InputError(f"“{text[:40]}” is not a whole number", code="not_a_number", seen=text[:40]) from error


def _moment(text: str, zone: ZoneInfo) -> str:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"“{text[:40]}” is not a time such as 2026-01-31T14:30", code="not_a_time", seen=text[:40]) from error
    if at.utcoffset() is None:
        at = at.replace(tzinfo=zone)
    return at.isoformat(timespec="microseconds")
