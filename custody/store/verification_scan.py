"""One pass over the log in its order: every entry hashed from its stored bytes, linked, placed in the tree, and read."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

from sqlalchemy import Connection, bindparam, select

from custody.domain.acts import ACTS
from custody.errors import LedgerBrokenError
from custody.ledger.leaves import leaf_data
from custody.ledger.merkle import CompactRange, leaf_hash
from custody.ledger.streams import GENESIS, entry_digest
from custody.store.credentials import digest_of_row
from custody.store.envelope import broken
from custody.store.envelope_text import Told, columns_agree
from custody.store.lookup_check import LookupComparison
from custody.store.lookup_rows import takes_part
from custody.store.statements import Prepared, as_bytes
from custody.store.tables import entry, leaf, node

BATCH = 1_000
# Ends of streams kept at hand; for the others the entry before is read again. Bounds memory, not correctness.
ENDS_REMEMBERED_MAX = 50_000

_e = entry.c
_ROWS = Prepared(
    select(
        *(leaf.c.number, leaf.c.entry_id, leaf.c.hash, _e.stream, _e.position, _e.act, _e.evidence),
        *(_e.site, _e.study, _e.recorded_at, _e.previous, _e.digest, _e.salt, as_bytes(_e.envelope)),
    )
    .select_from(leaf.outerjoin(entry, _e.id == leaf.c.entry_id))
    .order_by(leaf.c.number)
)
_BEFORE = Prepared(select(_e.digest).where(_e.stream == bindparam("in_stream"), _e.position == bindparam("at_position")))
_NODES = Prepared(
    select(node.c.number, node.c.hash)
    .where(node.c.level == bindparam("at_level"), node.c.number.between(bindparam("first"), bindparam("last")))
    .order_by(node.c.number)
)

Row = Sequence[Any]


class Scan:
    """What a whole pass has established; `run` raises LedgerBrokenError at the first entry that does not hold.

    `root_at_checkpoint` is the root when the log had `checkpoint_size` entries, None when it never had so many.
    """

    def __init__(self, connection: Connection, comparison: LookupComparison, checkpoint_size: int | None) -> None:
        self._connection = connection
        self._comparison = comparison
        self._checkpoint_size = checkpoint_size
        self._tree = CompactRange()
        self._ends: dict[str, tuple[int, bytes]] = {}
        self._kinds: dict[str, tuple[int, bool]] = {}
        self.root_at_checkpoint: bytes | None = self._tree.root() if checkpoint_size == 0 else None
        self.secrets: dict[str, list[str]] = {}

    @property
    def size(self) -> int:
        return self._tree.size

    def root(self) -> bytes:
        return self._tree.root()

    def run(self) -> None:
        batches = _ROWS.batches(self._connection, BATCH)
        while True:
            try:
                rows = next(batches, None)
            except Exception as error:
                raise LedgerBrokenError(f"the record cannot be read after entry {self.size} of the log ({error})") from error
            if rows is None:
                return
            self._check_rows(rows)

    def _check_rows(self, rows: Sequence[Row]) -> None:
        made: dict[int, list[tuple[int, bytes]]] = {}
        self._comparison.begin(rows[-1][1])
        for row, number in zip(rows, count(self.size)):
            try:
                hashed = self._checked(row, number)
            except LedgerBrokenError:
                raise
            # A flipped bit can change the type of a column, and any use of it may then fail in any way.
            except Exception as error:
                raise broken(row[3], row[4], f"its columns hold other kinds of values ({error})") from error
            for level, place, joined in self._tree.append(hashed)[1:]:
                made.setdefault(level, []).append((place, joined))
            if number + 1 == self._checkpoint_size:
                self.root_at_checkpoint = self._tree.root()
        for level, nodes in made.items():
            self._check_nodes(level, nodes)

    def _checked(self, row: Row, number: int) -> bytes:
        """The leaf hash of one row, after everything about it was checked."""
        leaf_number, entry_id, stored_leaf, stream, position, act, evidence, site, study, recorded_at, previous, digest, salt, text = row
        if leaf_number != number:
            raise LedgerBrokenError(
                f"the record does not prove itself: leaf {number} of the log is missing, leaf {leaf_number} stands there"
            )
        if stream is None:
            raise LedgerBrokenError(f"the record does not prove itself: leaf {number} stands for entry number {entry_id}, which is missing")
        if entry_digest(previous, text) != digest:
            raise broken(stream, position, "its text is not what was recorded")
        self._check_link(stream, position, previous, digest)
        known_evidence, reads = self._kind(act, stream, position)
        if evidence != known_evidence or not columns_agree(text, stream, position, act, site, study, recorded_at, previous):
            raise broken(stream, position, "its columns differ from its text")
        hashed = leaf_hash(leaf_data(salt, stream, position, digest))
        if hashed != stored_leaf:
            raise broken(stream, position, f"leaf {number} of the log is not of this entry")
        if reads:
            self._read(Told(entry_id, stream, act, text))
        return hashed

    def _check_link(self, stream: str, position: int, previous: bytes, digest: bytes) -> None:
        known = self._ends.get(stream)
        if known is None:
            expected = GENESIS if position == 1 else self._digest_before(stream, position)
        elif known[0] + 1 == position:
            expected = known[1]
        else:
            raise broken(stream, known[0] + 1, f"position {position} stands in its place")
        if previous != expected:
            raise broken(stream, position, "it does not follow the entry before it")
        if len(self._ends) >= ENDS_REMEMBERED_MAX and known is None:
            self._ends.clear()
        self._ends[stream] = (position, digest)

    def _digest_before(self, stream: str, position: int) -> bytes:
        found = _BEFORE.one(self._connection, in_stream=stream, at_position=position - 1)
        if found is None:
            raise broken(stream, position - 1, "it is missing")
        return bytes(found[0])

    def _kind(self, act: str, stream: str, position: int) -> tuple[int, bool]:
        """Whether an act is evidence, and whether its body must be read here."""
        kind = self._kinds.get(act)
        if kind is None:
            rule = ACTS.get(act)
            if rule is None:
                raise broken(stream, position, "there is no such act")
            reads = act == "secret_set" or (not rule.evidence and takes_part(act))
            kind = self._kinds[act] = (int(rule.evidence), reads)
        return kind

    def _read(self, told: Told) -> None:
        if told.act == "secret_set":
            self.secrets.setdefault(told.stream, []).append(told.body["row_digest"])
        if takes_part(told.act):
            self._comparison.take(told)

    def _check_nodes(self, level: int, nodes: list[tuple[int, bytes]]) -> None:
        stored = _NODES.rows(self._connection, at_level=level, first=nodes[0][0], last=nodes[-1][0])
        if [tuple(row) for row in stored] == nodes:
            return
        there = dict(stored)
        wrong = next(number for number, joined in nodes if there.get(number) != joined)
        raise LedgerBrokenError(f"the record does not prove itself: node {wrong} of level {level} of the log is missing or wrong")


def credential_digest(row: Row) -> str:
    """The digest of a stored credential row, whatever its columns hold."""
    try:
        return digest_of_row(*row).value
    except Exception as error:
        raise LedgerBrokenError(f"a credential of account {row[0]} holds other kinds of values ({error})") from error
