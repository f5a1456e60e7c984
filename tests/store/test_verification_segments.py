"""A log checked in segments, here or side by side in processes, shows the same first fault as one checked in a single pass."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import literal_column, select, table

from custody.domain.ids import DonorId
from custody.ledger.checkpoint import Checkpoint
from custody.ledger.leaves import leaf_data
from custody.ledger.merkle import CompactRange, leaf_hash
from custody.store import verification, verification_scan
from custody.store.connection import open_store
from custody.store.entries import append
from custody.store.verification import make_checkpoint
from custody.store.verification_scan import Scan
from tests.databases import only_sqlite
from tests.store.ledger import NOW, Ledger, consent, new, registered, signed_in

pytestmark = only_sqlite

SIZE = 26
# Three segments, the last one with a half block: leaves 0 to 11, 12 to 23, 24 and 25.
BORDERS = (12, 24)
DONORS = tuple(DonorId.parse(f"D-{number}") for number in range(1, 5))


@pytest.fixture(autouse=True)
def short_segments(monkeypatch):
    monkeypatch.setattr(verification_scan, "BLOCK_LEVEL", 2)
    monkeypatch.setattr(verification_scan, "ENTRIES_FOR_PROCESSES", 2)
    monkeypatch.setattr(verification_scan.os, "cpu_count", lambda: 3)


@pytest.fixture(params=["one after the other", "side by side"])
def ways(request, monkeypatch):
    """Nearly every test needs the segments only; processes take a tenth of a second each."""
    if request.param == "one after the other":
        monkeypatch.setattr(Scan, "begin", lambda _: None)


@pytest.fixture
def here(monkeypatch):
    monkeypatch.setattr(Scan, "begin", lambda _: None)


@pytest.fixture(scope="module")
def made(template, tmp_path_factory):
    path = tmp_path_factory.mktemp("segments") / "custody.db"
    shutil.copy(template, path)
    ledger = Ledger(open_store(f"sqlite:///{path}"))
    ledger.record(*(registered(donor) for donor in DONORS))
    while size_of(ledger) < SIZE:
        # Streams of different length: every one goes over a border, not every one is in each segment.
        ledger.record(consent(DONORS[size_of(ledger) % 3]), *([signed_in()] if size_of(ledger) < SIZE - 1 else []))
    ledger.store.close()
    return path


@pytest.fixture
def long(made, tmp_path):
    path = tmp_path / "custody.db"
    shutil.copy(made, path)
    ledger = Ledger(open_store(f"sqlite:///{path}"))
    yield ledger
    ledger.store.close()


def size_of(ledger) -> int:
    return ledger.raw("SELECT count(*) FROM entry")[0][0]


def place_of(ledger, leaf) -> tuple[str, int]:
    return ledger.raw("SELECT stream, position FROM leaf JOIN entry ON entry.id = entry_id WHERE number = ?", (leaf,))[0]


def named(leaf, ledger) -> str:
    return "{} entry {}:".format(*place_of(ledger, leaf))


def leaf_of(salt, stream, position, digest) -> bytes:
    """As `leaf_data` writes it, whatever the length of the salt."""
    fits = leaf_data(bytes(16), stream, position, digest)
    return fits.replace(bytes(16), salt, 1)


def put_in_order(ledger, order):
    """Forge the whole log: its leaves stand for these entries, and every leaf and node fits."""
    tree, nodes = CompactRange(), []
    statements = ["DELETE FROM leaf", "DELETE FROM node"]
    for number, entry_id in enumerate(order):
        row = ledger.raw("SELECT salt, stream, position, digest FROM entry WHERE id = ?", (entry_id,))[0]
        (_, _, hashed), *above = tree.append(leaf_hash(leaf_of(*row)))
        statements.append(f"INSERT INTO leaf VALUES ({number}, {entry_id}, x'{hashed.hex()}')")
        nodes += above
    statements += [f"INSERT INTO node VALUES ({level}, {number}, x'{hashed.hex()}')" for level, number, hashed in nodes]
    ledger.edit(*statements)


def test_whole_log_proves_itself_in_segments(long, ways):
    with long.store.reading() as connection:
        checkpoint = make_checkpoint(connection, "demo.example")
        assert [(task.first, task.end) for task in verification_scan._tasks(connection, SIZE, {})] == [(0, 12), (12, 24), (24, 26)]
    report = long.verify(checkpoint)
    assert (report.ok, report.entries, report.root) == (True, SIZE, checkpoint.root)


@pytest.mark.parametrize("size", range(SIZE + 1))
def test_every_earlier_checkpoint_is_met(long, here, size):
    tree = CompactRange()
    for (hashed,) in long.raw("SELECT hash FROM leaf WHERE number < ? ORDER BY number", (size,)):
        tree.append(hashed)
    assert long.verify(Checkpoint("demo.example", size, tree.root())).ok
    assert not long.verify(Checkpoint("demo.example", size, bytes(32))).ok


# --- one thing broken, at each side of each border --------------------------------------------------------------------
CHANGES = {
    "text": ("UPDATE entry SET envelope = replace(envelope, 'desk', 'Desk') WHERE id = {id}", "its text is not what was recorded"),
    "column": ("UPDATE entry SET site = 'A9999' WHERE id = {id}", "its columns differ from its text"),
    "link": ("UPDATE entry SET previous = randomblob(32) WHERE id = {id}", "its text is not what was recorded"),
    "leaf": ("UPDATE leaf SET hash = randomblob(32) WHERE number = {leaf}", "leaf {leaf} of the log is not of this entry"),
    "entry deleted": ("DELETE FROM entry WHERE id = {id}", "leaf {leaf} stands for entry number {id}, which is missing"),
    "leaf deleted": ("DELETE FROM leaf WHERE number = {leaf}", "leaf {leaf} of the log is missing"),
    "salt": ("UPDATE entry SET salt = x'' WHERE id = {id}", "leaf {leaf} of the log is not of this entry"),
}
AT_BORDERS = [leaf for border in BORDERS for leaf in (border - 1, border)]


@pytest.mark.parametrize("leaf", AT_BORDERS)
@pytest.mark.parametrize(("edit", "why"), CHANGES.values(), ids=CHANGES)
def test_change_at_a_border_is_named(long, here, edit, why, leaf):
    place = place_of(long, leaf)
    long.edit(edit.format(id=leaf + 1, leaf=leaf))
    report = long.verify()
    assert why.format(id=leaf + 1, leaf=leaf) in str(report.faults[0])
    assert report.entries == leaf
    if "missing" not in why:
        assert (report.faults[0].stream, report.faults[0].position) == place


@pytest.mark.parametrize("leaf", [0, 11, 12, 25])
def test_change_is_named_by_the_process_that_finds_it(long, leaf):
    long.edit(CHANGES["text"][0].format(id=leaf + 1))
    report = long.verify()
    assert named(leaf, long) in str(report.faults[0])
    assert report.entries == leaf


@pytest.mark.parametrize("border", BORDERS)
def test_two_leaves_that_changed_places_over_a_border_are_found(long, here, border):
    one, other = long.raw("SELECT entry_id, hash FROM leaf WHERE number IN (?, ?) ORDER BY number", (border - 1, border))
    long.edit(
        f"DELETE FROM leaf WHERE number IN ({border - 1}, {border})",
        f"INSERT INTO leaf VALUES ({border - 1}, {other[0]}, x'{other[1].hex()}'), ({border}, {one[0]}, x'{one[1].hex()}')",
    )
    report = long.verify()
    assert not report.ok
    assert report.entries < border


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("ids", ["swapped", "kept"])
def test_entry_that_comes_before_the_one_it_follows_is_found_though_leaves_and_nodes_fit(long, here, border, ids):
    """Two neighbours of a stream, the later one at the end of a segment, the earlier one in another: only their order is wrong."""
    order = list(range(1, SIZE + 1))
    stream, position = place_of(long, border)
    before = long.raw("SELECT id FROM entry WHERE stream = ? AND position = ?", (stream, position - 1))[0][0] - 1
    order[before], order[border] = order[border], order[before]
    put_in_order(long, order)
    if ids == "swapped":
        long.edit(
            f"UPDATE entry SET id = 999 WHERE id = {before + 1}",
            f"UPDATE entry SET id = {before + 1} WHERE id = {border + 1}",
            f"UPDATE entry SET id = {border + 1} WHERE id = 999",
            f"UPDATE leaf SET entry_id = 999 WHERE number = {before}",
            f"UPDATE leaf SET entry_id = {border + 1} WHERE number = {border}",
            f"UPDATE leaf SET entry_id = {before + 1} WHERE number = {before}",
        )
    report = long.verify()
    assert f"{stream} entry {position - 1}: position {position} stands in its place" in str(report.faults[0])
    assert report.entries == before


def test_entry_that_follows_one_of_a_later_segment_is_found(long, here):
    """The first of its stream in a segment, whose predecessor stands in a later one: nothing at hand says so."""
    stream = "donor:D-2"
    inside = [leaf for leaf in range(SIZE) if place_of(long, leaf)[0] == stream]
    first_there = next(leaf for leaf in inside if leaf >= BORDERS[0])
    position = place_of(long, first_there)[1]
    before = inside[inside.index(first_there) - 1]
    order = [leaf + 1 for leaf in range(SIZE) if leaf != before]
    order.append(before + 1)
    put_in_order(long, order)
    assert f"{stream} entry {position - 1}: position {position} stands in its place" in str(long.verify().faults[0])


@pytest.mark.parametrize("leaf", AT_BORDERS)
def test_entry_left_out_of_a_log_that_fits_is_found(long, here, leaf):
    stream, position = place_of(long, leaf)
    followed = any(place_of(long, later) == (stream, position + 1) for later in range(leaf, SIZE))
    put_in_order(long, [number + 1 for number in range(SIZE) if number != leaf])
    assert (f"{stream} entry {position}:" if followed else f"table entry has {SIZE} rows") in long.first_fault()


@pytest.mark.parametrize("leaf", AT_BORDERS)
def test_entry_put_into_the_log_is_found(long, here, leaf):
    long.edit(
        "INSERT INTO entry SELECT 99, 'donor:D-9', 1, act, evidence, site, study, recorded_at, zeroblob(32), randomblob(32), "
        f"salt, envelope FROM entry WHERE id = {leaf + 1}"
    )
    order = list(range(1, SIZE + 1))
    order.insert(leaf, 99)
    put_in_order(long, order)
    assert long.first_fault().endswith("donor:D-9 entry 1: its text is not what was recorded")


@pytest.mark.parametrize("salt", [b"", b"\x01" * 15, b"\x01" * 17])
def test_salt_of_another_length_is_found_though_leaves_and_nodes_fit(long, here, salt):
    long.edit(f"UPDATE entry SET salt = x'{salt.hex()}' WHERE id = 13")
    put_in_order(long, range(1, SIZE + 1))
    assert named(12, long) in long.first_fault()


@pytest.mark.parametrize(("level", "number"), [(1, 5), (1, 6), (2, 2), (2, 3), (2, 5), (3, 0), (3, 1), (3, 2), (4, 0)])
@pytest.mark.parametrize("edit", ["UPDATE node SET hash = zeroblob(32)", "DELETE FROM node", "UPDATE node SET number = 77"])
def test_changed_node_is_named_in_whatever_segment_it_ends(long, here, edit, level, number):
    long.edit(f"{edit} WHERE level = {level} AND number = {number}")
    assert f"node {number} of level {level} of the log is missing or wrong" in long.first_fault()


def test_first_of_several_faults_is_named(long, ways):
    for leaf in (25, 24, 13, 11, 3):
        long.edit(CHANGES["text"][0].format(id=leaf + 1))
        report = long.verify()
        assert named(leaf, long) in str(report.faults[0])
        assert len(report.faults) == 1


def test_log_of_an_absurd_length_is_a_broken_record(long, ways):
    long.edit(f"UPDATE leaf SET number = {2**50} WHERE number = {SIZE - 1}")
    assert f"leaf {SIZE - 1} of the log is missing, leaf {2**50} stands there" in long.first_fault()


# --- processes --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import os; os.kill(os.getpid(), 9)", "status -9"),
        ("raise SystemExit(0)", "status 0"),
        ("raise MemoryError('no memory')", "MemoryError: no memory"),
        ("print([])", "status 0"),
        ("print(12)", "status 0"),
        ("print('{')", "status 0"),
        ("print({'end': 12345})", "status 0"),
        ("print({'end': 12}); raise SystemExit(1)", "status 1"),
        ("import no_such_module", "No module named 'no_such_module'"),
    ],
)
def test_process_that_does_not_finish_is_a_fault(long, monkeypatch, program, said):
    monkeypatch.setattr(verification_scan, "_program", lambda _: program)
    report = long.verify()
    assert not report.ok
    assert report.entries == 0
    assert "entries 1 to 12 of the log were not checked" in str(report.faults[0])
    assert said in str(report.faults[0])


EARLIER_SUMMARY = """
    UPDATE stream_summary SET (position, act, site, study, recorded_at) = (SELECT position, act, site, study, recorded_at FROM entry
    WHERE entry.stream = stream_summary.stream AND position = 1) WHERE stream = 'donor:D-2'"""
LOOKUPS_CHANGED = {
    "head": ("UPDATE stream_head SET digest = zeroblob(32) WHERE stream = 'donor:D-2'", "donor:D-2 entry"),
    "site of a summary": ("UPDATE stream_summary SET site = 'A9999' WHERE stream = 'donor:D-2'", "stream_summary is wrong about donor:D-2"),
    "kind of a summary": ("UPDATE stream_summary SET kind = 'bag' WHERE stream = 'donor:D-2'", "stream_summary is wrong about donor:D-2"),
    "summary deleted": ("DELETE FROM stream_summary WHERE stream = 'donor:D-2'", "stream_summary is wrong about donor:D-2"),
    "summary of an earlier entry": (EARLIER_SUMMARY, "stream_summary is wrong about donor:D-2"),
    "site deleted": ("DELETE FROM stream_site WHERE stream = 'donor:D-2'", "stream_site is wrong about donor:D-2"),
    "site too many": ("INSERT INTO stream_site VALUES ('donor:D-2', 'A9999')", "stream_site is wrong about donor:D-2, A9999"),
    "name": ("INSERT INTO entry_name VALUES (3, 'X-1', 'donor:D-9')", "the lookup entry_name"),
}


@pytest.mark.parametrize(("edit", "why"), LOOKUPS_CHANGED.values(), ids=LOOKUPS_CHANGED)
def test_what_stands_beside_the_entries_is_named_whoever_asks(long, ways, edit, why):
    long.edit(edit)
    assert why in long.first_fault()


def test_processes_ask_besides_what_need_not_be_asked_again(long):
    with long.store.reading() as connection, verification_scan.scanning(connection, SIZE, verification._FIND_NOTHING) as scan:
        scan.check()
        assert scan.found_nothing == verification._FIND_NOTHING.keys()
    long.edit(*(LOOKUPS_CHANGED[name][0] for name in ("site too many", "head")))
    with long.store.reading() as connection, verification_scan.scanning(connection, SIZE, verification._FIND_NOTHING) as scan:
        scan.check()
        assert scan.found_nothing == verification._FIND_NOTHING.keys() - {"wrong site", "head"}


def test_what_a_process_cannot_ask_is_asked_here(long, monkeypatch):
    besides = dict.fromkeys(verification._FIND_NOTHING, select(literal_column("1")).select_from(table("no_such_table")))
    monkeypatch.setattr(verification, "_FIND_NOTHING", besides)
    assert long.verify().ok
    long.edit(LOOKUPS_CHANGED["site too many"][0])
    assert LOOKUPS_CHANGED["site too many"][1] in long.first_fault()


def test_process_begins_without_libraries_that_take_long_to_load(long):
    with long.store.reading() as connection:
        task = verification_scan._tasks(connection, SIZE, {})[0]
    program = verification_scan._program(task) + "; print(chr(10), *sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True)
    said, loaded = done.stdout.splitlines()
    assert said.startswith("{'end': 12")
    assert not {"typing", "dataclasses", "json", "inspect", "re", "sqlalchemy", "custody.domain"} & set(loaded.split())


def test_everything_is_checked_here_where_no_process_can_begin(long, monkeypatch):
    monkeypatch.setattr(verification_scan.sys, "executable", "/no/such/interpreter")
    assert long.verify().ok
    long.edit(CHANGES["text"][0].format(id=SIZE))
    assert named(SIZE - 1, long) in long.first_fault()


def test_no_process_outlives_a_verification_that_fails(long, monkeypatch):
    begun = []
    begin = verification_scan._begun
    monkeypatch.setattr(verification_scan, "_begun", lambda task: begun.append(begin(task)) or begun[-1])
    monkeypatch.setattr(verification, "_check_counts", interrupted)
    with pytest.raises(KeyboardInterrupt):
        long.verify()
    assert len(begun) == 3
    assert all(process.poll() is not None for process in begun)


def interrupted(_connection):
    raise KeyboardInterrupt


def test_what_others_write_meanwhile_does_not_disturb(long, ways):
    with long.store.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM leaf").scalar() == SIZE
        long.record(*(consent(donor) for donor in DONORS), signed_in())
        report = verification.verify(connection, checkpoint=None)
    assert (report.ok, report.entries) == (True, SIZE)
    assert long.verify().entries == SIZE + 5


def test_folder_of_any_name_is_found_by_the_processes(made, tmp_path):
    folder = tmp_path / "50% 脐带 #1 & more"
    folder.mkdir()
    shutil.copy(made, folder / "custody.db")
    ledger = Ledger(open_store(f"sqlite:///{folder}/custody.db"))
    assert ledger.verify().ok
    ledger.edit(CHANGES["text"][0].format(id=SIZE))
    assert named(SIZE - 1, ledger) in ledger.first_fault()
    ledger.store.close()


# --- what bounds memory, and odd texts --------------------------------------------------------------------------------
def test_forgotten_ends_of_streams_are_read_again(long, here, monkeypatch):
    monkeypatch.setattr("custody.store.segment.ENDS_REMEMBERED_MAX", 0)
    assert long.verify().ok
    long.edit(CHANGES["leaf deleted"][0].format(leaf=14))
    assert "leaf 14 of the log is missing" in long.first_fault()


TEXTS = st.text(st.sampled_from('",\\:{}ab林\U0001f9ec\u2028'), min_size=1, max_size=20)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=TEXTS, station=TEXTS, key=TEXTS)
def test_text_that_looks_like_an_envelope_proves_itself(template, tmp_path_factory, name, station, key):
    path = tmp_path_factory.mktemp("texts") / "custody.db"
    shutil.copy(template, path)
    ledger = Ledger(open_store(f"sqlite:///{path}"))
    plain = new(consent(form=station))
    odd = replace(
        plain, by=replace(plain.by, printed_name=name), station=f'{station}","site":"A9999","stream":"{name}', idempotency_key=key
    )
    with ledger.store.writing() as connection:
        append(connection, [odd], recorded_at=NOW)
    assert ledger.verify().ok
    ledger.edit("UPDATE entry SET site = 'A9999'")
    assert "its columns differ from its text" in ledger.first_fault()
    ledger.store.close()
