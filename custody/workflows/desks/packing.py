"""The packing desk: shipments that have not left, each with its shipper, loggers, bags and seals as far as they are ready."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from custody.domain.acts.base import ACTS
from custody.domain.acts.people import SiteRegistered
from custody.domain.dossier import Dossier
from custody.domain.folds.bag import BagFold
from custody.domain.folds.base import MissingFact
from custody.domain.folds.shipment import ShipmentFold
from custody.domain.folds.study import StudyFold
from custody.domain.ids import BagId, LoggerId, Node, SealNumber, ShipmentId, ShipperId
from custody.domain.masking import Seen, Viewer
from custody.domain.terms import HoldPoint
from custody.errors import NotFoundError
from custody.workflows.desks.day import LAST
from custody.workflows.desks.offers import Offer, Why, offers
from custody.workflows.desks.packing_checks import Check, checks_of, leave_by
from custody.workflows.desks.preview import Foreseen, Preview, foreseen, plain_act
from custody.workflows.desks.things import listed, opened
from custody.workflows.desks.whereabouts import Whereabouts, whereabouts
from custody.workflows.people import Present

OF_A_BAG = ("bag_taken_out", "bag_packed", "bag_unpacked")
"""Acts about a bag that are done on the sheet of its shipment."""
JUDGED_ON_THE_LIST = 6


@dataclass(frozen=True, kw_only=True)
class BagToPack:
    """One bag of the packing list. `stops`: rules that would stop the shipment because of it; `next`: the act about it that comes next."""

    where: Whereabouts
    packed_at: datetime | None
    elsewhere: ShipmentId | None
    stops: tuple[Foreseen, ...]
    next: str


@dataclass(frozen=True, kw_only=True)
class ToPack:
    """One shipment before it leaves. `leave_by`: the last moment at which the shipper's hold time still is enough."""

    node: ShipmentId
    destination: str
    carriers: tuple[str, ...]
    form: str
    planned_minutes: int
    documents: tuple[str, ...]
    is_started: bool
    sealed_at: datetime | None
    seals: tuple[SealNumber, ...]
    offered_at: datetime | None
    bags: tuple[BagToPack, ...]
    unknown_bags: tuple[BagId, ...]
    shipper: ShipperId | None
    loggers: tuple[LoggerId, ...]
    checks: tuple[Check, ...]
    leave_by: datetime | None
    stops: int
    next: str

    @property
    def packed(self) -> int:
        return sum(bag.packed_at is not None for bag in self.bags)


@dataclass(frozen=True, kw_only=True)
class PackingQueue:
    rows: tuple[ToPack, ...]
    unreadable: tuple[Node, ...]
    cut: bool


@dataclass(frozen=True, kw_only=True)
class ShipmentSheet:
    """`rules`: what hold point G8 would say now; `can`: acts about its bags this person may begin."""

    shipment: ToPack
    rules: Preview | None
    offers: tuple[Offer, ...]
    can: frozenset[str]


def queue(connection: Connection, viewer: Viewer, now: datetime) -> Seen[PackingQueue]:
    """Shipments that stand here: what must leave first comes first."""
    found = listed(connection, viewer, ("shipment",), but_arrived=True)
    rows: list[ToPack] = []
    for node in found.nodes:
        if not isinstance(node, ShipmentId) or found.study is None:
            continue
        fold = ShipmentFold(found.dossier, node, found.study)
        if not _stands_here(fold):
            continue
        preview = _preview(found.dossier, viewer, fold, now) if len(rows) < JUDGED_ON_THE_LIST else None
        rows.append(_to_pack(fold, preview, now))
    rows.sort(key=lambda row: (row.leave_by or LAST, row.node.value))
    return Seen(PackingQueue(rows=tuple(rows), unreadable=found.broken, cut=found.cut))


def sheet(
    connection: Connection, viewer: Viewer, present: Present, node: ShipmentId, acts: tuple[str, ...], now: datetime
) -> Seen[ShipmentSheet]:
    """One shipment with everything that must be ready. Raises NotFoundError for one that is unknown, hidden or was never planned."""
    dossier = opened(connection, viewer, node)
    if viewer.study is None:
        raise NotFoundError(f"there is no study to which {node} belongs", code="unknown_thing", kind=node.kind, seen=node.value)
    fold = ShipmentFold(dossier, node, StudyFold(dossier, viewer.study))
    try:
        preview = _preview(dossier, viewer, fold, now) if _stands_here(fold) and fold.sealing is None else None
        shipment = _to_pack(fold, preview, now)
    except MissingFact as error:
        raise NotFoundError(f"{node} was never planned", code="unknown_thing", kind="shipment", seen=node.value) from error
    offered = tuple(_with_own_reasons(each, shipment) for each in offers(dossier, present, viewer.study, node, acts))
    can = frozenset(
        act
        for bag in shipment.bags[:1]
        for act in OF_A_BAG
        for offer in offers(dossier, present, viewer.study, bag.where.bag, (act,))
        if offer.why_not is None or not offer.why_not.roles
    )
    return Seen(ShipmentSheet(shipment=shipment, rules=preview, offers=offered, can=can))


def offer_about(connection: Connection, viewer: Viewer, present: Present, bag: BagId, act: str) -> Offer:
    """One act about one bag, as this person may do it now. Raises NotFoundError for a bag or act that is not theirs to see."""
    dossier = opened(connection, viewer, bag)
    found = offers(dossier, present, viewer.study, bag, (act,)) if act in OF_A_BAG and act in ACTS else ()
    if not found:
        raise NotFoundError(f"there is no form for “{act[:40]}” here", code="page_not_found")
    return found[0]


