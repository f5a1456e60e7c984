"""What the server spends on each page of each desk, in process: time, processor time, statements and rows of the database."""

from __future__ import annotations

import logging
import re
import sqlite3
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, event

from bench.facility import Facility
from custody.config import Config
from custody.domain.terms import Role
from custody.store import lookups
from custody.store.connection import Store
from custody.store.rereading import Rereading
from custody.store.watch import SHOWN_WITHIN_S
from custody.web.app import create_app
from custody.web.desks import DESKS, Desk
from custody.web.serving import collect_rarely
from custody.workflows.demonstration import SECRET
from custody.workflows.rehearsal.steps import STUDY, people

ROUNDS = 30
WARM_UP = 3
NEWEST = 20
"""Things a desk may open although it lists none: some of the newest are not yet where it works."""
MISTYPED = """INSERT INTO sign_in_guard (account, failures, last_failure_at, pin_barred) VALUES ('bench', 1, '', 0)
    ON CONFLICT (account) DO UPDATE SET failures = failures + 1"""
ROUNDS_BEFORE_A_PAUSE = 10
PAUSE_S = SHOWN_WITHIN_S + 10
"""Nobody asks for any page; after it no reading that a page made is young enough for the next."""
P50_MS, P99_MS = 50.0, 150.0
"""What is to be reached (issue 3)."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One page. `first_ms` is the first time this process shows it; `statements` and `rows` are of one later time.

    `cpu_…`: of the processor, by all threads of the process. On a machine where others work too, what waits for them is not in it.
    """

    desk: str
    page: str
    account: str
    code: int
    first_ms: float
    p50_ms: float
    p99_ms: float
    cpu_p50_ms: float
    cpu_p99_ms: float
    statements: int
    rows: int
    kilobytes: float

    @property
    def is_slow(self) -> bool:
        return self.p50_ms > P50_MS or self.p99_ms > P99_MS


class Counter:
    """Statements and rows on every connection of this process while it counts."""

    def __init__(self) -> None:
        self.statements = self.rows = 0
        self._connections: list[sqlite3.Connection] = []
        event.listen(Engine, "connect", self._note)

    def _note(self, connection: Any, _record: Any) -> None:
        self._connections.append(connection)

    @contextmanager
    def counting(self) -> Iterator[None]:
        """New connections that are opened meanwhile are left out: there is one for each thread, and it is there."""
        self.statements = self.rows = 0
        for connection in self._connections:
            connection.set_trace_callback(self._statement)
            connection.row_factory = self._row
        yield
        for connection in self._connections:
            connection.set_trace_callback(None)
            connection.row_factory = None

    def _statement(self, text: str) -> None:
        self.statements += not text.startswith(("BEGIN", "ROLLBACK", "COMMIT", "--"))

    def _row(self, _cursor: Any, row: tuple[Any, ...]) -> tuple[Any, ...]:
        self.rows += 1
        return row


@dataclass(frozen=True)
class _Client:
    client: FlaskClient
    account: str
    store: Store

    def get(self, path: str) -> tuple[int, str]:
        answer = self.client.get(path, headers={"Accept-Language": "en"})
        return answer.status_code, answer.get_data(as_text=True)

    def somebody_else_works(self) -> None:
        """Somebody mistypes a secret: the file changes as custody changes it, and the ledger does not grow."""
        with self.store.writing() as connection:
            connection.exec_driver_sql(MISTYPED)


def pages(place: Facility, only: tuple[str, ...] = (), rounds: int = ROUNDS) -> Iterator[Measured]:
    """Every desk of the table: its page and one sheet; then the work list, search and passports.

    All of them are asked for in turn, round after round, with the background work of a server in this process. Before each page something
    beside the ledger changes, as sessions do in a full house all the time. Readings age as they do in a server: before the first round,
    and after every tenth, nobody asks for anything in more than a minute, which is what a page may rest on (custody.store.watch).
    """
    logging.disable(logging.INFO)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    counter = Counter()
    place.store.close()  # connections that are opened again are counted
    config = Config(database_url=place.store.url, key_dir=place.folder / "keys", secure_cookies=False)
    app = create_app(place.store, config, lambda: place.now)
    app.testing = True
    collect_rarely()  # as a worker does
    background = Rereading(place.store)
    background.start()
    asked = [_Page(name, path, who) for name, path, who in _all(place, app, only)]
    for page in asked:
        page.begin()
    for number in range(rounds):
        if number % ROUNDS_BEFORE_A_PAUSE == 0:
            time.sleep(PAUSE_S)
        for page in asked:
            page.ask()
    background.stop()
    for page in asked:
        yield page.measured(counter)


