"""`chain`: one valid history from consent to infusion, in memory; a test changes one thing and asks for the verdict.

def test_bag_with_another_seal_is_blocked_at_receipt(chain):
    chain.change("shipment_arrived", seals=(SealNumber("S-999"),))
    assert blocked_gates(chain.verdict_at(HoldPoint.RECEIPT)) == {"RCV-SEAL"}
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from custody.domain.acts import ACTS
from custody.domain.acts.base import Act, marked_nodes
from custody.domain.acts.codec import body_of
from custody.domain.acts.quality import ResultRecorded, ResultReviewed
from custody.domain.acts.record import Countersigned, Proposed
from custody.domain.dossier import Deeds, Dossier, Entry, Head, Signed, closure, deeds_of
from custody.domain.ids import Digest, Node
from custody.domain.readings import Series
from custody.domain.terms import HoldPoint
from custody.domain.verdict import Verdict
from custody.gates import Case, evaluate
from custody.workflows.rehearsal.road import Cast
from custody.workflows.rehearsal.steps import STUDY, Step, people
from custody.workflows.rehearsal.whole import consent_to_closed_dose
from custody.workflows.site_days import site_days

BEDSIDE_AT = datetime(2026, 6, 15, 2, 30, tzinfo=UTC)


@dataclasses.dataclass
class Known:
    """What a step that no test has changed writes: who signs which acts, and the entry of each by its place in the stream."""

    written: tuple[tuple[Act, Signed], ...] | None = None
    entries: dict[tuple[int, int], Entry] = dataclasses.field(default_factory=dict)


KNOWN: dict[int, Known] = {}
"""By the identity of a step, which stands for it as long as `standard_road` keeps the step: worked out once for all tests."""


@cache
def standard_road(cast: Cast) -> tuple[Step, ...]:
    road = consent_to_closed_dose(BEDSIDE_AT, cast)
    KNOWN.update({id(step): Known() for step in road if step.act is not None})
    return road


class Memory:
    """A ledger in memory: the same entries the store would write, without a database and without gates."""

    def __init__(self) -> None:
        self.streams: dict[str, list[Entry]] = defaultdict(list)
        self.series: dict[Digest, Series] = {}
        self.last_recorded_at: datetime | None = None

    def play(self, step: Step) -> None:
        known = KNOWN.get(id(step)) or Known()
        if known.written is None:
            known.written = tuple(self._written(step, step.act_in(self)))
        for number, (act, by) in enumerate(known.written):
            stream = self.streams[act.subject.key]
            place = (number, len(stream) + 1)
            if place not in known.entries:
                known.entries[place] = self._entry(act, step, by, len(stream) + 1)
            stream.append(known.entries[place])
        self.last_recorded_at = step.at
        if step.series is not None:
            self.series[Digest(step.series.digest)] = step.series

    def _written(self, step: Step, act: Act) -> Iterator[tuple[Act, Signed]]:
        signers = self.signers_of(step, act)
        if len(signers) == 1:
            yield act, signers[0]
        else:
            body = json.dumps(body_of(act), sort_keys=True)
            digest = Digest(hashlib.sha256((act.rule.name + body).encode()).hexdigest())
            proposed = Proposed(
                node=act.subject,
                proposal=digest,
                act=act.rule.name,
                act_version=act.rule.version,
                body=body,
                expires_at=step.at + timedelta(hours=12),
            )
            yield proposed, signers[0]
            for signer in signers[1:]:
                answers = json.dumps(body_of(step.second or act), sort_keys=True) if act.rule.second == "repeat" else ""
                assert signer.meaning is not None
                yield Countersigned(node=act.subject, proposal=digest, meaning=signer.meaning, answers=answers), signer
        for companion in act.companions(STUDY):
            yield companion, signers[-1]

    def signers_of(self, step: Step, act: Act) -> tuple[Signed, ...]:
        cast = people()
        signers = []
        for n, account in enumerate(step.by):
            person = cast[account]
            slot = act.rule.slots[n] if n < len(act.rule.slots) else None
            allowed = slot.roles if slot else act.rule.by
            role = next((r for r in person.roles if r in allowed), None)
            assert role is not None, f"{account} may not sign {act.rule.name} at place {n + 1}"
            signers.append(
                Signed(
                    account=person.account,
                    person=person.person,
                    printed_name=person.printed_name,
                    role=role,
                    site=person.site,
                    meaning=slot.meaning if slot else None,
                    at=step.at,
                )
            )
        assert len(signers) == max(1, len(act.rule.slots)), f"{act.rule.name} needs {len(act.rule.slots)} signers"
        return tuple(signers)

    @staticmethod
    def _entry(act: Act, step: Step, by: Signed, position: int) -> Entry:
        text = f"{act.subject.key} {position} {act.rule.name} {json.dumps(body_of(act), sort_keys=True)}"
        return Entry(
            stream=act.subject.key,
            position=position,
            digest=Digest(hashlib.sha256(text.encode()).hexdigest()),
            act=act,
            happened_at=step.happened_at or step.at,
            recorded_at=step.at,
            by=by,
            study=STUDY,
            station="test",
        )

    def dossier(self, *roots: Node) -> Dossier:
        def load(ring: tuple[Node, ...]) -> dict[str, Deeds]:
            return {node.key: deeds_of(self.streams.get(node.key, ())) for node in ring}

        streams = closure(roots, load)
        heads = {key: Head(len(self.streams[key]), self.streams[key][-1].digest) for key in streams if self.streams.get(key)}
        return Dossier(streams=streams, heads=heads, series=self.series, last_recorded_at=self.last_recorded_at)

    # What a late step may ask (rehearsal.steps.Seen).
    def results_to_review(self, node: Node) -> tuple[Digest, ...]:
        deeds = deeds_of(self.streams[node.key])
        reviewed = {d for deed in deeds if isinstance(deed.act, ResultReviewed) for d in deed.act.results}
        return tuple(d.digest for d in deeds if isinstance(d.act, ResultRecorded) and d.digest not in reviewed)

    def last_position(self, node: Node) -> int:
        return len(self.streams[node.key])

    def result(self, node: Node, test: str) -> Digest:
        return next(
            d.digest for d in reversed(deeds_of(self.streams[node.key])) if isinstance(d.act, ResultRecorded) and d.act.test == test
        )


class Chain:
    """A valid history that a test changes in one place. Names are act names; `nth` counts from 0, negative from the end."""

    def __init__(self, cast: Cast | None = None) -> None:
        self.cast = cast or Cast()
        self.steps = list(standard_road(self.cast))

    def index(self, name: str, nth: int = 0, where: Callable[[Any], bool] | None = None) -> int:
        found = [i for i, s in enumerate(self.steps) if s.name == name and (where is None or (s.act is not None and where(s.act)))]
        assert found, f"no step called {name}"
        return found[nth]

    def step(self, name: str, nth: int = 0, where: Callable[[Any], bool] | None = None) -> Step:
        return self.steps[self.index(name, nth, where)]

    def change(self, name: str, nth: int = 0, where: Callable[[Any], bool] | None = None, **fields: Any) -> None:
        """Other values in one act; a dotted part is changed by giving the whole part."""
        i = self.index(name, nth, where)
        act = self.steps[i].act
        assert act is not None, f"{name} is made late; replace it with `replace`"
        self.steps[i] = dataclasses.replace(self.steps[i], act=dataclasses.replace(act, **fields))  # type: ignore[type-var]

    def change_all(self, name: str, **fields: Any) -> None:
        for nth in range(sum(1 for s in self.steps if s.name == name)):
            self.change(name, nth, **fields)

    def replace(self, name: str, act: Act, nth: int = 0) -> None:
        i = self.index(name, nth)
        self.steps[i] = dataclasses.replace(self.steps[i], act=act, late=None)

    def second_reads(self, name: str, nth: int = 0, **fields: Any) -> None:
        """The second person scans something else than the first."""
        i = self.index(name, nth)
        act = self.steps[i].act
        assert act is not None
        self.steps[i] = dataclasses.replace(self.steps[i], second=dataclasses.replace(act, **fields))  # type: ignore[type-var]

    def drop(self, name: str, nth: int = 0, where: Callable[[Any], bool] | None = None) -> None:
        del self.steps[self.index(name, nth, where)]

    def drop_all(self, name: str) -> None:
        self.steps = [s for s in self.steps if s.name != name]

    def move(self, name: str, minutes: float, nth: int = 0, where: Callable[[Any], bool] | None = None) -> None:
        """The entry comes earlier or later; times inside the act stay."""
        i = self.index(name, nth, where)
        self.steps[i] = dataclasses.replace(self.steps[i], at=self.steps[i].at + timedelta(minutes=minutes))

    def signed_by(self, name: str, *accounts: str, nth: int = 0) -> None:
        i = self.index(name, nth)
        self.steps[i] = dataclasses.replace(self.steps[i], by=accounts)

    def add(self, act: Act, *, before: str, by: str | tuple[str, ...], nth: int = 0, minutes: float = 0.001, **extra: Any) -> None:
        """A new act `minutes` before the step called `before`."""
        at = self.step(before, nth).at - timedelta(minutes=minutes)
        accounts = (by,) if isinstance(by, str) else by
        self.steps.append(Step(name=act.rule.name, at=at, by=accounts, act=act, **extra))

    def case_at(self, hold_point: HoldPoint, act: str | None = None, nth: int = 0) -> tuple[Case, datetime]:
        """The history just before the first guarded act of `hold_point` (or the one called `act`), that act proposed, and its time."""
        memory, step = self._until(hold_point, act, nth)
        proposed = step.act_in(memory)
        signers = memory.signers_of(step, proposed)
        roots = (proposed.subject, STUDY, *marked_nodes(proposed, None), *(s.account for s in signers))
        second = (step.second or proposed) if proposed.rule.second == "repeat" and len(signers) > 1 else None
        dossier = memory.dossier(*roots)
        days = site_days(dossier, step.at)
        case = Case(
            subject=proposed.subject, proposed=proposed, signers=signers, dossier=dossier, study_id=STUDY, day_at=days, second=second
        )
        return case, step.at

    def verdict_at(self, hold_point: HoldPoint, act: str | None = None, nth: int = 0) -> Verdict:
        case, now = self.case_at(hold_point, act, nth)
        return evaluate(hold_point, case, now)

    def _until(self, hold_point: HoldPoint, act: str | None, nth: int) -> tuple[Memory, Step]:
        memory = Memory()
        left = nth
        for step in sorted(self.steps, key=lambda s: s.at):
            rule = ACTS[step.name]
            if rule.hold_point is hold_point and (act is None or step.name == act):
                if left == 0:
                    return memory, step
                left -= 1
            memory.play(step)
        raise AssertionError(f"no act guarded by {hold_point} in this chain")

    def played(self) -> Memory:
        """The whole history."""
        memory = Memory()
        for step in sorted(self.steps, key=lambda s: s.at):
            memory.play(step)
        return memory


def blocked_gates(verdict: Verdict) -> set[str]:
    return set(verdict.codes)


def reasons(verdict: Verdict, gate: str) -> set[str]:
    """The reason codes with which `gate` blocked."""
    return {f.outcome.reason.code for f in verdict.blocking if f.gate == gate}  # type: ignore[union-attr]
