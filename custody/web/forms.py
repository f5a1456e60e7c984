"""Forms made from the table of acts: each field of an act becomes one field of a page, filled with what was typed before."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from custody.domain.acts.base import ActRule, FieldType, alternatives, field_types
from custody.domain.ids import Digest, Identifier, Node, PersonId, SampleId
from custody.domain.terms import Answer
from custody.web.moments import Choice, Moment, offsets
from custody.web.scan_lists import (
    BY_HAND,
    LAST_ADDED,
    SCANNED_ONE_BY_ONE,
    WHY,
    Judge,
    ScanLine,
    Typed,
    one,
    scans_listed,
    unjudged,
)
from custody.words import Words

__all__ = [
    "MAY_BE_BLANK",
    "NEW_IN",
    "ROWS_MAX",
    "Field",
    "FormMaker",
    "Typed",
    "as_typed",
    "is_part",
    "must_be_filled",
    "one",
    "row_numbers",
    "without_row",
]
LONG_TEXTS = frozenset(
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
MAY_BE_BLANK = frozenset({"unit", "remark", "relation", "investigation"})
"""Texts an act always has and that may say nothing: a result without a unit, a person who signs for themselves."""
MAY_BE_NONE = frozenset({"seals"})
"""A bag handed over by itself carries no seal; where there must be one, gates ask for it."""
ROWS_AT_FIRST = 1
ROWS_MAX = 60
RADIOS_AT_MOST = 4
PLAIN_KINDS = {bool: "yes_no", Answer: "answer", int: "whole", Decimal: "decimal", datetime: "time", date: "date"}
NEW_IN = {"bags_filled": frozenset({"bags"})}
"""Fields, besides the subject of an act that opens a stream, whose things need not be known yet: bag numbers drawn at random."""

ChoicesOf = Callable[[str], tuple[Choice, ...]]
"""The closed list of a field of the act, by the field's own name; empty where it is free."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field as templates/parts/form_field.html shows it."""

    name: str
    kind: str
    label: str
    hint: str = ""
    error: str = ""
    unit: str = ""
    required: bool = True
    value: Any = ""
    choices: tuple[Choice, ...] = ()
    fields: tuple[Field, ...] = ()
    rows: tuple[tuple[Field, ...], ...] = ()
    lines: tuple[ScanLine, ...] = ()
    focus: bool = False
    must_scan: bool = False
    by_hand: bool = False
    why_by_hand: str = ""

    @property
    def lists_scans(self) -> bool:
        """Whether it is, or holds, a list that is scanned one by one: then Enter adds and does not send the form."""
        return self.kind == "scans" or any(each.lists_scans for each in (*self.fields, *(inner for row in self.rows for inner in row)))


