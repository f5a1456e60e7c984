"""The Merkle log in the database: salted leaves and complete subtrees, written in the commit of their entries."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, select, text

from custody.errors import NotFoundError
from custody.ledger.leaves import leaf_data
from custody.ledger.merkle import ReadNode, appended_nodes, inclusion_proof, leaf_hash, root_from_nodes
from custody.store.statements import Prepared, inserted
from custody.store.tables import entry, leaf, node

_NEWEST = Prepared(select(leaf.c.number).order_by(leaf.c.number.desc()).limit(1))
_LEAF = Prepared(select(leaf.c.hash).where(leaf.c.number == bindparam("number_wanted")))
_NODE = Prepared(select(node.c.hash).where(node.c.level == bindparam("level_wanted"), node.c.number == bindparam("number_wanted")))
# In one answer, for each costs a way to the server while everybody waits: how long the log is, and the subtrees that its right edge is made
# of. Their levels are the bits of its length.
_EDGE = Prepared(
    text(
        "WITH log AS (SELECT coalesce((SELECT number FROM leaf ORDER BY number DESC LIMIT 1), -1) + 1 AS size)"
        " SELECT size, 0 AS level, (SELECT hash FROM leaf WHERE number = size - 1 AND size % 2 = 1) AS hash FROM log"
        " UNION ALL"
        " SELECT size, level, (SELECT hash FROM node WHERE node.level = above.level AND node.number = (size >> above.level) - 1)"
        " FROM log CROSS JOIN generate_series(1, 62) AS above (level) WHERE (size >> level) % 2 = 1"
    )
)
_INSERT_LEAF = inserted(leaf)
_INSERT_NODE = inserted(node)
_PLACE = Prepared(
    select(leaf.c.number, entry.c.salt).join(entry, entry.c.id == leaf.c.entry_id).where(entry.c.digest == bindparam("digest_wanted"))
)


def size(connection: Connection) -> int:
    """How many entries the log has."""
    newest = _NEWEST.one(connection)
    return 0 if newest is None else int(newest[0]) + 1


def end_of(connection: Connection) -> tuple[int, ReadNode]:
    """How many entries the log has, and what reads the subtrees at its end: all that is needed to make it longer."""
    if connection.dialect.name == "sqlite":
        # In this process, where only the few that are needed are read.
        return size(connection), reader(connection)
    rows = _EDGE.rows(connection)
    length = int(rows[0][0])
    edge = {(level, (length >> level) - 1): hashed for _, level, hashed in rows if hashed is not None}
    return length, lambda level, number: edge.get((level, number), b"")


def root(connection: Connection, at_size: int) -> bytes:
    """The root over the first `at_size` entries, from the stored subtrees."""
    return root_from_nodes(at_size, reader(connection))


def reader(connection: Connection) -> ReadNode:
    """Reads one stored subtree; no bytes where it is missing, which the tree functions refuse."""

    def read(level: int, number: int) -> bytes:
        if level == 0:
            found = _LEAF.one(connection, number_wanted=number)
        else:
            found = _NODE.one(connection, level_wanted=level, number_wanted=number)
        return found[0] if found else b""

    return read


def append_leaves(connection: Connection, first: int, stored: ReadNode, rows: Sequence[tuple[int, bytes, str, int, bytes]]) -> None:
    """Put entries into a log that ends as `end_of` says; a row is (entry id, salt, stream, position, digest)."""
    leaves = [(entry_id, leaf_hash(leaf_data(salt, stream, position, digest))) for entry_id, salt, stream, position, digest in rows]
    made: dict[tuple[int, int], bytes] = {}

    def read(level: int, number: int) -> bytes:
        return made.get((level, number)) or stored(level, number)

    for offset, (_, hashed) in enumerate(leaves):
        made.update({(level, number): joined for level, number, joined in appended_nodes(first + offset, hashed, read)})
    nodes = [{"level": level, "number": number, "hash": joined} for (level, number), joined in made.items() if level]
    _INSERT_LEAF.run(
        connection, [{"number": first + offset, "entry_id": entry_id, "hash": hashed} for offset, (entry_id, hashed) in enumerate(leaves)]
    )
    _INSERT_NODE.run(connection, nodes)


def proof_of(connection: Connection, digest: bytes, at_size: int) -> tuple[int, bytes, list[bytes]]:
    """Index, salt and sibling hashes that prove an entry in the log of `at_size` entries.

    Raises NotFoundError when there is no such entry among them.
    """
    found = _PLACE.one(connection, digest_wanted=digest)
    if found is None or found[0] >= at_size:
        raise NotFoundError(f"no entry {digest.hex()} among the first {at_size}")
    number, salt = found
    return number, salt, inclusion_proof(number, at_size, reader(connection))
