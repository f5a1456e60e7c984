"""`custody demo`: a fresh store, what it says of itself, and what becomes of one that cannot be made."""

import os
import re
import signal
import socket
import sqlite3
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from custody.workflows import demonstration
from custody.workflows.demonstration import casts
from custody.workflows.door import Store, open_store
from custody.workflows.rehearsal import downstream
from custody.workflows.rehearsal.player import Player
from custody.workflows.rehearsal.road import Cast
from custody.workflows.rehearsal.steps import Script
from custody.workflows.roster import demonstration_accounts
from tests.cli.conftest import Cli, answer_of, line_with, running, stopped

FIRST_PAGE_WITHIN_S = 10 * int(os.environ.get("CUSTODY_TEST_SLOWER", "4"))
"""Ten seconds are promised on a machine that does nothing else; tests share theirs."""


def test_store_is_a_demonstration_that_proves_itself(looked_at):
    assert looked_at.told("ledger", "verify")["ok"] is True
    assert looked_at.folder.stat().st_mode & 0o077 == 0
    assert {path.name for path in looked_at.folder.iterdir()} >= {"custody.db", "keys"}


def test_five_lots_stand_where_people_go_on(looked_at):
    def bag_of(number):
        told = looked_at.told("bag", "show", casts(looked_at.folder / "keys")[number - 1].cast.bags[0])
        return told["state"], bool(told["blocked"])

    assert [bag_of(number) for number in range(1, 6)] == [
        ("received", False),
        ("receipt_quarantine", False),
        ("receipt_quarantine", True),
        ("quarantine", False),
        ("received", True),
    ]


@pytest.mark.parametrize(("word", "codes"), [("warm", ("BAG-COLD",)), ("gap", ("BAG-GAP",))])
def test_receiving_a_waiting_shipment_stops_for_the_promised_reason_only(store, word, codes):
    """What `custody demo` says will happen, happens: through the real workflow, right after the store was made."""
    cast = cast_of(store, word)
    road = Script(store.made_at)
    downstream.accept(road, cast, cast.bags[:1])
    accepted = replace(road.in_order()[0], at=store.made_at + timedelta(minutes=3))
    outcome = Player(store.open()).attempt(accepted)
    assert (outcome.kind, outcome.verdict.codes) == ("stopped", codes)


@pytest.mark.parametrize(("word", "code"), [("not_released", "BAG-REL"), ("recalled", "BAG-RECALL")])
def test_lot_that_must_not_travel_is_stopped_when_its_shipper_is_sealed(store, word, code):
    bags = cast_of(store, word).bags[2:4]
    other = Cast(number=9, upstream=1, batch=9)
    road = Script(store.made_at + timedelta(minutes=130))
    downstream.pack(road, other, bags, days=0)
    downstream.seal(road, other, bags, days=0)
    player = Player(store.open())
    *before, sealed = road.in_order()
    for step in before:
        player.play(replace(step, at=max(step.at, store.made_at)))
    outcome = player.attempt(sealed)
    assert outcome.kind == "stopped"
    assert code in outcome.verdict.codes


def test_lot_that_is_not_released_can_be(store):
    road = Script(store.made_at)
    downstream.release_lot(road, cast_of(store, "not_released"))
    for n, step in enumerate(road.in_order(), start=1):
        Player(store.open()).play(replace(step, at=store.made_at + timedelta(minutes=n)))


@dataclass
class Copy:
    """A copy of the demonstration store, and when it was made."""

    cli: Cli
    made_at: datetime
    opened: Store | None = None

    def open(self):
        self.opened = self.opened or open_store(f"sqlite:///{self.cli.database}")
        return self.opened


@pytest.fixture
def store(cli):
    with sqlite3.connect(cli.database) as connection:
        (newest,) = connection.execute("SELECT max(recorded_at) FROM entry").fetchone()
    connection.close()
    copy = Copy(cli, datetime.fromisoformat(newest))
    yield copy
    if copy.opened is not None:
        copy.opened.close()


