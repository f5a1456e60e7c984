"""Whether the database under custody keeps what custody promises: its settings, its roles, its copies and its known faults."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection, text

from custody.store import guards, roles, schema, standby
from custody.store.connection import Store
from custody.store.sqlite import Sqlite

SQLITE_REPAIRED = (3, 51, 3)
"""Before it a checkpoint that races another connection's commit can damage the file; ours run under the store's own lock."""
POSTGRESQL_LEAST = 150_000
OVER_A_NETWORK = frozenset({"9p", "afs", "ceph", "cifs", "fuse.sshfs", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3", "smbfs"})
"""File systems that SQLite's locks and custody's own cannot be trusted on (sqlite.org, "How To Corrupt An SQLite Database File", 2.1)."""
State = Literal["good", "note", "bad"]


@dataclass(frozen=True)
class Condition:
    """`seen` where something else is wanted is `bad`, or only to be known (`note`); `remedy` says what to do then."""

    name: str
    seen: str
    state: State = "good"
    remedy: str = ""


def conditions(store: Store, *, wants_standby: bool = False) -> tuple[Condition, ...]:
    """What this database is like. `wants_standby`: each commit must lie on a second server too before it counts."""
    database = store.database
    if isinstance(database, Sqlite):
        return (*_of_file(database.path), *_of_sqlite(store))
    with store.reading() as connection:
        return (*_of_postgresql(connection, wants_standby=wants_standby), *_of_tables(store, connection))


def file_system_of(path: Path, mounts: str | None = None) -> str:
    """The kind of file system a file lies on, as /proc/mounts names it; empty where that cannot be known."""
    try:
        lines = (Path("/proc/mounts").read_text(encoding="utf-8") if mounts is None else mounts).splitlines()
    except OSError:
        return ""
    place = str(path.resolve())
    found = ("", "")
    for line in lines:
        _, at, kind = line.split(" ")[:3]
        at = at.replace("\\040", " ")
        inside = place == at or place.startswith(at.rstrip("/") + "/")
        # Of two mounts on one place the later hides the earlier.
        if inside and len(at) >= len(found[0]):
            found = (at, kind)
    return found[1]


def _of_file(path: Path) -> Iterator[Condition]:
    kind = file_system_of(path)
    yield _one("file system", kind or "not known", kind not in OVER_A_NETWORK, "move the file to a disk of this machine, or use PostgreSQL")
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
    yield _one("who may read the file", f"{mode:o}", not mode & 0o077, f"chmod 600 {path}")
    free = os.statvfs(path.parent)
    yield _one("room on its disk", f"{free.f_bavail * free.f_frsize // 2**20} MB", free.f_bavail * free.f_frsize > 2**28, "make room")


def _of_sqlite(store: Store) -> Iterator[Condition]:
    version = sqlite3.sqlite_version_info
    known = "" if version >= SQLITE_REPAIRED else "from 3.51.3 on a fault of its journal is mended; custody works around it"
    yield Condition("SQLite", ".".join(map(str, version)), "note" if known else "good", known)
    with store.reading() as connection:
        for name, wanted in (("journal_mode", "wal"), ("synchronous", "2"), ("foreign_keys", "1")):
            seen = str(connection.exec_driver_sql(f"PRAGMA {name}").scalar())
            yield _one(name, seen, seen == wanted, f"this is not the file that custody opened: it asks for {wanted}")
        yield from _of_tables(store, connection)


def _of_tables(store: Store, connection: Connection) -> Iterator[Condition]:
    state = schema.schema_state(store)
    remedy = "install the custody that wrote it, or a later one" if state == "newer" else "run `custody db upgrade`"
    yield _one("tables", state, state == "current", remedy)
    if state == "current":
        difference = guards.first_difference(connection)
        yield _one("triggers", difference or "in place", difference is None, "find out who changed the database, then restore it")


def _of_postgresql(connection: Connection, *, wants_standby: bool) -> Iterator[Condition]:
    def setting(name: str) -> str:
        return str(connection.execute(text("SELECT current_setting(:name)"), {"name": name}).scalar_one())

    number = int(setting("server_version_num"))
    yield _one("PostgreSQL", setting("server_version"), number >= POSTGRESQL_LEAST, "use PostgreSQL 15 or later")
    yield _one("encoding", setting("server_encoding"), setting("server_encoding") == "UTF8", "make the database anew with ENCODING 'UTF8'")
    for name, why in (
        ("fsync", "without it a power cut loses acknowledged acts"),
        ("full_page_writes", "without it a power cut can tear a page"),
    ):
        yield _one(name, setting(name), setting(name) == "on", f"{why}; set {name} = on")
    commit = setting("synchronous_commit")
    yield _one("synchronous_commit", commit, commit in {"on", "remote_apply"}, "set synchronous_commit = on")
    sums = setting("data_checksums")
    yield Condition(
        "data checksums", sums, "good" if sums == "on" else "note", "" if sums == "on" else "pg_checksums --enable finds bad disks"
    )
    yield from _of_standby(connection, setting("synchronous_standby_names"), wants_standby=wants_standby)
    allowed = roles.changes_allowed(connection)
    role = str(connection.execute(text("SELECT current_user")).scalar_one())
    seen = f"{role} may {allowed[0]}" if allowed else f"{role} may add, and change nothing"
    yield _one(
        "role of the server", seen, not allowed, "name another role in CUSTODY_DATABASE_URL, its owner in CUSTODY_DATABASE_OWNER_URL"
    )


def _of_standby(connection: Connection, names: str, *, wants_standby: bool) -> Iterator[Condition]:
    if not names:
        seen, remedy = "none is named", "name it in synchronous_standby_names, so that no commit lies on one disk alone"
        yield Condition("standby", seen, "bad" if wants_standby else "note", remedy)
        return
    counted = text("SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum') AND state = 'streaming'")
    there = int(connection.execute(counted).scalar_one())
    if there and not standby.confirms(connection):
        yield _one("standby", f"{names}: {there} follow and confirm nothing", False, "look after it: until then no act can be recorded")
        return
    yield _one("standby", f"{names}: {there} follow", there > 0, "start it: until then no act can be recorded")


def _one(name: str, seen: str, is_good: bool, remedy: str) -> Condition:
    return Condition(name, seen) if is_good else Condition(name, seen, "bad", remedy)
