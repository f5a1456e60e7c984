"""A fresh store for each test, copied from one that was made once."""

from __future__ import annotations

import shutil

import pytest

from custody.store.connection import open_store
from custody.store.loading import forget_decoded
from custody.store.migrations import upgrade
from custody.store.verification import make_checkpoint
from tests.store.ledger import Ledger, accepted, collected, consent, registered, withdrawn


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    path = tmp_path_factory.mktemp("template") / "custody.db"
    store = open_store(f"sqlite:///{path}")
    upgrade(store)
    store.close()
    return path


@pytest.fixture
def store(template, tmp_path):
    path = tmp_path / "custody.db"
    shutil.copy(template, path)
    forget_decoded()
    opened = open_store(f"sqlite:///{path}")
    yield opened
    opened.close()


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
