"""The worst recall: one lot of medium in 50,000 lots of 10 bags each, in a store of its own, written as `bench.facility` writes roads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from bench.facility import DB_NAME, Facility, Writer, facility
from custody.domain.acts.base import Act
from custody.domain.acts.manufacturing import BagsFilled, Balance, LotStarted
from custody.domain.ids import BagId, LotId
from custody.domain.terms import Product, ProductForm
from custody.workflows.rehearsal.places import HOOD, MEDIUM
from custody.workflows.rehearsal.road import OPERATOR, VERIFIER
from custody.workflows.rehearsal.steps import Step

MOTHERS, BAGS_EACH = 50_000, 10
BESIDE = 160
"""Bags of a small facility around it, with its people, places and registers."""


def worst_case(folder: Path) -> Facility:
    """The store in this folder; the one that is there already, where it was made before."""
    there = (folder / DB_NAME).exists()
    folder.mkdir(parents=True, exist_ok=True)
    place = facility(folder, BESIDE)
    if not there:
        # As if hours ago: whoever signs second has signed.
        writer = Writer(place.store, place.now + timedelta(hours=4))
        for number in range(1, MOTHERS + 1):
            for step in _steps(number, place.now):
                writer.write(step)
        writer.end()
        place.store.close()
    return facility(folder, BESIDE)


def _steps(number: int, at: datetime) -> Iterator[Step]:
    lot = LotId(f"WORST-{number:05d}")
    started = LotStarted(lot=lot, product=Product.CELLS, form=ProductForm.FROZEN, criteria_version=1)
    yield _step(started, at, OPERATOR)
    filled = BagsFilled(
        lot=lot,
        bags=tuple(BagId.from_random(f"W{number:05d}B{n:05d}") for n in range(1, BAGS_EACH + 1)),
        volume_ml=Decimal(30),
        viable_cells_label=Decimal(120000000),
        filled_at=at,
        expires_at=at + timedelta(days=365),
        materials=(MEDIUM,),
        equipment=(HOOD,),
        balance=Balance(unit="bags", quantity_in=Decimal(BAGS_EACH), quantity_out=Decimal(BAGS_EACH)),
    )
    yield _step(filled, at, OPERATOR, VERIFIER)


def _step(act: Act, at: datetime, *by: str) -> Step:
    return Step(name=act.rule.name, at=at, by=by, act=act)
