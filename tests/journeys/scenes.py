"""The stores that runs of the stateful test begin from: an open-label trial, a blinded one, and fresh product released conditionally.

Each is everything until an hour before the first infusion: doses reserved and prescribed, bags in the hospital, others on their way.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

import pytest

from custody.domain.acts import allocation, release
from custody.domain.ids import BagId, CohortId, KitId
from custody.domain.terms import Need, ProductForm, Tier
from custody.store.connection import open_store
from custody.store.schema import upgrade
from custody.workflows.rehearsal import bedside, downstream, fresh, upstream
from custody.workflows.rehearsal.editing import changed
from custody.workflows.rehearsal.placebo import make_placebo
from custody.workflows.rehearsal.player import Player, open_ledger
from custody.workflows.rehearsal.road import Cast, read_file
from custody.workflows.rehearsal.steps import Script
from custody.workflows.rehearsal.whole import prepare, study_of
from tests.journeys.model import Model
from tests.journeys.plain import plain, signer_of
from tests.once import made_once

T0 = datetime(2026, 6, 15, 2, 30, tzinfo=UTC)
BEGINS = T0 - timedelta(hours=1)

FIRST = Cast(number=1, bag_count=6)
AGAIN = Cast(number=2, upstream=1, patient=1, bag_count=3)
"""A second dose for the first participant, from another lot of the same bank, reserved before the first dose was started."""
NEIGHBOUR = Cast(number=3, batch=1, upstream=1, patient=2, first_bag=2, bag_count=6, weight_kg=FIRST.weight_kg * 6 / 10)
PARCEL = Cast(number=9)
"""A shipment with two more bags of the first lot; it has left and is still on its way."""

CELLS = Cast(number=1, bag_count=4, cohort="P2", weight_kg=Decimal(48))
PLACEBO = Cast(number=2, upstream=1, bag_count=4, cohort="P2", weight_kg=Decimal(48))
KITS = {str(CELLS.dose): KitId("KIT-4471"), str(PLACEBO.dose): KitId("KIT-0938")}

FRESH = Cast(number=1, bag_count=5, form=ProductForm.FRESH)
FRESH_NEIGHBOUR = Cast(number=3, batch=1, upstream=1, patient=2, first_bag=2, bag_count=5, form=ProductForm.FRESH, weight_kg=Decimal(78))
DUE = {"CD34": T0 + timedelta(minutes=30), "STE": T0 + timedelta(minutes=60)}
"""When two of the pending tests are due, so that a run can pass it."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """`casts`: the doses. `parcels`: shipments under way and their bags. `late`: (test, result, unit) that may come after release."""

    name: str
    casts: tuple[Cast, ...]
    bags: tuple[BagId, ...]
    steps: tuple
    parcels: tuple[tuple[Cast, tuple[BagId, ...]], ...] = ()
    late: tuple[tuple[str, str, str], ...] = ()
    warm: tuple[str, ...] = ("-149.9", "-140.0", "-130.0", "-119.0")

    @property
    def first(self):
        return self.casts[0]

    @property
    def kits(self):
        return tuple(KITS[str(cast.dose)] for cast in self.casts if cast.cohort == "P2")

    @property
    def holdable(self):
        one = self.first
        above = (one.donor, one.donation, one.tissue, one.master, one.working)
        lots = tuple(dict.fromkeys(cast.lot for cast in self.casts))
        return (*above, *lots, one.shipment, *(cast.shipment for cast, _ in self.parcels), *self.kits, *self.bags[:2])

    def cast_of(self, dose):
        return next(cast for cast in self.casts if cast.dose == dose)


LATE = (("STE", "growth", ""), ("STE", "no growth", ""), ("VIA", "75.0", "%"), ("VIA", "61", "%"))
LATE += (("CNT", "75", "% of label"), ("CNT", "60", "% of label"), ("CD34", "3.0", "%"))
LATE_FRESH = (*LATE, ("CD34", "1.5", "%"), ("CD34", "1.0", "%"), ("GRAM", "cocci seen", ""))


@lru_cache
def open_label():
    """Two doses of one participant, one of a neighbour, spares on site, and a parcel under way."""
    criteria, content = study_of(FIRST.form)
    script = Script(T0)
    prepare(script, content, criteria)
    _upstream(script, FIRST, criteria)
    for cast in (FIRST, AGAIN):
        downstream.make_lot(script, cast, criteria)
        downstream.release_lot(script, cast)
    downstream.store_until_packing(script)
    on_site = {FIRST: FIRST.bags[:4], AGAIN: AGAIN.bags}
    for cast, bags in on_site.items():
        _ship(script, cast, bags)
    bedside.open_cohort(script, FIRST, criteria)
    for cast in (FIRST, NEIGHBOUR):
        bedside.enrol(script, cast, criteria)
    for cast in (FIRST, AGAIN, NEIGHBOUR):
        bedside.allocate(script, cast)
    steps = _counted(script.in_order(), FIRST, 4)
    steps += _parcel()
    return Scene(
        name="open label",
        casts=(FIRST, FIRST, NEIGHBOUR, AGAIN),
        bags=(*FIRST.bags, *AGAIN.bags),
        steps=_before(steps, BEGINS),
        parcels=((PARCEL, FIRST.bags[4:]),),
        late=LATE,
    )


def _upstream(script, cast, criteria):
    upstream.give(script, cast, criteria)
    upstream.bring_tissue(script, cast)
    upstream.make_banks(script, cast, criteria)


def _ship(script, cast, bags):
    downstream.pack(script, cast, bags)
    downstream.seal(script, cast, bags)
    downstream.travel(script, cast)
    downstream.accept(script, cast, bags)


def _parcel():
    """Packed after the others, out of the store's own record, and handed to the courier four hours before the run begins."""
    script, days = Script(T0), -5 / 24
    bags = FIRST.bags[4:]
    downstream.store_until_packing(script, days=days)
    downstream.pack(script, PARCEL, bags, days=days)
    downstream.seal(script, PARCEL, bags, days=days)
    downstream.travel(script, PARCEL, days=days)
    steps = script.in_order()
    until = next(step.at for step in steps if step.name == "handoff_accepted")
    return tuple(step for step in steps if step.at <= until)


