"""Reads streams for the gates: every row a verdict rests on is hashed again from its stored bytes, each time.

What is remembered between two readings is only the decoding. A verdict never skips a row that gates read, nor the
newest rows of any kind; of older evidence (verdicts, sign-ins, refused scans) this process hashes each row once.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select, union_all

from custody.domain.dossier import Entry, Head
from custody.domain.ids import Digest
from custody.errors import InputError, LedgerBrokenError
from custody.ledger.streams import GENESIS, entry_digest
from custody.store.envelope import Row, broken, check_columns, decoded
from custody.store.statements import Prepared, PreparedIn
from custody.store.tables import entry, stream_head

# Evidence younger than this many entries is read and hashed every time, as everything else is.
FRESH_EVIDENCE = 100
ROWS_REMEMBERED_MAX = 100_000

_columns = entry.c
_ROW = (
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
_HEADS = PreparedIn(
    lambda among: select(stream_head.c.stream, stream_head.c.position, stream_head.c.digest).where(among(stream_head.c.stream))
)
_HEADLESS = PreparedIn(lambda among: select(_columns.stream, _columns.position).where(among(_columns.stream)).limit(1))
_ALL = PreparedIn(lambda among: select(*_ROW).where(among(_columns.stream)))
_RECENT = PreparedIn(
    lambda among: union_all(
        select(*_ROW).where(among(_columns.stream), _columns.evidence == 0),
        select(*_ROW)
        .select_from(stream_head.join(entry, _columns.stream == stream_head.c.stream))
        .where(among(stream_head.c.stream), _columns.evidence != 0, _columns.position > stream_head.c.position - FRESH_EVIDENCE),
    )
)
_NEWEST_OF = Prepared(
    select(*_ROW)
    .where(_columns.stream == bindparam("stream_wanted"), _columns.act == bindparam("act_wanted"))
    .order_by(_columns.position.desc())
    .limit(1)
)
_BY_DIGEST = Prepared(select(*_ROW).where(_columns.digest == bindparam("digest_wanted")))


class _Known(NamedTuple):
    """One row as this process proved it; `entry` is None for evidence."""

    digest: bytes
    columns: tuple[str, int, str, str | None, str]
    entry: Entry | None


class _Memory:
    """Proven rows by (store, stream), the least recently used stream forgotten first."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._streams: OrderedDict[tuple[str, str], tuple[_Known, ...]] = OrderedDict()
        self._rows = 0

    def get(self, key: tuple[str, str]) -> tuple[_Known, ...]:
        with self._guard:
            found = self._streams.get(key, ())
            if found:
                self._streams.move_to_end(key)
            return found

    def put(self, key: tuple[str, str], known: tuple[_Known, ...]) -> None:
        with self._guard:
            self._rows += len(known) - len(self._streams.pop(key, ()))
            self._streams[key] = known
            while self._rows > ROWS_REMEMBERED_MAX and len(self._streams) > 1:
                self._rows -= len(self._streams.popitem(last=False)[1])

    def forget(self) -> None:
        with self._guard:
            self._streams.clear()
            self._rows = 0


_MEMORY = _Memory()
forget_decoded = _MEMORY.forget


def read_heads(connection: Connection, streams: Iterable[str]) -> dict[str, tuple[int, bytes]]:
    """Position and digest of the last entry, by stream; a stream without entries is absent.

    Raises LedgerBrokenError when a stream has entries and no head.
    """
    wanted = list(dict.fromkeys(streams))
    found = {stream: (position, digest) for stream, position, digest in _HEADS.rows(connection, wanted)}
    missing = [stream for stream in wanted if stream not in found]
    if missing:
        for stream, position in _HEADLESS.rows(connection, missing):
            raise broken(stream, position, "its stream has no head")
    return found


def heads(connection: Connection, streams: Iterable[str]) -> dict[str, Head]:
    """How far each stream is written; a stream without entries is absent."""
    return {stream: Head(position, Digest(digest.hex())) for stream, (position, digest) in read_heads(connection, streams).items()}


def load_streams(connection: Connection, streams: Sequence[str]) -> dict[str, tuple[Entry, ...]]:
    """The entries that gates read, oldest first, by stream; a stream without any has an empty tuple.

    Raises LedgerBrokenError naming stream and position when a row differs from what was recorded.
    """
    with readable(connection):
        return _load(connection, list(dict.fromkeys(streams)))


def load_evidence(connection: Connection, stream: str) -> tuple[Entry, ...]:
    """All entries of one stream, evidence too, oldest first; proved as `load_streams` does."""
    with readable(connection):
        head = read_heads(connection, [stream]).get(stream)
        rows = _grouped(connection, _ALL, [stream])[stream]
    _prove(stream, head, rows, ())
    return tuple(decoded(row) for row in rows)


def entry_by_digest(connection: Connection, digest: Digest) -> Entry | None:
    """The entry with this digest, its own bytes hashed again; None when there is none."""
    with readable(connection):
        found = _BY_DIGEST.one(connection, digest_wanted=bytes.fromhex(digest.value))
    if found is None:
        return None
    row = Row(*found)
    _check_digest(row)
    return decoded(row)


