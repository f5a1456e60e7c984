"""A temperature curve as plain SVG: limit bands behind, the line broken at every gap, times along the bottom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from html import escape

from custody.domain.cold_chain_criteria import ColdChainCriteria
from custody.domain.outline import outline
from custody.domain.readings import Gap, Reading, Series
from custody.words import Words

RIGHT, TOP, BOTTOM = 16, 16, 44
MARGIN = Decimal("0.08")
LEAST_SPAN = Decimal(4)
LINES_ACROSS = 6
ROUND_STEPS = tuple(Decimal(step) for step in ("0.5", "1", "2", "5", "10", "20", "25", "50", "100"))
BAND_COLOURS = ("#e4f1e8", "#fbf3d4", "#f7e3d0")
"""Class 0, 1 and 2, from pale green to pale orange; the limits are also drawn as lines and written, so colour is not needed."""


@dataclass(frozen=True)
class Sheet:
    """How large the picture is, in its own units, and how many times stand along its bottom."""

    width: int
    height: int
    left: int
    letters: int
    times: int


WIDE = Sheet(width=900, height=360, left=64, letters=13, times=6)
NARROW = Sheet(width=400, height=320, left=58, letters=14, times=3)


class _Scale:
    """From time and °C to places in the picture."""

    def __init__(self, sheet: Sheet, series: Series, criteria: ColdChainCriteria) -> None:
        limits = [limit for limit in (criteria.class_0_from, criteria.class_0_to) if limit is not None]
        low, high = min(*series.celsius_values, *limits), max(*series.celsius_values, *limits)
        span = max(high - low, LEAST_SPAN)
        self.sheet = sheet
        self.low, self.high = low - span * MARGIN, low + span + span * MARGIN
        self.start, self.end = series.start, max(series.end, series.start + timedelta(minutes=1))

    @property
    def right(self) -> int:
        return self.sheet.width - RIGHT

    @property
    def floor(self) -> int:
        return self.sheet.height - BOTTOM

    def x(self, at: datetime) -> float:
        return self.sheet.left + (at - self.start) / (self.end - self.start) * (self.right - self.sheet.left)

    def y(self, celsius: Decimal) -> float:
        share = float((celsius - self.low) / (self.high - self.low))
        return TOP + (1 - min(max(share, 0.0), 1.0)) * (self.floor - TOP)

    def marks(self) -> list[Decimal]:
        """Round temperatures across the picture."""
        step = next((s for s in ROUND_STEPS if (self.high - self.low) / s <= LINES_ACROSS), ROUND_STEPS[-1])
        first = (self.low / step).to_integral_value(rounding=ROUND_CEILING)
        return [step * (first + n) for n in range(int((self.high - step * first) / step) + 1)]


def curve_svg(series: Series, criteria: ColdChainCriteria, gaps: tuple[Gap, ...], words: Words, sheet: Sheet = WIDE) -> str:
    """The picture. Gaps stay empty and framed: a line across missing data would claim what nobody measured."""
    series = outline(series, gaps)
    scale = _Scale(sheet, series, criteria)
    parts = (
        *_bands(scale, criteria),
        *_gap_marks(scale, gaps),
        *_temperatures(scale, words),
        *_times(scale, words),
        *_limits(scale, criteria, words),
        *_lines(scale, series, gaps),
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {sheet.width} {sheet.height}" width="{sheet.width}" height="{sheet.height}"'
        f' font-family="sans-serif" font-size="{sheet.letters}">'
        f'<rect width="{sheet.width}" height="{sheet.height}" fill="#fff"/>{"".join(parts)}</svg>\n'
    )


def _bands(scale: _Scale, criteria: ColdChainCriteria) -> Iterator[str]:
    """Worst first, so that the better band lies on top."""
    ranges = (
        (criteria.class_0_from, criteria.class_0_to),
        (criteria.class_1_from, criteria.class_1_to),
        (criteria.class_2_from, criteria.class_2_to),
    )
    left, width = scale.sheet.left, scale.right - scale.sheet.left
    for colour, (low, high) in reversed(list(zip(BAND_COLOURS, ranges, strict=True))):
        top, bottom = scale.y(high), scale.y(low if low is not None else scale.low)
        yield f'<rect x="{left}" y="{top:.1f}" width="{width}" height="{max(bottom - top, 0):.1f}" fill="{colour}"/>'


def _limits(scale: _Scale, criteria: ColdChainCriteria, words: Words) -> Iterator[str]:
    for limit in (criteria.class_0_from, criteria.class_0_to):
        if limit is not None:
            y, text = scale.y(limit), f"{words.value(limit)} °C"
            yield (
                f'<path d="M{scale.sheet.left} {y:.1f}H{scale.right}" stroke="#12181c" stroke-width="1.5" stroke-dasharray="7 4"/>'
                f'<text x="{scale.right - 4}" y="{y - 5:.1f}" text-anchor="end" font-weight="bold" fill="#12181c">{text}</text>'
            )


def _temperatures(scale: _Scale, words: Words) -> Iterator[str]:
    for celsius in scale.marks():
        y = scale.y(celsius)
        yield f'<path d="M{scale.sheet.left} {y:.1f}H{scale.right}" stroke="#c9d0d5" stroke-width="0.7"/>'
        yield f'<text x="{scale.sheet.left - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#12181c">{words.value(celsius)}</text>'


def _times(scale: _Scale, words: Words) -> Iterator[str]:
    """Month, day and time of the reader's zone, which is written once."""
    last = scale.sheet.times - 1
    for n in range(scale.sheet.times):
        at = scale.start + (scale.end - scale.start) * n / last
        anchor = "start" if n == 0 else "end" if n == last else "middle"
        y = scale.sheet.height - 24
        yield f'<text x="{scale.x(at):.1f}" y="{y}" text-anchor="{anchor}" fill="#12181c">{at.astimezone(words.zone):%m-%d %H:%M}</text>'
    offset = escape(words.time(scale.start).partition(" ")[2])
    yield f'<text x="{scale.sheet.left}" y="{scale.sheet.height - 6}" fill="#4a555d">°C · {offset}</text>'


def _gap_marks(scale: _Scale, gaps: tuple[Gap, ...]) -> Iterator[str]:
    for gap in gaps:
        x, width = scale.x(gap.start), max(scale.x(gap.end) - scale.x(gap.start), 2)
        yield (
            f'<rect x="{x:.1f}" y="{TOP}" width="{width:.1f}" height="{scale.floor - TOP}" fill="#fff" stroke="#0b0c0c"'
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