def _counted(steps, cast, count):
    return changed(steps, "shipment_arrived", where=lambda act: act.shipment == cast.shipment, bags_counted=count)


def _before(steps, at):
    return tuple(sorted((step for step in steps if step.at < at), key=lambda step: step.at))


@lru_cache
def blinded():
    """Phase 2: a kit of cells for one participant and a kit of placebo for another, each with spares."""
    criteria, content = study_of(CELLS.form)
    script = Script(T0)
    prepare(script, content, criteria)
    _upstream(script, CELLS, criteria)
    downstream.make_lot(script, CELLS, criteria)
    make_placebo(script, PLACEBO, criteria)
    downstream.store_until_packing(script)
    bedside.open_cohort(script, CELLS, criteria)
    for cast in (CELLS, PLACEBO):
        downstream.release_lot(script, cast)
        _ship(script, cast, cast.bags)
        bedside.enrol(script, cast, criteria)
        bedside.allocate(script, cast)
        kit = allocation.KitAssigned(kit=KITS[str(cast.dose)], participant=cast.participant, bags=cast.bags[:3])
        script.do(kit, "demo-iwrs-one", days=-1, minutes=370)
    steps = script.in_order()
    for cast in (CELLS, PLACEBO):
        steps = changed(steps, "dose_allocated", where=lambda act, c=cast: act.dose == c.dose, kit=KITS[str(cast.dose)])
        steps = _counted(steps, cast, len(cast.bags))
    bags = (*CELLS.bags, *PLACEBO.bags)
    return Scene(name="blinded", casts=(CELLS, PLACEBO), bags=bags, steps=_before(steps, BEGINS), late=LATE)


