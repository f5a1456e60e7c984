"""The cold-chain class of a bag's life so far: every stay, every trace, every minute, summed and classed (rules section 11)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from itertools import chain
from types import MappingProxyType

from custody.domain.cold_chain_criteria import ColdChainCriteria
from custody.domain.measures import rounded_up
from custody.domain.readings import MINUTE_PLACES, Gap, Series, minutes_between
from custody.domain.time_in_band import Band, Excursion, Timeline, excursions_of, instant, laid_over, moment, pieces_of
from custody.errors import InputError

__all__ = [
    "Band",
    "ClassReason",
    "ColdChainCriteria",
    "ColdChainJudgement",
    "Excursion",
    "Stay",
    "Tilt",
    "judge_life",
]


@dataclass(frozen=True, kw_only=True)
class Tilt:
    """One time a container leaned over."""

    degrees: Decimal
    minutes: Decimal


@dataclass(frozen=True, kw_only=True)
class Stay:
    """One place a bag was in, from `start` to `end`, with what the loggers of that place recorded, then and at other times.

    `place` names it in reasons (a stream key). No trace of its time = a dead, lost or unread logger. `qa_gave_up`: QA signed that
    no trace of this stay will be found. A tripped mark is a tell-tale on the outside of a shipper, without a number.
    """

    place: str
    start: datetime
    end: datetime
    traces: tuple[Series, ...] = ()
    tilts: tuple[Tilt, ...] = ()
    shocks_g: tuple[Decimal, ...] = ()
    marks_tripped: tuple[str, ...] = ()
    sign_of_thaw: bool = False
    qa_gave_up: bool = False

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise InputError(f"the stay in {self.place} ends ({self.end}) before it starts ({self.start})")

    @property
    def own_traces(self) -> Iterator[Series]:
        """Those that ran in its time: what else a logger measured, on an earlier trip perhaps, says nothing of this stay."""
        return (trace for trace in self.traces if trace.start <= self.end and self.start <= trace.end)

    @property
    def celsius_values(self) -> frozenset[Decimal]:
        """Each temperature that was read while the bag was there, in °C."""
        return frozenset(celsius for trace in self.traces for celsius in trace.values_within(self.start, self.end))


@dataclass(frozen=True, kw_only=True)
class ClassReason:
    """Why a life is of class `klass` at least: a code with its values, for the word catalogues."""

    code: str
    klass: int
    values: Mapping[str, object] = field(hash=False)


@dataclass(frozen=True, kw_only=True)
class ColdChainJudgement:
    """Class 0 accept; 1 accept with a note; 2 quarantine until QA decides; 3 reject, final.

    `minutes` in each band and `minutes_outside` class 0 are sums over the whole life, rounded up to 0.001 min.
    """

    klass: int
    reasons: tuple[ClassReason, ...]
    minutes: Mapping[Band, Decimal] = field(hash=False)
    minutes_outside: Decimal
    excursions: tuple[Excursion, ...]
    gaps: tuple[Gap, ...]
    coldest: Decimal | None
    warmest: Decimal | None


@dataclass(frozen=True, kw_only=True)
class _Life:
    """Everything measured about a life, before it is classed."""

    stays: tuple[Stay, ...]
    timeline: Timeline
    touched: frozenset[Band]
    excursions: tuple[Excursion, ...]
    gaps: tuple[Gap, ...]
    celsius_values: frozenset[Decimal]
    silent_stays: tuple[Stay, ...]

    def minutes_in(self, *bands: Band) -> Decimal:
        return rounded_up(sum((self.timeline.minutes.get(band, Fraction(0)) for band in bands), Fraction(0)), MINUTE_PLACES)

    @property
    def minutes_outside(self) -> Decimal:
        return self.minutes_in(*(band for band in Band if band > Band.CLASS_0))


LIVES_REMEMBERED = 2048


@lru_cache(maxsize=LIVES_REMEMBERED)
def judge_life(stays: tuple[Stay, ...], criteria: ColdChainCriteria) -> ColdChainJudgement:
    """The class of the life that `stays` make up, from storage-in to PREPARED or to now (rules section 11).

    Values between readings are linear, through gaps too; a gap makes it class 2 at least besides. Time between two
    stays is time without data. A life nobody measured is class 2, never 0.
    """
    life = _measured(stays, criteria)
    reasons = tuple(
        reason
        for rule in (_missing_traces, _gaps, _temperatures, _class_1_band, _too_long_outside, _handling, _intervals)
        for reason in rule(life, criteria)
    )
    celsius_values = life.celsius_values
    return ColdChainJudgement(
        klass=max((reason.klass for reason in reasons), default=0),
        reasons=reasons,
        minutes=MappingProxyType({band: life.minutes_in(band) for band in Band}),
        minutes_outside=life.minutes_outside,
        excursions=life.excursions,
        gaps=life.gaps,
        coldest=min(celsius_values, default=None),
        warmest=max(celsius_values, default=None),
    )


def _measured(stays: tuple[Stay, ...], criteria: ColdChainCriteria) -> _Life:
    bands = criteria.bands
    drawn = [
        (stay, trace, pieces_of(trace, stay.start, stay.end, bands, criteria.silence_allowed(trace.interval_minutes)))
        for stay in stays
        for trace in stay.traces
    ]
    timeline = laid_over(piece for _, _, pieces in drawn for piece in pieces)
    celsius_values = frozenset(celsius for stay in stays for celsius in stay.celsius_values)
    heard = {id(stay) for stay, _, pieces in drawn if any(piece.measured for piece in pieces)}
    return _Life(
        stays=stays,
        timeline=timeline,
        touched=frozenset(chain(timeline.minutes, (bands.band_of(celsius) for celsius in celsius_values))),
        excursions=tuple(excursion for stay, trace, pieces in drawn for excursion in excursions_of(trace, pieces, bands, stay.place)),
        gaps=(*_silences(stays, timeline, criteria), *_declared_gaps(stays, criteria)),
        celsius_values=celsius_values,
        silent_stays=tuple(stay for stay in stays if stay.end > stay.start and id(stay) not in heard),
    )


def _silences(stays: tuple[Stay, ...], timeline: Timeline, criteria: ColdChainCriteria) -> Iterator[Gap]:
    """Every stretch of the life that no trace measured and that is longer than the loggers around it allow."""
    if not stays:
        return
    life_start, life_end = min(stay.start for stay in stays), max(stay.end for stay in stays)
    edges = [instant(life_start), *chain.from_iterable(timeline.measured), instant(life_end)]
    for silent_from, silent_to in zip(edges[::2], edges[1::2], strict=True):
        start, end = moment(silent_from), moment(silent_to)
        minutes = minutes_between(start, end)
        if minutes > _allowed(stays, start, end, criteria):
            yield Gap(start=start, end=end, minutes=minutes)


def _allowed(stays: tuple[Stay, ...], start: datetime, end: datetime, criteria: ColdChainCriteria) -> Decimal:
    around = (trace for stay in stays if stay.start <= end and start <= stay.end for trace in stay.own_traces)
    return min((criteria.silence_allowed(trace.interval_minutes) for trace in around), default=criteria.gap_minutes_max)


def _declared_gaps(stays: tuple[Stay, ...], criteria: ColdChainCriteria) -> Iterator[Gap]:
    """Minutes a device says it lost, when they may lie inside the stay: nobody can say that they do not."""
    for stay in stays:
        for trace in stay.traces:
            allowed = criteria.silence_allowed(trace.interval_minutes)
            yield from (gap for gap in trace.declared_gaps if gap.minutes > allowed and gap.start < stay.end and stay.start < gap.end)


def _missing_traces(life: _Life, _criteria: ColdChainCriteria) -> Iterator[ClassReason]:
    for stay in life.silent_stays:
        where = {"place": stay.place, "start": stay.start, "end": stay.end}
        if stay.qa_gave_up:
            yield ClassReason(code="no_trace_found", klass=3, values=where)
        elif not any(stay.own_traces):
            yield ClassReason(code="missing_trace", klass=2, values=where)
    if not life.touched:
        yield ClassReason(code="nothing_measured", klass=2, values={"stays": len(life.stays)})


def _gaps(life: _Life, _criteria: ColdChainCriteria) -> Iterator[ClassReason]:
    for gap in life.gaps:
        yield ClassReason(code="gap", klass=2, values={"start": gap.start, "end": gap.end, "minutes": gap.minutes})


def _temperatures(life: _Life, criteria: ColdChainCriteria) -> Iterator[ClassReason]:
    if Band.CLASS_3 in life.touched:
        extremes = [*life.celsius_values, *(excursion.extreme for excursion in life.excursions)]
        yield ClassReason(code="beyond_class_2", klass=3, values={"coldest": min(extremes), "warmest": max(extremes)})
    if Band.WARM in life.touched and criteria.warm_minutes_max is not None:
        minutes, limit = life.minutes_in(Band.WARM, Band.CLASS_3), criteria.warm_minutes_max
        values = {"minutes": minutes, "minutes_max": limit, "above": criteria.class_2_to}
        yield (
            ClassReason(code="warm_briefly", klass=2, values=values)
            if minutes <= limit
            else ClassReason(code="warm_too_long", klass=3, values=values)
        )
    if Band.CLASS_2 in life.touched:
        yield ClassReason(code="class_2_band", klass=2, values={"minutes": life.minutes_in(Band.CLASS_2)})


def _class_1_band(life: _Life, criteria: ColdChainCriteria) -> Iterator[ClassReason]:
    if Band.CLASS_1 in life.touched:
        minutes, limit = life.minutes_in(Band.CLASS_1), criteria.class_1_minutes_max
        values = {"minutes": minutes, "minutes_max": limit}
        yield (
            ClassReason(code="class_1_band", klass=1, values=values)
            if minutes <= limit
            else ClassReason(code="class_1_too_long", klass=2, values=values)
        )


def _too_long_outside(life: _Life, criteria: ColdChainCriteria) -> Iterator[ClassReason]:
    limit = criteria.outside_minutes_max
    if limit is not None and life.minutes_outside > limit:
        yield ClassReason(code="outside_too_long", klass=3, values={"minutes": life.minutes_outside, "minutes_max": limit})


def _handling(life: _Life, criteria: ColdChainCriteria) -> Iterator[ClassReason]:
    """Dry shippers on their side can lose over half their hold time, so tilt matters."""
    for stay in life.stays:
        if stay.sign_of_thaw:
            yield ClassReason(code="sign_of_thaw", klass=3, values={"place": stay.place})
        for tilt in stay.tilts:
            if tilt.degrees > criteria.tilt_degrees_max and tilt.minutes > criteria.tilt_minutes_max:
                yield ClassReason(code="tilted", klass=2, values={"place": stay.place, "degrees": tilt.degrees, "minutes": tilt.minutes})
        for shock_g in stay.shocks_g:
            if shock_g > criteria.shock_g_max:
                yield ClassReason(
                    code="shocked", klass=2, values={"place": stay.place, "shock_g": shock_g, "shock_g_max": criteria.shock_g_max}
                )
        for mark in stay.marks_tripped:
            yield ClassReason(code="mark_tripped", klass=2, values={"place": stay.place, "mark": mark})


def _intervals(life: _Life, criteria: ColdChainCriteria) -> Iterator[ClassReason]:
    """Readings too far apart prove too little (rules section 11: at most 5 min fresh, 10 min cryo)."""
    for stay in life.stays:
        for trace in stay.own_traces:
            if trace.interval_minutes > criteria.logger_interval_minutes_max:
                values = {
                    "place": stay.place,
                    "interval_minutes": trace.interval_minutes,
                    "interval_minutes_max": criteria.logger_interval_minutes_max,
                }
                yield ClassReason(code="interval_too_long", klass=2, values=values)
