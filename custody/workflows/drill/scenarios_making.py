"""Scenarios 1 and 3 to 13: consent, donor, cord, manufacture, results and release."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from custody.domain.acts.donation import CordCollected
from custody.domain.acts.manufacturing import LotStepRecorded, ProcessingStarted
from custody.domain.acts.people import RoleGranted
from custody.domain.ids import AccountId
from custody.domain.terms import DonorTestOutcome, Role
from custody.workflows.drill.chains import Chain, asked
from custody.workflows.drill.roads import CAST, START, made
from custody.workflows.rehearsal.editing import Steps, changed, delayed, dropped, inserted, moved, signed_by, step_of
from custody.workflows.rehearsal.places import MEDIUM
from custody.workflows.rehearsal.road import ADMIN, QP
from custody.workflows.rehearsal.steps import people

BORN_TO_PROCESSING = timedelta(hours=48, minutes=1)


def late_consent() -> tuple[Chain, ...]:
    signed_at = _collection().delivered_at + timedelta(minutes=10)
    road = moved(made(), "consent_signed", signed_at + timedelta(minutes=1), signed_at=signed_at)
    return (asked(road, "cord_collected"),)


def late_sample() -> tuple[Chain, ...]:
    taken_at = _collection().delivered_at + timedelta(days=8)
    road = moved(made(), "donor_sampled", taken_at + timedelta(minutes=5), taken_at=taken_at)
    road = delayed(road, "donor_test_resulted", timedelta(days=8), "reported_at")
    road = delayed(road, "eligibility_determined", timedelta(days=8))
    return (asked(road, "eligibility_determined"),)


def reactive_core_antibody() -> tuple[Chain, ...]:
    road = changed(made(), "donor_test_resulted", where=lambda act: act.test == "HBC_AB", outcome=DonorTestOutcome.REACTIVE)
    return (asked(road, "eligibility_determined"),)


def late_processing() -> tuple[Chain, ...]:
    started_at = _collection().delivered_at + BORN_TO_PROCESSING
    return (asked(moved(made(), "processing_started", started_at, started_at=started_at), "processing_started"),)


def expired_medium() -> tuple[Chain, ...]:
    started = step_of(made(), "processing_started").act
    assert isinstance(started, ProcessingStarted)
    expires_at = started.started_at - timedelta(days=1)
    road = changed(made(), "material_received", where=lambda act: act.material == MEDIUM, expires_at=expires_at)
    return (asked(road, "processing_started"),)


def passage_seven() -> tuple[Chain, ...]:
    step = step_of(made(), "lot_step_recorded").act
    assert isinstance(step, LotStepRecorded)
    return (asked(changed(made(), "lot_step_recorded", culture=replace(step.culture, passage=7)), "lot_step_recorded"),)


def bad_phenotype() -> tuple[Chain, ...]:
    return _at_review_and_release(_with_result("CD34", result="2.1"))


def low_viability() -> tuple[Chain, ...]:
    return _at_review_and_release(_with_result("VIA", result="79.9"))


def high_endotoxin() -> tuple[Chain, ...]:
    return _at_review_and_release(_with_result("END", result="0.51"))


def strange_unit() -> tuple[Chain, ...]:
    return _at_review_and_release(_with_result("END", result="0.05", unit="ng/ml"))


def no_mycoplasma_result() -> tuple[Chain, ...]:
    return _at_review_and_release(dropped(made(), "result_recorded", where=lambda act: act.node == CAST.lot and act.test == "MYCN"))


def reviewer_releases() -> tuple[Chain, ...]:
    """The qualified person also holds the reviewer's role, reviews, and then signs the release."""
    since = START - timedelta(days=100)
    role = RoleGranted(account=AccountId(QP), role=Role.QA_REVIEWER, site=people()[QP].site, study=None, valid_from=since.date())
    road = inserted(made(), role, ADMIN, at=since)
    for review in ("batch_record_reviewed", "audit_trail_reviewed"):
        road = signed_by(road, review, QP, nth=-1)
    return (asked(road, "released", where=_of_the_lot),)


def _collection() -> CordCollected:
    act = step_of(made(), "cord_collected").act
    assert isinstance(act, CordCollected)
    return act


def _with_result(test: str, **fields: Any) -> Steps:
    return changed(made(), "result_recorded", where=lambda act: act.node == CAST.lot and act.test == test, **fields)


def _of_the_lot(act: Any) -> bool:
    return bool(act.node == CAST.lot)


def _at_review_and_release(road: Steps) -> tuple[Chain, ...]:
    """At the conclusion of the results; and at release, asked for although nobody concluded them."""
    return (
        asked(road, "results_concluded", where=_of_the_lot),
        asked(dropped(road, "results_concluded", where=_of_the_lot), "released", where=_of_the_lot),
    )
