"""PostgreSQL: a database that several servers share; one lock in the database makes their writers follow each other.

A writer holds the lock for its few statements and its commit only, for it judges ahead of the lock. So entries are numbered as they are
committed, the log grows in the same commit, and an acknowledged act stands in it at once.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Any, Literal

from sqlalchemy import URL, Connection, Engine, create_engine, event, text

from custody.errors import InputError, NotKeptError
from custody.store.write_lock import ThreadQueue

HOW = "set CUSTODY_DATABASE_URL to postgresql://ROLE:PASSWORD@HOST/DATABASE, or postgresql:///DATABASE?host=FOLDER for a socket"
# "custody" in a number of 64 bits; whoever writes holds it until the transaction ends.
LOCK = int.from_bytes(b"custody")
WAITS_AT_MOST_S = 5
Fault = Literal["disk_full", "write_failed", "read_only", "busy", "unreachable"]
# Who may not see whether it follows is told that it does not (its state is null then).
_STANDBY_IS_GONE = text(
    "SELECT current_setting('synchronous_standby_names') <> '' AND NOT EXISTS"
    " (SELECT FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum') AND state = 'streaming')"
)
# By SQLSTATE (PostgreSQL, appendix A): a whole code, or the two characters of its class.
_FAULTS: dict[str, Fault] = {
    "53100": "disk_full",
    "58030": "write_failed",
    "25006": "read_only",
    "42501": "read_only",
    "55P03": "busy",
    "57014": "busy",
    "53300": "busy",
    "08": "unreachable",
    "57": "unreachable",
}


class Postgresql:
    """A database by its URL."""

    reads = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    # Each statement sees all that is committed, and after the first nobody else commits.
    writes = f"BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock({LOCK})"

    def __init__(self, url: URL) -> None:
        """Raises InputError, with what to do, for a URL that names no database."""
        if not url.database:
            raise InputError(f"the URL names no database; {HOW}")
        if url.drivername not in ("postgresql", "postgresql+psycopg"):
            raise InputError(f"{url.drivername} is no driver that custody can use; {HOW}")
        self._url = url.set(drivername="postgresql+psycopg")
        self.url = self._url.render_as_string(hide_password=False)

    @property
    def is_there(self) -> bool:
        return True

    def make(self) -> None:
        """Databases are made by who runs the server."""

    def engine(self) -> Engine:
        if find_spec("psycopg") is None:
            raise InputError("PostgreSQL needs the library psycopg; install custody[postgresql]")
        made = create_engine(self._url, hide_parameters=True, pool_size=16, max_overflow=-1, pool_use_lifo=True)
        event.listen(made, "connect", _prepare)
        return made

    def is_alive(self, connection: Connection) -> bool:
        """Whether a connection that lay idle has heard nothing of an end of the server; asks nobody."""
        import psycopg  # noqa: PLC0415 - an installation on SQLite needs no driver of PostgreSQL

        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        try:
            driver.pgconn.consume_input()
        except psycopg.Error:
            return False
        return not driver.closed and driver.pgconn.status == psycopg.pq.ConnStatus.OK

    def lock(self) -> ThreadQueue:
        """Among the threads of this process; among all it is taken in the database."""
        return ThreadQueue()

    def check_writable(self) -> None:
        """The database refuses by itself."""

    def check_copied(self, connection: Connection) -> None:
        """Raises NotKeptError when a second server is asked for and none follows: PostgreSQL would wait for it without an end."""
        if connection.execute(_STANDBY_IS_GONE).scalar_one():
            raise NotKeptError(
                "the second database server does not follow the first, so nothing was recorded; call the administrator to start it",
                code="store_standby_gone",
            )

    def changes(self, _connection: Connection) -> int:
        """Nothing to count: a transaction that only reads is refused any change by the database."""
        return 0

    def note_beside(self, _connection: Connection, _changes: int) -> None:
        """Nothing marks a change beside the ledger: what was read counts for a second (custody.store.watch)."""

    def committed(self, _connection: Connection) -> None:
        """The database keeps its journal by itself."""


def _prepare(connection: Any, _record: Any) -> None:
    # The driver must not begin transactions by itself: they would be of the wrong kind.
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = '{WAITS_AT_MOST_S}s'")
        cursor.execute("SET client_encoding = 'UTF8'")
        # A commit that is acknowledged before it lies on the disk is no record.
        cursor.execute(
            "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') IN ('off', 'local')"
        )


def errors() -> tuple[type[Exception], ...]:
    """What the driver raises; nothing where it was never loaded."""
    driver = sys.modules.get("psycopg")
    return () if driver is None else (driver.Error,)


def fault_of(error: BaseException) -> Fault | None:
    """What the server, or the way to it, says is the matter; None for a fault of what it was asked."""
    if not isinstance(error, errors()):
        return None
    state = getattr(error, "sqlstate", None)
    if state is None:
        # Without a word of the server the way to it is broken.
        return "unreachable" if isinstance(error, sys.modules["psycopg"].OperationalError) else None
    return _FAULTS.get(state) or _FAULTS.get(state[:2])
