"""Product codes, divisions and label messages of ISBT 128, and the identity of one item built from them.

What a product description code means stands in licensed tables, which are never part of custody.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from custody.codes.isbt128_donation import DONATION_PATTERN
from custody.codes.isbt128_structures import FACILITY_PATTERN
from custody.errors import UnreadableCodeError

DESCRIPTION_PATTERN = r"[A-Z][A-Z0-9]{4}"
_PRODUCT = re.compile(rf"({DESCRIPTION_PATTERN})([A-Za-z0-9])([A-Za-z0-9]{{2}})")
_CELLULAR = re.compile(r"[SPHEFA-D]|X0|Y[A-Z]")
_TISSUE = re.compile(r"[TVMNRW]")
_DIVISION = re.compile(r"[A-Z0-9][a-z0-9]")
_PACK = re.compile(r"[0-9]{3}")
_PRODUCT_DIVISIONS = re.compile(r"[A-Z0-9]{6}")
_MPHO = re.compile(rf"(00000|{FACILITY_PATTERN})({DESCRIPTION_PATTERN})({DONATION_PATTERN})([A-Z0-9][A-Za-z0-9][A-Z0-9]{{4}})")


class CollectionUse(StrEnum):
    """For whom a product with this collection type may be meant."""

    RESEARCH = "research, not for people"
    DONOR_ONLY = "the donor's own use only"
    NAMED_RECIPIENT = "a named recipient only"
    EMERGENCY = "emergency use"
    ALLOGENEIC = "unspecified or general allogeneic"
    SITE_RULE = "another directed, family, source or special form"


_COLLECTION_USES: dict[str, CollectionUse] = {
    **dict.fromkeys("Rr", CollectionUse.RESEARCH),
    **dict.fromkeys("1X", CollectionUse.DONOR_ONLY),
    **dict.fromkeys("2L3E", CollectionUse.NAMED_RECIPIENT),
    "G": CollectionUse.EMERGENCY,
    **dict.fromkeys("0VP7", CollectionUse.ALLOGENEIC),
    **dict.fromkeys("ABCDFHJQSTds4568", CollectionUse.SITE_RULE),
}


class MessageEffect(StrEnum):
    """What a blood group or special message (structure 002) does to the product that carries it."""

    BLOCK = "block"
    WARNING = "warning"
    RECIPIENT_CHECK = "recipient check"
    NO_GROUP = "no group"
    BLOOD_GROUP = "blood group"
    UNKNOWN = "unknown message: treat as a block"


_MESSAGES: dict[str, tuple[str, MessageEffect]] = {
    "Mq": ("hold", MessageEffect.BLOCK),
    "Md": ("discard", MessageEffect.BLOCK),
    "Mr": ("research", MessageEffect.BLOCK),
    "Mx": ("unsuitable on test results", MessageEffect.BLOCK),
    "Mf": ("fractionation only", MessageEffect.BLOCK),
    "Mb": ("biohazard", MessageEffect.WARNING),
    "Ma": ("autologous", MessageEffect.RECIPIENT_CHECK),
    "00": ("no group", MessageEffect.NO_GROUP),
    "62": ("A RhD positive", MessageEffect.BLOOD_GROUP),  # the other groups come from the site's licensed table
}


@dataclass(frozen=True)
class ProductCode:
    """Structure 003. Cells have a collection type and a division, tissue grafts a pack number instead."""

    text: str
    description_code: str
    collection_type: str | None
    division: str | None
    pack_number: str | None

    @property
    def use(self) -> CollectionUse | None:
        """For whom the collection type says the product is; None for tissue, which has no such letter."""
        return None if self.collection_type is None else _COLLECTION_USES[self.collection_type]

    @property
    def needs_product_divisions(self) -> bool:
        """Whether structure 032 must be captured too: its divisions are part of the identity."""
        return self.text[0] in "SP" and self.text.endswith("99")


@dataclass(frozen=True)
class LabelMessage:
    """Structure 002: a blood group or a special message. `meaning` is None where only a licensed table knows it."""

    code: str
    meaning: str | None
    effect: MessageEffect


@dataclass(frozen=True)
class MphoId:
    """The unique id of a medical product of human origin in messages, 29 characters. The facility may be 00000: not needed."""

    facility: str
    description_code: str
    donation: str
    division: str

    @property
    def text(self) -> str:
        return self.facility + self.description_code + self.donation + self.division


def read_product_code(content: str) -> ProductCode:
    """The content of structure 003 (8 characters). National and local codes (A to D) are read in the way of cells."""
    parts = _PRODUCT.fullmatch(content)
    if parts is None:
        raise UnreadableCodeError("a product code has a capital letter, four capital letters or digits, then three characters")
    description, kind, last_two = parts.groups()
    if _TISSUE.match(description):
        if not _PACK.fullmatch(kind + last_two):
            raise UnreadableCodeError("a tissue product code ends in a pack number of three digits")
        return ProductCode(content, description, None, None, kind + last_two)
    if not _CELLULAR.match(description):
        raise UnreadableCodeError(f"ISBT 128 has no group of product codes that begins with {description[:2]}")
    if kind not in _COLLECTION_USES:
        raise UnreadableCodeError(f"ISBT 128 has no collection type {kind}")
    if not _DIVISION.fullmatch(last_two):
        raise UnreadableCodeError("a division is a capital letter or digit, then a small letter or digit")
    return ProductCode(content, description, kind, last_two, None)


def product_symbol(code: str) -> str:
    """The text of a bar code for a product code of eight characters."""
    return "=<" + read_product_code(code).text


def read_label_message(content: str) -> LabelMessage:
    """The content of structure 002 (4 characters); a special message custody does not know counts as a block."""
    code = content[:2]
    if code in _MESSAGES:
        meaning, effect = _MESSAGES[code]
        return LabelMessage(code, meaning, effect)
    return LabelMessage(code, None, MessageEffect.UNKNOWN if code.startswith("M") else MessageEffect.BLOOD_GROUP)


def read_product_divisions(content: str) -> str:
    """The content of structure 032."""
    if not _PRODUCT_DIVISIONS.fullmatch(content):
        raise UnreadableCodeError("product divisions are six capital letters or digits")
    return content


def mpho_id(donation: str, description_code: str, division: str, facility: str = "00000") -> MphoId:
    """The 29-character id of one item; a division of two characters is filled with zeros behind, one of six stays as it is."""
    filled = division + "0000" if _DIVISION.fullmatch(division) else division
    return read_mpho_id(facility + description_code + donation + filled)


def read_mpho_id(text: str) -> MphoId:
    parts = _MPHO.fullmatch(text)
    if parts is None:
        raise UnreadableCodeError("an MPHO id has 29 characters: facility 5, product description 5, donation number 13, division 6")
    return MphoId(*parts.groups())
