"""Power cuts: what was acknowledged is there when the power is back, and the record proves itself; with less syncing it would not."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from custody.store import sqlite
from custody.workflows.drill.roads import road
from tests.counts import count_of
from tests.crashes.played import files_of, found_after, opened, play, said
from tests.crashes.power import Disk, Step, cuts

pytestmark = pytest.mark.usefixtures("listening")
BETWEEN_COPIES = (16, 48, 250)
"""After so many commits the journal is copied back into the file: as custody does it, and more often, so that cuts come in between."""


def cut_everywhere(tmp_path, monkeypatch, *, wanted, acts):
    """How `wanted` cuts ended, at random moments of playing so many acts."""
    ended, chance = Counter(), random.Random(20261123)
    for run, commits in enumerate(BETWEEN_COPIES):
        monkeypatch.setattr("custody.store.sqlite.COMMITS_BETWEEN_COPIES", commits)
        store = opened(tmp_path / str(run))
        before = files_of(tmp_path / str(run))
        recording, acknowledged = play(store, road()[:acts])
        assert everything(before, recording) == files_of(tmp_path / str(run))
        many = len(range(run, wanted, len(BETWEEN_COPIES)))
        places = [chance.randrange(len(recording.steps) + 1) for _ in range(many)]
        for number, (mark, files) in enumerate(cuts(before, recording.steps, places, chance)):
            ended[found_after(files, tmp_path / f"{run}-{number}", acknowledged.heads[max(mark, 0)])] += 1
    assert ended.total() == wanted
    return ended


def everything(before, recording):
    """What the calls that were heard lead to: no way to the disk goes past them."""
    disk = Disk.of(before)
    for step in recording.steps:
        disk.go_on(step)
    return disk.without_a_cut()


def test_write_that_was_not_synced_is_kept_lost_or_torn_at_sectors():
    old, new = b"o" * 2048, b"n" * 1000
    steps, ended = [Step("write", "file", 100, new)], Counter()
    for _, files in cuts({"file": old}, steps, [1] * 300, random.Random(20261123)):
        found = files["file"]
        sectors = {found[100:512], found[512:1024], found[1024:1100]}
        assert all(len(set(each)) == 1 for each in sectors)
        assert found[:100] + found[1100:] == old[:100] + old[1100:]
        ended["".join(sorted({chr(each[0]) for each in sectors}))] += 1
    assert ended.keys() == {"o", "n", "no"}
    [(_, files)] = cuts({"file": old}, [*steps, Step("sync", "file")], [2], random.Random(20261123))
    assert files["file"] == old[:100] + new + old[1100:]


def test_nothing_acknowledged_is_lost_and_nothing_breaks_when_the_power_goes(tmp_path, monkeypatch, figure):
    wanted, acts = count_of(1_000, 15), count_of(315, 35)
    ended = cut_everywhere(tmp_path, monkeypatch, wanted=wanted, acts=acts)
    figure(f"power cuts with torn sectors, synchronous = FULL as custody sets it: {wanted:,}; {said(ended)}")
    assert ended == {"whole": wanted}


def test_the_same_cuts_lose_acknowledged_acts_where_commits_are_not_synced(tmp_path, monkeypatch, figure):
    wanted, acts = count_of(1_000, 9), count_of(315, 35)
    less_careful = tuple(each.replace("synchronous = FULL", "synchronous = NORMAL") for each in sqlite._PRAGMAS)
    assert less_careful != sqlite._PRAGMAS
    monkeypatch.setattr(sqlite, "_PRAGMAS", less_careful)
    ended = cut_everywhere(tmp_path, monkeypatch, wanted=wanted, acts=acts)
    figure(f"the same with synchronous = NORMAL, which must fail: {wanted:,}; {said(ended)}")
    assert ended["lost"] > wanted / 2
