"""GS1 element strings: the text of a GS1 symbol to application identifiers and values, tested one by one and together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from biip import ParseError
from biip.gs1_application_identifiers import GS1ApplicationIdentifier

from custody.codes.check_characters import gs1_check_digit
from custody.codes.gs1_identifiers import APPLICATION_IDENTIFIERS, CHECKED_DIGITS, GS, PREDEFINED_LENGTHS, ApplicationIdentifier
from custody.codes.gs1_values import require_readable_value, value_date, value_moment
from custody.codes.values import ScannedValue, moment_text
from custody.errors import UnreadableCodeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

GS1_PREFIXES = ("]C1", "]d2", "]Q3", "]e0")


@dataclass(frozen=True)
class Element:
    """One application identifier with its value, already tested by itself."""

    ai: str
    value: str

    @property
    def kind(self) -> str:
        return application_identifier(self.ai).kind

    @property
    def day(self) -> date:
        """The day of a date; DD 00 means the end of the month."""
        return value_date(self.ai, self.value)

    @property
    def moment(self) -> datetime:
        """The minute of a date or date with time, without a zone; 23:59 where only a day is given."""
        return value_moment(self.ai, self.value)


def read_gs1(text: str) -> tuple[Element, ...]:
    """The elements of a GS1 symbol, with or without the scanner's prefix (`]C1`, `]d2`, `]Q3`, `]e0`), separated by GS (0x1D).

    Raises UnreadableCodeError when one value is wrong, or when they may not stand together.
    """
    rest = text[3:] if text.startswith(GS1_PREFIXES) else text
    if not rest:
        raise UnreadableCodeError("this GS1 symbol is empty")
    elements: list[Element] = []
    while rest:
        identifier = application_identifier(rest)
        value, rest = _split_value(identifier, rest[len(identifier.ai) :])
        elements.append(element(identifier.ai, value))
    require_together(elements)
    return tuple(elements)


def element(ai: str, value: str) -> Element:
    """One element, tested: characters, length, check digit, date."""
    identifier = application_identifier(ai)
    if identifier.ai != ai:
        raise UnreadableCodeError(f"({ai}) is no GS1 application identifier")
    if not value or not identifier.pattern.fullmatch(value):  # the full table lets (30) be empty
        hint = "; if another value follows it, the separator (GS) got lost: look at the scanner's settings"
        raise UnreadableCodeError(
            f"GS1 value ({ai}) has a wrong length or a character it may not hold{hint if identifier.needs_separator else ''}"
        )
    checked = CHECKED_DIGITS.get(ai)
    if checked is not None and value[checked - 1] != gs1_check_digit(value[: checked - 1]):
        raise UnreadableCodeError(f"the check digit of GS1 value ({ai}) is wrong; scan it again or replace the label")
    require_readable_value(ai, value)
    return Element(ai, value)


def require_together(elements: Iterable[Element]) -> None:
    """No identifier twice, none without its companions, none with one that excludes it."""
    ais = [found.ai for found in elements]
    if len(set(ais)) < len(ais):
        raise UnreadableCodeError("the same GS1 application identifier stands twice in one symbol")
    present = frozenset(ais)
    for identifier in map(application_identifier, ais):
        if identifier.needs and not any(needed <= present for needed in identifier.needs):
            choices = " or ".join(" with ".join(f"({ai})" for ai in sorted(needed)) for needed in identifier.needs)
            raise UnreadableCodeError(f"GS1 value ({identifier.ai}) must come with {choices}")
        excluded = sorted(identifier.never & present)
        if excluded:
            raise UnreadableCodeError(f"GS1 value ({identifier.ai}) may not come with ({excluded[0]})")


def gs1_text(elements: Sequence[Element]) -> str:
    """The text a GS1 symbol of these elements carries, separators where they are due, no prefix."""
    require_together(elements)
    parts = [found.ai + found.value + (GS if application_identifier(found.ai).needs_separator else "") for found in elements]
    return "".join(parts).removesuffix(GS)


def bracketed(elements: Iterable[Element]) -> str:
    """The form for people and for symbol writers: `(01)09521234543213(21)BAG-00012`."""
    return "".join(f"({found.ai}){found.value}" for found in elements)


def values_of(elements: Iterable[Element]) -> tuple[ScannedValue, ...]:
    """What the elements name; every time as `YYYY-MM-DDThh:mm` without a zone."""
    timed = {"expiry", "production_time"}
    return tuple(ScannedValue(found.kind, moment_text(found.moment) if found.kind in timed else found.value) for found in elements)


def application_identifier(text: str) -> ApplicationIdentifier:
    """The application identifier that `text` begins with: ours, or one that only the full GS1 table (biip) knows."""
    for length in (2, 3, 4):
        found = APPLICATION_IDENTIFIERS.get(text[:length])
        if found is not None:
            return found
    try:
        row = GS1ApplicationIdentifier.extract(text)
    except ParseError as error:
        raise UnreadableCodeError("this GS1 symbol holds an application identifier that does not exist") from error
    # biip writes each pattern as ^<identifier>…$ and lets \d stand for the digits of every script.
    pattern = row.pattern.removeprefix("^" + row.ai).removesuffix("$")
    return ApplicationIdentifier(row.ai, f"ai_{row.ai}", re.compile(pattern, re.ASCII))


def _split_value(identifier: ApplicationIdentifier, text: str) -> tuple[str, str]:
    """The value, and what follows it. A separator after a value of fixed length is superfluous but allowed."""
    if identifier.needs_separator:
        value, _, rest = text.partition(GS)
        return value, rest
    length = PREDEFINED_LENGTHS[identifier.ai[:2]] - len(identifier.ai)
    return text[:length], text[length:].removeprefix(GS)
