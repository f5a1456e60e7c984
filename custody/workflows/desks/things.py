"""What every desk starts from: the things it lists, and the one thing it opens, with everything the record says about them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from custody.domain.acts.shipping import HandoffAccepted, HandoffOffered, HandoffWithdrawn, ShipmentArrived, ShipperSealed
from custody.domain.dossier import Deeds, Dossier
from custody.domain.folds.study import StudyFold
from custody.domain.ids import NODE_KINDS, BagId, Node, ShipmentId, node_of
from custody.domain.masking import Viewer
from custody.errors import InputError, LedgerBrokenError, NotFoundError, UnreadableCodeError
from custody.store import entries, lookups
from custody.workflows import sight
from custody.workflows.dossiers import dossier_of
from custody.workflows.finding import find
from custody.workflows.next_steps import undecided_at_receipt
from custody.workflows.proposing import find_node
from custody.workflows.standing import STOPPING

HANDED_ON = (HandoffOffered, HandoffAccepted, HandoffWithdrawn, ShipmentArrived)
NEWEST = 60
"""Things of one kind on a list; older ones are found by scan or search, and the list says that it was cut."""


@dataclass(frozen=True, kw_only=True)
class Listed:
    """The newest things of some kinds and one dossier of all of them.

    `broken`: things whose record could not be read; they are named, not left out. `cut`: there are more than are listed.
    """

    nodes: tuple[Node, ...]
    dossier: Dossier
    study: StudyFold | None
    broken: tuple[Node, ...]
    cut: bool


def listed(
    connection: Connection,
    viewer: Viewer,
    kinds: Iterable[str],
    *,
    most: int = NEWEST,
    under_way: bool = False,
    by_themselves: frozenset[str] = frozenset(),
    but_arrived: bool = False,
) -> Listed:
    """The newest things of these kinds in the viewer's study that they may see, read in one go.

    `under_way`: without those whose newest act says that they wait for nobody, so that an old one that does is not crowded out, and
    without shipments in which nothing waits. `by_themselves`: kinds of which nothing is read but the record of the thing itself.
    `but_arrived`: without shipments that have arrived, and were not offered to anybody since.
    """
    nodes: list[Node] = []
    cut = False
    for kind in kinds:
        found = sight.newest(connection, viewer, kind, most + 1, under_way=under_way)
        cut = cut or len(found) > most
        newest = [node_of(item.stream) for item in found[:most]]
        if kind == ShipmentId.kind and under_way:
            newest = _with_something_to_do(connection, newest)
        elif kind == ShipmentId.kind and but_arrived:
            newest = _chosen(connection, newest, lambda _, deeds: not _has_arrived(deeds))
        nodes += newest
    return _read(connection, viewer, nodes, by_themselves, cut=cut)


def _with_something_to_do(connection: Connection, shipments: list[Node]) -> list[Node]:
    """Without those that arrived long ago: to learn that of each, the records of all its bags would have to be read."""
    waiting = lookups.carriers_of(connection, ShipmentId.kind, BagId.kind, undecided_at_receipt())
    return _chosen(connection, shipments, lambda node, deeds: node.key in waiting or not _is_over(deeds))


def _chosen(connection: Connection, nodes: list[Node], chosen: Callable[[Node, Deeds], bool]) -> list[Node]:
    """Those of these things for which their own record speaks; all of them where one is broken, for whoever reads them names it."""
    try:
        streams = entries.proven_streams(connection, [node.key for node in nodes])
    except LedgerBrokenError:
        return nodes
    return [node for node in nodes if chosen(node, streams[node.key].deeds)]


def _has_arrived(deeds: Deeds) -> bool:
    """Whether its arrival came last: it ends every hand-over before it."""
    return any(isinstance(deed.act, ShipmentArrived) for deed in deeds.of(HANDED_ON)[-1:])


def _is_over(deeds: Deeds) -> bool:
    """Whether a shipment in which no bag waits was sealed and arrived, and nobody ever held it."""
    sealed = any(isinstance(deed.act, ShipperSealed) and deed.act.bags for deed in deeds.of((ShipperSealed,))[-1:])
    return sealed and bool(deeds.of((ShipmentArrived,))) and not deeds.of(STOPPING)


def _read(connection: Connection, viewer: Viewer, nodes: list[Node], by_themselves: frozenset[str], *, cut: bool) -> Listed:
    try:
        return _of(_dossier(connection, viewer, nodes, by_themselves), viewer, nodes, (), cut=cut)
    except LedgerBrokenError:
        broken = tuple(node for node in nodes if _is_broken(connection, node))
        sound = [node for node in nodes if node not in broken]
        return _of(_dossier(connection, viewer, sound, by_themselves), viewer, sound, broken, cut=cut)


def _dossier(connection: Connection, viewer: Viewer, nodes: list[Node], by_themselves: frozenset[str]) -> Dossier:
    alone = [node.key for node in nodes if node.kind in by_themselves]
    whole = dossier_of(connection, [*(node for node in nodes if node.kind not in by_themselves), *_study(viewer)])
    if not alone:
        return whole
    own = {key: proven.deeds for key, proven in entries.proven_streams(connection, alone).items()}
    return replace(whole, streams={**own, **whole.streams})


def _of(dossier: Dossier, viewer: Viewer, nodes: list[Node], broken: tuple[Node, ...], *, cut: bool) -> Listed:
    study = None if viewer.study is None else StudyFold(dossier, viewer.study)
    return Listed(nodes=tuple(nodes), dossier=dossier, study=study, broken=broken, cut=cut)


def _is_broken(connection: Connection, node: Node) -> bool:
    try:
        dossier_of(connection, [node])
    except LedgerBrokenError:
        return True
    return False


def _study(viewer: Viewer) -> tuple[Node, ...]:
    return () if viewer.study is None else (viewer.study,)


def opened(connection: Connection, viewer: Viewer, node: Node) -> Dossier:
    """The dossier of one thing. Raises NotFoundError for a thing that does not exist for this viewer."""
    sight.require(connection, viewer, node)
    return dossier_of(connection, [node, *_study(viewer)])


def meant(connection: Connection, viewer: Viewer, kinds: tuple[str, ...], text: str) -> Node:
    """The thing of one of these kinds that a scan or a typed number names: its own, or one written on it.

    Raises InputError (UnreadableCodeError for a code nobody can read or a thing of another kind), NotFoundError for an unknown one.
    """
    if not text:
        raise InputError("scan or type something first", code="missing_field")
    try:
        node = find_node(connection, tuple(NODE_KINDS[kind] for kind in kinds), text, may_be_new=False, viewer=viewer)
    except NotFoundError:
        node = _by_any_name(connection, viewer, kinds, text)
    opened(connection, viewer, node)
    return node


def _by_any_name(connection: Connection, viewer: Viewer, kinds: tuple[str, ...], text: str) -> Node:
    hits = [hit.node for hit in find(connection, viewer, text).value if hit.exact]
    here = [node for node in hits if node.kind in kinds]
    if len(here) == 1:
        return here[0]
    expected = " or ".join(kinds)
    if len(hits) == 1:
        raise UnreadableCodeError(f"this is a {hits[0].kind}; expected {expected}", code="wrong_kind", seen=hits[0].kind, expected=expected)
    raise NotFoundError(f"“{text[:40]}” is no known {expected}", code="unknown_thing", kind=kinds[0], seen=text[:40])
