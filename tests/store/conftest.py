"""A fresh store for each test, copied from one that was made once."""

from __future__ import annotations

import pytest

from custody.store.loading import forget_decoded
from custody.store.verification import make_checkpoint
from tests.counts import IN_FULL
from tests.databases import BOTH, databases
from tests.store.ledger import Ledger, accepted, collected, consent, registered, withdrawn


def pytest_generate_tests(metafunc):
    """Every test that asks for a store runs on both databases, unless it says otherwise."""
    if "database" in metafunc.fixturenames:
        marked = metafunc.definition.get_closest_marker
        alone = marked("only_sqlite") or (marked("many_stores") and not IN_FULL)
        asked = ["sqlite"] if alone else ["postgresql"] if marked("postgresql") else BOTH
        metafunc.parametrize("database", asked, indirect=True, scope="session")


@pytest.fixture(scope="session")
def database(request, tmp_path_factory):
    """Where the stores of a test come from."""
    with databases(request.param, tmp_path_factory.mktemp(request.param)) as found:
        yield found


@pytest.fixture
def store(database, monkeypatch):
    forget_decoded()
    if database.name == "postgresql":
        # It has no mark of a change behind the application, which is noticed when a reading has become a second old.
        monkeypatch.setattr("custody.store.watch.READ_AGAIN_AFTER_S", 0.0)
    opened = database.store()
    yield opened
    database.drop(opened)


@pytest.fixture(scope="session")
def template(database):
    """A file to be copied, of a store with its tables and nothing else."""
    return database.template


@pytest.fixture
def ledger(store):
    return Ledger(store)


@pytest.fixture
def written(ledger):
    """Five entries in three streams."""
    ledger.record(registered(), consent())
    ledger.record(collected())
    ledger.record(withdrawn(), accepted())
    return ledger


@pytest.fixture
def checkpoint(written):
    with written.store.reading() as connection:
        return make_checkpoint(connection, "demo.example")
