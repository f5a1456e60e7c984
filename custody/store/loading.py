"""Reads streams for the gates: every row a verdict rests on is, byte for byte, what was hashed and proved.

A row is hashed when this process first sees it, and compared with what it hashed at every later reading; decoding is remembered. A
stream whose head stands is not read again within a second in which others recorded acts, nor within a minute for what is only shown
(custody.store.watch); otherwise a verdict never skips a row that gates read, nor the newest rows of any kind. Older evidence (verdicts,
sign-ins, refused scans) is read once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from sqlalchemy import Connection

from custody.domain.dossier import Entry
from custody.errors import LedgerBrokenError
from custody.ledger.streams import GENESIS
from custody.store.ahead import Ahead, ahead_of, refuse_ahead
from custody.store.envelope import Row, broken, check_columns, decoded
from custody.store.heads import note_read, read_heads, readable
from custody.store.proven import NOTHING, Memory, Proven, Reading, Remembered, Stored, proved_here, still_stands
from custody.store.stream_rows import ALL, FRESH_EVIDENCE, RECENT, TAIL, check_digest, rows_by_stream
from custody.store.watch import View, view_of

LONG = 1_000
"""Rows of a stream from which on one thread at a time reads it: some milliseconds."""
TURN_WAITED_FOR_S = 2.0

_MEMORY = Memory()
_LONG_READING = threading.Lock()
NOWHERE = (0, GENESIS)
_Due = dict[str, tuple[Proven, tuple[int, bytes] | None]]
"""Streams to be read: what was remembered of them, and where they end."""
forget_decoded = _MEMORY.forget
remembered_before = _MEMORY.read_before
forgotten_until = _MEMORY.forgotten_until


def load_streams(connection: Connection, streams: Sequence[str]) -> dict[str, tuple[Entry, ...]]:
    """The entries that gates read, oldest first, by stream; a stream without any has an empty tuple.

    Raises LedgerBrokenError naming stream and position when a row differs from what was recorded.
    """
    return {stream: proven.entries for stream, proven in proven_streams(connection, streams).items()}


def proven_streams(connection: Connection, streams: Iterable[str]) -> dict[str, Proven]:
    """The same streams as this process proved them: the very object of last time where nothing has changed. Raises as `load_streams`."""
    with readable(connection):
        return _load(connection, list(dict.fromkeys(streams)))


def grown_since(connection: Connection, proven: Mapping[str, Proven], reading: Reading) -> list[str] | None:
    """Those of `proven` streams to be loaded again, the others being known to be as they were in `reading`; None where nothing is known.

    The others then count as proved in this transaction too.
    """
    view = view_of(connection)
    is_old = reading.at <= view.oldest
    found = view.grown_among(proven, reading.mark) if view.only_shown or not is_old else None
    if found is None or (is_old and not _were_read(connection, proven, found, view.oldest)):
        return None
    here = proved_here(connection)
    again = {*found, *reading.unsure, *(stream for stream in here.keys() & proven.keys() if here[stream] is not proven[stream])}
    note_read(connection, proven)
    here.update({stream: each for stream, each in proven.items() if stream not in again})
    return list(again)


def _were_read(connection: Connection, proven: Mapping[str, Proven], grown: Iterable[str], after: float) -> bool:
    """Whether the bytes of all but the `grown` ones were read after that time, as they are in `proven`."""
    others = {stream: each for stream, each in proven.items() if stream not in grown} if grown else proven
    return _MEMORY.were_read(_store_of(connection), others, after)


def reading_of(connection: Connection, streams: Iterable[str]) -> Reading:
    """What to remember with streams that this transaction has just loaded."""
    store = _store_of(connection)
    ahead = ahead_of(connection)
    return Reading(
        mark=view_of(connection).mark,
        at=_MEMORY.read_at(store, streams),
        unsure=frozenset() if ahead is None else frozenset(each.stream for each in ahead.written),
    )


def read_again(connection: Connection, some: Mapping[str, Remembered], began: float) -> None:
    """Read the bytes of remembered streams, for what is only shown, in a transaction that began after `began` (monotonic seconds).

    Those that stand as they were, grown or not, count as read at `began`. Any other is forgotten, and all of them where the database
    does not give their rows: whoever asks next reads from the first entry, and is told what is wrong.
    """
    store = _store_of(connection)
    try:
        with readable(connection):
            found_heads = read_heads(connection, some)
            rows = rows_by_stream(connection, RECENT, list(found_heads))
    except LedgerBrokenError:
        for stream, remembered in some.items():
            _MEMORY.drop((store, stream), remembered)
        return
    for stream, remembered in some.items():
        if _still_begins(found_heads.get(stream, NOWHERE), rows.get(stream, []), remembered.proven):
            _MEMORY.read_again((store, stream), remembered, began)
        else:
            _MEMORY.drop((store, stream), remembered)


def _still_begins(head: tuple[int, bytes], rows: list[Stored], before: Proven) -> bool:
    """Whether what was remembered stands, with or without more after it; or there still is nothing, where nothing was."""
    if head == NOWHERE or head[0] == before.position:
        return head == (before.position, before.digest) and (head == NOWHERE or _is_as_it_was(head[0], rows, before))
    return _is_as_it_was(head[0], rows, before)


def load_evidence(connection: Connection, stream: str) -> tuple[Entry, ...]:
    """All entries of one stream, evidence too, oldest first; proved as `load_streams` does."""
    refuse_ahead(connection)
    with readable(connection):
        head = read_heads(connection, [stream]).get(stream)
        rows = rows_by_stream(connection, ALL, [stream])[stream]
    _prove(stream, head, rows, NOTHING)
    return tuple(decoded(Row(*row)) for row in rows)


def _load(connection: Connection, streams: list[str]) -> dict[str, Proven]:
    """What this transaction has proved already is not proved again."""
    here = proved_here(connection)
    new = [stream for stream in streams if stream not in here]
    proven = _prove_all(connection, new) if new else {}
    ahead = ahead_of(connection)
    if ahead is not None and ahead.rows:
        proven = {stream: _with_unwritten(ahead, stream, each) for stream, each in proven.items()}
    here.update(proven)
    # Outside a transaction that remembers, `here` keeps nothing.
    return {stream: proven.get(stream) or here[stream] for stream in streams}


def _with_unwritten(ahead: Ahead, stream: str, proven: Proven) -> Proven:
    """With what this work wrote there before it was read."""
    new = [(row, each) for row, each in zip(ahead.rows, ahead.written, strict=True) if each.stream == stream]
    if not new:
        return proven
    rows = [tuple(row[name] for name in Row._fields) for row, _ in new]
    return proven.grown(rows, [None if each.act.rule.evidence else each for _, each in new])


def _prove_all(connection: Connection, streams: list[str]) -> dict[str, Proven]:
    view, began = view_of(connection), time.monotonic()
    answer, due = _still_fresh(connection, streams, view)
    if any(head is not None and head[0] >= LONG for _, head in due.values()):
        with _in_turn():
            # Another thread may have read them while this one waited.
            fresh, due = _still_fresh(connection, due, view)
            answer.update(fresh)
            answer.update(_read(connection, due, view.mark, began))
    else:
        answer.update(_read(connection, due, view.mark, began))
    return answer


def _still_fresh(connection: Connection, streams: Iterable[str], view: View) -> tuple[dict[str, Proven], _Due]:
    """Those whose last reading still counts, with what has come since; and what is known of the others."""
    store = _store_of(connection)
    remembered = {stream: _MEMORY.get((store, stream)) for stream in streams}
    found_heads = _heads(connection, remembered, view)
    fresh: dict[str, Proven] = {}
    due: _Due = {}
    for stream, (before, read_at, _, shown_from) in remembered.items():
        head = found_heads.get(stream)
        counts = view.counts(read_at, shown_from)
        if counts and (before.position, before.digest) == (head or NOWHERE):
            fresh[stream] = before
        elif counts and head is not None and 0 < head[0] - before.position < FRESH_EVIDENCE and before.position:
            fresh[stream] = _with_tail(connection, stream, head, before)
            _MEMORY.put((store, stream), fresh[stream], read_at, view.mark, shown_from)
        else:
            due[stream] = before, head
    return fresh, due


def _read(connection: Connection, due: _Due, mark: int, began: float) -> dict[str, Proven]:
    store = _store_of(connection)
    whole = [stream for stream, (before, head) in due.items() if before.position < max(1, (head or NOWHERE)[0] - FRESH_EVIDENCE)]
    rows = rows_by_stream(connection, ALL, whole)
    rows.update(rows_by_stream(connection, RECENT, [stream for stream in due if stream not in rows]))
    answer = {}
    for stream, (before, head) in due.items():
        answer[stream] = _proven(connection, stream, head, rows[stream], before)
        _MEMORY.put((store, stream), answer[stream], began, mark)
    return answer


@contextmanager
def _in_turn() -> Iterator[None]:
    """Threads that want the same long stream at the same moment would each read it, all the slower for the others.

    Whoever waits too long reads all the same: no thread waits for ever for another one's database.
    """
    has_turn = _LONG_READING.acquire(timeout=TURN_WAITED_FOR_S)
    try:
        yield
    finally:
        if has_turn:
            _LONG_READING.release()


def _store_of(connection: Connection) -> str:
    return str(connection.get_execution_options().get("custody_store", ""))


def _heads(connection: Connection, remembered: Mapping[str, Remembered], view: View) -> dict[str, tuple[int, bytes]]:
    """Where streams end: followed with the ledger where that is known, asked of the database for the rest, and for all to be read anew."""
    note_read(connection, remembered)
    found: dict[str, tuple[int, bytes]] = {}
    unknown: list[str] = []
    for stream, (before, read_at, mark, shown_from) in remembered.items():
        if not view.counts(read_at, shown_from):
            unknown.append(stream)
            continue
        is_known, head = view.head_of(stream, mark, (before.position, before.digest) if before.position else None)
        if not is_known:
            unknown.append(stream)
        elif head is not None:
            found[stream] = head
    if unknown:
        found.update(read_heads(connection, unknown))
    return found


def _with_tail(connection: Connection, stream: str, head: tuple[int, bytes], before: Proven) -> Proven:
    """A stream read less than a second ago, with the rows that came since; all of it again where they do not follow."""
    rows = TAIL.rows(connection, stream_wanted=stream, after=before.position)
    with suppress(LedgerBrokenError):
        return _prove(stream, head, rows, before)
    return _prove(stream, head, rows_by_stream(connection, ALL, [stream])[stream], NOTHING)


def _proven(connection: Connection, stream: str, head: tuple[int, bytes] | None, rows: list[Stored], before: Proven) -> Proven:
    """As it was where nothing has changed; with its new tail where it has grown; from its first entry in every other case.

    `rows`: all of them where nothing was known before.
    """
    if not before.position:
        return _prove(stream, head, rows, NOTHING)
    position, digest = head or NOWHERE
    if _is_as_it_was(position, rows, before):
        if (before.position, before.digest) == (position, digest):
            return before
        # What was remembered may be of a transaction that was rolled back: then only the whole of what is stored decides.
        with suppress(LedgerBrokenError):
            return _prove(stream, head, [row for row in rows if row[1] > before.position], before)
    return _prove(stream, head, rows_by_stream(connection, ALL, [stream])[stream], NOTHING)


def _is_as_it_was(position: int, rows: list[Stored], before: Proven) -> bool:
    """Whether a stream that ends at `position` begins, byte for byte, with what was proved; `rows`: all that gates read, and the newest."""
    return 0 < before.position <= position and _are_newest(rows, position) and still_stands(rows, before)


def _are_newest(rows: list[Stored], position: int) -> bool:
    """Whether the newest rows are all there, whatever they are."""
    newest = min(FRESH_EVIDENCE, position)
    return len(rows) >= newest and rows[-1][1] == position and rows[-newest][1] == position - newest + 1


def _prove(stream: str, head: tuple[int, bytes] | None, rows: list[Stored], before: Proven) -> Proven:
    """The stream from where `before` ends to its head, each row checked against the one before."""
    position, digest = before.position, before.digest
    found: list[Entry | None] = []
    for stored in rows:
        row = Row(*stored)
        if row.position != position + 1:
            raise broken(stream, position + 1, _why_not_next(position, row.position))
        if row.previous != digest:
            raise broken(stream, row.position, "it does not follow the entry before it")
        check_digest(row)
        position, digest = row.position, row.digest
        if row.evidence:
            check_columns(row)
        found.append(None if row.evidence else decoded(row))
    if (position, digest) != (head or (0, GENESIS)):
        at = 0 if head is None else head[0]
        raise broken(stream, min(position, at) + 1, f"the head of the stream is at {at}, its entries end at {position}")
    return before.grown(rows, found) if rows else before


def _why_not_next(before: int, seen: int) -> str:
    return "it is missing" if seen > before + 1 else f"position {seen} stands in its place"
