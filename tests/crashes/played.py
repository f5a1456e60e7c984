"""A road of real acts under a disk that writes down what reaches it: after each act stands which record was acknowledged."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection

from custody.store import log
from custody.store.connection import Store, open_store
from custody.store.facts import ORIGIN, mark_demonstration, set_fact
from custody.store.schema import upgrade
from custody.store.verification import verify
from custody.workflows.door import open_ready
from custody.workflows.drill.roads import OPENED
from custody.workflows.rehearsal.player import Player, open_ledger
from custody.workflows.rehearsal.steps import Step
from tests.crashes.power import Recording
from tests.crashes.vfs import heard_by

DATABASE = "custody.db"
Head = tuple[int, bytes]
"""How many entries the log has, and its root."""


@dataclass
class Acknowledged:
    """The record as it stood at each mark of a recording; what every mark promises is there after any cut that comes later."""

    heads: list[Head] = field(default_factory=list)

    def add(self, store: Store, recording: Recording) -> None:
        with store.reading() as connection:
            self.heads.append(head_of(connection))
        recording.mark(len(self.heads) - 1)


def head_of(connection: Connection) -> Head:
    size = log.size(connection)
    return size, log.root(connection, size)


def files_of(folder: Path) -> dict[str, bytes]:
    """The database and its journals, as they lie there."""
    return {path.name: path.read_bytes() for path in folder.glob(f"{DATABASE}*") if "lock-file" not in path.name}


def opened(folder: Path) -> Store:
    """A new store with the first site and administrator; everything of it lies on the disk."""
    folder.mkdir()
    store = open_store(f"sqlite:///{folder / DATABASE}")
    upgrade(store)
    with store.writing() as connection:
        mark_demonstration(connection)
        set_fact(connection, ORIGIN, "custody.example.org/tests")
    open_ledger(store, OPENED)
    store.close()
    return store


def play(store: Store, steps: Iterable[Step]) -> tuple[Recording, Acknowledged]:
    """The steps through the real workflows, each acknowledged when its call has returned."""
    recording, acknowledged = Recording(), Acknowledged()
    with heard_by(recording):
        acknowledged.add(store, recording)
        player = Player(store)
        for step in steps:
            player.play(step)
            acknowledged.add(store, recording)
        store.close()
    return recording, acknowledged


def found_after(files: dict[str, bytes], folder: Path, promised: Head) -> str:
    """What custody finds in these files: "whole", or in one word what is wrong."""
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    try:
        with closing(open_ready(f"sqlite:///{folder / DATABASE}")) as store, store.reading() as connection:
            if verify(connection, checkpoint=None).faults:
                return "broken"
            size, root = promised
            return "whole" if log.size(connection) >= size and log.root(connection, size) == root else "lost"
    finally:
        shutil.rmtree(folder)


def said(ended: Counter[str]) -> str:
    return ", ".join(f"{ended[each]:,} {each}" for each in ("lost", "broken"))
