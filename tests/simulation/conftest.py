"""Stores for simulated trials, and counts: few trials in every run of the tests, two hundred where it is proven."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from custody.store.loading import forget_decoded
from custody.workflows.door import open_store, upgrade
from custody.workflows.simulation import kinds, plan_of, simulate
from tests.cli.conftest import Cli
from tests.counts import IN_FULL
from tests.databases import BOTH, databases

SEED = 3


def pytest_generate_tests(metafunc):
    """On both databases; at reduced counts on the one that counts: a whole trial takes seconds, and `told` is of SQLite already."""
    if "database" in metafunc.fixturenames:
        alone = BOTH[1:] if metafunc.definition.get_closest_marker("on_both") else BOTH[:1]
        metafunc.parametrize("database", BOTH if IN_FULL else alone, indirect=True, scope="session")


@pytest.fixture(scope="session")
def database(request, tmp_path_factory):
    with databases(request.param, tmp_path_factory.mktemp(f"simulation-{request.param}")) as found:
        yield found


@pytest.fixture
def store(database):
    forget_decoded()
    opened = database.store()
    yield opened
    database.drop(opened)


@dataclass(frozen=True)
class Told:
    """A trial played by the command, and its JSON."""

    cli: Cli
    said: dict


@pytest.fixture(scope="session")
def told(tmp_path_factory):
    """One trial, played once for all tests of a worker by `custody simulate`."""
    cli = Cli(tmp_path_factory.mktemp("told"))
    said = cli.told("simulate", "--sites", 1, "--lots", 1, "--seed", SEED, "--faults", "--store", cli.folder)
    return Told(cli, said)


@contextmanager
def played(folder, seed, *, sites=1, lots=1, faults=True, on_step=None):
    """A trial in a store of its own on SQLite: the store and the report; gone afterwards."""
    folder.mkdir(exist_ok=True)
    opened = open_store(f"sqlite:///{folder / 'custody.db'}")
    try:
        upgrade(opened)
        yield opened, simulate(opened, plan_of(sites, lots, seed, faults=faults), on_step=on_step)
    finally:
        opened.close()
        shutil.rmtree(folder)


@pytest.fixture
def only(monkeypatch):
    """Nothing goes wrong but what is named, and that whenever it can."""

    def alone(*wanted):
        for rates in (kinds.SLIP_RATES, kinds.DELAY_RATES, kinds.FAULT_RATES):
            for kind in rates:
                monkeypatch.setitem(rates, kind, 1.0 if kind in wanted else 0.0)

    return alone
