"""Line clearance: one product open at a workstation, and no step recorded there while another one is (screens, what fails in practice)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from custody.domain.acts.base import Act
from custody.domain.acts.equipment import EquipmentRegistered
from custody.domain.acts.manufacturing import (
    BagsFilled,
    BankFilled,
    BankStepRecorded,
    LabelsApplied,
    LabelsDestroyed,
    LabelsPrinted,
    LineCleared,
    LotStepRecorded,
    PrimaryCultureHarvested,
    ProcessingStarted,
    ProductOpened,
)
from custody.domain.acts.quality import SampleTaken
from custody.domain.dossier import Dossier
from custody.domain.folds.registers import use_of
from custody.domain.folds.workstation import open_at
from custody.domain.ids import EquipmentId, Node
from custody.domain.masking import Seen, Viewer
from custody.errors import OutOfOrderError
from custody.workflows import sight
from custody.workflows.dossiers import dossier_of
from custody.workflows.order import unknown_thing

AT_THE_PRODUCT: tuple[type[Act], ...] = (
    ProcessingStarted,
    PrimaryCultureHarvested,
    BankStepRecorded,
    BankFilled,
    LotStepRecorded,
    BagsFilled,
    LabelsPrinted,
    LabelsApplied,
    LabelsDestroyed,
    SampleTaken,
)
"""Acts that handle the product itself."""


@dataclass(frozen=True, kw_only=True)
class LiesOpen:
    """What lies open at a workstation, since when, and who opened it."""

    workstation: EquipmentId
    node: Node
    since: datetime
    by: str


def check_line(connection: Connection, act: Act, dossier: Dossier, workstation: EquipmentId | None, at: datetime) -> None:
    """Raises OutOfOrderError for an act at a product where another one lies open, or where this one was not opened.

    `workstation`: where the person stands, as the device says; what the act itself used counts as well. `at`: when it happened.
    """
    match act:
        case ProductOpened(node=node, workstation=place):
            lies_open = open_at(dossier, place)
            if lies_open is not None and lies_open.act.node == node:
                raise OutOfOrderError(f"this product is open at {place} already", code="open_already", workstation=place)
            if lies_open is not None:
                raise _another(place)
        case LineCleared(node=node, workstation=place):
            lies_open = open_at(dossier, place)
            if lies_open is None or lies_open.act.node != node:
                raise OutOfOrderError(f"this product is not open at {place}", code="not_open_there", workstation=place)
        case _ if isinstance(act, AT_THE_PRODUCT):
            _check_step(connection, act, dossier, workstation, at)


def _check_step(connection: Connection, act: Act, dossier: Dossier, workstation: EquipmentId | None, at: datetime) -> None:
    use = use_of(act, at)
    for place in use.equipment if use is not None else ():
        lies_open = open_at(dossier, place, at)
        if lies_open is not None and lies_open.act.node != act.subject:
            raise _another(place)
    if workstation is None:
        return
    lies_open = open_at(dossier_of(connection, [workstation]), workstation, at)
    if lies_open is None:
        raise OutOfOrderError(f"nothing was opened at {workstation} since its line was cleared", code="not_opened", workstation=workstation)
    if lies_open.act.node != act.subject:
        raise _another(workstation)


def _another(place: EquipmentId) -> OutOfOrderError:
    """It does not name the other product, which may be of another study."""
    return OutOfOrderError(f"another product is open at {place}; clear the line first", code="other_product_open", workstation=place)


def check_workstation(connection: Connection, viewer: Viewer, node: EquipmentId) -> None:
    """Raises NotFoundError for equipment nobody registered here, OutOfOrderError for a store, at which nothing is worked on."""
    sight.require(connection, viewer, node)
    registered = dossier_of(connection, [node]).last(node, EquipmentRegistered)
    if registered is None:
        raise unknown_thing(node)
    if registered.act.storage:
        raise OutOfOrderError(f"{node} is a store; scan the bench or cabinet at which you work", code="store_is_no_workstation", seen=node)


def lies_open_at(connection: Connection, viewer: Viewer, workstation: EquipmentId) -> Seen[LiesOpen | None]:
    """What lies open at a workstation; the product of another study too, for it must be cleared first: `may_find` says who may read it."""
    found = open_at(dossier_of(connection, [workstation]), workstation)
    if found is None or not viewer.may_see(workstation):
        return Seen(None)
    return Seen(LiesOpen(workstation=workstation, node=found.act.node, since=found.at, by=found.began.by.printed_name))


def open_places(connection: Connection, dossier: Dossier, node: Node) -> Seen[tuple[LiesOpen, ...]]:
    """Where a product lies open now, for everybody who may see the product."""
    places = dict.fromkeys(deed.act.workstation for deed in dossier.deeds(node, ProductOpened))
    streams = dossier_of(connection, tuple(places)) if places else dossier
    found = ((place, open_at(streams, place)) for place in places)
    return Seen(
        tuple(
            LiesOpen(workstation=place, node=node, since=deed.at, by=deed.began.by.printed_name)
            for place, deed in found
            if deed is not None and deed.act.node == node
        )
    )
