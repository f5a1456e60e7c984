"""What somebody changes behind the application is found and named by verification, or by a checkpoint kept elsewhere."""

from __future__ import annotations

import shutil
import sqlite3
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from custody.domain.acts.people import SecretSet
from custody.domain.readings import Reading, Series
from custody.errors import LedgerBrokenError
from custody.ledger.checkpoint import Checkpoint
from custody.store import attachments, credentials, series
from custody.store.entries import append
from custody.store.facts import set_fact
from custody.store.guards import triggers
from custody.store.lookups import rebuild
from custody.store.tables import APPEND_ONLY, metadata
from custody.store.verification import make_checkpoint
from tests.databases import only_sqlite
from tests.store.ledger import NOW, STREAM, account_created, new, signed_in

# --- verification -----------------------------------------------------------------------------------------------------
LOG_EDITS = {
    "salt": ("UPDATE entry SET salt = zeroblob(16) WHERE id = 2", "donor:D-1 entry 2: leaf 1 of the log is not of this entry"),
    "short salt": ("UPDATE entry SET salt = x'' WHERE id = 2", "donor:D-1 entry 2"),
    "entry id": ("UPDATE entry SET id = 99 WHERE id = 2", "leaf 1 stands for entry number 2, which is missing"),
    "entry digest": ("UPDATE entry SET digest = zeroblob(32) WHERE id = 2", "donor:D-1 entry 2: its text is not what was recorded"),
    "leaf hash": ("UPDATE leaf SET hash = zeroblob(32) WHERE number = 1", "donor:D-1 entry 2: leaf 1 of the log is not of this entry"),
    "leaf number": ("UPDATE leaf SET number = 77 WHERE number = 1", "leaf 1 of the log is missing, leaf 2 stands there"),
    "leaf of another entry": ("UPDATE leaf SET entry_id = 99 WHERE number = 1", "leaf 1 stands for entry number 99, which is missing"),
    "leaf deleted": ("DELETE FROM leaf WHERE number = 1", "leaf 1 of the log is missing"),
    "last leaf deleted": ("DELETE FROM leaf WHERE number = 4", "table entry has 5 rows, a log of 4 has 4"),
    "node hash": ("UPDATE node SET hash = zeroblob(32) WHERE level = 2", "node 0 of level 2 of the log is missing or wrong"),
    "node level": ("UPDATE node SET level = 9 WHERE level = 2", "node 0 of level 2 of the log is missing or wrong"),
    "node number": ("UPDATE node SET number = 9 WHERE level = 1 AND number = 1", "node 1 of level 1 of the log is missing or wrong"),
    "node deleted": ("DELETE FROM node WHERE level = 1 AND number = 0", "node 0 of level 1 of the log is missing or wrong"),
    "node too many": ("INSERT INTO node VALUES (5, 5, zeroblob(32))", "table node has 4 rows, a log of 5 has 3"),
    "head position": ("UPDATE stream_head SET position = 2 WHERE stream = 'donor:D-1'", "donor:D-1 entry 2: the head of its stream"),
    "head digest": ("UPDATE stream_head SET digest = zeroblob(32) WHERE stream = 'donor:D-1'", "donor:D-1 entry 3: the head of its stream"),
    "head too many": ("INSERT INTO stream_head VALUES ('donor:D-7', 1, zeroblob(32))", "donor:D-7 entry 1: the head of its stream"),
    "head deleted": ("DELETE FROM stream_head WHERE stream = 'donor:D-1'", "donor:D-1 entry 3: the head of its stream is missing"),
    "edge": ("UPDATE edge SET parent = 'donor:D-8'", "the lookup edge lacks"),
    "edge too many": ("INSERT INTO edge VALUES (1, 'lot:A', 'lot:B')", "the lookup edge should not have"),
    "edge of no entry": ("INSERT INTO edge VALUES (99, 'lot:A', 'lot:B')", "the lookup edge should not have"),
    "edge before all": ("INSERT INTO edge VALUES (0, 'lot:A', 'lot:B')", "the lookup edge should not have"),
    "name too many": ("INSERT INTO entry_name VALUES (1, 'X', 'donor:D-1')", "the lookup entry_name should not have"),
    "summary act": ("UPDATE stream_summary SET act = 'x' WHERE stream = 'donor:D-1'", "stream_summary is wrong about donor:D-1"),
    "summary kind": ("UPDATE stream_summary SET kind = 'lot' WHERE stream = 'donor:D-1'", "stream_summary is wrong about donor:D-1"),
    "summary missing": ("DELETE FROM stream_summary WHERE stream = 'donor:D-1'", "stream_summary is wrong about donor:D-1"),
    "summary too many": (
        "INSERT INTO stream_summary VALUES ('donor:D-7', 'donor', 1, 'x', 'S', NULL, 'x')",
        "stream_summary is wrong about donor:D-7",
    ),
    "summary of an earlier act": (
        "UPDATE stream_summary SET position = 2, act = 'consent_signed' WHERE stream = 'donor:D-1'",
        "stream_summary is wrong about donor:D-1",
    ),
    "site missing": ("DELETE FROM stream_site WHERE stream = 'donor:D-1'", "stream_site is wrong about donor:D-1, A9990"),
    "site too many": ("INSERT INTO stream_site VALUES ('donor:D-1', 'A9999')", "stream_site is wrong about donor:D-1, A9999"),
    "site of no entry": ("INSERT INTO stream_site VALUES ('donor:D-7', 'A9990')", "stream_site is wrong about donor:D-7"),
    "site of another stream": ("UPDATE stream_site SET site = 'A9999' WHERE stream = 'donor:D-1'", "stream_site is wrong about donor:D-1"),
    "name of another stream": ("UPDATE entry_name SET stream = 'donor:D-1'", "the lookup entry_name is wrong about"),
    "waiting too many": (
        "INSERT INTO waiting_proposal VALUES ('donor:D-1','p',1,1,'a',1,'{}',1,'S',NULL,'x','x','x')",
        "the lookup waiting_proposal is wrong",
    ),
}


