"""Opens the store: one writer at a time in fair order, any number of readers, on SQLite or PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol

from sqlalchemy import URL, Connection, Engine, event, make_url, select
from sqlalchemy.exc import ArgumentError

from custody.errors import InputError
from custody.store import postgresql, sqlite
from custody.store.ahead import AHEAD, Ahead, refuse_ahead
from custody.store.proven import PROVED_HERE
from custody.store.series import SERIES_HERE
from custody.store.tables import store_fact
from custody.store.watch import SEEN, WRITES
from custody.store.write_lock import ThreadQueue, Waiting

__all__ = ["Connection", "Store", "open_store"]

DEMONSTRATION = "demonstration"
_BEGIN = "custody_begin"


class Lock(Protocol):
    """Held by whoever writes; fair among those who wait."""

    def __enter__(self) -> None: ...
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...
    def close(self) -> None: ...


class Database(Protocol):
    """What differs between SQLite and PostgreSQL. `reads` and `writes` begin a transaction that sees one state, or the newest alone."""

    url: str
    reads: str
    writes: str

    @property
    def is_there(self) -> bool: ...
    def make(self) -> None: ...
    def engine(self) -> Engine: ...
    def is_alive(self, connection: Connection) -> bool: ...
    def lock(self) -> Lock: ...
    def check_writable(self) -> None: ...
    def check_copied(self, connection: Connection) -> None: ...
    def copies(self, connection: Connection) -> bool: ...
    def commit(self, connection: Connection) -> None: ...
    def rebuilding(self, connection: Connection) -> AbstractContextManager[None]: ...
    def changes(self, connection: Connection) -> int: ...
    def note_beside(self, connection: Connection, changes: int) -> None: ...
    def committed(self, connection: Connection) -> None: ...


@dataclass
class _InProcess:
    """What must never cross a fork: open connections and held locks."""

    database: Database
    engine: Engine
    lock: Lock
    turn: ThreadQueue
    idle: list[Connection] = field(default_factory=list)

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection outside any transaction. One that was used before, where there is one, has its pages and its statements at hand."""
        connection = self._idle() or self.engine.connect()
        try:
            yield connection
            if connection.in_transaction():
                # Given back without a commit: there is nothing to keep, and a damaged file refuses even an empty one.
                connection.rollback()
        except BaseException:
            connection.close()
            raise
        self.idle.append(connection)

    def _idle(self) -> Connection | None:
        with suppress(IndexError):
            while True:
                connection = self.idle.pop()
                if self.database.is_alive(connection):
                    return connection
                connection.invalidate()
                connection.close()
        return None

    def close(self) -> None:
        while self.idle:
            self.idle.pop().close()
        self.engine.dispose()


