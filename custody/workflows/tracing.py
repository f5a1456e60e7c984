"""Recall in both directions: what came from a thing, and what it came from, with where each thing is now."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from custody.domain.acts import ACTS
from custody.domain.acts.record import Proposed
from custody.domain.dossier import deeds_of
from custody.domain.ids import Node, node_of
from custody.domain.masking import HIDDEN_STAGES, Seen, Viewer
from custody.errors import NotFoundError
from custody.store import entries, lookups
from custody.workflows import sight
from custody.workflows.order import unknown_thing


@dataclass(frozen=True, kw_only=True)
class Traced:
    """One thing on the way: how many steps away, and the newest act about it."""

    node: Node
    steps: int
    newest_act: str


def trace(connection: Connection, node: Node, *, forward: bool, viewer: Viewer | None) -> Seen[tuple[Traced, ...]]:
    """Everything that came from `node` (forward) or that it came from, nearest first.

    `viewer` None: the command line of the server itself. A blinded viewer's trace never leads through a thing that is hidden from them:
    what lies behind it could tell the arms apart. What lies outside somebody's scope is left out. Raises NotFoundError for a thing that
    does not exist for this viewer.
    """
    if not (sight.may_find(connection, viewer, node) if viewer is not None else _is_known(connection, node)):
        raise unknown_thing(node)
    if viewer is not None and viewer.blind:
        found = _through_what_is_seen(connection, node, viewer, forward=forward)
    else:
        found = [(node_of(stream), steps) for stream, steps in lookups.trace(connection, node.key, forward)]
    if viewer is not None:
        listed = frozenset(sight.listed_among(connection, viewer, [each for each, _ in found]))
        found = [(each, steps) for each, steps in found if each in listed]
    newest = _newest_acts(connection, [each.key for each, _ in found])
    return Seen(tuple(Traced(node=each, steps=steps, newest_act=_shown(newest.get(each.key, ""), viewer)) for each, steps in found))


def _is_known(connection: Connection, node: Node) -> bool:
    return bool(entries.load_streams(connection, [node.key])[node.key])


def _through_what_is_seen(connection: Connection, node: Node, viewer: Viewer, *, forward: bool) -> list[tuple[Node, int]]:
    found: dict[Node, int] = {}
    ring, steps = [node], 0
    while ring:
        steps += 1
        keys = sorted({key for each in ring for key in lookups.edges(connection, each.key)[forward]})
        ring = [each for each in map(node_of, keys) if each != node and each not in found and viewer.may_see(each)]
        found.update(dict.fromkeys(ring, steps))
    return list(found.items())


def _newest_acts(connection: Connection, keys: list[str]) -> dict[str, str]:
    """The newest act about each thing: of what several people signed the act they signed, of what not all signed yet the one before."""
    newest = lookups.newest_acts(connection, keys)
    of_several = [key for key, act in newest.items() if act in ACTS and ACTS[act].stage == Proposed.rule.stage]
    for key, stream in entries.load_streams(connection, of_several).items():
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
