"""The stored rows of streams, as the database gives them."""

from __future__ import annotations

from operator import itemgetter

from sqlalchemy import Connection, bindparam, literal_column, select, union_all

from custody.errors import InputError
from custody.ledger.streams import entry_digest
from custody.store.envelope import Row, broken
from custody.store.proven import Stored
from custody.store.statements import Prepared, PreparedIn
from custody.store.tables import entry, stream_head

# Evidence younger than this many entries is read and hashed every time, as everything else is.
FRESH_EVIDENCE = 100

_columns = entry.c
ROW = (
    _columns.stream,
    _columns.position,
    _columns.act,
    _columns.evidence,
    _columns.site,
    _columns.study,
    _columns.recorded_at,
    _columns.previous,
    _columns.digest,
    _columns.envelope,
)
ALL = PreparedIn(lambda among: select(*ROW).where(among(_columns.stream)))
RECENT = PreparedIn(
    lambda among: union_all(
        select(*ROW).where(among(_columns.stream), _columns.evidence == literal_column("0")),
        select(*ROW)
        .select_from(stream_head.join(entry, _columns.stream == stream_head.c.stream))
        .where(
            among(stream_head.c.stream),
            _columns.evidence == literal_column("1"),
            _columns.position > stream_head.c.position - FRESH_EVIDENCE,
        ),
    )
)
TAIL = Prepared(
    select(*ROW).where(_columns.stream == bindparam("stream_wanted"), _columns.position > bindparam("after")).order_by(_columns.position)
)


def rows_by_stream(connection: Connection, statement: PreparedIn, streams: list[str]) -> dict[str, list[Stored]]:
    """The rows of each of these streams, oldest first; no row where a stream has none."""
    groups: dict[str, list[Stored]] = {stream: [] for stream in streams}
    for found in statement.rows(connection, streams) if streams else ():
        if type(found[1]) is not int:
            raise broken(found[0], found[1], "its position is no number")
        groups[found[0]].append(found)
    for rows in groups.values():
        rows.sort(key=_position_of)
    return groups


_position_of = itemgetter(1)


def check_digest(row: Row) -> None:
    """Raises LedgerBrokenError where a row is not what was hashed."""
    try:
        computed = entry_digest(row.previous, row.envelope.encode())
    except (InputError, AttributeError, TypeError, ValueError) as error:
        raise broken(row.stream, row.position, f"its columns hold other kinds of values ({error})") from error
    if computed != row.digest:
        raise broken(row.stream, row.position, "its text is not what was recorded")
