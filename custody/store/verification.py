"""Proves the whole record again from what is stored, and names the first fault of each kind."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, func, select

from custody.errors import LedgerBrokenError
from custody.ledger.checkpoint import Checkpoint
from custody.ledger.merkle import EMPTY_ROOT
from custody.store import log
from custody.store.envelope import broken
from custody.store.guards import first_difference
from custody.store.lookup_check import FIND_NOTHING, LookupComparison, check_indexes
from custody.store.segment import NotProvedError
from custody.store.sqlite_text import any_text, shown
from custody.store.statements import readable_afterwards
from custody.store.tables import OUTSIDE_VERIFICATION, entry, leaf, node, store_fact, stream_head
from custody.store.verification_beside import (
    check_attachments,
    check_credentials,
    check_files_read,
    check_identities,
    check_series,
    check_tickets,
)
from custody.store.verification_scan import Scan, scanning

_WRONG_HEAD = (
    select(stream_head.c.stream, stream_head.c.position)
    .select_from(
        stream_head.outerjoin(entry, (entry.c.stream == stream_head.c.stream) & (entry.c.position == stream_head.c.position)),
    )
    .where(entry.c.digest.is_distinct_from(stream_head.c.digest))
    .limit(1)
)
_UNREADABLE = "the record cannot be read"
_FIND_NOTHING = {"head": _WRONG_HEAD, **FIND_NOTHING}


@dataclass(frozen=True)
class Fault:
    """Where the record does not prove itself; `stream` and `position` when it is one entry."""

    what: str
    stream: str | None = None
    position: int | None = None

    def __str__(self) -> str:
        return self.what


@dataclass(frozen=True, kw_only=True)
class VerificationReport:
    """`root` covers the `entries` that were proved; `faults` come in the order of the steps, at most one from each."""

    ok: bool
    entries: int
    root: bytes
    faults: tuple[Fault, ...]
    skipped_tables: tuple[str, ...]


def verify(connection: Connection, *, checkpoint: Checkpoint | None, key_dir: Path | None = None) -> VerificationReport:
    """Everything the store can prove by itself and, with a checkpoint kept elsewhere, that nothing was cut off or rewritten.

    The keys in `key_dir` open identities; without it only their numbers are proved.
    Never raises for what it finds; what the driver raises where the database is lost meanwhile. Memory does not grow with the ledger.
    """
    report = _verified(connection, checkpoint, key_dir)
    if connection.dialect.name == "sqlite" and any(fault.what.startswith(_UNREADABLE) for fault in report.faults):
        # A text that is none any more is not given out, and nobody sees where it stands.
        with any_text(connection.connection.driver_connection):
            again = _verified(connection, checkpoint, key_dir)
        return report if again.ok else again
    return report


def _verified(connection: Connection, checkpoint: Checkpoint | None, key_dir: Path | None) -> VerificationReport:
    faults: list[Fault] = []
    size, root = 0, EMPTY_ROOT
    try:
        holds = partial(_holds, connection)
        holds(lambda: _check_triggers(connection), faults)
        end = log.size(connection)
        uncounted: list[Fault] = []
        unread: list[Fault] = []
        damaged: list[Fault] = []
        lookups = LookupComparison(connection)
        with scanning(connection, end, _FIND_NOTHING) as scan:
            # The scan may go on in other processes meanwhile.
            holds(partial(_check_counts, connection), uncounted)
            holds(lookups.take_all, unread)
            holds(partial(check_indexes, connection), damaged)
            size, broken_at = _proved(connection, scan, end)
        beside = uncounted
        if broken_at is None:
            holds(partial(_check_heads, connection, scan.found_nothing), beside)
            beside += unread
            if not unread:
                holds(partial(_check_lookups, lookups, scan.found_nothing), beside)
            for check in (check_credentials, check_tickets, check_files_read):
                holds(partial(check, connection), beside)
            beside += damaged
        # What is beside the entries says nothing new while an entry itself is in doubt.
        faults += beside if broken_at is None else [broken_at]
        root = log.root(connection, size)
        if checkpoint is not None:
            holds(lambda: _check_checkpoint(connection, checkpoint, proved=broken_at is None), faults)
        holds(lambda: check_attachments(connection), faults)
        holds(lambda: check_series(connection), faults)
        holds(lambda: check_identities(connection, key_dir), faults)
    except Exception as error:
        if _is_lost(connection):
            raise
        faults.append(_unreadable(error))
    return VerificationReport(ok=not faults, entries=size, root=root, faults=tuple(faults), skipped_tables=skipped_tables())


def make_checkpoint(connection: Connection, origin: str) -> Checkpoint:
    """The size and root of the log now, to be signed and kept elsewhere."""
    size = log.size(connection)
    return Checkpoint(origin, size, log.root(connection, size))


def skipped_tables() -> tuple[str, ...]:
    """Tables, and columns of others, that nothing in the ledger vouches for."""
    return tuple(sorted(OUTSIDE_VERIFICATION))


def _proved(connection: Connection, scan: Scan, end: int) -> tuple[int, Fault | None]:
    """How many entries of the log were proved, and the first fault among them."""
    try:
        with readable_afterwards(connection):
            scan.check()
    except NotProvedError as found:
        if found.stream is None:
            return found.leaf, Fault(f"the record does not prove itself: {found.why}")
        return found.leaf, _fault(broken(found.stream, found.position, found.why))
    return end, None


def _holds(connection: Connection, step: Callable[[], None], faults: list[Fault]) -> bool:
    """Whether one step found nothing; what it found goes to `faults`."""
    try:
        with readable_afterwards(connection):
            step()
    except LedgerBrokenError as error:
        faults.append(_fault(error))
    except Exception as error:
        if _is_lost(connection):
            raise
        faults.append(_unreadable(error))
    else:
        return True
    return False


def _is_lost(connection: Connection) -> bool:
    """Whether the way to the database has ended: that says nothing of the record."""
    return connection.invalidated or bool(getattr(connection.connection.driver_connection, "closed", False))


def _fault(error: LedgerBrokenError) -> Fault:
    stream, position = error.values.get("stream"), error.values.get("position")
    return Fault(shown(str(error)), shown(stream) if isinstance(stream, str) else None, position if isinstance(position, int) else None)


def _unreadable(error: Exception) -> Fault:
    return Fault(shown(f"{_UNREADABLE}: {getattr(error, 'orig', error)}"))


def _check_triggers(connection: Connection) -> None:
    """Exactly the triggers that refuse change, word for word; another one could change what is written."""
    difference = first_difference(connection)
    if difference is not None:
        raise LedgerBrokenError(f"the record is not protected: {difference}")


def _check_counts(connection: Connection) -> None:
    """Nothing stands beside the log; its complete subtrees number as many as its size says."""
    size = log.size(connection)
    for table, expected in ((entry, size), (leaf, size), (node, size - size.bit_count())):
        seen = connection.execute(select(func.count()).select_from(table)).scalar_one()
        if seen != expected:
            raise LedgerBrokenError(f"the record does not prove itself: table {table.name} has {seen} rows, a log of {size} has {expected}")


def _check_heads(connection: Connection, found_nothing: Collection[str]) -> None:
    # Every head stands on an entry, and the heads add up to all entries: so each is the last of its stream, and none is missing.
    found = None if "head" in found_nothing else connection.execute(_WRONG_HEAD).first()
    if found is not None:
        raise broken(found.stream, found.position, "the head of its stream is of another entry")
    total = connection.execute(select(func.coalesce(func.sum(stream_head.c.position), 0))).scalar_one()
    if total == connection.execute(select(func.count()).select_from(entry)).scalar_one():
        return
    last = func.max(entry.c.position)
    ends = select(entry.c.stream, last.label("position")).group_by(entry.c.stream).subquery()
    behind = (
        select(ends.c.stream, ends.c.position)
        .select_from(ends.outerjoin(stream_head, stream_head.c.stream == ends.c.stream))
        .where(ends.c.position.is_distinct_from(stream_head.c.position))
    )
    stream, position = connection.execute(behind.limit(1)).one()
    raise broken(stream, position, "the head of its stream is missing or of an earlier entry")


def _check_lookups(lookups: LookupComparison, found_nothing: Collection[str]) -> None:
    for sentence in lookups.differences(found_nothing):
        raise LedgerBrokenError(f"{sentence}; rebuild the lookups, they are derived from the entries")


def _check_checkpoint(connection: Connection, checkpoint: Checkpoint, *, proved: bool) -> None:
    origin = connection.execute(select(store_fact.c.text).where(store_fact.c.name == "origin")).scalar()
    if origin is not None and origin != checkpoint.origin:
        raise LedgerBrokenError(f"the checkpoint is of the log {checkpoint.origin}, this store is {origin}")
    size = log.size(connection)
    if size < checkpoint.size:
        raise LedgerBrokenError(
            f"the log has {size} entries and had {checkpoint.size} when the checkpoint was signed: "
            "its end was cut off, or an older copy was restored"
        )
    if proved and log.root(connection, checkpoint.size) != checkpoint.root:
        raise LedgerBrokenError(f"the first {checkpoint.size} entries are not those that the checkpoint was signed over")
