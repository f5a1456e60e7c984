"""The Merkle log in the database: salted leaves and complete subtrees, written in the commit of their entries."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, insert, select

from custody.errors import NotFoundError
from custody.ledger.leaves import leaf_data
from custody.ledger.merkle import ReadNode, appended_nodes, inclusion_proof, leaf_hash, root_from_nodes
from custody.store.tables import entry, leaf, node

_NEWEST = select(leaf.c.number).order_by(leaf.c.number.desc()).limit(1)
_LEAF = select(leaf.c.hash).where(leaf.c.number == bindparam("wanted"))
_NODE = select(node.c.hash).where(node.c.level == bindparam("level_wanted"), node.c.number == bindparam("wanted"))
_INSERT_LEAF = insert(leaf)
_INSERT_NODE = insert(node)


def size(connection: Connection) -> int:
    """How many entries the log has."""
    newest: int | None = connection.execute(_NEWEST).scalar()
    return 0 if newest is None else newest + 1


def root(connection: Connection, at_size: int) -> bytes:
    """The root over the first `at_size` entries, from the stored subtrees."""
    return root_from_nodes(at_size, reader(connection))


def reader(connection: Connection) -> ReadNode:
    """Reads one stored subtree; None where it is missing, which the tree functions refuse."""

    def read(level: int, number: int) -> bytes:
        if level == 0:
            return connection.execute(_LEAF, {"wanted": number}).scalar()  # type: ignore[return-value]
        return connection.execute(_NODE, {"level_wanted": level, "wanted": number}).scalar()  # type: ignore[return-value]

    return read


def append_leaves(connection: Connection, first: int, rows: Sequence[tuple[int, bytes, str, int, bytes]]) -> None:
    """Put entries into a log of `first` entries; a row is (entry id, salt, stream, position, digest)."""
    leaves = [(entry_id, leaf_hash(leaf_data(salt, stream, position, digest))) for entry_id, salt, stream, position, digest in rows]
    made: dict[tuple[int, int], bytes] = {}
    stored = reader(connection)

    def read(level: int, number: int) -> bytes:
        return made.get((level, number)) or stored(level, number)

    for offset, (_, hashed) in enumerate(leaves):
        made.update({(level, number): joined for level, number, joined in appended_nodes(first + offset, hashed, read)})
    nodes = [{"level": level, "number": number, "hash": joined} for (level, number), joined in made.items() if level]
    connection.execute(
        _INSERT_LEAF,
        [{"number": first + offset, "entry_id": entry_id, "hash": hashed} for offset, (entry_id, hashed) in enumerate(leaves)],
    )
    if nodes:
        connection.execute(_INSERT_NODE, nodes)


def proof_of(connection: Connection, digest: bytes, at_size: int) -> tuple[int, bytes, list[bytes]]:
    """Index, salt and sibling hashes that prove an entry in the log of `at_size` entries.

    Raises NotFoundError when there is no such entry among them.
    """
    found = connection.execute(
        select(leaf.c.number, entry.c.salt).join(entry, entry.c.id == leaf.c.entry_id).where(entry.c.digest == digest)
    ).first()
    if found is None or found.number >= at_size:
        raise NotFoundError(f"no entry {digest.hex()} among the first {at_size}")
    return found.number, found.salt, inclusion_proof(found.number, at_size, reader(connection))
