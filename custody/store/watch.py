"""Follows the ledger as it grows: each transaction reads only what has come since, and knows which streams that has touched.

Every commit of an act makes the ledger longer, and every other commit of custody - a session, a count of wrong secrets - is counted in the
file's header. A change of the file that does neither makes all streams be read again from their stored bytes at once, and so does an end
of the ledger that is not the one seen before. What hides between two commits of custody is read again a second later.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from math import inf
from typing import cast

from sqlalchemy import Connection, bindparam, select

from custody.store.ahead import Ahead, ahead_of
from custody.store.statements import Prepared
from custody.store.tables import entry

READ_AGAIN_AFTER_S = 1.0
"""How old, in seconds, the last reading of a stream's bytes may be while the ledger grows and the stream does not."""
SHOWN_WITHIN_S = 60.0
"""How old it may be for what is only shown. What was recorded since is always seen; no verdict and no writing rests on such a reading."""
FOLLOWED_AT_ONCE_MAX = 5_000
STREAMS_FOLLOWED_MAX = 50_000
SEEN = "custody_seen"
WRITES = "custody_writes"
_KEY = "custody_ledger_length"
_NEVER = -1
_COUNT_MAX = 2**30

_columns = entry.c
# From the last entry seen on: that it stands there still, as it was, is part of what is asked.
_TAIL = Prepared(
    select(_columns.id, _columns.stream, _columns.position, _columns.digest, _columns.recorded_at)
    .where(_columns.id >= bindparam("number_seen"))
    .order_by(_columns.id)
    .limit(FOLLOWED_AT_ONCE_MAX)
)
_END = Prepared(
    select(_columns.id, _columns.stream, _columns.position, _columns.digest, _columns.recorded_at).order_by(_columns.id.desc()).limit(1)
)

Head = tuple[int, bytes]
_Row = tuple[int, str, int, bytes, str]


@dataclass
class _Ledger:
    """What this process followed of one ledger: its last entry, and the newest entry of every stream that grew after `floor`."""

    end: _Row | None = None
    floor: int = 0
    beginnings: int = 0
    begun_at: float = -inf
    since: float = -inf
    grown: OrderedDict[str, tuple[int, int, bytes]] = field(default_factory=OrderedDict)

    @property
    def size(self) -> int:
        return 0 if self.end is None else self.end[0]

    def begin(self, end: _Row | None, now: float) -> None:
        self.beginnings += 1
        self.end, self.begun_at, self.since = end, now, now
        self.floor = self.size
        self.grown.clear()

    def extend(self, rows: list[_Row]) -> None:
        for number, stream, position, digest, _ in rows:
            self.grown[stream] = (number, position, digest)
            self.grown.move_to_end(stream)
        if rows:
            self.end = rows[-1]
        while len(self.grown) > STREAMS_FOLLOWED_MAX:
            # Raised first: other threads ask meanwhile.
            self.floor = next(iter(self.grown.values()))[0]
            self.grown.popitem(last=False)


@dataclass
class View:
    """The ledger as one transaction sees it: how long it is, and when its last entry was recorded (ISO text; None: it is empty).

    Readings of a stream's bytes older than `oldest` (monotonic seconds) do not count, and where the view is not `only_shown`, none made
    in the background does. `wrote` is set by the transaction that adds to the ledger itself: from then on only the database knows where
    streams end.
    """

    oldest: float
    size: int
    newest_at: str | None
    _ledger: _Ledger | None
    wrote: bool = False
    _beginnings: int = 0
    _ahead: Ahead | None = None
    only_shown: bool = False

    def counts(self, read_at: float, shown_from: float) -> bool:
        """Whether a reading is young enough: made at `read_at` by work that rested on it, at `shown_from` by that or in the background."""
        return (shown_from if self.only_shown else read_at) > self.oldest

    @property
    def is_followed(self) -> bool:
        """Whether it is known what has come since: not once this transaction wrote, under the lock or ahead of it, nor where the ledger had
        to be begun anew.
        """
        wrote = self.wrote or (self._ahead is not None and bool(self._ahead.written))
        return self._ledger is not None and not wrote and self._ledger.beginnings == self._beginnings

    @property
    def mark(self) -> int:
        """What to remember with a stream that this transaction has read."""
        return self.size if self.is_followed else _NEVER

    def head_of(self, stream: str, mark: int, head: Head | None) -> tuple[bool, Head | None]:
        """Whether the head of a stream is known without asking, and which it is: `head` as it was at `mark`, or what it grew to."""
        ledger = self._ledger
        if ledger is None:
            return False, None
        newest = ledger.grown.get(stream)
        if not self._reaches(mark):
            return False, None
        if newest is None or newest[0] <= mark:
            return True, head
        return newest[0] <= self.size, newest[1:]

    def _reaches(self, mark: int) -> bool:
        """Whether all that came after `mark` is known. Asked after looking: another thread may begin the ledger anew meanwhile."""
        return self._ledger is not None and self.is_followed and self._ledger.floor <= mark <= self.size

    def grown_among(self, streams: Iterable[str], mark: int) -> list[str] | None:
        """Those of `streams` that have grown since `mark`; None where that is not known."""
        if self._ledger is None:
            return None
        # What has grown after this view was opened counts as grown: then the stream is asked for by itself.
        newest = self._ledger.grown
        found = [stream for stream in streams if (last := newest.get(stream)) is not None and last[0] > mark]
        return found if self._reaches(mark) else None


