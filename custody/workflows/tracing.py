"""Recall in both directions: what came from a thing, and what it came from, with where each thing is now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection

from custody.domain.acts import ACTS
from custody.domain.acts.record import Proposed
from custody.domain.dossier import deeds_of
from custody.domain.ids import NODE_KINDS, Node, node_of
from custody.domain.masking import HIDDEN_STAGES, Seen, Viewer
from custody.errors import NotFoundError
from custody.store import entries, lookups, traces
from custody.store.links import kinds_leading_to
from custody.store.traces import Reached, Thing, reached
from custody.workflows import sight
from custody.workflows.order import unknown_thing

__all__ = ["Reached", "Thing", "Traced", "followed", "itself", "named", "trace"]

OF_SEVERAL = frozenset(name for name, rule in ACTS.items() if rule.stage == Proposed.rule.stage)


@dataclass(frozen=True, kw_only=True)
class Traced:
    """One thing on the way: how many steps away, and the newest act about it."""

    node: Node
    steps: int
    newest_act: str


def trace(
    connection: Connection, node: Node, *, forward: bool, viewer: Viewer | None, limit: int | None = None
) -> Seen[tuple[Traced, ...]]:
    """Everything that came from `node` (forward) or that it came from, nearest first; `limit`: no more than so many.

    `viewer` None: the command line of the server itself. A blinded viewer's trace never leads through a thing that is hidden from them:
    what lies behind it could tell the arms apart. What lies outside somebody's scope is left out. Raises NotFoundError for a thing that
    does not exist for this viewer.
    """
    found: list[tuple[int, str, str]] = []
    for steps, things in followed(connection, node, forward=forward, viewer=viewer).value:
        found += [(steps, thing[0], thing[2]) for thing in things]
        if limit is not None and len(found) >= limit:
            break
    return Seen(tuple(Traced(node=node_of(stream), steps=steps, newest_act=act) for steps, stream, act in sorted(found)[:limit]))


def followed(connection: Connection, node: Node, *, forward: bool, viewer: Viewer | None) -> Seen[Iterator[Reached]]:
    """What `trace` finds, as it is found: some things at a time, nearest first. Of a million things no more than the names are held.

    Raises NotFoundError as `trace`, before anything is told.
    """
    _require(connection, node, viewer)
    follow = partial(_is_seen, viewer) if viewer is not None and viewer.blind else None
    return _told(connection, viewer, reached(connection, node.key, forward=forward, follow=follow))


def followed_to(connection: Connection, node: Node, kind: str, *, viewer: Viewer) -> Seen[Iterator[Reached]]:
    """Of what came from a thing those of one kind, and what lies between; nothing is looked for where none can be. Raises as `followed`."""
    _require(connection, node, viewer)
    on_the_way = kinds_leading_to(kind)

    def is_on_the_way(stream: str) -> bool:
        own = stream.partition(":")[0]
        return (own == kind or own in on_the_way) and (not viewer.blind or _is_seen(viewer, stream))

    ends = None if kind in on_the_way else partial(_begins_with, f"{kind}:")
    return _told(connection, viewer, reached(connection, node.key, forward=True, follow=is_on_the_way, ends=ends))


def _begins_with(start: str, stream: str) -> bool:
    return stream.startswith(start)


def _told(connection: Connection, viewer: Viewer | None, found: Iterator[Reached]) -> Seen[Iterator[Reached]]:
    return Seen(shown for each in found if (shown := _shown_of(connection, viewer, each)).things)


def itself(connection: Connection, node: Node, viewer: Viewer) -> Seen[Reached]:
    """The thing that a list of its own begins with. Raises NotFoundError as `trace`."""
    _require(connection, node, viewer)
    return Seen(_shown_of(connection, viewer, traces.itself(connection, node.key)))


def _require(connection: Connection, node: Node, viewer: Viewer | None) -> None:
    if not (sight.may_find(connection, viewer, node) if viewer is not None else _is_known(connection, node)):
        raise unknown_thing(node)


def _shown_of(connection: Connection, viewer: Viewer | None, found: Reached) -> Reached:
    """Without what is not for this viewer."""
    things = _listed(connection, viewer, found.things)
    acts = _newest_acts(connection, things)
    if viewer is not None and viewer.blind:
        acts = {thing[0]: _shown(acts.get(thing[0], thing[2]), viewer) for thing in things}
    if acts:
        things = [(stream, via, acts.get(stream, act), site, at) for stream, via, act, site, at in things]
    return Reached(found.steps, things)


def _is_seen(viewer: Viewer, stream: str) -> bool:
    return viewer.may_see(NODE_KINDS[stream.partition(":")[0]]("X"))


def _is_known(connection: Connection, node: Node) -> bool:
    return bool(entries.load_streams(connection, [node.key])[node.key])


def _listed(connection: Connection, viewer: Viewer | None, things: list[Thing]) -> list[Thing]:
    """Those that this viewer may read of; who reaches everything is not asked about each thing."""
    if viewer is None or (viewer.reach.everywhere and not viewer.blind):
        return things
    listed = frozenset(node.key for node in sight.listed_among(connection, viewer, [node_of(thing[0]) for thing in things]))
    return [thing for thing in things if thing[0] in listed]


def _newest_acts(connection: Connection, things: Sequence[Thing]) -> dict[str, str]:
    """Where the newest entry is one of several people's: the act they signed or, of what not all signed yet, the one before."""
    of_several = [thing[0] for thing in things if thing[2] in OF_SEVERAL]
    newest: dict[str, str] = {}
    for key, stream in entries.load_streams(connection, of_several).items() if of_several else ():
        deeds = sorted(deeds_of(stream), key=lambda deed: deed.entry.position)
        newest[key] = deeds[-1].act.rule.name if deeds else ""
    return newest


def _shown(act: str, viewer: Viewer | None) -> str:
    """The name of the newest act, where this viewer may know of such acts."""
    hidden = viewer is not None and viewer.blind and act in ACTS and ACTS[act].stage in HIDDEN_STAGES
    return "" if hidden else act


def named(connection: Connection, text: str) -> Node:
    """The thing an identifier names: `kind:value`, or a bare value that only one thing carries. Raises NotFoundError."""
    if ":" in text:
        return node_of(text)
    found = [node_of(hit.stream) for hit in lookups.search(connection, text, 10) if hit.stream.partition(":")[2] == text]
    if len(found) != 1:
        expected = "say which: " + ", ".join(node.key for node in found) if found else "nothing carries it"
        raise NotFoundError(f"“{text[:60]}” names no one thing; {expected}", code="unknown_thing", kind="thing", seen=text[:60])
    return found[0]
