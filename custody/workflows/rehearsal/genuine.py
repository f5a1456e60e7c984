"""The road of the demonstration study of 2022: bags of fresh product that travel with one logger, up to the receiving desk.

The study's clock is that of the logger's own file, so a file of a real trip can be judged; a twin of one serves where there is none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from custody.domain.acts.base import Act
from custody.domain.acts.study import LoggerKeyRegistered
from custody.domain.ids import Digest, LoggerId, StudyId
from custody.domain.readings import Reading, Series
from custody.domain.terms import ProductForm
from custody.intake.logger_file import LoggerFile
from custody.intake.loggers import read_logger_file
from custody.intake.study_files import load_study
from custody.intake.twins import TwinKey, TwinTrip, write_twin
from custody.resources import data_dir
from custody.workflows.rehearsal import downstream, fresh, upstream
from custody.workflows.rehearsal.editing import Steps, changed, in_order
from custody.workflows.rehearsal.files import demonstration_key
from custody.workflows.rehearsal.road import QA, Cast, open_study, stock_registers
from custody.workflows.rehearsal.steps import STUDY, Script, Step
from custody.workflows.temperature import act_from_file

TRIP_STUDY = StudyId("DEMO-2022-TRIP")
TWIN_KEY = TwinKey.from_seed("custody demonstration logger lot of 2022")
TWIN_SERIAL = "TWIN2022-01"
TWIN_STARTS = "2022-11-08T04:49:00+00:00"
EVERY = timedelta(minutes=10)
FIRST_READING_TO_START = timedelta(hours=20)
"""The road counts from the infusion nobody will get: filled two hours before the logger's first reading, packed two hours after it."""

PACKING_DAY = -18 / 24
ARRIVAL_MINUTES, FILE_READ_MINUTES = 265, 276
"""Of the rehearsed trip, counted from packing."""


@dataclass(frozen=True, kw_only=True)
class TripCast(Cast):
    """Two bags of fresh product in a shipper with the logger whose file is at hand."""

    form: ProductForm = ProductForm.FRESH
    weight_kg: Decimal = Decimal(70)
    serial: str

    @property
    def trip_logger(self) -> LoggerId:
        return LoggerId.parse(self.serial)


def trip_study_folder() -> Path:
    return data_dir("seed_data") / "studies" / "demo-2022-trip"


def twin_file(*celsius: str) -> bytes:
    """A made-up logger's file of a trip of that night, one reading every ten minutes; without readings given, a trip that ends warm."""
    values = celsius or (*("4.8",) * 40, "0.9", *("4.6",) * 60, "9.4", "14.8", "19.9", "22.7", *("24.3",) * 18)
    start = datetime.fromisoformat(TWIN_STARTS)
    readings = tuple(Reading(start + n * EVERY, Decimal(value)) for n, value in enumerate(values))
    return write_twin(TwinTrip(serial=TWIN_SERIAL, series=Series(readings=readings, interval_minutes=Decimal(10))), TWIN_KEY)


def until_receipt(data: bytes, *, key_registered: bool = True) -> Steps:
    """Every step up to the acceptance of two bags that travelled with the logger of this file; the file is read just before it.

    `key_registered`: whether QA has registered the key that signed the file, by a signed act, before anything was made.
    Raises MalformedFileError or InputError for a file that cannot be read.
    """
    file = read_logger_file(data)
    cast = TripCast(serial=file.serial)
    road = Script(file.series.start + FIRST_READING_TO_START)
    criteria, content = load_study(trip_study_folder())
    open_study(road, content, criteria)
    stock_registers(road, fingerprint=demonstration_key())
    fresh.stock_fridges(road)
    if key_registered:
        road.do(_key_of(file), QA, days=-184)
    upstream.give(road, cast, criteria)
    upstream.bring_tissue(road, cast)
    upstream.make_banks(road, cast, criteria)
    fresh.make_lot(road, cast, criteria)
    fresh.release_lot(road, cast, criteria)
    _travel(road, cast, file, data)
    steps = changed(
        road.in_order(), "logger_registered", where=lambda act: act.logger == cast.trip_logger, interval_minutes=file.interval_minutes
    )
    steps = changed(steps, "logger_started", where=lambda act: act.logger == cast.trip_logger, started_at=file.series.start)
    return _in_trip_study(steps)


def _key_of(file: LoggerFile) -> LoggerKeyRegistered:
    assert file.key_fingerprint is not None
    return LoggerKeyRegistered(study=STUDY, issuer=file.issuer or "", device_lot=file.lot, fingerprint=Digest(file.key_fingerprint))


def _travel(road: Script, cast: TripCast, file: LoggerFile, data: bytes) -> None:
    """Packed, sealed and given to the courier; for as long as the file says on the road; the file read and the bags accepted by two."""
    bags = cast.bags[: cast.bags_needed + 1]
    downstream.store_until_packing(road, kept=cast.kept, days=PACKING_DAY, fill_day=fresh.FILL_DAY)
    downstream.pack(road, cast, bags, days=PACKING_DAY)
    downstream.seal(road, cast, bags, days=PACKING_DAY)
    stopped_at = max(file.stopped_at or file.series.end, file.series.end)
    longer = stopped_at + timedelta(minutes=1) - road.when(days=PACKING_DAY, minutes=FILE_READ_MINUTES)
    departure, arrival = Script(road.start), Script(road.start + longer)
    downstream.travel(departure, cast, days=PACKING_DAY)
    downstream.travel(arrival, cast, days=PACKING_DAY)
    downstream.accept(arrival, cast, bags, days=PACKING_DAY)
    read_at = arrival.when(days=PACKING_DAY, minutes=FILE_READ_MINUTES)
    act = act_from_file(cast.trip_logger, file)
    file_read = Step(name=act.rule.name, at=read_at, by=(downstream.RECEIVERS[0],), act=act, series=file.series, file=data)
    taken_over = [step for step in departure.steps if step.name.startswith("handoff_")][:2]
    arrived = [step for step in arrival.steps if step.name != "logger_file_read"][2:]
    planned = longer // timedelta(minutes=1) + ARRIVAL_MINUTES
    road.steps = list(changed(in_order(road.steps), "shipment_planned", planned_minutes=planned))
    road.steps += [*taken_over, *arrived, file_read]


def _in_trip_study(steps: Steps) -> Steps:
    """The same steps in the study of the trip: the rehearsed road names its own."""
    return tuple(replace(step, act=_moved(step.act), late=_moved_late(step.late)) for step in steps)


def _moved(act: Act | None) -> Any:
    if act is not None and getattr(act, "study", None) == STUDY:
        return replace(act, study=TRIP_STUDY)  # type: ignore[type-var]
    return act


def _moved_late(late: Any) -> Any:
    return None if late is None else lambda seen: _moved(late(seen))
