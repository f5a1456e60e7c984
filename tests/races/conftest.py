"""One prepared store for all races, and a fleet of its copies for each kind of database."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.databases import BOTH
from tests.once import made_once
from tests.races.place import Fleet, of_kind
from tests.races.prepared import Sizes, groups, make

IN_FULL = os.environ.get("CUSTODY_TEST_PROFILE") == "prove"
SIZES = Sizes(starting=69, twice=35, held=70, recalled=70) if IN_FULL else Sizes(starting=2, twice=2, held=4, recalled=4)


def count_of(full: int, reduced: int) -> int:
    return full if IN_FULL else reduced


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
def figure(request, record_property):
    """Says at the end of the run how many races were run, and of them how many ended in which way."""

    def say(text: str) -> None:
        kind = request.node.callspec.params["fleet"]
        record_property("figure", f"{text} [{kind}]")

    return say
