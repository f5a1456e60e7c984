"""The door: people who choose secrets, sign in, sign and are refused, over one copy of a played store."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest

from custody.config import Config
from custody.domain.acts.people import SecretKind
from custody.domain.ids import AccountId
from custody.store import credentials
from custody.workflows import badges, resets, shifts
from custody.workflows import people as workflow
from custody.workflows.rehearsal.road import ADMIN
from custody.workflows.secret_checks import compare_ahead
from tests.workflows.desk import PEOPLE

NURSE = "demo-nurse-one"
SECRET = "a secret of her own"
WRONG = "not the secret"
PIN = "270416"


@pytest.fixture(autouse=True)
def weak_secrets(monkeypatch):
    monkeypatch.setitem(os.environ, credentials.WEAK_SECRETS, "1")


class Door:
    def __init__(self, desk):
        self.desk = desk
        self.store = desk.store
        self.config = Config(database_url=desk.store.url, key_dir=desk.folder)
        self.now = desk.last_at() + timedelta(hours=1)

    def give(self, name=NURSE, secret="one time only", by=ADMIN):
        with self.store.writing() as connection:
            workflow.give_first_secret(connection, self.store, AccountId(name), secret, AccountId(by), self.now)

    def choose(self, secret=SECRET, name=NURSE):
        with self.store.writing() as connection:
            workflow.choose_secret(connection, self.store, AccountId(name), secret, self.now)

    def sign_in(self, secret=SECRET, name=NURSE, after=timedelta()):
        with self.store.writing() as connection:
            return workflow.sign_in(connection, self.store, self.config, name, secret, "ward 3", self.now + after)

    def present(self, token, after=timedelta()):
        with self.store.reading() as connection:
            return workflow.present(connection, self.config, token, self.now + after)

    def check(self, present, secret, after=timedelta()):
        with self.store.writing() as connection:
            return workflow.check_secret(connection, self.store, self.config, present, secret, self.now + after)

    def sign(self, present, given, after=timedelta()):
        """With what a signature is signed, compared ahead of the lock as the pages do."""
        now = self.now + after
        already = compare_ahead(self.store, present.account, given, now, shifts.kind_of(given))
        with self.store.writing() as connection:
            return shifts.check_signature(connection, self.store, self.config, present, given, now, already=already)

    def choose_pin(self, present, pin=PIN, after=timedelta()):
        with self.store.writing() as connection:
            badges.choose_pin(connection, self.store, present, pin, self.now + after)

    def open_bench(self, present, station="bench 1", after=timedelta()):
        with self.store.writing() as connection:
            return badges.open_bench(connection, self.config, present, station, self.now + after)[1]

    def change(self, bench, badge, pin=PIN, after=timedelta(), before=None):
        """Badge and PIN at a bench; `badge` is what stands on it behind its kind."""
        now, read = self.now + after, badges.read_badge(badge)
        already = compare_ahead(self.store, read.account, pin, now, SecretKind.PIN)
        with self.store.writing() as connection:
            return badges.change_person(connection, self.store, self.config, bench, read, pin, now, before=before, already=already)

    def issue(self, name=NURSE, by=ADMIN, identity="staff card seen", reason="forgotten", after=timedelta()):
        """The administrator's part of a reset."""
        from custody.domain.acts.people import SecretResetIssued, SignaturePolicyAccepted

        if not self.desk.deeds(AccountId(by), SignaturePolicyAccepted):
            self.desk.record(SignaturePolicyAccepted(account=AccountId(by), policy_version="1"), by, self.now)
        now, rule = self.now + after, SecretResetIssued
        sample = rule(account=AccountId(name), identity_verified_by="x", reason="x", ticket=None, valid_until=now)
        signer = self.desk.signer(by, sample)
        with self.store.writing() as connection:
            return resets.issue(connection, self.store, signer, AccountId(name), identity, reason, now)

    def witness(self, name=NURSE, by="demo-qa-one", after=timedelta(seconds=1)):
        """The last reset that waits, signed by a second person."""
        from custody.domain.dossier import pending_proposals
        from custody.workflows.order import proposed_act

        entry, _ = pending_proposals(self.desk.entries(AccountId(name)))[-1]
        return self.desk.countersign(proposed_act(entry), by, self.now + after)

    def use(self, code, secret="chosen with the code", name=NURSE, after=timedelta(minutes=1), device=""):
        with self.store.writing() as connection:
            return resets.use(connection, self.store, self.config, name, code, secret, self.now + after, device=device)

    def kept(self, kind, name=NURSE):
        return [each for each in self.desk.entries(AccountId(name)) if isinstance(each.act, kind)]


@pytest.fixture
def door(desk_at):
    made = Door(desk_at(PEOPLE))
    made.choose()
    return made
