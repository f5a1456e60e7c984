"""Somebody who owns the database: a connection on which anything can be changed, verified as it then is, and undone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine

from custody.ledger.checkpoint import Checkpoint
from custody.store.connection import Store
from custody.store.tables import metadata
from custody.store.verification import VerificationReport, verify
from tests.databases import in_postgresql
from tests.tampering.places import Row


@dataclass
class Owner:
    store: Store
    key_dir: Path
    engine: Engine = field(init=False)
    rows: dict[str, list[Row]] = field(init=False)
    """All rows as they were, by table."""

    def __post_init__(self) -> None:
        self.engine = self.store.database.engine()
        with self.connected() as connection:
            self.rows = {
                table.name: [dict(row) for row in connection.execute(table.select()).mappings()] for table in metadata.sorted_tables
            }

    @property
    def dialect(self) -> str:
        return self.engine.dialect.name

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """Whatever is changed here is undone at the end."""
        with self.engine.connect() as connection:
            run = self.runner(connection)
            if self.dialect == "sqlite":
                run("PRAGMA foreign_keys = OFF")
            run("BEGIN")
            try:
                yield connection
            finally:
                run("ROLLBACK")

    def runner(self, connection: Connection) -> Any:
        """Runs one statement in SQLite's words."""
        cursor = connection.connection.cursor()

        def run(statement: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
            if self.dialect == "postgresql":
                statement = in_postgresql(statement, bool(parameters))
            cursor.execute(statement, parameters or ())
            return cursor.fetchall() if cursor.description else []

        return run

    def verified(self, connection: Connection, checkpoint: Checkpoint | None = None) -> VerificationReport:
        return verify(connection, checkpoint=checkpoint, key_dir=self.key_dir)

    def close(self) -> None:
        self.engine.dispose()
        self.store.close()
