"""What a step may use: materials and equipment as they stand today, and what a scan at the open product turns out to be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time

from sqlalchemy import Connection

from custody.domain.dossier import Dossier
from custody.domain.folds.base import MissingFact
from custody.domain.folds.registers import EquipmentFold, MaterialFold
from custody.domain.ids import BagId, EquipmentId, MaterialId, Node
from custody.domain.masking import Seen, Viewer
from custody.errors import NotFoundError
from custody.workflows.desks.day import LAST
from custody.workflows.desks.things import listed, meant, opened

KINDS = ("material", "equipment")
READY = "ready"
STATES = (READY, "not_released", "refused", "expired", "not_calibrated", "lapsed", "unknown")


@dataclass(frozen=True, kw_only=True)
class Supply:
    """One material or piece of equipment. `state` is one of STATES; `until`: usable before this moment."""

    node: MaterialId | EquipmentId
    name: str
    state: str
    until: datetime | None = None

    @property
    def is_ready(self) -> bool:
        return self.state == READY


@dataclass(frozen=True, kw_only=True)
class Scanned:
    """What a scan at an open product names. `said` is a key of the catalogue; `supply` where it belongs to the next step."""

    node: Node
    said: str
    fits: bool
    supply: Supply | None = None


def supplies(connection: Connection, viewer: Viewer, now: datetime) -> Seen[tuple[Supply, ...]]:
    """Everything a step might use; what cannot be used comes last, what runs out first comes first."""
    found = listed(connection, viewer, KINDS)
    every = [supply_of(found.dossier, node, now) for node in found.nodes if isinstance(node, MaterialId | EquipmentId)]
    return Seen(tuple(sorted(every, key=lambda each: (not each.is_ready, each.until or LAST))))


def supply_of(dossier: Dossier, node: MaterialId | EquipmentId, now: datetime) -> Supply:
    """As gates MFG-MAT and MFG-EQP will judge it for a step that ends now; `now` is in the time zone whose days count."""
    try:
        return _material(dossier, node, now) if isinstance(node, MaterialId) else _equipment(dossier, node, now)
    except MissingFact:
        return Supply(node=node, name="", state="unknown" if isinstance(node, MaterialId) else "not_calibrated")


def _material(dossier: Dossier, node: MaterialId, now: datetime) -> Supply:
    fold = MaterialFold(dossier, node)
    received = fold.received.act
    state = READY
    if fold.released is None:
        state = "not_released" if fold.refused is None else "refused"
    elif not fold.in_date_at(now):
        state = "expired"
    return Supply(node=node, name=f"{received.name} · {received.supplier_lot}", state=state, until=received.expires_at)


def _equipment(dossier: Dossier, node: EquipmentId, now: datetime) -> Supply:
    fold = EquipmentFold(dossier, node)
    name = fold.registered.act.name
    try:
        due_on = fold.calibration_on(now.date()).act.due_on
    except MissingFact:
        return Supply(node=node, name=name, state="not_calibrated")
    state = READY if now.date() <= due_on else "lapsed"
    return Supply(node=node, name=name, state=state, until=datetime.combine(due_on, time.max, tzinfo=now.tzinfo))


def scanned(connection: Connection, viewer: Viewer, product: Node, text: str, now: datetime) -> Seen[Scanned]:
    """What somebody scanned while `product` is open. Raises InputError and NotFoundError as `meant`.

    Another product is refused: two open at once is how a bag gets the label of its neighbour (line clearance).
    """
    node = meant(connection, viewer, (*KINDS, "tissue", "bank", "lot", "bag"), text)
    dossier = opened(connection, viewer, node)
    if isinstance(node, MaterialId | EquipmentId):
        supply = supply_of(dossier, node, now)
        return Seen(Scanned(node=node, said=f"supply.{supply.state}", fits=supply.is_ready, supply=supply))
    if node == product:
        return Seen(Scanned(node=node, said="scan.this", fits=True))
    if isinstance(node, BagId) and product in dossier.parents(node):
        return Seen(Scanned(node=node, said="scan.its_bag", fits=True))
    return Seen(Scanned(node=node, said="scan.other", fits=False))


def known_supplies(connection: Connection, viewer: Viewer, nodes: tuple[Node, ...], now: datetime) -> Seen[tuple[Supply, ...]]:
    """Those of a list of things that are supplies this person may see, each as it stands now."""
    found = []
    for node in nodes:
        if isinstance(node, MaterialId | EquipmentId):
            try:
                found.append(supply_of(opened(connection, viewer, node), node, now))
            except NotFoundError:
                continue  # a device remembers what this person may not see
    return Seen(tuple(found))
