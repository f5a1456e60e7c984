"""Whatever two processes do to one file - write, undo, fail, put a backup back - each transaction sees what its own snapshot holds."""

from __future__ import annotations

import shutil
import sqlite3
import time
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, precondition, rule

from custody.domain.deeds import deeds_of
from custody.domain.ids import DonorId
from custody.store import loading, watch
from custody.store.ahead import undone_on_error
from custody.store.connection import open_store
from custody.store.entries import append, heads, last_recorded_at, load_evidence, proven_streams
from custody.store.facts import set_fact
from custody.store.proven import Memory
from custody.store.watch import Watch, only_shown, view_of
from custody.store.working import write_ahead
from custody.workflows import dossiers
from custody.workflows.dossiers import dossier_of
from tests.store.ledger import NOW, Ledger, collected, consent, corrected, countersigned, new, proposed, registered, withdrawn

pytestmark = pytest.mark.only_sqlite

DONORS = tuple(DonorId.parse(f"D-{number}") for number in range(1, 4))
KEYS = [donor.key for donor in DONORS]
ROOTS = (DONORS[:1], DONORS[1:])
CORD = collected().subject
"""Its stream comes to follow one donor after the other."""
WHO = st.sampled_from(("here", "there"))
DONOR = st.sampled_from(DONORS)
MANY = st.lists(DONOR, min_size=1, max_size=3)


class UndoneError(Exception):
    """What a piece of work raises on its way."""


@dataclass
class Process:
    """One process: its connections, and all that custody remembers in it."""

    url: str
    store: object = None
    watch: Watch = field(default_factory=Watch)
    memory: Memory = field(default_factory=Memory)
    made: dict = field(default_factory=type(dossiers._made))

    @contextmanager
    def running(self):
        """Custody remembers as this process does."""
        before = watch._WATCH, loading._MEMORY, dossiers._made
        watch._WATCH, loading._MEMORY, dossiers._made = self.watch, self.memory, self.made
        try:
            yield self.store
        finally:
            watch._WATCH, loading._MEMORY, dossiers._made = before


def as_seen(connection):
    """What gates are given, by every way on which they are given it."""
    found = {key: deeds for root in ROOTS for key, deeds in dossier_of(connection, root).streams.items() if key in KEYS}
    proven = proven_streams(connection, KEYS)
    assert {key: each.deeds for key, each in proven.items()} == found
    linked = dossier_of(connection, [CORD]).streams
    assert linked[CORD.key] == proven_streams(connection, [CORD.key])[CORD.key].deeds
    assert {node.key for node in linked[CORD.key].followed} == linked.keys() & found.keys()
    assert found == {key: deeds_of(each.entries) for key, each in proven.items()}
    ends = heads(connection, KEYS)
    assert {key: each.position for key, each in ends.items()} == {key: each.position for key, each in proven.items() if each.position}
    return {key: [entry.digest for entry in each.entries] for key, each in proven.items()}, last_recorded_at(connection)


def as_stored(connection):
    """The same, as the file says by itself."""
    cursor = connection.connection.cursor()
    rows = cursor.execute("SELECT stream, digest, recorded_at FROM entry ORDER BY id").fetchall()
    cursor.close()
    found = {key: [digest.hex() for stream, digest, _ in rows if stream == key] for key in KEYS}
    return found, rows[-1][2] if rows else None


def compare(connection):
    (streams, newest), (stored, newest_stored) = as_seen(connection), as_stored(connection)
    assert {key: [digest.value for digest in digests] for key, digests in streams.items()} == stored
    assert (newest is None) == (newest_stored is None)
    assert newest is None or newest == type(newest).fromisoformat(newest_stored)


def act_for(connection, donor):
    """An act that fits what stands there; now and then a proposal, its second signature, or a correction."""
    entries = proven_streams(connection, [donor.key])[donor.key].entries
    match len(entries) % 7:
        case 0:
            return registered(donor)
        case 2:
            return proposed(consent(donor, "2.0"), salt=str(len(entries)))
        case 3:
            return countersigned(consent(donor, "2.0"), salt=str(len(entries) - 1))
        case 5:
            return corrected(entries[-1].digest, withdrawn(donor, f"said {len(entries)}"))
        case 4 | 6:
            return withdrawn(donor, f"at {len(entries)}")
        case _:
            return consent(donor)


