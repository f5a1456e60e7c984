"""A desk: one copy of a played store, and people who record, countersign and read on it."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import make_url, select

from custody.domain.dossier import deeds_of
from custody.store import entries
from custody.store.connection import Store, open_store
from custody.store.facts import ORIGIN, mark_demonstration, set_fact
from custody.store.schema import upgrade
from custody.store.tables import entry as entry_table
from custody.workflows import recording
from custody.workflows.dossiers import dossier_of
from custody.workflows.drill.roads import OPENED, road
from custody.workflows.order import guarding_rule
from custody.workflows.outcome import proposal_digest
from custody.workflows.rehearsal.editing import until
from custody.workflows.rehearsal.player import Player, open_ledger
from custody.workflows.rehearsal.steps import STUDY, people
from custody.workflows.signer import Signer
from tests.databases import PostgresqlDatabases, bytes_of

PEOPLE, OPEN, MADE, ENROLLED, BEDSIDE, CLOSED = "people", "open", "made", "enrolled", "bedside", "closed"
STAGES = (
    (PEOPLE, len(until(road(), "study_proposed"))),
    (OPEN, len(until(road(), "donor_registered"))),
    (MADE, len(until(road(), "shipment_planned"))),
    (ENROLLED, len(until(road(), "weight_measured"))),
    (BEDSIDE, len(until(road(), "infusion_started"))),
    (CLOSED, len(road())),
)
"""How far the road is played: the accounts; the study in force; a released lot; a participant; two scans at the bed; the dose closed."""
A_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Played:
    """The valid road, played by `play_road`: a store as it stood at every stage."""

    folder: Path

    def copy_of(self, stage, path):
        shutil.copy(self.folder / f"{stage}.db", path)


@dataclass(frozen=True)
class PlayedOnPostgresql:
    """The same in a database for every stage; made when the first test asks for it."""

    databases: PostgresqlDatabases

    def copy_of(self, stage):
        return open_store(self.databases.server.copy(f"road_{stage}"))


def play_on_postgresql(databases):
    server = databases.server
    play(databases.store(), lambda store, stage: server.make(f"road_{stage}", make_url(store.url).database))
    return PlayedOnPostgresql(databases)


def play_road(folder):
    store = open_store(f"sqlite:///{folder / 'road.db'}")
    upgrade(store)
    play(store, lambda store, stage: shutil.copy(store.database.path, folder / f"{stage}.db"))


def play(store, keep):
    """The road on a store with nothing but tables; `keep(store, stage)` while nobody is connected to it."""
    with store.writing() as connection:
        mark_demonstration(connection)
        set_fact(connection, ORIGIN, "custody.example.org/tests")
    open_ledger(store, OPENED)
    reached = 0
    for stage, length in STAGES:
        player = Player(store)
        for step in road()[reached:length]:
            player.play(step)
        reached = length
        store.close()
        keep(store, stage)


@dataclass
class Desk:
    """`folder`: where its keys lie; beside the file of an SQLite store when nothing else is said."""

    store: Store
    folder: Path = None

    def __post_init__(self):
        self.folder = self.folder or self.path.parent

    @property
    def path(self):
        return self.store.database.path

    def on_the_disk(self) -> bytes:
        """Everything of the store that lies there."""
        return bytes_of(self.store)

    def signer(self, by, act, place=0, /, *, key=None, method="secret", study=STUDY, **changed):
        with self.store.reading() as connection:
            found = Player.signer(connection, by, act, place, self.last_at())
        known = {"account": found.account, "role": found.role, "site": found.site, "station": "desk"}
        return Signer(**{**known, "study": study, "method": method, "key": key, **changed})

    def record(self, act, by, at, /, *, happened_at=None, digest_shown=None, **signing):
        signer = self.signer(by, act, **signing)
        with self.store.writing() as connection:
            return recording.record(connection, act, signer, at, happened_at=happened_at, digest_shown=digest_shown)

    def countersign(self, act, by, at, /, *, answers=None, place=1, **signing):
        signer = self.signer(by, act, place, **signing)
        with self.store.writing() as connection:
            return recording.countersign(connection, act.subject, proposal_digest(act), signer, at, answers=answers)

    def withdraw(self, act, by, reason, at, /, **signing):
        signer = self.signer(by, act, **signing)
        with self.store.writing() as connection:
            return recording.withdraw(connection, act.subject, proposal_digest(act), signer, reason, at)

    def both(self, act, first, second, at, **more):
        """Two people, the second repeating what the first read where the act asks for it."""
        outcome = self.record(act, first, at, **more)
        assert outcome.kind == "waiting"
        answers = act if guarding_rule(act).second == "repeat" and guarding_rule(act) is act.rule else None
        return self.countersign(act, second, at + timedelta(seconds=1), answers=answers)

    def entries(self, node):
        """Everything about one thing, evidence too."""
        with self.store.reading() as connection:
            return entries.load_evidence(connection, node.key)

    def acts(self, node):
        return [each.act.rule.name for each in self.entries(node)]

    def deeds(self, node, kind):
        return [deed for deed in deeds_of(self.entries(node)) if isinstance(deed.act, kind)]

    def dossier(self, *nodes):
        with self.store.reading() as connection:
            return dossier_of(connection, (*nodes, STUDY))

    def envelope(self, digest):
        """What is stored of one entry, as it is hashed."""
        with self.store.reading() as connection:
            wanted = select(entry_table.c.envelope).where(entry_table.c.digest == bytes.fromhex(digest.value))
            return json.loads(connection.execute(wanted).scalar_one())

    def size(self):
        with self.store.reading() as connection:
            return entries.size(connection)

    def last_at(self):
        with self.store.reading() as connection:
            return entries.last_recorded_at(connection)

    def play(self, *steps):
        for step in steps:
            Player(self.store).play(step)


def account(name):
    return people()[name].account
