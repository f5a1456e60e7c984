"""One piece of work that reads, judges and writes: as much of it as possible ahead of the lock, all of it as one transaction."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from custody.store import entries
from custody.store.ahead import Ahead, MustWaitError, ahead_of
from custody.store.connection import Store
from custody.store.watch import View, view_of

T = TypeVar("T")
TRIES_AHEAD = 2
"""What came in between may be long to judge, such as the file of a logger: that too is done ahead of the lock, once."""


def write_ahead(store: Store, work: Callable[[Connection], T]) -> T:
    """What `work(connection)` returns. It commits, or rolls back and raises, as in `Store.writing`.

    `work` may be called several times. It reads and writes through its connection alone, and what it decides rests on streams, on the
    answers to idempotency keys and on what never changes; sessions, lookups and credentials are read before.
    """
    tries = 0
    while True:
        tries += 1
        done: list[T] = []
        with store.reading_ahead() as snapshot:
            ahead = ahead_of(snapshot)
            assert ahead is not None
            seen = view_of(snapshot)
            # Refused ahead of the lock, or a fault of the view: what counts is what happens under the lock.
            with suppress(MustWaitError, OperationalError):
                done.append(work(snapshot))
            # An answer that is given again may rest on a commit that a second server does not hold yet.
            copied = bool(done) and ahead.is_empty and store.database.copies(snapshot)
        if done and ahead.is_empty:
            if copied:
                store.confirm()
            return done[0]
        with store.writing() as connection:
            if done and _still_holds(connection, ahead, seen):
                entries.keep(connection, ahead.rows)
                for write in ahead.writes:
                    write(connection)
                return done[0]
            if not done or tries == TRIES_AHEAD:
                return work(connection)


def _still_holds(connection: Connection, ahead: Ahead, seen: View) -> bool:
    """Whether every stream ends where the work saw it end, and all else it rests on is as it was."""
    new = entries.come_since(connection, seen.size)
    if any(stream in ahead.streams for stream, _ in new):
        return False
    if ahead.has_compared_clocks and new and entries.is_another_time(new[-1][1], seen.newest_at):
        return False
    return all(holds(connection) for holds in ahead.conditions)
