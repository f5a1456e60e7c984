"""Compares the lookups with what the entries alone say."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from sqlalchemy import Column, Connection, Integer, MetaData, PrimaryKeyConstraint, Select, Table, Text, and_, exists, func, or_, select

from custody.store.lookup_rows import (
    BATCH,
    SITES,
    SUMMARIES,
    Changes,
    Fields,
    LinkTables,
    WaitingInMemory,
    batches,
    place_finder,
    take_in,
    takes_part,
)
from custody.store.tables import edge, entry_name, stream_site, stream_summary, waiting_proposal

_TEMPORARY = MetaData()


def _copy_of(table: Table) -> Table:
    """A table of the same columns that lives as long as the comparison."""
    columns = [Column(column.name, Integer if isinstance(column.type, Integer) else Text, nullable=False) for column in table.columns]
    key = PrimaryKeyConstraint(*(column.name for column in columns))
    return Table(f"expected_{table.name}", _TEMPORARY, *columns, key, prefixes=["TEMPORARY"], sqlite_with_rowid=False)


_EXPECTED = LinkTables(_copy_of(edge), _copy_of(entry_name))


class LookupComparison:
    """Takes in all entries that gates read, in the order of the log, then names what the lookups say otherwise.

    Used as a context; what it has worked out so far lies in temporary tables, so memory stays small.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting = WaitingInMemory()
        self._place_of = place_finder(connection)
        self._changes = Changes()

    def __enter__(self) -> Self:
        _TEMPORARY.drop_all(self._connection)
        _TEMPORARY.create_all(self._connection)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None:
            _TEMPORARY.drop_all(self._connection)

    def take(self, fields: Fields) -> None:
        take_in(self._changes, fields, self._waiting, self._place_of)
        if len(self._changes.links) >= BATCH:
            self.flush()

    def flush(self) -> None:
        _EXPECTED.apply(self._connection, self._changes)
        self._changes = Changes()

    def differences(self) -> tuple[str, ...]:
        """One sentence for each lookup that differs, naming the first row in which it does."""
        self.flush()
        found = (
            self._unequal(edge, _EXPECTED.edges),
            self._unequal(entry_name, _EXPECTED.names),
            self._waiting_differs(),
            self._summary_differs(),
            self._sites_differ(),
        )
        return tuple(sentence for sentence in found if sentence)

    def _unequal(self, stored: Table, expected: Table) -> str:
        for one, other, what in ((expected, stored, "lacks"), (stored, expected, "should not have")):
            same = and_(*(one.c[column.name] == other.c[column.name] for column in one.columns))
            row = self._first(select(one).where(~exists(select(1).select_from(other).where(same))).limit(1))
            if row is not None:
                return f"the lookup {stored.name} {what} {_shown(row)}"
        return ""

    def _waiting_differs(self) -> str:
        columns = [column.name for column in waiting_proposal.columns]
        seen = {(row["stream"], row["proposal"]): row for row in self._connection.execute(select(waiting_proposal)).mappings()}
        for key in sorted(seen.keys() | self._waiting.rows.keys()):
            expected = self._waiting.rows.get(key)
            if expected is None or key not in seen or any(seen[key][column] != expected[column] for column in columns):
                return f"the lookup waiting_proposal is wrong about proposal {key[1]} of {key[0]}"
        return ""

    def _summary_differs(self) -> str:
        derived = SUMMARIES.subquery()
        table = stream_summary.c
        differs = or_(*(table[column.name].is_distinct_from(column) for column in derived.columns))
        # No function splits text alike on every database; this asks whether the kind is what stands before the colon.
        other_kind = or_(table.kind.contains(":"), func.substr(table.stream, 1, func.length(table.kind) + 1) != table.kind + ":")
        joined = derived.outerjoin(stream_summary, table.stream == derived.c.stream)
        row = self._first(select(derived.c.stream).select_from(joined).where(or_(differs, other_kind)).limit(1))
        if row is None:
            unknown = ~exists(select(1).select_from(derived).where(derived.c.stream == table.stream))
            row = self._first(select(table.stream).where(unknown).limit(1)) if self._counts_differ(derived) else None
        return "" if row is None else f"the lookup stream_summary is wrong about {_shown(row)}"

    def _counts_differ(self, derived: Any) -> bool:
        counted = self._connection.execute(
            select(
                select(func.count()).select_from(stream_summary).scalar_subquery(),
                select(func.count()).select_from(derived).scalar_subquery(),
            )
        ).one()
        return bool(counted[0] != counted[1])

    def _sites_differ(self) -> str:
        pairs = select(stream_site.c.site, stream_site.c.stream)
        for statement, what in ((SITES.except_(pairs), "lacks"), (pairs.except_(SITES), "should not have")):
            row = self._first(statement.limit(1))
            if row is not None:
                return f"the lookup stream_site {what} {_shown(row)}"
        return ""

    def _first(self, statement: Select[Any] | Any) -> Any:
        return self._connection.execute(statement).first()


def differences(connection: Connection) -> tuple[str, ...]:
    """What the lookups say otherwise than the entries; empty when they agree."""
    with LookupComparison(connection) as comparison:
        for batch in batches(connection):
            for fields in batch:
                if takes_part(fields["act"]):
                    comparison.take(fields)
        return comparison.differences()


def _shown(row: Any) -> str:
    return ", ".join(str(value)[:80] for value in row)
