"""The donation identification number (DIN) of ISBT 128: 13 characters of identity, two of flags, one printed check character."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from custody.codes.check_characters import MOD37_2_ALPHABET, mod37_2
from custody.codes.isbt128_structures import FACILITY_PATTERN
from custody.errors import UnreadableCodeError

DONATION_PATTERN = FACILITY_PATTERN + r"[0-9]{8}"
_DONATION = re.compile(DONATION_PATTERN)
_FIRST_CHECK_FLAG = 60


class FlagMeaning(StrEnum):
    """What the two flag characters say about the thing that carries the number."""

    NONE = "none"
    CONTAINER_OF_SET = "container of a set"
    REPEAT_LABEL = "repeat label"
    PILOT_TUBE = "pilot tube"
    TEST_TUBE = "test tube"
    DONOR_RECORD = "donor record"
    NAT_SAMPLE = "NAT sample"
    BACTERIOLOGY_SAMPLE = "bacteriology sample"
    MATCH_WITH_UNIT = "match with unit"
    AFFIXED_PARTIAL_LABEL = "affixed partial label"
    ATTACHED_LABEL = "attached label"
    LOCAL = "meaning local to the facility"
    CHECK = "check value"


_CONTAINERS = {"01": 1, "02": 2, "03": 3, "04": 4, "15": 5, "16": 6, "17": 7, "18": 8, "19": 9}
# Flags that are not listed are reserved: nobody knows what they will mean, so they are refused.
_FLAG_MEANINGS: dict[str, FlagMeaning] = {
    "00": FlagMeaning.NONE,
    **dict.fromkeys(_CONTAINERS, FlagMeaning.CONTAINER_OF_SET),
    "05": FlagMeaning.REPEAT_LABEL,
    "06": FlagMeaning.PILOT_TUBE,
    "07": FlagMeaning.TEST_TUBE,
    "08": FlagMeaning.DONOR_RECORD,
    "09": FlagMeaning.NAT_SAMPLE,
    "10": FlagMeaning.BACTERIOLOGY_SAMPLE,
    "11": FlagMeaning.MATCH_WITH_UNIT,
    "12": FlagMeaning.AFFIXED_PARTIAL_LABEL,
    "13": FlagMeaning.ATTACHED_LABEL,
    **{str(flag): FlagMeaning.LOCAL for flag in range(20, 60)},
    **{str(flag): FlagMeaning.CHECK for flag in range(_FIRST_CHECK_FLAG, _FIRST_CHECK_FLAG + 37)},
}
NOT_THE_PRODUCT_FLAGS = frozenset({"06", "07", "08", "09", "10"})


@dataclass(frozen=True)
class Donation:
    """A donation number as scanned. Compare `number`; the flags say which thing was scanned, not which donation."""

    number: str
    flags: str

    @property
    def meaning(self) -> FlagMeaning:
        return _FLAG_MEANINGS[self.flags]

    @property
    def container(self) -> int | None:
        """Which container of a set (1 to 9), when the flags name one."""
        return _CONTAINERS.get(self.flags)

    @property
    def is_the_product(self) -> bool:
        """False for tubes, samples and records, which carry the number but must never be given."""
        return self.flags not in NOT_THE_PRODUCT_FLAGS

    @property
    def check_character(self) -> str:
        """The character printed in a box behind the number."""
        return mod37_2(self.number)

    @property
    def printed(self) -> str:
        """The number for people, such as `A9999 26 000001`."""
        return f"{self.number[:5]} {self.number[5:7]} {self.number[7:]}"

    @property
    def printed_flags(self) -> str:
        """The flags for people: empty for 00 and for check values, which are never shown."""
        return "" if self.meaning in {FlagMeaning.NONE, FlagMeaning.CHECK} else self.flags


def read_donation(content: str) -> Donation:
    """The content of structure 001 (15 characters). A flag of 60 to 96 must agree with the number."""
    donation = Donation(donation_number(content[:13]), content[13:])
    if donation.flags not in _FLAG_MEANINGS:
        raise UnreadableCodeError("the donation number carries flags that ISBT 128 keeps in reserve")
    if donation.meaning is FlagMeaning.CHECK and donation.flags != check_flags(donation.number):
        raise UnreadableCodeError("the donation number does not agree with its check value; scan it again or replace the label")
    return donation


def donation_number(text: str) -> str:
    """`text` if it is the 13 characters of a donation number: facility, year, six digits; upper case, no letter O."""
    if not _DONATION.fullmatch(text):
        raise UnreadableCodeError("a donation number has 13 characters: a facility (such as A9999, never a letter O) and eight digits")
    return text


def read_printed_donation(text: str) -> Donation:
    """A number typed from a label, check character last; spaces are free, as in `A9999 26 000001 8`."""
    packed = text.replace(" ", "")
    number = donation_number(packed[:-1])
    if packed[-1] != mod37_2(number):
        raise UnreadableCodeError("the check character does not belong to this donation number; read the label again")
    return Donation(number, "00")


def check_flags(number: str) -> str:
    """The flags that carry the check value of a donation number, 60 to 96."""
    return str(_FIRST_CHECK_FLAG + MOD37_2_ALPHABET.index(mod37_2(number)))


def din_symbol(din: str, flags: str = "00") -> str:
    """The text of a bar code for a donation number of 13 characters, such as `=A99992600000100`."""
    donation = read_donation(din + flags)
    return f"={donation.number}{donation.flags}"
