"""A temperature curve as plain SVG: limit bands behind, the line broken at every gap, times along the bottom."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from html import escape

from custody.domain.cold_chain_criteria import ColdChainCriteria
from custody.domain.readings import Gap, Reading, Series
from custody.words import Words

WIDTH, HEIGHT = 900, 360
LEFT, RIGHT, TOP, BOTTOM = 70, 16, 16, 44
MARGIN = Decimal("0.08")
LEAST_SPAN = Decimal(4)
LINES_ACROSS = 6
TIMES_ALONG = 5
BAND_COLOURS = ("#e4f1e8", "#fbf3d4", "#f7e3d0")
"""Class 0, 1 and 2, from pale green to pale orange; the limits are also drawn as lines and written, so colour is not needed."""


class _Scale:
    """From time and °C to places in the picture."""

    def __init__(self, series: Series, criteria: ColdChainCriteria) -> None:
        values = [*series.celsius_values, criteria.class_0_to, *([criteria.class_0_from] if criteria.class_0_from is not None else [])]
        low, high = min(values), max(values)
        span = max(high - low, LEAST_SPAN)
        self.low, self.high = low - span * MARGIN, low + span + span * MARGIN
        self.start, self.end = series.start, max(series.end, series.start + timedelta(minutes=1))

    def x(self, at: datetime) -> float:
        return LEFT + (at - self.start) / (self.end - self.start) * (WIDTH - LEFT - RIGHT)

    def y(self, celsius: Decimal) -> float:
        share = float((celsius - self.low) / (self.high - self.low))
        return TOP + (1 - min(max(share, 0.0), 1.0)) * (HEIGHT - TOP - BOTTOM)


def curve_svg(series: Series, criteria: ColdChainCriteria, gaps: tuple[Gap, ...], words: Words) -> str:
    """The picture. Gaps stay empty and hatched: a line across missing data would claim what nobody measured."""
    scale = _Scale(series, criteria)
    parts = (
        *_bands(scale, criteria),
        *_gap_marks(scale, gaps),
        *_grid(scale, words),
        *_limits(scale, criteria),
        *_lines(scale, series, gaps),
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
        ' font-family="sans-serif" font-size="13">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>{"".join(parts)}</svg>\n'
    )


def _bands(scale: _Scale, criteria: ColdChainCriteria) -> Iterator[str]:
    """Worst first, so that the better band lies on top."""
    ranges = (
        (criteria.class_0_from, criteria.class_0_to),
        (criteria.class_1_from, criteria.class_1_to),
        (criteria.class_2_from, criteria.class_2_to),
    )
    for colour, (low, high) in reversed(list(zip(BAND_COLOURS, ranges, strict=True))):
        top, bottom = scale.y(high), scale.y(low if low is not None else scale.low)
        yield f'<rect x="{LEFT}" y="{top:.1f}" width="{WIDTH - LEFT - RIGHT}" height="{max(bottom - top, 0):.1f}" fill="{colour}"/>'


def _limits(scale: _Scale, criteria: ColdChainCriteria) -> Iterator[str]:
    for limit in (criteria.class_0_from, criteria.class_0_to):
        if limit is not None:
            y = scale.y(limit)
            yield (
                f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#8a0f14" stroke-width="1.5" stroke-dasharray="7 4"/>'
                f'<text x="{WIDTH - RIGHT - 4}" y="{y - 5:.1f}" text-anchor="end" fill="#8a0f14">{limit} °C</text>'
            )


def _grid(scale: _Scale, words: Words) -> Iterator[str]:
    step = (scale.high - scale.low) / LINES_ACROSS
    for n in range(LINES_ACROSS + 1):
        celsius = scale.low + step * n
        y = scale.y(celsius)
        yield f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#c9d0d5" stroke-width="0.7"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#12181c">{celsius:.1f}</text>'
    for n in range(TIMES_ALONG + 1):
        at = scale.start + (scale.end - scale.start) * n / TIMES_ALONG
        anchor = "start" if n == 0 else "end" if n == TIMES_ALONG else "middle"
        local = at.astimezone(words.zone)
        yield f'<text x="{scale.x(at):.1f}" y="{HEIGHT - 22}" text-anchor="{anchor}" fill="#12181c">{local:%m-%d %H:%M}</text>'
    offset = escape(words.time(scale.start).partition(" ")[2])
    yield f'<text x="{LEFT}" y="{HEIGHT - 6}" fill="#4a555d">°C · {offset}</text>'


def _gap_marks(scale: _Scale, gaps: tuple[Gap, ...]) -> Iterator[str]:
    for gap in gaps:
        x, width = scale.x(gap.start), max(scale.x(gap.end) - scale.x(gap.start), 2)
        yield (
            f'<rect x="{x:.1f}" y="{TOP}" width="{width:.1f}" height="{HEIGHT - TOP - BOTTOM}" fill="#fff" stroke="#0b0c0c"'
            ' stroke-dasharray="3 3"/>'
        )


def _lines(scale: _Scale, series: Series, gaps: tuple[Gap, ...]) -> Iterator[str]:
    for stretch in stretches(series, gaps):
        points = " ".join(f"{scale.x(reading.at):.1f},{scale.y(reading.celsius):.1f}" for reading in stretch)
        yield f'<polyline points="{points}" fill="none" stroke="#14507f" stroke-width="2" stroke-linejoin="round"/>'
        if len(stretch) == 1:
            yield f'<circle cx="{scale.x(stretch[0].at):.1f}" cy="{scale.y(stretch[0].celsius):.1f}" r="2.5" fill="#14507f"/>'


def stretches(series: Series, gaps: tuple[Gap, ...]) -> Iterator[tuple[Reading, ...]]:
    """Readings that belong together: a new stretch begins after every gap."""
    starts = {gap.start for gap in gaps}
    stretch: list[Reading] = []
    for reading in series.readings:
        stretch.append(reading)
        if reading.at in starts:
            yield tuple(stretch)
            stretch = []
    if stretch:
        yield tuple(stretch)
