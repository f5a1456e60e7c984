"""Alembic's migrations; `upgrade` and `schema_state` are the way in."""

from custody.store.schema import SchemaState, schema_state, upgrade

__all__ = ["SchemaState", "schema_state", "upgrade"]
