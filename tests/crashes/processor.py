"""How long something takes, whoever else wants the processors meanwhile: their seconds that it used, and those in which it only waited."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LOOKS_EVERY_S = 0.02
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass
class Taken:
    """`by_the_clock` says it as a person sees it; `alone` as it would be on one processor that nobody else uses."""

    by_the_clock: float = 0.0
    used: float = 0.0
    idle: float = 0.0

    @property
    def alone(self) -> float:
        return self.used + self.idle


@contextmanager
def taken(server: Callable[[], int]) -> Iterator[Taken]:
    """By a server process with all below it; another one may take its place meanwhile. Its clients would be at machines of their own."""
    found, ends = Taken(), threading.Event()
    watching = threading.Thread(target=_watch, args=(server, found, ends))
    first, began = server(), time.perf_counter()
    used = _used(first)
    watching.start()
    try:
        yield found
    finally:
        found.by_the_clock = time.perf_counter() - began
        ends.set()
        watching.join()
        found.used = _used(server()) - used * (server() == first)


def _watch(server: Callable[[], int], found: Taken, ends: threading.Event) -> None:
    before = time.perf_counter()
    while not ends.wait(LOOKS_EVERY_S):
        now = time.perf_counter()
        if not any(_wants_to_run(process) for process in (server(), *below(server()))):
            found.idle += now - before
        before = now


def below(process: int) -> list[int]:
    """The processes that this one has started and that have not ended."""
    try:
        text = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="utf-8")
    except OSError:
        return []
    return [int(each) for each in text.split()]


def _used(server: int) -> float:
    """Seconds of the processors, those of ended processes too once their parent has seen their end."""
    return sum(_seconds(process) for process in (server, *below(server)))


def _seconds(process: int) -> float:
    fields = _stat(f"/proc/{process}/stat")
    return sum(map(int, fields[11:15])) / TICKS_A_SECOND if fields else 0.0


def _wants_to_run(process: int) -> bool:
    try:
        threads = list(Path(f"/proc/{process}/task").iterdir())
    except OSError:
        return False
    return any(_stat(f"{thread}/stat")[:1] == ["R"] for thread in threads)


def _stat(path: str) -> list[str]:
    """The fields behind the name of a process or thread, of which the first is what it does (proc_pid_stat(5))."""
    try:
        return Path(path).read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return []
