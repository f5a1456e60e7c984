"""The world of the stateful test: a real store, an injected clock, people who act, and the independent model beside it all.

Every act goes through the real workflows; what the store then holds is compared with what the model says it must hold.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path

import pytest
from sqlalchemy import text

from custody.domain.acts import ACTS
from custody.domain.acts.bedside import BedsideScanned
from custody.domain.acts.people import AccountCreated, AccountDisabled, RoleGranted, SignaturePolicyAccepted
from custody.domain.acts.record import Corrected
from custody.domain.ids import AccountId, Digest, Identifier, Node
from custody.errors import CustodyError, NotPermittedError, RepeatedKeyError, StaleError
from custody.store.connection import open_store
from custody.store.entries import entry_by_digest
from custody.store.loading import forget_decoded
from custody.store.schema import upgrade
from custody.store.verification import verify
from custody.workflows import bedside as bedside_check
from custody.workflows.order import guarding_rule, judged_act
from custody.workflows.receiving import keep_temperature_file
from custody.workflows.recording import countersign, record
from custody.workflows.rehearsal import bedside, downstream, upstream
from custody.workflows.rehearsal.editing import changed
from custody.workflows.rehearsal.player import Player, open_ledger
from custody.workflows.rehearsal.road import ADMIN, Cast
from custody.workflows.rehearsal.steps import Script, people
from custody.workflows.rehearsal.whole import prepare, study_of
from tests.journeys.model import Model

T0 = datetime(2026, 6, 15, 2, 30, tzinfo=UTC)
BEGINS = T0 - timedelta(hours=1)
FIRST = Cast(number=1, bag_count=4)
AGAIN = Cast(number=2, upstream=1, patient=1, bag_count=3)
"""A second dose for the first participant, from another lot of the same bank, reserved before the first dose was started."""
NEIGHBOUR = Cast(number=3, batch=1, upstream=1, patient=2, first_bag=2, bag_count=4, weight_kg=FIRST.weight_kg * 6 / 10)
CASTS = {str(cast.dose.key): cast for cast in (FIRST, AGAIN, NEIGHBOUR)}
GOOD_LATE_RESULTS = ("no growth", "92.5", "100")
BAGS = (*FIRST.bags, *AGAIN.bags)


def plain(value):
    """Anything in an act as plain Python: a thing with a stream as its key, other identifiers and words as text."""
    if isinstance(value, Node):
        return value.key
    if isinstance(value, Identifier):
        return value.value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if dataclasses.is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    return value


def base_steps():
    """Everything until an hour before the first infusion: three doses reserved and prescribed, every bag in the hospital."""
    criteria, content = study_of(FIRST.form)
    script = Script(T0)
    prepare(script, content, criteria)
    upstream.give(script, FIRST, criteria)
    upstream.bring_tissue(script, FIRST)
    upstream.make_banks(script, FIRST, criteria)
    for cast in (FIRST, AGAIN):
        downstream.make_lot(script, cast, criteria)
        downstream.release_lot(script, cast)
    downstream.store_until_packing(script)
    for cast in (FIRST, AGAIN):
        downstream.pack(script, cast, cast.bags)
        downstream.seal(script, cast, cast.bags)
        downstream.travel(script, cast)
        downstream.accept(script, cast, cast.bags)
    bedside.open_cohort(script, FIRST, criteria)
    for cast in (FIRST, NEIGHBOUR):
        bedside.enrol(script, cast, criteria)
    for cast in CASTS.values():
        bedside.allocate(script, cast)
    steps = changed(script.in_order(), "shipment_arrived", where=lambda act: act.shipment == FIRST.shipment, bags_counted=4)
    return [step for step in steps if step.at < BEGINS]


def make_base(folder: Path):
    """The store as a file to copy, the model of it, the time, and what may be corrected."""
    path = folder / "base.db"
    store = open_store(f"sqlite:///{path}")
    upgrade(store)
    steps = base_steps()
    open_ledger(store, steps[0].at - timedelta(minutes=1))
    player, model = Player(store), Model()
    for step in steps:
        player.play(step)
        if step.act is not None:
            by = [signer_of(account, step.act, place, step.at) for place, account in enumerate(step.by)]
            at = step.at + timedelta(milliseconds=1) if len(step.by) > 1 else step.at
            readings = None if step.series is None else [(r.at, r.celsius) for r in step.series.readings]
            model.accept(step.name, plain(step.act), by=by, at=at, began=step.at, readings=readings)
    store.close()
    return path, model, BEGINS, ()


def signer_of(account, act, place, at):
    """The person behind an account as the model keeps them."""
    rule = guarding_rule(act)
    roles = rule.slots[place].roles if rule.slots else rule.by
    person = people()[account]
    role = next((r.value for r in person.roles if r in roles), "")
    return {"person": person.person.value, "account": f"account:{account}", "role": role, "site": person.site.key, "at": at}


@dataclass(frozen=True)
class Answer:
    """What became of one act: `recorded`, `waiting`, `stopped` or `refused`; `faults` is what the model expected of a verdict."""

    kind: str
    faults: frozenset = frozenset()
    error: CustodyError | None = None
    entry: str | None = None
    proposal: Digest | None = None


class World:
    """`do` signs an act with everybody named, one transaction a signature."""

    def __init__(self, store, model, now):
        self.store, self.model, self.now = store, model, now
        self.keys, self.began = 0, now
        self.last_request = None
        self.completed = []
        self.waiting = []
        self.starts = []
        self.deeds = []
        self.renewed = {}
        self.judged = Counter()

    @classmethod
    def from_base(cls, base, folder: Path):
        path, model, now, deeds = base
        copied = folder / "custody.db"
        shutil.copy(path, copied)
        forget_decoded()
        world = cls(open_store(f"sqlite:///{copied}"), model.copy(), now)
        world.deeds += deeds
        return world

    def close(self):
        self.store.close()

    def tick(self, **span):
        self.now += timedelta(**span)

    def account(self, name):
        """The account in which this person works now."""
        return self.renewed.get(name, name)

    def renew(self, name):
        """The person's account is closed and they get another one; what they signed with the first stays theirs."""
        person, renewed = people()[name], AccountId(f"{name}-{len(self.renewed) + 2}-{self.keys}")
        old = AccountId(self.account(name))
        created = AccountCreated(
            account=renewed, person=person.person, printed_name=person.printed_name, identity_verified_by="nobody real"
        )
        assert self.do(AccountDisabled(account=old, reason="account renewed"), ADMIN).kind == "recorded"
        assert self.do(created, ADMIN).kind == "recorded"
        for role in person.roles:
            granted = RoleGranted(account=renewed, role=role, site=person.site, study=None, valid_from=(T0 - timedelta(days=9)).date())
            assert self.do(granted, ADMIN).kind == "recorded"
        self.renewed[name] = renewed.value
        assert self.do(SignaturePolicyAccepted(account=renewed, policy_version="1"), name).kind == "recorded"

    # -- acting ---------------------------------------------------------------------------------------------------------------------

    def do(self, act, *by, again=None, readings=None, file=None):
        """Sign `act` with the accounts in order; `again` is what the later ones scan and read, where it differs."""
        answer = self._propose(act, by, readings, file)
        for place, account in enumerate(by[1:], start=1):
            if answer.kind != "waiting":
                return answer
            job = {"act": act, "signers": [signer_of(a, act, n, self.now) for n, a in enumerate(by[:place])], "entry": answer.entry}
            answer = self.join({**job, "proposal": answer.proposal, "began": self.now}, account, again)
        if answer.kind == "waiting":
            signers = [signer_of(a, act, n, self.now) for n, a in enumerate(by)]
            self.waiting.append({"act": act, "signers": signers, "entry": answer.entry, "proposal": answer.proposal, "began": self.now})
        return answer

    def join(self, job, account, again=None):
        """The next signature under a proposal: `job` says what was proposed, when, by whom and under which digest."""
        act, place = job["act"], len(job["signers"])
        signers = [*job["signers"], signer_of(account, act, place, self.now)]
        repeats = (again or judged_act(act)) if guarding_rule(act).second == "repeat" else None

        def sign(connection, key):
            self.signer = replace(Player.signer(connection, self.account(account), act, place, self.now), key=key)
            signer = self.signer
            return countersign(connection, act.subject, job["proposal"], signer, self.now, answers=repeats)

        answer = self._transaction(act, signers, repeats, sign)
        if answer.kind == "recorded":
            self._accepted(act, signers, began=job["began"], entry=job["entry"])
            self.completed.append({**job, "signers": signers})
        elif answer.kind == "stopped":
            self.waiting.append(job)
        return answer

    def _propose(self, act, by, readings, file):
        signers = [signer_of(by[0], act, 0, self.now)]

        def sign(connection, key):
            self.signer = replace(Player.signer(connection, self.account(by[0]), act, 0, self.now), key=key)
            signer = self.signer
            if file is not None:
                return keep_temperature_file(connection, file, "ward.txt", signer, self.now).outcome
            return record(connection, act, signer, self.now)

        answer = self._transaction(act, signers, None, sign)
        if answer.kind == "recorded":
            self._accepted(act, signers, began=self.now, entry=answer.entry, readings=readings)
        return answer

    def _accepted(self, act, signers, **more):
        if isinstance(act, Corrected):
            self.model.correct(act.entry.value, plain(judged_act(act)), by=signers)
            return
        self.model.accept(act.rule.name, plain(act), by=signers, at=self.now, **more)
        self.deeds.append((act, more.get("entry"), tuple(s["account"].removeprefix("account:") for s in signers)))
        if act.rule.name in ("infusion_started", "next_bag_started"):
            self._check_start(act, signers)

    def _check_start(self, act, signers):
        assert len({s["person"] for s in signers}) == 2, "one person started an infusion"
        self.starts.append(plain(act))
        given = [s["participant"] for s in self.starts if s.get("participant")]
        assert len(given) == len(set(given)), "a participant was infused twice"

    # -- one transaction ------------------------------------------------------------------------------------------------------------

    def _transaction(self, act, signers, again, sign):
        """Run one signature and hold what it wrote against what it may write; compare the verdict with the model's."""
        rule = guarding_rule(act)
        last = len(signers) >= max(1, len(rule.slots))
        point = rule.hold_point.value if rule.hold_point is not None and last else None
        expected = self._expected(point, judged_act(act), again, signers) if point else frozenset()
        late = self._late_failure(judged_act(act)) if last else set()
        self.keys += 1
        key, before = f"key-{self.began:%H%M}-{self.keys}", self.size()
        try:
            with self.store.writing() as connection:
                outcome = sign(connection, key)
        except CustodyError as error:
            return self._refused(rule, point, expected, error, before)
        written = self._since(before)
        self.last_request = (sign, key, outcome, self.signer)
        if point:
            self._compare(point, expected, outcome.verdict, outcome.kind)
        self._check_written(act, outcome, written, expected if outcome.kind == "stopped" else late)
        return Answer(outcome.kind, expected, None, outcome.entry.value if outcome.entry else None, outcome.proposal)

    def _refused(self, rule, point, expected, error, before):
        """Nothing was written; and where the model says every rule holds, only the signature itself may be the trouble."""
        assert self.size() == before, f"{rule.name} was refused and still wrote something"
        its_own_trouble = not point or isinstance(error, StaleError | NotPermittedError)
        assert expected or its_own_trouble, f"{rule.name} was refused although every rule holds: {error}"
        return Answer("refused", faults=expected, error=error)

    def _expected(self, point, act, again, signers):
        proposed = {**plain(act), "_act": act.rule.name}
        repeated = None if again is None else plain(again)
        return frozenset(self.model.faults(point, proposed, repeated, signers, self.now))

    def _compare(self, point, expected, verdict, kind):
        seen = {(f.gate, f.about.key if f.about is not None else None) for f in verdict.blocking}
        reasons = {f.gate: str(f.outcome) for f in verdict.blocking}
        said = f"at {point}, {self.now}: model only {sorted(expected - seen, key=str)}; custody only {sorted(seen - expected, key=str)}"
        assert seen == expected, f"{said}; {reasons}"
        assert kind == ("stopped" if expected else "recorded"), f"{kind} with {expected}"
        self.judged[point, kind] += 1

    def _late_failure(self, act):
        """A result that fails, or is corrected so that it fails, after its lot was released holds the lot at once (rules section 9.3)."""
        if act.rule.name != "result_recorded" or act.node.kind != "lot":
            return set()
        lot, good = act.node.key, act.result in GOOD_LATE_RESULTS
        out_of_use = self.model.of("recalled", node=lot) + self.model.of("rejected", node=lot)
        return set() if good or out_of_use else {(act.test, lot)}

    def _check_written(self, act, outcome, written, faults):
        """Exactly the act with its companions and verdict; after a STOP only the verdict and the holds the rules name."""
        names = Counter(entry.act.rule.name for entry in written)
        holds = {(entry.act.node.key, entry.act.cause) for entry in written if entry.act.rule.name == "hold_placed_by_custody"}
        expected = {(node, cause) for cause, node in faults} if outcome.kind != "stopped" else self.model.holds_after(faults)
        assert holds == expected, f"{act.rule.name} {outcome.kind}: holds {holds}, expected {expected}"
        own = {"waiting": ["proposed" if outcome.kind == "waiting" else ""], "stopped": []}.get(outcome.kind, [self._own_name(act)])
        rest = names - Counter(own) - Counter({"verdict_given": 1 if outcome.verdict is not None else 0})
        companions = {name for name in rest if not ACTS[name].companion}
        assert not companions, f"{act.rule.name} {outcome.kind} also wrote {companions}"
        if outcome.kind == "stopped":
            assert set(rest) <= {"hold_placed_by_custody"}, f"a STOP wrote {rest}"
        for entry in written:
            if entry.act.rule.name == "hold_placed_by_custody":
                self.model.accept("hold_placed", plain(entry.act), by=[], at=self.now)

    @staticmethod
    def _own_name(act):
        return "countersigned" if len(guarding_rule(act).slots) > 1 else act.rule.name

    # -- the other doors ------------------------------------------------------------------------------------------------------------

    def look(self, dose, account):
        """The verdict of the bedside page, from the latest scans of two people; it must be the model's verdict too."""
        before = self.size()
        asked = BedsideScanned(dose=dose, scans=bedside.scans(CASTS[dose.key], CASTS[dose.key].bags[0]))
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

    # -- what the store holds -------------------------------------------------------------------------------------------------------

    def size(self):
        with self.store.reading() as connection:
            return connection.execute(text("SELECT count(*) FROM entry")).scalar_one()

    def _since(self, size):
        with self.store.reading() as connection:
            digests = connection.execute(text("SELECT digest FROM entry WHERE id > :size ORDER BY id"), {"size": size}).scalars().all()
            return [entry_by_digest(connection, Digest(bytes(digest).hex())) for digest in digests]

    def verify(self):
        with self.store.reading() as connection:
            report = verify(connection, checkpoint=None)
        assert report.ok, report.faults
        assert report.entries == self.size()
