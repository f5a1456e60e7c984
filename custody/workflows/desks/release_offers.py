"""Why a step of the release desk cannot be taken now, beside duty and order: a help for people, the gates still decide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from custody.domain.folds.lot import Conditional, LotFold, Quarantined, Released
from custody.domain.terms import ProductForm
from custody.workflows.desks.offers import Offer, Why
from custody.workflows.desks.preview import Preview

BLOCKED = "desk.release.why_blocked"
"""Worded from the preview by the page."""


def with_own_reasons(offer: Offer, lot: LotFold, full: Preview, conditional: Preview | None) -> Offer:
    """`full` and `conditional`: what the hold point says now of either release; None where a condition is not possible."""
    told = _REASONS.get(offer.act)
    if offer.why_not is not None or told is None:
        return offer
    key = told(lot, full, conditional)
    return replace(offer, why_not=Why(key=key)) if key else offer


def _why_not_released(lot: LotFold, full: Preview, _conditional: Preview | None) -> str:
    if isinstance(lot.disposition, Released):
        return "desk.release.why_released"
    return BLOCKED if full.blocking else ""


def _why_not_conditional(lot: LotFold, _full: Preview, conditional: Preview | None) -> str:
    if not isinstance(lot.disposition, Quarantined):
        return "desk.release.why_decided"
    if lot.form is not ProductForm.FRESH:
        return "desk.release.why_not_fresh"
    if conditional is None:
        return "desk.release.why_nothing_pending"
    return BLOCKED if conditional.blocking else ""


def _why_not_rejected(lot: LotFold, _full: Preview, _conditional: Preview | None) -> str:
    if isinstance(lot.disposition, Released):
        return "desk.release.why_recall_instead"
    return "" if isinstance(lot.disposition, Quarantined | Conditional) else "desk.release.why_decided"


def _why_no_batch_review(lot: LotFold, _full: Preview, _conditional: Preview | None) -> str:
    return "desk.release.why_batch_reviewed" if lot.batch_reviews else ""


def _why_no_trail_review(lot: LotFold, _full: Preview, _conditional: Preview | None) -> str:
    return "desk.release.why_trail_reviewed" if lot.trail_reviews else ""


_REASONS: dict[str, Callable[[LotFold, Preview, Preview | None], str]] = {
    "released": _why_not_released,
    "released_conditionally": _why_not_conditional,
    "rejected": _why_not_rejected,
    "batch_record_reviewed": _why_no_batch_review,
    "audit_trail_reviewed": _why_no_trail_review,
}
