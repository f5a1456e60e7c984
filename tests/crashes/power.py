"""The power goes: what was written since a file was last synced is kept, lost or torn at sectors of 512 bytes, in any order."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.crashes.vfs import OK

SECTOR = 512
SELDOM_KEPT, OFTEN_KEPT = 0.15, 0.9


@dataclass(frozen=True)
class Step:
    """`what` is a call of `tests.crashes.vfs` on the file `name`, or "mark" with a number of its own."""

    what: str
    name: str = ""
    offset: int = 0
    content: bytes = b""


@dataclass
class Recording:
    """Everything that changed the files of one folder, in order; marks of the test's stand in between."""

    steps: list[Step] = field(default_factory=list)

    def call(self, what: str, path: str, offset: int, content: bytes) -> int:
        # A file without a name goes when it is closed.
        if path and (what in {"write", "truncate", "sync", "delete"} or (what == "open" and offset)):
            self.steps.append(Step(what, Path(path).name, offset, content))
        return OK

    def mark(self, number: int) -> None:
        self.steps.append(Step("mark", offset=number))


@dataclass
class _File:
    """`lasting` is on the disk; what came since it was synced may be there or not."""

    lasting: bytearray = field(default_factory=bytearray)
    since: list[Step] = field(default_factory=list)
    has_been_synced: bool = False

    def sync(self) -> None:
        for step in self.since:
            _apply(self.lasting, step)
        self.since.clear()
        self.has_been_synced = True


@dataclass
class Disk:
    """The files of one folder by name; an older file of a name may come back until the folder is synced.

    SQLite syncs the folder of a new journal when it first syncs the journal, and after a deletion where that matters to it.
    """

    names: dict[str, list[_File | None]]
    marked: int = -1

    @classmethod
    def of(cls, files: dict[str, bytes]) -> Disk:
        return cls({name: [_File(bytearray(content), has_been_synced=True)] for name, content in files.items()})

    def go_on(self, step: Step) -> None:
        """What the operating system does with one call."""
        match step.what:
            case "mark":
                self.marked = step.offset
            case "open":
                self.names.setdefault(step.name, [None]).append(_File())
            case "delete":
                self.names.setdefault(step.name, [None]).append(None)
                if step.offset:
                    self._sync_folder()
            case "sync":
                file = self._newest(step.name)
                if not file.has_been_synced:
                    self._sync_folder()
                file.sync()
            case _:
                self._newest(step.name).since.append(step)

    def after_a_cut(self, chance: random.Random) -> dict[str, bytes]:
        """What is found when the power is back."""
        found = {}
        for name, files in self.names.items():
            file = chance.choice(files)
            if file is not None:
                found[name] = _after_a_cut(file, chance)
        return found

    def without_a_cut(self) -> dict[str, bytes]:
        """What is read while the power lasts."""
        found = {}
        for name, files in self.names.items():
            if files[-1] is not None:
                files[-1].sync()
                found[name] = bytes(files[-1].lasting)
        return found

    def _newest(self, name: str) -> _File:
        file = self.names[name][-1]
        assert file is not None
        return file

    def _sync_folder(self) -> None:
        self.names = {name: files[-1:] for name, files in self.names.items() if files[-1] is not None}


def cuts(
    before: dict[str, bytes], steps: Iterable[Step], places: Iterable[int], chance: random.Random
) -> Iterator[tuple[int, dict[str, bytes]]]:
    """At each place (so many steps were made) what the disk holds after a cut, with the last mark before it."""
    disk, made, wanted = Disk.of(before), iter(steps), 0
    for place in sorted(places):
        for _ in range(place - wanted):
            disk.go_on(next(made))
        wanted = place
        yield disk.marked, disk.after_a_cut(chance)


def _after_a_cut(file: _File, chance: random.Random) -> bytes:
    content, since = bytearray(file.lasting), list(file.since)
    if chance.random() < 0.5:
        chance.shuffle(since)
    kept = chance.choice((0.0, 1.0, SELDOM_KEPT, OFTEN_KEPT, chance.random()))
    for step in since:
        if chance.random() < kept:
            _apply(content, step)
        elif step.what == "write" and chance.random() < 0.5:
            for part in _sectors(step):
                if chance.random() < 0.5:
                    _apply(content, part)
    return bytes(content)


def _sectors(step: Step) -> Iterator[Step]:
    """A write as the disk makes it: sector by sector, of which the first and the last may be written in part."""
    at, end = step.offset, step.offset + len(step.content)
    while at < end:
        upto = min(end, (at // SECTOR + 1) * SECTOR)
        yield Step("write", step.name, at, step.content[at - step.offset : upto - step.offset])
        at = upto


def _apply(content: bytearray, step: Step) -> None:
    if step.what == "truncate":
        del content[step.offset :]
        content.extend(bytes(step.offset - len(content)))
        return
    content.extend(bytes(max(0, step.offset - len(content))))
    content[step.offset : step.offset + len(step.content)] = step.content
