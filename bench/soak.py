"""Ten minutes at a steady pace of scans: whether they get slower, whether memory grows, and what a huge logger file does to them meanwhile.

Scans are sent when they are due, answered or not, and their time counts from then: a server that falls behind is seen to. Doses come and
go as they do at beds: each is scanned eight times, then others are. Memory counts from when so many were seen that a server which keeps
to its bounds has reached them.
"""

from __future__ import annotations

import os
import re
import selectors
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path

from bench.facility import Writer
from bench.importing import Importer, logger_file
from bench.scan import WAIT_S, Nurse, _Client, measure
from bench.seed import bedside_store
from custody.store.connection import Store
from custody.workflows.rehearsal.bedside import NURSES
from custody.workflows.rehearsal.road import Cast
from custody.workflows.rehearsal.steps import Step

WANTED_PER_SECOND = 100.0
SHARE_OF_CAPACITY = 0.6
"""Of what this machine can do, where that is less than wanted."""
ROWS = 1_000_000
CLIENTS = 32
BEDS = 32
ROUNDS = 4
"""Each dose is scanned so often by both people."""
WARM_UP = 4_000
"""Doses. What a process remembers of the ledger is full after about 1,700 (custody.store.proven); then new takes the place of old, and
what the allocator holds for both settles in about as many again."""
BEHIND_MAX = 1_000
GROWTH_MAX, DRIFT_MAX, IMPORT_MAX, WAIT_MAX_S = 0.05, 0.20, 2.0, 1.0