@dataclass(frozen=True, kw_only=True)
class FormMaker:
    """Makes the fields of one act. `fixed`: fields the server fills in; `errors`: sentences by field name.

    `near`: what may be picked for a field that names a thing, besides whatever is scanned; `judge`: what a scanned thing turns out to be.
    """

    rule: ActRule
    words: Words
    typed: Typed
    now: datetime
    choices: ChoicesOf
    near: ChoicesOf = lambda _: ()
    judge: Judge = unjudged
    fixed: frozenset[str] = frozenset()
    errors: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def fields(self, only: frozenset[str] | None = None) -> tuple[Field, ...]:
        """Every field nobody fills in for the person; `only` these, where given (the second person's own scans)."""
        return tuple(
            made
            for name, field in field_types(self.rule.cls).items()
            if name not in self.fixed and (only is None or name in only)
            for made in self._made(name, name, field)
        )

    def _made(self, path: str, name: str, field: FieldType) -> Iterator[Field]:
        plain = alternatives(field.plain)[0]
        if not is_part(plain):
            yield self._plain(path, name, field, plain)
        elif field.repeated:
            yield self._rows(path, name, field, plain)
        else:
            inner = tuple(made for sub, sub_field in field_types(plain).items() for made in self._made(f"{path}.{sub}", sub, sub_field))
            yield Field(name=path, kind="group", label=self._label(name), hint=self._hint(name), fields=inner)

    def _plain(self, path: str, name: str, field: FieldType, plain: Any) -> Field:
        choices = self.choices(name)
        kind, own = kind_of(name, field, plain, self.words, choices)
        if kind == "scans" and name in NEW_IN.get(self.rule.name, ()):
            kind = "lines"
        if kind == "text" and self._names_a_thing(name, plain):
            kind = "pick"
        if kind in {"pick", "scans"}:
            own = self.near(name)
        made = Field(
            name=path,
            kind=kind,
            focus=one(self.typed, LAST_ADDED) == path,
            must_scan=field.scanned,
            label=self._label(name),
            hint=self._hint(name) or self._usual_hint(kind),
            unit=self.words.unit(self.rule.name, name),
            error=self.errors.get(path, ""),
            required=must_be_filled(name, field, plain) or kind == "checkboxes",
            choices=own,
        )
        return replace(made, **self._value(made, alternatives(field.plain)))

    def _rows(self, path: str, name: str, field: FieldType, plain: Any) -> Field:
        count = max(ROWS_AT_FIRST, 1 + max(row_numbers(self.typed, path), default=-1))
        if one(self.typed, "add") == path:
            count = min(count + 1, ROWS_MAX)
        rows = tuple(
            tuple(made for sub, sub_field in field_types(plain).items() for made in self._made(f"{path}-{n}.{sub}", sub, sub_field))
            for n in range(count)
        )
        return Field(
            name=path, kind="rows", label=self._label(name), hint=self._hint(name), required=field.required, rows=rows,
            error=self.errors.get(path, ""),
        )  # fmt: skip

    def _names_a_thing(self, name: str, plain: Any) -> bool:
        """Whether a field names something that stands already; what the act makes known is written down anew."""
        if not isinstance(plain, type) or name == self.rule.subject_field:
            return False
        return issubclass(plain, Node) or (issubclass(plain, SampleId) and bool(self.near(name)))

    def _value(self, field: Field, kinds: tuple[Any, ...]) -> dict[str, Any]:
        if field.kind == "time":
            value = Moment.typed(self.typed, field.name, self.words.zone, self.now)
            return {"value": value, "choices": offsets(value.offset, self.words.say("form.site_clock"))}
        if field.kind == "scans":
            texts = scans_listed(self.typed, field.name)
            by_hand, why = one(self.typed, f"{BY_HAND}{field.name}"), one(self.typed, f"{WHY}{field.name}")
            return {"value": texts, "lines": self.judge(kinds, texts), "by_hand": bool(by_hand), "why_by_hand": why}
        if field.kind == "checkboxes":
            return {"value": tuple(self.typed.get(field.name, ()))}
        text = one(self.typed, field.name)
        if field.kind == "pick":
            return {"value": text}
        known = {choice.value for choice in field.choices}
        if text and field.choices and text not in known:
            return {"value": text, "choices": (*field.choices, Choice(text, text))}
        return {"value": text}

    def _label(self, name: str) -> str:
        return self.words.field(self.rule.name, name)

    def _hint(self, name: str) -> str:
        return self.words.help(self.rule.name, name)

    def _usual_hint(self, kind: str) -> str:
        keys = {"lines": "form.several_hint", "decimal": "form.decimal_hint", "pick": "scan.or_pick", "scans": "scan.one_by_one"}
        return self.words.say(keys[kind]) if kind in keys else ""


def must_be_filled(name: str, field: FieldType, plain: Any) -> bool:
    """Whether blank is a fault. A list of texts may be empty (no pre-medication), a list of things never is."""
    if not field.required or field.optional:
        return False
    if field.repeated:
        return isinstance(plain, type) and issubclass(plain, Identifier) and name not in MAY_BE_NONE
    return plain is not str or name not in MAY_BE_BLANK


