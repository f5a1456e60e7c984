"""A PostgreSQL of the tests' own: on a socket in a folder that goes with it, without a network, ended by its own hand."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

BINARIES = ("/usr/lib/postgresql", "/usr/local/pgsql")
ACCOUNT = "postgres"
"""PostgreSQL will not run as root: then it runs as the account that its packages make."""


@dataclass(frozen=True)
class Server:
    """One that runs. Databases are copied from templates: that takes a twentieth of a second."""

    folder: Path
    binaries: Path
    settings: tuple[str, ...] = ()

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def program(self, name: str) -> tuple[str, ...]:
        return (*_as_account(), str(self.binaries / name))

    def start(self) -> None:
        options = ["-k", str(self.folder), "-h ''", *(f"-c {each}" for each in ("fsync=off", "max_connections=200", *self.settings))]
        run([*self._control, "-o", " ".join(options), "start"])

    def stop(self, how: str = "immediate") -> None:
        run([*self._control, "-m", how, "stop"])

    def promote(self) -> None:
        """A second server becomes the first."""
        run([*self._control, "promote"])

    @property
    def _control(self) -> tuple[str, ...]:
        return (*self.program("pg_ctl"), "-D", str(self.data), "-w", "-l", str(self.folder / "log"))

    @contextmanager
    def followed(self, name: str) -> Iterator[Server]:
        """By a second server that takes every commit of this one, under that name; not started yet."""
        with _folder() as folder:
            second = Server(folder, self.binaries, self.settings)
            at = f"host={self.folder} user={ACCOUNT} application_name={name}"
            run([*self.program("pg_basebackup"), "-d", at, "-D", str(second.data), "-R", "-X", "stream", "--no-sync", "-c", "fast"])
            try:
                yield second
            finally:
                if (second.data / "postmaster.pid").exists():
                    second.stop()

    def url(self, database: str, role: str = ACCOUNT) -> str:
        return f"postgresql://{role}@/{database}?host={self.folder}"

    def make(self, database: str, template: str = "template0") -> str:
        """A new database as a copy of another, to which nobody may be connected; its URL."""
        self.ask(f'CREATE DATABASE "{database}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        return self.url(database)

    def copy(self, template: str) -> str:
        """A new database with a name that was never used; its URL."""
        return self.make(f"copy_{uuid4().hex}", template)

    def drop(self, database: str) -> None:
        self.ask(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def ask(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """As the owner of everything; each statement is its own transaction. Its rows, where it has any."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            found = connection.execute(statement.encode())
            return found.fetchall() if found.description else []


def binaries() -> Path | None:
    """Where the server's programs lie; the newest where there are several."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    newest = sorted((each for folder in BINARIES for each in Path(folder).glob("**/bin/initdb")), key=str)
    return newest[-1].parent if newest else None


def lacking() -> str | None:
    """What this machine lacks to run one; None when it lacks nothing."""
    if binaries() is None:
        return "no PostgreSQL here (on Debian: apt-get install postgresql)"
    if os.geteuid() == 0 and not _has_account():
        return f"no account {ACCOUNT} here, and PostgreSQL does not run as root"
    return None


@contextmanager
def running(*settings: str) -> Iterator[Server]:
    """A fresh server, until the block ends. Its data need not outlive it, so it never waits for the disk."""
    found = binaries()
    assert found is not None
    with _folder() as folder:
        server = Server(folder, found, settings)
        # Another order of texts than by code points, as most servers have.
        language = ("--locale-provider=icu", "--icu-locale=en", "--locale=C.UTF-8")
        run([*server.program("initdb"), "-A", "trust", "-U", ACCOUNT, "-E", "UTF8", *language, "--no-sync", "-D", str(server.data)])
        server.start()
        try:
            yield server
        finally:
            if (server.data / "postmaster.pid").exists():
                server.stop()


@contextmanager
def _folder() -> Iterator[Path]:
    """Not among the folders of pytest, into which no other account may look."""
    folder = Path(tempfile.mkdtemp(prefix="custody-postgresql-", dir=os.environ.get("PYTEST_DEBUG_TEMPROOT")))
    if os.geteuid() == 0:
        shutil.chown(folder, ACCOUNT)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _as_account() -> tuple[str, ...]:
    return ("runuser", "-u", ACCOUNT, "--") if os.geteuid() == 0 else ()


def _has_account() -> bool:
    try:
        pwd.getpwnam(ACCOUNT)
    except KeyError:
        return False
    return True


def run(command: list[str]) -> None:
    # Not kept open for reading: the server would hold the other end.
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False, cwd="/"
    )
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