@pytest.mark.parametrize(("edit", "named"), LOG_EDITS.values(), ids=LOG_EDITS)
def test_edit_of_log_head_or_lookup_is_named(written, edit, named):
    written.edit(edit)
    assert named in written.first_fault()


def test_entry_beside_the_log_is_found(written):
    written.edit(
        "INSERT INTO entry SELECT 6, 'donor:D-5', 1, act, evidence, site, study, recorded_at, previous, zeroblob(32), salt, envelope "
        "FROM entry WHERE id = 1"
    )
    assert "table entry has 6 rows" in written.first_fault()


def test_two_entries_that_changed_places_are_found(written):
    written.edit(
        "UPDATE entry SET position = 100 WHERE stream = 'donor:D-1' AND position = 2",
        "UPDATE entry SET position = 2 WHERE stream = 'donor:D-1' AND position = 3",
        "UPDATE entry SET position = 3 WHERE stream = 'donor:D-1' AND position = 100",
    )
    assert "donor:D-1" in written.first_fault()
    with pytest.raises(LedgerBrokenError, match="donor:D-1 entry 2"):
        written.load()


@pytest.mark.parametrize(
    "column", ["stream", "act", "site", "recorded_at", "envelope", "digest", "previous", "salt", "position", "evidence"]
)
@only_sqlite  # PostgreSQL lets nothing of another type into a column
@pytest.mark.parametrize("value", ["17", "1.5", "'text'", "x'00ff'", "NULL"])
def test_column_of_another_type_is_a_broken_record_and_no_crash(written, column, value):
    connection = sqlite3.connect(written.store.database.path, isolation_level=None)
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute("UPDATE sqlite_master SET sql = replace(replace(sql, 'STRICT', ''), ' NOT NULL', '') WHERE name = 'entry'")
    # A changed number makes every connection read the schema again.
    version = connection.execute("PRAGMA schema_version").fetchone()[0]
    connection.execute(f"PRAGMA schema_version = {version + 1}")
    connection.close()
    written.edit(f"UPDATE entry SET {column} = {value} WHERE id = 2")
    report = written.verify()
    assert not report.ok
    # No verdict rests on the salt.
    if column != "salt":
        with pytest.raises(LedgerBrokenError):
            written.load(STREAM)


