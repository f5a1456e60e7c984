"""A store as a facility has it after years: each lot, bag, shipment and dose with its own road, most over, the newest on their way.

Sites, people and the study are recorded through the workflows. The roads are written in big batches straight into the ledger, act by act as
the workflows would write them and in the order of their times; no gate judges them again.
"""

from __future__ import annotations

import heapq
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any

from bench.lots import freezer_files, lot_road, lots_of, upstream_road
from custody.domain.acts.base import Act
from custody.domain.acts.codec import body_of
from custody.domain.acts.quality import ResultRecorded
from custody.domain.acts.record import Countersigned, Proposed
from custody.domain.criteria import StudyContent, content_from
from custody.domain.dossier import Signed
from custody.domain.ids import Digest, Node, PersonId
from custody.ledger.canonical import canonical
from custody.ledger.leaves import SALT_SIZE
from custody.ledger.streams import GENESIS, entry_digest
from custody.store import attachments, entries, series
from custody.store.connection import Store, open_store
from custody.store.envelope import NewEntry, fields_of, text_of
from custody.store.facts import ORIGIN, mark_demonstration, set_fact
from custody.store.log import size
from custody.store.schema import upgrade
from custody.workflows import people
from custody.workflows.demonstration import SECRET
from custody.workflows.order import guarding_rule
from custody.workflows.outcome import proposal_digest
from custody.workflows.rehearsal import bedside
from custody.workflows.rehearsal.player import Player, open_ledger
from custody.workflows.rehearsal.road import Cast
from custody.workflows.rehearsal.steps import STUDY, Script, Step
from custody.workflows.rehearsal.steps import people as cast_people
from custody.workflows.rehearsal.whole import prepare, study_of

DB_NAME = "facility.db"
BATCH = 5_000
LOTS_A_DAY = 6
STARTED_BEFORE, IN_CULTURE = timedelta(days=48), timedelta(days=8)
"""How long before its dose a lot is started, and how long after that it is filled."""
OPENED_BEFORE = timedelta(days=200)
"""The study is open before the mother of the first lot consents, 180 days before its first dose."""
WAITS = timedelta(hours=12)
JUST_NOW = timedelta(hours=3)
"""Acts of several people that began this recently wait for the others."""


@dataclass(frozen=True)
class Facility:
    """A store and the time it was left at; `bags` and `entries` are counted, not planned."""

    store: Store
    folder: Path
    now: datetime
    bags: int
    entries: int


def facility(folder: Path, bags: int) -> Facility:
    """A store of about `bags` bags in this folder; the one that is there already, where it was made before."""
    os.environ["CUSTODY_WEAK_SECRETS"] = "1"
    there = (folder / DB_NAME).exists()
    store = open_store(f"sqlite:///{folder / DB_NAME}")
    if not there:
        _make(store, datetime.now(UTC).replace(second=0, microsecond=0), bags)
    with store.reading() as connection:
        newest = entries.last_recorded_at(connection)
        made = connection.exec_driver_sql("SELECT count(*) FROM stream_summary WHERE kind = 'bag'").scalar_one()
        assert newest is not None
        return Facility(store=store, folder=folder, now=newest + timedelta(minutes=1), bags=made, entries=size(connection))


def _make(store: Store, now: datetime, bags: int) -> None:
    upgrade(store)
    with store.writing() as connection:
        mark_demonstration(connection)
        set_fact(connection, ORIGIN, "custody.example.org/bench")
    casts = lots_of(bags, more=IN_CULTURE.days * LOTS_A_DAY)
    begin = now + STARTED_BEFORE - timedelta(days=len(casts) / LOTS_A_DAY)
    criteria = _open(store, begin - OPENED_BEFORE, casts[0], len(casts))
    writer = Writer(store, now)
    for step in _in_order(_roads(casts, begin, now, criteria)):
        if step.at > now:
            break
        writer.write(step)
    writer.end()
    with store.writing() as connection:
        for person in cast_people().values():
            people.choose_secret(connection, store, person.account, SECRET, now)


def _open(store: Store, start: datetime, first: Cast, doses: int) -> StudyContent:
    """Sites, people, registers and the study in force, with room for every dose."""
    content = json.loads(study_of(first.form)[1])
    for cohort in content["cohorts"]:
        cohort["size"] = doses
    text = canonical(content).decode()
    criteria = content_from(text)
    script = Script(start)
    prepare(script, text, criteria)
    bedside.open_cohort(script, first, criteria)
    steps = script.in_order()
    open_ledger(store, steps[0].at - timedelta(minutes=1))
    player = Player(store)
    for step in steps:
        player.play(step)
    return criteria


Road = tuple[datetime, list[Step]]


def _roads(casts: tuple[Cast, ...], begin: datetime, now: datetime, criteria: StudyContent) -> Iterator[Road]:
    """Each with the time of its first step, oldest first."""
    given = begin
    made: list[tuple[datetime, Any]] = [(at, lambda at=at: freezer_files(at)) for at in _weeks(begin, now)]
    for number, cast in enumerate(casts):
        start = given + timedelta(days=number / LOTS_A_DAY)
        start = start.replace(second=0, microsecond=0)
        if cast.source == cast.number:
            made.append((start - timedelta(days=181), lambda cast=cast, start=start: upstream_road(cast, start, criteria)))
        made.append((start - timedelta(days=49), lambda cast=cast, start=start: lot_road(cast, start, criteria)))
    for at, road in sorted(made, key=lambda each: each[0]):
        yield at, road()


