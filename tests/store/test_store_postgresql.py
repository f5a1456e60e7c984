"""What only PostgreSQL has: its own triggers, a lock in the database, snapshots that refuse to write, and a server that can go away."""

from __future__ import annotations

import threading
import time

import psycopg
import pytest
from sqlalchemy import text

from custody.errors import InputError
from custody.store import postgresql
from custody.store.connection import open_store
from custody.store.entries import append
from custody.store.guards import name_of
from custody.store.tables import APPEND_ONLY
from custody.workflows.door import NotKeptError, kept_or_refused, open_ready
from tests import postgres
from tests.databases import PostgresqlDatabases
from tests.store.ledger import NOW, STREAM, Ledger, consent, new, registered
from tests.store.test_store_verification import one_row_in_each

pytestmark = pytest.mark.postgresql


# ── the database refuses change ──


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_append_only_table_refuses_change_removal_and_emptying(written, store, table):
    one_row_in_each(store)
    before = written.raw(f"SELECT * FROM {table}")
    column = APPEND_ONLY[table][0][0]
    changes = (f'UPDATE {table} SET "{column}" = "{column}"', f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE")
    for replica in ("", "SET session_replication_role = replica; "):
        for statement in changes:
            with pytest.raises(psycopg.errors.RaiseException, match="only grows"):
                written.raw(replica + statement)
    assert before
    assert written.raw(f"SELECT * FROM {table}") == before


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_trigger_that_is_missing_or_off_is_named(written, table):
    name = name_of(table)
    written.raw(f"ALTER TABLE {table} ENABLE TRIGGER {name}")
    assert f"trigger {name} is changed" in written.first_fault()
    written.raw(f"ALTER TABLE {table} DISABLE TRIGGER {name}")
    assert f"trigger {name} is changed" in written.first_fault()
    written.raw(f"DROP TRIGGER {name} ON {table}")
    assert f"trigger {name} is missing" in written.first_fault()


def test_function_that_refuses_nothing_any_more_is_noticed(written):
    written.raw("CREATE OR REPLACE FUNCTION custody_refuses_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
    assert "trigger answer_refuses_change is changed" in written.first_fault()


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("CREATE RULE helpful AS ON INSERT TO stream_head DO ALSO DELETE FROM stream_head", "helpful"),
        ("CREATE TRIGGER aiding BEFORE INSERT ON entry EXECUTE FUNCTION custody_refuses_change()", "aiding"),
    ],
)
def test_rule_or_trigger_that_is_not_custodys_is_named(written, statement, name):
    written.raw(statement)
    assert f"trigger {name} is not one of custody's" in written.first_fault()


# ── transactions ──


def test_work_ahead_of_the_lock_cannot_write(store):
    with store.reading_ahead() as connection, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        connection.connection.cursor().execute("DELETE FROM stream_head")


def test_reading_sees_one_state_while_others_write(ledger, store):
    ledger.record(registered())
    with store.reading() as connection:
        count = text("SELECT count(*) FROM entry")
        assert connection.execute(count).scalar() == 1
        ledger.record(consent())
        assert connection.execute(count).scalar() == 1


def test_writers_of_two_servers_follow_each_other(ledger, store):
    """Each reads what the other committed before it adds to it, so that numbers have no gap."""
    other = Ledger(open_store(store.url))
    threads = [threading.Thread(target=lambda each=each: [each.record(registered()) for _ in range(25)]) for each in (ledger, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    other.store.close()
    assert [entry.position for entry in ledger.load()[STREAM]] == list(range(1, 51))
    assert ledger.verify().ok


def test_writer_that_waits_too_long_is_told_so(store, monkeypatch):
    monkeypatch.setattr(postgresql, "WAITS_AT_MOST_S", 1)
    other = open_store(store.url)
    with store.writing(), pytest.raises(NotKeptError, match="held the store for too long"), kept_or_refused(), other.writing():
        pass
    other.close()


# ── the server ──


def test_server_that_went_away_and_came_back_is_used_again(tmp_path):
    with postgres.running() as server:
        database = PostgresqlDatabases(server)
        ledger = Ledger(database.store())
        ledger.record(registered())
        with kept_or_refused(), ledger.store.reading():
            pass
        server.stop()
        with pytest.raises(NotKeptError, match="cannot be reached"), kept_or_refused():
            ledger.record(consent())
        server.start()
        ledger.record(consent())
        assert len(ledger.load()[STREAM]) == 2
        ledger.store.close()


def test_server_lost_in_the_middle_of_writing_keeps_nothing(database):
    ledger = Ledger(database.store())
    ledger.record(registered())

    def write():
        with kept_or_refused(), ledger.store.writing() as connection:
            append(connection, [new(consent())], recorded_at=NOW)
            database.server.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction'")
            time.sleep(0.1)

    with pytest.raises(NotKeptError, match="cannot be reached"):
        write()
    assert len(ledger.load()[STREAM]) == 1
    ledger.record(consent())
    assert ledger.verify().ok
    database.drop(ledger.store)


def test_server_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match=r"database cannot be opened \(.*No such file.*CUSTODY_DATABASE_URL"):
        open_ready(f"postgresql://nobody@/custody?host={tmp_path}")


def test_database_that_is_not_there_is_one_sentence(database):
    with pytest.raises(InputError, match=r'database cannot be opened \(database "nowhere" does not exist\)'):
        open_ready(database.server.url("nowhere"))


@pytest.mark.parametrize("url", ["postgresql://host", "postgresql+asyncpg://host/custody"])
def test_url_that_names_no_database_or_an_unknown_driver_is_refused(url):
    with pytest.raises(InputError, match="CUSTODY_DATABASE_URL"):
        open_store(url)
