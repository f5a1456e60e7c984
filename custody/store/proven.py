"""What this process has proved of each stream, and what one transaction has proved: never a reason to skip the bytes that gates read."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import inf
from typing import Any

from sqlalchemy import Connection

from custody.domain.deeds import Deeds, deeds_after, deeds_of
from custody.domain.dossier import Entry, Head
from custody.domain.ids import Digest
from custody.errors import CustodyError
from custody.ledger.streams import GENESIS, entry_digest

ROWS_REMEMBERED_MAX = 100_000
PROVED_HERE = "custody_proved_here"

Stored = tuple[Any, ...]
"""One row as the database gave it, in the order of `custody.store.envelope.Row`."""


@dataclass(frozen=True, kw_only=True)
class Proven:
    """One stream as it was proved: how far, the rows gates read exactly as they are stored, and what they say.

    `evidence` holds the other rows by position without their text, which only their digest stands for.
    """

    position: int = 0
    digest: bytes = GENESIS
    read: tuple[Stored, ...] = ()
    entries: tuple[Entry, ...] = ()
    evidence: dict[int, Stored] = field(default_factory=dict)

    @cached_property
    def head(self) -> Head | None:
        return Head(self.position, Digest(self.digest.hex())) if self.position else None

    @cached_property
    def deeds(self) -> Deeds:
        """What is in effect; each state of a stream is folded once."""
        return deeds_of(self.entries)

    def grown(self, rows: Sequence[Stored], entries: Sequence[Entry | None]) -> Proven:
        """The stream with more rows, checked or just written, and what they say; None for evidence."""
        new = [entry for entry in entries if entry is not None]
        last = rows[-1]
        both = Proven(
            position=last[1],
            digest=last[8],
            read=(*self.read, *(row for row, entry in zip(rows, entries, strict=True) if entry is not None)) if new else self.read,
            entries=(*self.entries, *new) if new else self.entries,
            evidence={**self.evidence, **{row[1]: row[:-1] for row, entry in zip(rows, entries, strict=True) if entry is None}},
        )
        # What was worked out goes on with a stream that grows, and is never shared between two streams that begin.
        deeds = deeds_after(self.deeds, new) if self.position else None
        if deeds is not None:
            vars(both)["deeds"] = deeds
        return both


NOTHING = Proven()


Remembered = tuple[Proven, float, int]
"""A stream, when its bytes were last read (monotonic seconds), and how long the ledger was then (below 0: nobody knows)."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """When streams were loaded: how long the ledger was, since when their bytes count as read (monotonic seconds).

    `unsure` are those that held entries which were not written yet.
    """

    mark: int
    at: float
    unsure: frozenset[str] = frozenset()


class Memory:
    """Proven streams by (store, stream); the least recently used forgotten first."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._streams: OrderedDict[tuple[str, str], Remembered] = OrderedDict()
        self._rows = 0

    def get(self, key: tuple[str, str]) -> Remembered:
        with self._guard:
            found = self._streams.get(key)
            if found is None:
                return NOTHING, -inf, -1
            self._streams.move_to_end(key)
            return found

    def read_at(self, store: str, streams: Iterable[str]) -> float:
        """Since when the bytes of all these count as read (monotonic seconds)."""
        with self._guard:
            return min((self._streams.get((store, stream), (NOTHING, -inf, -1))[1] for stream in streams), default=inf)

    def put(self, key: tuple[str, str], proven: Proven, read_at: float, mark: int) -> None:
        with self._guard:
            before, _, _ = self._streams.pop(key, (NOTHING, 0.0, -1))
            self._rows += proven.position - before.position
            self._streams[key] = proven, read_at, mark
            while self._rows > ROWS_REMEMBERED_MAX and len(self._streams) > 1:
                self._rows -= self._streams.popitem(last=False)[1][0].position

    def forget(self) -> None:
        with self._guard:
            self._streams.clear()
            self._rows = 0


def proved_here(connection: Connection) -> dict[str, Proven]:
    """The streams that this transaction has proved: a writer holds the lock, a reader sees one unchanging view."""
    found: dict[str, Proven] | None = connection.get_execution_options().get(PROVED_HERE)
    return {} if found is None else found


def still_stands(rows: Sequence[Stored], known: Proven) -> bool:
    """Whether the stored rows up to where `known` ends are, byte for byte, what this process proved before.

    `rows` are all that gates read and the newest evidence, in order; the text of what gates read is compared itself, that of evidence
    by its digest. False only sends the stream through the whole proof.
    """
    read = tuple(row for row in rows if row[3] == 0 and row[1] <= known.position)
    if read != known.read:
        return False
    try:
        return all(_is_same_evidence(row, known) for row in rows if row[3] != 0 and row[1] <= known.position)
    except (CustodyError, TypeError, AttributeError, ValueError):
        return False


def _is_same_evidence(row: Stored, known: Proven) -> bool:
    return known.evidence.get(row[1]) == row[:-1] and entry_digest(row[7], row[9].encode()) == row[8]