def newest_of(connection: Connection, stream: str, act: str) -> Entry | None:
    """The newest entry of one kind of act in a stream, evidence too, its own bytes hashed again; None when there is none."""
    with readable(connection):
        found = _NEWEST_OF.one(connection, stream_wanted=stream, act_wanted=act)
    if found is None:
        return None
    row = Row(*found)
    _check_digest(row)
    return decoded(row)


@contextmanager
def readable(connection: Connection) -> Iterator[None]:
    """A database that cannot give its rows back is a broken record."""
    try:
        yield
    except connection.dialect.loaded_dbapi.Error as error:
        raise LedgerBrokenError(f"the record cannot be read: {error}") from error


def _load(connection: Connection, streams: list[str]) -> dict[str, tuple[Entry, ...]]:
    """What this transaction has proved already is not proved again: it holds the lock under which nobody else writes."""
    here = proved_here(connection)
    new = [stream for stream in streams if stream not in here]
    here.update(_prove_all(connection, new) if new else {})
    return {stream: here[stream] for stream in streams}


def proved_here(connection: Connection) -> dict[str, tuple[Entry, ...]]:
    """The streams that this writing transaction has read; a reader, who holds no lock, remembers nothing."""
    found: dict[str, tuple[Entry, ...]] | None = connection.get_execution_options().get(PROVED_HERE)
    return {} if found is None else found


PROVED_HERE = "custody_proved_here"


def _prove_all(connection: Connection, streams: list[str]) -> dict[str, tuple[Entry, ...]]:
    store = str(connection.get_execution_options().get("custody_store", ""))
    found_heads = read_heads(connection, streams)
    known = {stream: _MEMORY.get((store, stream)) for stream in streams}
    new = [s for s in streams if s in found_heads and len(known[s]) < found_heads[s][0] - FRESH_EVIDENCE]
    rows = _grouped(connection, _RECENT, [s for s in streams if s in found_heads and s not in new])
    rows.update(_grouped(connection, _ALL, new))
    answer = {}
    for stream in streams:
        head = found_heads.get(stream)
        try:
            proven = _prove(stream, head, rows.get(stream, []), known[stream])
        except LedgerBrokenError:
            # What was remembered may be of a transaction that was rolled back: only the stored rows decide.
            proven = _prove(stream, head, _grouped(connection, _ALL, [stream])[stream], ())
        if proven is not known[stream]:
            _MEMORY.put((store, stream), proven)
        answer[stream] = tuple(each.entry for each in proven if each.entry is not None)
    return answer


def _grouped(connection: Connection, statement: PreparedIn, streams: list[str]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {stream: [] for stream in streams}
    for found in statement.rows(connection, streams):
        row = Row(*found)
        if type(row.position) is not int:
            raise broken(row.stream, row.position, "its position is no number")
        groups[row.stream].append(row)
    for rows in groups.values():
        rows.sort(key=_position)
    return groups


_position = attrgetter("position")


def _prove(stream: str, head: tuple[int, bytes] | None, rows: list[Row], known: tuple[_Known, ...]) -> tuple[_Known, ...]:
    """The stream from its first entry to its head, each row checked against the one before.

    Rows may be left out only where `known` holds evidence that this process proved before.
    """
    proven: list[_Known] = []
    digest = GENESIS
    for row in rows:
        while len(proven) + 1 < row.position:
            proven.append(_left_out(stream, len(proven), known))
            digest = proven[-1].digest
        if row.position != len(proven) + 1:
            raise broken(stream, len(proven) + 1, f"position {row.position} stands in its place")
        if row.previous != digest:
            raise broken(stream, row.position, "it does not follow the entry before it")
        _check_digest(row)
        digest = row.digest
        proven.append(_known(row, known))
    position, head_digest = head or (0, GENESIS)
    if len(proven) != position or digest != head_digest:
        raise broken(stream, min(len(proven), position) + 1, f"the head of the stream is at {position}, its entries end at {len(proven)}")
    return known if len(known) == len(proven) and (not proven or known[-1].digest == digest) else tuple(proven)


def _left_out(stream: str, before: int, known: tuple[_Known, ...]) -> _Known:
    if before < len(known) and known[before].entry is None:
        return known[before]
    raise broken(stream, before + 1, "it is missing")


def _check_digest(row: Row) -> None:
    try:
        computed = entry_digest(row.previous, row.envelope.encode())
    except (InputError, AttributeError, TypeError, ValueError) as error:
        raise broken(row.stream, row.position, f"its columns hold other kinds of values ({error})") from error
    if computed != row.digest:
        raise broken(row.stream, row.position, "its text is not what was recorded")


def _known(row: Row, known: tuple[_Known, ...]) -> _Known:
    columns = (row.act, row.evidence, row.site, row.study, row.recorded_at)
    if row.position <= len(known):
        before = known[row.position - 1]
        if before.digest == row.digest and before.columns == columns:
            return before
    if row.evidence:
        check_columns(row)
        return _Known(row.digest, columns, None)
    return _Known(row.digest, columns, decoded(row))