def is_part(plain: Any) -> bool:
    return dataclasses.is_dataclass(plain) and isinstance(plain, type) and not issubclass(plain, Identifier)


def row_numbers(typed: Typed, path: str) -> list[int]:
    """The rows that came back for a repeated part, in order; names look like `lines-2.code`."""
    numbers = set()
    for name in typed:
        number = name.removeprefix(f"{path}-").partition(".")[0] if name.startswith(f"{path}-") else ""
        if number.isascii() and number.isdigit() and len(number) < 4 and int(number) < ROWS_MAX:
            numbers.add(int(number))
    return sorted(numbers)


def kind_of(name: str, field: FieldType, plain: Any, words: Words, choices: tuple[Choice, ...]) -> tuple[str, tuple[Choice, ...]]:
    """The kind of a field and its choices."""
    if field.repeated:
        listed = "scans" if plain in SCANNED_ONE_BY_ONE else "lines"
        return ("checkboxes", choices) if choices else (listed, ())
    if isinstance(plain, type) and issubclass(plain, StrEnum) and plain is not Answer:
        every = tuple(Choice(word.value, words.term(word)) for word in plain)
        return ("radios" if len(every) <= RADIOS_AT_MOST else "select"), every
    if plain is str and choices:
        return "select", choices
    if plain is str:
        return ("long_text" if name in LONG_TEXTS else "text"), ()
    if plain is PersonId and choices:
        return "suggest", choices
    usual = "scan" if field.scanned and plain is not Digest else "select" if choices else "text"
    return PLAIN_KINDS.get(plain, usual), choices if usual == "select" else ()


def without_row(typed: Typed, wanted: str) -> Typed:
    """What was typed, without the row that `remove` names (`lines.2`); rows after it move up."""
    path, _, number = wanted.rpartition(".")
    if not number.isdigit():
        return typed
    gone = int(number)
    kept: dict[str, list[str]] = {}
    for name, values in typed.items():
        head, _, rest = name.removeprefix(f"{path}-").partition(".")
        if not name.startswith(f"{path}-") or not head.isdigit():
            kept[name] = values
        elif int(head) != gone:
            kept[f"{path}-{int(head) - (int(head) > gone)}.{rest}"] = values
    return kept


def as_typed(rule: ActRule, body: Mapping[str, Any], words: Words, now: datetime) -> dict[str, list[str]]:
    """A body (or part of one) as if somebody had typed it: what a form shows at first."""
    typed: dict[str, list[str]] = {}
    for name, field in field_types(rule.cls).items():
        if name in body:
            typed |= dict(_as_typed(name, field, body[name], words, now))
    return typed


def _as_typed(path: str, field: FieldType, value: Any, words: Words, now: datetime) -> Iterator[tuple[str, list[str]]]:
    plain = alternatives(field.plain)[0]
    if value is None:
        return
    if is_part(plain):
        rows = enumerate(value) if field.repeated else [(None, value)]
        for n, part in rows:
            start = path if n is None else f"{path}-{n}"
            for sub, sub_field in field_types(plain).items():
                yield from _as_typed(f"{start}.{sub}", sub_field, part.get(sub), words, now)
    elif plain is datetime:
        moment = Moment.of(datetime.fromisoformat(value), words.zone)
        yield from moment.as_typed(path)
    elif field.repeated:
        texts = [_text(item, field) for item in value]
        yield path, texts if len(texts) < 2 else ["\n".join(texts), *texts]
    else:
        yield path, [_text(value, field)]


def _text(value: Any, field: FieldType) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    choices = alternatives(field.plain)
    bare = isinstance(choices[0], type) and issubclass(choices[0], Identifier) and len(choices) == 1
    return str(value).partition(":")[2] or str(value) if bare else str(value)
