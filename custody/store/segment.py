"""Checks a segment of the log in order: every entry hashed from its stored bytes, linked, compared with its columns, put in the tree.

A segment rests on nothing that another one computes. What stands before it (the entry before in a stream, a subtree to the left) it
takes as it is stored; the segment to which that belongs proves it. So segments are checked side by side, and the log holds when each does.

A process of its own begins with these imports. Those left out (typing, dataclasses, json) would take as long as 3,000 entries.
"""

from __future__ import annotations

import gc
import sqlite3
import sys
from collections.abc import Mapping, Sequence
from hashlib import sha256
from struct import Struct

from custody.ledger.merkle import CompactRange, parents
from custody.ledger.prefixes import ENTRY_PREFIX, GENESIS, LEAF_DATA_PREFIX, LEAF_PREFIX, SALT_SIZE
from custody.store.columns import Columns
from custody.store.sqlite_text import any_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# Ends of streams kept at hand; for the others the entry before is read again. Bounds memory, not correctness.
ENDS_REMEMBERED_MAX = 50_000
# Where every stream begins: a position and a digest.
_BEFORE_FIRST = (0, GENESIS)
# A copy of a hash that has begun costs a fifth less than beginning it again.
_entry_hash = sha256(ENTRY_PREFIX).copy
_leaf_hash = sha256(LEAF_PREFIX + LEAF_DATA_PREFIX).copy
_in_2_bytes, _in_8_bytes = Struct(">H").pack, Struct(">Q").pack


class Task:
    """Leaves `first` to `end` - 1, 2^`level` at a time; `first` is a multiple of that.

    `database` is what opens it: the URI of a file, or what PostgreSQL's driver takes, with the name of the `snapshot` to look at.
    `statements` is the SQL by what it finds, `evidence` says of every act whether it is evidence.
    `besides` are statements with their parameters that find nothing in a record that holds.
    """

    def __init__(
        self,
        *,
        database: str,
        first: int,
        end: int,
        level: int,
        statements: Mapping[str, str],
        evidence: Mapping[str, int],
        besides: Mapping[str, tuple[str, Sequence[Any]]],
        snapshot: str = "",
    ) -> None:
        self.database = database
        self.first = first
        self.end = end
        self.level = level
        self.statements = statements
        self.evidence = evidence
        self.besides = besides
        self.snapshot = snapshot


class NotProvedError(Exception):
    """The first place that does not hold: everything before `leaf` was proved. `stream` and `position` when it is an entry."""

    def __init__(self, leaf: int, why: str, stream: object = None, position: object = None) -> None:
        super().__init__(why)
        self.leaf = leaf
        self.why = why
        self.stream = stream
        self.position = position


