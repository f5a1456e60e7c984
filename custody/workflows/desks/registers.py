"""The registers desk: everything registered with its due dates, what is late or soon due first, and the sheet of one thing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection

from custody.domain.acts.equipment import EquipmentCalibrated
from custody.domain.acts.shipping import LoggerCalibrated, LoggerFileRead, ShipperQualified
from custody.domain.acts.study import LoggerKeyRegistered
from custody.domain.dossier import Dossier
from custody.domain.folds.logger_places import loggers_in
from custody.domain.folds.registers import LoggerFold
from custody.domain.folds.study import StudyFold
from custody.domain.ids import AccountId, EquipmentId, LoggerId, Node, ShipperId, StudyId
from custody.domain.masking import Seen, Viewer
from custody.domain.terms import SignatureStateWord
from custody.workflows.desks.offers import Offer, offers
from custody.workflows.desks.registered import MOODS, Dated, Line, documents_of, line_of, log_of, mood_of
from custody.workflows.desks.things import listed, opened
from custody.workflows.people import Present

KINDS = ("material", "equipment", "shipper", "logger", "account", "site", "study")
ATTENTION = frozenset({"late", "waits", "soon"})


@dataclass(frozen=True, kw_only=True)
class Registers:
    """Lines by kind; within a kind what needs attention first, then the nearest due date."""

    lines: dict[str, tuple[Line, ...]]
    documents: tuple[Dated, ...]
    broken: tuple[Node, ...]
    cut: bool

    @property
    def attention(self) -> tuple[Line, ...]:
        return tuple(sorted((line for lines in self.lines.values() for line in lines if line.mood in ATTENTION), key=_order))


@dataclass(frozen=True, kw_only=True)
class KeyShown:
    issuer: str
    device_lot: str
    fingerprint: str
    since: datetime
    by: str


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """`dated`: what its due date rests on, the newest first. `signature`: of the last file a logger gave."""

    line: Line | None
    dated: tuple[Dated, ...]
    keys: tuple[KeyShown, ...]
    loggers: tuple[LoggerId, ...]
    signature: SignatureStateWord | None
    offers: tuple[Offer, ...]


def registers(connection: Connection, viewer: Viewer, now: datetime, kinds: tuple[str, ...] = KINDS) -> Seen[Registers]:
    """The registers of these kinds, as far as this person may know of them."""
    allowed = tuple(kind for kind in kinds if kind in KINDS)
    found = listed(connection, viewer, allowed)
    lines: dict[str, list[Line]] = {kind: [] for kind in allowed}
    for node in found.nodes:
        line = line_of(found.dossier, node, found.study, now)
        if line is not None:
            lines[node.kind].append(line)
    documents = documents_of(found.study, now) if found.study is not None else ()
    ordered = {kind: tuple(sorted(every, key=_order)) for kind, every in lines.items()}
    return Seen(Registers(lines=ordered, documents=documents, broken=found.broken, cut=found.cut))


def _order(line: Line) -> tuple[int, date]:
    return MOODS.index(line.mood), line.due or date.max


def sheet(connection: Connection, viewer: Viewer, present: Present, node: Node, acts: tuple[str, ...], now: datetime) -> Seen[Sheet]:
    """Raises NotFoundError for a thing that is unknown or hidden."""
    dossier = opened(connection, viewer, node)
    study = StudyFold(dossier, viewer.study) if viewer.study is not None else None
    return Seen(
        Sheet(
            line=line_of(dossier, node, study, now),
            dated=_dated(dossier, node, study, now),
            keys=_keys(dossier, node) if isinstance(node, StudyId | LoggerId) else (),
            loggers=loggers_in(dossier, node) if isinstance(node, EquipmentId) else (),
            signature=_signature(dossier, node, study),
            offers=offers(dossier, present, viewer.study, node, acts),
        )
    )


def _dated(dossier: Dossier, node: Node, study: StudyFold | None, now: datetime) -> tuple[Dated, ...]:
    today = now.date()
    if isinstance(node, AccountId):
        return log_of(dossier, node, now)
    if isinstance(node, StudyId):
        return documents_of(study, now) if study is not None else ()
    if isinstance(node, ShipperId):
        return tuple(
            Dated(
                key="qualification",
                name="",
                since=d.act.qualified_on,
                until=d.act.qualified_until,
                mood=mood_of(d.act.qualified_until, today),
            )
            for d in reversed(dossier.deeds(node, ShipperQualified))
        )
    made = dossier.deeds(node, EquipmentCalibrated, LoggerCalibrated)
    return tuple(
        Dated(key="calibration", name=d.act.certificate, since=d.act.calibrated_on, until=d.act.due_on, mood=mood_of(d.act.due_on, today))
        for d in reversed(made)
    )


def _keys(dossier: Dossier, node: Node) -> tuple[KeyShown, ...]:
    """The logger keys the study trusts; of a logger the one that signed its last file, where it is registered."""
    streams = [key for key in dossier.streams if key.startswith("study:")]
    deeds = [deed for key in streams for deed in dossier.deeds(StudyId(key.partition(":")[2]), LoggerKeyRegistered)]
    if isinstance(node, LoggerId):
        last = dossier.last(node, LoggerFileRead)
        deeds = [deed for deed in deeds if last is not None and deed.act.fingerprint == last.act.key_fingerprint]
    return tuple(
        KeyShown(
            issuer=deed.act.issuer,
            device_lot=deed.act.device_lot,
            fingerprint=deed.act.fingerprint.value,
            since=deed.at,
            by=deed.signers[0].printed_name if deed.signers else "",
        )
        for deed in deeds
    )


def _signature(dossier: Dossier, node: Node, study: StudyFold | None) -> SignatureStateWord | None:
    if not isinstance(node, LoggerId) or study is None:
        return None
    last = dossier.last(node, LoggerFileRead)
    return LoggerFold(dossier, node, study).signature_of(last.act) if last is not None else None
