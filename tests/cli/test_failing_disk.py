"""A disk that takes nothing more at the command line: one sentence, exit status 1, and the store as it was."""

from __future__ import annotations

import pytest

from custody.store.connection import open_store
from tests.disk import every_connection, failing_disk

WRITING = [
    ("ledger", "rebuild"),
    ("account", "disable", "demo-qa-one", "--reason", "gone", "--by", "demo-admin-one"),
]


EACH = pytest.mark.parametrize("command", [pytest.param(command, id=" ".join(command[:2])) for command in WRITING])


def refusal(answer):
    assert answer.exit_code == 1
    assert "Traceback" not in answer.output
    (said,) = [line for line in answer.stderr.splitlines() if line.startswith("custody: ")]
    return said


@EACH
def test_command_on_a_failing_disk_is_refused_in_one_sentence(cli, command):
    with failing_disk():
        answer = cli(*command, **cli.by("demo-admin-one"))
    assert "the disk of the server failed, so this does not count as recorded" in refusal(answer)
    assert cli.told("ledger", "verify")["ok"] is True


@EACH
def test_command_on_a_store_that_takes_nothing_is_refused_in_one_sentence(cli, command):
    with every_connection(open_store(cli.environment["CUSTODY_DATABASE_URL"]), "PRAGMA query_only = 1"):
        answer = cli(*command, **cli.by("demo-admin-one"))
    assert "the store may only be read, so nothing was recorded; call the administrator" in refusal(answer)
    assert cli.told("ledger", "verify")["ok"] is True


def test_new_store_cannot_be_made_on_a_failing_disk(nowhere):
    with failing_disk():
        sentence = nowhere.refused("db", "upgrade")
    assert "the disk of the server failed" in sentence
    nowhere.done("db", "upgrade")
