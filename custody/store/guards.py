"""What makes the database itself refuse to change a table that only grows: put in place, and compared word for word by verification."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, text

from custody.store.tables import APPEND_ONLY

FUNCTION = "custody_refuses_change"
_BODY = " BEGIN RAISE EXCEPTION '% only grows', TG_TABLE_NAME; END "
_MAKE_FUNCTION = f"CREATE OR REPLACE FUNCTION {FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS '{_BODY.replace(chr(39), chr(39) * 2)}'"
_SEEN_ON_SQLITE = text("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'")
# Triggers of foreign keys are the database's own. A trigger that is switched off, or on for replication alone, reads otherwise than ours.
_SEEN_ON_POSTGRESQL = text(
    "SELECT t.tgname, c.relname, pg_get_triggerdef(t.oid) || ' ' || CAST(t.tgenabled AS text) || p.prosrc"
    " FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid"
    " WHERE NOT t.tgisinternal AND c.relnamespace = CAST(current_schema() AS regnamespace)"
    " UNION ALL SELECT rulename, tablename, definition FROM pg_rules WHERE schemaname = current_schema()"
)


def protect(connection: Connection) -> None:
    """Put every trigger in place, in the transaction that made or changed the tables; those of an older version go."""
    unprotect(connection)
    if connection.dialect.name == "sqlite":
        for _, _, statement in triggers():
            connection.exec_driver_sql(statement)
        return
    connection.exec_driver_sql(_MAKE_FUNCTION.replace("%", "%%"))
    for name, table, statement in _on_postgresql():
        connection.exec_driver_sql(statement)
        # Also while the session calls itself a replica.
        connection.exec_driver_sql(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")


def unprotect(connection: Connection) -> None:
    """Take every trigger away, in the transaction of a migration that fills new columns of what only grows; `protect` ends it."""
    for name, table, _ in _seen(connection):
        on = f" ON {table}" if connection.dialect.name != "sqlite" else ""
        connection.exec_driver_sql(f'DROP TRIGGER "{name}"{on}')


def first_difference(connection: Connection) -> str | None:
    """The first trigger that is missing, changed or not custody's: another one could change what is written. None: all are as they were."""
    seen = {name: (table, sql) for name, table, sql in _seen(connection)}
    expected = {name: (table, sql) for name, table, sql in _expected(connection)}
    for name in sorted(seen.keys() | expected.keys()):
        if seen.get(name) != expected.get(name):
            what = "missing" if name not in seen else "not one of custody's" if name not in expected else "changed"
            return f"trigger {name} is {what}"
    return None


def name_of(table: str) -> str:
    """Of the trigger that guards a table of PostgreSQL."""
    return f"{table}_refuses_change"


def _seen(connection: Connection) -> list[tuple[str, str, str]]:
    statement = _SEEN_ON_SQLITE if connection.dialect.name == "sqlite" else _SEEN_ON_POSTGRESQL
    return [(name, table, sql) for name, table, sql in connection.execute(statement)]


def _expected(connection: Connection) -> Iterator[tuple[str, str, str]]:
    if connection.dialect.name == "sqlite":
        yield from triggers()
        return
    schema = connection.execute(text("SELECT quote_ident(current_schema())")).scalar_one()
    for name, table, statement in _on_postgresql():
        yield name, table, f"{statement.replace(f' ON {table} ', f' ON {schema}.{table} ')} A{_BODY}"


def _on_postgresql() -> Iterator[tuple[str, str, str]]:
    """One trigger a table, as PostgreSQL writes it: before any statement that would change or remove a row."""
    for table in APPEND_ONLY:
        name = name_of(table)
        yield (
            *(name, table),
            f"CREATE TRIGGER {name} BEFORE DELETE OR UPDATE OR TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {FUNCTION}()",
        )


def triggers() -> Iterator[tuple[str, str, str]]:
    """Name, table and SQL of every trigger that an SQLite store must have, and has no others.

    INSERT OR REPLACE deletes the old row without firing a DELETE trigger, so it is refused before the insert.
    """
    for table, keys in APPEND_ONLY.items():
        refusal = f"SELECT RAISE(ABORT, '{table} only grows')"
        for change in ("UPDATE", "DELETE"):
            name = f"{table}_refuses_{change.lower()}"
            yield name, table, f"CREATE TRIGGER {name} BEFORE {change} ON {table} BEGIN {refusal}; END"
        there = " OR ".join(
            f"EXISTS (SELECT 1 FROM {table} WHERE " + " AND ".join(f'"{column}" = NEW."{column}"' for column in key) + ")"  # noqa: S608 - our own names
            for key in keys
        )
        name = f"{table}_refuses_replace"
        yield name, table, f"CREATE TRIGGER {name} BEFORE INSERT ON {table} WHEN {there} BEGIN {refusal}; END"
