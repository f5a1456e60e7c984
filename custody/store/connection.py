"""Opens the store: one writer at a time in fair order, any number of readers, files that only their owner can read."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, select
from sqlalchemy.exc import ArgumentError

from custody.errors import InputError, LedgerBrokenError
from custody.store.ahead import AHEAD, Ahead, refuse_ahead
from custody.store.proven import PROVED_HERE
from custody.store.series import SERIES_HERE
from custody.store.tables import store_fact
from custody.store.watch import SEEN, note_beside
from custody.store.write_lock import ThreadQueue, WriteLock

__all__ = ["Connection", "Store", "open_store"]

log = logging.getLogger(__name__)

FIRST_BYTES = b"SQLite format 3\x00"
# The journal is copied back into the file after so many commits, or sooner when it has grown by so many bytes.
COMMITS_BETWEEN_COPIES = 250
BYTES_BETWEEN_COPIES = 8 * 1024 * 1024
DEMONSTRATION = "demonstration"

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    # NORMAL lost acknowledged scans in 907 of 1,000 simulated power cuts, FULL in none.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA busy_timeout = 5000",
    "PRAGMA cache_size = -65536",
    "PRAGMA trusted_schema = OFF",
    # Copying the journal back happens under our lock only: SQLite before 3.51.3 can corrupt the file when it races a commit.
    "PRAGMA wal_autocheckpoint = 0",
    "PRAGMA journal_size_limit = 33554432",
)
_HOW = "set CUSTODY_DATABASE_URL to sqlite:///FILE (an absolute path has four slashes: sqlite:////var/lib/custody/custody.db)"


@dataclass
class _InProcess:
    """What must never cross a fork: open connections and held locks."""

    engine: Engine
    lock: WriteLock
    turn: ThreadQueue
    idle: list[Connection] = field(default_factory=list)

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection outside any transaction. One that was used before, where there is one, has its pages and its statements at hand."""
        try:
            connection = self.idle.pop()
        except IndexError:
            connection = self.engine.connect()
        try:
            yield connection
            if connection.in_transaction():
                # Given back without a commit: there is nothing to keep, and a damaged file refuses even an empty one.
                connection.rollback()
        except BaseException:
            connection.close()
            raise
        self.idle.append(connection)

    def close(self) -> None:
        while self.idle:
            self.idle.pop().close()
        self.engine.dispose()


class Store:
    """One store by its URL. Safe to share between threads, and to hold while the process forks."""

    def __init__(self, url: str, path: Path) -> None:
        self.url = url
        self.path = path
        self.dialect = "sqlite"
        self._by_process: dict[int, _InProcess] = {}
        self._is_demonstration: bool | None = None
        self._commits = 0
        self._journal_bytes = 0

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that may write: commits when the block returns, rolls back when it raises.

        Writers wait in the order in which they came, across threads and processes; asking again inside is an error.
        """
        here = self._in_process()
        # SQLite opens a file it may not change without a word, and complains at the first row.
        if not os.access(self.path, os.W_OK):
            raise InputError(f"{self.path} is read-only; give custody the right to write to it and to its folder")
        # Connected first: nobody need wait for that.
        with here.connection() as connection, here.lock:
            # In SQLAlchemy 2 this changes the connection itself.
            connection.execution_options(**_fresh(_WRITE))
            with connection.begin():
                changes = _driver(connection).total_changes
                yield connection
                note_beside(connection, changes)
            self._copy_journal(connection)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One unchanging view of everything committed when the first row is read."""
        with self._in_process().connection() as connection:
            connection.execution_options(**_fresh(_READ))
            connection.begin()
            yield connection

    @contextmanager
    def reading_ahead(self) -> Iterator[Connection]:
        """One view, as `reading`, of which `custody.store.ahead.ahead_of` collects what would be written; one thread at a time.

        More threads would only take the interpreter from the one that is about to write, and make everybody wait for it.
        """
        here = self._in_process()
        with here.turn, here.connection() as connection:
            connection.execution_options(**_fresh(_READ, Ahead()))
            connection.begin()
            # Looked at afterwards and not forbidden: after `PRAGMA query_only` SQLite prepares every statement anew.
            changes = _driver(connection).total_changes
            yield connection
            if _driver(connection).total_changes != changes:
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
        # The last connection to close copies the journal back, which belongs under the lock.
        with here.lock:
            here.close()
        here.lock.close()

    def _in_process(self) -> _InProcess:
        here = self._by_process.get(os.getpid())
        if here is None:
            _create(self.path)
            here = self._by_process.setdefault(os.getpid(), _InProcess(_engine(self.url), WriteLock(self.path), ThreadQueue()))
        return here

    def _copy_journal(self, connection: Connection) -> None:
        """Under the lock: SQLite then begins the journal again at its start, over blocks that the disk already has."""
        self._commits += 1
        if self._commits % 16:
            return
        length = self._journal_length()
        if self._commits < COMMITS_BETWEEN_COPIES and length < self._journal_bytes + BYTES_BETWEEN_COPIES:
            return
        driver = _driver(connection)
        try:
            driver.execute("PRAGMA wal_checkpoint(PASSIVE)")
        except sqlite3.OperationalError as error:
            # What was committed stands in the journal; it is copied back another time.
            log.warning("the journal could not be copied back: %s", error)
            return
        self._commits = 0
        self._journal_bytes = self._journal_length()

    def _journal_length(self) -> int:
        try:
            return self.path.with_name(self.path.name + "-wal").stat().st_size
        except OSError:
            return 0


