"""The ledger in the database: append acts, lock and read streams. One unit of work is one transaction of the store."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from custody.domain.dossier import Entry
from custody.errors import InputError
from custody.ledger.leaves import SALT_SIZE
from custody.ledger.streams import GENESIS, entry_digest
from custody.store import log, lookups
from custody.store.envelope import NewEntry, entry_of, envelope_of, iso
from custody.store.loading import entry_by_digest, forget_decoded, heads, load_evidence, load_streams, read_heads
from custody.store.log import size
from custody.store.tables import entry, stream_head

__all__ = [
    "NewEntry",
    "append",
    "entry_by_digest",
    "forget_decoded",
    "heads",
    "last_recorded_at",
    "load_evidence",
    "load_streams",
    "lock_streams",
    "size",
]

_INSERT_ENTRY = insert(entry)
_upsert = sqlite_insert(stream_head)
_SET_HEAD = _upsert.on_conflict_do_update(
    index_elements=["stream"], set_={"position": _upsert.excluded.position, "digest": _upsert.excluded.digest}
)
_LAST_RECORDED_AT = select(entry.c.recorded_at).order_by(entry.c.id.desc()).limit(1)


def lock_streams(connection: Connection, write: Iterable[str], share: Iterable[str]) -> None:
    """Keep others from writing to `write`, and to `share` while it is relied on, until the transaction ends.

    Always in sorted order, so that two of these never wait for each other. On SQLite the transaction of
    `Store.writing` already keeps everybody else out; PostgreSQL locks the heads here.
    """
    if connection.dialect.name == "sqlite":
        return
    written = sorted(set(write))
    for stream in sorted({*written, *share}):
        locked = select(stream_head.c.position).where(stream_head.c.stream == stream)
        connection.execute(locked.with_for_update(read=stream not in written))


def append(connection: Connection, new: Sequence[NewEntry], *, recorded_at: datetime) -> tuple[Entry, ...]:
    """Write acts to the ends of their streams, in the order given, with heads, log and lookups; returns the entries.

    Raises InputError when an act holds something that cannot be kept. The caller's transaction makes it all or nothing.
    """
    if not new:
        return ()
    ends = {stream: end for stream, end in read_heads(connection, {each.act.subject.key for each in new}).items()}
    first = log.size(connection)
    rows: list[dict[str, Any]] = []
    written: list[Entry] = []
    for number, each in enumerate(new):
        stream = each.act.subject.key
        position, previous = ends.get(stream, (0, GENESIS))
        row = _row(each, first + number, position + 1, previous, recorded_at)
        ends[stream] = (position + 1, row["digest"])
        rows.append(row)
        written.append(entry_of(each, position=position + 1, digest=row["digest"], recorded_at=recorded_at))
    connection.execute(_INSERT_ENTRY, rows)
    touched = dict.fromkeys(each.stream for each in written)
    connection.execute(_SET_HEAD, [{"stream": stream, "position": ends[stream][0], "digest": ends[stream][1]} for stream in touched])
    log.append_leaves(connection, first, [(row["id"], row["salt"], row["stream"], row["position"], row["digest"]) for row in rows])
    lookups.enter(connection, rows)
    return tuple(written)


def last_recorded_at(connection: Connection) -> datetime | None:
    """When the newest entry was recorded; None in an empty ledger."""
    found = connection.execute(_LAST_RECORDED_AT).scalar()
    return None if found is None else datetime.fromisoformat(found)


def _row(new: NewEntry, number: int, position: int, previous: bytes, recorded_at: datetime) -> dict[str, Any]:
    envelope = envelope_of(new, position=position, previous=previous, recorded_at=recorded_at)
    return {
        # On SQLite the log is sequenced in the same commit, so the place in it can be the row's own number.
        "id": number + 1,
        "stream": new.act.subject.key,
        "position": position,
        "act": new.act.rule.name,
        "evidence": int(new.act.rule.evidence),
        "site": new.by.site.value,
        "study": new.study.value if new.study else None,
        "recorded_at": iso(recorded_at),
        "previous": previous,
        "digest": entry_digest(previous, envelope.encode()),
        "salt": secrets.token_bytes(SALT_SIZE),
        "envelope": envelope,
    }