class TestWorkThatWroteAhead:
    """What it wrote stands in no ledger yet, so nothing that follows the ledger knows of it."""

    def test_dossier_made_before_is_not_taken_for_one_that_holds_it(self, ledger):
        """The stream was written to without having been read in this work."""
        ledger.record(registered())

        def acts(connection):
            return [deed.act.rule.name for deed in dossier_of(connection, DONORS[:1]).streams[KEYS[0]]]

        def work(connection):
            append(connection, [new(withdrawn())], recorded_at=NOW)
            return acts(connection)

        with ledger.store.reading() as connection:
            assert acts(connection) == ["donor_registered"]
        assert write_ahead(ledger.store, work) == ["donor_registered", "consent_withdrawn"]

    def test_dossier_of_other_things_that_it_made_is_asked_for_again(self, ledger):
        ledger.record(registered())

        def work(connection):
            append(connection, [new(registered(DONORS[1]))], recorded_at=NOW)
            return len(dossier_of(connection, DONORS[:1]).streams[KEYS[0]])

        assert write_ahead(ledger.store, work) == 1
        with ledger.store.reading() as connection:
            assert len(dossier_of(connection, DONORS[:1]).streams[KEYS[0]]) == 1


def test_snapshot_keeps_its_end_of_a_stream_that_it_comes_to_read_late(ledger):
    ledger.record(registered())
    ledger.load()
    with ledger.store.reading() as older:
        assert view_of(older).size == 1
        ledger.record(consent())
        assert ledger.load(KEYS[1]) == {KEYS[1]: ()}
        assert [len(each.entries) for each in proven_streams(older, KEYS[:1]).values()] == [1]
    assert len(ledger.load()[KEYS[0]]) == 2


@pytest.mark.parametrize("acts", [0, 1, 2])
def test_hand_in_the_file_is_noticed_at_once_by_a_connection_that_recorded_acts_itself(ledger, acts):
    """It looked after its last act, and nothing of custody has happened since."""
    ledger.record(registered())
    ledger.load()
    for number in range(acts):
        ledger.record(withdrawn(reason=f"{number}"))
    ledger.load()
    with closing(sqlite3.connect(ledger.store.database.path)) as connection:
        connection.execute("INSERT INTO store_fact (name, text) VALUES ('by hand', '')")
        connection.commit()
    began = time.monotonic()
    with ledger.store.reading() as connection:
        assert view_of(connection).oldest >= began


