"""Entries of a period, newest first, of everybody or of one account: for people who read the audit trail."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

from sqlalchemy import Connection, and_, false, func, or_, select

from custody.domain.ids import AccountId
from custody.store.envelope import iso
from custody.store.tables import entry


def digests_between(
    connection: Connection, start: datetime, end: datetime, *, account: AccountId | None, before: int | None, limit: int
) -> tuple[tuple[int, str], ...]:
    """Number and digest of the entries recorded from `start` to before `end`, newest first; `before`: only those with a smaller number.

    Entries are numbered in the order in which they were recorded, so the period is two numbers, found by halving; two for each time that
    the clock was found right after it had been ahead, for there the times begin again. Entries of people who acted at the same moment may
    stand within a second of each other in either order, so the ends of a period are right to the second.
    """
    runs = [(_first_from(connection, start, run), _first_from(connection, end, run)) for run in _runs(connection)]
    within = or_(false(), *(and_(entry.c.id >= first, entry.c.id < last) for first, last in runs if first < last))
    wanted = select(entry.c.id, entry.c.digest).where(within).order_by(entry.c.id.desc()).limit(limit)
    if before is not None:
        wanted = wanted.where(entry.c.id < before)
    if account is not None:
        # The canonical envelope begins with the account, because its keys are sorted.
        wanted = wanted.where(entry.c.envelope.startswith(f'{{"account":"{account.value}",', autoescape=True))
    return tuple((number, bytes(digest).hex()) for number, digest in connection.execute(wanted))


def _runs(connection: Connection) -> list[tuple[int, int]]:
    """First number, and one more than the last, of each part of the log in which times do not run backwards."""
    earlier = entry.alias()
    anew = (
        select(entry.c.id)
        .join(earlier, earlier.c.id == entry.c.id - 1)
        # Only an act about a site can begin anew; the index passes over all other streams.
        .where(entry.c.stream.between("site:", "site;"), entry.c.recorded_at < earlier.c.recorded_at)
    )
    begins = sorted(connection.execute(anew).scalars())
    end = (connection.execute(select(func.max(entry.c.id))).scalar() or 0) + 1
    return list(pairwise([0, *begins, end]))


def _first_from(connection: Connection, at: datetime, run: tuple[int, int]) -> int:
    """The number of the first entry of this run recorded at this time or later; one more than the last where there is none."""
    low, high = run
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
