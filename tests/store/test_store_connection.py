"""Opening a store: bad URLs, files that only their owner reads, transactions, the one writer."""

from __future__ import annotations

import multiprocessing
import os
import re
import shutil
import sqlite3
import stat
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from custody.domain.ids import DonorId
from custody.errors import InputError
from custody.store.ahead import ahead_of
from custody.store.connection import open_store
from custody.store.entries import append, load_streams, size
from custody.store.facts import fact
from custody.store.migrations import schema_state, upgrade
from custody.store.proven import proved_here
from custody.store.write_lock import ThreadQueue
from tests.databases import only_sqlite
from tests.store.ledger import NOW, STREAM, new, registered

pytestmark = only_sqlite


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "no database URL"),
        ("custody.db", "no database URL"),
        ("sqlite://", "names no database file"),
        ("sqlite:///:memory:", "names no database file"),
        ("sqlite:///x.db?mode=ro", "names no database file"),
        ("sqlite:///file:x.db", "names no database file"),
        ("sqlite://host/x.db", "no database URL|names no database file"),
        ("mysql://localhost/custody", "mysql is no database that custody can use"),
        ("sqlite:////no/such/folder/custody.db", "the folder /no/such/folder does not exist"),
    ],
)
def test_bad_url_is_refused_with_what_to_do(url, why):
    with pytest.raises(InputError, match=why) as refused:
        open_store(url)
    assert "CUSTODY_DATABASE_URL" in str(refused.value)


def test_file_that_is_no_database_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but somebody's notes")
    with pytest.raises(InputError, match="no SQLite database"):
        open_store(f"sqlite:///{path}")
    assert path.read_text() == "not a database, but somebody's notes"


def test_folder_in_place_of_a_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        open_store(f"sqlite:///{tmp_path}")


def test_place_where_no_file_can_be_made_is_refused_when_it_is_used():
    store = open_store("sqlite:////proc/custody.db")
    with pytest.raises(InputError, match="cannot be created"), store.reading():
        pass


def test_opening_creates_nothing_until_it_is_used(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'custody.db'}")
    assert schema_state(store) == "empty"
    assert list(tmp_path.iterdir()) == []


def test_every_file_is_readable_by_its_owner_only(tmp_path):
    before = os.umask(0)
    try:
        store = open_store(f"sqlite:///{tmp_path / 'custody.db'}")
        upgrade(store)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert {"custody.db", "custody.db-wal", "custody.db.lock-file"} <= modes.keys()
    assert set(modes.values()) == {0o600}
    store.close()


def _write_as_another_user(path, answers):
    if os.geteuid() == 0:
        os.setuid(65534)
    try:
        with open_store(f"sqlite:///{path}").writing():
            answers.put("written")
    except InputError as error:
        answers.put(str(error))


@pytest.mark.parametrize("folder_mode", [0o777, 0o555])
def test_read_only_file_is_one_clear_sentence(template, folder_mode):
    folder = Path(tempfile.mkdtemp())
    try:
        path = folder / "custody.db"
        shutil.copy(template, path)
        path.chmod(0o444)
        folder.chmod(folder_mode)
        context = multiprocessing.get_context("fork")
        answers = context.Queue()
        process = context.Process(target=_write_as_another_user, args=(path, answers))
        process.start()
        assert re.search("permission|right to write", answers.get(timeout=20), re.IGNORECASE)
        process.join()
    finally:
        folder.chmod(0o777)
        shutil.rmtree(folder)


def test_raising_rolls_back_and_returning_commits(store, ledger):
    def change_my_mind():
        with store.writing() as connection:
            append(connection, [new(registered())], recorded_at=NOW)
            raise ValueError("changed my mind")

    with pytest.raises(ValueError, match="changed my mind"):
        change_my_mind()
    assert ledger.load() == {STREAM: ()}
    ledger.record(registered())
    assert len(ledger.load()[STREAM]) == 1
    assert ledger.verify().ok


def test_asking_for_the_writer_twice_in_one_thread_is_an_error_and_not_a_standstill(store):
    with store.writing(), pytest.raises(RuntimeError, match="already writing"), store.writing():
        pass