@only_sqlite
@pytest.mark.parametrize("name", [name for name, _, _ in triggers()])
def test_trigger_that_is_missing_or_changed_is_named(written, name):
    statement = next(sql for trigger, _, sql in triggers() if trigger == name)
    written.raw(f"DROP TRIGGER {name}")
    assert f"trigger {name} is missing" in written.first_fault()
    written.raw(statement.replace("only grows", "may change"))
    assert f"trigger {name} is changed" in written.first_fault()


@only_sqlite
def test_trigger_that_is_not_custodys_is_named(written):
    written.raw("CREATE TRIGGER helpful AFTER INSERT ON entry BEGIN DELETE FROM stream_head; END")
    assert "trigger helpful is not one of custody's" in written.first_fault()


def one_row_in_each(store) -> None:
    """So that every table that only grows has something to lose."""
    with store.writing() as connection:
        attachments.keep(connection, attachments.packed(b"file"), "text/plain", "a.txt")
        series.keep_series(connection, one_series())
        credentials.set_secret(connection, account_created().account, "hash", set_at=NOW, must_change=False)
        set_fact(connection, "origin", "demo.example")
        for table in ("answer", "reset_ticket", "identity", "identity_view"):
            columns = metadata.tables[table].columns
            row = {column.name: 1 if column.name == "number" else b"\0" if column.name == "sealed" else "x" for column in columns}
            connection.execute(metadata.tables[table].insert(), row)


@only_sqlite
@pytest.mark.parametrize("table", APPEND_ONLY)
def test_append_only_table_refuses_change_removal_and_replacement(written, table, store):
    one_row_in_each(store)
    before = written.raw(f"SELECT * FROM {table}")
    column = APPEND_ONLY[table][0][0]
    for statement in (
        f'UPDATE {table} SET "{column}" = "{column}"',
        f"DELETE FROM {table}",
        f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}",
        f"REPLACE INTO {table} SELECT * FROM {table}",
    ):
        with pytest.raises(sqlite3.IntegrityError, match=f"{table} only grows"):
            written.raw(statement)
    assert before
    assert written.raw(f"SELECT * FROM {table}") == before


@only_sqlite
def test_replacing_by_any_unique_column_is_refused(written):
    for change in ("id + 100, stream, position, act", "id, stream || 'x', position, act", "id + 100, stream || 'x', position, act"):
        with pytest.raises(sqlite3.IntegrityError, match="entry only grows"):
            written.raw(
                f"INSERT OR REPLACE INTO entry SELECT {change}, evidence, site, study, recorded_at, previous, digest, salt, envelope "
                "FROM entry WHERE id = 1"
            )


# --- what lies beside the ledger --------------------------------------------------------------------------------------
def one_series(celsius="4.5"):
    return Series(readings=(Reading(datetime(2026, 1, 1, tzinfo=UTC), Decimal(celsius)),), interval_minutes=Decimal(10))


def test_changed_attachment_is_found(written, store):
    with store.writing() as connection:
        digest = attachments.keep(connection, attachments.packed(b"file"), "text/plain", "a.txt")
    assert written.verify().ok
    written.edit("UPDATE attachment SET content = x'00'")
    assert f"attachment {digest} is not what was kept" in written.first_fault()
    with store.reading() as connection, pytest.raises(LedgerBrokenError, match="its bytes have changed"):
        attachments.fetch(connection, digest)


@pytest.mark.parametrize("content", ["x'00'", "x'789c030000000001'", "(SELECT content FROM series WHERE digest > s.digest)"])
def test_changed_series_is_found_by_the_next_verdict_and_by_verification(written, store, content):
    with store.writing() as connection:
        digests = sorted([series.keep_series(connection, one_series()), series.keep_series(connection, one_series("5.0"))])
        assert series.load_series(connection, digests).keys() == set(digests)
    assert written.verify().ok
    written.edit(f"UPDATE series AS s SET content = {content} WHERE digest = '{digests[0]}'")
    assert f"temperature series {digests[0]} is not what was kept" in written.first_fault()
    with store.reading() as connection, pytest.raises(LedgerBrokenError, match="is not what was kept"):
        series.load_series(connection, digests)


