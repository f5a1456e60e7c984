"""PostgreSQL: a database that several servers share; one lock in the database makes their writers follow each other.

A writer holds the lock for its few statements and its commit only, for it judges ahead of the lock. So entries are numbered as they are
committed, the log grows in the same commit, and an acknowledged act stands in it at once.
"""

from __future__ import annotations

import re
import select
import sys
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from typing import Any, Literal
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event

from custody.errors import InputError
from custody.store.standby import Standby, is_wanted
from custody.store.write_lock import ThreadQueue

HOW = "set CUSTODY_DATABASE_URL to postgresql://ROLE:PASSWORD@HOST/DATABASE, or postgresql:///DATABASE?host=FOLDER for a socket"
# "custody" in a number of 64 bits; whoever writes holds it until the transaction ends.
LOCK = int.from_bytes(b"custody")
WAITS_AT_MOST_S = 5
PORT = "5432"
Fault = Literal["disk_full", "write_failed", "read_only", "busy", "unreachable"]
# libpq's own words for the way to a server; whoever names one in the URL is heard. One that vanished without a word is given up in 15 s.
_WAY = {"connect_timeout": "3", "keepalives_idle": "5", "keepalives_interval": "3", "keepalives_count": "3", "tcp_user_timeout": "15000"}
_SEVERAL_HOSTS = re.compile(r"(?P<before>postgresql(\+psycopg)?://([^@/?]*@)?)(?P<hosts>[^@/?]*,[^@/?]*)(?P<path>/[^?]*)\??(?P<query>.*)")
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
        if _names_several(self._url) and "target_session_attrs" not in url.query:
            # Of several servers the one that takes writing is meant: the others follow it.
            self._url = self._url.update_query_dict({"target_session_attrs": "read-write"})
        self.url = self._url.render_as_string(hide_password=False)
        self._standby = Standby()

    @property
    def is_there(self) -> bool:
        return True

    def make(self) -> None:
        """Databases are made by who runs the server."""

    def engine(self) -> Engine:
        if find_spec("psycopg") is None:
            raise InputError("PostgreSQL needs the library psycopg; install custody[postgresql]")
        from custody.store.answering import Hangs, connect  # noqa: PLC0415 - an installation on SQLite needs no driver of PostgreSQL

        hangs = Hangs()
        way = {name: value for name, value in _WAY.items() if name not in self._url.query}
        made = create_engine(self._url, connect_args=way, hide_parameters=True, pool_size=16, max_overflow=-1, pool_use_lifo=True)
        event.listen(made, "connect", _prepare)
        if _names_several(self._url):
            found_last = _FoundLast()
            event.listen(made, "do_connect", found_last.first)
            event.listen(made, "connect", found_last.note)
        event.listen(made, "do_connect", lambda _dialect, _record, arguments, parameters: connect(hangs, *arguments, **parameters))
        return made

    def is_alive(self, connection: Connection) -> bool:
        """Whether a connection that lay idle has heard nothing of an end of the server, nor anybody else that it hangs; asks nobody."""
        import psycopg  # noqa: PLC0415 - see above

        from custody.store.answering import Answering  # noqa: PLC0415 - see above

        driver = connection.connection.driver_connection
        assert isinstance(driver, Answering)
        if driver.closed or driver.is_of_a_hung_server or driver.pgconn.status != psycopg.pq.ConnStatus.OK:
            return False
        # A server says nothing unasked but that it ends, or that its settings were read again: then a new connection costs little.
        ready = select.poll()
        ready.register(driver.pgconn.socket, select.POLLIN)
        return not ready.poll(0)

    def lock(self) -> ThreadQueue:
        """Among the threads of this process; among all it is taken in the database."""
        return ThreadQueue()

    def check_writable(self) -> None:
        """The database refuses by itself."""

    def check_copied(self, connection: Connection) -> None:
        """Raises NotKeptError when a second server is asked for and none follows: PostgreSQL would wait for it without an end."""
        self._standby.check(connection)

    def copies(self, connection: Connection) -> bool:
        return is_wanted(connection)

    def commit(self, connection: Connection) -> None:
        """Raises NotKeptError when a second server is asked for and did not confirm in time."""
        self._standby.commit(connection)

    def rebuilding(self, _connection: Connection) -> AbstractContextManager[None]:
        """A table that rows elsewhere refer to is changed in its place here."""
        return nullcontext()

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
        # It takes a tenth of a second to compile a statement that finds a few rows in a hundredth of that.
        cursor.execute("SET jit = off")
        # A commit that the second server has not confirmed comes with a warning.
        cursor.execute("SET client_min_messages = 'warning'")
        # A commit that is acknowledged before it lies on the disk is no record.
        cursor.execute(
            "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') IN ('off', 'local')"
        )


def with_hosts_as_query(url: str) -> str:
    """The URL itself; one that names several hosts as libpq takes them (`//ROLE@ONE:PORT,TWO:PORT/DATABASE`) in the words of SQLAlchemy."""
    found = _SEVERAL_HOSTS.fullmatch(url)
    if found is None:
        return url
    hosts = "&".join(f"host={quote(each, safe='')}" for each in found["hosts"].split(","))
    return f"{found['before']}{found['path']}?{hosts}" + (f"&{found['query']}" if found["query"] else "")


class _FoundLast:
    """Asks that of several servers first which took writing last: another may hang, and would cost each new connection its patience."""

    def __init__(self) -> None:
        self._last: tuple[str, str] | None = None

    def first(self, _dialect: object, _record: object, _arguments: object, parameters: dict[str, Any]) -> None:
        hosts, ports = (str(parameters.get(name, "")).split(",") for name in ("host", "port"))
        # One port is of all.
        ways = list(zip(hosts, ports if len(ports) == len(hosts) else ports * len(hosts), strict=True))
        ways.sort(key=lambda way: self._last not in {way, (way[0], way[1] or PORT)})
        parameters["host"], parameters["port"] = (",".join(each) for each in zip(*ways, strict=True))

    def note(self, connection: Any, _record: object) -> None:
        self._last = connection.info.host, str(connection.info.port)


def _names_several(url: URL) -> bool:
    hosts = url.query.get("host", url.host or "")
    return not isinstance(hosts, str) or "," in hosts


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
