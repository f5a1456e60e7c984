"""Every command of the command line has help, answers it without an installation, and none of the promised ones is missing."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from custody.cli import main

PROMISED = frozenset(
    {
        "demo",
        "serve",
        "db check",
        "db copy",
        "db upgrade",
        "account add",
        "account list",
        "account grant",
        "account disable",
        "study propose",
        "study diff",
        "study approve",
        "drill",
        "simulate",
        "gates",
        "bag show",
        "trace",
        "logger read",
        "ledger verify",
        "ledger checkpoint",
        "ledger rebuild",
    }
)
"""Commands that people and programs rely on; they may be joined by others, never renamed."""

FOR_PROGRAMS = frozenset({"drill", "simulate", "gates", "bag show", "trace", "logger read", "ledger verify"})


def commands(command: click.Command, path: str = "") -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from commands(inner, f"{path} {name}".strip())


ALL = dict(commands(main))
EACH = [pytest.param(path, id=path or "custody") for path in ALL]


def test_promised_commands_are_there():
    assert set(ALL) >= PROMISED


@pytest.mark.parametrize("path", EACH)
def test_command_says_in_one_sentence_what_it_does(path: str):
    help_text = (ALL[path].help or "").strip()
    assert help_text, "a command without help"
    assert help_text[0].isupper() or help_text.startswith("custody ")
    assert help_text.split("\n\n")[0].rstrip().endswith(".")


@pytest.mark.parametrize("path", EACH)
def test_every_option_has_help(path: str):
    for parameter in ALL[path].params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            assert parameter.help, f"{parameter.name} has no help"


@pytest.mark.parametrize("path", EACH)
def test_help_needs_no_database(path: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("CUSTODY_DATABASE_URL", raising=False)
    answer = CliRunner().invoke(main, [*path.split(), "--help"])
    assert answer.exit_code == 0, answer.output
    assert "Usage:" in answer.output


@pytest.mark.parametrize("path", sorted(FOR_PROGRAMS))
def test_commands_for_programs_answer_in_json(path: str):
    assert any("--json" in parameter.opts for parameter in ALL[path].params)


def test_unknown_command_is_an_error():
    assert CliRunner().invoke(main, ["no-such-command"]).exit_code == 2
