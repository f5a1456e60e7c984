"""`custody simulate` as a person or a program uses it: what it says, what it refuses, and what Ctrl-C leaves."""

from __future__ import annotations

import signal
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime

import pytest

from custody.cli import simulation
from custody.workflows.simulation import Report
from custody.workflows.simulation.plan import BEGINS
from custody.workflows.simulation.tally import Tally, Unsafe
from tests.cli.conftest import Cli, running
from tests.simulation.conftest import SEED

WITHIN_S = 120


def entries_of(cli):
    with closing(sqlite3.connect(f"file:{cli.database}?mode=ro", uri=True)) as database:
        return database.execute("SELECT count(*) FROM entry").fetchone()[0]


# ── what it says ──


def test_a_trial_is_told_as_json_and_its_record_proves_itself(told):
    said = told.said
    assert said["safe"] is True
    assert said["unsafe"] == []
    assert said["doses"]["given"] > 0
    assert all(each["made"] == each["caught"] for each in said["mistakes"].values())
    assert said["entries"] <= entries_of(told.cli)
    assert "the record proves itself" in told.cli.done("ledger", "verify")


def test_people_of_the_trial_can_go_on_in_it(told):
    accounts = {each["account"] for each in told.cli.told("account", "list")}
    assert {"demo-h01-nurse-one", "demo-h01-physician-one", "demo-qp-one"} <= accounts


def test_something_unsafe_is_said_and_ends_with_status_1(tmp_path, monkeypatch):
    unsafe = Unsafe(what="one bag given twice", about="dose:DOSE-0001", at=BEGINS)
    monkeypatch.setattr(simulation, "simulate", lambda store, plan, on_step: report_with(plan, unsafe))
    monkeypatch.setattr(simulation, "give_secrets", lambda store, report: None)
    answer = Cli(tmp_path)("simulate", "--lots", 1, "--store", tmp_path / "new")
    assert answer.exit_code == 1
    assert "PASSED ALTHOUGH IT SHOULD NOT HAVE: 1" in answer.stdout
    assert "dose:DOSE-0001: one bag given twice" in answer.stdout


def report_with(plan, *unsafe):
    tally, now = Tally(unsafe=list(unsafe)), datetime(2025, 2, 1, tzinfo=UTC)
    return Report(plan=plan, tally=tally, entries=9, digest="0" * 64, begun_at=BEGINS, ended_at=now, interrupted=False)


# ── what it refuses ──


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--sites", 0), "--sites is 0; expected a whole number from 1 to 50"),
        (("--sites", -1), "--sites is -1; expected"),
        (("--sites", 51), "--sites is 51; expected"),
        (("--lots", 0), "--lots is 0; expected a whole number from 1 to 2000"),
        (("--lots", 10**12), "--lots is 1000000000000; expected"),
        (("--seed", -5), "--seed is -5; expected a whole number from 0"),
        (("--seed", 2**64), "--seed is 18446744073709551616; expected"),
    ],
)
def test_numbers_that_no_trial_has_are_refused_in_one_sentence(tmp_path, arguments, said):
    folder = tmp_path / "new"
    assert Cli(folder).refused("simulate", *arguments, "--store", folder).startswith(said)
    assert not folder.exists()


def test_a_seed_that_is_no_number_is_a_wrong_command(tmp_path):
    answer = Cli(tmp_path)("simulate", "--seed", "soon", "--store", tmp_path / "new")
    assert answer.exit_code == 2
    assert "'soon' is not a valid integer" in answer.stderr
    assert not (tmp_path / "new").exists()


def test_a_store_with_entries_is_refused_and_stays_as_it_is(told):
    before = entries_of(told.cli)
    said = told.cli.refused("simulate", "--lots", 1, "--store", told.cli.folder)
    assert said == f"this store already holds {before} entries; simulate in a new one"
    assert told.cli.refused("simulate", "--lots", 1) == said
    assert entries_of(told.cli) == before


def test_a_file_that_is_no_store_is_refused_and_stays_as_it_is(tmp_path):
    cli = Cli(tmp_path)
    cli.database.write_bytes(b"not a database at all" * 100)
    assert cli.refused("simulate", "--lots", 1, "--store", tmp_path)
    assert cli.database.read_bytes() == b"not a database at all" * 100


def test_without_a_store_the_one_of_the_environment_is_asked_for(tmp_path):
    assert "no database is named" in Cli(tmp_path).refused("simulate", CUSTODY_DATABASE_URL=None)
    assert "custody db upgrade" in Cli(tmp_path).refused("simulate")


# ── Ctrl-C ──


def test_ctrl_c_leaves_what_was_recorded_and_says_so(tmp_path):
    cli = Cli(tmp_path)
    errors = tmp_path / "errors"
    arguments = ("simulate", "--lots", 3, "--seed", SEED, "--store", tmp_path)
    with running(*arguments, errors=errors, **cli.environment) as command:
        wait_until(lambda: cli.database.exists() and tables_are_there(cli) and entries_of(cli) > 40, command)
        command.send_signal(signal.SIGINT)
        said, _ = command.communicate(timeout=WITHIN_S)
    assert command.returncode == 1
    (sentence,) = errors.read_text(encoding="utf-8").splitlines()
    assert sentence == "custody: interrupted; what was recorded until then stays, and `custody ledger verify` proves it"
    assert f"{entries_of(cli)} entries" in said
    assert "the record proves itself" in cli.done("ledger", "verify")


def tables_are_there(cli):
    try:
        entries_of(cli)
    except sqlite3.OperationalError:
        return False
    return True


def wait_until(there, command):
    until = time.monotonic() + WITHIN_S
    while not there():
        assert command.poll() is None, command.communicate()
        assert time.monotonic() < until
        time.sleep(0.05)
