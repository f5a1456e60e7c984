"""The roads the scenarios break: one valid road, its parts, and a few more participants, lots and doses beside it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache

from custody.domain.terms import ProductForm
from custody.workflows.rehearsal import bedside, whole
from custody.workflows.rehearsal.editing import Steps, in_order
from custody.workflows.rehearsal.road import Cast
from custody.workflows.rehearsal.steps import Script

START = datetime(2026, 6, 15, 2, 30, tzinfo=UTC)
"""When the first infusion of the road starts."""
OPENED = datetime(2025, 11, 26, 2, 30, tzinfo=UTC)
"""When the ledger is made: 201 days before."""

CAST = Cast()
LIGHT = Cast(weight_kg=Decimal(120))
"""The same participant, when one bag is enough."""
FRESH = Cast(form=ProductForm.FRESH)
QA = "demo-qa-one"


@lru_cache
def made(cast: Cast = CAST) -> Steps:
    """Sites, people, study, donation, banks and a released lot."""
    script = Script(START)
    criteria, content = whole.study_of(cast.form)
    whole.prepare(script, content, criteria, form=cast.form)
    whole.make(script, cast, criteria)
    return script.in_order()


@lru_cache
def delivered(cast: Cast = CAST) -> Steps:
    """The same, and some of its bags accepted by the hospital."""
    script = Script(START)
    whole.deliver(script, cast)
    return in_order((*made(cast), *script.steps))


@lru_cache
def road(cast: Cast = CAST) -> Steps:
    """The whole road, to the closed dose."""
    script = Script(START)
    whole.treat(script, cast, whole.study_of(cast.form)[0])
    return in_order((*delivered(Cast(form=cast.form)), *script.steps))


def another_dose(cast: Cast, start: datetime) -> Steps:
    """A further dose whose bags are in the hospital: prepared and started at `start`, for somebody enrolled already."""
    script = Script(start)
    bedside.allocate(script, cast)
    bedside.thaw(script, cast, cast.dose_bags[0], minutes=-40)
    bedside.make_ready_at_the_bed(script, cast)
    bedside.start(script, cast)
    return script.in_order()


def another_participant(cast: Cast, start: datetime) -> Steps:
    """A further participant of the cohort, enrolled the day before `start`, up to the start of the infusion."""
    script = Script(start)
    bedside.enrol(script, cast, whole.study_of(cast.form)[0])
    return in_order((*script.steps, *another_dose(cast, start)))
