"""What a road of fresh product has otherwise: its study version, refrigerators, tests of a day, and release while others are pending."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

from custody.domain.acts import manufacturing, quality, release
from custody.domain.acts.manufacturing import Balance
from custody.domain.criteria import StudyContent, content_from
from custody.domain.ids import SampleId
from custody.domain.terms import Need, PreparationMode, Product, ProductForm, Tier
from custody.ledger.canonical import canonical
from custody.workflows.rehearsal.places import FRIDGE, FRIDGE_LOGGER, HOOD, MEDIUM, WARD_FRIDGE, WARD_FRIDGE_LOGGER
from custody.workflows.rehearsal.road import OPERATOR, PACKER, VERIFIER, Cast, equip, install, read_file
from custody.workflows.rehearsal.steps import Script
from custody.workflows.rehearsal.upstream import conclude, culture_step, label, measured

FILL_DAY = -22 / 24
"""22 hours before the infusion, so that two bags one after the other still end within 24 hours."""
SHIP_DAY = -350 / 1440
SHELF_LIFE = timedelta(hours=24)
DUE_AFTER = timedelta(days=29)


def fresh_study(content: str) -> tuple[StudyContent, str]:
    """The demonstration study as one of fresh product would be."""
    study = json.loads(content)
    study["settings"] |= {"product_form": ProductForm.FRESH.value, "preparation_mode": PreparationMode.FRESH.value}
    text = canonical(study).decode()
    return content_from(text), text


def stock_fridges(script: Script) -> None:
    equip(script, FRIDGE, "Refrigerator", PACKER, storage=True)
    equip(script, WARD_FRIDGE, "Hospital refrigerator", "demo-preparer-one", storage=True)
    install(script, FRIDGE_LOGGER, FRIDGE, PACKER, PACKER, interval=5)
    install(script, WARD_FRIDGE_LOGGER, WARD_FRIDGE, "demo-preparer-one", "demo-receiver-one", interval=5)


def make_lot(script: Script, cast: Cast, criteria: StudyContent) -> None:
    """Expansion, fill, labels, the refrigerator, and the tests a fresh lot must pass before it leaves."""
    day = FILL_DAY
    started = manufacturing.LotStarted(
        lot=cast.lot, product=Product.CELLS, form=cast.form, criteria_version=1, banks=(cast.working,), vials_drawn=(cast.number,)
    )
    script.do(started, OPERATOR, days=day - 8)
    step = culture_step(script, "expansion", 6, "4000000", "1024000000", days=day - 1)
    script.do(manufacturing.LotStepRecorded(lot=cast.lot, culture=step), OPERATOR, days=day - 1)
    filled = manufacturing.BagsFilled(
        lot=cast.lot,
        bags=cast.bags,
        volume_ml=Decimal(30),
        viable_cells_label=Decimal(120000000),
        filled_at=script.when(days=day),
        expires_at=script.when(days=day) + SHELF_LIFE,
        materials=(MEDIUM,),
        equipment=(HOOD,),
        balance=Balance(unit="bags", quantity_in=Decimal(cast.bag_count), quantity_out=Decimal(cast.bag_count)),
    )
    script.do(filled, (OPERATOR, VERIFIER), days=day)
    label(script, cast.lot, cast.bag_count, days=day, minutes=10)
    for n, bag in enumerate(cast.bags):
        stored = manufacturing.BagStored(
            bag=bag, equipment=FRIDGE, position=f"S{cast.number}-{n + 1:02d}", stored_at=script.when(days=day, minutes=25)
        )
        script.do(stored, PACKER, days=day, minutes=26 + n)
    _run_tests(script, cast, criteria)


def _run_tests(script: Script, cast: Cast, criteria: StudyContent) -> None:
    """Rapid sterility on a sample of 60 h before harvest, because a product of 24 h cannot wait 48 h; the rest on the day."""
    in_process, final = SampleId(f"IP-{cast.lot}"), SampleId(f"Q-{cast.lot}")
    harvest = FILL_DAY - 1
    taken = quality.SampleTaken(node=cast.lot, sample=in_process, taken_at=script.when(days=harvest, minutes=-60 * 60))
    script.do(taken, OPERATOR, days=harvest, minutes=-60 * 60)
    taken = quality.SampleTaken(node=cast.lot, sample=final, taken_at=script.when(days=FILL_DAY, minutes=35))
    script.do(taken, OPERATOR, days=FILL_DAY, minutes=35)
    asked = [row for row in criteria.release if row.need(Tier.FRESH_LOT) is Need.MUST_PASS]
    for n, row in enumerate(asked):
        sample = in_process if row.code == "STER" else final
        measured(script, cast.lot, row, sample, days=FILL_DAY, minutes=60 + n)
    script.do_late(
        "result_reviewed",
        lambda seen: quality.ResultReviewed(node=cast.lot, results=seen.results_to_review(cast.lot)),
        "demo-qc-reviewer-one",
        days=FILL_DAY,
        minutes=120,
    )


def release_lot(script: Script, cast: Cast, criteria: StudyContent) -> None:
    """Conditional: column C is still open, each test with the day it is due; the store's record so far is read as well."""
    due_at = script.when(days=FILL_DAY) + DUE_AFTER
    pending = tuple(
        release.PendingTest(test=row.code, due_at=due_at) for row in criteria.release if row.need(Tier.FRESH_LOT) is Need.MAY_BE_PENDING
    )
    conclude(script, cast.lot, days=FILL_DAY + 130 / 1440, decision=release.ReleasedConditionally(lot=cast.lot, pending=pending))
    end = script.when(days=FILL_DAY, minutes=225)
    read_file(
        script,
        cast.kept.logger,
        script.when(days=FILL_DAY, minutes=-60),
        end,
        cast.kept.celsius,
        PACKER,
        at=end,
        interval=cast.kept.interval,
    )
