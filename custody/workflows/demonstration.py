"""A demonstration store: a study and five lots (good, warm trip, custody gap, not released, recalled), each left where people go on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from custody.domain.acts.quality import Recalled
from custody.domain.ids import ParticipantId
from custody.errors import InputError
from custody.intake.study_files import load_study
from custody.store.connection import Store, open_store
from custody.store.facts import ORIGIN, mark_demonstration, set_fact
from custody.workflows import people
from custody.workflows.door import unit_of_work, upgrade
from custody.workflows.proposing import second_identifier
from custody.workflows.rehearsal import bedside, downstream, upstream
from custody.workflows.rehearsal.player import Player, open_ledger
from custody.workflows.rehearsal.road import QP, Cast, read_file, study_folder
from custody.workflows.rehearsal.steps import Script, Step
from custody.workflows.rehearsal.steps import people as cast_people
from custody.workflows.rehearsal.whole import prepare

SECRET = "demonstration"  # noqa: S105 - printed on the demonstration's own sign-in page; only a store marked as one gets it
HOSPITAL_NUMBER = "H-2026-0001"
"""The second identifier of the demonstration's participant, as a relative or the hospital record would give it."""
UNTIL_BEDSIDE = timedelta(minutes=45)
WEIGHT_KG = Decimal(70)
DB_NAME = "custody.db"
WARM_CELSIUS = "-130.0"
"""Class 2 for a frozen bag: quarantine until QA decides (rules section 11)."""
LATE = timedelta(minutes=200)
JUST_ARRIVED = timedelta(days=-downstream.SHIP_DAY) - UNTIL_BEDSIDE - timedelta(minutes=278)
"""Shifts a trip, whose file is read in its minute 276, so that this was two minutes ago."""


@dataclass(frozen=True, kw_only=True)
class DemoLot:
    """One lot of the demonstration and what to try with it."""

    word: str
    cast: Cast


def casts(key_dir: Path) -> tuple[DemoLot, ...]:
    """The five lots; they share one donor and one working bank."""
    identifier = second_identifier(key_dir, HOSPITAL_NUMBER)
    words = ("good", "warm", "gap", "not_released", "recalled")
    return tuple(
        DemoLot(word=word, cast=Cast(number=n, upstream=1, weight_kg=WEIGHT_KG, bag_count=4, second_identifier=identifier))
        for n, word in enumerate(words, start=1)
    )


def make(folder: Path, now: datetime, *, on_step: Callable[[int, int], None] | None = None) -> Store:
    """A fresh store in `folder`, marked as a demonstration, with everything in it recorded through the real workflows.

    Raises InputError when the folder already holds a store.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / DB_NAME
    if path.exists():
        raise InputError(f"{path} exists already; give another folder with --store, or remove it", code="store_exists")
    before = set(folder.iterdir())
    store = open_store(f"sqlite:///{path.absolute()}")
    try:
        _fill(store, script(folder / "keys", now), now, on_step)
    except BaseException:
        # Half a demonstration would only be in the way of the next one.
        store.close()
        _remove(set(folder.iterdir()) - before)
        raise
    return store


def _fill(store: Store, steps: tuple[Step, ...], now: datetime, on_step: Callable[[int, int], None] | None) -> None:
    upgrade(store)
    with unit_of_work(store) as connection:
        mark_demonstration(connection)
        set_fact(connection, ORIGIN, "custody.example.org/demonstration")
    open_ledger(store, steps[0].at - timedelta(minutes=1))
    player = Player(store)
    for n, step in enumerate(steps, start=1):
        player.play(step)
        if on_step is not None:
            on_step(n, len(steps))
    with unit_of_work(store) as connection:
        for person in cast_people().values():
            people.choose_secret(connection, store, person.account, SECRET, now)


def _remove(paths: set[Path]) -> None:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def script(key_dir: Path, now: datetime) -> tuple[Step, ...]:
    """Every step up to now, of all five lots, in the order of their times."""
    criteria, content = load_study(study_folder())
    # Whole minutes, because a logger's file knows no seconds.
    road = Script((now + UNTIL_BEDSIDE).replace(second=0, microsecond=0))
    prepare(road, content, criteria)
    lots = {lot.word: lot.cast for lot in casts(key_dir)}
    upstream.give(road, lots["good"], criteria)
    upstream.bring_tissue(road, lots["good"])
    upstream.make_banks(road, lots["good"], criteria)
    for cast in lots.values():
        downstream.make_lot(road, cast, criteria)
    for word in ("good", "warm", "gap", "recalled"):
        downstream.release_lot(road, lots[word])
    for word in ("good", "recalled"):
        _travel(road, lots[word])
        downstream.accept(road, lots[word], lots[word].bags[:2])
    # The others have only just arrived: an older file would leave hours without readings, and stop their bags for another reason.
    waiting = Script(road.start + JUST_ARRIVED)
    _travel(waiting, lots["warm"], celsius=WARM_CELSIUS)
    _travel_late(waiting, lots["gap"])
    downstream.store_until_packing(road, kept=lots["good"].kept)
    for later in (waiting, Script(waiting.start - LATE)):
        downstream.store_until_packing(later, kept=lots["warm"].kept, fill_day=downstream.RELEASE_DAY)
        road.steps += later.steps
    bedside.open_cohort(road, lots["good"], criteria)
    bedside.enrol(road, lots["good"], criteria)
    bedside.allocate(road, lots["good"])
    bedside.ward_record(road, minutes=-47, kept=lots["good"].kept)
    recall = Recalled(node=lots["recalled"].lot, recall="RC-0001", reason="demonstration: sister lot under investigation")
    road.do(recall, QP, minutes=-120)
    return tuple(step for step in road.in_order() if step.at <= now)


def _travel(road: Script, cast: Cast, *, celsius: str | None = None) -> None:
    """Packed, sealed, on the road for four hours, arrived, its file read."""
    _dispatch(road, cast)
    downstream.travel(road, cast, celsius=celsius)


def _dispatch(road: Script, cast: Cast) -> None:
    downstream.pack(road, cast, cast.bags[:2])
    downstream.seal(road, cast, cast.bags[:2])


def _travel_late(road: Script, cast: Cast) -> None:
    """The courier keeps the shipper for hours longer than planned: nobody can say where it was, though it stayed cold."""
    packed, on_time, late = Script(road.start - LATE), Script(road.start - LATE), Script(road.start)
    _dispatch(packed, cast)
    downstream.travel(on_time, cast)
    downstream.travel(late, cast)
    taken_over = [step for step in on_time.steps if step.name.startswith("handoff_")][:2]
    arrived = [step for step in late.steps if step.name != "logger_file_read"][2:]
    road.steps += [*packed.steps, *taken_over, *arrived]
    read = late.steps[-1].at
    start = on_time.when(days=downstream.SHIP_DAY, minutes=-45)
    read_file(road, cast.trip_logger, start, read, cast.kept.celsius, downstream.RECEIVERS[0], at=read, interval=cast.kept.interval)


def participant(key_dir: Path) -> ParticipantId:
    return casts(key_dir)[0].cast.participant
