"""The shell's way to the store: web and command line open it, begin units of work and bring its tables up to date through here."""

from __future__ import annotations

import errno
import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from custody.errors import InputError, NotKeptError
from custody.store import postgresql, schema
from custody.store.connection import Store, open_store
from custody.store.rereading import Rereading
from custody.store.schema import SchemaState, schema_state
from custody.store.watch import only_shown
from custody.store.working import write_ahead

__all__ = [
    "Connection",
    "NotKeptError",
    "Rereading",
    "SchemaState",
    "Store",
    "judged_unit",
    "kept_or_refused",
    "only_shown",
    "open_answering",
    "open_ready",
    "open_store",
    "refusal_under",
    "schema_state",
    "unit_of_work",
    "upgrade",
]

T = TypeVar("T")
log = logging.getLogger(__name__)


@contextmanager
def unit_of_work(store: Store) -> Iterator[Connection]:
    """One transaction: commits when the block returns, rolls back when it raises. Raises NotKeptError when nothing could be written."""
    with kept_or_refused(), store.writing() as connection:
        yield connection


def upgrade(store: Store, *, server_role: str | None = None) -> None:
    """As `custody.store.schema.upgrade`. Raises NotKeptError as `unit_of_work`, too."""
    with kept_or_refused():
        schema.upgrade(store, server_role=server_role)


def judged_unit(store: Store, work: Callable[[Connection], T]) -> T:
    """One transaction that judges before it writes; `work` may be called twice (custody.store.working)."""
    with kept_or_refused():
        return write_ahead(store, work)


def open_answering(url: str) -> tuple[Store, SchemaState]:
    """The store at `url`, whatever its tables are. Raises InputError when no server answers, NotKeptError as above."""
    try:
        with kept_or_refused():
            store = open_store(url)
            try:
                return store, schema_state(store)
            except BaseException:
                store.close()
                raise
    except NotKeptError as error:
        if error.code != "store_unreachable":
            raise
        # What the server says, without how it was reached: its name and the folder of its socket.
        under = error.__cause__ and error.__cause__.__cause__
        said = str(under or error.__cause__).strip().splitlines()[0].rpartition("failed: ")[2].removeprefix("FATAL:  ")
        raise InputError(
            f"the database cannot be opened ({said}); start its server, or correct CUSTODY_DATABASE_URL", code="store_not_opened"
        ) from error


def open_ready(url: str) -> Store:
    """The store at `url` with tables of this version.

    Raises InputError with the remedy when they are not, or no server answers; NotKeptError as above.
    """
    store, state = open_answering(url)
    if state != "current":
        store.close()
    if state == "empty":
        raise InputError("this store has no tables yet; run `custody db upgrade` first", code="schema_empty")
    if state == "old":
        raise InputError("this store was written by an older custody; back it up and run `custody db upgrade`", code="schema_old")
    if state == "newer":
        raise InputError("this store was written by a newer custody; install that version to use it", code="schema_newer")
    return store


# ── nothing could be written ──


def _of_databases() -> tuple[type[Exception], ...]:
    return (sqlite3.Error, *postgresql.errors())


def from_below() -> tuple[type[Exception], ...]:
    return (DBAPIError, *_of_databases(), OSError, InputError)


@contextmanager
def kept_or_refused() -> Iterator[None]:
    """Turns what the disk or SQLite says about writing into one sentence (NotKeptError); everything else goes on as it is."""
    try:
        yield
    except from_below() as error:
        refusal = refusal_under(error)
        if refusal is None:
            raise
        raise refusal from error


def refusal_under(error: BaseException) -> NotKeptError | None:
    """What the disk or the database said underneath an error, as one sentence; None where it is no fault of theirs."""
    under: BaseException | None = error
    while under is not None and not isinstance(under, (*_of_databases(), OSError)):
        under = under.__cause__
    if under is None:
        return None
    if isinstance(under, postgresql.errors()):
        fault = postgresql.fault_of(under)
        if fault is not None:
            log.error("nothing was recorded: %s", under)
        return None if fault is None else OF_POSTGRESQL[fault]()
    # Of SQLite's number the lowest byte is the kind of fault; the rest says where it was noticed.
    kind = getattr(under, "sqlite_errorcode", 0) & 0xFF
    made = OF_THE_SYSTEM.get(under.errno or 0) if isinstance(under, OSError) else OF_SQLITE.get(kind)
    if made is None:
        return None
    # Only what SQLite or the operating system said: the statement around it may hold names.
    log.error("nothing was recorded: %s", under)
    return made()


def _disk_full() -> NotKeptError:
    return NotKeptError("the disk of the server is full, so nothing was recorded; call the administrator to make room", code="disk_full")


def _write_failed() -> NotKeptError:
    # An entry whose last write to the disk failed does not stand now, but may come back when the file is next recovered.
    return NotKeptError(
        "the disk of the server failed, so this does not count as recorded; "
        "call the administrator to check the disk, and look whether it stands there before you do it again",
        code="write_failed",
    )


def _read_only() -> NotKeptError:
    return NotKeptError(
        "the store may only be read, so nothing was recorded; "
        "call the administrator to give custody the right to write to its file and folder",
        code="store_read_only",
    )


def _busy() -> NotKeptError:
    return NotKeptError(
        "something else held the store for too long, so nothing was recorded; "
        "try again in a minute, and call the administrator if it stays",
        code="store_busy",
    )


def _unreachable() -> NotKeptError:
    # A commit whose answer was lost on the way may stand all the same.
    return NotKeptError(
        "the database server cannot be reached, so this does not count as recorded; "
        "look whether it stands there before you do it again, and call the administrator if it stays",
        code="store_unreachable",
    )


OF_POSTGRESQL: dict[postgresql.Fault, Callable[[], NotKeptError]] = {
    "disk_full": _disk_full,
    "write_failed": _write_failed,
    "read_only": _read_only,
    "busy": _busy,
    "unreachable": _unreachable,
}
OF_THE_SYSTEM = {errno.ENOSPC: _disk_full, errno.EDQUOT: _disk_full, errno.EIO: _write_failed, errno.EROFS: _read_only}
OF_SQLITE = {
    sqlite3.SQLITE_FULL: _disk_full,
    sqlite3.SQLITE_IOERR: _write_failed,
    sqlite3.SQLITE_CANTOPEN: _write_failed,
    sqlite3.SQLITE_READONLY: _read_only,
    sqlite3.SQLITE_PERM: _read_only,
    sqlite3.SQLITE_BUSY: _busy,
    sqlite3.SQLITE_LOCKED: _busy,
}
