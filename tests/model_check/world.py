"""A world of the model check: what stands in the ledger and what time it is, in memory; its gates are custody's own, its store is none."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from custody.domain.acts.base import Act, marked_nodes
from custody.domain.acts.codec import act_from, body_of
from custody.domain.acts.record import Countersigned, Proposed
from custody.domain.dossier import Deeds, Dossier, Entry, Signed, closure, deeds_of, pending_proposals
from custody.domain.ids import Digest, Node
from custody.errors import CustodyError
from custody.gates import Case, evaluate
from custody.workflows.order import check_order
from custody.workflows.rehearsal.steps import STUDY, Step, people
from custody.workflows.site_days import site_days
from tests.chain import Memory
from tests.model_check.checker import Accepted


@dataclass
class Ground:
    """What stands before the first move, and the deeds of every stream as far as any world has come."""

    streams: dict[str, tuple[Entry, ...]]
    series: Mapping[Digest, Any]
    known: dict[tuple[str, tuple[Digest, ...]], Deeds] = field(default_factory=dict)
    judged: int = 0

    def deeds(self, stream: str, more: tuple[Entry, ...]) -> Deeds:
        place = stream, tuple(entry.digest for entry in more)
        if place not in self.known:
            self.known[place] = deeds_of((*self.streams.get(stream, ()), *more))
        return self.known[place]


@dataclass(frozen=True)
class World:
    """`added`: what has been written since the ground, by stream. `accepted`: every act in effect, in its stream's order."""

    ground: Ground
    now: datetime
    added: Mapping[str, tuple[Entry, ...]]
    accepted: tuple[Accepted, ...]

    @property
    def key(self) -> tuple[Any, ...]:
        """All that a gate can see."""
        return self.now, frozenset((stream, entries[-1].digest) for stream, entries in self.added.items())

    def later(self, span: timedelta) -> World:
        return replace(self, now=self.now + span)

    def dossier(self, *roots: Node) -> Dossier:
        def load(ring: tuple[Node, ...]) -> dict[str, Deeds]:
            return {node.key: self.ground.deeds(node.key, self.added.get(node.key, ())) for node in ring}

        return Dossier(streams=closure(roots, load), series=self.ground.series, last_recorded_at=self.now)

    def stream(self, node: Node) -> tuple[Entry, ...]:
        return (*self.ground.streams.get(node.key, ()), *self.added.get(node.key, ()))

    # -- acting: each answers with the next world, or None where custody refuses ---------------------------------------------------

    def do(self, act: Act, *by: str) -> World | None:
        """Everybody signs at once; where the second repeats, they read the same."""
        signers = tuple(signed(account, act, place, self.now) for place, account in enumerate(by))
        if not self._may(act, signers, act if len(by) > 1 and act.rule.second == "repeat" else None):
            return None
        if len(by) == 1:
            return self._with((act, signers[0]))._effective(act, signers)
        proposed = self._proposed(act)
        others = ((self._joined(proposed, act, signer), signer) for signer in signers[1:])
        return self._with((proposed, signers[0]), *others)._effective(act, signers)

    def sign(self, act: Act, account: str) -> World | None:
        """The first of two signatures, or the second under what another person has proposed; nobody signs twice."""
        waiting = [(entry, so_far) for entry, so_far in pending_proposals(self.stream(act.subject)) if entry.act.act == act.rule.name]
        if any(each.account.value == account for _, so_far in waiting for each in so_far):
            return None
        if not waiting:
            try:
                check_order(act, self.dossier(act.subject))
            except CustodyError:
                return None
            return self._with((self._proposed(act), signed(account, act, 0, self.now)))
        entry, so_far = waiting[-1]
        asked = act_from(entry.act.act, entry.act.act_version, json.loads(entry.act.body))
        signers = (*so_far, signed(account, asked, len(so_far), self.now))
        if not self._may(asked, signers, act):
            return None
        joined = Countersigned(node=act.subject, proposal=entry.act.proposal, meaning=signers[-1].meaning, answers=_body(act))
        return self._with((joined, signers[-1]))._effective(asked, signers)

    def _may(self, act: Act, signers: tuple[Signed, ...], second: Act | None) -> bool:
        dossier = self.dossier(act.subject, STUDY, *marked_nodes(act, None), *(signer.account for signer in signers))
        try:
            check_order(act, dossier)
        except CustodyError:
            return False
        if act.rule.hold_point is None:
            return True
        self.ground.judged += 1
        days = site_days(dossier, self.now)
        case = Case(subject=act.subject, proposed=act, signers=signers, dossier=dossier, study_id=STUDY, day_at=days, second=second)
        return evaluate(act.rule.hold_point, case, self.now).is_go

    def _proposed(self, act: Act) -> Proposed:
        digest = Digest(hashlib.sha256((act.rule.name + _body(act)).encode()).hexdigest())
        waits = self.now + timedelta(hours=12)
        return Proposed(
            node=act.subject, proposal=digest, act=act.rule.name, act_version=act.rule.version, body=_body(act), expires_at=waits
        )

    @staticmethod
    def _joined(proposed: Proposed, act: Act, signer: Signed) -> Countersigned:
        answers = _body(act) if act.rule.second == "repeat" else ""
        return Countersigned(node=act.subject, proposal=proposed.proposal, meaning=signer.meaning, answers=answers)

    def _effective(self, act: Act, signers: tuple[Signed, ...]) -> World:
        found = replace(self, accepted=(*self.accepted, accepted(act, signers, self.now)))
        return found._with(*((companion, signers[-1]) for companion in act.companions(STUDY)))

    def _with(self, *written: tuple[Act, Signed]) -> World:
        added = dict(self.added)
        for act, by in written:
            before = (*self.ground.streams.get(act.subject.key, ()), *added.get(act.subject.key, ()))
            entry = _entry(act, by, self.now, before)
            added[act.subject.key] = (*added.get(act.subject.key, ()), entry)
        return replace(self, added=added)


