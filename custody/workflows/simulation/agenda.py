"""The simulated clock, and everything that goes on at the same time: processes that act, wait and go on, always in the same order."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator
from datetime import datetime, timedelta
from itertools import count
from typing import TypeVar

T = TypeVar("T")
Way = Generator[timedelta, None, T]
"""What somebody does one thing after another: it yields for how long nothing of it happens, and returns what came of it."""

AN_INSTANT = timedelta(milliseconds=1)


class Agenda:
    """`now` is the only time there is; it never goes back, and two processes never act in the same instant."""

    def __init__(self, begins: datetime) -> None:
        self.now = begins
        self._numbers = count()
        self._due: list[tuple[datetime, int, Way[None]]] = []

    def begin(self, way: Way[None], at: datetime | None = None) -> None:
        """Let a process begin at that time (None: next of all)."""
        heapq.heappush(self._due, (at or self.now, next(self._numbers), way))

    def until(self, at: datetime) -> timedelta:
        """How long to wait for a moment; nothing when it has passed."""
        return max(at - self.now, timedelta(0))

    def run(self, after_each: Callable[[datetime], None]) -> None:
        """Until no process has anything left to do. `after_each` is told the time after every step."""
        while self._due:
            at, _, way = heapq.heappop(self._due)
            self.now = max(self.now + AN_INSTANT, at)
            try:
                waits = next(way)
            except StopIteration:
                continue
            finally:
                after_each(self.now)
            heapq.heappush(self._due, (self.now + waits, next(self._numbers), way))
