"""One prepared store for all races, and a fleet of its copies for each kind of database."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.counts import IN_FULL
from tests.databases import BOTH
from tests.once import made_once
from tests.races.place import Fleet, of_kind
from tests.races.prepared import Sizes, groups, make

SIZES = Sizes(starting=69, twice=35, held=70, recalled=70) if IN_FULL else Sizes(starting=2, twice=2, held=4, recalled=4)


@pytest.fixture(scope="module", params=BOTH)
def fleet(request, tmp_path_factory):
    made = groups(SIZES)

    def prepare(folder: Path) -> None:
        make(folder, made).close()

    prepared = made_once(tmp_path_factory, "races", prepare)
    with of_kind(request.param, prepared) as databases:
        sailing = Fleet(databases, tmp_path_factory.mktemp("places"), made)
        try:
            yield sailing
        finally:
            sailing.close()


@pytest.fixture
def figure(request, figure):
    """Also says on which database."""
    kind = request.node.callspec.params["fleet"]
    return lambda text: figure(f"{text} [{kind}]")
