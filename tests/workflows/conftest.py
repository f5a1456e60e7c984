"""The road is played once for all tests of the workflows; each test gets a copy of it."""

from __future__ import annotations

import pytest

from custody.store.connection import open_store
from custody.store.loading import forget_decoded
from tests.once import made_once
from tests.workflows.desk import Desk, Played, play_road


@pytest.fixture(scope="session")
def played(tmp_path_factory):
    return Played(made_once(tmp_path_factory, "road", play_road))


@pytest.fixture
def desk_at(played, tmp_path):
    """`desk_at(BEDSIDE)`: a store played that far."""
    opened = []

    def desk(stage):
        path = tmp_path / f"{stage}-{len(opened)}.db"
        played.copy_of(stage, path)
        forget_decoded()
        opened.append(open_store(f"sqlite:///{path}"))
        return Desk(opened[-1])

    yield desk
    for store in opened:
        store.close()