def shipment_of(connection: Connection, viewer: Viewer, bag: BagId) -> Seen[ShipmentId | None]:
    """The shipment still here on whose packing list a bag stands."""
    found = listed(connection, viewer, ("shipment",), but_arrived=True)
    for node in found.nodes:
        if not isinstance(node, ShipmentId) or found.study is None:
            continue
        fold = ShipmentFold(found.dossier, node, found.study)
        if _stands_here(fold) and bag in fold.bags:
            return Seen(node)
    return Seen(None)


def _stands_here(fold: ShipmentFold) -> bool:
    """Planned, and no carrier has it yet. A shipment without a plan is none that could be packed."""
    try:
        return bool(fold.planned) and fold.left_at is None and fold.arrived is None and fold.lost is None
    except MissingFact:
        return False


def _preview(dossier: Dossier, viewer: Viewer, fold: ShipmentFold, now: datetime) -> Preview:
    return foreseen(dossier, viewer, plain_act(HoldPoint.SHIP, fold.node), HoldPoint.SHIP, now).value


def _to_pack(fold: ShipmentFold, preview: Preview | None, now: datetime) -> ToPack:
    plan = fold.planned.act
    started = _is_started(fold)
    known = tuple(bag for bag in plan.bags if _is_filled(fold, bag))
    bags = tuple(_bag(fold, bag, preview, started) for bag in known)
    offered = fold.open_handover
    made: dict[str, Any] = {
        "node": fold.node,
        "destination": _site_name(fold),
        "carriers": tuple(leg.carrier for leg in plan.legs),
        "form": plan.form.value,
        "planned_minutes": plan.planned_minutes,
        "documents": tuple(fold.criteria.documents.shipment),
        "is_started": started,
        "sealed_at": fold.sealing.at if fold.sealing is not None else None,
        "seals": fold.seals if fold.sealing is not None else (),
        "offered_at": offered.started_at if offered is not None else None,
        "bags": bags,
        "unknown_bags": tuple(bag for bag in plan.bags if bag not in known),
        "shipper": fold.shipper if started else None,
        "loggers": fold.loggers if started else (),
        # Once it has left, nobody can make anything ready any more: the receiver looks at it.
        "checks": checks_of(fold, now, packed=sum(bag.packed_at is not None for bag in bags)) if _stands_here(fold) else (),
        "leave_by": leave_by(fold) if started and _stands_here(fold) else None,
        "stops": len({each.gate for each in preview.blocking}) if preview is not None and started else 0,
    }
    return ToPack(**made, next=_next(fold, bags))


def _is_started(fold: ShipmentFold) -> bool:
    try:
        return bool(fold.packing)
    except MissingFact:
        return False


def _is_filled(fold: ShipmentFold, bag: BagId) -> bool:
    try:
        return bool(BagFold(fold.dossier, bag, fold.study).filled)
    except MissingFact:
        return False


def _bag(fold: ShipmentFold, bag: BagId, preview: Preview | None, started: bool) -> BagToPack:
    where = whereabouts(BagFold(fold.dossier, bag, fold.study))
    packing = fold.packing_of(bag)
    elsewhere = where.place if isinstance(where.place, ShipmentId) and where.place != fold.node else None
    stops = tuple(each for each in preview.blocking if each.about == bag.value) if preview is not None else ()
    step = ""
    if packing is None and started and elsewhere is None and fold.sealing is None and not where.over:
        is_out = where.out_since is not None or where.place == fold.node  # scanned into the shipper that was taken first
        step = "bag_packed" if is_out else "bag_taken_out"
    return BagToPack(
        where=where, packed_at=packing.act.packed_at if packing is not None else None, elsewhere=elsewhere, stops=stops, next=step
    )


def _next(fold: ShipmentFold, bags: tuple[BagToPack, ...]) -> str:
    """The step that usually follows."""
    if not _is_started(fold):
        return "packing_started"
    if not _stands_here(fold):
        return ""
    if fold.sealing is not None:
        return "handoff_offered" if fold.open_handover is None else "handoff_accepted"
    waiting = [bag for bag in bags if bag.packed_at is None]
    if not waiting:
        return "shipper_sealed"
    return next((bag.next for bag in waiting if bag.next == "bag_packed"), "bag_taken_out")


def _site_name(fold: ShipmentFold) -> str:
    to = fold.planned.act.destination
    site = fold.dossier.last(to, SiteRegistered)
    return site.act.name if site is not None else to.value


def _with_own_reasons(offer: Offer, shipment: ToPack) -> Offer:
    """Reasons only this desk knows, beside duty and order."""
    if offer.why_not is not None:
        return offer
    key, values = "", {}
    if shipment.sealed_at is not None and offer.act in {"packing_started", "shipper_sealed"}:
        key = "why_sealed"
    elif offer.act == "shipper_sealed" and shipment.packed < len(shipment.bags) + len(shipment.unknown_bags):
        key, values = "why_not_all_packed", {"packed": shipment.packed, "total": len(shipment.bags) + len(shipment.unknown_bags)}
    return Offer(act=offer.act, why_not=Why(key=f"desk.packing.{key}", values=values)) if key else offer
