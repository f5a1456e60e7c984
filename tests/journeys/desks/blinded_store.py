"""Two stores that differ only in the arm: in each a kit is to be given, and another kit holds the other arm."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from custody.domain.acts import allocation, bedside
from custody.domain.ids import BagId, KitId
from custody.store.facts import mark_demonstration
from custody.workflows import demonstration, people
from custody.workflows.door import open_store, unit_of_work, upgrade
from custody.workflows.proposing import second_identifier
from custody.workflows.rehearsal import bedside as bed
from custody.workflows.rehearsal import downstream, upstream
from custody.workflows.rehearsal.bedside import PREPARERS
from custody.workflows.rehearsal.editing import changed
from custody.workflows.rehearsal.placebo import make_placebo
from custody.workflows.rehearsal.player import Player, open_ledger
from custody.workflows.rehearsal.road import Cast
from custody.workflows.rehearsal.steps import Script, Step
from custody.workflows.rehearsal.steps import people as cast_people
from custody.workflows.rehearsal.whole import prepare, study_of
from tests.journeys.desks.road_store import Prepared
from tests.journeys.scenes import T0

GIVEN = Cast(number=1, upstream=1, bag_count=3, cohort="P2", weight_kg=Decimal(48))
OTHER = replace(GIVEN, number=2, patient=2)
KITS = {GIVEN.dose: KitId("KIT-4471"), OTHER.dose: KitId("KIT-0938")}
ALLOCATOR = "demo-iwrs-one"
BY_HAND_LATER = {"kit_assigned": 420, "dose_allocated": 425, "prescription_signed": 430}
"""Acts about the dose to be given that are not played beforehand: minutes of the day before on which people do them at their desks."""


@dataclass(frozen=True)
class BlindedWorld(Prepared):
    """`cast`: of the dose to give; `other`: of the other arm's."""

    other: Cast


def prepared(folder: Path, keys: Path, *, given_is_cells: bool) -> BlindedWorld:
    """Both kits in the hospital and the cohort open; the other arm's dose reserved, the one to give only requested.

    `keys` are the same for both worlds, so that what is committed to with them is too.
    """
    shutil.copytree(keys, folder / "keys")
    identifier = second_identifier(folder / "keys", demonstration.HOSPITAL_NUMBER)
    given, other = (replace(cast, second_identifier=identifier) for cast in (GIVEN, OTHER))
    stock = _stock(given, other, given_is_cells=given_is_cells)
    before = [step for step in stock if not _is_left(step, given)]
    left = [_later(step) for step in stock if _is_left(step, given)]
    _fill(folder, before)
    return BlindedWorld(folder, (*left, *_the_day(given)), given, other)


def _stock(given: Cast, other: Cast, *, given_is_cells: bool) -> tuple[Step, ...]:
    criteria, content = study_of(given.form)
    script = Script(T0)
    prepare(script, content, criteria)
    for stage in (upstream.give, upstream.make_banks):
        stage(script, given, criteria)
    upstream.bring_tissue(script, given)
    cells, placebo = (given, other) if given_is_cells else (other, given)
    downstream.make_lot(script, cells, criteria)
    make_placebo(script, placebo, criteria)
    downstream.store_until_packing(script)
    bed.open_cohort(script, given, criteria)
    for cast in (given, other):
        downstream.release_lot(script, cast)
        for stage in (downstream.pack, downstream.seal):
            stage(script, cast, cast.bags)
        downstream.travel(script, cast)
        downstream.accept(script, cast, cast.bags)
        bed.enrol(script, cast, criteria)
        bed.allocate(script, cast)
        kit = allocation.KitAssigned(kit=KITS[cast.dose], participant=cast.participant, bags=cast.bags)
        script.do(kit, ALLOCATOR, days=-1, minutes=370)
    steps = script.in_order()
    for cast in (given, other):
        steps = changed(steps, "dose_allocated", where=lambda act, c=cast: act.dose == c.dose, kit=KITS[cast.dose], bags=cast.bags)
    return steps


def _is_left(step: Step, cast: Cast) -> bool:
    """Whether this step is left for hands."""
    return step.name in BY_HAND_LATER and step.act is not None and step.act.subject in {cast.dose, KITS[cast.dose]}


def _later(step: Step) -> Step:
    return replace(step, at=T0 - timedelta(days=1) + timedelta(minutes=BY_HAND_LATER[step.name]))


def _the_day(cast: Cast) -> Iterator[Step]:
    """From “ready” to the ended infusion, every bag under a cover."""
    script = Script(T0)
    bed.thaw(script, cast, cast.dose_bags[0], minutes=-40)
    bed.make_ready_at_the_bed(script, cast)
    bed.start(script, cast)
    bed.infuse(script, cast)
    for step in script.in_order():
        if isinstance(step.act, bedside.DoseBagReleased):
            cover = bedside.CoverBound(bag=step.act.bag, cover_label=cover_of(step.act.bag))
            yield Step(name=cover.rule.name, at=step.at - timedelta(minutes=1), by=PREPARERS, act=cover)
        yield step


def cover_of(bag: BagId) -> str:
    """The label on the cover of a bag; it says as little as the bag's own number."""
    return f"COVER-{bag}"


def _fill(folder: Path, steps: list[Step]) -> None:
    store = open_store(f"sqlite:///{folder / demonstration.DB_NAME}")
    upgrade(store)
    with unit_of_work(store) as connection:
        mark_demonstration(connection)
    open_ledger(store, steps[0].at - timedelta(minutes=1))
    player = Player(store)
    for step in steps:
        player.play(step)
    with unit_of_work(store) as connection:
        for person in cast_people().values():
            people.choose_secret(connection, store, person.account, demonstration.SECRET, steps[-1].at)
    store.close()
