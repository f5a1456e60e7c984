"""A PostgreSQL that is stopped in its tracks: everybody is told at once, and nobody who only waits long is cut off."""

from __future__ import annotations

import signal
import socket
import threading
import time
from contextlib import closing

import pytest
from sqlalchemy import text

from custody.errors import CustodyError
from custody.store import answering
from custody.store.connection import open_store
from custody.store.schema import upgrade
from custody.store.verification import verify
from custody.workflows.door import NotKeptError, kept_or_refused, unit_of_work
from tests import postgres
from tests.failover.pair import kill

pytestmark = pytest.mark.postgresql
ASKS_AFTER_S = 0.3
MANY = 6
TOGETHER_S = 12.0
"""Three tenths of a second, three seconds for an answer, and what a busy machine takes; one after another they would need eighteen."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(answering, "ASKS_AFTER_S", ASKS_AFTER_S)


@pytest.fixture
def server():
    with postgres.running("max_connections=20") as running:
        try:
            yield running
        finally:
            kill(running, signal.SIGCONT)


@pytest.fixture
def store(server):
    with closing(open_store(server.make("hangs"))) as opened:
        upgrade(opened)
        yield opened


def told(work):
    """What whoever asks is told, and after how many seconds."""
    began = time.monotonic()
    with pytest.raises(CustodyError) as refused, kept_or_refused():
        work()
    return refused.value.code, time.monotonic() - began


def ask(store, statement="SELECT 1"):
    with store.reading() as connection:
        return connection.execute(text(statement)).scalar()


def write(store):
    with unit_of_work(store) as connection:
        connection.execute(text("SELECT 1"))


def at_once(work):
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(work())) for _ in range(MANY)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == MANY
    return answers


@pytest.mark.parametrize("work", [ask, write])
def test_everybody_in_line_is_told_together(server, store, work):
    at_once(lambda: ask(store, "SELECT pg_sleep(0.2)"))  # each has a connection that was used before
    kill(server, signal.SIGSTOP)
    for _ in range(2):
        answers = at_once(lambda: told(lambda: work(store)))
        assert {code for code, _ in answers} == {"store_unreachable"}
        assert max(seconds for _, seconds in answers) < TOGETHER_S
    kill(server, signal.SIGCONT)
    time.sleep(answering.SPREADS_FOR_S)
    work(store)


def test_hang_in_a_commit_is_told_to_all(server, store):
    ask(store)

    def commit():
        with unit_of_work(store) as connection:
            connection.execute(text("CREATE TEMPORARY TABLE something (text text)"))
            kill(server, signal.SIGSTOP)

    code, _ = told(commit)
    assert code == "store_unreachable"
    code, seconds = told(lambda: ask(store))
    assert (code, seconds < answering.ANSWERS_WITHIN_S) == ("store_unreachable", True)


def test_line_before_the_socket_that_is_full_is_no_answer(server, store):
    ask(store)
    kill(server, signal.SIGSTOP)
    waiting = []
    try:
        while True:
            waiting.append(socket.socket(socket.AF_UNIX))
            waiting[-1].setblocking(False)
            waiting[-1].connect(f"{server.folder}/.s.PGSQL.5432")
    except BlockingIOError:
        code, seconds = told(lambda: ask(store))
    finally:
        for each in waiting:
            each.close()
    assert (code, seconds < TOGETHER_S) == ("store_unreachable", True)


@pytest.mark.parametrize("full", [False, True])
def test_statement_that_only_takes_long_is_waited_for(server, store, full):
    """Also where nobody else may connect: a refusal is an answer."""
    if full:
        with closing(open_store(server.url("hangs"))) as other:
            rest = [other._in_process().engine.connect() for _ in range(17)]
            assert ask(store, "SELECT 'there' FROM pg_sleep(2)") == "there"
            for each in rest:
                each.close()
    else:
        assert ask(store, "SELECT 'there' FROM pg_sleep(2)") == "there"


def test_hang_while_the_record_is_proved_says_nothing_of_the_record(server, store, monkeypatch):
    from custody.store import verification

    whole = verification._check_counts

    def hangs(connection):
        kill(server, signal.SIGSTOP)
        whole(connection)

    monkeypatch.setattr(verification, "_check_counts", hangs)

    def prove():
        with store.reading() as connection:
            verify(connection, checkpoint=None)

    code, _ = told(prove)
    assert code == "store_unreachable"
    with pytest.raises(NotKeptError), kept_or_refused():
        ask(store)