def _weeks(begin: datetime, now: datetime) -> list[datetime]:
    first = begin - timedelta(days=49)
    return [first + timedelta(days=7 * n) for n in range((now - first).days // 7)]


def _in_order(roads: Iterable[Road]) -> Iterator[Step]:
    """All steps by time, with no more roads in memory than are under way."""
    waiting: list[tuple[datetime, int, Step]] = []
    number = count()
    for begins, steps in roads:
        while waiting and waiting[0][0] < begins:
            yield heapq.heappop(waiting)[2]
        for step in steps:
            heapq.heappush(waiting, (step.at, next(number), step))
    while waiting:
        yield heapq.heappop(waiting)[2]


LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass
class Writer:
    """Writes steps to the ends of their streams; also what a late step may ask (rehearsal.steps.Seen)."""

    store: Store
    now: datetime
    rows: list[dict[str, Any]] = field(default_factory=list)
    files: list[Step] = field(default_factory=list)
    ends: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    results: dict[str, list[tuple[str, Digest]]] = field(default_factory=dict)
    recorded_at: datetime = LONG_AGO

    def __post_init__(self) -> None:
        with self.store.reading() as connection:
            found = connection.exec_driver_sql("SELECT stream, position, digest FROM stream_head").all()
        self.ends = {stream: (position, digest) for stream, position, digest in found}

    def write(self, step: Step) -> None:
        """One step, as far as its people have signed by now."""
        act = step.act_in(self)
        rule = guarding_rule(act)
        signers = step.by if step.at < self.now - JUST_NOW else step.by[:1]
        digest = proposal_digest(act)
        if len(step.by) == 1:
            written = self._append(act, step, step.by[0], 0, act, digest)
            if isinstance(act, ResultRecorded):
                self.results.setdefault(act.node.key, []).append((act.test, written))
        for place, account in enumerate(signers if len(step.by) > 1 else ()):
            self._append(_part(act, step, place, digest, rule), step, account, place, act, digest)
        if len(signers) == len(step.by):
            for companion in act.companions(STUDY):
                self._append(companion, step, signers[-1], None, act, digest)
        if step.file:
            self.files.append(step)
        if len(self.rows) >= BATCH:
            self.end()

    def end(self) -> None:
        """Into the store with everything written since the last time."""
        with self.store.writing() as connection:
            entries.keep(connection, self.rows)
            for step in self.files:
                assert step.series is not None
                attachments.keep(connection, attachments.packed(step.file), "text/plain", "logger.txt")
                series.keep_series(connection, step.series)
        self.rows, self.files = [], []

    def _append(self, act: Act, step: Step, account: str, place: int | None, signed: Act, digest: Digest) -> Digest:
        # Whoever writes later is recorded later, if only by a moment.
        self.recorded_at = max(self.recorded_at + timedelta(microseconds=1), step.at)
        by = _signed(account, signed, place, self.recorded_at)
        new = NewEntry(
            act=act,
            happened_at=step.happened_at or step.at,
            by=by,
            study=STUDY,
            station="bench",
            signature=None if by.meaning is None else {"meaning": by.meaning.value, "digest": digest.value, "method": "bench"},
        )
        stream = act.subject.key
        position, previous = self.ends.get(stream, (0, GENESIS))
        fields = fields_of(new, position=position + 1, previous=previous, recorded_at=self.recorded_at)
        envelope = text_of(fields)
        made = entry_digest(previous, envelope.encode())
        self.ends[stream] = (position + 1, made)
        columns = {name: fields[name] for name in ("stream", "position", "act", "site", "study", "recorded_at")}
        self.rows.append(
            {
                **columns,
                "evidence": int(act.rule.evidence),
                "previous": previous,
                "digest": made,
                "salt": os.urandom(SALT_SIZE),
                "envelope": envelope,
            }
        )
        return Digest(made.hex())

    def results_to_review(self, node: Node) -> tuple[Digest, ...]:
        return tuple(digest for _, digest in self.results.pop(node.key, []))

    def last_position(self, node: Node) -> int:
        return self.ends[node.key][0]

    def result(self, node: Node, test: str) -> Digest:
        return next(digest for name, digest in reversed(self.results[node.key]) if name == test)


def _part(act: Act, step: Step, place: int, digest: Digest, rule: Any) -> Act:
    """What stands in the ledger for the person at this place: the proposal, or their countersignature."""
    if place == 0:
        body = canonical(body_of(act)).decode()
        return Proposed(node=act.subject, proposal=digest, act=rule.name, act_version=rule.version, body=body, expires_at=step.at + WAITS)
    answers = canonical(body_of(step.second or act)).decode() if rule.second == "repeat" else ""
    return Countersigned(node=act.subject, proposal=digest, meaning=rule.slots[place].meaning, answers=answers)


def _signed(account: str, act: Act, place: int | None, at: datetime) -> Signed:
    person = cast_people()[account]
    rule = guarding_rule(act)
    slot = rule.slots[place] if place is not None and place < len(rule.slots) else None
    role = _role(account, slot.roles if slot is not None else rule.by)
    return Signed(
        account=person.account,
        person=PersonId(person.person.value),
        printed_name=person.printed_name,
        role=role,
        site=person.site,
        meaning=None if slot is None else slot.meaning,
        at=at,
    )


@lru_cache
def _role(account: str, allowed: frozenset[Any]) -> Any:
    roles = cast_people()[account].roles
    return next((role for role in roles if role in allowed), roles[0])
