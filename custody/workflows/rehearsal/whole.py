"""Whole roads, put together from the stages."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from custody.domain.criteria import StudyContent
from custody.domain.terms import ProductForm
from custody.intake.study_files import load_study
from custody.workflows.rehearsal import bedside, downstream, fresh, upstream
from custody.workflows.rehearsal.files import demonstration_key
from custody.workflows.rehearsal.road import Cast, open_study, stock_registers, study_folder
from custody.workflows.rehearsal.steps import Script, Step


def consent_to_closed_dose(start: datetime, cast: Cast | None = None) -> tuple[Step, ...]:
    """One valid history, from the sites and accounts to the closed dose; `start` is when the infusion starts."""
    cast = cast or Cast()
    script = Script(start)
    criteria, content = study_of(cast.form)
    prepare(script, content, criteria, form=cast.form)
    make(script, cast, criteria)
    deliver(script, cast)
    treat(script, cast, criteria)
    return script.in_order()


@lru_cache
def study_of(form: ProductForm) -> tuple[StudyContent, str]:
    """The demonstration study as that form of product needs it, and its canonical text."""
    criteria, content = load_study(study_folder())
    return fresh.fresh_study(content) if form is ProductForm.FRESH else (criteria, content)


def prepare(script: Script, content: str, criteria: StudyContent, *, form: ProductForm = ProductForm.FROZEN) -> None:
    """Sites, people, the study in force, materials and equipment."""
    open_study(script, content, criteria)
    stock_registers(script, fingerprint=demonstration_key())
    if form is ProductForm.FRESH:
        fresh.stock_fridges(script)


def make(script: Script, cast: Cast, criteria: StudyContent) -> None:
    upstream.give(script, cast, criteria)
    upstream.bring_tissue(script, cast)
    upstream.make_banks(script, cast, criteria)
    make_lot(script, cast, criteria)


def make_lot(script: Script, cast: Cast, criteria: StudyContent) -> None:
    """A released lot from banks that are there."""
    if cast.form is ProductForm.FRESH:
        fresh.make_lot(script, cast, criteria)
        fresh.release_lot(script, cast, criteria)
    else:
        downstream.make_lot(script, cast, criteria)
        downstream.release_lot(script, cast)


def deliver(script: Script, cast: Cast) -> None:
    """One bag more than the dose needs travels, so that there is a spare."""
    bags = cast.bags[: cast.bags_needed + 1]
    module = fresh if cast.form is ProductForm.FRESH else downstream
    days = module.SHIP_DAY
    downstream.store_until_packing(script, kept=cast.kept, days=days, fill_day=module.FILL_DAY)
    downstream.pack(script, cast, bags, days=days)
    downstream.seal(script, cast, bags, days=days)
    downstream.travel(script, cast, days=days)
    downstream.accept(script, cast, bags, days=days)


def treat(script: Script, cast: Cast, criteria: StudyContent) -> None:
    bedside.open_cohort(script, cast, criteria)
    bedside.enrol(script, cast, criteria)
    bedside.allocate(script, cast)
    bedside.thaw(script, cast, cast.dose_bags[0], minutes=-40)
    bedside.make_ready_at_the_bed(script, cast)
    bedside.start(script, cast)
    bedside.infuse(script, cast)
    bedside.follow_up_and_close(script, cast, criteria)
