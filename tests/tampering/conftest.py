"""One small store with a row in every table, in each kind of database, for all that an owner of the database can do to it."""

from __future__ import annotations

import shutil

import pytest

from custody.store.connection import open_store
from custody.store.copying import copy_all
from custody.store.tables import metadata
from custody.store.verification_scan import Scan
from tests import postgres
from tests.databases import BOTH
from tests.once import made_once
from tests.tampering import whole
from tests.tampering.owner import Owner


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """The folder of the store; copy from it."""
    return made_once(tmp_path_factory, "tampering", whole.make)


@pytest.fixture(scope="session", params=BOTH)
def owner(request, made, tmp_path_factory):
    keys = made / whole.KEYS
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("owner") / whole.DATABASE
        shutil.copy(made / whole.DATABASE, path)
        found = Owner(open_store(f"sqlite:///{path}"), keys)
        yield found
        found.close()
        return
    with postgres.running() as server:
        source, target = open_store(f"sqlite:///{made / whole.DATABASE}"), open_store(server.make("tampering"))
        copy_all(source, target)
        _take_the_others(source, target)
        source.close()
        found = Owner(target, keys)
        yield found
        found.close()


def _take_the_others(source, target):
    """Sessions, which a copy leaves behind."""
    with source.reading() as reading, target.writing() as writing:
        for name in ("session", "bench", "shift"):
            table = metadata.tables[name]
            writing.execute(table.insert(), [dict(row) for row in reading.execute(table.select()).mappings()])


@pytest.fixture(autouse=True)
def in_one_process(monkeypatch):
    """What an owner changes here is never committed, so another process would not see it."""
    monkeypatch.setattr(Scan, "begin", lambda _: None)
