"""The ledger is followed as it grows: what a transaction sees is what the database says, whatever others do meanwhile."""

from __future__ import annotations

import shutil
import sqlite3
import time
from contextlib import closing, suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custody.domain.ids import DonorId
from custody.errors import LedgerBrokenError
from custody.store import watch
from custody.store.connection import open_store
from custody.store.entries import append, last_recorded_at, load_streams, proven_streams
from custody.store.heads import read_heads
from custody.store.watch import view_of
from custody.store.working import write_ahead
from tests.databases import only_sqlite
from tests.store.ledger import NOW, STREAM, Ledger, consent, new, registered, withdrawn

pytestmark = only_sqlite

DONORS = tuple(DonorId.parse(f"D-{number}") for number in range(1, 5))
KEYS = [donor.key for donor in DONORS]


def as_stored(connection):
    return read_heads(connection, KEYS)


def as_followed(connection):
    """The heads that gates would see, by the same way as they do."""
    return {key: (each.position, each.digest) for key, each in proven_streams(connection, KEYS).items() if each.position}


def test_transaction_reads_no_head_of_a_stream_that_it_follows(ledger, monkeypatch):
    ledger.record(registered())
    ledger.load()
    ledger.record(consent())
    ledger.load()
    asked = []
    monkeypatch.setattr("custody.store.loading.read_heads", lambda connection, streams: asked.append(streams) or {})
    with ledger.store.reading() as connection:
        assert len(load_streams(connection, [STREAM])[STREAM]) == 2
    assert asked == []


def test_entry_of_another_process_is_seen_by_the_next_transaction_and_by_none_before(ledger):
    ledger.record(registered())
    with ledger.store.reading() as before:
        assert len(load_streams(before, [STREAM])[STREAM]) == 1
        ledger.record(consent())
        # Another thread has followed the ledger further meanwhile.
        assert len(ledger.load()[STREAM]) == 2
        assert view_of(before).size == 1
        assert len(load_streams(before, [STREAM])[STREAM]) == 1
    assert len(ledger.load()[STREAM]) == 2


def test_view_that_began_before_another_was_begun_anew_knows_nothing_by_itself(ledger):
    """A stream may have grown between the two: only the database knows."""
    ledger.record(registered())
    with ledger.store.reading() as older:
        assert as_followed(older)
        mark = view_of(older).size
        ledger.record(consent())
        with ledger.store.reading() as newer:
            seen = view_of(newer)
            assert seen.head_of(STREAM, mark, None) == (True, as_stored(newer)[STREAM])
            # A thread whose view is older than what was followed begins anew from what it sees itself.
            watch._WATCH.view(older)
            assert seen.head_of(STREAM, mark, None) == (False, None)
            assert seen.grown_among([STREAM], mark) is None
            assert as_followed(newer) == as_stored(newer)


def test_what_was_rolled_back_is_never_taken_for_recorded(ledger):
    ledger.record(registered())
    ledger.load()
    with suppress(RuntimeError), ledger.store.writing() as connection:
        append(connection, [new(consent())], recorded_at=NOW)
        assert len(load_streams(connection, [STREAM])[STREAM]) == 2
        raise RuntimeError
    assert len(ledger.load()[STREAM]) == 1
    ledger.record(withdrawn())
    assert [entry.act.rule.name for entry in ledger.load()[STREAM]] == ["donor_registered", "consent_withdrawn"]


def test_work_ahead_that_fails_leaves_nothing_behind(ledger):
    ledger.record(registered())

    def work(connection):
        append(connection, [new(consent())], recorded_at=NOW)
        load_streams(connection, [STREAM])
        raise ValueError

    with suppress(ValueError):
        write_ahead(ledger.store, work)
    assert len(ledger.load()[STREAM]) == 1
    with ledger.store.reading() as connection:
        assert last_recorded_at(connection) == ledger.load()[STREAM][-1].recorded_at


def test_ledger_put_back_to_a_backup_is_read_anew(ledger, tmp_path):
    ledger.record(registered())
    path = ledger.store.database.path
    backup = tmp_path / "backup.db"
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(backup)) as copy:
        source.backup(copy)
    ledger.record(consent())
    assert len(ledger.load()[STREAM]) == 2
    ledger.store.close()
    for name in (f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)
    shutil.copy(backup, path)
    assert len(ledger.load()[STREAM]) == 1
    ledger.record(withdrawn())
    assert [entry.act.rule.name for entry in ledger.load()[STREAM]] == ["donor_registered", "consent_withdrawn"]


def test_last_entry_changed_behind_the_application_is_found_though_the_ledger_grew(ledger, monkeypatch):
    ledger.record(registered())
    ledger.load()
    with closing(sqlite3.connect(ledger.store.database.path)) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("UPDATE entry SET digest = zeroblob(32) WHERE id = 1")
        connection.commit()
    ledger.record(registered(DONORS[1]))
    with pytest.raises(LedgerBrokenError):
        ledger.load()


