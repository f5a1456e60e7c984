"""The ledger in the database: append acts, lock and read streams. One unit of work is one transaction of the store."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from custody.domain.dossier import Entry
from custody.ledger.leaves import SALT_SIZE
from custody.ledger.streams import GENESIS, entry_digest
from custody.store import log, lookup_rows
from custody.store.ahead import ahead_of
from custody.store.envelope import NewEntry, Row, entry_of, fields_of, text_of
from custody.store.envelope_text import Told
from custody.store.heads import come_since, heads, read_heads
from custody.store.loading import (
    forget_decoded,
    forgotten_until,
    grown_since,
    load_evidence,
    load_streams,
    proven_streams,
    reading_of,
)
from custody.store.log import size
from custody.store.proven import proved_here
from custody.store.single_entries import entry_by_digest, newest_of
from custody.store.statements import Prepared, inserted, sent_together, upserted
from custody.store.tables import entry, stream_head
from custody.store.watch import note_written, view_of

__all__ = [
    "NewEntry",
    "append",
    "come_since",
    "entry_by_digest",
    "forget_decoded",
    "forgotten_until",
    "grown_since",
    "heads",
    "is_another_time",
    "keep",
    "last_recorded_at",
    "load_evidence",
    "load_streams",
    "newest_of",
    "proven_streams",
    "reading_of",
    "size",
]

CLOCK_MOVES_AT_MOST = timedelta(seconds=1)
"""Entries of others that are this little younger than the newest one seen cannot change a comparison with the clock, which allows more."""
A_MOMENT = timedelta(microseconds=1)
_INSERT_ENTRY = inserted(entry)
_SET_HEAD = upserted(stream_head, "stream")
_LAST_RECORDED_AT = Prepared(select(entry.c.recorded_at).order_by(entry.c.id.desc()).limit(1))


def append(connection: Connection, new: Sequence[NewEntry], *, recorded_at: datetime, begins_anew: bool = False) -> tuple[Entry, ...]:
    """Write acts to the ends of their streams, in the order given, with heads, log and lookups; returns the entries.

    Times of recording do not run backwards along the log, but for less than a second between works that were done ahead of the lock at the
    same moment (CLOCK_MOVES_AT_MOST): by a clock that was set back an entry is recorded a moment after the newest one, and that clock's own
    time stands in it as when it happened. So the newest entry alone shows how late the record knows it to be.
    `begins_anew`: people have signed that the clock is right and the record was ahead, so these entries bear its time.
    Raises InputError when an act holds something that cannot be kept. The caller's transaction makes it all or nothing.
    """
    if not new:
        return ()
    if not begins_anew:
        recorded_at = _not_before_the_newest(connection, recorded_at)
    rows = _rows(connection, new, recorded_at)
    written = tuple(
        entry_of(each, position=row["position"], digest=row["digest"], recorded_at=recorded_at) for each, row in zip(new, rows, strict=True)
    )
    ahead = ahead_of(connection)
    if ahead is None:
        keep(connection, rows)
    else:
        ahead.rows.extend(rows)
        ahead.written.extend(written)
    _add_to_what_is_proved(connection, rows, written)
    return written


def keep(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows that continue their streams, and give them their numbers in the log. Under the lock only."""
    note_written(connection)
    first, stored = log.end_of(connection)
    for number, row in enumerate(rows, first + 1):
        # The log grows in the same commit, so the place in it can be the row's own number.
        row["id"] = number
    with sent_together(connection):
        _INSERT_ENTRY.run(connection, rows)
        ends = {row["stream"]: row for row in rows}
        _SET_HEAD.run(connection, [{name: row[name] for name in ("stream", "position", "digest")} for row in ends.values()])
        log.append_leaves(
            connection, first, stored, [(row["id"], row["salt"], row["stream"], row["position"], row["digest"]) for row in rows]
        )
        lookup_rows.enter(connection, [Told(row["id"], row["stream"], row["act"], row["envelope"]) for row in rows])


def _rows(connection: Connection, new: Sequence[NewEntry], recorded_at: datetime) -> list[dict[str, Any]]:
    ends = _ends(connection, {each.act.subject.key for each in new})
    rows: list[dict[str, Any]] = []
    for each in new:
        position, previous = ends.get(each.act.subject.key, (0, GENESIS))
        fields = fields_of(each, position=position + 1, previous=previous, recorded_at=recorded_at)
        row = _row(each, fields, previous)
        ends[row["stream"]] = (position + 1, row["digest"])
        rows.append(row)
    return rows


def _ends(connection: Connection, streams: Iterable[str]) -> dict[str, tuple[int, bytes]]:
    """Where streams end, as the database says; ahead of the lock, as this work has left them."""
    ahead = ahead_of(connection)
    if ahead is None:
        return read_heads(connection, streams)
    unwritten = {row["stream"]: (row["position"], row["digest"]) for row in ahead.rows}
    here = proved_here(connection)
    found = {stream: (here[stream].position, here[stream].digest) for stream in streams if stream in here and here[stream].position}
    return {
        **read_heads(connection, [stream for stream in streams if stream not in unwritten and stream not in found]),
        **found,
        **unwritten,
    }


def _add_to_what_is_proved(connection: Connection, rows: Sequence[Mapping[str, Any]], written: tuple[Entry, ...]) -> None:
    """What this transaction proved of a stream grows with what it writes there."""
    here = proved_here(connection)
    for row, each in zip(rows, written, strict=True):
        if each.stream in here:
            stored = tuple(row[name] for name in Row._fields)
            here[each.stream] = here[each.stream].grown([stored], [None if each.act.rule.evidence else each])


def last_recorded_at(connection: Connection) -> datetime | None:
    """When the newest entry was recorded; None in an empty ledger."""
    view = view_of(connection)
    if view.is_followed:
        text = view.newest_at
    else:
        found = _LAST_RECORDED_AT.one(connection)
        text = None if found is None else found[0]
    ahead = ahead_of(connection)
    if ahead is not None:
        ahead.has_compared_clocks = True
    return None if text is None else datetime.fromisoformat(text)


def _not_before_the_newest(connection: Connection, at: datetime) -> datetime:
    newest = last_recorded_at(connection)
    ahead = ahead_of(connection)
    if ahead is not None and ahead.written:
        newest = ahead.written[-1].recorded_at
    return at if newest is None or at >= newest else newest.astimezone(at.tzinfo) + A_MOMENT


def is_another_time(recorded_at: str, seen: str | None) -> bool:
    """Whether an entry of others, recorded since (ISO text), could change what a clock was compared with: later, or begun anew."""
    return seen is None or abs(datetime.fromisoformat(recorded_at) - datetime.fromisoformat(seen)) >= CLOCK_MOVES_AT_MOST


def _row(new: NewEntry, fields: dict[str, Any], previous: bytes) -> dict[str, Any]:
    envelope = text_of(fields)
    return {
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
