"""The other doors to a verdict or an entry: the bedside page's look, a request that comes again, a signature under what is done."""

from __future__ import annotations

import pytest

from custody.domain.acts.bedside import BedsideScanned
from custody.errors import NotPermittedError, RepeatedKeyError, StaleError
from custody.workflows import bedside as bedside_check
from custody.workflows.order import judged_act
from custody.workflows.recording import countersign, record, withdraw
from custody.workflows.rehearsal import bedside
from custody.workflows.rehearsal.player import Player
from tests.journeys.plain import plain


class Doors:
    def look(self, dose, account):
        """The verdict of the bedside page, from the latest scans of two people; it must be the model's verdict too."""
        before = self.size()
        cast = self.scene.cast_of(dose)
        asked = BedsideScanned(dose=dose, scans=bedside.scans(cast, cast.bags[0]))
        with self.store.writing() as connection:
            signer = Player.signer(connection, self.account(account), asked, 0, self.now)
            checked = bedside_check.check(connection, dose, signer, self.now)
        written = self._since(before)
        if checked is None:
            assert not written
            return None
        (given,) = [entry.act for entry in written if entry.act.rule.name == "verdict_given"]
        scanned = [self.model._scan_of(dose.key, person) for person in given.persons]
        first, second = (self._as_start(dose, scan) for scan in scanned)
        signers = [{**scan["_by"][0], "at": scan["_at"]} for scan in scanned]
        expected = frozenset(self.model.faults("G12", first, second, signers, self.now))
        kind = "recorded" if checked.verdict.is_go else "stopped"
        self._compare("G12", expected, checked.verdict, kind)
        self.judged["look", kind] += 1
        holds = {(e.act.node.key, e.act.cause) for e in written if e.act.rule.name == "hold_placed_by_custody"}
        assert holds == self.model.holds_after(expected)
        for entry in written:
            if entry.act.rule.name == "hold_placed_by_custody":
                self.model.accept("hold_placed", plain(entry.act), by=[], at=self.now)
        return kind

    def _as_start(self, dose, scan):
        asked = self.model.request(dose.key)
        start = {"dose": dose.key, "participant": asked["participant"], "cohort": asked["cohort"], "bag": scan["scans"]["bag"]}
        return {**start, "scans": scan["scans"], "started_at": self.now, "_act": "infusion_started"}

    def retry(self):
        """The last request again under its key: the first answer comes back, and nothing is written."""
        sign, key, first, _ = self.last_request
        before = self.size()
        with self.store.writing() as connection:
            again = sign(connection, key)
        assert again.again
        assert (again.kind, again.entry, again.proposal, again.verdict_entry) == (
            first.kind,
            first.entry,
            first.proposal,
            first.verdict_entry,
        )
        assert self.size() == before

    def other_body(self, act):
        """The last key with another request is refused, and nothing is written."""
        _, key, _, signer = self.last_request
        before = self.size()
        with pytest.raises(RepeatedKeyError, match=key), self.store.writing() as connection:
            record(connection, act, signer, self.now)
        assert self.size() == before

    def sign_twice(self, account):
        """A proposal that is done takes no further signature, from anyone."""
        job = self.completed[-1]
        before = self.size()
        with pytest.raises((StaleError, NotPermittedError)), self.store.writing() as connection:  # noqa: PT012 - either may refuse
            signer = Player.signer(connection, self.account(account), job["act"], 1, self.now)
            countersign(connection, job["act"].subject, job["proposal"], signer, self.now, answers=judged_act(job["act"]))
        assert self.size() == before

    def withdraw(self, job, account):
        """A waiting proposal is taken back, so that it can be made anew."""
        self.waiting.remove(job)
        with self.store.writing() as connection:
            signer = Player.signer(connection, self.account(account), job["act"], 0, self.now)
            withdraw(connection, job["act"].subject, job["proposal"], signer, "begins again", self.now)
