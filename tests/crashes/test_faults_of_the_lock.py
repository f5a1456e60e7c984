"""A fault at any line of the lock that all writers take: whoever met it does not hold it, and everybody else goes on."""

from __future__ import annotations

import threading

from custody.store import write_lock
from custody.store.write_lock import WriteLock
from tests.crashes.raising import Raising, Seen

WITHIN_S = 10


def hold(lock):
    with lock:
        pass


def others_go_on(lock, path):
    """Somebody as another process would come, over files of its own, and another thread of this one."""
    for each in (WriteLock(path), lock):
        thread = threading.Thread(target=hold, args=(each,), daemon=True)
        thread.start()
        thread.join(WITHIN_S)
        assert not thread.is_alive()


def test_fault_at_any_line_of_the_lock_shuts_nobody_out(tmp_path, figure):
    path, seen = tmp_path / "custody.db", Seen()
    with seen.under_way():
        hold(WriteLock(path))
    lines = sorted(line for line in seen.lines if line[0] == write_lock.__file__)
    for line in lines:
        for at in range(1, seen.lines[line] + 1):
            lock, fault = WriteLock(path), Raising(line, at, MemoryError())
            try:
                with fault.under_way():
                    hold(lock)
            except MemoryError:
                assert fault.has_raised
            others_go_on(lock, path)
            hold(lock)
            lock.close()
    figure(f"faults at each of {len(lines)} lines of the lock: the next thread and the next process have it at once")
