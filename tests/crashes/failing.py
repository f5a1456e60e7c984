"""Disks that fail: one call of SQLite's, every call from one on, no room for more, nothing may be written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.crashes.vfs import IOERR, NO_ROOM, OK, READONLY, heard_by

GROWS = frozenset({"write", "truncate"})
CHANGES = frozenset({"write", "truncate", "delete"})


@dataclass(frozen=True)
class Kind:
    """What a disk answers from its fault on: to which calls (None: to all), and whether to one only."""

    name: str
    error: int
    calls: frozenset[str] | None = None
    once: bool = False


ONE_CALL = Kind("one call fails (EIO)", IOERR, once=True)
BROKEN = Kind("every call fails (EIO)", IOERR)
FULL = Kind("the disk is full", NO_ROOM, GROWS)
READ_ONLY = Kind("the disk may only be read", READONLY, CHANGES)


@dataclass
class FailingDisk:
    """Works until its call number `at`. `failed` counts what it refused, by the name of the call."""

    kind: Kind
    at: int
    calls: int = 0
    is_well: bool = False
    failed: Counter[str] = field(default_factory=Counter)

    def call(self, what: str, _path: str, _offset: int, _content: bytes) -> int:
        if self.is_well or (self.kind.calls is not None and what not in self.kind.calls):
            return OK
        self.calls += 1
        if self.calls < self.at or (self.kind.once and self.calls > self.at):
            return OK
        self.failed[what] += 1
        return self.kind.error

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Only what nurses do meets the fault, not who looks at the record meanwhile."""
        was, self.is_well = self.is_well, self._healed
        try:
            yield
        finally:
            self.is_well = was

    def heal(self) -> None:
        self._healed = True

    _healed: bool = False

    def __post_init__(self) -> None:
        self.is_well = True


@contextmanager
def on(disk: FailingDisk) -> Iterator[FailingDisk]:
    with heard_by(disk):
        yield disk