def accepted(act: Act, signers: tuple[Signed, ...], at: datetime) -> Accepted:
    return Accepted(act, tuple(signer.person.value for signer in signers), signers[0].site.value, at)


def world_before(steps: list[Step], now: datetime) -> World:
    """What these steps, all before `now`, have led to."""
    memory, done = Memory(), []
    for step in sorted((step for step in steps if step.at < now), key=lambda step: step.at):
        act = step.act_in(memory)
        done.append(accepted(act, memory.signers_of(step, act), step.at))
        memory.play(step)
    streams = {stream: tuple(entries) for stream, entries in memory.streams.items()}
    return World(Ground(streams, memory.series), now, {}, tuple(done))


def signed(account: str, act: Act, place: int, at: datetime) -> Signed:
    person = people()[account]
    slot = act.rule.slots[place] if place < len(act.rule.slots) else None
    allowed = slot.roles if slot is not None else act.rule.by
    role = next(role for role in person.roles if role in allowed)
    return Signed(
        account=person.account,
        person=person.person,
        printed_name=person.printed_name,
        role=role,
        site=person.site,
        meaning=slot.meaning if slot is not None else None,
        at=at,
    )


def _body(act: Act) -> str:
    return json.dumps(body_of(act), sort_keys=True)


def _entry(act: Act, by: Signed, at: datetime, before: tuple[Entry, ...]) -> Entry:
    previous = before[-1].digest.value if before else ""
    text = f"{previous} {act.subject.key} {act.rule.name} {_body(act)} {by.account} {by.role} {at.isoformat()}"
    return Entry(
        stream=act.subject.key,
        position=len(before) + 1,
        digest=Digest(hashlib.sha256(text.encode()).hexdigest()),
        act=act,
        happened_at=at,
        recorded_at=at,
        by=by,
        study=STUDY,
        station="model check",
    )


Play = Callable[[World], World | None]
