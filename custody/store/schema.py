"""Brings the tables of a store up to this version of custody, and says how far they are."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from custody.errors import InputError, LedgerBrokenError
from custody.store.connection import Store
from custody.store.guards import protect, unprotect
from custody.store.roles import grant_to

SchemaState = Literal["empty", "current", "old", "newer"]
NEWER = "this store was written by a newer custody; install that version or a later one to use it"

_MIGRATIONS = Path(__file__).resolve().parent / "migrations"


def schema_state(store: Store) -> SchemaState:
    """How far the store's tables are. A file that is not there yet is empty, and stays away.

    Raises InputError when the file holds tables that are not custody's.
    """
    if not store.database.is_there:
        return "empty"
    with store.reading() as connection:
        return _state(connection)


def upgrade(store: Store, *, server_role: str | None = None) -> None:
    """Create or update the tables, all or nothing; `server_role`: who may add to them and change nothing that only grows.

    Raises InputError for a store of a newer version, LedgerBrokenError for one whose rows do not belong together.
    """
    with store.writing(rebuilds_tables=True) as connection:
        state = _state(connection)
        if state == "newer":
            raise InputError(NEWER)
        if state != "current":
            unprotect(connection)
            command.upgrade(_config(connection), "head")
            protect(connection)
            _check_references(connection)
        if server_role is not None:
            grant_to(connection, server_role)


def _state(connection: Connection) -> SchemaState:
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is None:
        tables = inspect(connection).get_table_names()
        if tables:
            raise InputError(f"the database holds other tables ({', '.join(tables[:3])}); give custody one of its own")
        return "empty"
    script = ScriptDirectory.from_config(_config(connection))
    if revision == script.get_current_head():
        return "current"
    known = {known.revision for known in script.walk_revisions()}
    return "old" if revision in known else "newer"


def _check_references(connection: Connection) -> None:
    """Nothing else does while tables are rebuilt in SQLite. Raises LedgerBrokenError, and nothing was changed."""
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first() if connection.dialect.name == "sqlite" else None
    if broken is not None:
        raise LedgerBrokenError(
            f"a row of {broken[0]} refers to none of {broken[2]}, so the tables were left as they were; restore a backup"
        )


def _config(connection: Connection) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