def secret_recorded(ledger, secret_hash="hash"):
    account = account_created().account
    with ledger.store.writing() as connection:
        kept = credentials.set_secret(connection, account, secret_hash, set_at=NOW, must_change=False)
        act = SecretSet(account=account, row_digest=credentials.row_digest(kept), by_owner=True)
        append(connection, [new(act)], recorded_at=NOW)


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE credential SET secret_hash = 'other'",
        "UPDATE credential SET must_change = 1 WHERE number = 1",
        "UPDATE credential SET kind = 'pin' WHERE number = 1",
        "UPDATE credential SET set_at = 'x' WHERE number = 2",
        "UPDATE credential SET account = 'other' WHERE number = 2",
        "UPDATE credential SET number = 3 WHERE number = 2",
        "DELETE FROM credential WHERE number = 2",
        "DELETE FROM credential",
        "INSERT INTO credential VALUES ('lin.wei', 3, 'secret', 'mine', 't', 0)",
        "INSERT INTO credential VALUES ('other', 1, 'secret', 'mine', 't', 0)",
    ],
)
def test_changed_credential_is_found_by_its_account(written, edit):
    secret_recorded(written)
    secret_recorded(written, "hash 2")
    assert written.verify().ok
    written.edit(edit)
    assert "the credentials of account:" in written.first_fault()


# --- what only a checkpoint shows -------------------------------------------------------------------------------------
def cut_tail(ledger):
    ledger.edit(
        "DELETE FROM leaf WHERE number >= 3",
        "DELETE FROM entry WHERE id >= 4",
        "DELETE FROM node WHERE level > 1 OR number > 0",
        "UPDATE stream_head SET position = 2, digest = (SELECT digest FROM entry WHERE id = 2) WHERE stream = 'donor:D-1'",
        "DELETE FROM stream_head WHERE stream = 'tissue:T-1'",
    )
    with ledger.store.writing() as connection:
        rebuild(connection)


def test_tail_cut_off_cleanly_is_found_only_with_a_checkpoint(written, checkpoint):
    cut_tail(written)
    assert written.verify().faults == ()
    assert "the log has 3 entries and had 5 when the checkpoint was signed" in written.first_fault(checkpoint)


@only_sqlite
def test_return_to_a_backup_that_went_on_is_found_with_a_checkpoint(written, tmp_path):
    written.store.close()
    backup = tmp_path / "backup.db"
    shutil.copy(written.store.database.path, backup)
    written.record(signed_in())
    with written.store.reading() as connection:
        checkpoint = make_checkpoint(connection, "demo.example")
    written.store.close()
    shutil.copy(backup, written.store.database.path)
    assert "had 6 when the checkpoint was signed" in written.first_fault(checkpoint)
    written.record(account_created())
    assert written.verify().ok
    assert "the first 6 entries are not those" in written.first_fault(checkpoint)


def test_checkpoint_of_another_log_is_refused(written, checkpoint):
    with written.store.writing() as connection:
        set_fact(connection, "origin", "another.example")
    assert "the checkpoint is of the log demo.example" in written.first_fault(checkpoint)


def test_later_entries_do_not_disturb_an_earlier_checkpoint(written, checkpoint):
    written.record(signed_in(), signed_in())
    assert written.verify(checkpoint).ok
    assert written.first_fault(Checkpoint("demo.example", 5, bytes(32))).startswith("the first 5 entries")


def test_tables_outside_verification_are_named(written):
    assert {"session", "sign_in_guard", "answer", "identity", "alembic_version"} <= set(written.verify().skipped_tables)


@only_sqlite
def test_file_overwritten_with_noise_is_a_broken_record(written):
    written.store.close()
    data = bytearray(written.store.database.path.read_bytes())
    data[4096:] = b"\x5a" * (len(data) - 4096)
    written.store.database.path.write_bytes(bytes(data))
    with pytest.raises(LedgerBrokenError, match="the store's file is damaged"):
        written.load()


@only_sqlite
@pytest.mark.parametrize("table", ["entry", "leaf", "node", "stream_head", "stream_summary", "sqlite_autoindex_entry_1"])
def test_page_overwritten_with_noise_is_a_broken_record_and_no_crash(written, table):
    page = written.raw("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,))[0][0]
    written.store.close()
    data = bytearray(written.store.database.path.read_bytes())
    data[(page - 1) * 4096 : page * 4096] = b"\x5a" * 4096
    written.store.database.path.write_bytes(bytes(data))
    assert not written.verify().ok