def test_reader_sees_one_moment_while_another_writes(store, ledger):
    ledger.record(registered())
    with store.reading() as connection:
        assert size(connection) == 1
        ledger.record(registered())
        assert size(connection) == 1
        assert len(load_streams(connection, [STREAM])[STREAM]) == 1
    assert len(ledger.load()[STREAM]) == 2


def test_settings_that_durability_rests_on_are_in_force(store):
    with store.reading() as connection:
        values = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "wal_autocheckpoint", "trusted_schema", "mmap_size")
        }
    full = 2
    assert values == {
        "journal_mode": "wal",
        "synchronous": full,
        "foreign_keys": 1,
        "wal_autocheckpoint": 0,
        "trusted_schema": 0,
        "mmap_size": values["mmap_size"] or 0,
    }
    assert not values["mmap_size"]


def test_journal_is_copied_back_and_does_not_grow_for_ever(store, ledger, monkeypatch):
    monkeypatch.setattr("custody.store.sqlite.COMMITS_BETWEEN_COPIES", 16)
    journal = store.database.path.with_name("custody.db-wal")
    lengths = []
    for _ in range(6):
        for _ in range(16):
            ledger.record(registered())
        lengths.append(journal.stat().st_size)
    assert lengths[-1] < 2 * lengths[0]
    assert ledger.verify().ok


def test_closed_store_opens_again_when_used(store, ledger):
    ledger.record(registered())
    store.close()
    store.close()
    assert len(ledger.load()[STREAM]) == 1


class TestConnectionThatIsUsedAgain:
    def test_it_is_the_same_one_and_remembers_nothing_of_the_transaction_before(self, store, ledger):
        ledger.record(registered())
        with store.writing() as connection:
            first = connection
            load_streams(connection, [STREAM])
            assert proved_here(connection)
        with store.reading() as connection:
            assert connection is first
            assert not proved_here(connection)
            assert ahead_of(connection) is None
        with store.reading_ahead() as connection:
            assert connection is first
            assert ahead_of(connection) is not None
        with store.reading() as connection:
            assert ahead_of(connection) is None
            ledger_size = size(connection)
        ledger.record(registered(DonorId("D-2")))
        with store.reading() as connection:
            assert size(connection) == ledger_size + 1

    def test_one_whose_transaction_failed_is_left_outside_any_transaction(self, store, ledger):
        ledger.record(registered())
        with pytest.raises(ZeroDivisionError), store.reading() as connection:
            1 // (size(connection) - 1)
        # A reading left open would keep the journal from being copied back.
        with closing(sqlite3.connect(store.database.path)) as other:
            busy, *_ = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert not busy

    def test_two_readings_at_once_have_two(self, store):
        with store.reading() as one, store.reading() as other:
            assert one is not other

    def test_work_ahead_of_the_lock_that_writes_past_custody_is_undone_and_said(self, store, ledger):
        ledger.record(registered())
        statement = "INSERT INTO store_fact (name, text) VALUES ('by hand', '')"
        with pytest.raises(RuntimeError, match="wrote past custody's own statements"), store.reading_ahead() as connection:
            connection.connection.driver_connection.execute(statement)
        with store.reading() as connection:
            assert fact(connection, "by hand") is None


def test_lock_that_was_given_up_while_waiting_goes_to_the_next(monkeypatch):
    queue = ThreadQueue()
    queue._owner = -1  # somebody else holds it

    class Turn:
        def __init__(self) -> None:
            self.count = 0

        def acquire(self) -> None:
            self.count += 1
            if self.count == 2:
                raise KeyboardInterrupt

        def release(self) -> None:
            raise AssertionError("nobody waits here any more")

    monkeypatch.setattr("custody.store.write_lock.threading.Lock", Turn)
    with pytest.raises(KeyboardInterrupt):
        queue.acquire()
    assert not queue._waiting
    queue.release()
    assert queue._owner == -1, "only who holds it gives it back"
    queue._owner = None
    queue.acquire()
    queue.release()
    queue.release()
    assert queue._owner is None
