"""A store for the benchmarks: one lot and many doses, each at the bedside and ready for the last scan."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from custody.domain.acts.shipping import ShipmentArrived
from custody.domain.criteria import content_from
from custody.ledger.canonical import canonical
from custody.store.connection import Store, open_store
from custody.store.facts import ORIGIN, mark_demonstration, set_fact
from custody.store.schema import upgrade
from custody.workflows import people
from custody.workflows.demonstration import SECRET
from custody.workflows.rehearsal import bedside, downstream, upstream
from custody.workflows.rehearsal.player import Player, open_ledger
from custody.workflows.rehearsal.road import Cast
from custody.workflows.rehearsal.steps import Script, Step
from custody.workflows.rehearsal.steps import people as cast_people
from custody.workflows.rehearsal.whole import make_lot, prepare, study_of

DATABASE = "bench.db"
WEIGHT_KG = Decimal(70)
LOT = 15
"""Bags of one lot that are given here; the lots draw vials by the numbers of their first doses, of which the bank has 16."""


def bedside_store(folder: Path, doses: int, record: Callable[[Store, list[Step]], None] | None = None) -> tuple[Store, tuple[Cast, ...]]:
    """A demonstration store in `folder` whose `doses` wait for wristband and bag to be scanned, and the cast of each.

    `record` brings the steps into the store; through the workflows unless it is given.
    """
    os.environ["CUSTODY_WEAK_SECRETS"] = "1"
    store = open_store(f"sqlite:///{folder / DATABASE}")
    upgrade(store)
    with store.writing() as connection:
        mark_demonstration(connection)
        set_fact(connection, ORIGIN, "custody.example.org/bench")
    now = datetime.now(UTC)
    casts = doses_of(doses)
    script = script_of(now + timedelta(minutes=3), casts)
    steps = [step for step in script.in_order() if step.at <= now]
    open_ledger(store, steps[0].at - timedelta(minutes=1))
    (record or _play)(store, steps)
    with store.writing() as connection:
        for person in cast_people().values():
            people.choose_secret(connection, store, person.account, SECRET, now)
    return store, casts


def _play(store: Store, steps: list[Step]) -> None:
    player = Player(store)
    for step in steps:
        player.play(step)


def _cast(n: int) -> Cast:
    """Fifteen doses a lot; each has a participant and a bag of its own. All lots come from one bank."""
    return Cast(number=n + 1, batch=n // LOT + 1, upstream=1, weight_kg=WEIGHT_KG, bag_count=LOT + 1, first_bag=n % LOT)


def doses_of(count: int) -> tuple[Cast, ...]:
    return tuple(_cast(n) for n in range(count))


def script_of(start: datetime, casts: tuple[Cast, ...]) -> Script:
    criteria, text = study_of(casts[0].form)
    content = json.loads(text)
    for cohort in content["cohorts"]:
        cohort["size"] = len(casts) + 1
    text = canonical(content).decode()
    criteria = content_from(text)
    script = Script(start.replace(second=0, microsecond=0))
    prepare(script, text, criteria)
    first = casts[0]
    upstream.give(script, first, criteria)
    upstream.bring_tissue(script, first)
    upstream.make_banks(script, first, criteria)
    downstream.store_until_packing(script, kept=first.kept)
    for lot in casts[::LOT]:
        make_lot(script, lot, criteria)
        downstream.pack(script, lot, lot.bags)
        downstream.seal(script, lot, lot.bags)
        downstream.travel(script, lot)
        for bag in lot.bags:
            downstream.accept(script, lot, (bag,))
    bedside.open_cohort(script, first, criteria)
    for cast in casts:
        bedside.enrol(script, cast, criteria)
        bedside.allocate(script, cast)
        bedside.thaw(script, cast, cast.dose_bags[0], minutes=-40)
        bedside.make_ready_at_the_bed(script, cast)
    script.steps = [_counted(step, LOT + 1) for step in _files_once(script.steps)]
    return script


def _counted(step: Step, bags: int) -> Step:
    """The receiving desk counts as many bags as this benchmark sends."""
    if not isinstance(step.act, ShipmentArrived):
        return step
    return replace(step, act=replace(step.act, bags_counted=bags))


def _files_once(steps: list[Step]) -> list[Step]:
    """The freezer's file is read once for all doses, not once for each."""
    seen: set[bytes] = set()
    kept = []
    for step in steps:
        if step.file and step.file in seen:
            continue
        seen.add(step.file)
        kept.append(step)
    return kept
