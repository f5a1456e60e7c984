"""A long temperature curve as it is drawn: few enough readings for a picture, and none left out that would be seen in it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby

from custody.domain.readings import Gap, Reading, Series

COLUMNS = 1000
"""No picture is wider, in its own units."""
_KEPT = 4


def outline(series: Series, gaps: tuple[Gap, ...]) -> Series:
    """Of each of `COLUMNS` equal times the first, the lowest, the highest and the last reading, and those around `gaps`.

    A series that has no more readings than that is given back as it is.
    """
    if series.count <= COLUMNS * _KEPT:
        return series
    edges = frozenset(at for gap in gaps for at in (gap.start, gap.end))
    kept = tuple(_seen(series.readings, edges))
    return Series(readings=kept, interval_minutes=series.interval_minutes, declared_gaps=series.declared_gaps)


def _seen(readings: tuple[Reading, ...], edges: frozenset[datetime]) -> Iterator[Reading]:
    start, column = readings[0].at, (readings[-1].at - readings[0].at) / COLUMNS
    for _, run in groupby(readings, key=lambda reading: (reading.at - start) // column):
        beside = list(run)
        lowest, highest = (find(beside, key=lambda reading: reading.celsius) for find in (min, max))
        kept = {beside[0].at, lowest.at, highest.at, beside[-1].at} | edges
        yield from (reading for reading in beside if reading.at in kept)