class Store:
    """One store by its URL. Safe to share between threads, and to hold while the process forks."""

    def __init__(self, database: Database) -> None:
        self.url = database.url
        self.database = database
        self._by_process: dict[int, _InProcess] = {}
        self._is_demonstration: bool | None = None
        # Told how many seconds each writer waited for the lock, those too who did not get it.
        self.when_waited: Callable[[float], None] | None = None

    @contextmanager
    def writing(self, *, rebuilds_tables: bool = False) -> Iterator[Connection]:
        """A transaction that may write: commits when the block returns, rolls back when it raises.

        Writers wait in the order in which they came, across threads and processes; asking again inside is an error.
        """
        here, database = self._in_process(), self.database
        database.check_writable()
        # Connected first: nobody need wait for that.
        with here.connection() as connection, Waiting(self.when_waited) as waiting, here.lock:
            # In SQLAlchemy 2 this changes the connection itself.
            connection.execution_options(**_fresh(database.writes, writes=True))
            with database.rebuilding(connection) if rebuilds_tables else nullcontext(), connection.begin():
                waiting.is_over()
                database.check_copied(connection)
                changes = database.changes(connection)
                yield connection
                database.note_beside(connection, changes)
                database.commit(connection)
            database.committed(connection)

    def confirm(self) -> None:
        """What was read by now counts: a second server that must hold each commit holds it. Raises NotKeptError when it does not."""
        with self.writing():
            pass

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One unchanging view of everything committed when the first row is read."""
        with self._in_process().connection() as connection:
            connection.execution_options(**_fresh(self.database.reads))
            connection.begin()
            yield connection

    @contextmanager
    def reading_ahead(self) -> Iterator[Connection]:
        """One view, as `reading`, of which `custody.store.ahead.ahead_of` collects what would be written; one thread at a time.

        More threads would only take the interpreter from the one that is about to write, and make everybody wait for it.
        """
        here, database = self._in_process(), self.database
        with here.turn, here.connection() as connection:
            connection.execution_options(**_fresh(database.reads, Ahead()))
            connection.begin()
            # Looked at afterwards and not forbidden: after `PRAGMA query_only` SQLite prepares every statement anew.
            changes = database.changes(connection)
            yield connection
            if database.changes(connection) != changes:
                raise RuntimeError("work ahead of the lock wrote past custody's own statements; it is undone")

    @property
    def is_demonstration(self) -> bool:
        """Whether this store was marked as a demonstration or test when it was made; the mark never changes."""
        if self._is_demonstration is None:
            with self.reading() as connection:
                marked = connection.execute(select(store_fact.c.text).where(store_fact.c.name == DEMONSTRATION)).scalar()
            self._is_demonstration = marked == "yes"
        return self._is_demonstration

    def close(self) -> None:
        """Close this process's connections; the store opens them again when it is used again."""
        here = self._by_process.pop(os.getpid(), None)
        if here is None:
            return
        # The last connection to close copies SQLite's journal back, which belongs under the lock.
        with here.lock:
            here.close()
        here.lock.close()

    def _in_process(self) -> _InProcess:
        here = self._by_process.get(os.getpid())
        if here is None:
            self.database.make()
            engine = _watched(self.database.engine(), self.url)
            made = _InProcess(self.database, engine, self.database.lock(), ThreadQueue())
            here = self._by_process.setdefault(os.getpid(), made)
        return here


def open_store(url: str) -> Store:
    """The store at an SQLAlchemy URL; nothing is created until it is used.

    Raises InputError, with what to do, for a URL that names no usable place.
    """
    try:
        parsed = make_url(postgresql.with_hosts_as_query(url))
    except (ArgumentError, ValueError) as error:
        raise InputError(f"“{url[:80]}” is no database URL; {sqlite.HOW}") from error
    return Store(_database(parsed))


def _database(url: URL) -> Database:
    if url.drivername.startswith("postgresql"):
        return postgresql.Postgresql(url)
    if url.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise InputError(f"{url.drivername} is no database that custody can use; {sqlite.HOW}")
    return sqlite.Sqlite(url)


def _watched(engine: Engine, url: str) -> Engine:
    engine.update_execution_options(custody_store=url)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "before_execute", _only_read_ahead)
    return engine


def _fresh(begin: str, ahead: Ahead | None = None, *, writes: bool = False) -> dict[str, Any]:
    """What a transaction remembers, at its beginning; it takes the place of what the connection was used for before."""
    return {_BEGIN: begin, WRITES: writes, AHEAD: ahead, PROVED_HERE: {}, SEEN: {}, SERIES_HERE: {}}


def _begin(connection: Connection) -> None:
    cursor = connection.connection.cursor()
    try:
        cursor.execute(connection.get_execution_options()[_BEGIN])
    except BaseException:
        if getattr(cursor.connection, "closed", False):
            # Of a lost PostgreSQL: nobody is to end a transaction there.
            connection.invalidate()
        raise
    cursor.close()


def _only_read_ahead(connection: Connection, statement: Any, *_rest: Any) -> None:
    if not statement.is_select:
        refuse_ahead(connection)
