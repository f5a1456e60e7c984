"""A disk that takes nothing more: one sentence, nothing recorded, and everything goes on once there is room."""

from __future__ import annotations

import errno
import os
import random
import sqlite3
from contextlib import closing

import pytest

from custody.errors import InputError
from custody.store import attachments
from custody.store.connection import open_store
from custody.store.verification import verify
from custody.workflows.door import NotKeptError, judged_unit, kept_or_refused, unit_of_work, upgrade
from tests.disk import every_connection, failing_disk, full_disk
from tests.workflows.desk import PEOPLE

FILE = random.Random(1).randbytes(200_000)


@pytest.fixture
def store(tmp_path):
    opened = open_store(f"sqlite:///{tmp_path / 'custody.db'}")
    upgrade(opened)
    yield opened
    opened.close()


def keep_a_file(store):
    with unit_of_work(store) as connection:
        attachments.keep(connection, attachments.packed(FILE), "text/plain", "readings.txt")


def judge_and_keep_a_file(store):
    judged_unit(store, lambda connection: attachments.keep(connection, attachments.packed(FILE), "text/plain", "readings.txt"))


def files(store):
    with store.reading() as connection:
        return connection.exec_driver_sql("SELECT count(*) FROM attachment").scalar_one()


WAYS = pytest.mark.parametrize("way", [keep_a_file, judge_and_keep_a_file])


@WAYS
def test_full_disk_is_one_sentence_and_nothing_is_recorded(store, way):
    with full_disk(store), pytest.raises(NotKeptError, match="the disk of the server is full, so nothing was recorded") as refused:
        way(store)
    assert refused.value.code == "disk_full"
    assert files(store) == 0
    way(store)
    assert files(store) == 1


@WAYS
def test_failing_disk_is_one_sentence_and_nothing_counts_as_recorded(store, way):
    with failing_disk(), pytest.raises(NotKeptError, match="this does not count as recorded") as refused:
        way(store)
    assert refused.value.code == "write_failed"
    assert files(store) == 0
    way(store)
    assert files(store) == 1


def test_disk_that_fails_at_the_commit_is_no_record(store):
    def write_a_little():
        with unit_of_work(store) as connection:
            # Small enough to stay in memory until the commit, which is the first to write.
            attachments.keep(connection, attachments.packed(FILE[:100]), "text/plain", "readings.txt")

    with failing_disk(), pytest.raises(NotKeptError, match="this does not count as recorded"):
        write_a_little()
    assert files(store) == 0


def test_store_that_may_only_be_read_says_so(store):
    with every_connection(store, "PRAGMA query_only = 1"), pytest.raises(NotKeptError, match="may only be read") as refused:
        keep_a_file(store)
    assert refused.value.code == "store_read_only"


def test_store_that_something_else_holds_says_so(store):
    with store.reading() as connection:
        # Instead of five seconds; the one connection of the pool is used again.
        connection.exec_driver_sql("PRAGMA busy_timeout = 5")
    with closing(sqlite3.connect(store.database.path, isolation_level=None)) as backup:
        backup.execute("BEGIN IMMEDIATE")
        with pytest.raises(NotKeptError, match="something else held the store") as refused:
            keep_a_file(store)
    assert refused.value.code == "store_busy"


def test_new_store_on_a_failing_disk_is_refused_whole(tmp_path):
    new = open_store(f"sqlite:///{tmp_path / 'new.db'}")
    with failing_disk(), pytest.raises(NotKeptError, match="this does not count as recorded"):
        upgrade(new)
    upgrade(new)
    new.close()


@pytest.mark.only_sqlite
def test_record_still_proves_itself_after_the_disk_was_full(desk_at):
    store = desk_at(PEOPLE).store
    with full_disk(store), pytest.raises(NotKeptError, match="full"):
        keep_a_file(store)
    with store.reading() as connection:
        assert verify(connection, checkpoint=None).faults == ()


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOSPC, "disk_full"), (errno.EDQUOT, "disk_full"), (errno.EIO, "write_failed"), (errno.EROFS, "store_read_only")],
)
def test_what_the_operating_system_says_is_worded_too(number, code):
    with pytest.raises(NotKeptError) as refused, kept_or_refused():
        raise OSError(number, "said by the system")
    assert refused.value.code == code


@pytest.mark.parametrize(
    "other", [InputError("write the reason"), FileNotFoundError(errno.ENOENT, "no such file"), sqlite3.IntegrityError("x")]
)
def test_other_refusals_go_on_as_they_are(other):
    with pytest.raises(type(other)) as raised, kept_or_refused():
        raise other
    assert raised.value is other
    assert not isinstance(other, NotKeptError)


def test_what_was_committed_stands_although_the_journal_cannot_be_copied_back(store, monkeypatch):
    monkeypatch.setattr("custody.store.sqlite.BYTES_BETWEEN_COPIES", 0)
    with unit_of_work(store) as connection:
        attachments.keep(connection, attachments.packed(os.urandom(3_000_000)), "text/plain", "large.txt")
    store.close()
    limit = store.database.path.stat().st_size // 2
    with failing_disk(limit):
        for n in range(40):
            with unit_of_work(store) as connection:
                attachments.keep(connection, attachments.packed(b"%d" % n * 5000), "text/plain", "small.txt")
        assert store.database.path.with_name(store.database.path.name + "-wal").stat().st_size < limit
    assert files(store) == 41
