"""The study, its people, equipment and stock as the rehearsal prepares them; and the steps that follow, in the order of their times."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from custody.store.facts import mark_demonstration
from custody.workflows import demonstration, people
from custody.workflows.door import open_store, unit_of_work, upgrade
from custody.workflows.proposing import second_identifier
from custody.workflows.rehearsal import bedside, downstream, upstream
from custody.workflows.rehearsal.player import Player, open_ledger
from custody.workflows.rehearsal.road import Cast
from custody.workflows.rehearsal.steps import Script, Step
from custody.workflows.rehearsal.steps import people as cast_people
from custody.workflows.rehearsal.whole import prepare, study_of

START = datetime(2026, 6, 15, 2, 30, tzinfo=UTC)
"""When the infusion starts."""
CAST = Cast(bag_count=2, weight_kg=Decimal(70))
SECRETS_DAYS = -190


@dataclass(frozen=True)
class Prepared:
    """A folder with the store, and what is still to be done in it."""

    folder: Path
    steps: tuple[Step, ...]
    cast: Cast


def prepared(folder: Path) -> Prepared:
    """Everything before the mother gives her consent, recorded through the real workflows."""
    folder.mkdir(mode=0o700, parents=True)
    before, after, cast = _road(folder / "keys")
    store = open_store(f"sqlite:///{folder / demonstration.DB_NAME}")
    upgrade(store)
    with unit_of_work(store) as connection:
        mark_demonstration(connection)
    open_ledger(store, before[0].at - timedelta(minutes=1))
    player = Player(store)
    for step in before:
        player.play(step)
    chosen_at = START + timedelta(days=SECRETS_DAYS)
    with unit_of_work(store) as connection:
        for person in cast_people().values():
            people.choose_secret(connection, store, person.account, demonstration.SECRET, chosen_at)
    store.close()
    return Prepared(folder, after, cast)


def _road(key_dir: Path) -> tuple[tuple[Step, ...], tuple[Step, ...], Cast]:
    cast = replace(CAST, second_identifier=second_identifier(key_dir, demonstration.HOSPITAL_NUMBER))
    criteria, content = study_of(cast.form)
    stock, road = Script(START), Script(START)
    prepare(stock, content, criteria)
    upstream.give(road, cast, criteria)
    upstream.bring_tissue(road, cast)
    upstream.make_banks(road, cast, criteria)
    downstream.make_lot(road, cast, criteria)
    downstream.release_lot(road, cast)
    bags = cast.bags
    downstream.store_until_packing(road)
    downstream.pack(road, cast, bags)
    downstream.seal(road, cast, bags)
    downstream.travel(road, cast)
    downstream.accept(road, cast, bags)
    bedside.open_cohort(road, cast, criteria)
    bedside.enrol(road, cast, criteria)
    bedside.allocate(road, cast)
    bedside.thaw(road, cast, cast.dose_bags[0], minutes=-40)
    bedside.make_ready_at_the_bed(road, cast)
    bedside.start(road, cast)
    bedside.infuse(road, cast)
    bedside.follow_up_and_close(road, cast, criteria)
    return stock.in_order(), road.in_order(), cast
