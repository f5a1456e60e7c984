"""Two servers with the prepared store of the races, and custody over both: its address names both, and it is never started again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from custody.store.connection import open_store
from custody.store.copying import copy_all
from custody.store.roles import grant_to
from custody.store.verification import verify
from custody.workflows.rehearsal.road import Cast
from tests.failover.load import CLIENTS
from tests.failover.pair import Pair, pair
from tests.once import made_once
from tests.races.conftest import SIZES
from tests.races.place import SERVER_ROLE, Place
from tests.races.prepared import DATABASE, Sizes, groups, make

NAME = "custody"
A_FEW = Sizes(starting=2, twice=2, held=4, recalled=4)
"""At reduced counts the races have no more either, and one prepared store is enough for both."""


@dataclass
class Site:
    """`casts`: a bed for each client, and one over for a test's own scan."""

    pair: Pair
    place: Place

    @property
    def casts(self) -> tuple[Cast, ...]:
        made = self.place.groups
        return (*made.held, *made.recalled, *made.starting)[:CLIENTS]

    @property
    def one_over(self) -> Cast:
        return self.place.groups.handed

    def make_whole(self) -> None:
        """Both servers are there, and each commit waits for the second."""
        self.pair.want_a_second()
        self.pair.until_followed(NAME)

    def recorded(self) -> dict[str, int]:
        """How many scans the first server holds under each key. It is asked by itself, as its owner."""
        keys = "SELECT envelope::json ->> 'idempotency_key', count(*) FROM entry WHERE act = 'bedside_scanned' GROUP BY 1"
        with closing(open_store(self.pair.first.url(NAME))) as store, store.reading() as connection:
            return {key: number for key, number in connection.exec_driver_sql(keys) if key}

    def proved(self) -> int:
        """How many entries the record of the first server has; each proves itself."""
        with closing(open_store(self.pair.first.url(NAME))) as store, store.reading() as connection:
            report = verify(connection, checkpoint=None)
        assert report.faults == ()
        return report.entries


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    made = groups(A_FEW)
    prepared = made_once(tmp_path_factory, "races" if SIZES == A_FEW else "failover", lambda folder: make(folder, made).close())
    folder = tmp_path_factory.mktemp("failover")
    with pair() as both:
        _fill(both, prepared)
        store = open_store(both.first.url(NAME))
        place = Place(folder, both.url(NAME, SERVER_ROLE), store, made)
        try:
            yield Site(both, place)
        finally:
            place.stop()
            store.close()
        assert "Traceback" not in (folder / "errors").read_text()


def _fill(both: Pair, prepared: Path) -> None:
    both.first.ask(f"CREATE ROLE {SERVER_ROLE} LOGIN")
    both.first.ask(f"GRANT pg_read_all_stats TO {SERVER_ROLE}")
    with closing(open_store(f"sqlite:///{prepared / DATABASE}")) as file, closing(open_store(both.first.make(NAME))) as store:
        copy_all(file, store)
        with store.writing() as connection:
            grant_to(connection, SERVER_ROLE)


@contextmanager
def row_held(both: Pair, stream: str) -> Iterator[None]:
    """Whoever writes to this stream passes all checks, and then waits before the commit until the block ends."""
    import psycopg

    with psycopg.connect(both.first.url(NAME)) as connection:
        connection.execute("SELECT FROM stream_head WHERE stream = %s FOR UPDATE", (stream,))
        try:
            yield
        finally:
            # A commit would wait for the second server.
            connection.rollback()
