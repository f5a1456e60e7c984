"""Secrets and signatures at the command line: asked from a person without showing them, read from standard input for a program."""

from __future__ import annotations

import sys

import click

from custody.errors import InputError, NotPermittedError
from custody.workflows.outcome import Outcome


def secret_of(name: str) -> str:
    """The secret of the account `name`: typed unseen at a terminal, else the next line of standard input. Raises InputError without one."""
    if sys.stdin.isatty():
        typed: str = click.prompt(f"secret of {name}", hide_input=True, err=True)
        return typed
    line = sys.stdin.readline()
    if not line.strip():
        raise InputError(f"the secret of {name} is missing; type it at a terminal or give it as a line of standard input", code="no_secret")
    return line.rstrip("\r\n")


def require_recorded(outcome: Outcome) -> None:
    """A command says that something is done only when it is. Raises NotPermittedError with the gates that stopped it."""
    if outcome.kind == "recorded":
        return
    if outcome.verdict is not None:
        raise NotPermittedError(f"nothing was recorded: {outcome.verdict.word} by {' '.join(outcome.verdict.codes)}", code="stopped")
    raise NotPermittedError("it waits for another signature, which is given on the web pages", code="waiting")
