"""Exceptional releases on their way: what a physician asked for, which of the five steps are signed, what hold point X would say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from custody.domain.acts.release import ExceptionRequested, ExceptionRiskEvaluated, ExceptionSponsorNotified, ReleasedExceptionally
from custody.domain.dossier import Dossier
from custody.domain.folds.base import MissingFact
from custody.domain.folds.exception import STEPS, ExceptionFold
from custody.domain.folds.judged import shown_limit, shown_result
from custody.domain.folds.study import StudyFold
from custody.domain.ids import DoseId, Node
from custody.domain.masking import Seen, Viewer
from custody.domain.terms import HoldPoint
from custody.workflows.desks.offers import Offer, Why, offers
from custody.workflows.desks.preview import Preview, foreseen
from custody.workflows.desks.things import opened
from custody.workflows.people import Present

BLOCKED = "desk.release.why_blocked"


@dataclass(frozen=True, kw_only=True)
class ExceptionStep:
    """One of the steps (a) to (e) of rules section 9.4; nobody's while it is open. `text`: what was written."""

    act: str
    by: str = ""
    at: datetime | None = None
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class ExceptionAsked:
    """A dose for which somebody asked. `next`: the step that is missing; the release itself when all are signed, empty when it stands."""

    dose: DoseId
    request: ExceptionRequested
    asked_at: datetime
    steps: tuple[ExceptionStep, ...]
    next: str
    valid_until: datetime | None


@dataclass(frozen=True, kw_only=True)
class ExceptionSheet:
    """`seen` and `expected`: the failed result and its limit, empty where the result named does not stand failed."""

    asked: ExceptionAsked | None
    dose: DoseId
    seen: str
    expected: str
    foreseen: Preview | None
    offers: tuple[Offer, ...]


def waiting_exceptions(dossier: Dossier, study: StudyFold | None, nodes: Iterable[Node]) -> tuple[ExceptionAsked, ...]:
    """Exceptional releases that were asked for and not given yet, oldest first."""
    if study is None:
        return ()
    asked = (asked_for(ExceptionFold(dossier, node, study)) for node in nodes if isinstance(node, DoseId))
    return tuple(sorted((each for each in asked if each is not None and each.next), key=lambda each: each.asked_at))


def asked_for(fold: ExceptionFold) -> ExceptionAsked | None:
    """How far an exceptional release has come; None where nobody asked."""
    request = fold.request
    if request is None:
        return None
    given = any((d.act.lot, d.act.test, d.act.result) == (request.act.lot, request.act.test, request.act.result) for d in fold.releases)
    missing = fold.first_step_out_of_order
    return ExceptionAsked(
        dose=fold.node,
        request=request.act,
        asked_at=request.at,
        steps=tuple(_step(fold, n) for n in range(len(STEPS))),
        next="" if given else missing.rule.name if missing is not None else ReleasedExceptionally.rule.name,
        valid_until=_valid_until(fold),
    )


def _valid_until(fold: ExceptionFold) -> datetime | None:
    try:
        return fold.valid_until
    except MissingFact:
        return None


def _step(fold: ExceptionFold, n: int) -> ExceptionStep:
    deed, kind = fold.steps[n], STEPS[n]
    if deed is None:
        return ExceptionStep(act=kind.rule.name)
    text = ""
    match deed.act:
        case ExceptionRequested(hazard_if_not_treated=hazard, alternatives_considered=alternatives):
            text = f"{hazard} · {alternatives}"
        case ExceptionRiskEvaluated(evaluation=evaluation):
            text = evaluation
        case ExceptionSponsorNotified(authority_notice=notice):
            text = notice
    return ExceptionStep(act=kind.rule.name, by=deed.signers[0].printed_name, at=deed.at, text=text)


def sheet(
    connection: Connection, viewer: Viewer, present: Present, node: DoseId, acts: tuple[str, ...], now: datetime
) -> Seen[ExceptionSheet]:
    """One dose at the release desk. Raises NotFoundError for one that is unknown or hidden."""
    dossier = opened(connection, viewer, node)
    every = offers(dossier, present, viewer.study, node, acts)
    empty = ExceptionSheet(asked=None, dose=node, seen="", expected="", foreseen=None, offers=every)
    if viewer.study is None:
        return Seen(empty)
    fold = ExceptionFold(dossier, node, StudyFold(dossier, viewer.study))
    asked = asked_for(fold)
    if asked is None:
        return Seen(empty)
    request = asked.request
    act = ReleasedExceptionally(dose=node, lot=request.lot, test=request.test, result=request.result)
    preview = foreseen(dossier, viewer, act, HoldPoint.EXCEPTION, now, present=present).value
    seen, expected = _failed(fold, request)
    return Seen(
        ExceptionSheet(
            asked=asked,
            dose=node,
            seen=seen,
            expected=expected,
            foreseen=preview,
            offers=tuple(_with_own_reasons(each, asked, preview) for each in every),
        )
    )


def _failed(fold: ExceptionFold, request: ExceptionRequested) -> tuple[str, str]:
    try:
        failed = fold.failed_result(request.lot, request.result)
        return (
            ("", "") if failed is None else (shown_result(failed.result.deed.act), shown_limit(failed.test.row.limit(failed.results.tier)))
        )
    except MissingFact:
        return "", ""


def _with_own_reasons(offer: Offer, asked: ExceptionAsked, preview: Preview) -> Offer:
    if offer.why_not is not None or offer.act != ReleasedExceptionally.rule.name:
        return offer
    if not asked.next:
        return replace(offer, why_not=Why(key="desk.release.why_exception_given"))
    return replace(offer, why_not=Why(key=BLOCKED)) if preview.blocking else offer
