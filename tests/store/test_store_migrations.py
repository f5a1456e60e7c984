"""A store comes up from nothing, says how far it is, and has exactly the tables that the code knows."""

from __future__ import annotations

import time

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, inspect, select
from sqlalchemy.schema import CreateIndex

from custody.errors import InputError
from custody.store import migrations
from custody.store.guards import first_difference, triggers
from custody.store.tables import metadata, store_fact
from tests.databases import only_sqlite
from tests.store.ledger import Ledger, registered


@pytest.fixture
def empty(database):
    store = database.empty()
    yield store
    database.drop(store)


def tables(store):
    with store.reading() as connection:
        return inspect(connection).get_table_names()


def test_store_comes_up_from_nothing_and_again_changes_nothing(empty):
    assert migrations.schema_state(empty) == "empty"
    started = time.perf_counter()
    migrations.upgrade(empty)
    assert time.perf_counter() - started < 5
    assert migrations.schema_state(empty) == "current"
    ledger = Ledger(empty)
    ledger.record(registered())
    migrations.upgrade(empty)
    assert ledger.verify().entries == 1


def test_migrations_lead_to_the_tables_that_the_code_knows(store):
    with store.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert first_difference(connection) is None


@only_sqlite
def test_indexes_and_triggers_of_a_file_are_word_for_word_those_of_the_code(store):
    with store.reading() as connection:
        seen = dict(connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").all())
        indexes = {index.name: str(CreateIndex(index).compile(connection)) for table in metadata.sorted_tables for index in table.indexes}
    assert {name: sql for name, sql in seen.items() if name.startswith("ix_")} == indexes
    assert {name: seen[name] for name, _, _ in triggers()} == {name: sql for name, _, sql in triggers()}


@only_sqlite
def test_every_table_is_strict(ledger):
    tables = ledger.raw("SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name != 'alembic_version'")
    assert len(tables) == len(metadata.tables)
    assert [name for name, sql in tables if not sql.rstrip().endswith("STRICT")] == []


def test_texts_are_put_in_order_by_code_points(store):
    names = ["Z", "a", "é", "B-1", "B:1", "中"]
    with store.writing() as connection:
        connection.execute(insert(store_fact), [{"name": name, "text": ""} for name in names])
        assert connection.execute(select(store_fact.c.name).order_by(store_fact.c.name)).scalars().all() == sorted(names)


def test_store_of_a_newer_version_is_refused(store, ledger):
    ledger.raw("UPDATE alembic_version SET version_num = '9999'")
    assert migrations.schema_state(store) == "newer"
    with pytest.raises(InputError, match="written by a newer custody"):
        migrations.upgrade(store)


def test_database_of_another_program_is_refused_and_left_alone(empty):
    ledger = Ledger(empty)
    ledger.raw("CREATE TABLE patients (name text)")
    for use in (migrations.schema_state, migrations.upgrade):
        with pytest.raises(InputError, match=r"other tables \(patients\)"):
            use(empty)
    assert tables(empty) == ["patients"]


def test_upgrade_that_fails_midway_leaves_nothing_behind(empty, monkeypatch):
    monkeypatch.setattr("custody.store.guards.triggers", lambda: [("x", "entry", "CREATE TRIGGER nonsense")])
    monkeypatch.setattr("custody.store.guards._on_postgresql", lambda: [("x", "entry", "CREATE TRIGGER nonsense")])
    with pytest.raises(Exception, match="nonsense"):
        migrations.upgrade(empty)
    assert migrations.schema_state(empty) == "empty"
    assert tables(empty) == []
