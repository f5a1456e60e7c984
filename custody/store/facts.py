"""What is true of a store for as long as it exists: its origin, and whether it is a demonstration. Set once."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from custody.errors import InputError
from custody.store.connection import DEMONSTRATION
from custody.store.log import size
from custody.store.tables import store_fact

ORIGIN = "origin"
CREATED = "created"

__all__ = ["CREATED", "DEMONSTRATION", "ORIGIN", "fact", "mark_demonstration", "set_fact"]


def fact(connection: Connection, name: str) -> str | None:
    return connection.execute(select(store_fact.c.text).where(store_fact.c.name == name)).scalar()


def set_fact(connection: Connection, name: str, text: str) -> None:
    """Say `text` once and for ever. Raises InputError when the store says something else already."""
    before = fact(connection, name)
    if before is None:
        connection.execute(insert(store_fact), {"name": name, "text": text})
    elif before != text:
        raise InputError(f"this store's {name} is “{before}” and cannot become “{text}”; make a new store")


def mark_demonstration(connection: Connection) -> None:
    """Only an empty store can become a demonstration, so that no real record ever does."""
    if size(connection):
        raise InputError("this store already holds entries; make a fresh one for a demonstration")
    set_fact(connection, DEMONSTRATION, "yes")
