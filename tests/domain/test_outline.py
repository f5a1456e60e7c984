"""What is drawn of a long curve has its ends, its extremes at every place of the picture, and what lies around a gap."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from custody.domain import outline as module
from custody.domain.outline import outline
from custody.domain.readings import Gap, Reading, Series

START = datetime(2026, 3, 1, tzinfo=UTC)


def series(celsius):
    readings = tuple(Reading(START + timedelta(minutes=n), Decimal(value)) for n, value in enumerate(celsius))
    return Series(readings=readings, interval_minutes=Decimal(1))


def test_what_fits_a_picture_is_drawn_whole():
    short = series(["5"] * module.COLUMNS * 4)
    assert outline(short, ()) is short


@pytest.mark.parametrize("seed", range(5))
def test_outline_has_ends_extremes_and_both_sides_of_gaps(seed, monkeypatch):
    monkeypatch.setattr(module, "COLUMNS", 20)
    chance = random.Random(seed)
    whole = series([f"{chance.gauss(5, 1):.1f}" for _ in range(3000)])
    between = chance.sample(whole.readings, 2)
    first, last = sorted(reading.at for reading in between)
    gap = Gap(start=first, end=last, minutes=Decimal(9))
    drawn = outline(whole, (gap,))
    assert drawn.count <= 20 * 4 + 1 + 2
    assert set(drawn.readings) <= set(whole.readings)
    assert (drawn.start, drawn.end) == (whole.start, whole.end)
    assert {first, last} <= {reading.at for reading in drawn.readings}
    column = (whole.end - whole.start) / 20
    for number in range(20):
        bounds = (START + number * column, START + (number + 1) * column - timedelta(microseconds=1))
        there = [reading.celsius for reading in whole.within(*bounds)]
        kept = [reading.celsius for reading in drawn.within(*bounds)]
        assert (min(there), max(there)) == (min(kept), max(kept))
