"""What came back from a form, as the body of an act: each value read once, every fault kept with the name of its field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from custody.codes.scan import expect, read_scan
from custody.domain.acts.base import Act, ActRule, FieldType, alternatives, field_types
from custody.domain.acts.codec import act_from, exact_decimal
from custody.domain.ids import Identifier, Node
from custody.errors import CustodyError, InputError
from custody.web.forms import Typed, is_part, must_be_filled, one, row_numbers
from custody.web.moments import YEARS, Moment
from custody.words import Words

TEXT_MAX = 10_000
SEEN_MAX = 40
SYMBOL_STARTS = ("CU1:", "]", "=", "&")

NodeFinder = Callable[[tuple[type[Node], ...], str], Node]
"""Finds the thing a typed or scanned text means, among these kinds; raises NotFoundError or UnreadableCodeError."""
Reader = Callable[[str, Mapping[str, Any]], Any]
"""Reads a field of its own kind: the text and the body so far."""


@dataclass(kw_only=True)
class Answers:
    """Reads one form. `fixed`: values the server gives; `readers`: fields read in a way of their own; `errors` fill while reading."""

    rule: ActRule
    typed: Typed
    words: Words
    now: datetime
    find: NodeFinder
    fixed: Mapping[str, Any]
    readers: Mapping[str, Reader] = field(default_factory=dict)
    errors: dict[str, CustodyError] = field(default_factory=dict)

    def act(self) -> Act | None:
        """The act, or None when something does not fit: `errors` then says what."""
        body = self.body()
        if self.errors:
            return None
        try:
            return act_from(self.rule.name, self.rule.version, body)
        except InputError as error:
            self.errors[error.field or ""] = error
            return None

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {}
        for name, each in field_types(self.rule.cls).items():
            content = self.fixed[name] if name in self.fixed else self._content(name, name, each, body)
            if content is not None or _may_be_nothing(each):
                body[name] = content
        return body

    def _content(self, path: str, name: str, each: FieldType, body: Mapping[str, Any]) -> Any:
        plain = alternatives(each.plain)[0]
        if is_part(plain):
            return self._rows(path, plain, body) if each.repeated else self._part(path, plain, body)
        try:
            return self._value(path, name, each, plain, body)
        except CustodyError as error:
            self.errors[path] = error
            return None

    def _part(self, path: str, plain: Any, body: Mapping[str, Any]) -> dict[str, Any]:
        inner = field_types(plain)
        found = {sub: self._content(f"{path}.{sub}", sub, each, body) for sub, each in inner.items()}
        return {sub: content for sub, content in found.items() if content is not None or _may_be_nothing(inner[sub])}

    def _rows(self, path: str, plain: Any, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Rows in which something was typed."""
        return [self._part(start, plain, body) for start in (f"{path}-{n}" for n in row_numbers(self.typed, path)) if self._used(start)]

    def _used(self, start: str) -> bool:
        own = (values for name, values in self.typed.items() if name.startswith(f"{start}.") and not name.endswith(".offset"))
        return any(value.strip() for values in own for value in values)

    def _value(self, path: str, name: str, each: FieldType, plain: Any, body: Mapping[str, Any]) -> Any:
        if each.repeated:
            lines = self._lines(path)
            return [self._one(name, each, line, body) for line in lines] if lines else self._blank(name, each, plain)
        if plain is datetime:
            moment = Moment.typed(self.typed, path, self.words.zone, self.now)
            text = "" if moment.is_blank else moment.read().isoformat(timespec="microseconds")
        else:
            text = one(self.typed, path)
        if not text:
            return self._blank(name, each, plain)
        if plain is datetime:
            return text
        return self._one(name, each, text, body)

    def _lines(self, path: str) -> list[str]:
        values = self.typed.get(path, [])
        text = "\n".join(values)
        if len(text) > TEXT_MAX:
            raise _too_long(text)
        return [line.strip() for line in text.replace(",", "\n").splitlines() if line.strip()]

    def _blank(self, name: str, each: FieldType, plain: Any) -> Any:
        if must_be_filled(name, each, plain):
            code = "not_answered" if plain is bool or (isinstance(plain, type) and issubclass(plain, StrEnum)) else "missing_field"
            raise InputError("must be filled in", code=code)
        if each.repeated:
            return []
        return "" if plain is str and each.required and not each.optional else None

    def _one(self, name: str, each: FieldType, text: str, body: Mapping[str, Any]) -> Any:
        if len(text) > TEXT_MAX:
            raise _too_long(text)
        if name in self.readers:
            return self.readers[name](text, body)
        kinds = alternatives(each.plain)
        if issubclass(kinds[0], Node):
            return self.find(kinds, text).key
        return plain_value(kinds[0], text)


def _may_be_nothing(each: FieldType) -> bool:
    """A field that is always there and may say “none”: a grant for every study, a hand-over to no one person."""
    return each.required and each.optional


def plain_value(plain: Any, text: str) -> Any:
    """One value in the ledger's form. Raises InputError or UnreadableCodeError."""
    if plain is bool:
        if text not in {"yes", "no"}:
            raise InputError(f"“{text[:SEEN_MAX]}” is not yes or no", code="not_a_choice", seen=text[:SEEN_MAX])
        return text == "yes"
    if plain is int:
        return _whole(text)
    if plain is Decimal:
        return str(exact_decimal(text))
    if plain is date:
        return _day(text)
    if issubclass(plain, Identifier):
        return scanned_value(plain, text)
    if issubclass(plain, StrEnum) and text not in {word.value for word in plain}:
        raise InputError(f"“{text[:SEEN_MAX]}” is not one of the choices", code="not_a_choice", seen=text[:SEEN_MAX])
    return text


def scanned_value(plain: type[Identifier], text: str) -> str:
    """An identifier without a stream as scanned (`CU1:seal:…`) or typed. Raises UnreadableCodeError."""
    kind = {"SealNumber": "seal", "WristbandToken": "wristband"}.get(plain.__name__, "")
    if kind and text.startswith(SYMBOL_STARTS):
        text = expect(read_scan(text), kind)
    return plain.parse(text).value


def _whole(text: str) -> int:
    if not text.removeprefix("-").isascii() or not text.removeprefix("-").isdigit() or len(text) > 18:
        raise InputError(f"“{text[:SEEN_MAX]}” is not a whole number", code="not_a_number", seen=text[:SEEN_MAX])
    return int(text)


def _day(text: str) -> str:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise _no_day(text) from error
    if day.year not in YEARS:
        raise _no_day(text)
    return day.isoformat()


def _no_day(text: str) -> InputError:
    return InputError(f"“{text[:SEEN_MAX]}” is not a date", code="not_a_date", seen=text[:SEEN_MAX])


def _too_long(text: str) -> InputError:
    return InputError(f"{len(text)} characters; at most {TEXT_MAX} are kept", code="too_long", seen=len(text), limit=TEXT_MAX)
