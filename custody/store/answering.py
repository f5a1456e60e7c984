"""Connections to a PostgreSQL that may hang: whoever waits for its answer asks beside whether it still answers anybody.

libpq bounds the way to a server and the silence of a machine that has gone, but a server that was stopped in its tracks still confirms each
packet: without this, whoever asked it would wait without an end. A statement that only takes long is waited for, and so is one whose own
process hangs while the server takes new connections (a disk that hangs may look so).
Needs psycopg, so it is loaded where an engine is made.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen

T = TypeVar("T")

ASKS_AFTER_S = 5.0
"""Silence after which the server is asked beside, and as often again. Nobody waits longer for a lock."""
ANSWERS_WITHIN_S = 3
"""As long as a new connection may take."""
SPREADS_FOR_S = 1.0
"""For so long after it was found to hang nobody else tries to connect: many in a line would otherwise find it out one after another."""
_ASKS_AGAIN_AFTER_S = 0.1

log = logging.getLogger(__name__)


@dataclass
class Hangs:
    """What the connections of one engine know of each other: when the server was last found to hang (monotonic seconds)."""

    last_s: float = float("-inf")

    def note(self) -> None:
        self.last_s = time.monotonic()


class Answering(psycopg.Connection[Any]):
    """Raises OperationalError, and is closed, when it waits for a server that does not answer a new connection either."""

    hangs: Hangs
    made_s: float

    @property
    def is_of_a_hung_server(self) -> bool:
        """Whether the server was found to hang after this connection was made: then it would keep its next user waiting as well."""
        return self.made_s <= self.hangs.last_s

    def wait(self, gen: PQGen[T], *arguments: Any, **options: Any) -> T:
        if self.is_of_a_hung_server and not self.closed:
            self.give_up()
        return super().wait(self._until_it_hangs(gen), *arguments, **options)

    def give_up(self) -> None:
        """Closes this connection without waiting for anybody. Raises OperationalError."""
        self.pgconn.finish()
        raise psycopg.OperationalError("the server does not answer")

    def _until_it_hangs(self, gen: PQGen[T]) -> Generator[Any, Any, T]:
        asks_s = time.monotonic() + ASKS_AFTER_S
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if not ready and time.monotonic() >= asks_s:
                    if not self._answers():
                        log.error("the database server hangs: no answer for %.0f s, and none to a new connection", ASKS_AFTER_S)
                        self.hangs.note()
                        self.give_up()
                    asks_s = time.monotonic() + ASKS_AFTER_S
                wanted = gen.send(ready)
        except StopIteration as end:
            result: T = end.value
            return result

    def _answers(self) -> bool:
        """Whether the server answers a new connection, of several hosts the one that is waited for. A refusal is an answer, too."""
        way, ends = self.info, time.monotonic() + ANSWERS_WITHIN_S
        of_this_host: dict[str, Any] = {"host": way.host, "hostaddr": way.hostaddr, "port": way.port, "target_session_attrs": "any"}
        while True:
            try:
                psycopg.connect(way.dsn, **of_this_host, password=way.password, connect_timeout=ANSWERS_WITHIN_S).close()
            except psycopg.errors.ConnectionTimeout:
                return False
            except psycopg.Error:
                if not _is_full(way.host, way.port):
                    return True
            else:
                return True
            if time.monotonic() >= ends:
                return False
            time.sleep(_ASKS_AGAIN_AFTER_S)


def connect(hangs: Hangs, *arguments: Any, **parameters: Any) -> Answering:
    """As psycopg.connect; of one host that was just found to hang it is said at once."""
    is_one_host = "," not in str(parameters.get("host", ""))
    if is_one_host and time.monotonic() - hangs.last_s < SPREADS_FOR_S:
        raise psycopg.OperationalError("the server does not answer")
    try:
        made = Answering.connect(*arguments, **parameters)
    except psycopg.errors.ConnectionTimeout:
        hangs.note()
        raise
    made.hangs, made.made_s = hangs, time.monotonic()
    return made


def _is_full(host: str, port: int) -> bool:
    """Whether more wait at a socket in the file system than may: then nobody was refused by a server, but by the line before it."""
    if not host.startswith("/"):
        return False
    with socket.socket(socket.AF_UNIX) as door:
        door.setblocking(False)
        try:
            door.connect(f"{host}/.s.PGSQL.{port}")
        except BlockingIOError:
            return True
        except OSError:
            return False
    return False
