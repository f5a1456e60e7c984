"""A custody of the next version, which exists in tests only: its migration gives the greatest table a column, fills it and indexes it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlalchemy import func, inspect, select, text

from custody.store import guards, log, schema
from custody.store.connection import Store
from custody.store.verification import verify

VERSION = "0002"
MIGRATION = '''"""Of tests only: each entry knows the length of what it holds."""

import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "0002", "0001", None, None
NUMBER = sa.Integer().with_variant(sa.BigInteger(), "postgresql")


def upgrade():
    # SQLite copies the table, and puts the copy in its place; PostgreSQL changes it there.
    rebuilt = "always" if op.get_bind().dialect.name == "sqlite" else "never"
    with op.batch_alter_table("entry", recreate=rebuilt, table_kwargs={"sqlite_strict": True}) as entry:
        entry.add_column(sa.Column("letters", NUMBER, nullable=False, server_default="0"))
    op.execute("UPDATE entry SET letters = length(envelope)")
    op.create_index("ix_entry_letters", "entry", ["letters", "id"])
'''
SEEN_BY_SQLITE = text("SELECT type, name, sql FROM sqlite_master ORDER BY type, name")
SEEN_BY_POSTGRESQL = text(
    "SELECT 'column', table_name, string_agg(column_name || ' ' || data_type, ', ' ORDER BY column_name) FROM information_schema.columns"
    " WHERE table_schema = current_schema() GROUP BY table_name"
    " UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() ORDER BY 1, 2"
)


Head = tuple[int, bytes]


def is_installed(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """From now on this custody is the one of the next version."""
    here = folder / "migrations"
    shutil.copytree(schema._MIGRATIONS, here, ignore=shutil.ignore_patterns("__pycache__"))
    (here / "versions" / f"{VERSION}_letters.py").write_text(MIGRATION, encoding="utf-8")
    patch.setattr(schema, "_MIGRATIONS", here)


def shape(store: Store) -> list[tuple[str, ...]]:
    """Everything the database has: tables with their columns, indexes, triggers."""
    with store.reading() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        found = connection.execute(SEEN_BY_SQLITE if is_sqlite else SEEN_BY_POSTGRESQL)
        return [(kind, name, _in_order(sql or "")) for kind, name, sql in found]


def _in_order(sql: str) -> str:
    """The lines of a statement by the alphabet: a rebuilt table names its constraints in any order."""
    return "\n".join(sorted(line.strip(" ,\t") for line in sql.splitlines()))


def head(store: Store) -> Head | None:
    """Of the log; None where there are no tables yet."""
    if schema.schema_state(store) == "empty":
        return None
    with store.reading() as connection:
        size = log.size(connection)
        return size, log.root(connection, size)


def check(store: Store) -> str:
    """The version of the tables; whichever it is, they are whole. The columns of the next version are filled."""
    found = schema.schema_state(store)
    with store.reading() as connection:
        if found != "empty":
            assert guards.first_difference(connection) is None
        if found == "current" and "letters" in {column["name"] for column in inspect(connection).get_columns("entry")}:
            wrong = select(func.count()).select_from(text("entry")).where(text("letters != length(envelope)"))
            assert connection.execute(wrong).scalar_one() == 0
        if found != "empty":
            faults = verify(connection, checkpoint=None).faults
            assert faults == (), "; ".join(map(str, faults))
    return found
