"""A second PostgreSQL that takes every commit: nothing is recorded without it, and nothing acknowledged is lost with the first."""

from __future__ import annotations

import time

import pytest

from custody.errors import NotKeptError
from custody.store.conditions import conditions
from custody.store.connection import open_store
from custody.workflows.door import kept_or_refused
from tests import postgres
from tests.databases import made_with_tables
from tests.store.ledger import STREAM, Ledger, registered

pytestmark = pytest.mark.postgresql
SECOND = "second"
WITHIN_S = 20.0


@pytest.fixture
def pair():
    with postgres.running() as first:
        made_with_tables(first.make("custody"))
        with first.followed(SECOND) as second:
            second.start()
            first.ask(f"ALTER SYSTEM SET synchronous_standby_names = '{SECOND}'")
            first.ask("SELECT pg_reload_conf()")
            yield first, second


def standby_of(store):
    return next(each for each in conditions(store, wants_standby=True) if each.name == "standby")


def until(store, state):
    ends = time.monotonic() + WITHIN_S
    while standby_of(store).state != state:
        assert time.monotonic() < ends, standby_of(store)
        time.sleep(0.05)


def record(ledger):
    with kept_or_refused():
        ledger.record(registered())


def test_nothing_is_recorded_without_the_second_and_nothing_is_lost_with_the_first(pair):
    first, second = pair
    ledger = Ledger(open_store(first.url("custody")))
    until(ledger.store, "good")
    for _ in range(20):
        record(ledger)
    second.stop()
    until(ledger.store, "bad")
    with pytest.raises(NotKeptError, match="second database server does not follow"):
        record(ledger)
    second.start()
    until(ledger.store, "good")
    record(ledger)
    first.stop()
    with pytest.raises(NotKeptError, match="cannot be reached"):
        record(ledger)
    ledger.store.close()
    second.promote()
    # Nobody follows the one that is left.
    second.ask("ALTER SYSTEM RESET synchronous_standby_names")
    second.ask("SELECT pg_reload_conf()")
    after = Ledger(open_store(second.url("custody")))
    assert len(after.load()[STREAM]) == 21
    record(after)
    assert after.verify().ok
    after.store.close()


def test_second_server_shows_and_takes_nothing(pair):
    """Monitors and inspectors may read there."""
    first, second = pair
    ledger = Ledger(open_store(first.url("custody")))
    until(ledger.store, "good")
    record(ledger)
    replica = Ledger(open_store(second.url("custody")))
    ends = time.monotonic() + WITHIN_S
    while not replica.load()[STREAM] and time.monotonic() < ends:
        time.sleep(0.05)
    assert len(replica.load()[STREAM]) == 1
    assert replica.verify().ok
    with pytest.raises(NotKeptError, match="may only be read"):
        record(replica)
    replica.store.close()
    ledger.store.close()
