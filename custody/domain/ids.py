"""Identifiers: text from outside becomes one of these values, or an error says what was expected.

A `Node` is a thing with a stream of its own in the ledger (design section 6); its `key` (`bag:K7Q2…`)
names that stream. The other identifiers are written on things and have no stream.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import ClassVar, Self, TypeVar

from custody.codes.check_characters import mod37_36, mod37_36_valid
from custody.errors import UnreadableCodeError

CODE = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,31}")


Id = TypeVar("Id", bound="Identifier")


@dataclass(frozen=True, order=True)
class Identifier:
    """One identifier; `parse` is the only way in from outside."""

    value: str

    pattern: ClassVar[re.Pattern[str]] = CODE
    looks_like: ClassVar[str] = "1 to 32 capital letters, digits, dots or hyphens"

    @classmethod
    def parse(cls, text: str) -> Self:
        """`text` as this kind of identifier.

        Raises UnreadableCodeError, which says what was seen and what was expected.
        """
        if not cls.pattern.fullmatch(text):
            seen = text if len(text) <= 40 else text[:40] + "…"
            raise UnreadableCodeError(
                f"“{seen}” is not {cls.described()}: expected {cls.looks_like}",
                code="bad_identifier",
                seen=seen,
                kind=cls.kind_word(),
                expected=cls.looks_like,
            )
        return cls(text)

    @classmethod
    def kind_word(cls) -> str:
        return re.sub(r"(?<!^)(?=[A-Z])", " ", cls.__name__).lower().removesuffix(" id")

    @classmethod
    def described(cls) -> str:
        word = cls.kind_word()
        return f"{'an' if word[0] in 'aeiou' else 'a'} {word} identifier"

    def __str__(self) -> str:
        return self.value

    # Dossiers and folds look things up by these all the time; what dataclasses make themselves builds a tuple first.
    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return self.value == other.value

    def __hash__(self) -> int:
        return hash(self.value)


@lru_cache(maxsize=16_384)
def parsed(kind: type[Id], text: str) -> Id:
    """`kind.parse(text)`, the very same object for the same text: a record names the same things again and again."""
    return kind.parse(text)


NODE_KINDS: dict[str, type[Node]] = {}


class Node(Identifier):
    """A thing with a stream of its own."""

    kind: ClassVar[str] = ""

    def __init_subclass__(cls, *, kind: str) -> None:
        cls.kind = kind
        NODE_KINDS[kind] = cls

    @cached_property
    def key(self) -> str:
        """The name of the stream: `kind:value`."""
        return f"{self.kind}:{self.value}"


def node_of(key: str) -> Node:
    """The node a stream is named after. Raises UnreadableCodeError for an unknown kind."""
    kind, _, value = key.partition(":")
    found = NODE_KINDS.get(kind)
    if found is None:
        raise UnreadableCodeError(f"“{key[:40]}” names no kind of thing; expected one of {', '.join(NODE_KINDS)}", code="bad_identifier")
    return found.parse(value)


class StudyId(Node, kind="study"):
    pass


class SiteId(Node, kind="site"):
    pass


class AccountId(Node, kind="account"):
    """The name a person signs in with."""

    pattern = re.compile(r"[a-z0-9][a-z0-9.-]{1,39}")
    looks_like = "2 to 40 small letters, digits, dots or hyphens"


class DonorId(Node, kind="donor"):
    pass


class Din(Node, kind="donation"):
    """ISBT 128 donation identification number: 13 characters, without flags (standards page 1.3)."""

    pattern = re.compile(r"[A-NP-Z1-9][A-NP-Z0-9]{2}[0-9]{2}[0-9]{2}[0-9]{6}")
    looks_like = "13 characters such as A999926000001"

    @classmethod
    def kind_word(cls) -> str:
        return "donation"


class TissueId(Node, kind="tissue"):
    pass


class BankId(Node, kind="bank"):
    pass


class LotId(Node, kind="lot"):
    pass


class BagId(Node, kind="bag"):
    """Opaque and random, so that it says nothing of lot, donor or arm; ends in an ISO 7064 MOD 37,36 check character."""

    pattern = re.compile(r"[A-Z0-9]{13}")
    looks_like = "13 capital letters and digits, the last a check character"

    @classmethod
    def parse(cls, text: str) -> Self:
        bag = super().parse(text)
        if not mod37_36_valid(text):
            raise UnreadableCodeError(
                f"“{text}” is no bag: its last character does not match the others, so it was misread or mistyped; scan the label again",
                code="bad_check_character",
                seen=text,
            )
        return bag

    @classmethod
    def from_random(cls, twelve: str) -> Self:
        """The bag whose first 12 characters are `twelve` (drawn at random by the caller)."""
        return cls.parse(twelve + mod37_36(twelve))


class KitId(Node, kind="kit"):
    pass


class MaterialId(Node, kind="material"):
    pass


class EquipmentId(Node, kind="equipment"):
    pass


class ShipperId(Node, kind="shipper"):
    pass


class LoggerId(Node, kind="logger"):
    pass


class ShipmentId(Node, kind="shipment"):
    pass


class ParticipantId(Node, kind="participant"):
    pass


class DoseId(Node, kind="dose"):
    pass


class PersonId(Identifier):
    """One human being, whatever accounts they have had; pair rules compare these."""


class SealNumber(Identifier):
    pass


class SampleId(Identifier):
    pass


class CohortId(Identifier):
    pass


class AdverseEventId(Identifier):
    """The number of an adverse event; it lies in the stream of its participant."""


class WristbandToken(Identifier):
    """The random code on a trial wristband; it names nobody."""

    pattern = re.compile(r"[A-Z0-9]{10,32}")
    looks_like = "10 to 32 capital letters and digits"


class Digest(Identifier):
    """A SHA-256 in lower-case hexadecimal."""

    pattern = re.compile(r"[0-9a-f]{64}")
    looks_like = "64 hexadecimal characters"
