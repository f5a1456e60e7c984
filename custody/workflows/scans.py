"""Scans as people make them: what the text names, or a refusal that is kept as evidence."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from custody.codes.scan import expect, read_scan
from custody.domain.acts.people import ScanRefused
from custody.domain.dossier import Dossier
from custody.domain.ids import BagId, DoseId, Identifier, ParticipantId, SealNumber, ShipmentId, ShipperId, WristbandToken
from custody.errors import CustodyError, UnreadableCodeError
from custody.store import entries
from custody.store.entries import NewEntry
from custody.workflows.dossiers import dossier_of
from custody.workflows.signer import Signer, signed_now

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
SEEN_MAX = 400


def scanned(kind: type[Identifier], text: str) -> Identifier:
    """The identifier that a symbol of this kind names, or that was typed as it stands on the label.

    Raises UnreadableCodeError, which says what was seen and what was expected.
    """
    if is_symbol(text):
        return kind.parse(expect(read_scan(text), KINDS[kind]))
    typed = text.strip().upper()
    if kind is not BagId and _is_bag(typed):
        # Whoever reads a bag label into the wrong field typed thirteen characters that only a bag has.
        raise UnreadableCodeError("this is the bag label", code="wrong_code_kind", seen="bag", expected=KINDS[kind])
    return kind.parse(typed)


def is_symbol(text: str) -> bool:
    """Whether a scanner sent this; anything else was typed by a person."""
    return text.startswith(SYMBOL_STARTS)


def _is_bag(text: str) -> bool:
    try:
        BagId.parse(text)
    except UnreadableCodeError:
        return False
    return True


def keep_refused(connection: Connection, text: str, error: CustodyError, signer: Signer, now: datetime, *, where: str) -> None:
    """Keep a scan that named nothing usable: what was scanned, where, and why it was refused."""
    dossier: Dossier = dossier_of(connection, [signer.account])
    by = signed_now(signer, ScanRefused.rule, 0, dossier, now)
    act = ScanRefused(account=signer.account, where=where, seen=text[:SEEN_MAX], length=len(text), refusal=error.code)
    entry = NewEntry(act=act, happened_at=now, by=by, study=signer.study, station=signer.station)
    entries.append(connection, [entry], recorded_at=now)
