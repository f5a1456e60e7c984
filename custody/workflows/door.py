"""The shell's way to the store: web and command line open it, begin units of work and bring its tables up to date through here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from custody.errors import InputError
from custody.store.connection import Store, open_store
from custody.store.schema import schema_state, upgrade

__all__ = ["Connection", "Store", "open_ready", "open_store", "schema_state", "unit_of_work", "upgrade"]


@contextmanager
def unit_of_work(store: Store) -> Iterator[Connection]:
    """One transaction: commits when the block returns, rolls back when it raises."""
    with store.writing() as connection:
        yield connection


def open_ready(url: str) -> Store:
    """The store at `url` with tables of this version. Raises InputError with the remedy when they are not."""
    store = open_store(url)
    state = schema_state(store)
    if state == "empty":
        raise InputError("this store has no tables yet; run `custody db upgrade` first", code="schema_empty")
    if state == "old":
        raise InputError("this store was written by an older custody; back it up and run `custody db upgrade`", code="schema_old")
    if state == "newer":
        raise InputError("this store was written by a newer custody; install that version to use it", code="schema_newer")
    return store
