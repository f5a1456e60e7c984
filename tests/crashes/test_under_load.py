"""Under load: serving processes are killed at random moments and nothing acknowledged is missing; a copy made meanwhile is whole."""

from __future__ import annotations

import itertools
import json
import random
import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median

import pytest
from click.testing import CliRunner

from custody.cli import main
from custody.domain.acts.allocation import ParticipantRegistered
from custody.domain.ids import ParticipantId
from custody.store import log
from custody.workflows.rehearsal.bedside import PHYSICIAN
from custody.workflows.rehearsal.player import Player
from custody.workflows.rehearsal.steps import Step
from tests.counts import IN_FULL, count_of
from tests.crashes.clients import CLIENTS, all_workers, at_work, one_worker, time_until_a_scan, whole_server
from tests.databases import BOTH
from tests.once import made_once
from tests.races import conftest as races
from tests.races.place import Copies, Fleet, of_kind
from tests.races.prepared import NOW, Sizes, groups, make

SIZES = Sizes(starting=2, twice=2, held=4, recalled=4) if IN_FULL else races.SIZES
KILLS = (one_worker, all_workers, whole_server)
OFTEN = (45, 45, 10)
A_PLACE = 100
"""Crashes of one store: its history does not grow without end."""
MORE_AT_MOST, WITHIN_S = 8, 0.05
"""A crash comes at a random moment after so many further acts."""
RESTART_S = 5.0
RANDOM = random.Random(20261123)


@pytest.fixture(scope="module", params=BOTH)
def fleet(request, tmp_path_factory):
    made = groups(SIZES)

    def prepare(folder: Path) -> None:
        make(folder, made).close()

    # At reduced counts the races are run in a store of these sizes, too.
    prepared = made_once(tmp_path_factory, "crashes" if IN_FULL else "races", prepare)
    with of_kind(request.param, prepared) as databases:
        sailing = Fleet(databases, tmp_path_factory.mktemp("places"), made)
        try:
            yield sailing
        finally:
            sailing.close()


@pytest.mark.slow
def test_nothing_acknowledged_is_missing_however_often_servers_are_killed(fleet, request, figure):
    wanted, restarts, answered, unanswered = count_of(1_000, 1), [], 0, 0
    while len(restarts) < wanted:
        place = fleet.fresh("killing")
        kills = RANDOM.choices(KILLS, OFTEN, k=min(A_PLACE, wanted - len(restarts))) if IN_FULL else [whole_server]
        with at_work(place) as sent:
            for kill in kills:
                sent.wait_for(RANDOM.randint(0, MORE_AT_MOST))
                time.sleep(RANDOM.uniform(0, WITHIN_S))
                restarts.append(time_until_a_scan(sent, kill))
        sent.check()
        place.check_whole()
        answered, unanswered = answered + len(sent.answers), unanswered + sent.unanswered
    figure(
        f"serving processes killed {len(restarts):,} times under {CLIENTS} clients [{request.node.callspec.params['fleet']}]: "
        f"{answered:,} acknowledged, 0 missing, {unanswered:,} requests cut off; first scan after "
        f"{median(each.alone for each in restarts):.2f} s (at most {max(each.alone for each in restarts):.2f}) of one processor, "
        f"{median(each.by_the_clock for each in restarts):.2f} ({max(each.by_the_clock for each in restarts):.2f}) by the clock"
    )
    assert unanswered
    # On a processor of its own: others may want this machine's.
    assert max(min(each.alone, each.by_the_clock) for each in restarts) <= RESTART_S


# ── copies ──


@contextmanager
def at_work_on(store):
    """Somebody registers participants all the time."""
    ends, faults = threading.Event(), []

    def work():
        try:
            for number in itertools.count(1):
                if ends.is_set():
                    return
                act = ParticipantRegistered(participant=ParticipantId(f"P-{7000 + number}"))
                Player(store).play(Step(name="participant_registered", at=NOW + timedelta(seconds=number), by=(PHYSICIAN,), act=act))
        except BaseException as fault:  # noqa: BLE001 - told by the thread that waits for this one
            faults.append(fault)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join()
    assert faults == []


def custody(url, *arguments):
    answer = CliRunner(env={"CUSTODY_DATABASE_URL": url}).invoke(main, [str(each) for each in arguments])
    assert answer.exit_code == 0, answer.output
    return answer.stdout


def test_copy_made_under_load_is_a_whole_record_of_one_moment(fleet, tmp_path, monkeypatch, request, figure):
    monkeypatch.setenv("CUSTODY_KEY_DIR", str(tmp_path / "keys"))
    url, store = fleet.databases.copy(tmp_path)
    wanted, grew = count_of(20, 1), 0
    try:
        with at_work_on(store):
            for number in range(wanted):
                target = empty_database(fleet.databases, tmp_path / f"{number}.db", number)
                before = size_of(store)
                custody(url, "db", "copy", target)
                after = size_of(store)
                there = json.loads(custody(target, "ledger", "verify", "--json"))
                assert there["ok"]
                assert before <= there["entries"] <= after
                with store.reading() as connection:
                    assert log.root(connection, there["entries"]).hex() == there["root"]
                grew += after > before
    finally:
        fleet.databases.drop(store)
    figure(
        f"copies under load [{request.node.callspec.params['fleet']}]: {wanted} of {wanted} verify elsewhere and are what was committed "
        f"when they were begun; the record grew meanwhile under {grew}"
    )
    assert grew


def empty_database(databases, path, number):
    """Of a server every second time another database of it, else a file."""
    if isinstance(databases, Copies) and number % 2 == 0:
        return databases._server.copy("template0")
    return f"sqlite:///{path}"


def size_of(store):
    with store.reading() as connection:
        return log.size(connection)
