"""Every GO of a ledger judged again by the independent model of the stateful tests, from nothing but the entries.

The model knows the rules page and shares no code with custody (tests/journeys/model*.py); here the entries are told to it one by one.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

from custody.domain.acts import ACTS
from custody.domain.acts.codec import act_from
from custody.domain.acts.record import Countersigned, Proposed, VerdictGiven
from custody.domain.acts.shipping import LoggerFileRead
from custody.domain.ids import Digest
from custody.domain.terms import HoldPoint, VerdictWord
from custody.store.entries import entry_by_digest
from custody.store.period import digests_between
from custody.store.series import load_series
from tests.journeys.model import Model
from tests.journeys.plain import plain

POINTS = {
    HoldPoint.ALLOCATION: "G7",
    HoldPoint.RECEIPT: "G9",
    HoldPoint.PREPARE: "G10",
    HoldPoint.DOSE_RELEASE: "G11",
    HoldPoint.BEDSIDE: "G12",
    HoldPoint.NEXT_BAG: "G12N",
    HoldPoint.HANDOFF: "H",
}
"""Where the model has rules of its own."""
STARTS = ("infusion_started", "next_bag_started")
EVER = (datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))


@dataclass
class Rejudged:
    """`judged` counts by hold point; `unsafe` says of every GO that the model would have stopped: which, when and why."""

    judged: Counter = field(default_factory=Counter)
    infusions: int = 0
    stopped: int = 0
    unsafe: list = field(default_factory=list)


class Replay:
    """Entries in the order of the log, as acts that took effect."""

    def __init__(self, connection):
        self.connection = connection
        self.model, self.found = Model(), Rejudged()
        self.waiting = {}
        self.given, self.participants = set(), set()

    def run(self):
        rows = digests_between(self.connection, *EVER, account=None, before=None, limit=2**31 - 1)
        for _, digest in reversed(rows):
            self._entry(entry_by_digest(self.connection, Digest(digest)))
        return self.found

    def _entry(self, entry):
        act = entry.act
        if isinstance(act, VerdictGiven):
            self._shown(act, entry)
        elif isinstance(act, Proposed):
            self.waiting[entry.stream, act.proposal] = (entry, [signer(entry)])
        elif isinstance(act, Countersigned):
            self._joined(entry)
        elif act.rule.name == "hold_placed_by_custody":
            self.model.accept("hold_placed", plain(act), by=[], at=entry.recorded_at)
        elif not act.rule.companion and not act.rule.name.startswith("proposal_"):
            self._done(act, [signer(entry)], entry, began=entry.recorded_at)

    def _shown(self, verdict, entry):
        """A verdict; a GO at the bed counts although nobody has signed yet: the two act on what they see."""
        if verdict.word is not VerdictWord.GO:
            self.found.stopped += 1
        elif verdict.hold_point is HoldPoint.BEDSIDE and verdict.act == "infusion_started":
            dose = verdict.node.key
            scanned = [self.model._scan_of(dose, person) for person in verdict.persons]
            asked = self.model.request(dose)
            first, second = (
                {
                    "_act": verdict.act,
                    "dose": dose,
                    "participant": asked["participant"],
                    "cohort": asked["cohort"],
                    "bag": each["scans"]["bag"],
                    "scans": each["scans"],
                    "started_at": verdict.judged_at,
                }
                for each in scanned
            )
            signers = [each["_by"][0] for each in scanned]
            faults = self.model.faults("G12", first, second, signers, entry.recorded_at)
            self.found.judged["G12 shown"] += 1
            if faults:
                self.found.unsafe.append(("G12 shown", verdict.act, dose, entry.recorded_at, sorted({code for code, _ in faults})))

    def _joined(self, entry):
        proposed, signers = self.waiting[entry.stream, entry.act.proposal]
        signers.append(signer(entry))
        kept = proposed.act
        act = act_from(kept.act, kept.act_version, json.loads(kept.body))
        if len(signers) == len(ACTS[kept.act].slots):
            answers = entry.act.answers
            again = act_from(kept.act, kept.act_version, json.loads(answers)) if answers else None
            self._done(act, signers, entry, began=proposed.recorded_at, again=again, first=proposed)

    def _done(self, act, signers, entry, *, began, again=None, first=None):
        point, now = POINTS.get(act.rule.hold_point), entry.recorded_at
        if point is not None:
            self._judge(point, act, signers, now, again)
        readings = None
        if isinstance(act, LoggerFileRead):
            readings = [(r.at, r.celsius) for r in load_series(self.connection, [act.series])[act.series].readings]
        of = (first or entry).digest.value
        self.model.accept(act.rule.name, plain(act), by=signers, at=now, began=began, entry=of, readings=readings)

    def _judge(self, point, act, signers, now, again):
        proposed = {**plain(act), "_act": act.rule.name}
        repeated = None if again is None else {**plain(again), "_act": again.rule.name}
        if act.rule.name == "dose_allocated":
            # Of a first allocation the model has the rules about the bags alone: what a dose needs follows from the allocation.
            wrong = {code for bag in proposed["bags"] for code in self.model._standing(point, proposed, None, bag, now)}
        else:
            wrong = {code for code, _ in self.model.faults(point, proposed, repeated, signers, now)}
        if point == "H":
            wrong = self._from_an_organisation(proposed, signers, wrong)
        wrong = sorted(wrong)
        self.found.judged[point] += 1
        if act.rule.name in STARTS:
            self.found.infusions += 1
            wrong += self._twice(act, signers)
        if wrong:
            self.found.unsafe.append((point, act.rule.name, act.subject.key, now, wrong))

    def _from_an_organisation(self, act, signers, wrong):
        """The model knows hand-overs to a named person; one to a courier firm any of its couriers takes over, but never the giver."""
        offer = self.model.handovers(act["node"])[-1][0]
        if offer["to_person"] is not None:
            return wrong
        receiver = signers[0]
        is_right = receiver["role"] == "carrier" and receiver["person"] != offer["_by"][0]["person"]
        return wrong - {"HOF-RECEIVER"} if is_right else wrong

    def _twice(self, act, signers):
        """What no rule need be known for: one bag once, one participant once, two people."""
        wrong = ["one bag given twice"] if act.bag in self.given else []
        if getattr(act, "participant", None) in self.participants:
            wrong.append("one participant infused twice")
        if len({each["person"] for each in signers}) < 2:
            wrong.append("started by one person")
        self.given.add(act.bag)
        self.participants |= {act.participant} if hasattr(act, "participant") else set()
        return wrong


def signer(entry):
    by = entry.by
    return {"person": by.person.value, "account": by.account.key, "role": by.role.value, "site": by.site.key, "at": entry.recorded_at}


def rejudged(store):
    with store.reading() as connection:
        return Replay(connection).run()
