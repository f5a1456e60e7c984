"""The quality control desk: which banks, lots and doses wait for what, and the sheet of one with every result it ever had."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from custody.domain.acts.quality import OutOfSpecificationOpened, SampleTaken
from custody.domain.acts.release import ResultsConcluded
from custody.domain.folds.base import MissingFact
from custody.domain.folds.study import StudyFold
from custody.domain.ids import BankId, DoseId, LotId, Node
from custody.domain.masking import Seen, Viewer
from custody.domain.terms import Need, Tier
from custody.errors import NotFoundError
from custody.workflows.desks.day import LAST
from custody.workflows.desks.offers import Offer, Why, offers
from custody.workflows.desks.tested import (
    ORDER,
    Investigation,
    Result,
    Sample,
    SpecifiedTest,
    Tested,
    investigations,
    samples,
    tested,
    tests,
)
from custody.workflows.desks.things import listed, opened
from custody.workflows.people import Present

KINDS = ("lot", "bank", "dose")


@dataclass(frozen=True, kw_only=True)
class Counts:
    """How many tests stand how; `next` is the act that takes the thing on."""

    failed: int
    not_investigated: int
    investigations: int
    unreviewed: int
    missing: int
    total: int
    next: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the queue."""

    node: BankId | LotId | DoseId
    counts: Counts
    due_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class QcQueue:
    rows: tuple[Row, ...]
    unreadable: tuple[Node, ...]
    cut: bool
    as_of: datetime


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """Everything quality control knows of one thing, and what this person may do about it."""

    node: BankId | LotId | DoseId
    tier: Tier
    criteria_version: int
    disposition: str
    due_at: datetime | None
    counts: Counts
    samples: tuple[Sample, ...]
    tests: tuple[SpecifiedTest, ...]
    investigations: tuple[Investigation, ...]
    offers: tuple[Offer, ...]

    def test(self, code: str) -> SpecifiedTest | None:
        return next((test for test in self.tests if test.code == code), None)

    def result(self, digest: str) -> tuple[SpecifiedTest, Result] | None:
        """The result with this digest, and its test."""
        return next(((test, result) for test in self.tests for result in test.results if result.digest.value == digest), None)


def queue(connection: Connection, viewer: Viewer, now: datetime) -> Seen[QcQueue]:
    """What waits in quality control: failed results first, then the nearest deadline."""
    found = listed(connection, viewer, KINDS)
    rows: list[Row] = []
    unreadable = list(found.broken)
    for node in found.nodes:
        try:
            judged = tested(found.dossier, node, found.study)
        except MissingFact:
            continue  # not filled yet: there is nothing to test
        if judged.is_over or not judged.is_begun:
            continue
        counts = _counts(judged)
        if counts.next:
            rows.append(Row(node=judged.node, counts=counts, due_at=judged.due_at))
    rows.sort(key=lambda row: (not row.counts.not_investigated, not row.counts.failed, row.due_at or LAST))
    return Seen(QcQueue(rows=tuple(rows), unreadable=tuple(unreadable), cut=found.cut, as_of=now))


def sheet(connection: Connection, viewer: Viewer, present: Present, node: Node, acts: tuple[str, ...]) -> Seen[Sheet]:
    """The sheet of one bank, lot or dose. Raises NotFoundError for a thing that is unknown, hidden, or not filled yet."""
    dossier = opened(connection, viewer, node)
    study = None if viewer.study is None else StudyFold(dossier, viewer.study)
    try:
        judged = tested(dossier, node, study)
    except MissingFact as error:
        raise NotFoundError(f"{node} is not filled yet, so there is nothing to test", code="nothing_to_test", what=node.key) from error
    counts = _counts(judged)
    return Seen(
        Sheet(
            node=judged.node,
            tier=judged.results.tier,
            criteria_version=judged.criteria.version,
            disposition=type(judged.lot.disposition).__name__.lower() if judged.lot is not None else "",
            due_at=judged.due_at,
            counts=counts,
            samples=tuple(samples(judged)),
            tests=tuple(sorted(tests(judged), key=lambda test: ORDER.index(test.state))),
            investigations=tuple(investigations(judged)),
            offers=tuple(_with_own_reasons(each, judged, counts, present) for each in offers(dossier, present, viewer.study, node, acts)),
        )
    )


def _counts(judged: Tested) -> Counts:
    every = tuple(judged.results.tests.values())
    failing = {result.digest for result in judged.results.failing}
    open_now = judged.results.open_investigations
    investigated = {deed.act.result for deed in judged.dossier.deeds(judged.node, OutOfSpecificationOpened)}
    made = Counts(
        failed=len(failing),
        not_investigated=len(failing - investigated),
        investigations=len(open_now),
        unreviewed=sum(not result.is_reviewed for test in every for result in test.results),
        missing=sum(test.need is Need.MUST_PASS and test.counts is None for test in every),
        total=sum(test.need is not Need.NOT_TESTED for test in every),
        next="",
    )
    return replace(made, next=_next(judged, made))


def _next(judged: Tested, counts: Counts) -> str:
    """The step that usually follows; a failed result without an investigation comes before everything."""
    if counts.not_investigated:
        return "out_of_specification_opened"
    if counts.unreviewed:
        return "result_reviewed"
    if counts.missing:
        return "result_recorded" if judged.dossier.last(judged.node, SampleTaken) is not None else "sample_taken"
    if counts.investigations:
        return "out_of_specification_closed"
    if judged.lot is not None and judged.dossier.last(judged.node, ResultsConcluded) is None:
        return "results_concluded"
    return ""


def _with_own_reasons(offer: Offer, judged: Tested, counts: Counts, present: Present) -> Offer:
    """Reasons only this desk knows, beside duty and order."""
    if offer.why_not is not None:
        return offer
    key = ""
    if offer.act == "result_reviewed":
        key = _why_no_review(judged, present) if counts.unreviewed else "why_all_reviewed"
    elif offer.act == "out_of_specification_opened" and not counts.failed:
        key = "why_nothing_failed"
    elif offer.act == "out_of_specification_closed" and not counts.investigations:
        key = "why_no_investigation"
    elif offer.act == "results_concluded" and counts.unreviewed:
        key = "why_unreviewed"
    return Offer(act=offer.act, why_not=Why(key=f"desk.quality_control.{key}")) if key else offer


def _why_no_review(judged: Tested, present: Present) -> str:
    """A result is reviewed by somebody who did not measure it (rules section 7)."""
    waiting = [result for test in judged.results.tests.values() for result in test.results if not result.is_reviewed]
    return "why_own_results" if all(present.person in result.analysts for result in waiting) else ""
