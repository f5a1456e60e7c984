"""Codes as people scan or type them at a desk: what the text names, or what is wrong with it."""

from __future__ import annotations

from custody.codes.scan import expect, read_scan
from custody.domain.ids import BagId, DoseId, Identifier, ParticipantId, SealNumber, ShipmentId, ShipperId, WristbandToken
from custody.errors import UnreadableCodeError

KINDS: dict[type[Identifier], str] = {
    BagId: "bag",
    WristbandToken: "wristband",
    DoseId: "dose",
    ShipmentId: "shipment",
    ShipperId: "shipper",
    SealNumber: "seal",
    ParticipantId: "participant",
}
SYMBOL_STARTS = ("CU1:", "]", "=", "&", "http")


def scanned(kind: type[Identifier], text: str) -> Identifier:
    """The identifier that a symbol of this kind names, or that was typed as it stands on the label.

    Raises UnreadableCodeError, which says what was seen and what was expected.
    """
    if is_symbol(text):
        return kind.parse(expect(read_scan(text), KINDS[kind]))
    typed = text.strip().upper()
    if kind is not BagId and is_bag_number(typed):
        # Whoever reads a bag label into the wrong field typed thirteen characters that only a bag has.
        raise UnreadableCodeError("this is the bag label", code="wrong_code_kind", seen="bag", expected=KINDS[kind])
    return kind.parse(typed)


def is_symbol(text: str) -> bool:
    """Whether a scanner sent this; anything else was typed by a person."""
    return text.startswith(SYMBOL_STARTS)


def is_bag_number(text: str) -> bool:
    try:
        BagId.parse(text)
    except UnreadableCodeError:
        return False
    return True
