"""The ledger in the database: append acts, lock and read streams. One unit of work is one transaction of the store."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from custody.domain.dossier import Entry
from custody.ledger.leaves import SALT_SIZE
from custody.ledger.streams import GENESIS, entry_digest
from custody.store import log, lookup_rows
from custody.store.envelope import NewEntry, entry_of, fields_of, text_of
from custody.store.envelope_text import Told
from custody.store.loading import entry_by_digest, forget_decoded, heads, load_evidence, load_streams, newest_of, read_heads
from custody.store.log import size
from custody.store.proven import proved_here
from custody.store.statements import Prepared, inserted, upserted
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
    "newest_of",
    "size",
]

_INSERT_ENTRY = inserted(entry)
_SET_HEAD = upserted(stream_head, "stream")
_LAST_RECORDED_AT = Prepared(select(entry.c.recorded_at).order_by(entry.c.id.desc()).limit(1))


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
    ends = read_heads(connection, {each.act.subject.key for each in new})
    first = log.size(connection)
    rows: list[dict[str, Any]] = []
    told: list[Told] = []
    for each in new:
        position, previous = ends.get(each.act.subject.key, (0, GENESIS))
        fields = fields_of(each, position=position + 1, previous=previous, recorded_at=recorded_at)
        # On SQLite the log is sequenced in the same commit, so the place in it can be the row's own number.
        row = _row(each, first + len(rows) + 1, fields, previous)
        ends[row["stream"]] = (position + 1, row["digest"])
        rows.append(row)
        told.append(Told(row["id"], row["stream"], row["act"], row["envelope"].encode()))
    _INSERT_ENTRY.run(connection, rows)
    touched = dict.fromkeys(row["stream"] for row in rows)
    _SET_HEAD.run(connection, [{"stream": stream, "position": ends[stream][0], "digest": ends[stream][1]} for stream in touched])
    log.append_leaves(connection, first, [(row["id"], row["salt"], row["stream"], row["position"], row["digest"]) for row in rows])
    lookup_rows.enter(connection, told)
    written = tuple(
        entry_of(each, position=row["position"], digest=row["digest"], recorded_at=recorded_at) for each, row in zip(new, rows, strict=True)
    )
    _add_to_what_is_proved(connection, written)
    return written


def _add_to_what_is_proved(connection: Connection, written: tuple[Entry, ...]) -> None:
    """What this transaction proved of a stream grows with what it writes there."""
    here = proved_here(connection)
    for each in written:
        if each.stream in here:
            digest = bytes.fromhex(each.digest.value)
            here[each.stream] = here[each.stream].with_new(digest, each, evidence=each.act.rule.evidence)


def last_recorded_at(connection: Connection) -> datetime | None:
    """When the newest entry was recorded; None in an empty ledger."""
    found = _LAST_RECORDED_AT.one(connection)
    return None if found is None else datetime.fromisoformat(found[0])


def _row(new: NewEntry, number: int, fields: dict[str, Any], previous: bytes) -> dict[str, Any]:
    envelope = text_of(fields)
    return {
        "id": number,
        "stream": fields["stream"],
        "position": fields["position"],
        "act": fields["act"],
        "evidence": int(new.act.rule.evidence),
        "site": fields["site"],
        "study": fields["study"],
        "recorded_at": fields["recorded_at"],
        "previous": previous,
        "digest": entry_digest(previous, envelope.encode()),
        "salt": secrets.token_bytes(SALT_SIZE),
        "envelope": envelope,
    }
