"""Shipments as the receiving desk sees them: what is on the way, who offered it, and how far each bag has come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from custody.codes.scan import expect, read_scan
from custody.domain.acts.shipping import BagAccepted, BagRefusedAtReceipt, LoggerFileRead, ShipmentPlanned
from custody.domain.dossier import Dossier, deeds_of, pending_proposals
from custody.domain.folds.bag import BagFold
from custody.domain.folds.base import MissingFact
from custody.domain.folds.shipment import ShipmentFold
from custody.domain.folds.study import StudyFold
from custody.domain.ids import BagId, Digest, EquipmentId, LoggerId, PersonId, ShipmentId, ShipperId, StudyId
from custody.domain.masking import Seen, Viewer
from custody.domain.terms import HoldPoint, VerdictWord
from custody.errors import NotFoundError, UnreadableCodeError
from custody.store import entries, lookups
from custody.workflows.dossiers import dossier_of
from custody.workflows.next_steps import undecided_at_receipt
from custody.workflows.order import proposed_act, proposed_of
from custody.workflows.scans import is_symbol
from custody.workflows.signer import Signer
from custody.workflows.verdicts import VerdictRead, latest_verdict

SHIPMENTS_MAX = 500


@dataclass(frozen=True, kw_only=True)
class BagAtDesk:
    """How far one bag is: `state` is open, waiting, stopped, accepted, quarantined or rejected."""

    bag: BagId
    state: str
    proposal: Digest | None
    act: str
    signed_by: tuple[PersonId, ...]
    verdict: Seen[VerdictRead] | None
    equipment: EquipmentId | None
    position: str


@dataclass(frozen=True, kw_only=True)
class LoggerAtDesk:
    logger: LoggerId
    file: Digest | None
    """The newest file read since the shipper was packed, None while there is none."""


@dataclass(frozen=True, kw_only=True)
class ShipmentAtDesk:
    """One shipment on its way to this site or arrived here. `offered_at` is set while a hand-over waits to be accepted."""

    shipment: ShipmentId
    shipper: ShipperId
    documents: tuple[str, ...]
    offered_by: str
    offered_at: datetime | None
    taken_over: bool
    arrived_at: datetime | None
    loggers: tuple[LoggerAtDesk, ...]
    bags: tuple[BagAtDesk, ...]

    @property
    def is_open(self) -> bool:
        return any(bag.state in {"open", "waiting", "stopped"} for bag in self.bags)

    def bag(self, bag: BagId) -> BagAtDesk:
        """Raises NotFoundError for a bag that is not on the packing list."""
        found = next((each for each in self.bags if each.bag == bag), None)
        if found is None:
            raise NotFoundError(f"bag {bag} is not on the packing list", code="not_on_list", seen=bag, expected=self.shipment)
        return found


def shipments_at(connection: Connection, signers: Iterable[Signer], viewer: Viewer) -> tuple[ShipmentAtDesk, ...]:
    """Sealed shipments on their way to somebody's sites that are not all decided, newest first; `signers`: the person at each of them."""
    return tuple(shipment for signer in signers for shipment in _shipments_at(connection, signer, viewer))


def _shipments_at(connection: Connection, signer: Signer, viewer: Viewer) -> Iterator[ShipmentAtDesk]:
    site, study = signer.site.value, _study(signer).value
    waiting = lookups.carriers_of(connection, ShipmentId.kind, BagId.kind, undecided_at_receipt())
    items = lookups.streams_of_kind(connection, ShipmentId.kind, site=site, study=study, among=waiting, limit=SHIPMENTS_MAX)
    for item in items:
        # Its own record says where it goes; those of its bags are many.
        plan = deeds_of(entries.load_streams(connection, [item.stream])[item.stream]).of((ShipmentPlanned,))
        if not any(isinstance(deed.act, ShipmentPlanned) and deed.act.destination == signer.site for deed in plan[-1:]):
            continue
        try:
            shipment = shipment_at(connection, ShipmentId.parse(item.stream.partition(":")[2]), signer, viewer)
        except NotFoundError:
            continue
        if shipment.is_open:
            yield shipment


