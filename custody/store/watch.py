"""Notices when the database changed and the ledger did not grow: then nothing that was read before counts as read any more.

Every commit of an act makes the ledger longer. A change that does not - somebody's session, or somebody's hand in the file - makes all
streams be read again from their stored bytes. What hides between two acts of others is read again a second later.
"""

from __future__ import annotations

import threading
import time

from sqlalchemy import Connection, select

from custody.store.statements import Prepared
from custody.store.tables import leaf

READ_AGAIN_AFTER_S = 1.0
"""How old, in seconds, the last reading of a stream's bytes may be while its head stands and the ledger grows."""
_SIZE = Prepared(select(leaf.c.number).order_by(leaf.c.number.desc()).limit(1))
_KEY = "custody_seen"


class Watch:
    """What this process saw of each store, connection by connection. Safe between threads."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._since: dict[str, float] = {}

    def oldest_allowed(self, connection: Connection) -> float:
        """Readings (monotonic seconds) older than this no longer count. Call it in a transaction, before anything else is read."""
        now = time.monotonic()
        store = str(connection.get_execution_options().get("custody_store", ""))
        state = _state(connection)
        if state is None:
            return now
        info = connection.connection.info
        seen, info[_KEY] = info.get(_KEY), state
        changed_alone = seen is None or (seen[0] != state[0] and seen[1] == state[1])
        with self._guard:
            if changed_alone or store not in self._since:
                self._since[store] = now
            return max(self._since[store], now - READ_AGAIN_AFTER_S)


def _state(connection: Connection) -> tuple[int, int] | None:
    """The database's own mark of change by other connections, and the length of the ledger; None where there is no such mark."""
    if connection.dialect.name != "sqlite":
        return None
    cursor = connection.connection.cursor()
    version = cursor.execute("PRAGMA data_version").fetchone()[0]
    cursor.close()
    newest = _SIZE.one(connection)
    return int(version), -1 if newest is None else int(newest[0])