def _all(place: Facility, app: Flask, only: tuple[str, ...]) -> Iterator[tuple[str, str, _Client]]:
    for desk in DESKS:
        if only and desk.name not in only:
            continue
        home = _home(desk)
        who, sheet = _somebody(place, app, desk, home)
        yield desk.name, home, who
        if sheet:
            yield desk.name, sheet, who
    for path, name, account in _others(place):
        if not only or name in only:
            yield name, path, _sign_in(app.test_client(), account, place)


def _somebody(place: Facility, app: Flask, desk: Desk, home: str) -> tuple[_Client, str]:
    """Somebody who works there, and a sheet they see; of those with the fewest roles the first, and no sheet, where nobody sees any."""
    fitting = sorted((person for person in people().values() if desk.roles & set(person.roles)), key=lambda person: len(person.roles))
    working = [_sign_in(app.test_client(), person.account.value, place) for person in fitting]
    seen = ((who, sheet) for who in working for sheet in _sheets(place, who, desk, home) if who.get(sheet)[0] == HTTPStatus.OK)
    return next(seen, (working[0], ""))


def _home(desk: Desk) -> str:
    return f"/desks/{desk.name.replace('_', '-')}" if desk.has_sheets else f"/{desk.endpoint.partition('.')[0]}"


def _sheets(place: Facility, who: _Client, desk: Desk, home: str) -> Iterator[str]:
    """The sheet of the first thing that the desk lists; where it lists nothing, of the newest things of its kinds."""
    found = re.search(rf'href="({re.escape(home)}/[^"?#]+/[^"?#]+|{re.escape(home)}/[^"?#/]+)["?#]', who.get(home)[1])
    if found:
        yield found[1]
        return
    with place.store.reading() as connection:
        newest = [item.stream for kind in desk.kinds for item in lookups.streams_of_kind(connection, kind, study=STUDY.value, limit=NEWEST)]
    for stream in newest:
        yield f"{home}/{stream.replace(':', '/') if desk.has_sheets else stream.partition(':')[2]}"


def _sign_in(client: FlaskClient, account: str, place: Facility) -> _Client:
    answer = client.post("/sign-in", data={"account": account, "secret": SECRET, "then": "/"})
    assert answer.status_code == 302, answer.get_data(as_text=True)[:2000]
    client.set_cookie("study", f"{account}:{STUDY}")
    return _Client(client, account, place.store)


def _others(place: Facility) -> Iterator[tuple[str, str, str]]:
    with place.store.reading() as connection:
        kinds = ("bag", "lot", "shipment")
        bag, lot, shipment = (lookups.streams_of_kind(connection, kind, study=STUDY.value, limit=1)[0].stream for kind in kinds)
    for role in (Role.OPERATOR, Role.QP, Role.COLD_CHAIN_OPERATOR, Role.PREPARER, Role.BEDSIDE_NURSE, Role.INSPECTOR, Role.CARRIER):
        yield "/", "work list", next(person.account.value for person in people().values() if role in person.roles)
    yield "/search?q=LOT-00", "search", "demo-qa-one"
    yield "/search?q=LOT-00", "search", "demo-receiver-one"
    for thing, account in ((bag, "demo-qa-one"), (lot, "demo-qa-one"), (shipment, "demo-receiver-one"), (bag, "demo-preparer-one")):
        yield f"/things/{thing.replace(':', '/')}", "passport", account


@dataclass
class _Page:
    """One page and what it took, each time it was asked for: milliseconds on the clock, and of the processor by the whole process."""

    name: str
    path: str
    who: _Client
    first_ms: float = 0.0
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def begin(self) -> None:
        self.first_ms, _ = self._timed()
        for _ in range(WARM_UP):
            self.who.get(self.path)

    def ask(self) -> None:
        wall, cpu = self._timed()
        self.wall.append(wall)
        self.cpu.append(cpu)

    def _timed(self) -> tuple[float, float]:
        self.who.somebody_else_works()
        began, spent = time.perf_counter(), time.process_time()
        self.who.get(self.path)
        return (time.perf_counter() - began) * 1000, (time.process_time() - spent) * 1000

    def measured(self, counter: Counter) -> Measured:
        self.who.somebody_else_works()
        with counter.counting():
            code, text = self.who.get(self.path)
        return Measured(
            desk=self.name,
            page=self.path,
            account=self.who.account,
            code=code,
            first_ms=self.first_ms,
            p50_ms=statistics.median(self.wall),
            p99_ms=_p99(self.wall),
            cpu_p50_ms=statistics.median(self.cpu),
            cpu_p99_ms=_p99(self.cpu),
            statements=counter.statements,
            rows=counter.rows,
            kilobytes=len(text.encode()) / 1024,
        )


def _p99(times: list[float]) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * 0.99))]
