"""Judging one QC result against one limit: exact decimals, the unit, the `<` of a detection limit, and the rounding rule."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from custody.domain.measures import CellCount, parse_decimal
from custody.errors import InputError

RAW_NUMBER = re.compile(r"(<=|>=|<|>|≤|≥|＜|＞)?\s*(.*)", re.DOTALL)
QUALIFIERS = {"<=": "≤", ">=": "≥", "＜": "<", "＞": ">"}

SAME_UNITS = {"iu/ml": "eu/ml", "percent": "%", "mosmol/kg": "mosm/kg", "ml": "ml", "μg": "µg", "ug": "µg"}
"""Two names of one unit, in small letters. 1 IU of endotoxin is 1 EU (USP <85>, Ph. Eur. 2.6.14); the others are spellings."""

FACTORS = {
    ("fraction", "%"): Decimal(100),
    ("µg", "ng"): Decimal(1000),
    ("pg", "ng"): Decimal("0.001"),
}
"""What one of the first unit is in the second: SI prefixes and the meaning of per cent, nothing measured."""

PERCENT_OF_LABEL = "% of label"


class Rounding(StrEnum):
    """How a measured number meets its limit (rules section 7; a setting of the study)."""

    STRICT = "strict"
    """Not rounded at all."""
    HALF_UP = "half_up"
    """To the limit's own decimals, halves away from zero (US habit)."""
    HALF_EVEN = "half_even"
    """To the limit's own decimals, halves to the even digit (GB/T 8170)."""


@dataclass(frozen=True, kw_only=True)
class NumberLimit:
    """At least `lowest`, at most `highest`, or between both, limits included; their written decimals are what `Rounding` rounds to."""

    unit: str
    lowest: Decimal | None = None
    highest: Decimal | None = None

    def __post_init__(self) -> None:
        if self.lowest is None and self.highest is None:
            raise InputError(f"a limit in {self.unit} needs a lowest or a highest value")
        if self.lowest is not None and self.highest is not None and self.lowest > self.highest:
            raise InputError(f"a limit from {self.lowest} to {self.highest} {self.unit} admits nothing")


@dataclass(frozen=True, kw_only=True)
class TextLimit:
    """One of `accepted`, as in "no growth"; capitals and spaces do not count, anything else fails."""

    accepted: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.accepted or not all(map(_plain, self.accepted)):
            raise InputError("a limit in words needs the words it accepts")


Limit = NumberLimit | TextLimit


def at_least(lowest: Decimal, unit: str) -> NumberLimit:
    return NumberLimit(unit=unit, lowest=lowest)


def at_most(highest: Decimal, unit: str) -> NumberLimit:
    return NumberLimit(unit=unit, highest=highest)


def between(lowest: Decimal, highest: Decimal, unit: str) -> NumberLimit:
    return NumberLimit(unit=unit, lowest=lowest, highest=highest)


def equals_text(*accepted: str) -> TextLimit:
    return TextLimit(accepted=accepted)


def percent_of_label(lowest: Decimal, highest: Decimal | None = None) -> NumberLimit:
    """A count as a share of the label count; `judge` is then told the label and also takes a result in cells."""
    return NumberLimit(unit=PERCENT_OF_LABEL, lowest=lowest, highest=highest)


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """`passed` is True, False, or None when there is no verdict (rules: no result = not passed, unknown unit = no verdict).

    `reason`: within, below, above, undecidable, text_equal, text_differs; without a verdict missing, number_unreadable,
    unit_unconvertible, label_missing, implausible. `number` is in the limit's unit, unrounded (cut to 9 decimals when it does not end);
    `compared` is what met the limit.
    """

    passed: bool | None
    reason: str
    number: Decimal | None = None
    compared: Decimal | None = None
    qualifier: str = ""


