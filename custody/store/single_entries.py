"""Reads one entry by itself: by its digest, or the newest of one kind in a stream; its own bytes are hashed each time."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select

from custody.domain.acts import ACTS
from custody.domain.dossier import Entry
from custody.domain.ids import Digest
from custody.store.ahead import ahead_of
from custody.store.envelope import Row, decoded
from custody.store.heads import read_heads, readable
from custody.store.proven import proved_here
from custody.store.statements import Prepared
from custody.store.stream_rows import ROW, check_digest
from custody.store.tables import entry

_columns = entry.c
_NEWEST_OF = Prepared(
    select(*ROW)
    .where(_columns.stream == bindparam("stream_wanted"), _columns.act == bindparam("act_wanted"))
    .order_by(_columns.position.desc())
    .limit(1)
)
_BY_DIGEST = Prepared(select(*ROW).where(_columns.digest == bindparam("digest_wanted")))


def entry_by_digest(connection: Connection, digest: Digest) -> Entry | None:
    """The entry with this digest, its own bytes hashed again; None when there is none."""
    with readable(connection):
        found = _BY_DIGEST.one(connection, digest_wanted=bytes.fromhex(digest.value))
    return None if found is None else _one(Row(*found))


def newest_of(connection: Connection, stream: str, act: str) -> Entry | None:
    """The newest entry of one kind of act in a stream, evidence too, its own bytes hashed; None when there is none."""
    ahead = ahead_of(connection)
    if ahead is not None:
        unwritten = ahead.newest(stream, act)
        if unwritten is not None:
            return unwritten
    proved = proved_here(connection).get(stream)
    if proved is not None and ACTS[act].evidence:
        known = next((row for row in reversed(proved.evidence.values()) if row[2] == act), None)
        if known is None:
            return None
        if known[8] in _READ:
            # Proved in this very transaction to be the row that was hashed and read before.
            return _READ[known[8]][1]
    elif ahead is not None:
        read_heads(connection, [stream])
    with readable(connection):
        found = _NEWEST_OF.one(connection, stream_wanted=stream, act_wanted=act)
    return None if found is None else _one(Row(*found))


def _one(row: Row) -> Entry:
    """A row by itself: hashed again each time, read into an act once."""
    check_digest(row)
    known = _READ.get(row.digest)
    if known is None or known[0] != row:
        known = _READ[row.digest] = (row, decoded(row))
        if len(_READ) > ROWS_READ_MAX:
            _READ.pop(next(iter(_READ)), None)
    return known[1]


_READ: dict[bytes, tuple[Row, Entry]] = {}
ROWS_READ_MAX = 512
