"""What this installation runs on, for those who keep it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

SQLITE_REPAIRED = (3, 51, 3)
"""Before it a checkpoint that races another connection's commit can damage the file; ours run under the store's own lock."""


@dataclass(frozen=True)
class SqliteSeen:
    """The version of the SQLite library in use, and whether it still has the fault above."""

    version: str
    is_repaired: bool


def sqlite_seen(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> SqliteSeen:
    return SqliteSeen(".".join(map(str, version)), version >= SQLITE_REPAIRED)
