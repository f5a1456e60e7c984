"""Reads streams for the gates: every row a verdict rests on is hashed again from its stored bytes, each time.

What is remembered between two readings is only the decoding. A verdict never skips a row that gates read, nor the
newest rows of any kind; of older evidence (verdicts, sign-ins, refused scans) this process hashes each row once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter, itemgetter
from typing import Any

from sqlalchemy import Connection, bindparam, select, union_all

from custody.domain.dossier import Entry, Head
from custody.domain.ids import Digest
from custody.errors import InputError, LedgerBrokenError
from custody.ledger.streams import GENESIS, entry_digest
from custody.store.envelope import Row, broken, check_columns, decoded
from custody.store.proven import Known, Memory, Proven, is_unchanged, proved_here, proven_of
from custody.store.statements import Prepared, PreparedIn
from custody.store.tables import entry, stream_head

# Evidence younger than this many entries is read and hashed every time, as everything else is.
FRESH_EVIDENCE = 100

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


_MEMORY = Memory()
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
    here = proved_here(connection)
    found = {stream: here[stream].head for stream in streams if stream in here}
    others = [stream for stream in streams if stream not in here]
    if others:
        read = read_heads(connection, others)
        found.update({stream: Head(position, Digest(digest.hex())) for stream, (position, digest) in read.items()})
    return {stream: head for stream, head in found.items() if head is not None}


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
    return None if found is None else _one(Row(*found))


def newest_of(connection: Connection, stream: str, act: str) -> Entry | None:
    """The newest entry of one kind of act in a stream, evidence too, its own bytes hashed again; None when there is none."""
    with readable(connection):
        found = _NEWEST_OF.one(connection, stream_wanted=stream, act_wanted=act)
    return None if found is None else _one(Row(*found))


def _one(row: Row) -> Entry:
    """A row by itself: hashed again each time, read into an act once."""
    _check_digest(row)
    known = _READ.get(row.digest)
    if known is None or known[0] != row:
        known = _READ[row.digest] = (row, decoded(row))
        if len(_READ) > ROWS_READ_MAX:
            _READ.pop(next(iter(_READ)), None)
    return known[1]


_READ: dict[bytes, tuple[Row, Entry]] = {}
ROWS_READ_MAX = 512


@contextmanager
def readable(connection: Connection) -> Iterator[None]:
    """A database that cannot give its rows back is a broken record."""
    try:
        yield
    except connection.dialect.loaded_dbapi.Error as error:
        raise LedgerBrokenError(f"the record cannot be read: {error}") from error


def _load(connection: Connection, streams: list[str]) -> dict[str, tuple[Entry, ...]]:
    """What this transaction has proved already is not proved again."""
    here = proved_here(connection)
    new = [stream for stream in streams if stream not in here]
    if new:
        proven = _prove_all(connection, new)
        here.update(proven)
        return {stream: (proven.get(stream) or here[stream]).entries for stream in streams}
    return {stream: here[stream].entries for stream in streams}


def _prove_all(connection: Connection, streams: list[str]) -> dict[str, Proven]:
    store = str(connection.get_execution_options().get("custody_store", ""))
    found_heads = read_heads(connection, streams)
    known = {stream: _MEMORY.get((store, stream)) for stream in streams}
    new = [s for s in streams if s in found_heads and len(known[s].rows) < found_heads[s][0] - FRESH_EVIDENCE]
    rows = _sorted(connection, _RECENT, [s for s in streams if s in found_heads and s not in new])
    rows.update(_sorted(connection, _ALL, new))
    answer = {}
    for stream in streams:
        head, before = found_heads.get(stream), known[stream]
        found = rows.get(stream, [])
        if is_unchanged(found, head, before):
            answer[stream] = before
            continue
        answer[stream] = _proved_again(connection, stream, head, found, before)
        _MEMORY.put((store, stream), answer[stream])
    return answer


def _proved_again(
    connection: Connection, stream: str, head: tuple[int, bytes] | None, rows: list[tuple[Any, ...]], before: Proven
) -> Proven:
    try:
        return proven_of(_prove(stream, head, [Row(*row) for row in rows], before.rows))
    except LedgerBrokenError:
        # What was remembered may be of a transaction that was rolled back: only the stored rows decide.
        return proven_of(_prove(stream, head, _grouped(connection, _ALL, [stream])[stream], ()))


def _sorted(connection: Connection, statement: PreparedIn, streams: list[str]) -> dict[str, list[tuple[Any, ...]]]:
    groups: dict[str, list[tuple[Any, ...]]] = {stream: [] for stream in streams}
    for found in statement.rows(connection, streams) if streams else ():
        if type(found[1]) is not int:
            raise broken(found[0], found[1], "its position is no number")
        groups[found[0]].append(found)
    for rows in groups.values():
        rows.sort(key=_position_of)
    return groups


_position_of = itemgetter(1)


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


def _prove(stream: str, head: tuple[int, bytes] | None, rows: list[Row], known: tuple[Known, ...]) -> tuple[Known, ...]:
    """The stream from its first entry to its head, each row checked against the one before.

    Rows may be left out only where `known` holds evidence that this process proved before.
    """
    proven: list[Known] = []
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


def _left_out(stream: str, before: int, known: tuple[Known, ...]) -> Known:
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


def _known(row: Row, known: tuple[Known, ...]) -> Known:
    columns = (row.act, row.evidence, row.site, row.study, row.recorded_at)
    if row.position <= len(known):
        before = known[row.position - 1]
        if before.digest == row.digest and before.columns == columns:
            return before
    if row.evidence:
        check_columns(row)
        return Known(row.digest, columns, None)
    return Known(row.digest, columns, decoded(row))
