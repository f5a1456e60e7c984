"""Places where races are run: a copy of the prepared store, served by `custody serve` with two processes of four threads."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import make_url

from custody.domain.acts.base import Act
from custody.domain.dossier import Entry
from custody.store import entries
from custody.store.connection import Store, open_store
from custody.store.copying import copy_all
from custody.store.roles import grant_to
from custody.store.verification import verify
from tests import postgres
from tests.races.clients import Person, sign_in
from tests.races.prepared import DATABASE, NOW, Groups

REPOSITORY = Path(__file__).parents[2]
SERVER_ROLE = "custody"
TEMPLATE = "races"
WORKERS, THREADS = 2, 4
ENDS_WITHIN_S = 60


class Files:
    """Copies of the prepared file."""

    def __init__(self, prepared: Path) -> None:
        self._prepared = prepared

    def copy(self, folder: Path) -> tuple[str, Store]:
        """The address for the server, and a store for whoever looks on."""
        shutil.copy(self._prepared / DATABASE, folder / DATABASE)
        url = f"sqlite:///{folder / DATABASE}"
        return url, open_store(url)

    def drop(self, store: Store) -> None:
        store.close()


class Copies:
    """Copies of one database, of which the server's role may only add to the record."""

    def __init__(self, prepared: Path, server: postgres.Server) -> None:
        self._server = server
        server.ask(f"CREATE ROLE {SERVER_ROLE} LOGIN")
        file, store = open_store(f"sqlite:///{prepared / DATABASE}"), open_store(server.make(TEMPLATE))
        copy_all(file, store)
        with store.writing() as connection:
            grant_to(connection, SERVER_ROLE)
        file.close()
        store.close()

    def copy(self, folder: Path) -> tuple[str, Store]:
        del folder
        url = self._server.copy(TEMPLATE)
        return self._server.url(str(make_url(url).database), SERVER_ROLE), open_store(url)

    def drop(self, store: Store) -> None:
        store.close()
        self._server.drop(str(make_url(store.url).database))


@contextmanager
def of_kind(name: str, prepared: Path) -> Iterator[Files | Copies]:
    if name == "sqlite":
        yield Files(prepared)
        return
    with postgres.running() as server:
        yield Copies(prepared, server)


@dataclass
class Place:
    """One store with its server; `people` are those who have signed in so far."""

    folder: Path
    url: str
    store: Store
    groups: Groups
    people: dict[str, Person] = field(default_factory=dict)
    kinds: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.ahead_s = (NOW - datetime.now(UTC)).total_seconds()
        self.start()

    def start(self) -> None:
        environment = {
            **os.environ,
            "CUSTODY_DATABASE_URL": self.url,
            "CUSTODY_KEY_DIR": str(self.folder / "keys"),
            "CUSTODY_WEAK_SECRETS": "1",
            "CUSTODY_INSECURE_COOKIES": "1",
            "CUSTODY_SESSION_IDLE_MIN": "600",
        }
        numbers = ("--port", "0", "--workers", str(WORKERS), "--threads", str(THREADS))
        with self._errors.open("a") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.races.serve", str(self.ahead_s), *numbers],
                cwd=REPOSITORY,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        assert self.process.stdout is not None
        told = next((line for line in self.process.stdout if "custody serves on" in line), "")
        assert told, self._errors.read_text()
        self.port = int(told.strip().rpartition(":")[2])
        self.people = {name: Person(self.port, person.cookie, person.token) for name, person in self.people.items()}

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(ENDS_WITHIN_S) == 0
        assert self.process.stdout is not None
        self.process.stdout.close()

    def start_anew(self) -> None:
        """End the server and start it again."""
        self.stop()
        self.start()

    def kill_one(self) -> None:
        """One of the serving processes ends as in a crash, and the one above them starts another: a quarter of a whole start."""
        parent = self.process.pid
        serving = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        assert len(serving) == WORKERS
        os.kill(int(serving[0]), signal.SIGKILL)

    def person(self, account: str) -> Person:
        if account not in self.people:
            self.people[account] = sign_in(self.port, account)
        return self.people[account]

    @property
    def now(self) -> datetime:
        """The server's."""
        return datetime.fromtimestamp(datetime.now(UTC).timestamp() + self.ahead_s, UTC)

    def entries_of(self, stream: str) -> list[Entry]:
        with self.store.reading() as connection:
            return list(entries.load_evidence(connection, stream))

    def acts_of(self, stream: str, kind: type[Act]) -> list[Act]:
        return [entry.act for entry in self.entries_of(stream) if isinstance(entry.act, kind)]

    def log_numbers(self, stream: str, act: str) -> list[int]:
        """Where the acts of this name stand in the log over all streams: the order in which they were committed."""
        with self.store.reading() as connection:
            found = connection.exec_driver_sql(f"SELECT id FROM entry WHERE stream = '{stream}' AND act = '{act}' ORDER BY id")
            return list(found.scalars())

    def check_whole(self) -> None:
        """The record proves itself, and no server met a fault of ours."""
        with self.store.reading() as connection:
            assert verify(connection, checkpoint=None).faults == ()
        assert "Traceback" not in self._errors.read_text()

    @property
    def _errors(self) -> Path:
        return self.folder / "errors"


@dataclass
class Fleet:
    """The place where the next races are run: each kind of race finds everything unused, and so takes a new copy where it was before."""

    databases: Files | Copies
    folder: Path
    groups: Groups
    place: Place | None = None
    made: int = 0

    def fresh(self, kind: str) -> Place:
        if self.place is None or kind in self.place.kinds:
            self.close()
            self.made += 1
            folder = self.folder / str(self.made)
            folder.mkdir()
            self.place = Place(folder, *self.databases.copy(folder), self.groups)
        self.place.kinds.add(kind)
        return self.place

    def close(self) -> None:
        if self.place is None:
            return
        try:
            self.place.check_whole()
        finally:
            self.place.stop()
            self.databases.drop(self.place.store)
            shutil.rmtree(self.place.folder)
            self.place = None
