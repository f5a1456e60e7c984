"""What this process has proved of each stream, and what one transaction has proved: never a reason to skip the bytes that gates read."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any, NamedTuple

from sqlalchemy import Connection

from custody.domain.dossier import Entry, Head
from custody.domain.ids import Digest
from custody.ledger.streams import DIGEST_SIZE, entry_prefix

ROWS_REMEMBERED_MAX = 100_000
PROVED_HERE = "custody_proved_here"


class Known(NamedTuple):
    """One row as this process proved it; `entry` is None for evidence."""

    digest: bytes
    columns: tuple[str, int, str, str | None, str]
    entry: Entry | None


@dataclass(frozen=True)
class Proven:
    """One stream as it was proved: every row, the entries gates read, and how far it was written."""

    rows: tuple[Known, ...]
    entries: tuple[Entry, ...]

    @cached_property
    def head(self) -> Head | None:
        return Head(len(self.rows), Digest(self.rows[-1].digest.hex())) if self.rows else None

    def with_new(self, digest: bytes, entry: Entry, *, evidence: bool) -> Proven:
        """The stream with one more row, just written by this transaction."""
        row = Known(digest, ("", 0, "", None, ""), None if evidence else entry)
        return Proven((*self.rows, row), self.entries if evidence else (*self.entries, entry))


NOTHING = Proven((), ())


def proven_of(rows: tuple[Known, ...]) -> Proven:
    return Proven(rows, tuple(row.entry for row in rows if row.entry is not None))


class Memory:
    """Proven streams by (store, stream), the least recently used forgotten first."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._streams: OrderedDict[tuple[str, str], Proven] = OrderedDict()
        self._rows = 0

    def get(self, key: tuple[str, str]) -> Proven:
        with self._guard:
            found = self._streams.get(key)
            if found is None:
                return NOTHING
            self._streams.move_to_end(key)
            return found

    def put(self, key: tuple[str, str], proven: Proven) -> None:
        with self._guard:
            before = self._streams.pop(key, NOTHING)
            self._rows += len(proven.rows) - len(before.rows)
            self._streams[key] = proven
            while self._rows > ROWS_REMEMBERED_MAX and len(self._streams) > 1:
                self._rows -= len(self._streams.popitem(last=False)[1].rows)

    def forget(self) -> None:
        with self._guard:
            self._streams.clear()
            self._rows = 0


def proved_here(connection: Connection) -> dict[str, Proven]:
    """The streams that this transaction has proved: a writer holds the lock, a reader sees one unchanging view."""
    found: dict[str, Proven] | None = connection.get_execution_options().get(PROVED_HERE)
    return {} if found is None else found


def is_unchanged(rows: Sequence[tuple[Any, ...]], head: tuple[int, bytes] | None, known: Proven) -> bool:
    """Whether the stored rows are, byte for byte, what this process proved before: each is hashed again from its text.

    `rows` are all that gates read and the newest evidence, in order. False only sends the stream through the whole proof.
    """
    before = known.rows
    if head is None or not before or len(before) != head[0] or before[-1].digest != head[1]:
        return False
    read = last = 0
    try:
        for _, position, act, evidence, site, study, recorded_at, previous, digest, envelope in rows:
            row = before[position - 1]
            if (
                position <= last
                or digest != row.digest
                or len(previous) != DIGEST_SIZE
                or sha256(_PREFIX + previous + envelope.encode()).digest() != digest
                or row.columns != (act, evidence, site, study, recorded_at)
            ):
                return False
            last = position
            read += row.entry is not None
    except (TypeError, AttributeError, ValueError, IndexError):
        return False
    return read == len(known.entries)


_PREFIX = entry_prefix()
