"""The background reads for what is only shown: it makes pages faster, and nothing ever counts as read that was changed."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from contextlib import suppress
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from custody.errors import LedgerBrokenError
from custody.store import loading, proven, rereading, watch
from custody.store.connection import open_store
from custody.store.entries import append, load_streams
from custody.store.loading import forget_decoded
from custody.store.proven import NOTHING, Memory, Proven
from custody.store.rereading import AGAIN_AFTER_S, WANTED_FOR_S, Rereading, due, read_slice
from custody.store.watch import SHOWN_WITHIN_S
from custody.workflows.dossiers import dossier_of
from tests.store.ledger import DONOR, NOW, STREAM, Ledger, consent, new, registered, withdrawn
from tests.store.test_store_tampering import EDITS

pytestmark = pytest.mark.only_sqlite

WHOLE = [STREAM, "site:A9990", "study:DEMO"]
"""What a dossier of the donor reads."""
EVERY_EDIT = {
    **EDITS,
    "text that is no text": "UPDATE entry SET envelope = CAST(x'7bff7d' AS TEXT) WHERE stream = 'donor:D-1' AND position = 2",
}


class Clock:
    """Stands for the time module where custody asks how old a reading is."""

    thread_time = staticmethod(time.thread_time)

    def __init__(self) -> None:
        # What the store noted before the test took the clock over was noted by the true one.
        self.now = float(int(time.monotonic()) + 1)

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    for module in (watch, loading, proven, rereading):
        monkeypatch.setattr(module, "time", made)
    return made


@pytest.fixture
def rows_read(monkeypatch):
    """The streams of which rows were read, reading by reading."""
    asked = []
    read = loading.rows_by_stream
    monkeypatch.setattr(
        loading, "rows_by_stream", lambda connection, statement, streams: asked.extend(streams) or read(connection, statement, streams)
    )
    return asked


def shown(store, stream=STREAM):
    with watch.only_shown(), store.reading() as connection:
        return load_streams(connection, [stream])[stream]


def shown_dossier(store):
    with watch.only_shown(), store.reading() as connection:
        return dossier_of(connection, [DONOR])


def background(store):
    """One pass, as the thread does it; the names of what was due."""
    found = due(store, rereading.time.monotonic())
    for some in rereading._slices(found):
        read_slice(store, some)
    return [stream for stream, _ in found]


def test_page_reads_nothing_that_the_background_read_within_the_minute(written, clock, rows_read):
    before = shown(written.store), shown_dossier(written.store)
    clock.now += AGAIN_AFTER_S
    assert background(written.store) == WHOLE
    clock.now += SHOWN_WITHIN_S - 1
    rows_read.clear()
    assert (shown(written.store), shown_dossier(written.store).streams) == (before[0], before[1].streams)
    assert rows_read == []
    clock.now += 2
    shown_dossier(written.store)
    assert sorted(rows_read) == WHOLE


def test_reading_in_the_background_is_none_for_a_verdict(written, clock, rows_read):
    verdict_dossier(written.store)
    for read in (written.load, lambda: verdict_dossier(written.store)):
        clock.now += AGAIN_AFTER_S
        assert background(written.store)
        rows_read.clear()
        read()
        assert STREAM in rows_read


def verdict_dossier(store):
    with store.reading() as connection:
        return dossier_of(connection, [DONOR])


def test_reading_in_the_background_is_none_for_what_may_be_written(written, clock, rows_read):
    shown(written.store)
    clock.now += AGAIN_AFTER_S
    background(written.store)
    rows_read.clear()
    with watch.only_shown(), written.store.writing() as connection:
        load_streams(connection, [STREAM])
    assert rows_read == [STREAM]


@pytest.mark.parametrize("edit", EVERY_EDIT)
def test_edit_before_the_background_reads_is_told_to_the_next_page(written, clock, edit):
    shown(written.store)
    clock.now += AGAIN_AFTER_S
    written.edit(EVERY_EDIT[edit])
    background(written.store)
    with pytest.raises(LedgerBrokenError):
        shown(written.store)


@pytest.mark.parametrize("edit", EVERY_EDIT)
def test_edit_after_the_background_has_read_is_told_within_the_minute(written, clock, edit):
    shown_dossier(written.store)
    clock.now += AGAIN_AFTER_S
    background(written.store)
    written.edit(EVERY_EDIT[edit])
    clock.now += SHOWN_WITHIN_S
    with pytest.raises(LedgerBrokenError):
        shown_dossier(written.store)


DEEDS = st.lists(
    st.one_of(
        st.sampled_from(["page", "dossier", "verdict", "background", "background", "grow", "edit"]),
        st.floats(min_value=0.5, max_value=45.0),
    ),
    min_size=3,
    max_size=16,
)


@given(deeds=DEEDS, edit=st.sampled_from(sorted(EVERY_EDIT)))
def test_whatever_happens_in_whichever_order_no_page_shows_bytes_that_were_changed_a_minute_ago(template, tmp_path_factory, deeds, edit):
    path = tmp_path_factory.mktemp("made") / "custody.db"
    shutil.copy(template, path)
    forget_decoded()
    store = open_store(f"sqlite:///{path}")
    ledger = Ledger(store)
    ledger.record(registered(), consent(), withdrawn())
    changed_at = inf
    with pytest.MonkeyPatch.context() as patch:
        clock = Clock()
        for module in (watch, loading, proven, rereading):
            patch.setattr(module, "time", clock)
        for deed in [*deeds, "page", "dossier"]:
            if isinstance(deed, float):
                clock.now += deed
            elif deed == "background":
                background(store)
            elif deed == "grow" and changed_at == inf:
                ledger.record(withdrawn())
            elif deed == "edit" and changed_at == inf:
                ledger.edit(EVERY_EDIT[edit])
                changed_at = clock.now
            elif deed in {"page", "dossier", "verdict"}:
                limit = watch.READ_AGAIN_AFTER_S if deed == "verdict" else SHOWN_WITHIN_S
                read = {"page": lambda: shown(store), "dossier": lambda: shown_dossier(store), "verdict": ledger.load}[deed]
                if clock.now - changed_at >= limit:
                    with pytest.raises(LedgerBrokenError):
                        read()
                else:
                    with suppress(LedgerBrokenError):
                        read()
                    # Nothing is wrong with a ledger that nobody changed.
                    assert changed_at < inf or read() is not None
    store.close()


def test_stream_that_has_grown_is_read_on_from_where_it_was(written, clock, rows_read):
    shown(written.store)
    written.record(consent())
    clock.now += AGAIN_AFTER_S
    background(written.store)
    clock.now += SHOWN_WITHIN_S - 1
    rows_read.clear()
    assert len(shown(written.store)) == 4
    assert rows_read == []


def test_what_was_rolled_back_is_forgotten_and_read_anew(written, clock):
    with suppress(RuntimeError), written.store.writing() as connection:
        append(connection, [new(consent())], recorded_at=NOW)
        load_streams(connection, [STREAM])
        raise RuntimeError
    clock.now += AGAIN_AFTER_S
    background(written.store)
    assert len(shown(written.store)) == 3


def test_stream_that_was_empty_and_is_not_any_more_is_seen(written, clock):
    assert shown(written.store, "donor:D-7") == ()
    clock.now += AGAIN_AFTER_S
    assert background(written.store) == ["donor:D-7"]
    clock.now += SHOWN_WITHIN_S - 1
    assert shown(written.store, "donor:D-7") == ()
    written.record(registered(type(DONOR).parse("D-7")))
    clock.now += AGAIN_AFTER_S
    background(written.store)
    assert len(shown(written.store, "donor:D-7")) == 1


def test_stream_that_nobody_asks_for_any_more_is_not_read_any_more(written, clock):
    shown(written.store)
    began = clock.now
    passes = 0
    while clock.now < began + WANTED_FOR_S:
        assert background(written.store) == ([STREAM] if clock.now > began else [])
        clock.now += AGAIN_AFTER_S
        passes += 1
    assert passes > 2
    assert background(written.store) == []
    # Nothing that was read so long ago counts: the page reads for itself.
    assert len(shown(written.store)) == 3


def test_page_that_read_meanwhile_is_not_undone():
    memory, key, some = Memory(), ("store", STREAM), Proven(position=2)
    memory.put(key, NOTHING, 10.0, 1)
    ((_, before),) = memory.read_before("store", 20.0, asked_after=-inf)
    memory.put(key, some, 30.0, 2)
    memory.read_again(key, before, 40.0)
    memory.drop(key, before)
    assert memory.get(key) == (some, 30.0, 2, 30.0)


def test_oldest_reading_comes_first_and_nothing_of_another_store():
    memory = Memory()
    for number, at in enumerate((30.0, 10.0, 20.0, 90.0)):
        memory.put(("store", f"donor:D-{number}"), NOTHING, at, 1)
    memory.put(("elsewhere", STREAM), NOTHING, 1.0, 1)
    assert [stream for stream, _ in memory.read_before("store", 50.0, asked_after=-inf)] == ["donor:D-1", "donor:D-2", "donor:D-0"]


def test_slices_are_small_and_leave_nothing_out():
    memory = Memory()
    for number in range(100):
        memory.put(("store", f"donor:D-{number}"), Proven(position=number * 4), 1.0, 1)
    found = memory.read_before("store", 2.0, asked_after=-inf)
    slices = list(rereading._slices(found))
    assert [stream for some in slices for stream in some] == [stream for stream, _ in found]
    for some in slices:
        assert len(some) <= rereading.STREAMS_AT_ONCE
        assert len(some) == 1 or sum(each.proven.position for each in some.values()) <= rereading.ROWS_AT_ONCE


# --- the thread -------------------------------------------------------------------------------------------------------
def threads():
    return [thread for thread in threading.enumerate() if thread.name == "custody-rereading"]


def wait_until(what):
    for _ in range(500):
        if what():
            return
        time.sleep(0.01)
    pytest.fail("waited for five seconds in vain")


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(rereading, "AGAIN_AFTER_S", 0.0)
    monkeypatch.setattr(rereading, "LOOKS_EVERY_S", 0.01)
    monkeypatch.setattr(rereading, "TRIES_AGAIN_AFTER_S", 0.01)


def test_thread_reads_until_it_is_stopped(written, impatient):
    shown(written.store)
    first = loading._MEMORY.get((written.store.url, STREAM))
    running = Rereading(written.store)
    assert threads() == []
    running.start()
    wait_until(lambda: loading._MEMORY.get((written.store.url, STREAM)).shown_from > first.shown_from)
    assert loading._MEMORY.get((written.store.url, STREAM)).read_at == first.read_at
    running.stop()
    assert threads() == []
    last = loading._MEMORY.get((written.store.url, STREAM))
    time.sleep(0.05)
    assert loading._MEMORY.get((written.store.url, STREAM)) is last


def test_thread_stops_at_once_though_it_would_wait_for_long(written):
    running = Rereading(written.store)
    running.start()
    began = time.monotonic()
    running.stop()
    assert threads() == []
    assert time.monotonic() - began < rereading.LOOKS_EVERY_S


def test_failure_is_logged_once_counts_for_nothing_and_stops_nothing(written, impatient, monkeypatch, caplog):
    shown(written.store)
    first = loading._MEMORY.get((written.store.url, STREAM))
    tried = []

    def fails(*_):
        tried.append(1)
        raise OperationalError("", {}, Exception("disk I/O error"))

    running = Rereading(written.store)
    with caplog.at_level(logging.ERROR), monkeypatch.context() as patch:
        patch.setattr(rereading, "read_again", fails)
        running.start()
        wait_until(lambda: len(tried) > 2)
        assert loading._MEMORY.get((written.store.url, STREAM)).shown_from == first.shown_from
    wait_until(lambda: loading._MEMORY.get((written.store.url, STREAM)).shown_from > first.shown_from)
    running.stop()
    assert len([record for record in caplog.records if "in the background" in record.message]) == 1


def test_thread_that_was_never_started_can_be_stopped(written):
    Rereading(written.store).stop()
