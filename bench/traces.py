"""Traces and recalls over HTTP, through the real server: from every kind of thing both ways, and the longest list of bags there is."""

from __future__ import annotations

import http.client
import random
import re
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection

from bench import floor
from bench.scan import Nurse, served
from custody.domain.ids import node_of
from custody.store import lookups
from custody.store.connection import Store
from custody.workflows.rehearsal.steps import STUDY

INSPECTOR = "demo-qa-one"
ASKED = 60
"""Things of each kind that are asked for, drawn from all of them; each once before anything is timed."""
ROUNDS = 3
KINDS = ("donor", "donation", "bank", "lot", "bag", "shipment", "dose", "participant")
SEED = 20
PIECE = 1 << 16
P99_MS, RECALL_S, RECALL_MB = 20.0, 5.0, 200.0
"""What is to be reached (issue 4)."""


@dataclass(frozen=True, kw_only=True)
class Traced:
    """Pages of one kind of thing, one way; times on the clock of whoever asks, and the server's processor time for one page on average.

    `floor_p99_ms`: of bare loops, as many and as long as half of the pages took.
    """

    kind: str
    forward: bool
    asked: int
    things: float
    p50_ms: float
    p99_ms: float
    slowest_ms: float
    cpu_ms: float
    floor_p99_ms: float

    @property
    def is_slow(self) -> bool:
        return self.p99_ms > P99_MS


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One list as a file. `megabytes`: the most that the serving process held, and `before`: what it held before it was asked."""

    what: str
    rows: int
    size_megabytes: float
    first_s: float
    seconds: float
    cpu_s: float
    megabytes: float
    before: float

    @property
    def is_slow(self) -> bool:
        return self.seconds > RECALL_S or self.megabytes > RECALL_MB


@dataclass
class Asking:
    """One signed-in person with one open connection."""

    nurse: Nurse
    connection: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", self.nurse.port, timeout=120)

    def page(self, path: str) -> tuple[float, bytes]:
        """Milliseconds until all of it was there, and the page."""
        began = time.perf_counter()
        self.connection.request("GET", path, headers={"Cookie": self.nurse.cookie})
        answer = self.connection.getresponse()
        content = answer.read()
        assert answer.status == 200, (path, answer.status, content[:500])
        return (time.perf_counter() - began) * 1000, content

    def file(self, path: str) -> Iterator[bytes]:
        self.connection.request("GET", path, headers={"Cookie": self.nurse.cookie})
        answer = self.connection.getresponse()
        assert answer.status == 200, (path, answer.status)
        while piece := answer.read1(PIECE):
            yield piece


def pages(url: str, folder: Path, drawn: dict[str, list[str]]) -> Iterator[Traced]:
    """The trace of many things of each kind, forward and back."""
    with served(url, folder / "keys", workers=1) as port:
        asking, worker = Asking(Nurse(port, INSPECTOR)), _worker(port)
        for kind, streams in drawn.items():
            for forward in (True, False):
                yield _pages(asking, worker, kind, streams, forward=forward)


def _pages(asking: Asking, worker: int, kind: str, streams: list[str], *, forward: bool) -> Traced:
    paths = [f"/things/{stream.replace(':', '/')}/trace?direction={'forward' if forward else 'backward'}" for stream in streams]
    rows = [asking.page(path)[1].count(b"<tr") - 1 for path in paths]
    spent = _cpu_s(worker)
    taken = sorted(asking.page(path)[0] for _ in range(ROUNDS) for path in paths)
    spent = _cpu_s(worker) - spent
    p50 = statistics.median(taken)
    return Traced(
        kind=kind,
        forward=forward,
        asked=len(taken),
        things=statistics.mean(rows),
        p50_ms=p50,
        p99_ms=_p99(taken),
        slowest_ms=taken[-1],
        cpu_ms=spent * 1000 / len(taken),
        floor_p99_ms=_p99(floor.bare_loops(p50, len(taken))),
    )


def _p99(ordered: list[float]) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]


def lists(url: str, folder: Path, streams: list[str]) -> Iterator[Listed]:
    """The recall of each of these things, and its trace forward, as files; a fresh server for each, so that its memory is its own."""
    for stream in streams:
        path = stream.replace(":", "/")
        for what, address in (("recall", f"/desks/quality/{path}/recall?file=csv"), ("trace", f"/things/{path}/trace?file=csv")):
            with served(url, folder / "keys", workers=1) as port:
                asking = Asking(Nurse(port, INSPECTOR))
                asking.page("/search")  # the code of pages is there; of the record nothing is remembered yet
                yield _listed(asking, f"{what} of {stream}", address, _worker(port))


def _listed(asking: Asking, what: str, address: str, worker: int) -> Listed:
    before, cpu = _megabytes(worker, "VmRSS"), _cpu_s(worker)
    began, first, rows, size, tail = time.perf_counter(), 0.0, 0, 0, b""
    for piece in asking.file(address):
        first = first or time.perf_counter() - began
        rows += piece.count(b"\n")
        size += len(piece)
        tail = (tail + piece)[-200:]
    seconds = time.perf_counter() - began
    counted = re.sub(rb"\D", b"", tail.splitlines()[-1])
    assert int(counted) == rows - 2, (tail, rows)
    return Listed(
        what=what,
        rows=rows - 2,
        size_megabytes=size / 1e6,
        first_s=first,
        seconds=seconds,
        cpu_s=_cpu_s(worker) - cpu,
        megabytes=_megabytes(worker, "VmHWM"),
        before=before,
    )


def drawn_from(store: Store) -> dict[str, list[str]]:
    """Some things of each kind, the same ones each time."""
    chance = random.Random(SEED)  # noqa: S311 - no secret
    with store.reading() as connection:
        return {kind: _some(connection, kind, chance) for kind in KINDS}


def _some(connection: Connection, kind: str, chance: random.Random) -> list[str]:
    every = sorted(item.stream for item in lookups.streams_of_kind(connection, kind, study=STUDY.value, limit=2_000_000))
    return chance.sample(every, min(ASKED, len(every)))


def longest(store: Store) -> list[str]:
    """The materials, and the freezer: from each of them came most of all bags."""
    with store.reading() as connection:
        found = lookups.names_of_kind(connection, "material", limit=5)
        # What a person cannot name has no page.
        return [stream for stream in found if node_of(stream)]


def _worker(port: int) -> int:
    """The process that answers on this port, and is no parent of another that does."""
    inodes = {line.split()[9] for line in Path("/proc/net/tcp").read_text().splitlines()[1:] if line.split()[1].endswith(f":{port:04X}")}
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            held = {each.readlink().name for each in (process / "fd").iterdir()}
        except OSError:
            continue
        if any(f"socket:[{inode}]" in held for inode in inodes):
            found.append(int(process.name))
    parents = {int((Path("/proc") / str(each) / "stat").read_text().rpartition(")")[2].split()[1]) for each in found}
    return next(each for each in sorted(found, reverse=True) if each not in parents)


def _megabytes(process: int, name: str) -> float:
    text = (Path("/proc") / str(process) / "status").read_text()
    return next(int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith(name))


def _cpu_s(process: int) -> float:
    times = (Path("/proc") / str(process) / "stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, times)) / 100
