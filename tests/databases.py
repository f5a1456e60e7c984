"""The same tests on SQLite and on PostgreSQL: where a store of a test comes from, and the way to its rows behind the application."""

from __future__ import annotations

import itertools
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from custody.store import guards
from custody.store.connection import Store, open_store
from custody.store.guards import triggers
from custody.store.schema import upgrade
from custody.store.tables import APPEND_ONLY
from tests import postgres

BOTH = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql))
TEMPLATE = "template_of_tests"
only_sqlite = pytest.mark.only_sqlite
"""For what SQLite alone has: its file, its journal, its kinds of values."""


class SqliteDatabases:
    """New stores as copies of a file that was made once."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.template = folder / "template.db"
        self._numbers = itertools.count()
        made_with_tables(f"sqlite:///{self.template}")

    def store(self) -> Store:
        """A new one with its tables."""
        store = self.empty()
        shutil.copy(self.template, store.database.path)
        return store

    def empty(self) -> Store:
        """A new one without."""
        path = self._folder / str(next(self._numbers)) / "custody.db"
        path.parent.mkdir()
        return open_store(f"sqlite:///{path}")

    def drop(self, store: Store) -> None:
        store.close()
        shutil.rmtree(store.database.path.parent)


class PostgresqlDatabases:
    """New stores as copies of a database that was made once."""

    name = "postgresql"

    def __init__(self, server: postgres.Server) -> None:
        self.server = server
        made_with_tables(server.make(TEMPLATE))

    def store(self) -> Store:
        """A new one with its tables."""
        return open_store(self.server.copy(TEMPLATE))

    def empty(self) -> Store:
        """A new one without."""
        return open_store(self.server.copy("template0"))

    def drop(self, store: Store) -> None:
        store.close()
        self.server.drop(make_url(store.url).database)


Databases = SqliteDatabases | PostgresqlDatabases


@contextmanager
def databases(name: str, folder: Path) -> Iterator[Databases]:
    """Of one kind; a PostgreSQL is started for them and ended after them."""
    if name == "sqlite":
        yield SqliteDatabases(folder)
        return
    with postgres.running() as server:
        yield PostgresqlDatabases(server)


def made_with_tables(url: str) -> None:
    store = open_store(url)
    upgrade(store)
    store.close()


# ── behind the application ──


def bytes_of(store: Store) -> bytes:
    """All of a store that lies on the disk."""
    if store.url.startswith("sqlite"):
        path = store.database.path
        return b"".join(each.read_bytes() for each in path.parent.iterdir() if each.name.startswith(path.name))
    url = make_url(store.url)
    with behind(store) as run:
        run("CHECKPOINT", ())
        [(number,)] = run("SELECT oid FROM pg_database WHERE datname = current_database()", ())
    data = Path(url.query["host"]) / "data"
    folders = (data / "base" / str(number), data / "pg_wal")
    return b"".join(each.read_bytes() for folder in folders for each in folder.iterdir() if each.is_file())


def raw(store: Store, statement: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """One statement in SQLite's words, on a connection of its own."""
    with behind(store) as run:
        return run(statement, parameters)


def edit(store: Store, *statements: str, parameters: tuple[Any, ...] = ()) -> None:
    """Change rows as an owner of the database can: the triggers go, and come back word for word."""
    with behind(store) as run:
        run("BEGIN", ())
        _without_triggers(store, run)
        for statement in statements:
            run(statement, parameters)
        _with_triggers(store, run)
        run("COMMIT", ())


@contextmanager
def behind(store: Store) -> Iterator[Any]:
    if store.url.startswith("sqlite"):
        with closing(sqlite3.connect(store.database.path, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            yield lambda statement, parameters: connection.execute(statement, parameters).fetchall()
        return
    import psycopg

    with psycopg.connect(store.url.replace("+psycopg", ""), autocommit=True) as connection:

        def run(statement: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
            cursor = connection.execute(in_postgresql(statement, bool(parameters)).encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []

        yield run


def in_postgresql(statement: str, has_parameters: bool) -> str:
    """The statement in PostgreSQL's words."""
    statement = re.sub(r"zeroblob\((\d+)\)", lambda found: f"'\\x{'00' * int(found[1])}'::bytea", statement)
    statement = re.sub(r"\bx'([0-9a-f]*)'", r"'\\x\1'::bytea", statement)
    return statement.replace("%", "%%").replace("?", "%s") if has_parameters else statement


def _without_triggers(store: Store, run: Any) -> None:
    if store.url.startswith("sqlite"):
        for name, _, _ in triggers():
            run(f"DROP TRIGGER {name}", ())
        return
    for table in APPEND_ONLY:
        run(f"ALTER TABLE {table} DISABLE TRIGGER ALL", ())


def _with_triggers(store: Store, run: Any) -> None:
    if store.url.startswith("sqlite"):
        for _, _, statement in triggers():
            run(statement, ())
        return
    for table in APPEND_ONLY:
        run(f"ALTER TABLE {table} ENABLE TRIGGER ALL", ())
        run(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {guards.name_of(table)}", ())