class Segment:
    """One pass over a segment, on a cursor of one view of the database."""

    def __init__(self, cursor: Any, task: Task) -> None:
        self._cursor = cursor
        self._task = task
        self._ends: dict[str, tuple[int, bytes]] = {}
        self._columns = Columns()
        self._blocks = CompactRange()

    def check(self) -> None:
        """Raises NotProvedError at the first place that does not hold."""
        task, width = self._task, 1 << self._task.level
        block = task.first
        try:
            self._blocks = CompactRange.resumed(task.first >> task.level, self._stored_block)
            for block in range(task.first, task.end, width):
                self._check_block(block, min(block + width, task.end) - 1)
                if len(self._ends) > ENDS_REMEMBERED_MAX:
                    self._ends.clear()
        except NotProvedError:
            raise
        except Exception as error:
            raise NotProvedError(block, f"the record cannot be read after entry {block} of the log ({error})") from error

    def _check_block(self, first: int, last: int) -> None:
        rows = self._rows(first, last)
        end = last + 1
        if len(rows) != end - first:
            end = next(leaf for leaf in range(first, end) if not self._rows(leaf, leaf))
        hashes: list[bytes] = []
        try:
            self._check_rows(first, rows[: end - first], hashes)
        except NotProvedError:
            raise
        # A flipped bit can change the type of a column, and any use of it may then fail in any way.
        except Exception as error:
            at = len(hashes)
            is_text = isinstance(error, UnicodeEncodeError) and error.object == rows[at][-1]
            why = "its text is not what was recorded" if is_text else f"its columns hold other kinds of values ({error})"
            raise NotProvedError(first + at, why, rows[at][1], rows[at][2]) from error
        finally:
            # Leaves up to a broken one are called proved, so the nodes over them must be.
            self._check_nodes(first, hashes)
        if end <= last:
            raise self._missing(end)

    def _rows(self, first: int, last: int) -> list[Any]:
        try:
            return self._ask("rows", first, last)
        except sqlite3.OperationalError:
            # A text that is none any more, one byte of it changed.
            with any_text(self._cursor.connection):
                return self._ask("rows", first, last)

    def _check_rows(self, first: int, rows: Sequence[Sequence[Any]], hashes: list[bytes]) -> None:
        """Add the leaf hash of each row to `hashes`, after everything about it was checked. One loop: a call costs as much as a hash."""
        ends, evidence_of, columns_agree = self._ends, self._task.evidence, self._columns.agree
        for leaf, row in enumerate(rows, first):
            stored, stream, position, act, evidence, site, study, recorded_at, previous, digest, salt, text = row
            if stream is None:
                raise self._missing(leaf)
            hashed = _entry_hash()
            hashed.update(previous + text.encode())
            if hashed.digest() != digest:
                raise NotProvedError(leaf, "its text is not what was recorded", stream, position)
            if ends.get(stream, _BEFORE_FIRST) != (position - 1, previous):
                self._check_link(leaf, stream, position, previous)
            ends[stream] = (position, digest)
            # An act that nobody knows is no less unknown where the column says nothing.
            if evidence_of.get(act, -1) != evidence or not columns_agree(text, stream, position, act, site, study, recorded_at, previous):
                why = "its columns differ from its text" if act in evidence_of else "there is no such act"
                raise NotProvedError(leaf, why, stream, position)
            name = stream.encode()
            hashed = _leaf_hash()
            # The bytes of `leaf_data`.
            hashed.update(b"".join((salt, _in_2_bytes(len(name)), name, _in_8_bytes(position), digest)))
            leaf_hash = hashed.digest()
            if leaf_hash != stored or len(salt) != SALT_SIZE:
                raise NotProvedError(leaf, f"leaf {leaf} of the log is not of this entry", stream, position)
            hashes.append(leaf_hash)

    def _check_link(self, leaf: int, stream: str, position: int, previous: bytes) -> None:
        """Of an entry that does not follow one at hand."""
        before = self._ends.get(stream) or (_BEFORE_FIRST if position == 1 else self._before(leaf, stream, position))
        if before[0] + 1 != position:
            raise NotProvedError(leaf, f"position {position} stands in its place", stream, before[0] + 1)
        if before[1] != previous:
            raise NotProvedError(leaf, "it does not follow the entry before it", stream, position)

    def _before(self, leaf: int, stream: str, position: int) -> tuple[int, bytes]:
        """Position and digest of the entry before one that comes first of its stream in this segment; it must come before in the log."""
        found = self._ask("before", stream, position - 1)
        if not found:
            raise NotProvedError(leaf, "it is missing", stream, position - 1)
        digest, place = found[0]
        if not place < leaf:
            raise NotProvedError(leaf, f"position {position} stands in its place", stream, position - 1)
        return position - 1, digest

    def _check_nodes(self, first: int, hashes: list[bytes]) -> None:
        """Every subtree that the leaves from `first` on complete."""
        top = self._task.level
        row = hashes
        for level in range(1, top + 1):
            row = parents(row)
            if not row:
                return
            self._compare(first, level, first >> level, row)
        for level, number, joined in self._blocks.append(row[0])[1:]:
            self._compare(first, top + level, number, [joined])

    def _compare(self, first: int, level: int, number: int, row: list[bytes]) -> None:
        stored = self._ask("nodes", level, number, number + len(row) - 1)
        expected = list(enumerate(row, number))
        if stored == expected:
            return
        there = dict(stored)
        wrong = next(place for place, joined in expected if there.get(place) != joined)
        raise NotProvedError(first, f"node {wrong} of level {level} of the log is missing or wrong")

    def _missing(self, leaf: int) -> NotProvedError:
        [(number, entry_id)] = self._ask("place", leaf) or [(None, None)]
        if number == leaf:
            return NotProvedError(leaf, f"leaf {leaf} stands for entry number {entry_id}, which is missing")
        there = "" if number is None else f", leaf {number} stands there"
        return NotProvedError(leaf, f"leaf {leaf} of the log is missing{there}")

    def _stored_block(self, level: int, number: int) -> bytes:
        found: list[tuple[int, bytes]] = self._ask("nodes", self._task.level + level, number, number)
        return found[0][1] if found else b""

    def _ask(self, what: str, *arguments: object) -> list[Any]:
        found: list[Any] = self._cursor.execute(self._task.statements[what], arguments).fetchall()
        return found


def main(task: Task) -> None:
    """A process of its own: what was found goes out as a Python literal, what does not hold or the end that was reached."""
    connection = sqlite3.connect(task.database, uri=True, isolation_level=None)
    connection.execute("PRAGMA trusted_schema = OFF")
    # Rows come and go without cycles, while the collector would walk over thousands of them again and again.
    gc.disable()
    connection.execute("BEGIN")
    sys.stdout.write(said_by(Segment(connection.cursor(), task), task, lambda *asked: _finds_nothing(connection, *asked)))


def said_by(segment: Segment, task: Task, finds_nothing: Callable[[str, Sequence[Any]], bool]) -> str:
    """What a process of its own says: what does not hold, or the end that was reached and which statements besides found nothing."""
    try:
        segment.check()
    except NotProvedError as found:
        said: dict[str, object] = {name: value if isinstance(value, int | None) else str(value) for name, value in vars(found).items()}
    else:
        said = {"end": task.end, "found_nothing": [name for name, asked in task.besides.items() if finds_nothing(*asked)]}
    return ascii(said)


def _finds_nothing(connection: sqlite3.Connection, statement: str, parameters: Sequence[Any]) -> bool:
    try:
        return connection.execute(statement, parameters).fetchone() is None
    except sqlite3.Error:
        # The other process asks again, and says what is the matter.
        return False
