"""The Single European Code (SEC): 21 characters of donation sequence, 19 of product sequence. It has no check digit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from custody.codes.isbt128_dates import read_calendar_day
from custody.codes.isbt128_products import DESCRIPTION_PATTERN
from custody.errors import UnreadableCodeError

if TYPE_CHECKING:
    from datetime import date

_NO_EXPIRY = "00000000"
_DONATION = re.compile(r"([A-Z]{2})([A-Z0-9]{6})([A-Z0-9]{13})")
_PRODUCT = re.compile(r"([ABE])([A-Z0-9]{7})([A-Za-z0-9]{3})([0-9]{8})")
_ISBT_PRODUCT = re.compile(rf"00{DESCRIPTION_PATTERN}")
_ISBT_SPLIT = re.compile(r"[0-9]{3}|0[A-Z0-9][a-z0-9]")
_PRINTED = re.compile(r"(?:SEC: )?(.{21})[ \n](.{19})")


class CodingSystem(StrEnum):
    """Whose product code the product sequence holds."""

    ISBT_128 = "A"
    EUROCODE = "B"
    EUTC = "E"


@dataclass(frozen=True)
class DonationSequence:
    """Country of two letters, tissue establishment, and the donation number, both filled left with zeros."""

    country: str
    establishment: str
    donation_number: str

    @property
    def text(self) -> str:
        return self.country + self.establishment + self.donation_number


@dataclass(frozen=True)
class ProductSequence:
    """Coding system, product code, split (case matters) and expiry, None where the code carries zeros."""

    system: CodingSystem
    product: str
    split: str
    expires_on: date | None

    @property
    def text(self) -> str:
        expiry = _NO_EXPIRY if self.expires_on is None else self.expires_on.isoformat().replace("-", "")
        return self.system.value + self.product + self.split + expiry


@dataclass(frozen=True)
class SingleEuropeanCode:
    """Both halves. The donation half alone goes with a cord to its manufacturer; a medicinal product carries none."""

    donation: DonationSequence
    product: ProductSequence

    @property
    def content(self) -> str:
        """The 40 characters as in structure 038."""
        return self.donation.text + self.product.text

    @property
    def printed(self) -> str:
        return f"SEC: {self.donation.text} {self.product.text}"

    @property
    def symbol(self) -> str:
        """The text of an ISBT 128 bar code for this code."""
        return "&,4" + self.content


def read_sec(content: str) -> SingleEuropeanCode:
    """The 40 characters of structure 038, field by field."""
    return SingleEuropeanCode(read_donation_sequence(content[:21]), read_product_sequence(content[21:]))


def read_printed_sec(text: str) -> SingleEuropeanCode:
    """The form for people: `SEC: ` (may be left out), 21 characters, a space or a line end, 19 characters."""
    parts = _PRINTED.fullmatch(text)
    if parts is None:
        raise UnreadableCodeError("a Single European Code has 21 characters, a space, and 19 characters")
    return read_sec(parts[1] + parts[2])


def read_donation_sequence(text: str) -> DonationSequence:
    parts = _DONATION.fullmatch(text)
    if parts is None:
        raise UnreadableCodeError(
            "the donation half of a Single European Code is a country of two letters and 19 capital letters or digits"
        )
    return DonationSequence(*parts.groups())


def read_product_sequence(text: str) -> ProductSequence:
    parts = _PRODUCT.fullmatch(text)
    if parts is None:
        raise UnreadableCodeError("the product half of a Single European Code is A, B or E, product 7, split 3 and expiry YYYYMMDD")
    system = CodingSystem(parts[1])
    if system is CodingSystem.ISBT_128 and not (_ISBT_PRODUCT.fullmatch(parts[2]) and _ISBT_SPLIT.fullmatch(parts[3])):
        raise UnreadableCodeError("the Single European Code says ISBT 128 (A), but its product or split has another form")
    expires_on = None if parts[4] == _NO_EXPIRY else read_calendar_day(parts[4])
    return ProductSequence(system, parts[2], parts[3], expires_on)