def open_store(url: str) -> Store:
    """The store at an SQLAlchemy URL; nothing is created until it is used.

    Raises InputError, with what to do, for a URL that names no usable place.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise InputError(f"“{url[:80]}” is no database URL; {_HOW}") from error
    if parsed.drivername.startswith("postgresql"):
        raise InputError(f"PostgreSQL is not supported by this version; {_HOW}")
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise InputError(f"{parsed.drivername} is no database that custody can use; {_HOW}")
    if not parsed.database or parsed.database == ":memory:" or parsed.database.startswith("file:") or parsed.query or parsed.host:
        raise InputError(f"the URL names no database file; {_HOW}")
    path = Path(parsed.database).absolute()
    _check(path)
    return Store(f"sqlite:///{path}", path)


def _check(path: Path) -> None:
    if not path.parent.is_dir():
        raise InputError(f"the folder {path.parent} does not exist; create it or correct CUSTODY_DATABASE_URL")
    try:
        if not path.exists():
            return
        with path.open("rb") as file:
            start = file.read(len(FIRST_BYTES))
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); give its file to the account that runs custody") from error
    if start and start != FIRST_BYTES:
        raise InputError(f"{path} is a file, but no SQLite database; correct CUSTODY_DATABASE_URL or restore the file from a backup")


def _create(path: Path) -> None:
    """An empty file that only its owner can read; SQLite gives its journal the same mode."""
    try:
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise InputError(f"{path} cannot be created ({error.strerror}); choose a folder that custody may write to") from error


def _engine(url: str) -> Engine:
    # The newest connection is used first: its page cache is warm, and few are opened.
    # Traces of faults must not tell what was written.
    engine = create_engine(
        url, hide_parameters=True, pool_size=16, max_overflow=-1, pool_use_lifo=True, execution_options={"custody_store": url}
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "before_execute", _only_read_ahead)
    return engine


def _prepare(connection: sqlite3.Connection, _record: Any) -> None:
    # The driver must not begin transactions by itself: it would begin them too late and of the wrong kind.
    connection.isolation_level = None
    try:
        for pragma in _PRAGMAS:
            connection.execute(pragma)
    except sqlite3.OperationalError as error:
        connection.close()
        raise InputError(f"the store cannot be opened ({error}); check its file, its folder and their permissions") from error
    except sqlite3.DatabaseError as error:
        connection.close()
        raise LedgerBrokenError(f"the store's file is damaged ({error}); restore it from its newest backup") from error


_READ = "BEGIN"
_WRITE = "BEGIN IMMEDIATE"


def _fresh(begin: str, ahead: Ahead | None = None) -> dict[str, Any]:
    """What a transaction remembers, at its beginning; it takes the place of what the connection was used for before."""
    return {"custody_begin": begin, AHEAD: ahead, PROVED_HERE: {}, SEEN: {}, SERIES_HERE: {}}


def _begin(connection: Connection) -> None:
    _driver(connection).execute(connection.get_execution_options()["custody_begin"])


def _only_read_ahead(connection: Connection, statement: Any, *_rest: Any) -> None:
    if not statement.is_select:
        refuse_ahead(connection)


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver
