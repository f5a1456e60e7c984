"""A disk that takes nothing more: really refused writes, from SQLite's own limit or the operating system's."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

from custody.store.connection import Store


@contextmanager
def failing_disk(bytes_written_at_most: int = 0) -> Iterator[None]:
    """Every write beyond so many bytes of a file fails, as on a disk with bad blocks (SQLITE_IOERR).

    Whoever prints meanwhile must print into memory (capsys).
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_written_at_most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def full_disk(store: Store) -> Iterator[None]:
    """SQLite may not make the store's file longer (SQLITE_FULL)."""
    with store.reading() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    with every_connection(store, f"PRAGMA max_page_count = {pages}"):
        yield


@contextmanager
def every_connection(store: Store, pragma: str) -> Iterator[None]:
    """Each connection opened meanwhile begins with this pragma."""

    def prepare(connection: Any, _record: Any) -> None:
        connection.execute(pragma)

    store.close()
    event.listen(Engine, "connect", prepare)
    try:
        yield
    finally:
        event.remove(Engine, "connect", prepare)
        store.close()