def cast_of(store, word):
    return next(lot.cast for lot in casts(store.cli.folder / "keys") if lot.word == word)


def test_seeding_says_where_the_store_is(seeding):
    folder, said = seeding
    assert f"export CUSTODY_DATABASE_URL=sqlite:///{folder / 'custody.db'}" in said
    assert f"export CUSTODY_KEY_DIR={folder / 'keys'}" in said
    assert all(character.isprintable() or character == "\n" for character in said)


def test_folder_with_a_store_is_left_alone(cli):
    before = cli.database.read_bytes()
    assert "exists already; give another folder" in cli.refused("demo", "--seed-only", "--store", cli.folder)
    assert cli.database.read_bytes() == before


def test_folder_that_cannot_be_made_is_refused(nowhere):
    file = nowhere.folder / "file"
    file.touch()
    assert str(file) in nowhere.refused("demo", "--seed-only", "--store", file)
    assert str(file) in nowhere.refused("demo", "--seed-only", "--store", file / "below")
    assert "/proc/custody" in nowhere.refused("demo", "--seed-only", "--store", "/proc/custody")


def test_interrupted_demonstration_leaves_nothing_in_the_way(nowhere, monkeypatch):
    other = nowhere.folder / "letter.txt"
    other.touch()
    real = demonstration.Player.play

    def interrupted(player, step):
        if step.name == "released":
            raise KeyboardInterrupt
        return real(player, step)

    monkeypatch.setattr(demonstration.Player, "play", interrupted)
    answer = nowhere("demo", "--seed-only", "--store", nowhere.folder)
    assert answer.exit_code == 1
    assert "Traceback" not in answer.output
    assert list(nowhere.folder.iterdir()) == [other]


def test_port_in_use_is_told_before_a_store_is_made(nowhere):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        sentence = nowhere.refused("demo", "--store", nowhere.folder / "store", "--port", port)
    assert f"127.0.0.1:{port} cannot be listened on" in sentence
    assert not (nowhere.folder / "store").exists()


@pytest.mark.parametrize("port", ["70000", "-1", "eighty"])
def test_port_that_is_none_is_a_usage_error(nowhere, port):
    assert nowhere("demo", "--store", nowhere.folder / "store", "--port", port).exit_code == 2


@pytest.mark.slow
def test_demonstration_is_served_and_says_what_to_try(tmp_path):
    began = time.monotonic()
    place = tmp_path / "store"
    with running("demo", "--store", place, "--port", 0, errors=tmp_path / "errors") as process:
        url = line_with(process, "custody demonstration:").rpartition(" ")[2]
        assert answer_of(f"{url}/")[0] == 200
        assert time.monotonic() - began < FIRST_PAGE_WITHIN_S
        assert "<form" in answer_of(f"{url}/sign-in")[1]
        assert answer_of(f"{url}/demo")[0] == 200
        guide = []
        for line in process.stdout:
            guide.append(line.rstrip("\n"))
            if "Ctrl-C" in line:
                break
        assert stopped(process, signal.SIGINT) == 0
    check_guide(guide, place)
    assert (tmp_path / "errors").read_text() == ""
    Cli(place).done("ledger", "verify")


def check_guide(guide, place):
    """Plain text for 80 columns (the store's own long path aside), in which every account and lot exists."""
    text = "\n".join(guide)
    assert all(len(line) <= 80 for line in guide if str(place) not in line)
    assert all(line.isprintable() for line in guide)
    named = set(re.findall(r"\bdemo-[a-z-]+", text))
    assert len(named) > 4
    assert named <= {each.account for each in demonstration_accounts()}
    assert set(re.findall(r"LOT-\d+", text)) == {lot.cast.lot.value for lot in casts(place / "keys")}
    assert f"secret: {demonstration.SECRET}" in text
