"""A lot without cells for the blinded phase: mixed, filled, labelled, stored and tested by its own column of the specification."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from custody.domain.acts import manufacturing
from custody.domain.acts.manufacturing import Balance
from custody.domain.criteria import StudyContent
from custody.domain.terms import Product, Tier
from custody.workflows.rehearsal.downstream import FILL_DAY
from custody.workflows.rehearsal.places import CRYOMEDIUM, HOOD
from custody.workflows.rehearsal.road import OPERATOR, PACKER, VERIFIER, Cast
from custody.workflows.rehearsal.steps import Script
from custody.workflows.rehearsal.upstream import culture_step, label, run_tests


def make_placebo(script: Script, cast: Cast, criteria: StudyContent, *, fill_day: float = FILL_DAY) -> None:
    """As `downstream.make_lot`, from no bank."""
    started = manufacturing.LotStarted(lot=cast.lot, product=Product.PLACEBO, form=cast.form, criteria_version=1, banks=(), vials_drawn=())
    script.do(started, OPERATOR, days=fill_day - 8)
    mixed = Balance(unit="ml", quantity_in=Decimal(1000), quantity_out=Decimal(1000))
    step = replace(culture_step(script, "formulation", 0, "0", "0", days=fill_day - 1), balance=mixed)
    script.do(manufacturing.LotStepRecorded(lot=cast.lot, culture=step), OPERATOR, days=fill_day - 1)
    count = Decimal(cast.bag_count)
    filled = manufacturing.BagsFilled(
        lot=cast.lot,
        bags=cast.bags,
        volume_ml=Decimal(30),
        viable_cells_label=Decimal(0),
        filled_at=script.when(days=fill_day),
        expires_at=script.when(days=fill_day) + timedelta(days=365),
        materials=(CRYOMEDIUM,),
        equipment=(HOOD,),
        balance=Balance(unit="bags", quantity_in=count, quantity_out=count),
    )
    script.do(filled, (OPERATOR, VERIFIER), days=fill_day)
    label(script, cast.lot, cast.bag_count, days=fill_day, minutes=10)
    for n, bag in enumerate(cast.bags):
        at = script.when(days=fill_day, minutes=25)
        stored = manufacturing.BagStored(bag=bag, equipment=cast.kept.store, position=f"R{cast.number}-{n + 1:02d}", stored_at=at)
        script.do(stored, PACKER, days=fill_day, minutes=26 + n)
    run_tests(script, cast.lot, criteria, Tier.PLACEBO, days=fill_day + 1)
