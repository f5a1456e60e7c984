"""The world of the stateful test: a real store, an injected clock, people who act, and the independent model beside it all.

Every act goes through the real workflows; what the store then holds is compared with what the model says it must hold.
"""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import text

from custody.domain.acts import ACTS
from custody.domain.acts.people import AccountCreated, AccountDisabled, RoleGranted, SignaturePolicyAccepted
from custody.domain.acts.record import Corrected
from custody.domain.ids import AccountId, Digest
from custody.errors import CustodyError, NotPermittedError, StaleError
from custody.store.connection import open_store
from custody.store.entries import entry_by_digest
from custody.store.loading import forget_decoded
from custody.store.verification import verify
from custody.workflows.order import guarding_rule, judged_act
from custody.workflows.receiving import keep_temperature_file
from custody.workflows.recording import countersign, record
from custody.workflows.rehearsal.player import Player
from custody.workflows.rehearsal.road import ADMIN
from custody.workflows.rehearsal.steps import people
from tests.journeys.doors import Doors
from tests.journeys.plain import plain, signer_of
from tests.journeys.scenes import PARCEL, T0

__all__ = ["T0", "Answer", "World"]


@dataclass(frozen=True)
class Answer:
    """What became of one act: `recorded`, `waiting`, `stopped` or `refused`; `faults` is what the model expected of a verdict."""

    kind: str
    faults: frozenset = frozenset()
    error: CustodyError | None = None
    entry: str | None = None
    proposal: Digest | None = None


class World(Doors):
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
        copied = folder / "custody.db"
        shutil.copy(base.path, copied)
        forget_decoded()
        world = cls(open_store(f"sqlite:///{copied}"), base.model.copy(), base.now)
        world.scene = base.scene
        world.deeds += base.deeds
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
        self._count_start(plain(act))

    def _count_start(self, start):
        """Which of the harder ways led to it."""
        dose, bag, model = start["dose"], start["bag"], self.model
        made = model.made(model.lot_of(bag)["lot"])
        self.judged["start", "first bag" if "participant" in start else "next bag"] += 1
        ways = {
            "with a spare": bool(model.of("spare_allocated", dose=dose, bag=bag)),
            "of a kit": model.kit(dose) is not None,
            "of placebo": made["product"] == "placebo",
            "released conditionally": bool(model.of("released_conditionally", lot=made["lot"])),
            "by an exception": any(model.excepted(dose, made["lot"], r, self.now) for r in model.failing(made["lot"])),
            "from the parcel": model.shipments(bag)[-1] == PARCEL.shipment.key,
        }
        self.judged.update({("start", way): 1 for way, it_was in ways.items() if it_was})

    # -- one transaction ------------------------------------------------------------------------------------------------------------

    def _transaction(self, act, signers, again, sign):
        """Run one signature and hold what it wrote against what it may write; compare the verdict with the model's."""
        rule = guarding_rule(act)
        last = len(signers) >= max(1, len(rule.slots))
        point = rule.hold_point.value if rule.hold_point is not None and last else None
        expected = self._expected(point, act, again, signers) if point else frozenset()
        late = self._late_failure(act) if last else set()
        self.keys += 1
        key, before = f"key-{self.began:%H%M}-{self.keys}", self.size()
        try:
            with self.store.writing() as connection:
                outcome = sign(connection, key)
        except CustodyError as error:
            return self._refused(act, point, expected, error, before)
        written = self._since(before)
        self.last_request = (sign, key, outcome, self.signer)
        if point:
            self._compare(point, expected, outcome.verdict, outcome.kind)
        self._check_written(act, outcome, written, expected if outcome.kind == "stopped" else late)
        return Answer(outcome.kind, expected, None, outcome.entry.value if outcome.entry else None, outcome.proposal)

    def _refused(self, act, point, expected, error, before):
        """Nothing was written; and where the model says every rule holds, only the signature or correction itself may be the trouble."""
        assert self.size() == before, f"{act.rule.name} was refused and still wrote something"
        its_own_trouble = not point or isinstance(act, Corrected) or isinstance(error, StaleError | NotPermittedError)
        assert expected or its_own_trouble, f"{act.rule.name} was refused although every rule holds: {error}"
        return Answer("refused", faults=expected, error=error)

    def _expected(self, point, act, again, signers):
        known = self.model.without(act.entry.value) if isinstance(act, Corrected) else self.model
        proposed = {**plain(judged_act(act)), "_act": judged_act(act).rule.name}
        repeated = None if again is None else {**plain(again), "_act": again.rule.name}
        return frozenset(known.faults(point, proposed, repeated, signers, self.now))

    def _compare(self, point, expected, verdict, kind):
        seen = {(f.gate, f.about.key if f.about is not None else None) for f in verdict.blocking}
        reasons = {f.gate: str(f.outcome) for f in verdict.blocking}
        said = f"at {point}, {self.now}: model only {sorted(expected - seen, key=str)}; custody only {sorted(seen - expected, key=str)}"
        assert seen == expected, f"{said}; {reasons}"
        assert kind == ("stopped" if expected else "recorded"), f"{kind} with {expected}"
        self.judged[point, kind] += 1

    def _late_failure(self, act):
        """A result that fails, or is corrected so that it fails, after its lot was released holds the lot at once (rules section 9.3)."""
        if guarding_rule(act).name != "result_recorded":
            return set()
        return self.model.holds_of_a_result(plain(judged_act(act)))

    def _check_written(self, act, outcome, written, faults):
        """Exactly the act with its companions and verdict; after a STOP only the verdict and the holds the rules name."""
        names = Counter(entry.act.rule.name for entry in written)
        holds = {(entry.act.node.key, entry.act.cause) for entry in written if entry.act.rule.name == "hold_placed_by_custody"}
        expected = {(node, cause) for cause, node in faults} if outcome.kind != "stopped" else self.model.holds_after(faults)
        assert holds == expected, f"{act.rule.name} {outcome.kind}: holds {holds}, expected {expected}"
        own = {"waiting": ["proposed" if outcome.kind == "waiting" else ""], "stopped": []}.get(outcome.kind, [self._own_name(act)])
        rest = names - Counter(own) - Counter({"verdict_given": 1 if outcome.verdict is not None else 0})
        elsewhere = {"corrected"} if isinstance(act, Corrected) else set()
        companions = {name for name in rest if not ACTS[name].companion} - elsewhere
        assert not companions, f"{act.rule.name} {outcome.kind} also wrote {companions}"
        if outcome.kind == "stopped":
            assert set(rest) <= {"hold_placed_by_custody"}, f"a STOP wrote {rest}"
        for entry in written:
            if entry.act.rule.name == "hold_placed_by_custody":
                self.model.accept("hold_placed", plain(entry.act), by=[], at=self.now)

    @staticmethod
    def _own_name(act):
        return "countersigned" if len(guarding_rule(act).slots) > 1 else act.rule.name

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
