"""The road is played once for all tests of the workflows; each test gets a copy of it."""

from __future__ import annotations

import pytest

from custody.store.connection import open_store
from custody.store.loading import forget_decoded
from tests.counts import IN_FULL
from tests.databases import BOTH, databases
from tests.once import made_once
from tests.workflows.desk import Desk, Played, play_on_postgresql, play_road


@pytest.fixture(scope="session")
def played(tmp_path_factory):
    return Played(made_once(tmp_path_factory, "road", play_road))


def pytest_generate_tests(metafunc):
    """`make prove` runs every test of a desk on both databases, `make test` those marked so."""
    if "desk_at" not in metafunc.fixturenames:
        return
    marked = metafunc.definition.get_closest_marker
    both = not marked("only_sqlite") and (IN_FULL or marked("on_both"))
    metafunc.parametrize("database", BOTH if both else ["sqlite"], indirect=True, scope="session")


@pytest.fixture(scope="session")
def database(request, tmp_path_factory):
    with databases(request.param, tmp_path_factory.mktemp(request.param)) as found:
        yield found


@pytest.fixture(scope="session")
def copies(request, database, tmp_path_factory):
    """`copies(stage)`: a new store, played that far."""
    if database.name == "postgresql":
        return play_on_postgresql(database).copy_of
    played = request.getfixturevalue("played")

    def copy(stage):
        path = tmp_path_factory.mktemp(stage) / f"{stage}.db"
        played.copy_of(stage, path)
        return open_store(f"sqlite:///{path}")

    return copy


@pytest.fixture
def desk_at(database, copies, tmp_path):
    """`desk_at(BEDSIDE)`: a store played that far."""
    opened = []

    def desk(stage):
        forget_decoded()
        opened.append(copies(stage))
        return Desk(opened[-1], tmp_path)

    yield desk
    for store in opened:
        database.drop(store)
