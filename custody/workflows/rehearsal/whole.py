"""Whole roads, put together from the stages."""

from __future__ import annotations

from datetime import datetime

from custody.domain.criteria import StudyContent
from custody.intake.study_files import load_study
from custody.workflows.rehearsal import bedside, downstream, upstream
from custody.workflows.rehearsal.files import demonstration_key
from custody.workflows.rehearsal.road import Cast, open_study, stock_registers, study_folder
from custody.workflows.rehearsal.steps import Script, Step


def consent_to_closed_dose(start: datetime, cast: Cast | None = None) -> tuple[Step, ...]:
    """One valid history, from the sites and accounts to the closed dose; `start` is when the infusion starts."""
    cast = cast or Cast()
    criteria, content = load_study(study_folder())
    script = Script(start)
    prepare(script, content, criteria)
    make(script, cast, criteria)
    deliver(script, cast)
    treat(script, cast, criteria)
    return script.in_order()


def prepare(script: Script, content: str, criteria: StudyContent) -> None:
    open_study(script, content, criteria)
    stock_registers(script, fingerprint=demonstration_key())


def make(script: Script, cast: Cast, criteria: StudyContent) -> None:
    upstream.give(script, cast, criteria)
    upstream.bring_tissue(script, cast)
    upstream.make_banks(script, cast, criteria)
    downstream.make_lot(script, cast, criteria)
    downstream.release_lot(script, cast)


def deliver(script: Script, cast: Cast) -> None:
    """One bag more than the dose needs travels, so that there is a spare."""
    bags = cast.bags[: len(cast.dose_bags) + 1]
    downstream.store_until_packing(script)
    downstream.pack(script, cast, bags)
    downstream.seal(script, cast, bags)
    downstream.travel(script, cast)
    downstream.accept(script, cast, bags)


def treat(script: Script, cast: Cast, criteria: StudyContent) -> None:
    bedside.open_cohort(script, cast, criteria)
    bedside.enrol(script, cast, criteria)
    bedside.allocate(script, cast)
    bedside.thaw(script, cast, cast.dose_bags[0], minutes=-40)
    bedside.make_ready_at_the_bed(script, cast)
    bedside.start(script, cast)
    bedside.infuse(script, cast)
    bedside.follow_up_and_close(script, cast, criteria)
