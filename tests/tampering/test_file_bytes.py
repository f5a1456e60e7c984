"""One byte of the file itself, changed past SQLite: where any stored row then reads otherwise, verification says so, and never crashes."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing

import pytest

from custody.errors import CustodyError
from custody.store.connection import open_store
from custody.store.tables import LOOKUPS, metadata
from custody.workflows.proving import prove
from tests.counts import IN_FULL, count_of
from tests.tampering import whole
from tests.tampering.places import PROVED

SHARES = 10 if IN_FULL else 1
JOURNALS = ("-wal", "-shm", "-journal", ".lock")


def rows_of(path):
    """Every row of what verification proves, as stored; text for a file out of which they cannot be read."""
    columns: dict[str, list[str]] = {}
    for table, name in PROVED:
        columns.setdefault(table.name, []).append(name)
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as connection:
            return {
                (table, tree): set(connection.execute(f'SELECT {", ".join(map(_exactly, held))} FROM "{table}" {tree}'))
                for table, names in columns.items()
                for tree, held in _trees(table, names)
            }
    except (sqlite3.Error, UnicodeDecodeError) as error:
        return str(error)


def _exactly(name):
    return f'typeof("{name}"), CAST("{name}" AS BLOB)'


def _trees(table, names):
    """The table's own tree, and each index of a lookup, which is a copy of some columns and is read in its place."""
    known = metadata.tables[table]
    own = "NOT INDEXED" if known.dialect_options["sqlite"]["with_rowid"] else f'INDEXED BY "sqlite_autoindex_{table}_1"'
    yield own, names
    if known in LOOKUPS:
        for index in known.indexes:
            yield f'INDEXED BY "{index.name}"', [column.name for column in (*index.columns, *known.primary_key)]


def found_in(path, keys) -> str:
    """What somebody who runs `custody ledger verify` is told; empty when the record proves itself."""
    store = open_store(f"sqlite:///{path}")
    try:
        report = prove(store, None, keys)
    except CustodyError as error:
        return str(error)
    finally:
        store.close()
    assert report.ok == (not report.faults)
    return str(report.faults[0]) if report.faults else ""


@pytest.fixture
def file(made, tmp_path):
    path = tmp_path / whole.DATABASE
    shutil.copy(made / whole.DATABASE, path)
    return path


@pytest.mark.parametrize("share", range(SHARES))
def test_every_byte_of_the_file_that_changes_a_row_is_found(made, file, figure, share):
    chance, count = random.Random(share), count_of(3_000, 15) // SHARES
    whole_file, rows = file.read_bytes(), rows_of(file)
    assert isinstance(rows, dict)
    keys, missed, changed = made / whole.KEYS, [], 0
    while changed < count:
        at, bits = chance.randrange(len(whole_file)), chance.randrange(1, 256)
        for journal in JOURNALS:
            file.with_name(file.name + journal).unlink(missing_ok=True)
        file.write_bytes(whole_file[:at] + bytes([whole_file[at] ^ bits]) + whole_file[at + 1 :])
        differs = rows_of(file) != rows
        said = found_in(file, keys)
        changed += differs
        if differs and not said:
            missed.append(f"byte {at} ^ {bits}")
    assert not missed, f"{len(missed)} of {changed}: {missed[:20]}"
    figure(f"{changed} single bytes of the file that changed a row: all found")


def test_name_in_the_schema_that_is_no_text_any_more_is_a_broken_record_and_no_crash(made, file):
    whole_file = file.read_bytes()
    at = whole_file.index(b"CREATE TABLE") + len(b"CREATE TABLE") + 2
    file.write_bytes(whole_file[:at] + b"\xf9" + whole_file[at + 1 :])
    assert "the store's file is damaged" in found_in(file, made / whole.KEYS)


def test_index_that_lacks_several_rows_of_its_table_is_named(made, file):
    """Rows written while nobody knew of the index: traces, which are read from it alone, would pass over them."""
    name = "ix_edge_parent_child"
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        [index] = connection.execute("SELECT * FROM sqlite_master WHERE name = ?", (name,)).fetchall()
        connection.execute("DELETE FROM sqlite_master WHERE name = ?", (name,))
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.executemany("INSERT INTO edge VALUES (1, 'lot:LOT-9999', ?)", [("bag:ONE",), ("bag:TWO",)])
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("INSERT INTO sqlite_master VALUES (?, ?, ?, ?, ?)", index)
    store = open_store(f"sqlite:///{file}")
    told = [str(fault) for fault in prove(store, None, made / whole.KEYS).faults]
    store.close()
    assert any(f"an index of the lookup edge is not what its table is (row 1 missing from index {name})" in each for each in told), told
