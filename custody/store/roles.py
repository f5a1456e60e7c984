"""On PostgreSQL: the role of the server may add to what only grows and never change it; another role owns the tables."""

from __future__ import annotations

from sqlalchemy import Connection, text

from custody.store.tables import APPEND_ONLY, metadata

_CHANGES = ("UPDATE", "DELETE", "TRUNCATE")
_ALLOWED = text(
    "SELECT c.relname, r.privilege FROM pg_class c CROSS JOIN unnest(CAST(:rights AS text[])) AS r (privilege)"
    " WHERE c.relnamespace = CAST(current_schema() AS regnamespace) AND c.relname = ANY(:tables)"
    # Who owns a table, or may become its owner, can give itself every right.
    " AND (has_table_privilege(c.oid, r.privilege) OR pg_has_role(c.relowner, 'MEMBER'))"
    " ORDER BY c.relname, r.privilege"
)


def grant_to(connection: Connection, role: str) -> None:
    """Give `role` what a server needs, and take everything else from it and from everybody; as the owner of the tables."""
    name = _quoted(connection, role)
    schema = connection.execute(text("SELECT quote_ident(current_schema())")).scalar_one()
    say = connection.exec_driver_sql
    say(f"REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM PUBLIC, {name}")
    say(f"REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC, {name}")
    say(f"GRANT USAGE ON SCHEMA {schema} TO {name}")
    say(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {name}")
    for table in metadata.tables:
        more = "INSERT" if table in APPEND_ONLY else "INSERT, UPDATE, DELETE"
        say(f"GRANT {more} ON {table} TO {name}")


def changes_allowed(connection: Connection) -> tuple[str, ...]:
    """What the role of this connection may do to tables that only grow, and must not (`DELETE on entry`)."""
    found = connection.execute(_ALLOWED, {"rights": list(_CHANGES), "tables": list(APPEND_ONLY)})
    return tuple(f"{right} on {table}" for table, right in found)


def _quoted(connection: Connection, role: str) -> str:
    return str(connection.execute(text("SELECT quote_ident(:role)"), {"role": role}).scalar_one())
