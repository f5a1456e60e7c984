"""Recall in both directions: what came from a thing, and what it came from, with where each thing is now."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from custody.domain.ids import Node, node_of
from custody.domain.masking import Seen, Viewer
from custody.errors import NotFoundError
from custody.store import entries, lookups


@dataclass(frozen=True, kw_only=True)
class Traced:
    """One thing on the way: how many steps away, and the newest act about it."""

    node: Node
    steps: int
    newest_act: str


def trace(connection: Connection, node: Node, *, forward: bool, viewer: Viewer | None) -> Seen[tuple[Traced, ...]]:
    """Everything that came from `node` (forward) or that it came from, nearest first, in one query.

    `viewer` None: the command line of the server itself. Raises NotFoundError for a thing nobody made known.
    """
    if node.key not in entries.heads(connection, [node.key]) or (viewer is not None and not viewer.may_see(node)):
        raise NotFoundError(f"there is no {node.kind} {node}", code="unknown_thing", kind=node.kind, seen=node)
    found = [(node_of(stream), steps) for stream, steps in lookups.trace(connection, node.key, forward)]
    newest = lookups.newest_acts(connection, [each.key for each, _ in found])
    return Seen(
        tuple(
            Traced(node=each, steps=steps, newest_act=newest.get(each.key, ""))
            for each, steps in found
            if viewer is None or viewer.may_see(each)
        )
    )


def named(connection: Connection, text: str) -> Node:
    """The thing an identifier names: `kind:value`, or a bare value that only one thing carries. Raises NotFoundError."""
    if ":" in text:
        return node_of(text)
    found = [node_of(hit.stream) for hit in lookups.search(connection, text, 10) if hit.stream.partition(":")[2] == text]
    if len(found) != 1:
        expected = "say which: " + ", ".join(node.key for node in found) if found else "nothing carries it"
        raise NotFoundError(f"“{text[:60]}” names no one thing; {expected}", code="unknown_thing", kind="thing", seen=text[:60])
    return found[0]
