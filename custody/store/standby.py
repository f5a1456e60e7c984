"""A second PostgreSQL that must hold each commit before it counts: asked before anything is written, waited for no longer than it may take.

PostgreSQL itself waits for it without an end, and whoever waits holds the lock. A wait that is cut off leaves a commit that stands on the
first server alone: it is not acknowledged, and sending the same again tells the truth once the second server has it.
"""

from __future__ import annotations

import logging
import select
import time
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from custody.errors import NotKeptError

if TYPE_CHECKING:
    import psycopg

    from custody.store.answering import Answering

log = logging.getLogger(__name__)

COMMIT_WAITS_AT_MOST_S = 3.0
"""Less than others wait for the lock, so that they are told what is the matter and not that somebody held it."""
CONFIRMS_WITHIN_S = 1.0
"""One that follows confirms within milliseconds what the first has on its disk."""
ANSWERS_WITHIN_S = 2.0
"""How long a server may take to end a wait that is cut off."""
_ASKED_AGAIN_AFTER_S = 0.02

# Whoever may not see whether it follows is told that it does not (its place is null then). A server that follows another takes no writing
# and waits for nobody. What is noted in the journal makes this commit wait, even when it only gives an answer again: what it was read from
# may have been cut off before the second server had it. A server that was promoted may be behind the place
# where the lost one was (`least`, which passes over a place that is null).
_ASKED = """
SELECT here.wanted, here.place, followers.there, followers.confirmed,
       CASE WHEN here.wanted AND %(notes)s THEN pg_logical_emit_message(true, 'custody', '') END
FROM (SELECT NOT pg_is_in_recovery() AND current_setting('synchronous_standby_names') <> '' AS wanted,
             CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_current_wal_flush_lsn()::text END AS place) AS here,
     LATERAL (SELECT count(*) > 0 AS there, coalesce(bool_or(flush_lsn >= least(%(until)s::pg_lsn, here.place::pg_lsn)), false) AS confirmed
              FROM pg_stat_get_wal_senders() WHERE sync_state IN ('sync', 'quorum') AND state = 'streaming') AS followers
"""


class Standby:
    """What this process knows of the second server. Used under the lock alone."""

    def __init__(self) -> None:
        # How far it did not come in time, and has to come before anything is written.
        self._until: str | None = None
        self._was_cut_off = False

    def check(self, connection: Connection) -> None:
        """Raises NotKeptError when a second server is asked for and none follows, or the one that does confirms nothing."""
        wanted, place, there, confirmed = _asked(connection, self._until, notes=True)
        if wanted and there and not confirmed and self._until is None and not self._was_cut_off:
            confirmed = confirms(connection, place)
        if not wanted or confirmed:
            self._until, self._was_cut_off = None, False
            return
        # The next one asks once and does not wait.
        if there:
            self._until = self._until or place
        raise NotKeptError(
            "the second database server does not follow the first, so nothing was recorded; call the administrator to start it",
            code="store_standby_gone",
        )

    def commit(self, connection: Connection) -> None:
        """Raises NotKeptError when the second server did not confirm in time; what the driver raises for all else."""
        from custody.store.answering import Answering  # noqa: PLC0415 - an installation on SQLite needs no driver of PostgreSQL

        driver = connection.connection.driver_connection
        assert isinstance(driver, Answering)
        warned: list[str] = []

        def hear(said: psycopg.errors.Diagnostic) -> None:
            # Whoever ends the wait, the server warns, and then says that it has committed. The words are gone once this has returned.
            if said.severity_nonlocalized == "WARNING":
                warned.append(said.message_primary or "")

        driver.add_notice_handler(hear)
        try:
            was_cut_off = _committed(driver)
        finally:
            driver.remove_notice_handler(hear)
        if not was_cut_off and not warned:
            return
        log.error("a commit is not acknowledged: %s", "; ".join(warned) or "it took too long")
        self._was_cut_off = True
        # The request that cuts off may still arrive, and would end whatever is asked next.
        connection.invalidate()
        raise NotKeptError(
            "the second database server did not confirm this in time, so it does not count as recorded; send the same again "
            "when it follows, then it stands there once, and call the administrator",
            code="store_not_copied",
        )


def is_wanted(connection: Connection) -> bool:
    """Whether this server waits for a second one at each commit."""
    return bool(_asked(connection, None)[0])


def confirms(connection: Connection, place: str | None = None) -> bool:
    """Whether a second server has on its disk what this one has (up to `place` in its journal), or will have within CONFIRMS_WITHIN_S."""
    ends = time.monotonic() + CONFIRMS_WITHIN_S
    while True:
        _, here, there, confirmed = _asked(connection, place)
        place = place or here
        if confirmed or not there or time.monotonic() >= ends:
            return confirmed
        time.sleep(_ASKED_AGAIN_AFTER_S)


def _asked(connection: Connection, until: str | None, *, notes: bool = False) -> tuple[bool, str | None, bool, bool]:
    cursor = connection.connection.cursor()
    cursor.execute(_ASKED, {"until": until, "notes": notes})
    [(wanted, place, there, confirmed, _)] = cursor.fetchall()
    cursor.close()
    return wanted, place, there, confirmed


def _committed(driver: Answering) -> bool:
    """Commits; whether its wait was cut off. Raises psycopg.Error when nothing was committed, or nobody knows."""
    import psycopg  # noqa: PLC0415 - see above

    way = driver.pgconn
    way.send_query(b"COMMIT")
    was_cut_off = False
    if not _answered(way, COMMIT_WAITS_AT_MOST_S):
        was_cut_off = True
        try:
            driver.cancel_safe(timeout=ANSWERS_WITHIN_S)
            answered = _answered(way, ANSWERS_WITHIN_S)
        except psycopg.Error:
            answered = False
        if not answered:
            way.finish()
            driver.hangs.note()
            raise psycopg.OperationalError("the server did not answer a commit, nor a request to end it")
    said = way.get_result()
    while way.get_result() is not None:
        """Nothing follows a commit but the end of the answer."""
    if said is None:
        raise psycopg.OperationalError("the server ended a commit without a word")
    if said.status != psycopg.pq.ExecStatus.COMMAND_OK:
        raise psycopg.errors.error_from_result(said)
    if said.command_status != b"COMMIT":
        raise psycopg.OperationalError("the server took back what was to be committed, for a statement before had failed")
    return was_cut_off


def _answered(way: psycopg.pq.abc.PGconn, within_s: float) -> bool:
    ends = time.monotonic() + within_s
    ready = select.poll()
    while True:
        # What was sent may wait in the driver, and is sent on while waiting.
        more_to_send = way.flush()
        if not way.is_busy():
            return True
        ready.register(way.socket, select.POLLIN | (select.POLLOUT if more_to_send else 0))
        left_s = ends - time.monotonic()
        if left_s <= 0 or not ready.poll(left_s * 1000):
            return False
        way.consume_input()
