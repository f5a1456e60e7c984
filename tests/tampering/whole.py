"""A small store with a row in every table: one dose from consent to its end, and what people do beside it."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from bench.facility import Writer
from custody.domain.acts.people import SignaturePolicyAccepted
from custody.domain.ids import AccountId
from custody.domain.terms import Role
from custody.store import attempts, sessions
from custody.store.connection import Store, open_store
from custody.store.facts import CREATED, ORIGIN, mark_demonstration, set_fact
from custody.store.identities import IdentityField, keep_identity, view_identity
from custody.store.keys import Keys, keys_in
from custody.store.schema import upgrade
from custody.workflows import people, resets
from custody.workflows.demonstration import SECRET
from custody.workflows.recording import record
from custody.workflows.rehearsal.player import Player, open_ledger
from custody.workflows.rehearsal.road import ADMIN, Cast
from custody.workflows.rehearsal.steps import STUDY
from custody.workflows.rehearsal.steps import people as cast_people
from custody.workflows.rehearsal.whole import consent_to_closed_dose
from custody.workflows.signer import Signer

DATABASE, KEYS = "whole.db", "keys"
START = datetime(2026, 6, 1, 6, 0, tzinfo=UTC)
AFTERWARDS = START + timedelta(days=2)
JUDGED_STEPS = 12
"""So many at the end are recorded by the workflows, with their verdicts; those before are written as the workflows would write them."""
FORGETFUL, LOCKED_OUT = AccountId("demo-operator-one"), AccountId("demo-nurse-one")


def make(folder: Path) -> None:
    os.environ["CUSTODY_WEAK_SECRETS"] = "1"
    store = open_store(f"sqlite:///{folder / DATABASE}")
    upgrade(store)
    with store.writing() as connection:
        mark_demonstration(connection)
        set_fact(connection, ORIGIN, "custody.example.org/whole")
        set_fact(connection, CREATED, START.isoformat())
    _walk(store)
    with store.writing() as connection:
        for account in sorted(cast_people())[:5]:
            people.choose_secret(connection, store, AccountId(account), SECRET, AFTERWARDS)
        _forget_a_secret(connection, store)
        _sit_down(connection)
        _name_people(connection, keys_in(folder / KEYS))
    store.close()


def _walk(store: Store) -> None:
    steps = consent_to_closed_dose(START, Cast())
    open_ledger(store, steps[0].at - timedelta(minutes=1))
    writer = Writer(store, AFTERWARDS)
    for step in steps[:-JUDGED_STEPS]:
        writer.write(step)
    writer.end()
    player = Player(store)
    for step in steps[-JUDGED_STEPS:]:
        player.play(step)


def administrator(key: str) -> Signer:
    admin = cast_people()[ADMIN]
    return Signer(account=admin.account, role=Role.ADMINISTRATOR, site=admin.site, study=STUDY, method="secret", key=key)


def _forget_a_secret(connection: Connection, store: Store) -> None:
    """A reset that waits for its witness."""
    admin = administrator("policy-0001")
    record(connection, SignaturePolicyAccepted(account=admin.account, policy_version="1"), admin, AFTERWARDS)
    resets.issue(connection, store, administrator("reset-0001"), FORGETFUL, "badge with photo", "forgot it", AFTERWARDS)


def _sit_down(connection: Connection) -> None:
    """Somebody signed in at a bench, and somebody who could not."""
    attempts.note_failure(connection, LOCKED_OUT, at=AFTERWARDS, locked_until=AFTERWARDS + timedelta(minutes=15))
    shift = {"now": AFTERWARDS, "lasts_at_most": timedelta(hours=12)}
    _, bench = sessions.open_bench(connection, FORGETFUL, station="bench 1", **shift)
    _, session = sessions.open_session(connection, FORGETFUL, station="bench 1", bench=bench, **shift)
    sessions.secret_given(connection, session, now=AFTERWARDS)


def _name_people(connection: Connection, keys: Keys) -> None:
    for number in (1, 2):
        cast = Cast(number=number)
        for person in (cast.donor, cast.participant):
            keep_identity(connection, person, IdentityField.NAME, f"Demo Person {number}", written_at=START, keys=keys)
            keep_identity(connection, person, IdentityField.BIRTH_DATE, f"199{number}-01-01", written_at=START, keys=keys)
            keep_identity(connection, person, IdentityField.NAME, f"Demo Person {number} Renamed", written_at=AFTERWARDS, keys=keys)
            view_identity(
                connection, person, IdentityField.NAME, account=FORGETFUL, reason="second identifier", viewed_at=AFTERWARDS, keys=keys
            )
