"""How long a temperature stayed in each band: readings joined by straight lines, cut exactly where they cross a limit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from functools import partial
from itertools import chain, groupby, pairwise

from custody.domain.measures import rounded_up
from custody.domain.readings import MICROSECONDS_PER_MINUTE, MINUTE_PLACES, Reading, Series

CELSIUS_PLACES = 3
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Band(IntEnum):
    """How far from the storage range a temperature is; a greater number is worse."""

    CLASS_0 = 0
    CLASS_1 = 1
    CLASS_2 = 2
    WARM = 3
    """Above the class 2 band, tolerated for minutes only."""
    CLASS_3 = 4


@dataclass(frozen=True, kw_only=True)
class BandRanges:
    """The closed ranges of the bands, each inside the next; None = no limit on that side.

    A value belongs to the first range that holds it; a limit itself belongs to the better band.
    """

    ranges: tuple[tuple[Band, Decimal | None, Decimal], ...]

    def band_of(self, celsius: Decimal | Fraction) -> Band:
        for band, coldest, warmest in self.ranges:
            if celsius <= warmest and (coldest is None or coldest <= celsius):
                return band
        return Band.CLASS_3

    @property
    def edges(self) -> tuple[Fraction, ...]:
        """Every limit once, coldest first."""
        return tuple(sorted({Fraction(edge) for _, coldest, warmest in self.ranges for edge in (coldest, warmest) if edge is not None}))

    def distance_outside(self, celsius: Decimal | Fraction) -> Fraction:
        """How many degrees beyond the class 0 range; 0 inside it."""
        _, coldest, warmest = self.ranges[0]
        below = Fraction(coldest) - Fraction(celsius) if coldest is not None else Fraction(0)
        return max(below, Fraction(celsius) - Fraction(warmest), Fraction(0))


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of one trace inside one band, in microseconds since 1970; `measured` when no gap lies under it."""

    start: Fraction
    end: Fraction
    band: Band
    measured: bool


@dataclass(frozen=True, kw_only=True)
class Excursion:
    """One uninterrupted time outside the class 0 range, as one trace saw it; `extreme` is the value furthest outside."""

    start: datetime
    end: datetime
    extreme: Decimal
    minutes: Decimal
    place: str


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """Several traces laid over each other: where they disagree the worst band counts, and a gap of one is filled by another."""

    minutes: dict[Band, Fraction]
    measured: tuple[tuple[Fraction, Fraction], ...]


