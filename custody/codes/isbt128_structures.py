"""The data identifiers of ISBT 128: which characters open a structure, and how long its content is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from custody.errors import UnreadableCodeError

# A facility or a donation number never holds the letter O, which is too easily taken for a zero.
FACILITY_PATTERN = r"[A-NP-Z1-9][A-NP-Z0-9]{2}[0-9]{2}"

COMPOUND_HEADER = 23
_DONATION_OPENING = re.compile(r"=[A-NP-Z1-9]")
_NATIONAL_OPENING = re.compile(r"&[a-z;!](?=.)")
_ALPHANUMERIC = re.compile(r"[A-Za-z0-9]*")
_DIGITS = re.compile(r"[0-9]+")


@dataclass(frozen=True)
class DataIdentifier:
    """One row of the table of structures: `length` characters of content, plus `each` for every item counted in `counted`."""

    identifier: str
    number: int
    name: str
    length: int
    counted: slice | None = None
    each: int = 0

    def content_length(self, following: str) -> int:
        """How many characters of `following` belong to this structure."""
        if self.counted is None:
            return self.length
        count = following[self.counted]
        if not _DIGITS.fullmatch(count):
            raise UnreadableCodeError(f"the {self.name} does not say in digits how long it is")
        return self.length + self.each * int(count)


@dataclass(frozen=True)
class DataStructure:
    """One structure of a symbol as read: its number in the standard (None: nationally or locally defined) and its content."""

    number: int | None
    identifier: str
    name: str
    content: str

    @property
    def symbol(self) -> str:
        """The text that a bar code of this structure carries."""
        return self.identifier + self.content


_DONATION = DataIdentifier("=", 1, "donation identification number", 15)
_NATIONAL_NAME = "nationally or locally defined structure"

DATA_IDENTIFIERS: tuple[DataIdentifier, ...] = (
    _DONATION,
    DataIdentifier("=%", 2, "blood group or special message", 4),
    DataIdentifier("=<", 3, "product code", 8),
    DataIdentifier("=>", 4, "expiry date", 6),
    DataIdentifier("&>", 5, "expiry date and time", 10),
    DataIdentifier("=*", 6, "collection date", 6),
    DataIdentifier("&*", 7, "collection date and time", 10),
    DataIdentifier("=}", 8, "production date", 6),
    DataIdentifier("&}", 9, "production date and time", 10),
    DataIdentifier("&(", 10, "special testing", 5),
    DataIdentifier("={", 11, "antigen and HLA testing", 18),
    DataIdentifier("=\\", 12, "antigen and HLA testing", 18),
    DataIdentifier("&\\", 13, "antigen and HLA testing", 18),
    DataIdentifier("&{", 14, "antigen and HLA testing", 18),
    DataIdentifier("=[", 15, "antigen and HLA testing", 18),
    DataIdentifier('="', 16, "antigen and HLA testing", 18),
    DataIdentifier("=)", 17, "container catalogue number", 10),
    DataIdentifier("&)", 18, "container lot number", 10),
    DataIdentifier("=;", 19, "donor identification", 21),
    DataIdentifier("='", 20, "staff identification", 11),
    DataIdentifier("=-", 21, "item catalogue number", 10),
    DataIdentifier("&-", 22, "item lot number", 10),
    DataIdentifier("=+", COMPOUND_HEADER, "compound message header", 5),
    DataIdentifier("=#", 24, "patient birth date", 10),
    DataIdentifier("&#", 25, "patient identification", 4, slice(2, 4), 1),
    DataIdentifier("=]", 26, "expiry month", 6),
    DataIdentifier('&"', 27, "infection marker", 18),
    DataIdentifier("=$", 28, "consignment", 16),
    DataIdentifier("&$", 29, "dimensions", 2, slice(0, 2), 14),
    DataIdentifier("&%", 30, "antigens with history", 3, slice(0, 3), 10),
    DataIdentifier("=(", 31, "flexible date and time", 16),
    DataIdentifier("=,", 32, "product divisions", 6),
    DataIdentifier("&+", 33, "processing facility and product code", 11),
    DataIdentifier("=/", 34, "facility, product and description code", 16),
    DataIdentifier("&,1", 35, "lot number", 18),
    DataIdentifier("&,2", 36, "supplemental identification", 18),
    DataIdentifier("&,3", 37, "donor registry identification (retired)", 19),
    DataIdentifier("&,4", 38, "Single European Code", 40),
    DataIdentifier("&:", 39, "global registration identifier for donors", 19),
    DataIdentifier("&/", 40, "Chain of Identity identifier", 15),
)
_BY_IDENTIFIER = {row.identifier: row for row in DATA_IDENTIFIERS}
_BY_NUMBER = {row.number: row for row in DATA_IDENTIFIERS}


def take_structure(text: str) -> tuple[DataStructure, str]:
    """The structure that `text` begins with, and what follows it. Only identifier, length and alphabet are tested here.

    A nationally or locally defined structure has no known length and takes all that follows.
    """
    if _NATIONAL_OPENING.match(text):
        return DataStructure(None, text[:2], _NATIONAL_NAME, text[2:]), ""
    row = _row_of(text)
    following = text[len(row.identifier) :]
    length = row.content_length(following)
    content, rest = following[:length], following[length:]
    # The content is alphanumeric, so the next = or & always opens the next structure.
    if len(content) < length or not _ALPHANUMERIC.fullmatch(content):
        run = _ALPHANUMERIC.match(following)
        seen = len(run.group()) if run else 0
        raise UnreadableCodeError(f"the {row.name} needs {length} letters and digits after {row.identifier}, {seen} were read")
    if rest and rest[0] not in "=&":
        raise UnreadableCodeError(f"the {row.name} has {length} letters and digits after {row.identifier}, more were read")
    return DataStructure(row.number, row.identifier, row.name, content), rest


def structure(number: int, content: str) -> DataStructure:
    """The structure `number` with this content, tested for length and alphabet; for printing."""
    if number not in _BY_NUMBER:
        raise UnreadableCodeError(f"ISBT 128 has no structure with the number {number}")
    built, rest = take_structure(_BY_NUMBER[number].identifier + content)
    if rest or built.number != number:
        raise UnreadableCodeError(f"the {_BY_NUMBER[number].name} was given content that does not fit it")
    return built


def _row_of(text: str) -> DataIdentifier:
    if _DONATION_OPENING.match(text):
        return _DONATION
    for length in (3, 2):  # the longer identifiers first: &,1 is not &, followed by 1
        row = _BY_IDENTIFIER.get(text[:length])
        if row is not None and row is not _DONATION:
            return row
    raise UnreadableCodeError(f"this is no data identifier of ISBT 128: {text[:2]!r}")
