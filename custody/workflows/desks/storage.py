"""The storage desk: what is out of the cold and for how long, what must be put away, and what lies where."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from custody.domain.acts.equipment import EquipmentRegistered
from custody.domain.dossier import Dossier
from custody.domain.folds.bag import BagFold, BagState
from custody.domain.folds.base import MissingFact
from custody.domain.folds.cold_places import Place, places_of
from custody.domain.folds.logger_places import loggers_in
from custody.domain.folds.study import StudyFold
from custody.domain.ids import BagId, EquipmentId, LoggerId, Node
from custody.domain.masking import Seen, Viewer
from custody.errors import NotFoundError
from custody.workflows import sight
from custody.workflows.desks.day import LAST
from custody.workflows.desks.offers import Offer, Why, offers
from custody.workflows.desks.things import listed, opened
from custody.workflows.desks.whereabouts import Whereabouts, whereabouts
from custody.workflows.dossiers import dossier_of
from custody.workflows.people import Present

TO_PUT_AWAY = frozenset({BagState.FILLED, BagState.RETURNED})
INSIDE_MAX = 400
"""Bags of one freezer that are read for its page, newest act first; the page says when there are more."""
SURELY_OUT = frozenset({"bag_taken_out", "bag_packed", "bag_preparing", "bag_discarded", "bag_infused", "bag_destroyed"})
"""Newest acts with which a bag lies in no store any more; of every other bag its record says where it is."""


@dataclass(frozen=True, kw_only=True)
class Store:
    """One piece of equipment with what lies in it, in the order of its positions. `twice`: positions that two bags claim."""

    node: EquipmentId
    description: str
    loggers: tuple[LoggerId, ...]
    inside: tuple[Whereabouts, ...]
    twice: tuple[str, ...]
    cut: bool = False


@dataclass(frozen=True, kw_only=True)
class StorageQueue:
    """`out`: out of storage, shortest time left first; `put_away`: never stored, or sent back; `stores`: of the bags on this list."""

    out: tuple[Whereabouts, ...]
    put_away: tuple[Whereabouts, ...]
    stores: tuple[Store, ...]
    unreadable: tuple[Node, ...]
    cut: bool


@dataclass(frozen=True, kw_only=True)
class BagSheet:
    where: Whereabouts
    places: tuple[Place, ...]
    offers: tuple[Offer, ...]


@dataclass(frozen=True, kw_only=True)
class StoreSheet:
    store: Store
    offers: tuple[Offer, ...]


def queue(connection: Connection, viewer: Viewer) -> Seen[StorageQueue]:
    """Bags out of the cold first: each minute counts."""
    found = listed(connection, viewer, ("bag",))
    bags = [node for node in found.nodes if isinstance(node, BagId)]
    seen = [where for bag in bags if found.study is not None and (where := _where(found.dossier, bag, found.study)) is not None]
    out = sorted((each for each in seen if each.out_since is not None), key=lambda each: each.cold_by or LAST)
    inside: dict[EquipmentId, list[Whereabouts]] = {}
    for each in seen:
        if isinstance(each.place, EquipmentId):
            inside.setdefault(each.place, []).append(each)
    return Seen(
        StorageQueue(
            out=tuple(out),
            put_away=tuple(each for each in seen if each.state in TO_PUT_AWAY and each.place is None and each.out_since is None),
            stores=tuple(_store(found.dossier, node, bags_in) for node, bags_in in sorted(inside.items(), key=lambda pair: pair[0].value)),
            unreadable=found.broken,
            cut=found.cut,
        )
    )


def bag_sheet(connection: Connection, viewer: Viewer, present: Present, node: BagId, acts: tuple[str, ...]) -> Seen[BagSheet]:
    """One bag with every place it was in. Raises NotFoundError for one that is unknown, hidden or was never filled."""
    dossier = opened(connection, viewer, node)
    where = None if viewer.study is None else _where(dossier, node, StudyFold(dossier, viewer.study))
    if where is None:
        raise NotFoundError(f"{node} was never filled", code="unknown_thing", kind="bag", seen=node.value)
    try:
        places = places_of(dossier, node)
    except MissingFact:
        places = ()  # the page says that its times contradict each other
    offered = (_with_own_reasons(each, where) for each in offers(dossier, present, viewer.study, node, acts))
    return Seen(BagSheet(where=where, places=places, offers=tuple(offered)))


def store_sheet(connection: Connection, viewer: Viewer, present: Present, node: EquipmentId, acts: tuple[str, ...]) -> Seen[StoreSheet]:
    """One freezer or refrigerator with what lies at which position. Raises NotFoundError for one that is unknown or hidden."""
    opened(connection, viewer, node)
    found = sight.newest_beside(connection, viewer, "bag", node, SURELY_OUT, INSIDE_MAX + 1)
    known = [each for each in found if isinstance(each, BagId)]
    asked = known[:INSIDE_MAX]
    dossier = dossier_of(connection, [node, *asked, *([viewer.study] if viewer.study is not None else [])])
    study = None if viewer.study is None else StudyFold(dossier, viewer.study)
    seen = (_where(dossier, bag, study) for bag in asked) if study is not None else iter(())
    inside = [where for where in seen if where is not None and where.place == node]
    store = _store(dossier, node, inside, cut=len(known) > INSIDE_MAX)
    return Seen(StoreSheet(store=store, offers=offers(dossier, present, viewer.study, node, acts)))


def _where(dossier: Dossier, bag: BagId, study: StudyFold) -> Whereabouts | None:
    """None for a number under which nobody ever filled a bag: it lies nowhere."""
    return dossier.once(bag, (Whereabouts, study.study), lambda ledger: _where_anew(BagFold(ledger, bag, StudyFold(ledger, study.study))))


def _where_anew(fold: BagFold) -> Whereabouts | None:
    try:
        return whereabouts(fold)
    except MissingFact:
        return None


def _store(dossier: Dossier, node: EquipmentId, inside: list[Whereabouts], *, cut: bool = False) -> Store:
    registered = dossier.last(node, EquipmentRegistered)
    claimed = Counter(each.position for each in inside if each.position)
    return Store(
        node=node,
        description=registered.act.name if registered is not None else "",
        loggers=loggers_in(dossier, node),
        inside=tuple(sorted(inside, key=lambda each: (each.position, each.bag.value))),
        twice=tuple(sorted(position for position, count in claimed.items() if count > 1)),
        cut=cut,
    )


def _with_own_reasons(offer: Offer, where: Whereabouts) -> Offer:
    """Reasons only this desk knows, beside duty and order."""
    if offer.why_not is not None:
        return offer
    key = ""
    if offer.act == "bag_taken_out" and not isinstance(where.place, EquipmentId):
        key = "why_not_stored"
    elif offer.act in {"bag_stored", "bag_returned"} and where.over:
        key = "why_over"
    return Offer(act=offer.act, why_not=Why(key=f"desk.storage.{key}")) if key else offer


def next_of(where: Whereabouts) -> str:
    """What usually comes next at the storage desk: whatever is out goes back or on."""
    if where.over:
        return ""
    if where.out_since is not None or where.place is None:
        return (
            "bag_stored"
            if where.state in {BagState.FILLED, BagState.QUARANTINE, BagState.AVAILABLE, BagState.RECEIVED, BagState.RETURNED}
            else ""
        )
    return "bag_taken_out" if isinstance(where.place, EquipmentId) else ""


def since(where: Whereabouts) -> datetime | None:
    return where.out_since or where.since
