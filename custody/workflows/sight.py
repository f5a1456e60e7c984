"""What a person may find at all: not hidden by masking, of their study, and in the scope of a site they work at.

One answer for everything else: there is no such thing. A passport and every single thing are judged from the streams themselves; lists and
search are narrowed by the lookups.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from sqlalchemy import Connection

from custody.domain.acts.allocation import WristbandIssued
from custody.domain.acts.base import Act
from custody.domain.criteria import SiteEntry
from custody.domain.dossier import Deeds
from custody.domain.duties import roles_at
from custody.domain.ids import NODE_KINDS, Node, StudyId, node_of
from custody.domain.masking import Viewer
from custody.domain.scope import FOR_A_MAKER, OF_NO_STUDY, OF_THE_STUDY, scope_of, sites_of_study
from custody.domain.terms import SiteKind
from custody.errors import LedgerBrokenError
from custody.store import entries, lookups
from custody.store.lookup_scope import Within, kept
from custody.store.lookups import Resting, WorkItem
from custody.workflows.next_steps import AT_REST, AT_REST_AT_THE_MAKER
from custody.workflows.order import NAMED_FROM_OUTSIDE, ReadMore, unknown_thing

KINDS_OF_SYMBOLS = {"badge": "account"}
ONE_BY_ONE = frozenset({"kit"})
"""Kinds the lookups cannot narrow: a kit belongs to the hospital of the participant its assignment names, long before a dose follows it."""
LOOKED_THROUGH = 200
"""Of such a kind, how many of the newest are looked at for a list."""


def may_find(connection: Connection, viewer: Viewer, node: Node) -> bool:
    """Whether this thing exists for this person. Raises LedgerBrokenError when what decides it does not prove itself."""
    if not viewer.may_see(node):
        return False
    found = entries.load_streams(connection, [node.key])[node.key]
    if not found or (node.kind not in OF_NO_STUDY and viewer.study is not None and found[0].study not in {None, viewer.study}):
        return False
    return viewer.reach.is_certain(node) or _is_in_scope(connection, viewer, node)


def require(connection: Connection, viewer: Viewer, node: Node) -> None:
    """Raises NotFoundError for a thing that does not exist for this person, whyever."""
    if not may_find(connection, viewer, node):
        raise unknown_thing(node)


def may_name_from_outside(connection: Connection, viewer: Viewer, act: type[Act], node: Node) -> bool:
    """Whether this act may name a thing outside the scope of this person: of their study, not masked, by whoever may begin the act.

    It opens nothing else: the thing has no page, no list and no symbol for them.
    """
    if not NAMED_FROM_OUTSIDE.get(act) or not viewer.roles & roles_at(act.rule, 0) or not viewer.may_see(node):
        return False
    found = entries.load_streams(connection, [node.key])[node.key]
    return bool(found) and viewer.study is not None and found[0].study == viewer.study


def _is_in_scope(connection: Connection, viewer: Viewer, node: Node) -> bool:
    """Widens what is read, ring by ring, until the thing is in scope or nothing is left that could bring it there."""
    read = reader(connection)
    streams: dict[str, Deeds] = {}
    wanted: tuple[Node, ...] = (node, *_study(viewer))
    while wanted:
        streams |= read(wanted)
        scope = scope_of(node, streams)
        if viewer.reach.covers(node, scope):
            return True
        wanted = scope.unread
    return False


def reader(connection: Connection) -> ReadMore:
    """Reads what stands in the streams of some things, proved in this transaction."""

    def read(nodes: tuple[Node, ...]) -> Mapping[str, Deeds]:
        return {key: proven.deeds for key, proven in entries.proven_streams(connection, [node.key for node in nodes]).items()}

    return read


def _study(viewer: Viewer) -> tuple[StudyId, ...]:
    return () if viewer.study is None else (viewer.study,)


def _sites_of_study(connection: Connection, viewer: Viewer) -> tuple[SiteEntry, ...]:
    return tuple(site for deeds in reader(connection)(_study(viewer)).values() for site in sites_of_study(deeds))


def refusal(connection: Connection, viewer: Viewer, node: Node) -> str:
    """Why a thing does not exist for this person, for the record of who asked for it; empty where there simply is none."""
    if not viewer.may_see(node):
        return "masked"
    known = node.key in entries.heads(connection, [node.key])
    return "out_of_scope" if known and not may_find(connection, viewer, node) else ""


def study_of(connection: Connection, viewer: Viewer) -> StudyId | None:
    """The study this person works in, unless it is none of theirs: then nothing of it is offered either."""
    return viewer.study if viewer.study is not None and may_find(connection, viewer, viewer.study) else None


def named_by_symbol(connection: Connection, viewer: Viewer, kind: str, value: str) -> bool:
    """Whether a symbol of custody names something this person may find, or something that is no thing, such as a command or a seal."""
    if kind == "wristband":
        carriers = (node_of(stream) for stream in lookups.aliases(connection, value))
        return any(_carries(connection, node, value) and may_find(connection, viewer, node) for node in carriers)
    kind = KINDS_OF_SYMBOLS.get(kind, kind)
    if kind not in NODE_KINDS:
        return True
    return may_find(connection, viewer, NODE_KINDS[kind].parse(value.lower() if kind == "account" else value))


def _carries(connection: Connection, node: Node, wristband: str) -> bool:
    stream = entries.proven_streams(connection, [node.key])[node.key].deeds
    return any(isinstance(deed.act, WristbandIssued) and deed.act.wristband.value == wristband for deed in stream)


def found_among(connection: Connection, viewer: Viewer, nodes: Sequence[Node]) -> tuple[Node, ...]:
    """Those of a few things that exist for this person, judged one by one; what cannot be read stays, to be named as broken."""
    with suppress(LedgerBrokenError):  # each is then read by itself
        entries.proven_streams(connection, [node.key for node in nodes])
    return tuple(node for node in nodes if _may_find_or_is_broken(connection, viewer, node))


def _may_find_or_is_broken(connection: Connection, viewer: Viewer, node: Node) -> bool:
    try:
        return may_find(connection, viewer, node)
    except LedgerBrokenError:
        return viewer.may_see(node)


def listed_among(connection: Connection, viewer: Viewer, nodes: Iterable[Node]) -> tuple[Node, ...]:
    """Those of many things that this person may read of on a list, by the lookups."""
    wanted = [node for node in nodes if viewer.may_see(node)]
    asked: dict[str, list[str]] = {}
    for node in wanted:
        if not viewer.reach.is_certain(node):
            asked.setdefault(node.kind, []).append(node.key)
    hidden: set[str] = set()
    for kind, keys in asked.items():
        within = _within(connection, viewer, kind)
        if kind == "site" or (within is not None and kind in ONE_BY_ONE):
            hidden |= {key for key in keys if not _may_find_or_is_broken(connection, viewer, node_of(key))}
        elif within is not None:
            hidden |= set(keys) - kept(connection, kind, keys, within)
    return tuple(node for node in wanted if node.key not in hidden)


def newest(connection: Connection, viewer: Viewer, kind: str, limit: int, *, under_way: bool = False) -> tuple[WorkItem, ...]:
    """Things of one kind on a list for this person, newest act first; `under_way`: without those whose newest act says that they rest."""
    if not viewer.may_see(NODE_KINDS[kind]("X")):
        return ()
    study = None if viewer.study is None or kind in OF_NO_STUDY else viewer.study.value
    within = _within(connection, viewer, kind)
    resting = _resting(connection, viewer, kind) if under_way else None
    if within is not None and kind in ONE_BY_ONE:
        found = lookups.streams_of_kind(connection, kind, study=study, resting=resting, limit=max(limit, LOOKED_THROUGH))
        return tuple(item for item in found if _may_find_or_is_broken(connection, viewer, node_of(item.stream)))[:limit]
    found = lookups.streams_of_kind(connection, kind, study=study, within=within, resting=resting, limit=limit)
    if kind != "site" and (within is None or not within.offered):
        return found
    return tuple(item for item in found if _may_find_or_is_broken(connection, viewer, node_of(item.stream)))


def newest_beside(connection: Connection, viewer: Viewer, kind: str, node: Node, resting: frozenset[str], limit: int) -> tuple[Node, ...]:
    """Things of one kind whose acts name `node`, newest act first, without those whose newest act is `resting`."""
    if not viewer.may_see(NODE_KINDS[kind]("X")):
        return ()
    study = None if viewer.study is None else viewer.study.value
    still = Resting(acts=resting)
    found = lookups.streams_of_kind(
        connection, kind, study=study, within=_within(connection, viewer, kind), resting=still, child_of=node.key, limit=limit
    )
    return tuple(node_of(item.stream) for item in found)


def _resting(connection: Connection, viewer: Viewer, kind: str) -> Resting:
    at_home = AT_REST_AT_THE_MAKER.get(kind, frozenset())
    makers = (site.id.value for site in _sites_of_study(connection, viewer) if site.kind is SiteKind.MANUFACTURER) if at_home else ()
    return Resting(acts=AT_REST.get(kind, frozenset()), acts_at_home=at_home, home=frozenset(makers))


def _within(connection: Connection, viewer: Viewer, kind: str) -> Within | None:
    """How a list of this kind is narrowed; None: not at all, or thing by thing (sites, of which there are few)."""
    reach = viewer.reach
    if kind == "site" or reach.is_certain(NODE_KINDS[kind]("X")):
        return None
    mine = [site for site in _sites_of_study(connection, viewer) if site.id in reach.sites]
    if (kind in OF_THE_STUDY | {"study"} and mine) or (kind in FOR_A_MAKER and any(site.kind is SiteKind.MANUFACTURER for site in mine)):
        return None
    offered = kind == "shipment" and any(site.kind is SiteKind.CARRIER for site in mine)
    return Within(sites=tuple(sorted(site.value for site in reach.sites)), offered=offered)
