"""The command line as a person or a program uses it, over copies of one demonstration store."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from custody.cli import main
from custody.workflows.demonstration import DB_NAME, SECRET
from tests.once import made_once

STARTS_WITHIN_S = 60


@dataclass(frozen=True)
class Cli:
    """Commands over the store in `folder`; `folder` need not hold one."""

    folder: Path

    @property
    def database(self) -> Path:
        return self.folder / DB_NAME

    @property
    def environment(self) -> dict[str, str]:
        return {
            "CUSTODY_DATABASE_URL": f"sqlite:///{self.database}",
            "CUSTODY_KEY_DIR": str(self.folder / "keys"),
            "CUSTODY_WEAK_SECRETS": "1",
            "NO_COLOR": "1",
        }

    def __call__(self, *arguments: object, typed: str | None = None, **variables: str | None) -> Result:
        """The answer of one command. A fault of the program fails the test here: no command may end in a traceback."""
        runner = CliRunner(env=self.environment | variables)
        answer = runner.invoke(main, [str(argument) for argument in arguments], input=typed)
        if answer.exception is not None and not isinstance(answer.exception, SystemExit):
            raise answer.exception
        return answer

    def done(self, *arguments: object, typed: str | None = None, **variables: str | None) -> str:
        """What a command that succeeds says; nothing may stand on standard error but what it asks."""
        answer = self(*arguments, typed=typed, **variables)
        assert answer.exit_code == 0, answer.output
        return answer.stdout

    def told(self, *arguments: object) -> object:
        """What a command tells a program: its standard output is JSON and nothing else."""
        return json.loads(self.done(*arguments, "--json"))

    def refused(self, *arguments: object, typed: str | None = None, **variables: str | None) -> str:
        """The one sentence of a command that is refused."""
        answer = self(*arguments, typed=typed, **variables)
        assert answer.exit_code == 1, answer.output
        (sentence,) = [line for line in answer.stderr.splitlines() if line]
        assert sentence.startswith("custody: ")
        assert answer.stdout == ""
        return sentence.removeprefix("custody: ")

    def by(self, account: str) -> dict[str, str]:
        """For `typed`: the secret that every account of a demonstration has."""
        return {"typed": f"{SECRET}\n"}


@pytest.fixture(scope="session")
def seeding(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A demonstration store made by the command itself, and what the command said."""

    def make(folder: Path) -> None:
        store = folder / "demonstration"
        (folder / "said").write_text(Cli(store).done("demo", "--store", store, "--seed-only"), encoding="utf-8")

    made = made_once(tmp_path_factory, "cli", make)
    return made / "demonstration", (made / "said").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def seeded(seeding: tuple[Path, str]) -> Path:
    """For copies only: other workers copy from it too."""
    return seeding[0]


@pytest.fixture(scope="session")
def looked_at(seeded: Path, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """Commands over one store that many tests share; for commands that only read."""
    folder = tmp_path_factory.mktemp("looked_at") / "store"
    shutil.copytree(seeded, folder)
    return Cli(folder)


@pytest.fixture
def cli(seeded: Path, tmp_path: Path) -> Cli:
    """Commands over a copy of the demonstration store."""
    folder = tmp_path / "store"
    shutil.copytree(seeded, folder)
    return Cli(folder)


@pytest.fixture
def nowhere(tmp_path: Path) -> Cli:
    """Commands over a store that does not exist yet."""
    folder = tmp_path / "new"
    folder.mkdir()
    return Cli(folder)


@contextmanager
def running(*arguments: object, errors: Path, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """A custody of its own process, ended by its id."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CUSTODY_")} | variables
    command = [sys.executable, "-m", "custody.cli", *map(str, arguments)]
    with errors.open("w") as complaints:
        process = subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            # As at a terminal: tests may have been started where Ctrl-C is ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,  # noqa: PLW1509 - no thread runs yet
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()


def line_with(process: subprocess.Popen[str], words: str) -> str:
    """The first line of a program's output that holds `words`."""
    assert process.stdout is not None
    for line in process.stdout:
        if words in line:
            return line.strip()
    raise AssertionError(f"the program ended without saying “{words}”")


def answer_of(url: str) -> tuple[int, str]:
    """Code and text at an address, asked until somebody answers."""
    ends = time.monotonic() + STARTS_WITHIN_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, ""
        except OSError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.05)


def stopped(process: subprocess.Popen[str], how: signal.Signals) -> int:
    process.send_signal(how)
    return process.wait(timeout=30)
