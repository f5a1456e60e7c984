"""Entries of a period, newest first, of everybody or of one account: for people who read the audit trail."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select

from custody.domain.ids import AccountId
from custody.store.envelope import iso
from custody.store.tables import entry


def digests_between(
    connection: Connection, start: datetime, end: datetime, *, account: AccountId | None, before: int | None, limit: int
) -> tuple[tuple[int, str], ...]:
    """Number and digest of the entries recorded from `start` to before `end`, newest first; `before`: only those with a smaller number.

    Entries are numbered in the order in which they were recorded, so the period is two numbers, found by halving.
    """
    first, last = _first_from(connection, start), _first_from(connection, end)
    if before is not None:
        last = min(last, before)
    wanted = select(entry.c.id, entry.c.digest).where(entry.c.id >= first, entry.c.id < last).order_by(entry.c.id.desc()).limit(limit)
    if account is not None:
        # The canonical envelope begins with the account, because its keys are sorted.
        wanted = wanted.where(entry.c.envelope.startswith(f'{{"account":"{account.value}",', autoescape=True))
    return tuple((number, bytes(digest).hex()) for number, digest in connection.execute(wanted))


def _first_from(connection: Connection, at: datetime) -> int:
    """The number of the first entry recorded at this time or later; one more than the last where there is none."""
    low, high = 0, (connection.execute(select(func.max(entry.c.id))).scalar() or 0) + 1
    wanted = iso(at)
    while low < high:
        middle = (low + high) // 2
        found = select(entry.c.id, entry.c.recorded_at).where(entry.c.id >= middle).order_by(entry.c.id).limit(1)
        row = connection.execute(found).first()
        if row is None or row.recorded_at >= wanted:
            high = middle
        else:
            low = row.id + 1
    return low