def instant(at: datetime) -> Fraction:
    return Fraction((at - EPOCH) // timedelta(microseconds=1))


def moment(when: Fraction) -> datetime:
    """The datetime at `when`, cut to whole microseconds."""
    return EPOCH + timedelta(microseconds=when.numerator // when.denominator)


def pieces_of(series: Series, start: datetime, end: datetime, bands: BandRanges, allowed_minutes: Decimal) -> tuple[Piece, ...]:
    """`series` from `start` to `end` as pieces; a stretch between readings longer than `allowed_minutes` is not `measured`."""
    allowed = timedelta(microseconds=int(allowed_minutes * MICROSECONDS_PER_MINUTE))
    first, last = instant(start), instant(end)
    drawn = chain.from_iterable(
        part.once((bands, allowed_minutes), partial(_drawn, bands=bands, allowed=allowed)) for part in series.parts(start, end)
    )
    cut = (Piece(max(piece.start, first), min(piece.end, last), piece.band, piece.measured) for piece in drawn)
    return tuple(_merged(piece for piece in cut if piece.start < piece.end))


def _drawn(readings: tuple[Reading, ...], bands: BandRanges, allowed: timedelta) -> tuple[Piece, ...]:
    """The lines from reading to reading."""
    side_of = {celsius: (bands.band_of(celsius), celsius > bands.ranges[0][2]) for celsius in {reading.celsius for reading in readings}}
    if len(set(side_of.values())) == 1 and all(after.at - before.at <= allowed for before, after in pairwise(readings)):
        (band, _), *_ = side_of.values()
        return (Piece(instant(readings[0].at), instant(readings[-1].at), band, measured=True),)

    def course(pair: tuple[Reading, Reading]) -> tuple[bool, bool, Band]:
        before, after = (side_of[reading.celsius] for reading in pair)
        return pair[1].at - pair[0].at <= allowed, before == after, before[0]

    drawn: list[Piece] = []
    for (measured, level, band), run in groupby(pairwise(readings), key=course):
        pairs = list(run)
        if level:
            drawn.append(Piece(instant(pairs[0][0].at), instant(pairs[-1][1].at), band, measured))
        else:
            drawn.extend(Piece(*stretch, measured) for pair in pairs for stretch in _crossings(*pair, bands))
    return tuple(_merged(drawn))


def _crossings(before: Reading, after: Reading, bands: BandRanges) -> Iterator[tuple[Fraction, Fraction, Band]]:
    """The straight line from one reading to the next, cut at every limit it crosses."""
    start, end = instant(before.at), instant(after.at)
    first, last = Fraction(before.celsius), Fraction(after.celsius)
    crossed = [first, *sorted((edge for edge in bands.edges if min(first, last) < edge < max(first, last)), reverse=last < first), last]
    for here, there in pairwise(crossed):
        yield (
            start + (end - start) * (here - first) / (last - first),
            start + (end - start) * (there - first) / (last - first),
            bands.band_of((here + there) / 2),
        )


def _merged(pieces: Iterable[Piece]) -> Iterator[Piece]:
    for (band, measured), run in groupby(pieces, key=lambda piece: (piece.band, piece.measured)):
        members = list(run)
        yield Piece(members[0].start, members[-1].end, band, measured)


def laid_over(pieces: Iterable[Piece]) -> Timeline:
    """All traces together. Measured pieces win over a line drawn through a gap; among equals the worst band counts."""
    changes = sorted(
        (change for piece in pieces for change in ((piece.start, 1, piece), (piece.end, -1, piece))), key=lambda change: change[0]
    )
    active: Counter[tuple[bool, Band]] = Counter()
    minutes: dict[Band, Fraction] = {}
    spans: list[tuple[Fraction, Fraction]] = []
    for (at, step, piece), (until, _, _) in pairwise(changes):
        active[(piece.measured, piece.band)] += step
        standing = [key for key, count in active.items() if count]
        if until > at and standing:
            measured, band = max(standing)
            minutes[band] = minutes.get(band, Fraction(0)) + (until - at) / MICROSECONDS_PER_MINUTE
            if measured:
                _extend(spans, at, until)
    return Timeline(minutes=minutes, measured=tuple(spans))


def _extend(spans: list[tuple[Fraction, Fraction]], start: Fraction, end: Fraction) -> None:
    if spans and spans[-1][1] == start:
        spans[-1] = (spans[-1][0], end)
    else:
        spans.append((start, end))


def excursions_of(series: Series, pieces: Iterable[Piece], bands: BandRanges, place: str) -> Iterator[Excursion]:
    """The times outside the class 0 range among `pieces`, which came from `series`."""
    for outside, run in groupby(pieces, key=lambda piece: piece.band > Band.CLASS_0):
        if outside:
            members = list(run)
            start, end = members[0].start, members[-1].end
            yield Excursion(
                start=moment(start),
                end=moment(end),
                extreme=_extreme(series, start, end, bands),
                minutes=rounded_up((end - start) / MICROSECONDS_PER_MINUTE, MINUTE_PLACES),
                place=place,
            )


def _extreme(series: Series, start: Fraction, end: Fraction, bands: BandRanges) -> Decimal:
    """The value furthest outside from `start` to `end`, among the readings and the two ends of the line."""
    values = map(Fraction, series.values_within(moment(start), moment(end)))
    ends = (_value_at(series, start), _value_at(series, end))
    worst = max((*values, *ends), key=lambda celsius: (bands.distance_outside(celsius), celsius))
    exact = Decimal(worst.numerator) / Decimal(worst.denominator)
    return exact if Fraction(exact) == worst else round(exact, CELSIUS_PLACES)


def _value_at(series: Series, when: Fraction) -> Fraction:
    """The straight line at `when`, which lies between the first and the last reading."""
    at = moment(when)
    before, *others = series.clipped(at, at + timedelta(microseconds=1)).readings
    if not others:  # the last one
        return Fraction(before.celsius)
    start, end = instant(before.at), instant(others[0].at)
    return Fraction(before.celsius) + (Fraction(others[0].celsius) - Fraction(before.celsius)) * (when - start) / (end - start)
