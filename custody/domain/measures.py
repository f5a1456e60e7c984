"""Exact decimal values with their unit: parsed once at the edge, plausible ever after.

No float is made here: a reading of 2.05 is 2.05. The only floats of the core are inside the
exponent of `kinetic.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import ClassVar, Self

from custody.errors import InputError

NUMBER = re.compile(r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,15})?")
POWER = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?)(?: ?[x×*] ?10\^?|[eE]\+?)([0-9]{1,2})")
MINUS_SIGN = "\N{MINUS SIGN}"


def parse_decimal(text: str, what: str = "number") -> Decimal:
    """`text` as an exact decimal: digits with an optional sign and an optional decimal point.

    Raises InputError, which shows what was seen; a decimal comma, an exponent, NaN and infinity are refused, never guessed.
    """
    plain = text.strip().replace(MINUS_SIGN, "-")
    if NUMBER.fullmatch(plain):
        return Decimal(plain)
    if "," in plain:
        raise InputError(
            f"“{_seen(text)}” is not a {what}: it has a comma; write the decimals after a point, as in 5.0",
            code="decimal_comma",
            seen=_seen(text),
        )
    raise InputError(
        f"“{_seen(text)}” is not a {what}: expected digits with a decimal point, as in 5.0", code="not_a_number", seen=_seen(text)
    )


def _seen(text: str) -> str:
    return text if len(text) <= 40 else text[:40] + "…"


def rounded_up(value: Fraction | Decimal, places: int) -> Decimal:
    """`value` with `places` decimals, never below it: what is over a limit stays over it when written down."""
    scale = 10**places
    exact = Fraction(value)
    units = -((-exact.numerator * scale) // exact.denominator)
    return Decimal(f"{units}E-{places}")  # scaleb() would cut it to the context's 28 digits


def half_up(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def ceiling(value: Decimal | Fraction) -> int:
    """The next whole number up."""
    exact = Fraction(value)
    return -(-exact.numerator // exact.denominator)


@dataclass(frozen=True, order=True)
class Measure:
    """One exact value in `unit`, between `lowest` and `highest`, both included: outside them it is a typing error, not a fact."""

    value: Decimal

    unit: ClassVar[str]
    lowest: ClassVar[Decimal]
    highest: ClassVar[Decimal]

    def __post_init__(self) -> None:
        if not self.value.is_finite() or not self.lowest <= self.value <= self.highest:
            raise InputError(
                f"{self.value} {self.unit} is not plausible: expected {self.lowest} to {self.highest} {self.unit}",
                code="implausible",
                seen=str(self.value),
                unit=self.unit,
                lowest=str(self.lowest),
                highest=str(self.highest),
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """`text` (a number without its unit) as this measure; InputError says what was seen and what was expected."""
        return cls(parse_decimal(text, f"number of {cls.unit}"))

    def __str__(self) -> str:
        return f"{self.value} {self.unit}"


class Celsius(Measure):
    """From just under liquid nitrogen (-196 °C) to boiling water."""

    unit = "°C"
    lowest = Decimal(-200)
    highest = Decimal(100)


class Percent(Measure):
    unit = "%"
    lowest = Decimal(0)
    highest = Decimal(100)


class Millilitres(Measure):
    unit = "ml"
    lowest = Decimal(0)
    highest = Decimal(5000)


class MillilitresPerMinute(Measure):
    unit = "ml/min"
    lowest = Decimal(0)
    highest = Decimal(100)


class Kilograms(Measure):
    """A mass of goods, as the liquid nitrogen left in a shipper."""

    unit = "kg"
    lowest = Decimal(0)
    highest = Decimal(400)


class BodyWeight(Measure):
    """An adult's weight; the participants are 18 years and over."""

    unit = "kg"
    lowest = Decimal(20)
    highest = Decimal(400)


class BodyHeight(Measure):
    unit = "cm"
    lowest = Decimal(100)
    highest = Decimal(250)


class Minutes(Measure):
    """A length of time, up to the thirty years records are kept."""

    unit = "min"
    lowest = Decimal(0)
    highest = Decimal(30 * 366 * 24 * 60)


class CellCount(Measure):
    """A number of cells; `parse` also reads 6.1e7, 6.1×10^7 and 6.1 x 10^7."""

    unit = "cells"
    lowest = Decimal(0)
    highest = Decimal(10) ** 13

    @classmethod
    def parse(cls, text: str) -> Self:
        power = POWER.fullmatch(text.strip())
        if power is None:
            return super().parse(text)
        return cls(Decimal(f"{power[1]}E{power[2]}"))
