"""How far each stream is written, and whether one has grown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import cast

from sqlalchemy import Connection, bindparam, select

from custody.domain.dossier import Head
from custody.domain.ids import Digest
from custody.errors import LedgerBrokenError
from custody.store import postgresql
from custody.store.ahead import ahead_of, refuse_ahead
from custody.store.envelope import broken
from custody.store.proven import proved_here
from custody.store.statements import Prepared, PreparedIn
from custody.store.tables import entry, stream_head

_columns = entry.c
_HEADS = PreparedIn(
    lambda among: select(stream_head.c.stream, stream_head.c.position, stream_head.c.digest).where(among(stream_head.c.stream))
)
_HEADLESS = PreparedIn(lambda among: select(_columns.stream, _columns.position).where(among(_columns.stream)).limit(1))
_SINCE = Prepared(select(_columns.stream, _columns.recorded_at).where(_columns.id > bindparam("number_before")).order_by(_columns.id))


def read_heads(connection: Connection, streams: Iterable[str]) -> dict[str, tuple[int, bytes]]:
    """Position and digest of the last entry, by stream; a stream without entries is absent.

    Raises LedgerBrokenError when a stream has entries and no head.
    """
    wanted = list(dict.fromkeys(streams))
    found = {stream: (position, digest) for stream, position, digest in _HEADS.rows(connection, wanted)}
    note_read(connection, wanted)
    missing = [stream for stream in wanted if stream not in found]
    if missing:
        for stream, position in _HEADLESS.rows(connection, missing):
            raise broken(stream, position, "its stream has no head")
    return found


def note_read(connection: Connection, streams: Iterable[str]) -> None:
    """Work ahead of the lock rests on where these streams end."""
    ahead = ahead_of(connection)
    if ahead is not None:
        ahead.streams.update(streams)


def come_since(connection: Connection, size: int) -> list[tuple[str, str]]:
    """Stream and time of recording (ISO text) of each entry after the first `size`. SQLite only: there the log is written in the commit."""
    return cast("list[tuple[str, str]]", _SINCE.rows(connection, number_before=size))


def heads(connection: Connection, streams: Iterable[str]) -> dict[str, Head]:
    """How far each stream is written; a stream without entries is absent."""
    here = proved_here(connection)
    found = {stream: here[stream].head for stream in streams if stream in here}
    others = [stream for stream in streams if stream not in here]
    if others:
        # What work ahead of the lock wrote is only seen in streams that it proves.
        ahead = ahead_of(connection)
        if ahead is not None and any(each.stream in others for each in ahead.written):
            refuse_ahead(connection)
        read = read_heads(connection, others)
        found.update({stream: Head(position, Digest(digest.hex())) for stream, (position, digest) in read.items()})
    return {stream: head for stream, head in found.items() if head is not None}


@contextmanager
def readable(connection: Connection) -> Iterator[None]:
    """A database that cannot give its rows back is a broken record."""
    try:
        yield
    except connection.dialect.loaded_dbapi.Error as error:
        if postgresql.fault_of(error) is not None:
            raise
        raise LedgerBrokenError(f"the record cannot be read: {error}") from error
