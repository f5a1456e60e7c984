"""On PostgreSQL a long log is checked side by side, too: every process sees the one state that whoever asked sees."""

from __future__ import annotations

import subprocess

import pytest

from custody.store import verification_scan
from custody.store.verification import verify
from custody.store.verification_scan import Scan
from tests import postgres
from tests.databases import PostgresqlDatabases
from tests.store.ledger import NOW, STREAM, Ledger, consent, new, registered

pytestmark = pytest.mark.postgresql
SIZE = 26
SECRET = "a-password-of-these-tests"


@pytest.fixture(autouse=True)
def short_segments(monkeypatch):
    monkeypatch.setattr(verification_scan, "BLOCK_LEVEL", 2)
    monkeypatch.setattr(verification_scan, "ENTRIES_FOR_PROCESSES_POSTGRESQL", 2)
    monkeypatch.setattr(verification_scan.os, "cpu_count", lambda: 3)


@pytest.fixture
def begun(monkeypatch):
    """The commands of all processes that were begun."""
    commands = []

    class Begun(subprocess.Popen):
        def __init__(self, command, **options):
            commands.append(command)
            super().__init__(command, **options)

    monkeypatch.setattr(verification_scan.subprocess, "Popen", Begun)
    return commands


@pytest.fixture(scope="module")
def kept_in():
    with postgres.running() as server:
        yield PostgresqlDatabases(server)


@pytest.fixture
def long(kept_in):
    ledger = Ledger(kept_in.store())
    ledger.record(registered(), *(consent() for _ in range(SIZE - 1)))
    yield ledger
    kept_in.drop(ledger.store)


def test_whole_log_proves_itself_side_by_side(long, begun):
    report = long.verify()
    assert (report.faults, report.entries, len(begun)) == ((), SIZE, 3)


def test_processes_see_what_was_seen_before_somebody_wrote_on(long, begun, monkeypatch):
    """An entry of others comes, and the newest of those that are checked is changed, after the view was opened."""
    begin = Scan.begin

    def meanwhile(scan):
        monkeypatch.setattr(Scan, "begin", begin)
        long.record(consent())
        long.edit(f"UPDATE entry SET site = 'A9999' WHERE id = {SIZE}")
        scan.begin()

    monkeypatch.setattr(Scan, "begin", meanwhile)
    report = long.verify()
    assert (report.faults, report.entries, len(begun)) == ((), SIZE, 3)
    assert f"{STREAM} entry {SIZE}: its columns differ" in long.first_fault()


@pytest.mark.parametrize("number", [1, 12, 13, SIZE])
def test_change_is_named_by_whichever_process_finds_it(long, begun, number):
    long.edit(f"UPDATE entry SET envelope = replace(envelope, 'desk', 'Desk') WHERE id = {number}")
    assert f"{STREAM} entry {number}: its text is not what was recorded" in long.first_fault()
    assert len(begun) == 3


def test_who_has_written_and_not_committed_is_checked_by_nobody_else(long, begun):
    from custody.store.entries import append

    with long.store.writing() as connection:
        append(connection, [new(consent())], recorded_at=NOW)
        report = verify(connection, checkpoint=None)
    assert (report.faults, report.entries, begun) == ((), SIZE + 1, [])


def test_no_command_line_holds_what_opens_the_database(long, begun):
    url = long.store.url.replace("postgres@", f"postgres:{SECRET}@")
    from custody.store.connection import open_store

    store = open_store(url)
    with store.reading() as connection:
        assert verify(connection, checkpoint=None).ok
    store.close()
    assert len(begun) == 3
    assert SECRET not in repr(begun)
    assert long.store.database.url not in repr(begun)


def test_process_that_cannot_begin_its_work_has_proved_nothing(long, monkeypatch):
    monkeypatch.setattr(verification_scan, "_way_to", lambda _: ("host=/nowhere dbname=none", "00000000-0-1"))
    assert "of the log were not checked: the process that checks them ended" in long.first_fault()