def test_more_than_is_followed_at_once_is_begun_anew(ledger, monkeypatch):
    monkeypatch.setattr(watch, "FOLLOWED_AT_ONCE_MAX", 3)
    monkeypatch.setattr(watch, "STREAMS_FOLLOWED_MAX", 2)
    ledger.load()
    for donor in DONORS:
        ledger.record(registered(donor))
    with ledger.store.reading() as connection:
        assert as_followed(connection) == as_stored(connection)


DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["record", "record elsewhere", "roll back", "read", "read both", "forget streams"]), st.integers(0, len(DONORS) - 1)
    ),
    min_size=1,
    max_size=14,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(DEEDS)
def test_heads_followed_are_always_those_of_the_database(template, tmp_path_factory, deeds):
    path = tmp_path_factory.mktemp("followed") / "custody.db"
    shutil.copy(template, path)
    ledger, elsewhere = Ledger(open_store(f"sqlite:///{path}")), open_store(f"sqlite:///{path}")
    known = set()
    for deed, number in deeds:
        donor = DONORS[number]
        act = consent(donor) if donor in known else registered(donor)
        if deed in {"record", "record elsewhere"}:
            with (ledger.store if deed == "record" else elsewhere).writing() as connection:
                append(connection, [new(act)], recorded_at=NOW)
                assert as_followed(connection) == as_stored(connection)
            known.add(donor)
        elif deed == "roll back":
            with suppress(RuntimeError), ledger.store.writing() as connection:
                append(connection, [new(act)], recorded_at=NOW)
                proven_streams(connection, KEYS)
                raise RuntimeError
        elif deed == "read":
            with ledger.store.reading() as connection:
                assert as_followed(connection) == as_stored(connection)
        elif deed == "read both":
            with ledger.store.reading() as older:
                before = as_stored(older)
                with elsewhere.writing() as connection:
                    append(connection, [new(act)], recorded_at=NOW)
                known.add(donor)
                with elsewhere.reading() as newer:
                    assert as_followed(newer) == as_stored(newer)
                assert as_followed(older) == before
        else:
            watch._WATCH._ledgers.clear()
    assert ledger.verify().ok
    elsewhere.close()
    ledger.store.close()


class TestBesideTheLedger:
    """Sessions come and go all the time; a hand in the file must not hide behind them."""

    def session(self, store):
        with store.writing() as connection:
            connection.exec_driver_sql("INSERT INTO store_fact (name, text) VALUES (hex(randomblob(8)), '')")

    def test_what_custody_writes_beside_it_leaves_what_was_read(self, ledger):
        elsewhere = open_store(ledger.store.url)
        ledger.record(registered())
        ledger.load()
        with ledger.store.reading() as connection:
            before = view_of(connection).oldest
        self.session(elsewhere)
        self.session(ledger.store)
        with ledger.store.reading() as connection:
            assert view_of(connection).oldest <= before + watch.READ_AGAIN_AFTER_S
            assert watch._WATCH._ledgers[ledger.store.url].since <= before
        elsewhere.close()

    @pytest.mark.parametrize("own", [False, True])
    def test_hand_in_the_file_after_a_session_makes_everything_be_read_again(self, ledger, own):
        elsewhere = open_store(ledger.store.url)
        ledger.record(registered())
        self.session(ledger.store if own else elsewhere)
        ledger.load()
        if own:
            self.session(ledger.store)
        with closing(sqlite3.connect(ledger.store.database.path)) as connection:
            connection.execute("INSERT INTO store_fact (name, text) VALUES ('by hand', '')")
            connection.commit()
        began = time.monotonic()
        with ledger.store.reading() as connection:
            assert view_of(connection).oldest >= began
        elsewhere.close()


def test_what_is_only_shown_rests_on_bytes_of_the_last_minute_and_on_every_entry(ledger, monkeypatch):
    ledger.record(registered())
    ledger.load()
    with closing(sqlite3.connect(ledger.store.database.path)) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("UPDATE entry SET envelope = replace(envelope, 'desk 1', 'desk 2') WHERE id = 1")
        connection.commit()
    ledger.record(registered(DONORS[1]))
    with watch.only_shown(), ledger.store.reading() as connection:
        found = load_streams(connection, [STREAM, DONORS[1].key])
        assert [len(entries) for entries in found.values()] == [1, 1]
    monkeypatch.setattr(watch, "READ_AGAIN_AFTER_S", 0.0)
    with ledger.store.reading() as connection, pytest.raises(LedgerBrokenError):
        load_streams(connection, [STREAM])
