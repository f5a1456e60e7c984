"""The bedside scan on PostgreSQL: a private server of this run that waits for the disk at each commit."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

from bench import floor, scan
from custody.store.connection import open_store
from custody.store.copying import copy_all
from custody.store.roles import grant_to
from custody.workflows.rehearsal.road import Cast
from tests import postgres

TEMPLATE, ROLE = "bench", "custody"
# A private server of the tests does not wait for the disk; the last word counts.
SETTINGS = ("fsync=on", "synchronous_commit=on", "full_page_writes=on", "shared_buffers=256MB")


@dataclass(frozen=True)
class Beside:
    """One measurement, and the floor at the same number of connections: both on the server that was measured."""

    scans: scan.Measured
    commits_per_second: float


def lacking() -> str | None:
    """Why nothing can be measured here; None where it can."""
    return postgres.lacking()


def measured(file: Path, casts: tuple[Cast, ...], clients: tuple[int, ...], warm_up: int, rounds: int) -> Iterator[Beside]:
    """Each number of clients begins with a copy of the SQLite store in `file`, served to a role that can only add to it."""
    with postgres.running(*SETTINGS) as server:
        server.ask(f"CREATE ROLE {ROLE} LOGIN")
        with closing(open_store(f"sqlite:///{file}")) as source, closing(open_store(server.make(TEMPLATE))) as target:
            copy_all(source, target)
            with target.writing() as connection:
                grant_to(connection, ROLE)
        for number in clients:
            database = str(make_url(server.copy(TEMPLATE)).database)
            server.ask("VACUUM ANALYZE", database)
            url = server.url(database, ROLE)
            with tempfile.TemporaryDirectory(prefix="custody-bench-") as keys, scan.served(url, Path(keys)) as port:
                scan.measure(port, casts, 8, warm_up)
                found = scan.measure(port, casts, number, rounds)
            yield Beside(found, floor.postgresql_commits_per_second(server.url("postgres"), number))
            server.drop(database)
