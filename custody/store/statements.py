"""Core statements compiled once and run on the driver's own cursor, for the paths that every scan takes.

Core's own execution costs about 100 microseconds a statement, ten times what SQLite needs for one; a scan has a dozen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, cast

from sqlalchemy import Connection, Table, bindparam, insert
from sqlalchemy.dialects import postgresql, sqlite

from custody.store.ahead import refuse_ahead

# Makes the test `column IN (…)` of a column.
Among = Callable[[Any], Any]


class _Compiled:
    def __init__(self, statement: Any, connection: Connection) -> None:
        compiled = statement.compile(dialect=connection.dialect)
        self.sql = str(compiled)
        self._fixed: Mapping[str, Any] = compiled.params
        self._order: Sequence[str] | None = compiled.positiontup if compiled.positional else None
        # A statement is always given the same parameters.
        self._all_given: bool | None = None

    def arguments(self, given: Mapping[str, Any]) -> Any:
        if self._order is None:
            return {**self._fixed, **given}
        if self._all_given is None:
            self._all_given = all(name in given for name in self._order)
        if self._all_given:
            return [given[name] for name in self._order]
        fixed = self._fixed
        return [given[name] if name in given else fixed[name] for name in self._order]


class Prepared:
    """One statement; its parameters are given by the names of its `bindparam`s, or of its table's columns."""

    def __init__(self, statement: Any) -> None:
        self._statement = statement
        self._by_dialect: dict[str, _Compiled] = {}

    def _compiled(self, connection: Connection) -> _Compiled:
        name = connection.dialect.name
        found = self._by_dialect.get(name)
        if found is None:
            statement = self._statement[name] if isinstance(self._statement, dict) else self._statement
            found = self._by_dialect[name] = _Compiled(statement, connection)
        return found

    def rows(self, connection: Connection, **given: Any) -> list[tuple[Any, ...]]:
        return self.rows_of(connection, given)

    def rows_of(self, connection: Connection, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """`rows` with the parameters as one mapping."""
        compiled = self._compiled(connection)
        cursor = connection.connection.cursor()
        cursor.execute(compiled.sql, compiled.arguments(given))
        found = cast("list[tuple[Any, ...]]", cursor.fetchall())
        cursor.close()
        return found

    def batches(self, connection: Connection, size: int, given: Mapping[str, Any] | None = None) -> Iterator[list[tuple[Any, ...]]]:
        """All rows, `size` at a time; no more are held than that."""
        compiled = self._compiled(connection)
        # PostgreSQL's driver would fetch them all at once, unless the server keeps them under a name.
        cursor = connection.connection.cursor(*(() if connection.dialect.name == "sqlite" else ("custody_batches",)))
        cursor.execute(compiled.sql, compiled.arguments(given or {}))
        try:
            while found := cursor.fetchmany(size):
                yield cast("list[tuple[Any, ...]]", found)
        finally:
            cursor.close()

    def one(self, connection: Connection, **given: Any) -> tuple[Any, ...] | None:
        """The first row, or None."""
        found = self.rows(connection, **given)
        return found[0] if found else None

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Once for each of `rows`. Raises MustWaitError ahead of the lock."""
        refuse_ahead(connection)
        if not rows:
            return
        compiled = self._compiled(connection)
        cursor = connection.connection.cursor()
        cursor.executemany(compiled.sql, [compiled.arguments(row) for row in rows])
        cursor.close()


class PreparedIn:
    """A statement that asks for a list of names; `build(among)` makes it, `among(column)` being the test for them."""

    def __init__(self, build: Callable[[Among], Any]) -> None:
        self._build = build
        self._by_length: dict[int, Prepared] = {}

    def rows(self, connection: Connection, names: Sequence[str]) -> list[tuple[Any, ...]]:
        if not names:
            return []
        prepared, given = self._given(names)
        return prepared.rows_of(connection, given)

    def batches(self, connection: Connection, names: Sequence[str], size: int) -> Iterator[list[tuple[Any, ...]]]:
        """`rows` of one or more names, `size` at a time; no more are held than that."""
        prepared, given = self._given(names)
        return prepared.batches(connection, size, given)

    def _given(self, names: Sequence[str]) -> tuple[Prepared, dict[str, str]]:
        # Padded to a power of two, so that few variants of a statement are ever compiled.
        length = 1 << (len(names) - 1).bit_length()
        prepared = self._by_length.get(length)
        if prepared is None:
            parameters: list[Any] = [bindparam(name) for name in _parameter_names(length)]
            prepared = self._by_length[length] = Prepared(self._build(lambda column: column.in_(parameters)))
        padded = [*names, *([names[-1]] * (length - len(names)))]
        return prepared, dict(zip(_parameter_names(length), padded, strict=True))


@cache
def _parameter_names(length: int) -> tuple[str, ...]:
    return tuple(f"name_{number}" for number in range(length))


@contextmanager
def readable_afterwards(connection: Connection) -> Iterator[None]:
    """When the block raises, the transaction reads on: PostgreSQL would refuse everything after a statement that failed."""
    if connection.dialect.name == "sqlite":
        yield
        return
    cursor = connection.connection.cursor()
    cursor.execute("SAVEPOINT readable_afterwards")
    try:
        yield
    except BaseException:
        cursor.execute("ROLLBACK TO readable_afterwards")
        raise
    finally:
        cursor.execute("RELEASE readable_afterwards")
        cursor.close()


@contextmanager
def sent_together(connection: Connection) -> Iterator[None]:
    """On PostgreSQL the block waits for an answer only where it reads: what it writes goes to the server in one piece.

    A statement that fails there raises at the end of the block, or where it next reads.
    """
    if connection.dialect.name == "sqlite":
        yield
        return
    driver: Any = connection.connection.driver_connection
    with driver.pipeline():
        yield


def inserted(table: Table) -> Prepared:
    return Prepared(insert(table))


def upserted(table: Table, *keys: str) -> Prepared:
    """Insert, or overwrite the row with the same `keys`; a table of nothing but keys is left as it is."""
    others = [column.name for column in table.columns if column.name not in keys]
    statements: dict[str, Any] = {}
    for name, make in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert)):
        statement = make(table)
        if others:
            change = {column: statement.excluded[column] for column in others}
            statements[name] = statement.on_conflict_do_update(index_elements=keys, set_=change)
        else:
            statements[name] = statement.on_conflict_do_nothing(index_elements=keys)
    return Prepared(statements)
