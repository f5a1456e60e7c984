"""What happened to a bag in the cold that is not class 0, when each of it ended, and when it became known (rules section 11).

A decision of QA covers only what was known when it was signed: a file read later may show more of the same time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from custody.domain.acts.equipment import LoggerInstalled
from custody.domain.acts.shipping import LoggerCalibrated, ShipmentArrived
from custody.domain.cold_chain import ClassReason, ColdChainJudgement, judge_life
from custody.domain.cold_chain_criteria import ColdChainCriteria
from custody.domain.dossier import Dossier
from custody.domain.folds.judged import changed_at
from custody.domain.folds.logger_places import end_of
from custody.domain.folds.temperature_files import Trace
from custody.domain.ids import EquipmentId

if TYPE_CHECKING:
    from custody.domain.folds.cold_places import JudgedPlace

TIMELESS = frozenset(
    {"mark_tripped", "interval_too_long", "logger_not_calibrated", "key_not_registered", "tilted", "shocked", "sign_of_thaw"}
)
"""Reasons without a time of their own: they count as lasting to the end of the trips and files read."""


@dataclass(frozen=True)
class ColdEvent:
    """Something not class 0, when it ended, and when the first record that shows it was read in."""

    ended_at: datetime
    known_at: datetime


def cold_events(
    temperatures: ColdChainJudgement, reasons: list[ClassReason], places: tuple[JudgedPlace, ...], criteria: ColdChainCriteria
) -> tuple[ColdEvent, ...]:
    excursions = tuple(_excursions(places, criteria)) if temperatures.excursions else ()
    return (*excursions, *_gaps(temperatures, places), *_doubts(reasons, places))


def _excursions(places: tuple[JudgedPlace, ...], criteria: ColdChainCriteria) -> Iterator[ColdEvent]:
    """Each is known from the first file that shows this very excursion; what another file said of that time does not matter."""
    first_read: dict[tuple[datetime, datetime], datetime] = {}
    for place in places:
        for trace in place.traces:
            if not trace.counts:
                continue
            alone = judge_life((replace(place.stay, traces=(trace.series,)),), criteria)
            for excursion in alone.excursions:
                span = (excursion.start, excursion.end)
                first_read[span] = min(trace.deed.recorded_at, first_read.get(span, trace.deed.recorded_at))
    for (_, end), read_at in first_read.items():
        yield ColdEvent(end, max(read_at, end))


def _gaps(temperatures: ColdChainJudgement, places: tuple[JudgedPlace, ...]) -> Iterator[ColdEvent]:
    """A time the device itself says it lost is known from its file; silence, from the first file beside it, or from its own end."""
    for gap in temperatures.gaps:
        telling = [t for p in places for t in p.traces if t.counts and t.series.start <= gap.end and gap.start <= t.series.end]
        declaring = [t for t in telling if gap in t.series.declared_gaps]
        read = min((t.deed.recorded_at for t in declaring or telling), default=gap.end)
        yield ColdEvent(gap.end, max(read, gap.end))


def _doubts(reasons: list[ClassReason], places: tuple[JudgedPlace, ...]) -> Iterator[ColdEvent]:
    timeless = [reason for reason in reasons if reason.code in TIMELESS]
    doubtful = {str(reason.values.get("place", "")) for reason in timeless}
    loggers = {reason.values.get("logger") for reason in timeless}
    for place in places:
        if place.stay.place not in doubtful and not {t.deed.act.logger for t in place.overlapping} & loggers:
            continue
        for trace in place.overlapping:
            end = min(trace.series.end, place.stay.end)
            yield ColdEvent(end, max(_first_read(trace, end, place), end))
        if not place.overlapping:
            yield ColdEvent(place.stay.end, place.stay.end)


def _first_read(trace: Trace, end: datetime, place: JudgedPlace) -> datetime:
    """When the first file of the same logger that reaches as far was read in; the same record read again tells nothing new."""
    same = (t for t in place.overlapping if t.deed.act.logger == trace.deed.act.logger and t.series.end >= end)
    return min(t.deed.recorded_at for t in same if t.series.start <= trace.series.start)


def learned_beside(dossier: Dossier, places: tuple[JudgedPlace, ...]) -> Iterator[datetime]:
    """When something became known that no file says: a logger was taken away, a calibration corrected, a shipper came with its marks."""
    for place in places:
        calibrations = (d for logger in place.uncalibrated for d in dossier.deeds(logger, LoggerCalibrated))
        yield from (changed_at(d) for d in calibrations if d.corrected)
        if isinstance(place.place.node, EquipmentId):
            installed = (d.act for d in dossier.deeds(place.place.node, LoggerInstalled))
            ends = (end_of(dossier, act) for act in installed)
            yield from (changed_at(d) for d in ends if d is not None and place.stay.start < d.act.placed_at < place.stay.end)
        elif place.stay.marks_tripped:
            yield from (changed_at(d) for d in dossier.deeds(place.place.node, ShipmentArrived))
            yield from (_first_shown(t, place.traces) for t in place.traces if t.counts and t.deed.act.shock_or_tilt)


def _first_shown(trace: Trace, traces: tuple[Trace, ...]) -> datetime:
    """The same record read again tells nothing new."""
    same = (t for t in traces if t.deed.act.shock_or_tilt and t.deed.act.series == trace.deed.act.series)
    return min(changed_at(t.deed) for t in same)
