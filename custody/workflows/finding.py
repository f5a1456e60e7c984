"""Finds things for people: by any identifier, or by a scanned symbol."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from custody.codes.scan import read_scan
from custody.domain.ids import NODE_KINDS, Node, node_of
from custody.domain.masking import Seen, Viewer
from custody.store import lookups
from custody.workflows import sight

HITS_MAX = 40
LOOKED_AT_MAX = 1_000
"""Names that are looked at for those hits: most may be of other sites."""
SYMBOL_STARTS = ("CU1:", "]", "=", "&")


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A thing, and the identifier by which it was found."""

    node: Node
    name: str
    exact: bool


def find(connection: Connection, viewer: Viewer, text: str) -> Seen[tuple[Hit, ...]]:
    """Things that a number or a scanned symbol names, whole matches first. Raises UnreadableCodeError for a symbol nobody can read."""
    wanted = text.strip()
    names = _named_by_symbol(wanted) if wanted.startswith(SYMBOL_STARTS) else _as_typed(wanted)
    hits: dict[Node, Hit] = {}
    for name in names:
        for node, shown, exact in _hits(connection, name):
            hits.setdefault(node, Hit(node=node, name=shown, exact=exact))
    listed = sorted((hits[node] for node in sight.listed_among(connection, viewer, hits)), key=lambda hit: not hit.exact)[:HITS_MAX]
    found = frozenset(sight.found_among(connection, viewer, [hit.node for hit in listed]))
    return Seen(tuple(hit for hit in listed if hit.node in found))


def _as_typed(text: str) -> list[str]:
    """As it was typed, and without the spaces that labels print within long numbers (A9999 26 000001)."""
    return list(dict.fromkeys((text, "".join(text.split()))))


def _named_by_symbol(text: str) -> list[str]:
    found = []
    for value in read_scan(text).values:
        kind = sight.KINDS_OF_SYMBOLS.get(value.kind, value.kind)
        name = value.value.lower() if kind == "account" else value.value
        found += [f"{kind}:{name}"] if kind in NODE_KINDS else [name]
    return found


def _hits(connection: Connection, text: str) -> list[tuple[Node, str, bool]]:
    found = []
    for hit in lookups.search(connection, text, LOOKED_AT_MAX):
        exact = hit.name.upper() == text.upper() or hit.stream.upper() == text.upper()
        found.append((node_of(hit.stream), hit.name, exact))
    return found