class Watch:
    """What this process saw of each store. Safe between threads."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._ledgers: dict[str, _Ledger] = {}

    def view(self, connection: Connection) -> View:
        """The view of this transaction. Call it in a transaction, before it writes; the answer holds until the transaction ends."""
        now = time.monotonic()
        store = str(connection.get_execution_options().get("custody_store", ""))
        # SQLite's own mark of change by other connections; PostgreSQL has none, there every reading counts for so long as it may.
        version = _pragma(connection, "data_version") if connection.dialect.name == "sqlite" else None
        with self._guard:
            ledger = self._ledgers.setdefault(store, _Ledger())
            rows = cast("list[_Row]", _TAIL.rows(connection, number_seen=ledger.size))
            if ledger.end is None or not rows or rows[0] != ledger.end or len(rows) >= FOLLOWED_AT_ONCE_MAX or not _is_whole(rows):
                ledger.begin(cast("_Row | None", _END.one(connection)), now)
            else:
                ledger.extend(rows[1:])
            if version is not None and _changed_alone(connection, version, ledger.size):
                ledger.since = now
            shown = _ONLY_SHOWN.get() and not _may_write(connection)
            return View(
                oldest=max(ledger.begun_at, now - SHOWN_WITHIN_S) if shown else max(ledger.since, now - READ_AGAIN_AFTER_S),
                size=ledger.size,
                newest_at=None if ledger.end is None else ledger.end[4],
                _ledger=ledger,
                _beginnings=ledger.beginnings,
                _ahead=ahead_of(connection),
                only_shown=shown,
            )


_ONLY_SHOWN: ContextVar[bool] = ContextVar("custody_only_shown", default=False)


@contextmanager
def only_shown() -> Iterator[None]:
    """Whatever is read in this block is shown to people and nothing else: see SHOWN_WITHIN_S."""
    before = _ONLY_SHOWN.set(True)
    try:
        yield
    finally:
        _ONLY_SHOWN.reset(before)


def _may_write(connection: Connection) -> bool:
    """Whether this transaction holds the lock, or is done ahead of it."""
    return bool(connection.get_execution_options().get(WRITES, True)) or ahead_of(connection) is not None


def _is_whole(rows: list[_Row]) -> bool:
    """Whether the entries are numbered without a gap, as one commit after the other numbers them."""
    return rows[-1][0] - rows[0][0] == len(rows) - 1


def _changed_alone(connection: Connection, version: int, size: int) -> bool:
    """Whether others changed the database since this connection last looked, and custody did not: no act, and nothing beside the ledger."""
    info = connection.connection.info
    seen = info.get(_KEY)
    if seen is not None and seen[0] == version:
        # The mark does not tell a connection of its own acts, so what it sees next is compared with the length they left.
        info[_KEY] = (version, size, seen[2])
        return False
    info[_KEY] = (version, size, _pragma(connection, "user_version"))
    return seen is None or seen[1:] == info[_KEY][1:]


def note_beside(connection: Connection, changes_before: int) -> None:
    """At the end of a writing transaction: what changed beside the ledger was changed by custody.

    `changes_before`: how many rows this connection had changed when the transaction began. The count stands in the file's header.
    """
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    here: dict[str, View] = connection.get_execution_options().get(SEEN, {})
    wrote_acts = "view" in here and here["view"].wrote
    if driver.total_changes == changes_before or wrote_acts:
        return
    count = _pragma(connection, "user_version")
    driver.execute(f"PRAGMA user_version = {(count + 1) % _COUNT_MAX}")
    info = connection.connection.info
    seen = info.get(_KEY)
    if seen is not None and seen[2] == count:
        # The mark of change does not tell a connection of its own commits, so what it sees next is compared with this.
        info[_KEY] = (*seen[:2], (count + 1) % _COUNT_MAX)


def _pragma(connection: Connection, name: str) -> int:
    cursor = connection.connection.cursor()
    found = cursor.execute(f"PRAGMA {name}").fetchone()[0]
    cursor.close()
    return int(found)


_WATCH = Watch()


def view_of(connection: Connection) -> View:
    """What this transaction sees of the ledger, asked once."""
    here: dict[str, View] = connection.get_execution_options().get(SEEN, {})
    view = here.get("view")
    if view is None:
        view = here["view"] = _WATCH.view(connection)
    return view


def note_written(connection: Connection) -> None:
    """This transaction is about to add to the ledger."""
    here: dict[str, View] = connection.get_execution_options().get(SEEN, {})
    if "view" in here:
        here["view"].wrote = True
    else:
        here["view"] = View(oldest=time.monotonic(), size=0, newest_at=None, _ledger=None, wrote=True)