def judge(raw_text: str, unit: str, limit: Limit, rounding: Rounding = Rounding.STRICT, *, label: Decimal | None = None) -> Judgement:
    """The verdict on a result as the analyst wrote it.

    `< x` and `≤ x` are an upper bound x, `> x` and `≥ x` a lower bound; where that does not decide it, it fails.
    `label` is the label count, for a limit in per cent of it.
    """
    if not raw_text.strip():
        return Judgement(passed=None, reason="missing")
    if isinstance(limit, TextLimit):
        equal = _plain(raw_text) in map(_plain, limit.accepted)
        return Judgement(passed=equal, reason="text_equal" if equal else "text_differs")
    sign, digits = _split(raw_text)
    try:
        raw = CellCount.parse(digits).value if _plain(unit) == "cells" else parse_decimal(digits)
    except InputError:
        return Judgement(passed=None, reason="number_unreadable")
    factor = _factor(unit, limit.unit, label)
    if factor is None:
        from_cells = limit.unit == PERCENT_OF_LABEL and _plain(unit) == "cells"
        return Judgement(passed=None, reason="label_missing" if from_cells else "unit_unconvertible", qualifier=sign)
    number = Fraction(raw) * factor
    if number < 0 or (limit.unit == "%" and number > 100):
        # Nothing measured here is negative; without this, -3 EU/ml would pass "at most 0.5".
        return Judgement(passed=None, reason="implausible", number=_shown(number), qualifier=sign)
    return _judge_number(number, sign, limit, rounding)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _split(raw_text: str) -> tuple[str, str]:
    """The qualifier (`<`, `≤`, `>`, `≥` or nothing) and the rest."""
    found = RAW_NUMBER.fullmatch(raw_text.strip())
    assert found is not None
    sign = found[1] or ""
    return QUALIFIERS.get(sign, sign), found[2]


def _factor(unit: str, into: str, label: Decimal | None) -> Fraction | None:
    """What one `unit` is in `into`; None when nobody has said so."""
    seen, wanted = (SAME_UNITS.get(_plain(name), _plain(name)) for name in (unit, into))
    if seen == wanted or (wanted == PERCENT_OF_LABEL and seen == "%"):
        return Fraction(1)
    if wanted == PERCENT_OF_LABEL and seen == "cells":
        return Fraction(100) / Fraction(label) if label else None
    factor = FACTORS.get((seen, wanted))
    return Fraction(factor) if factor is not None else None


def _judge_number(number: Fraction, sign: str, limit: NumberLimit, rounding: Rounding) -> Judgement:
    compared, shown = number, _shown(number)
    for bound, outside, open_side in ((limit.lowest, "below", "<≤"), (limit.highest, "above", ">≥")):
        if bound is None:
            continue
        compared = rounded_like(number, bound, rounding)
        beyond = compared < bound if outside == "below" else compared > bound
        certain = sign == "" or sign in open_side
        if beyond:
            # `> x` with x under the lowest limit: the value may still be above it, nobody knows.
            reason = outside if certain else "undecidable"
            return Judgement(passed=False, reason=reason, number=shown, compared=_shown(compared), qualifier=sign)
        if sign and sign in open_side:
            # `< x` with x over the lowest limit: the value may lie under it.
            return Judgement(passed=False, reason="undecidable", number=shown, compared=_shown(compared), qualifier=sign)
    return Judgement(passed=True, reason="within", number=shown, compared=_shown(compared), qualifier=sign)


def rounded_like(number: Fraction, bound: Decimal, rounding: Rounding) -> Fraction:
    """`number` (not negative) with as many decimals as `bound` is written with, by the study's rounding rule."""
    if rounding is Rounding.STRICT:
        return number
    exponent = bound.as_tuple().exponent
    assert isinstance(exponent, int)  # a limit is a finite number
    scale = Fraction(10) ** -min(exponent, 0)
    scaled = number * scale
    whole, rest = divmod(scaled, 1)
    up = rest > Fraction(1, 2) or (rest == Fraction(1, 2) and (rounding is Rounding.HALF_UP or whole % 2 == 1))
    units = Fraction(whole + 1 if up else whole)
    return units / scale


def _shown(number: Fraction) -> Decimal:
    value = Decimal(number.numerator) / Decimal(number.denominator)
    return value if Fraction(value) == number else round(value, 9)
