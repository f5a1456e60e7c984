"""Takes a whole record from one database to another, row by row as it is stored: from one file to a server, or back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Table, func, select

from custody.errors import InputError, LedgerBrokenError
from custody.store import log
from custody.store.connection import Store
from custody.store.schema import schema_state, upgrade
from custody.store.statements import Prepared, inserted
from custody.store.tables import metadata

ROWS_AT_ONCE = 1_000
# Whoever is signed in signs in again.
NOT_TAKEN = frozenset({"session", "bench", "shift"})

OnRows = Callable[[int, int], None]


def copy_all(source: Store, target: Store, on_rows: OnRows | None = None) -> int:
    """Everything of `source` into the empty database `target`, in one transaction; how many entries. `on_rows(done, of all)`.

    Sessions are left behind. Raises InputError when the target is not empty or the source is of another version, LedgerBrokenError when
    what arrived does not add up to the same log.
    """
    if schema_state(source) != "current":
        raise InputError("the store to be copied is not of this version; run `custody db upgrade` on it first")
    # Tables without a row are what is left where an earlier copy was broken off.
    if schema_state(target) not in {"empty", "current"} or _has_rows(target):
        raise InputError("the database to copy to holds a record already; give an empty one")
    upgrade(target)
    tables = [table for table in metadata.sorted_tables if table.name not in NOT_TAKEN]
    with source.reading() as reading, target.writing() as writing:
        total = sum(reading.execute(select(func.count()).select_from(table)).scalar_one() for table in tables)
        done = 0
        for table in tables:
            for rows in Prepared(select(table)).batches(reading, ROWS_AT_ONCE):
                _write(writing, table, rows)
                done += len(rows)
                if on_rows is not None:
                    on_rows(done, total)
        size = log.size(reading)
        if (log.size(writing), log.root(writing, size)) != (size, log.root(reading, size)):
            raise LedgerBrokenError("what arrived is not the log that was copied; nothing was kept of it")
    return size


def _has_rows(store: Store) -> bool:
    if schema_state(store) == "empty":
        return False
    with store.reading() as connection:
        return any(connection.execute(select(table.columns[0]).limit(1)).first() is not None for table in metadata.sorted_tables)


def _write(connection: Connection, table: Table, rows: list[tuple[Any, ...]]) -> None:
    names = [column.name for column in table.columns]
    if connection.dialect.name == "sqlite":
        inserted(table).run(connection, [dict(zip(names, row, strict=True)) for row in rows])
        return
    # Many times as fast as INSERT, which PostgreSQL parses row by row.
    columns = ", ".join(f'"{name}"' for name in names)
    cursor: Any = connection.connection.cursor()
    with cursor, cursor.copy(f'COPY "{table.name}" ({columns}) FROM STDIN') as copy:
        for row in rows:
            copy.write_row(row)
