"""What this process has proved of each stream, and what one transaction has proved: never a reason to skip the bytes that gates read."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import inf
from typing import Any, NamedTuple

from sqlalchemy import Connection

from custody.domain.deeds import Deeds, deeds_after, deeds_of
from custody.domain.dossier import Entry, Head
from custody.domain.ids import Digest
from custody.errors import CustodyError
from custody.ledger.streams import GENESIS, entry_digest

ROWS_REMEMBERED_MAX = 100_000
"""About 5 kB each, with what is worked out from them: half a gigabyte in each process. A work list among 10^6 bags reads 60,000."""
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

    def let_go(self) -> None:
        """Forget what was worked out from it: that rests on streams, this one among them, and would lie in circles, which servers seldom
        look for. Whoever still uses it works it out again.
        """
        deeds: Deeds | None = vars(self).get("deeds")
        if deeds is not None:
            deeds.let_go()


NOTHING = Proven()


class Remembered(NamedTuple):
    """A stream, when its bytes were last read (monotonic seconds), and how long the ledger was then (below 0: nobody knows).

    `read_at`: read by work that rested on them. `shown_from`: also by the background (custody.store.rereading), which counts for what is
    only shown; never before `read_at`.
    """

    proven: Proven
    read_at: float
    mark: int
    shown_from: float


UNREAD = Remembered(NOTHING, -inf, -1, -inf)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """When streams were loaded: how long the ledger was, since when their bytes count as read (monotonic seconds).

    `unsure` are those that held entries which were not written yet.
    """

    mark: int
    at: float
    unsure: frozenset[str] = frozenset()


class Memory:
    """Proven streams by (store, stream); the least recently used forgotten first. Safe between threads.

    What is remembered of a stream is one value that is never changed, only replaced as a whole.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._streams: OrderedDict[tuple[str, str], Remembered] = OrderedDict()
        self._asked_at: dict[tuple[str, str], float] = {}
        self._rows = 0
        self._forgotten_until = -inf

    def get(self, key: tuple[str, str]) -> Remembered:
        with self._guard:
            found = self._streams.get(key)
            if found is None:
                return UNREAD
            self._note_asked(key)
            return found

    def read_at(self, store: str, streams: Iterable[str]) -> float:
        """Since when the bytes of all these count as read (monotonic seconds)."""
        with self._guard:
            return min((self._streams.get((store, stream), UNREAD).read_at for stream in streams), default=inf)

    def were_read(self, store: str, streams: Mapping[str, Proven], after: float) -> bool:
        """Whether the bytes of all these were read after that time, be it in the background, and each was found to be this very object."""
        with self._guard:
            for stream, proven in streams.items():
                found = self._streams.get((store, stream), UNREAD)
                if found.proven is not proven or found.shown_from <= after:
                    return False
            for stream in streams:
                self._note_asked((store, stream))
            return True

    def put(self, key: tuple[str, str], proven: Proven, read_at: float, mark: int, shown_from: float = -inf) -> None:
        with self._guard:
            before = self._streams.pop(key, UNREAD).proven
            self._rows += proven.position - before.position
            self._streams[key] = Remembered(proven, read_at, mark, max(read_at, shown_from))
            self._asked_at[key] = time.monotonic()
            while self._rows > ROWS_REMEMBERED_MAX and len(self._streams) > 1:
                oldest, forgotten = self._streams.popitem(last=False)
                self._rows -= forgotten.proven.position
                self._forgotten_until = max(self._forgotten_until, self._asked_at.pop(oldest))
                forgotten.proven.let_go()

    def forgotten_until(self) -> float:
        """Streams that were last asked for at this time (monotonic seconds) or before were forgotten for want of room.

        Whoever keeps streams besides lets go of them.
        """
        return self._forgotten_until

    def read_before(self, store: str, then: float, asked_after: float) -> list[tuple[str, Remembered]]:
        """The streams whose bytes nobody has read since `then`, but somebody asked for after `asked_after`; oldest reading first."""
        with self._guard:
            asked = [(key[1], self._streams[key]) for key, at in self._asked_at.items() if at > asked_after and key[0] == store]
        return sorted((each for each in asked if each[1].shown_from <= then), key=_shown_from)

    def read_again(self, key: tuple[str, str], before: Remembered, began: float) -> None:
        """The bytes of this stream were read in a transaction begun at `began` and are as in `before`.

        Where anybody has read or forgotten it since, that stands. Nobody has asked for it by this.
        """
        with self._guard:
            if self._streams.get(key) is before:
                self._streams[key] = before._replace(shown_from=max(before.shown_from, began))

    def drop(self, key: tuple[str, str], before: Remembered) -> None:
        """Whoever asks for this stream next reads all of it, unless anybody has read it since `before`."""
        with self._guard:
            if self._streams.get(key) is before:
                self._rows -= before.proven.position
                del self._streams[key], self._asked_at[key]

    def forget(self) -> None:
        with self._guard:
            self._streams.clear()
            self._asked_at.clear()
            self._rows = 0

    def _note_asked(self, key: tuple[str, str]) -> None:
        self._streams.move_to_end(key)
        self._asked_at[key] = time.monotonic()


def _shown_from(item: tuple[str, Remembered]) -> float:
    return item[1].shown_from


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
