"""The stores of the scenes, made once for all tests, and people at work in a copy of one."""

from __future__ import annotations

from functools import cache

import pytest

from custody.workflows.rehearsal.bedside import NURSES
from tests.journeys.hospital import Hospital
from tests.journeys.scenes import FIRST, base_of, later, open_label
from tests.web.conftest import demonstration_folder

__all__ = ["demonstration_folder"]


@pytest.fixture(scope="session")
def bases(tmp_path_factory):
    """The store of a scene, made when it is first asked for."""
    return cache(lambda make: base_of(tmp_path_factory, make))


@pytest.fixture
def hospital(bases, tmp_path):
    """`hospital(scene)`: people at work in it; at the end its record must prove itself."""
    opened = []

    def at(make):
        opened.append(Hospital.from_base(bases(make), tmp_path))
        return opened[-1]

    yield at
    for ward in opened:
        ward.verify()
        ward.close()


@pytest.fixture(scope="module")
def base(bases):
    return bases(open_label)


def to_the_scans(base, folder, cast):
    """Everything right up to the last signatures: the same as `base`, later."""
    ward = Hospital.from_base(base, folder)
    while len(ward.model.of("bedside_scanned", dose=cast.dose.key)) < len(NURSES):
        assert ward.next_step(cast).kind == "recorded"
        ward.tick(minutes=1)
    ward.close()
    return later(base, folder / "custody.db", ward)


@pytest.fixture(scope="module")
def bed(base, tmp_path_factory):
    return to_the_scans(base, tmp_path_factory.mktemp("bed"), FIRST)