@dataclass
class Steady:
    """What a time of steady scans showed: seconds from when each was due to its answer, in the order they were due."""

    per_second: float
    took: list[float] = field(default_factory=list)

    @property
    def p99(self) -> float:
        return percentile(self.took, 0.99)

    @property
    def drift(self) -> float:
        """How much slower the slowest hundredth of the last third is than that of the first."""
        third = max(1, len(self.took) // 3)
        return percentile(self.took[-third:], 0.99) / percentile(self.took[:third], 0.99) - 1


@dataclass(frozen=True)
class Soaked:
    """Everything measured. Memory in MB: of all processes of the server, after the warm-up and at the end."""

    capacity: float
    steady: Steady
    memory_before: float
    memory_after: float
    importing: Steady
    import_s: float
    longest_of_many_s: float

    @property
    def growth(self) -> float:
        return self.memory_after / self.memory_before - 1

    @property
    def results(self) -> tuple[tuple[str, str, bool], ...]:
        """What was asked, what was measured, and whether that is enough."""
        slower = self.importing.p99 / self.steady.p99
        memory = f"{self.memory_before:.0f} → {self.memory_after:.0f} MB ({self.growth:+.1%})"
        return (
            ("memory grows less than 5 %", memory, self.growth < GROWTH_MAX),
            ("p99 drifts less than 20 %", f"{self.steady.drift:+.1%}", self.steady.drift < DRIFT_MAX),
            (f"a logger file of {ROWS:,} rows at most doubles p99", f"× {slower:.2f} for {self.import_s:.0f} s", slower <= IMPORT_MAX),
            (f"{CLIENTS} clients at once wait at most 1 s", f"{self.longest_of_many_s:.2f} s", self.longest_of_many_s <= WAIT_MAX_S),
        )


def doses_for(seconds: float) -> int:
    """How many doses so long a soak needs."""
    return WARM_UP + round(WANTED_PER_SECOND * seconds / (2 * ROUNDS))


def soak(port: int, casts: tuple[Cast, ...], seconds: float, say: Callable[[str], None]) -> Soaked:
    """Steady scans for so long, then beside an import, then by many at once. The server must be the only child of this process.

    Beside the import the first doses come again.
    """
    (parent,) = _children(os.getpid())
    nurses = tuple(Nurse(port, account) for account in NURSES)
    for nurse in nurses:
        nurse.csrf(casts[0].dose.value)
    capacity = measure(port, casts[:CLIENTS], 8, 3).per_second
    pace = min(WANTED_PER_SECOND, SHARE_OF_CAPACITY * capacity)
    say(f"this machine does {capacity:.0f} scans/s with 8 clients; the pace is {pace:.0f}/s")
    file = logger_file(ROWS)
    say(f"warming up with {WARM_UP:,} doses")
    requests = _requests(nurses, casts)
    steady_scans(port, requests, pace, count=WARM_UP * 2 * ROUNDS)
    before = memory_mb(parent)
    say(f"steady scans for {seconds:.0f} s")
    steady = steady_scans(port, requests, pace, count=int(pace * seconds))
    after = memory_mb(parent)
    say(f"p99 {steady.p99 * 1000:.0f} ms, drifted {steady.drift:+.1%}; memory {before:.0f} → {after:.0f} MB ({after / before - 1:+.1%})")
    say(f"the same beside a logger file of {ROWS:,} rows ({len(file) / 1e6:.0f} MB)")
    reader = Importer(port, file)
    reader.start()
    importing = steady_scans(port, requests, pace, until=reader.is_done)
    reader.join()
    say(f"{CLIENTS} clients at once")
    longest = max(max(_burst(port, nurse, casts)) for nurse in nurses for _ in range(3))
    return Soaked(capacity, steady, before, after, importing, reader.took, longest)


def _requests(nurses: tuple[Nurse, ...], casts: tuple[Cast, ...]) -> Iterator[bytes]:
    """At so many beds doses are scanned by one person and then by the other, round after round; then others take their places."""
    at_the_beds = (casts[n : n + BEDS] for n in cycle(range(0, len(casts), BEDS)))
    return (nurse.request(cast) for some in at_the_beds for _ in range(ROUNDS) for cast in some for nurse in nurses)


def steady_scans(
    port: int, requests: Iterator[bytes], per_second: float, *, count: int = 0, until: Callable[[], bool] | None = None
) -> Steady:
    """One request after the other at a steady pace: as many as `count`, or for as long as `until` says that it is not over."""
    found, due, number = Steady(per_second), time.perf_counter(), 0
    free: list[_Client] = []
    under_way: dict[_Client, _Scan] = {}
    answered: dict[int, float] = {}

    def is_more() -> bool:
        return number < count or (until is not None and not until())

    with selectors.DefaultSelector() as ready:
        while under_way or is_more():
            while time.perf_counter() >= due and is_more():
                _send(_Scan(number, due, next(requests)), free, under_way, port, ready)
                number += 1
                due += 1 / per_second
            for key, _ in ready.select(max(0.0, min(due - time.perf_counter(), 0.05))):
                scan = _answered(key.data, free, under_way, port, ready)
                if scan is not None:
                    answered[scan.number] = time.perf_counter() - scan.due
            assert len(under_way) <= BEHIND_MAX, f"the server has fallen behind by {BEHIND_MAX} scans"
        for client in free:
            client.close()
    found.took = [answered[scan] for scan in sorted(answered)]
    return found


@dataclass(frozen=True)
class _Scan:
    number: int
    due: float
    request: bytes


def _send(scan: _Scan, free: list[_Client], under_way: dict[_Client, _Scan], port: int, ready: selectors.BaseSelector) -> None:
    client = free.pop() if free else _Client(port, ready)
    under_way[client] = scan
    try:
        client.send(scan.request)
    except ConnectionError:
        _again(client, free, under_way, port, ready)


def _answered(
    client: _Client, free: list[_Client], under_way: dict[_Client, _Scan], port: int, ready: selectors.BaseSelector
) -> _Scan | None:
    """The scan that has now been answered whole; None while it has not."""
    try:
        if not client.read():
            return None
    except ConnectionError:
        _again(client, free, under_way, port, ready)
        return None
    free.append(client)
    return under_way.pop(client)


def _again(client: _Client, free: list[_Client], under_way: dict[_Client, _Scan], port: int, ready: selectors.BaseSelector) -> None:
    """The server ends connections on which nothing was sent for seconds; what crossed that on its way is sent again, with its key."""
    client.close()
    if client in free:
        free.remove(client)
    scan = under_way.pop(client, None)
    if scan is not None:
        _send(scan, free, under_way, port, ready)


def _burst(port: int, nurse: Nurse, casts: tuple[Cast, ...]) -> list[float]:
    """So many people scan at the very same moment: how long each of them waits."""
    with selectors.DefaultSelector() as ready:
        clients = [_Client(port, ready) for _ in range(CLIENTS)]
        requests = [nurse.request(casts[n % len(casts)]) for n in range(CLIENTS)]
        for client, request in zip(clients, requests, strict=True):
            client.send(request)
        took = []
        while len(took) < CLIENTS:
            for key, _ in ready.select(WAIT_S):
                if key.data.read():
                    took.append(time.perf_counter() - key.data.sent_at)
        for client in clients:
            client.close()
    return took


def memory_mb(parent: int) -> float:
    """Of a process and its children, pages they share counted once among them."""
    return sum(_pss_kb(process) for process in (parent, *_children(parent))) / 1024


def _children(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def _pss_kb(process: int) -> int:
    text = Path(f"/proc/{process}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)[1])


def soak_store(folder: Path, doses: int) -> tuple[Store, tuple[Cast, ...]]:
    """As `bedside_store`, with thousands of doses: the road to the bed is written as the workflows would, and judged by nobody."""
    return bedside_store(folder, doses, _write)


def _write(store: Store, steps: list[Step]) -> None:
    writer = Writer(store, datetime.now(UTC) + timedelta(days=1))  # of nothing before now a signature is still to come
    for step in steps:
        writer.write(step)
    writer.end()


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
