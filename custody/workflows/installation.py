"""What this installation runs on, for those who keep it: made, brought up to date, looked over, and never served by the wrong role."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from sqlalchemy import URL, make_url

from custody.config import Config
from custody.errors import InputError
from custody.store.conditions import OVER_A_NETWORK, SQLITE_REPAIRED, Condition, conditions, file_system_of
from custody.store.copying import copy_all
from custody.store.roles import changes_allowed
from custody.store.sqlite import BYTES_BETWEEN_COPIES, Sqlite
from custody.workflows import door
from custody.workflows.door import SchemaState, Store, kept_or_refused, open_answering, open_ready, open_store

__all__ = ["Condition", "SqliteSeen", "bring_up_to_date", "check_place", "check_role", "copy_to", "look_over", "sqlite_seen"]

ROOM_TO_START = 2 * BYTES_BETWEEN_COPIES
"""Bytes: the journal before it is copied back, and what is copied."""


@dataclass(frozen=True)
class SqliteSeen:
    """The version of the SQLite library in use, and whether it still has the fault that `SQLITE_REPAIRED` ended."""

    version: str
    is_repaired: bool


def sqlite_seen(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> SqliteSeen:
    return SqliteSeen(".".join(map(str, version)), version >= SQLITE_REPAIRED)


def bring_up_to_date(config: Config) -> SchemaState:
    """Make or update the tables, as their owner where one is named; what they were before.

    Raises InputError for a store of a newer version, or an owner of another database.
    """
    server, owner = make_url(open_store(config.database_url).url), config.owner_url
    if owner:
        owning = make_url(open_store(owner).url)
        if _without_role(owning) != _without_role(server):
            what = "CUSTODY_DATABASE_OWNER_URL names another database than CUSTODY_DATABASE_URL; they differ in the role alone"
            raise InputError(what, code="owner_elsewhere")
        if owning.username == server.username or not server.username:
            what = "CUSTODY_DATABASE_OWNER_URL and CUSTODY_DATABASE_URL name one role; give the server a role of its own"
            raise InputError(what, code="owner_is_server")
    store, before = open_answering(owner or config.database_url)
    with closing(store):
        door.upgrade(store, server_role=server.username if owner else None)
    return before


def copy_to(config: Config, url: str, on_rows: Callable[[int, int], None] | None = None) -> int:
    """The whole record into an empty database, with the role of its owner where it is PostgreSQL; how many entries.

    Raises as `custody.store.copying.copy_all`.
    """
    source, (target, _) = open_ready(config.database_url), open_answering(url)
    with closing(source), closing(target), kept_or_refused():
        return copy_all(source, target, on_rows)


def _without_role(url: URL) -> tuple[object, ...]:
    return url.host, url.port, url.database, url.query


def check_place(url: str) -> None:
    """Raises InputError when the file of a store lies over a network, or on a disk that is full. Touches nothing."""
    database = open_store(url).database
    if not isinstance(database, Sqlite):
        return
    kind = file_system_of(database.path)
    if kind in OVER_A_NETWORK:
        raise InputError(
            f"{database.path} lies on a file system of another machine ({kind}), where two servers can damage it; "
            "move it to a disk of this machine, or use PostgreSQL",
            code="file_over_network",
        )
    free = os.statvfs(database.path.parent)
    room = free.f_bavail * free.f_frsize
    if room < ROOM_TO_START:
        raise InputError(
            f"the disk of {database.path.parent} is full ({room // 2**20} MB are left, a server needs {ROOM_TO_START // 2**20}); make room",
            code="disk_full_at_start",
        )


def check_role(store: Store) -> None:
    """Raises InputError when a server would use a role of PostgreSQL that can change what was recorded."""
    if store.url.startswith("sqlite"):
        return
    with kept_or_refused(), store.reading() as connection:
        allowed = changes_allowed(connection)
    if allowed:
        raise InputError(
            f"the server may not use a database role that can change what was recorded ({allowed[0]}); "
            "name another role in CUSTODY_DATABASE_URL, its owner in CUSTODY_DATABASE_OWNER_URL, and run `custody db upgrade`",
            code="role_owns_tables",
        )


def look_over(url: str, *, wants_standby: bool) -> tuple[Condition, ...]:
    """What the database at `url` is like, whatever its tables. Raises InputError when it cannot be opened."""
    store, _ = open_answering(url)
    with closing(store), kept_or_refused():
        return conditions(store, wants_standby=wants_standby)