class Followed(RuleBasedStateMachine):
    """Two processes on one file, and their transactions that are still open."""

    readers = Bundle("readers")

    @initialize()
    def begin(self):
        self.folder = self.fresh_folder()
        self.path = self.folder / "custody.db"
        shutil.copy(self.template, self.path)
        url = f"sqlite:///{self.path}"
        self.processes = {name: Process(url, open_store(url)) for name in ("here", "there")}
        self.open: dict[int, tuple[str, ExitStack, object, object]] = {}
        self.backups = 0
        self.seconds = 0
        self.number = 0

    def teardown(self):
        for _, stack, _, _ in self.open.values():
            stack.close()
        with self.processes["here"].running() as store:
            assert Ledger(store).verify().ok
        for process in self.processes.values():
            process.store.close()

    def later(self):
        self.seconds += 1
        return NOW + timedelta(milliseconds=self.seconds)

    def write(self, connection, donors, *, unread=False):
        """Acts that fit what stands there, or, where it was not read, one that always does."""
        for donor in donors:
            self.number += 1
            act = withdrawn(donor, f"without a look {self.number}") if unread else act_for(connection, donor)
            append(connection, [new(act)], recorded_at=self.later())

    @rule(who=WHO, donors=MANY, look_first=st.booleans(), look_after=st.booleans())
    def record(self, who, donors, look_first, look_after):
        with self.processes[who].running() as store, store.writing() as connection:
            if look_first:
                compare(connection)
            self.write(connection, donors)
            if look_after:
                compare(connection)

    @rule(who=WHO, donors=MANY, looks=st.booleans())
    def undo(self, who, donors, looks):
        with self.processes[who].running() as store, suppress(UndoneError), store.writing() as connection:
            if looks:
                compare(connection)
            self.write(connection, donors, unread=not looks)
            compare(connection)
            raise UndoneError

    @rule(who=WHO, kept=MANY, undone=MANY, looks=st.booleans())
    def undo_a_part(self, who, kept, undone, looks):
        with self.processes[who].running() as store, store.writing() as connection:
            if looks:
                self.write(connection, kept)
            with suppress(UndoneError), undone_on_error(connection):
                self.write(connection, undone)
                compare(connection)
                raise UndoneError
            compare(connection)
            if not looks:
                self.write(connection, kept)
                compare(connection)

    @rule(who=WHO, donors=MANY, between=st.lists(DONOR, max_size=2), looks=st.booleans(), fails=st.booleans(), beside=st.booleans())
    def work_ahead(self, who, donors, between, looks, fails, beside):
        """Judged on a snapshot, while another process writes; kept as if it had been done under the lock."""
        other = self.processes["there" if who == "here" else "here"]
        calls = []

        def work(connection):
            calls.append(connection)
            before = as_stored(connection)[0]
            if looks:
                compare(connection)
            self.write(connection, donors, unread=not looks)
            after = as_seen(connection)[0]
            added = [key for key in KEYS for _ in range(len(after[key]) - len(before[key]))]
            assert sorted(added) == sorted(donor.key for donor in donors)
            if len(calls) == 1:
                with other.running() as elsewhere, elsewhere.writing() as meanwhile:
                    self.write(meanwhile, between)
                    if beside:
                        self.side_row(meanwhile)
            if fails:
                raise UndoneError

        with self.processes[who].running() as store, suppress(UndoneError):
            write_ahead(store, work)
        assert len(calls) == (1 if fails or not between else 2)

    def side_row(self, connection):
        self.number += 1
        set_fact(connection, f"note {self.number}", "beside the ledger")

    @rule(who=WHO, donor=DONOR)
    def link(self, who, donor):
        with self.processes[who].running() as store, store.writing() as connection:
            append(connection, [new(collected(donor=donor))], recorded_at=self.later())

    @rule(who=WHO)
    def write_beside(self, who):
        with self.processes[who].running() as store, store.writing() as connection:
            self.side_row(connection)

    @rule(who=WHO, shown=st.booleans(), evidence=DONOR)
    def read(self, who, shown, evidence):
        with ExitStack() as stack:
            store = stack.enter_context(self.processes[who].running())
            if shown:
                stack.enter_context(only_shown())
            connection = stack.enter_context(store.reading())
            compare(connection)
            assert len(load_evidence(connection, evidence.key)) == len(as_stored(connection)[0][evidence.key])

    @rule(who=WHO, donor=DONOR)
    def glance(self, who, donor):
        """The ledger is followed, and nearly nothing of it read."""
        with self.processes[who].running() as store, store.reading() as connection:
            entries = proven_streams(connection, [donor.key])[donor.key].entries
            assert [entry.digest.value for entry in entries] == as_stored(connection)[0][donor.key]

    @precondition(lambda self: len(self.open) < 3)
    @rule(target=readers, who=WHO, looks=st.sampled_from(("not yet", "at the end", "at all")))
    def open_reader(self, who, looks):
        stack = ExitStack()
        with self.processes[who].running() as store:
            connection = stack.enter_context(store.reading())
            stored = as_stored(connection)
            if looks == "at all":
                compare(connection)
            elif looks == "at the end":
                view_of(connection)
        self.number += 1
        self.open[self.number] = who, stack, connection, stored
        return self.number

    @rule(reader=readers)
    def read_on(self, reader):
        """A snapshot stays what it was."""
        if reader not in self.open:
            return
        who, _, connection, stored = self.open[reader]
        with self.processes[who].running():
            assert as_stored(connection) == stored
            compare(connection)

    @rule(reader=consumes(readers))
    def close_reader(self, reader):
        if reader in self.open:
            self.open.pop(reader)[1].close()

    @rule(who=WHO)
    def begin_anew(self, who):
        """This process starts again."""
        self._close_readers()
        process = self.processes[who]
        process.store.close()
        self.processes[who] = Process(process.url, open_store(process.url))

    @rule(who=WHO)
    def reopen(self, who):
        """The connections are closed, what custody remembers stays."""
        self._close_readers()
        self.processes[who].store.close()

    @rule()
    def back_up(self):
        with closing(sqlite3.connect(self.path)) as source, closing(sqlite3.connect(self.folder / "backup.db")) as copy:
            source.backup(copy)
        self.backups += 1

    @precondition(lambda self: self.backups)
    @rule()
    def put_back(self):
        """The file of some time ago takes the place of today's; what custody remembers in both processes is of a ledger that is gone."""
        self._close_readers()
        for process in self.processes.values():
            process.store.close()
        for ending in ("-wal", "-shm"):
            self.path.with_name(self.path.name + ending).unlink(missing_ok=True)
        shutil.copy(self.folder / "backup.db", self.path)

    def _close_readers(self):
        for _, stack, _, _ in self.open.values():
            stack.close()
        self.open.clear()

    @invariant()
    def what_is_remembered_is_plain(self):
        for process in getattr(self, "processes", {}).values():
            assert all(ledger.floor <= ledger.size for ledger in process.watch._ledgers.values())


def test_every_transaction_sees_its_own_snapshot_whatever_two_processes_do(template, tmp_path_factory):
    Followed.template, Followed.fresh_folder = template, staticmethod(lambda: tmp_path_factory.mktemp("two"))
    machine = Followed.TestCase
    machine.settings = settings(stateful_step_count=20)
    machine("runTest").runTest()


def test_few_streams_are_followed_as_well_as_many(template, tmp_path_factory, monkeypatch):
    """What was followed is forgotten from its oldest end on."""
    monkeypatch.setattr(watch, "STREAMS_FOLLOWED_MAX", 1)
    monkeypatch.setattr(watch, "FOLLOWED_AT_ONCE_MAX", 4)
    test_every_transaction_sees_its_own_snapshot_whatever_two_processes_do(template, tmp_path_factory)