@lru_cache
def fresh_product():
    """A lot of a day, released while tests are pending; two of them fall due during the run."""
    criteria, content = study_of(FRESH.form)
    script = Script(T0)
    prepare(script, content, criteria, form=FRESH.form)
    _upstream(script, FRESH, criteria)
    fresh.make_lot(script, FRESH, criteria)
    fresh.release_lot(script, FRESH, criteria)
    days, kept = fresh.SHIP_DAY, FRESH.kept
    downstream.store_until_packing(script, kept=kept, days=days, fill_day=fresh.FILL_DAY)
    for stage in (downstream.pack, downstream.seal):
        stage(script, FRESH, FRESH.bags, days=days)
    downstream.travel(script, FRESH, days=days)
    start, end = (script.when(days=days, minutes=minutes) for minutes in (-45, 283))
    read_file(script, FRESH.trip_logger, start, end, kept.celsius, downstream.RECEIVERS[0], at=end, interval=kept.interval)
    downstream.accept(script, FRESH, FRESH.bags, days=days)
    bedside.open_cohort(script, FRESH, criteria)
    for cast in (FRESH, FRESH_NEIGHBOUR):
        bedside.enrol(script, cast, criteria)
        bedside.allocate(script, cast)
    pending = tuple(
        release.PendingTest(test=row.code, due_at=DUE.get(row.code, T0 + timedelta(days=28)))
        for row in criteria.release
        if row.need(Tier.FRESH_LOT) is Need.MAY_BE_PENDING
    )
    steps = changed(_counted(script.in_order(), FRESH, 5), "released_conditionally", pending=pending)
    warm = ("8.1", "9.5", "11.0", "16.0", "26.0", "1.5", "0.3", "-0.1")
    return Scene(
        name="fresh",
        casts=(FRESH, FRESH_NEIGHBOUR),
        bags=FRESH.bags,
        steps=_before(steps, BEGINS),
        late=LATE_FRESH,
        warm=warm,
    )


SCENES = {"open": open_label, "blinded": blinded, "fresh": fresh_product}
TO_CORRECT = ("prescription_signed", "participant_consented", "participant_eligibility_recorded", "shipment_arrived")


@dataclass(frozen=True)
class Base:
    """The store as a file to copy, the model of it, the time, and what may be corrected."""

    scene: Scene
    path: Path
    model: Model
    now: datetime
    deeds: tuple


def make_base(folder: Path, scene: Scene) -> Base:
    path = folder / "base.db"
    store = open_store(f"sqlite:///{path}")
    upgrade(store)
    open_ledger(store, scene.steps[0].at - timedelta(minutes=1))
    player, model, deeds = Player(store), Model(), []
    for step in scene.steps:
        outcome = player.play(step)
        if step.act is None:
            continue
        by = [signer_of(account, step.act, place, step.at) for place, account in enumerate(step.by)]
        at = step.at + timedelta(milliseconds=1) if len(step.by) > 1 else step.at
        readings = None if step.series is None else [(r.at, r.celsius) for r in step.series.readings]
        entry = outcome.entry.value if step.name in TO_CORRECT and outcome.entry is not None else None
        model.accept(step.name, plain(step.act), by=by, at=at, began=step.at, readings=readings, entry=entry)
        if entry is not None:
            deeds.append((step.act, entry, step.by))
    store.close()
    return Base(scene, path, model, BEGINS, tuple(deeds))


def base_of(factory: pytest.TempPathFactory, make: Callable[[], Scene]) -> Base:
    """The store of a scene, played once for the whole run; the model of it and what was signed come out of a file beside it."""

    def fill(folder: Path) -> None:
        (folder / "base.pickle").write_bytes(pickle.dumps(replace(make_base(folder, make()), scene=None)))

    folder = made_once(factory, f"scene-{make.__name__}", fill)
    return replace(pickle.loads((folder / "base.pickle").read_bytes()), scene=make())


def later(base: Base, path: Path, world) -> Base:
    """The same, as far as `world` has come since."""
    return replace(base, path=path, model=world.model, now=world.now, deeds=tuple(world.deeds))


COHORT_OF = {"P1-1M": CohortId("P1-1M"), "P2": CohortId("P2")}
