"""A store with things to race for: doses at the bed, doses that want one bag, and bags in the hands of a nurse.

The road to them is written as the workflows would write it and judged by nobody; what races do to them is judged in full.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path

from bench.facility import Writer
from custody.domain.acts.allocation import DoseAllocated
from custody.domain.acts.bedside import PrescriptionSigned
from custody.domain.acts.shipping import ShipmentArrived
from custody.domain.criteria import StudyContent, content_from
from custody.domain.ids import BagId, DoseId
from custody.ledger.canonical import canonical
from custody.store.connection import Store, open_store
from custody.store.facts import ORIGIN, mark_demonstration, set_fact
from custody.store.schema import upgrade
from custody.workflows import people
from custody.workflows.demonstration import SECRET
from custody.workflows.rehearsal import bedside, downstream, upstream
from custody.workflows.rehearsal.player import open_ledger
from custody.workflows.rehearsal.road import Cast
from custody.workflows.rehearsal.steps import Script, Step
from custody.workflows.rehearsal.steps import people as cast_people
from custody.workflows.rehearsal.whole import make_lot, prepare, study_of

DATABASE = "races.db"
START = datetime(2026, 6, 1, 6, 0, tzinfo=UTC)
NOW = START - timedelta(minutes=3)
"""When the servers begin: each step of the road up to the check at the bed is recorded, and nothing after it."""
WEIGHT_KG = Decimal(70)
A_LOT = 14
WANTING = 3


@dataclass(frozen=True)
class Sizes:
    """How many of each group one store holds."""

    starting: int
    twice: int
    held: int
    recalled: int


@dataclass(frozen=True)
class Groups:
    """Who and what races are about; each group has lots of its own, so that no race is decided by another's.

    `twice`: two doses at the bed for one participant. `wanting`: doses that were requested, all for `wanted`, the one bag left.
    """

    starting: tuple[Cast, ...]
    twice: tuple[tuple[Cast, Cast], ...]
    held: tuple[Cast, ...]
    recalled: tuple[Cast, ...]
    wanting: tuple[Cast, ...]
    handed: Cast

    @property
    def at_the_bed(self) -> tuple[Cast, ...]:
        return (self.handed, *self.starting, *(cast for pair in self.twice for cast in pair), *self.held, *self.recalled)

    @property
    def wanted(self) -> BagId:
        """Received by the hospital with the first lot, and reserved for nobody."""
        return self.handed.bags[-1]


def groups(sizes: Sizes) -> Groups:
    numbers, lots = count(1), count(1)

    def some(many: int) -> list[Cast]:
        made: list[Cast] = []
        for first in range(0, many, A_LOT):
            lot = next(lots)
            made += [_cast(next(numbers), lot, n) for n in range(min(A_LOT, many - first))]
        return made

    handed, *starting = some(sizes.starting + 1)
    doubles = some(2 * sizes.twice)
    twice = [(one, replace(two, patient=one.number)) for one, two in zip(doubles[::2], doubles[1::2], strict=True)]
    held, recalled = some(sizes.held), some(sizes.recalled)
    wanting = [_cast(next(numbers), handed.batch, 0) for _ in range(WANTING)]
    return Groups(tuple(starting), tuple(twice), tuple(held), tuple(recalled), tuple(wanting), handed)


def _cast(number: int, lot: int, bag: int) -> Cast:
    """All lots come from the banks of the first."""
    return Cast(number=number, batch=lot, upstream=1, weight_kg=WEIGHT_KG, bag_count=A_LOT + 1, first_bag=bag)


def make(folder: Path, made: Groups) -> Store:
    """A SQLite file in `folder` as it stands at NOW, whose people have the demonstration's secret."""
    os.environ["CUSTODY_WEAK_SECRETS"] = "1"
    store = open_store(f"sqlite:///{folder / DATABASE}")
    upgrade(store)
    with store.writing() as connection:
        mark_demonstration(connection)
        set_fact(connection, ORIGIN, "custody.example.org/races")
    steps = sorted(_road(made), key=lambda step: step.at)
    open_ledger(store, steps[0].at - timedelta(minutes=1))
    writer = Writer(store, NOW + timedelta(days=1))  # of nothing before NOW a signature is still to come
    for step in steps:
        if step.at <= NOW:
            writer.write(step)
    writer.end()
    with store.writing() as connection:
        for person in cast_people().values():
            people.choose_secret(connection, store, person.account, SECRET, NOW)
    return store


def _study(doses: int) -> tuple[str, StudyContent]:
    """With room for every dose, and none that waits for a day after another was started."""
    content = json.loads(study_of(Cast().form)[1])
    for cohort in content["cohorts"]:
        cohort["size"] = doses
    content["settings"]["stagger_h"] = "0"
    text = canonical(content).decode()
    return text, content_from(text)


def _road(made: Groups) -> list[Step]:
    text, criteria = _study(2 * len(made.at_the_bed) + WANTING)
    script, first = Script(START), made.handed
    prepare(script, text, criteria)
    upstream.give(script, first, criteria)
    upstream.bring_tissue(script, first)
    upstream.make_banks(script, first, criteria)
    downstream.store_until_packing(script, kept=first.kept)
    for lot in {cast.batch: cast for cast in reversed(made.at_the_bed)}.values():
        make_lot(script, lot, criteria)
        downstream.pack(script, lot, lot.bags)
        downstream.seal(script, lot, lot.bags)
        downstream.travel(script, lot)
        for bag in lot.bags:
            downstream.accept(script, lot, (bag,))
    bedside.open_cohort(script, first, criteria)
    for cast in (*made.at_the_bed, *made.wanting):
        if cast.patient in {0, cast.number}:
            bedside.enrol(script, cast, criteria)
        bedside.allocate(script, cast)
    for cast in made.at_the_bed:
        bedside.thaw(script, cast, cast.dose_bags[0], minutes=-40)
        bedside.make_ready_at_the_bed(script, cast)
    wanting = {cast.dose for cast in made.wanting}
    return [_counted(step) for step in _files_once(script.steps) if not _allocates(step, wanting)]


def _allocates(step: Step, wanting: set[DoseId]) -> bool:
    return isinstance(step.act, DoseAllocated | PrescriptionSigned) and step.act.dose in wanting


def _counted(step: Step) -> Step:
    """The receiving desk counts as many bags as travel."""
    return replace(step, act=replace(step.act, bags_counted=A_LOT + 1)) if isinstance(step.act, ShipmentArrived) else step


def _files_once(steps: list[Step]) -> list[Step]:
    """The freezers' files are read once for all doses."""
    seen: set[bytes] = set()
    kept = []
    for step in steps:
        if not step.file or step.file not in seen:
            kept.append(step)
        seen.add(step.file)
    return kept
