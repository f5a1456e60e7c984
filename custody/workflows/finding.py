"""Finds things for people: by any identifier, or by a scanned symbol."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from custody.codes.scan import read_scan
from custody.domain.ids import NODE_KINDS, Node, node_of
from custody.domain.masking import Seen, Viewer
from custody.errors import CustodyError
from custody.store import entries, lookups

HITS_MAX = 40
SYMBOL_STARTS = ("CU1:", "]", "=", "&")
KINDS_OF_SYMBOLS = {"badge": "account"}


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A thing, and the identifier by which it was found."""

    node: Node
    name: str
    exact: bool


def find(connection: Connection, viewer: Viewer, text: str) -> Seen[tuple[Hit, ...]]:
    """Things that a number or a scanned symbol names, whole matches first. Raises UnreadableCodeError for a symbol nobody can read."""
    wanted = text.strip()
    names = _named_by_symbol(wanted) if wanted.startswith(SYMBOL_STARTS) else [wanted]
    hits: dict[Node, Hit] = {}
    for name in names:
        for node, shown, exact in _hits(connection, name):
            if viewer.may_see(node) and _of_study(connection, viewer, node):
                hits.setdefault(node, Hit(node=node, name=shown, exact=exact))
    return Seen(tuple(sorted(hits.values(), key=lambda hit: not hit.exact))[:HITS_MAX])


def _named_by_symbol(text: str) -> list[str]:
    found = []
    for value in read_scan(text).values:
        kind = KINDS_OF_SYMBOLS.get(value.kind, value.kind)
        name = value.value.lower() if kind == "account" else value.value
        found += [f"{kind}:{name}"] if kind in NODE_KINDS else [name]
    return found


def _hits(connection: Connection, text: str) -> list[tuple[Node, str, bool]]:
    found = []
    for hit in lookups.search(connection, text, HITS_MAX):
        exact = hit.name.upper() == text.upper() or hit.stream.upper() == text.upper()
        found.append((node_of(hit.stream), hit.name, exact))
    return found


def _of_study(connection: Connection, viewer: Viewer, node: Node) -> bool:
    """Things of another study do not exist for this person."""
    if viewer.study is None:
        return True
    try:
        stream = entries.load_streams(connection, [node.key])[node.key]
    except CustodyError:
        return True  # a broken record is shown as one, not hidden
    return not stream or stream[0].study is None or stream[0].study == viewer.study
