"""An upgrade killed, or cut off with the power, at any moment: the tables are those of one version or the other, the log is the same."""

from __future__ import annotations

import random
import shutil
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import make_url

from bench.facility import DB_NAME, facility
from custody.store import schema
from custody.store.connection import Store, open_store
from custody.store.copying import copy_all
from tests import postgres
from tests.counts import IN_FULL, count_of
from tests.crashes import later
from tests.crashes.aborted import ended, killed_after, upgrading
from tests.crashes.played import DATABASE, files_of
from tests.crashes.power import Recording, cuts
from tests.crashes.vfs import heard_by
from tests.databases import BOTH
from tests.once import made_once

BAGS = 11_000
"""They come to 10^5 entries."""
RANDOM = random.Random(20261123)
SETTLES_WITHIN_S = 60.0


@pytest.fixture(scope="module")
def released(tmp_path_factory, demonstration_folder):
    """A file of the first released tables: at full counts of a facility of years, else of the demonstration."""
    if not IN_FULL:
        [path] = demonstration_folder.glob("*.db")
        return path

    def make(folder: Path) -> None:
        facility(folder, BAGS).store.close()

    return made_once(tmp_path_factory, "facility", make) / DB_NAME


class Files:
    """Files of the first version, and empty ones."""

    def __init__(self, released: Path, folder: Path) -> None:
        self._released, self._folder, self._made = released, folder, 0

    def old(self) -> Store:
        store = self.empty()
        shutil.copy(self._released, store.database.path)
        return store

    def empty(self) -> Store:
        self._made += 1
        path = self._folder / f"{self._made}.db"
        return open_store(f"sqlite:///{path}")

    def settles(self, store: Store) -> None:
        """Whoever was killed holds no lock of a file any more."""

    def drop(self, store: Store) -> None:
        store.close()
        store.database.path.unlink(missing_ok=True)


class OnServer:
    """Databases of the first version, and empty ones."""

    def __init__(self, released: Path, server: postgres.Server) -> None:
        self._server = server
        file, store = open_store(f"sqlite:///{released}"), open_store(server.make("released"))
        copy_all(file, store)
        file.close()
        store.close()

    def old(self) -> Store:
        return open_store(self._server.copy("released"))

    def empty(self) -> Store:
        return open_store(self._server.copy("template0"))

    def settles(self, store: Store) -> None:
        """The server first ends the statement that it was given, and only then takes notice that nobody waits for it."""
        store.close()
        working = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{make_url(store.url).database}'"
        ends = time.monotonic() + SETTLES_WITHIN_S
        while self._server.ask(working) != [(0,)]:
            assert time.monotonic() < ends, "an upgrade that was killed goes on"
            time.sleep(0.05)

    def drop(self, store: Store) -> None:
        store.close()
        self._server.drop(str(make_url(store.url).database))


@pytest.fixture(scope="module", params=BOTH if IN_FULL else BOTH[:1])
def places(request, released, tmp_path_factory):
    if request.param == "sqlite":
        yield Files(released, tmp_path_factory.mktemp("files"))
        return
    with postgres.running() as server:
        yield OnServer(released, server)


@dataclass(frozen=True)
class Known:
    """What a store is before and after its upgrade, and how long that takes."""

    before: list[tuple[str, ...]]
    after: list[tuple[str, ...]]
    head: later.Head | None
    seconds: float


def whole_way(store: Store, keys: Path) -> Known:
    """An upgrade that nobody breaks off."""
    before, head = later.shape(store), later.head(store)
    store.close()
    began = time.perf_counter()
    assert ended(upgrading(store.url, keys)) == 0
    seconds = time.perf_counter() - began
    assert later.check(store) == "current"
    assert later.head(store) == head or head is None
    return Known(before, later.shape(store), head, seconds)


def broken_off(places, take, known, keys, wanted):
    """In which state upgrades were left that were killed at random moments; one that was left as it was is killed again."""
    found, store, seconds = Counter(), take(), known.seconds
    while found.total() < wanted:
        store.close()
        if not killed_after(upgrading(store.url, keys), RANDOM.uniform(0, seconds)):
            # Over before it was killed: it takes less time than the first did.
            seconds *= 0.8
            places.drop(store)
            store = take()
            continue
        places.settles(store)
        state = later.check(store)
        assert later.shape(store) == (known.after if state == "current" else known.before)
        assert later.head(store) == known.head or known.head is None
        found[state] += 1
        if state == "current":
            places.drop(store)
            store = take()
    store.close()
    assert ended(upgrading(store.url, keys)) == 0
    assert later.check(store) == "current"
    places.drop(store)
    return found


@pytest.mark.parametrize("start", ["released", "empty"])
def test_killed_upgrade_leaves_one_version_or_the_other(places, start, tmp_path, monkeypatch, request, figure):
    if start == "released":
        later.is_installed(tmp_path, monkeypatch)
    take = places.old if start == "released" else places.empty
    first = take()
    known = whole_way(first, tmp_path)
    places.drop(first)
    found = broken_off(places, take, known, tmp_path, count_of(50, 2))
    entries = known.head[0] if known.head else 0
    figure(
        f"upgrades of {start} tables with {entries:,} entries killed at {found.total()} moments of {known.seconds:.1f} s "
        f"[{request.node.callspec.params['places']}]: {said(found)}; never between, log root unchanged"
    )
    assert known.before != known.after
    untouched = "old" if start == "released" else "empty"
    assert set(found) <= {untouched, "current"}
    assert found[untouched] or not IN_FULL


def said(found):
    return ", ".join(f"{count} {state}" for state, count in sorted(found.items()))


@pytest.mark.usefixtures("listening")
@pytest.mark.parametrize("start", ["released", "empty"])
def test_power_cut_in_an_upgrade_leaves_one_version_or_the_other(start, demonstration_folder, tmp_path, monkeypatch, figure):
    here = tmp_path / "upgraded"
    here.mkdir()
    store = open_store(f"sqlite:///{here / DATABASE}")
    if start == "released":
        later.is_installed(tmp_path, monkeypatch)
        [demonstration] = demonstration_folder.glob("*.db")
        shutil.copy(demonstration, store.database.path)
    else:
        store.database.make()
    head, shape = later.head(store), later.shape(store)
    store.close()
    before, recording = files_of(here), Recording()
    with heard_by(recording):
        schema.upgrade(store)
        recording.mark(1)
        after = later.shape(store)
        store.close()
    found, chance = Counter(), random.Random(20261123)
    places = [chance.randrange(len(recording.steps) + 1) for _ in range(count_of(50, 3))]
    for number, (mark, files) in enumerate(cuts(before, recording.steps, places, chance)):
        folder = tmp_path / str(number)
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_bytes(content)
        cut = open_store(f"sqlite:///{folder / DATABASE}")
        state = later.check(cut)
        assert later.shape(cut) == (after if state == "current" else shape)
        assert later.head(cut) == head or head is None
        assert state == "current" or mark < 1
        found[state] += 1
        cut.close()
        shutil.rmtree(folder)
    figure(f"power cuts in upgrades of {start} tables: {found.total()}; {said(found)}; never between, log root unchanged")
