"""The one lock that every writer of a store takes: fair among the threads of a process and among processes."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from custody.errors import InputError

# SQLite's own waiting polls with growing pauses: the slowest of many writers then waits 180 to 1,200 ms, with this lock 11 to 20.


class ThreadQueue:
    """A lock that threads get in the order in which they asked."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._owner: int | None = None

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        # A second time when the first fails (no memory, a stack too deep): until it is given back nobody else writes.
        try:
            self.release()
        except BaseException:
            self.release()
            raise

    @property
    def is_mine(self) -> bool:
        """Whether this thread holds it."""
        return self._owner == threading.get_ident()

    def acquire(self, then: Callable[[], object] | None = None) -> None:
        """`then`: what is still to be done to have it; whoever fails there, or anywhere here, does not hold it."""
        if self.is_mine:
            raise RuntimeError("this thread is already writing to the store; pass its connection on instead of asking for another")
        try:
            self._wait()
            if then is not None:
                then()
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Gives back what this thread holds, once; nothing where it holds nothing."""
        with self._guard:
            if self.is_mine:
                self._hand_over()

    def close(self) -> None:
        """There is nothing to give back."""

    def _wait(self) -> None:
        me = threading.get_ident()
        with self._guard:
            if self._owner is None:
                self._owner = me
                return
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        try:
            turn.acquire()
            self._owner = me
        except BaseException:
            self._give_up(turn)
            raise

    def _hand_over(self) -> None:
        if self._waiting:
            # Never free in between: a thread that comes now must queue behind those that wait.
            self._owner = 0
            self._waiting.popleft().release()
        else:
            self._owner = None

    def _give_up(self, turn: threading.Lock) -> None:
        with self._guard:
            if turn in self._waiting:
                self._waiting.remove(turn)
            else:
                self._hand_over()


class Waiting:
    """Around a lock: tells how many seconds somebody waited for it, whether they got it or gave up."""

    def __init__(self, tell: Callable[[float], None] | None) -> None:
        self._tell = tell

    def __enter__(self) -> Self:
        self._began = time.perf_counter()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.is_over()

    def is_over(self) -> None:
        """Counts once."""
        tell, self._tell = self._tell, None
        if tell is not None:
            tell(time.perf_counter() - self._began)


class WriteLock:
    """`with lock:` around everything that writes to the store at `path`.

    Between processes it is `flock` on two files beside the store: whoever waits for the second holds the first, so a
    busy process cannot take the lock again and again while another waits.
    """

    def __init__(self, path: Path) -> None:
        self._threads = ThreadQueue()
        self._turn = path.with_name(path.name + ".turn.lock-file")
        self._main = path.with_name(path.name + ".lock-file")
        self._files: tuple[int, int] | None = None

    def __enter__(self) -> None:
        self._threads.acquire(self._lock_files)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self._give_back()
        except BaseException:
            self._give_back()
            raise

    def close(self) -> None:
        """Give the files back; only when no thread holds or awaits the lock."""
        if self._files is not None:
            for file in self._files:
                os.close(file)
            self._files = None

    def _lock_files(self) -> None:
        turn, main = self._opened()
        try:
            fcntl.flock(turn, fcntl.LOCK_EX)
            fcntl.flock(main, fcntl.LOCK_EX)
            fcntl.flock(turn, fcntl.LOCK_UN)
        except BaseException:
            for file in (main, turn):
                fcntl.flock(file, fcntl.LOCK_UN)
            raise

    def _give_back(self) -> None:
        # The files are one for all threads: whoever has handed over already would take them from the next.
        if self._threads.is_mine:
            fcntl.flock(self._opened()[1], fcntl.LOCK_UN)
        self._threads.release()

    def _opened(self) -> tuple[int, int]:
        if self._files is None:
            self._files = _open(self._turn), _open(self._main)
        return self._files


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise InputError(f"{path} cannot be opened ({error.strerror}); give custody the right to write to it and to its folder") from error
