"""The other identities an ISBT 128 symbol can carry: facility codes, donors, lots, consignments, Chain of Identity."""

from __future__ import annotations

import re
from dataclasses import dataclass

from custody.codes.check_characters import MOD37_2_ALPHABET, mod37_2
from custody.codes.isbt128_products import DESCRIPTION_PATTERN
from custody.codes.isbt128_structures import FACILITY_PATTERN, DataStructure
from custody.errors import UnreadableCodeError

# Structures whose printed form must end in K over the whole content (donor, infection marker, registry, Chain of Identity).
_PRINTED_WITH_CHECK = frozenset({19, 27, 37, 40})
_PADDED_LENGTH = 18

_DONOR = re.compile(rf"({FACILITY_PATTERN})([0-9]{{16}})")
_STAFF = re.compile(rf"({FACILITY_PATTERN})([A-Z0-9]{{6}})")
_FACILITY_PRODUCT = re.compile(rf"({FACILITY_PATTERN})([A-Z0-9]{{6}})({DESCRIPTION_PATTERN})?")
_CONSIGNMENT = re.compile(rf"({FACILITY_PATTERN})([0-9]{{2}})([0-9]{{5}})([0-9]{{2}})([0-9]{{2}})")
_GRID = re.compile(r"([0-9]{4}[A-Z0-9]{13})([0-9]{2})")
_CHAIN_OF_IDENTITY = re.compile(rf"CH{FACILITY_PATTERN}[0-9]{{2}}[A-Z0-9]{{6}}")
_MONTH = re.compile(r"[0-9]{4}(0[1-9]|1[0-2])")
_PADDED = re.compile(r"[A-Za-z0-9]{1,18}")


@dataclass(frozen=True)
class FacilityIdentity:
    """A number that only one facility gives out: of a donor (structure 019) or a member of staff (020)."""

    facility: str
    number: str


@dataclass(frozen=True)
class FacilityProduct:
    """Structures 033 and 034. The facility's own code (000000: unused) never makes an item unique."""

    facility: str
    own_code: str
    description_code: str | None


@dataclass(frozen=True)
class Consignment:
    """Structure 028. Box 0 stands on the paperwork."""

    facility: str
    year: int
    serial: int
    box: int
    boxes: int


@dataclass(frozen=True)
class PatientIdentity:
    """Structure 025: the hospital's number, and the two characters that say where it was seen."""

    location: str
    number: str


def read_donor(content: str) -> FacilityIdentity:
    parts = _DONOR.fullmatch(content)
    if parts is None:
        raise UnreadableCodeError("a donor identification is a facility code and sixteen digits")
    return FacilityIdentity(parts[1], parts[2])


def read_staff(content: str) -> FacilityIdentity:
    parts = _STAFF.fullmatch(content)
    if parts is None:
        raise UnreadableCodeError("a staff identification is a facility code and six capital letters or digits")
    return FacilityIdentity(parts[1], parts[2])


def read_facility_product(content: str) -> FacilityProduct:
    """Facility and own code; behind them the description code in structure 034."""
    parts = _FACILITY_PRODUCT.fullmatch(content)
    if parts is None:
        raise UnreadableCodeError("a processing facility code is followed by its own product code of six capital letters or digits")
    return FacilityProduct(parts[1], parts[2], parts[3])


def read_consignment(content: str) -> Consignment:
    parts = _CONSIGNMENT.fullmatch(content)
    if parts is None:
        raise UnreadableCodeError("a consignment is a facility code and eleven digits: year, serial number, box, number of boxes")
    box, boxes = int(parts[4]), int(parts[5])
    if box > boxes:
        raise UnreadableCodeError(f"the consignment label says box {box} of {boxes}")
    return Consignment(parts[1], 2000 + int(parts[2]), int(parts[3]), box, boxes)


def read_patient(content: str) -> PatientIdentity:
    """Location 2, length 2, then the number; the length was counted when the structure was taken."""
    if len(content) < 5:
        raise UnreadableCodeError("a patient identification holds no number")
    return PatientIdentity(content[:2], content[4:])


def read_expiry_month(content: str) -> str:
    """YYYYMM."""
    if not _MONTH.fullmatch(content):
        raise UnreadableCodeError("an expiry month is a year of four digits and a month from 01 to 12")
    return content


def read_grid(content: str) -> str:
    """A donor's registry id of 19 characters; its last two digits are the check value over the 17 before."""
    parts = _GRID.fullmatch(content)
    if parts is None:
        raise UnreadableCodeError("a donor registry id (GRID) has four digits, thirteen capital letters or digits, and two check digits")
    if parts[2] != f"{MOD37_2_ALPHABET.index(mod37_2(parts[1])):02}":
        raise UnreadableCodeError("the check digits do not belong to this donor registry id (GRID); scan it again")
    return content


def read_chain_of_identity(content: str) -> str:
    if not _CHAIN_OF_IDENTITY.fullmatch(content):
        raise UnreadableCodeError("a Chain of Identity id is CH, a facility code, a year of two digits and six capital letters or digits")
    return content


def without_padding(content: str) -> str:
    """A lot number or supplemental id (structures 035, 036) for display only; compare the padded form."""
    return content.lstrip("0")


def padded(text: str) -> str:
    """The content of structure 035 or 036 for a number of up to 18 letters and digits."""
    if not _PADDED.fullmatch(text):
        raise UnreadableCodeError(f"a lot number in an ISBT 128 code has 1 to {_PADDED_LENGTH} letters and digits")
    return text.zfill(_PADDED_LENGTH)


def lot_symbol(lot_number: str) -> str:
    """The text of a bar code for a lot number, padded left with zeros."""
    return "&,1" + padded(lot_number)


def chain_of_identity_symbol(identity: str) -> str:
    return "&/" + read_chain_of_identity(identity)


def consignment_symbol(consignment: Consignment) -> str:
    """The text of a bar code for one box (or, box 0, the paperwork) of a consignment."""
    of = consignment
    content = f"{of.facility}{of.year % 100:02}{of.serial:05}{of.box:02}{of.boxes:02}"
    if read_consignment(content) != consignment:
        raise UnreadableCodeError("a consignment label reaches the years 2000 to 2099, five digits of serial number and 99 boxes")
    return "=$" + content


def printed_check(structure: DataStructure) -> str:
    """The check character that must be printed behind this structure's text; empty where none is due."""
    return mod37_2(structure.content) if structure.number in _PRINTED_WITH_CHECK else ""
