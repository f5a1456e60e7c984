"""Of threads that want the same long stream at once one reads it for all; none waits for ever for another, and none is told less."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from custody.errors import LedgerBrokenError
from custody.store import loading
from custody.store.loading import forget_decoded, load_streams
from tests.store.ledger import STREAM, withdrawn

THREADS = 4


def ask_at_once(store):
    together = threading.Barrier(THREADS)

    def ask(_):
        with store.reading() as connection:
            together.wait(10)
            return load_streams(connection, [STREAM])[STREAM]

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(ask, range(THREADS)))


@pytest.fixture
def readings(written, monkeypatch):
    """A stream of three entries counts as long, nobody remembers it, and its rows take a while; gives the streams of each reading."""
    monkeypatch.setattr(loading, "LONG", 3)
    monkeypatch.setattr("custody.store.watch.READ_AGAIN_AFTER_S", 60.0)
    read = loading.rows_by_stream
    found = []

    def slowly(connection, statement, streams):
        if streams:
            found.append(tuple(streams))
            time.sleep(0.2)
        return read(connection, statement, streams)

    monkeypatch.setattr(loading, "rows_by_stream", slowly)
    ask_at_once(written.store)  # a connection that is new takes nothing as read before
    forget_decoded()
    found.clear()
    return found


def test_one_thread_reads_it_for_all(written, readings):
    answers = ask_at_once(written.store)
    assert len(answers[0]) == 3
    assert all(answer is answers[0] for answer in answers)
    assert readings == [(STREAM,)]


def test_a_short_one_is_read_by_each(written, readings, monkeypatch):
    monkeypatch.setattr(loading, "LONG", 4)
    assert len(set(ask_at_once(written.store))) == 1
    assert readings == [(STREAM,)] * THREADS


def test_what_came_after_the_other_one_read_is_seen(written, readings):
    ask_at_once(written.store)
    written.record(withdrawn(reason="asked once more"))
    assert [len(answer) for answer in ask_at_once(written.store)] == [4] * THREADS


def test_nobody_waits_for_ever(written, readings, monkeypatch):
    monkeypatch.setattr(loading, "TURN_WAITED_FOR_S", 0.1)
    with loading._LONG_READING, written.store.reading() as connection:
        assert len(load_streams(connection, [STREAM])[STREAM]) == 3
    assert not loading._LONG_READING.locked()


def test_whoever_finds_it_broken_lets_the_next_one_find_it_too(written, readings):
    written.edit("UPDATE entry SET envelope = '{}' WHERE stream = 'donor:D-1' AND position = 2")
    for _ in range(2):
        with written.store.reading() as connection, pytest.raises(LedgerBrokenError, match="donor:D-1 entry 2"):
            load_streams(connection, [STREAM])