def shipment_at(connection: Connection, shipment: ShipmentId, signer: Signer, viewer: Viewer) -> ShipmentAtDesk:
    """Raises NotFoundError for a shipment that is unknown, not sealed, or on its way to another site."""
    dossier, study = dossier_for(connection, shipment, signer)
    fold = ShipmentFold(dossier, shipment, StudyFold(dossier, study))
    offer = fold.open_handover
    return ShipmentAtDesk(
        shipment=shipment,
        shipper=fold.shipper,
        documents=fold.criteria.documents.shipment,
        offered_by="" if offer is None else offer.offered.signers[0].printed_name,
        offered_at=None if offer is None else offer.started_at,
        taken_over=fold.arrived is not None or fold.custodian.site == signer.site,
        arrived_at=None if fold.arrived is None else fold.arrived.act.arrived_at,
        loggers=tuple(_logger(dossier, fold, logger) for logger in fold.loggers),
        bags=tuple(_bag(connection, dossier, fold, bag, viewer) for bag in fold.bags),
    )


def dossier_for(connection: Connection, shipment: ShipmentId, signer: Signer) -> tuple[Dossier, StudyId]:
    """Everything about a shipment and its bags, for its study at its destination. Raises NotFoundError for everybody else."""
    study = _study(signer)
    dossier = dossier_of(connection, (shipment, signer.account, study))
    unknown = NotFoundError(f"there is no shipment {shipment}", code="unknown_thing", kind="shipment", seen=shipment)
    if any(deed.began.study not in {None, study} for deed in dossier.deeds(shipment)[:1]):
        raise unknown
    fold = ShipmentFold(dossier, shipment, StudyFold(dossier, study))
    try:
        plan = fold.planned.act
    except MissingFact as error:
        raise unknown from error
    if plan.destination != signer.site or fold.sealing is None:
        raise unknown
    return dossier, study


def shipment_meant(connection: Connection, text: str, signers: Iterable[Signer], viewer: Viewer) -> ShipmentId:
    """The shipment a shipper's label or a shipment label means. Raises UnreadableCodeError or NotFoundError."""
    kind, value = "", text.strip().upper()
    if is_symbol(text):
        scan = read_scan(text)
        kind = next((each.kind for each in scan.values if each.kind in {"shipper", "shipment"}), "")
        if not kind:
            raise UnreadableCodeError("this is no shipper label", code="wrong_code_kind", seen=scan.values[0].kind, expected="shipper")
        value = expect(scan, kind)
    for each in shipments_at(connection, signers, viewer):
        names = {"shipper": each.shipper.value, "shipment": each.shipment.value}
        if value in ({names[kind]} if kind else set(names.values())):
            return each.shipment
    raise NotFoundError(f"“{value[:40]}” is no shipment on its way here", code="no_shipment_here", seen=value[:40])


def _study(signer: Signer) -> StudyId:
    if signer.study is None:
        raise NotFoundError("no study is chosen", code="no_study")
    return signer.study


def _logger(dossier: Dossier, fold: ShipmentFold, logger: LoggerId) -> LoggerAtDesk:
    charged = fold.packing.act.charged_at
    files = [d.act.file for d in dossier.deeds(logger, LoggerFileRead) if d.act.ends_at >= charged]
    return LoggerAtDesk(logger=logger, file=files[-1] if files else None)


def _bag(connection: Connection, dossier: Dossier, fold: ShipmentFold, bag: BagId, viewer: Viewer) -> BagAtDesk:
    receipt = BagFold(dossier, bag, fold.study).receipt
    waiting = [
        (entry, signers)
        for entry, signers in pending_proposals(entries.load_streams(connection, [bag.key])[bag.key])
        if isinstance(proposed_act(entry), BagAccepted | BagRefusedAtReceipt)
    ]
    verdict = latest_verdict(connection, viewer, bag, HoldPoint.RECEIPT)
    stopped = verdict is not None and verdict.value.word is not VerdictWord.GO
    entry, signers = waiting[-1] if waiting else (None, ())
    # A STOP leaves the proposal waiting; what people must see is the STOP.
    newer = entry is not None and verdict is not None and entry.recorded_at > verdict.value.judged_at
    return BagAtDesk(
        bag=bag,
        state=_state(receipt.act if receipt is not None else None, waiting=entry is not None, stopped=stopped and not newer),
        proposal=None if entry is None else proposed_of(entry).proposal,
        act="" if entry is None else proposed_of(entry).act,
        signed_by=tuple(signed.person for signed in signers),
        verdict=verdict,
        equipment=receipt.act.equipment if receipt is not None and isinstance(receipt.act, BagAccepted) else None,
        position=receipt.act.position if receipt is not None and isinstance(receipt.act, BagAccepted) else "",
    )


def _state(receipt: BagAccepted | BagRefusedAtReceipt | None, *, waiting: bool, stopped: bool) -> str:
    if isinstance(receipt, BagAccepted):
        return "accepted"
    if receipt is not None:
        return "rejected" if receipt.reject else "quarantined"
    if stopped:
        return "stopped"
    return "waiting" if waiting else "open"
