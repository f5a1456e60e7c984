"""The release desk: what waits for a decision by its deadline, and one bank or lot with everything that decides it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from custody.domain.acts.release import PendingTest, ReleasedConditionally
from custody.domain.dossier import Deed, Dossier
from custody.domain.folds.base import MissingFact
from custody.domain.folds.lot import Conditional, LotFold, Quarantined, Recalled, Rejected, Released
from custody.domain.folds.study import StudyFold
from custody.domain.ids import BankId, Digest, LotId, Node
from custody.domain.masking import Seen, Viewer
from custody.domain.terms import HoldPoint, Product, ProductForm
from custody.errors import NotFoundError
from custody.workflows.desks import lot_record
from custody.workflows.desks.day import LAST
from custody.workflows.desks.exceptions import ExceptionAsked, waiting_exceptions
from custody.workflows.desks.foreseen_once import foreseen_once
from custody.workflows.desks.lot_record import Deviation, EntryRead, Review
from custody.workflows.desks.offers import Offer, offers
from custody.workflows.desks.preview import Preview, foreseen, plain_act
from custody.workflows.desks.release_offers import with_own_reasons
from custody.workflows.desks.tested import ORDER, SpecifiedTest, tested, tests
from custody.workflows.desks.things import listed, opened
from custody.workflows.people import Present

KINDS = ("lot", "bank", "dose")
OF_QUALITY_CONTROL = frozenset({"QC-UNIT", "QC-MISS", "QC-FAIL", "QC-REVIEW", "QC-OOS", "REL-TEST"})
"""Rules that wait for quality control; a review signed before they hold would have to be signed again."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One bank or lot that waits for a decision. `next`: the step of this desk; empty while it waits for somebody else."""

    node: BankId | LotId
    disposition: str
    foreseen: Preview
    pending: tuple[PendingTest, ...]
    next: str
    due_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class ReleaseQueue:
    rows: tuple[Row, ...]
    exceptions: tuple[ExceptionAsked, ...]
    unreadable: tuple[Node, ...]
    cut: bool
    as_of: datetime


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What quality decided: by whom, when; for a rejection with its coded reason and text."""

    by: str
    at: datetime
    digest: Digest
    reason_code: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Labels:
    printed: int
    applied: int
    destroyed: int


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """Everything that decides about one bank or lot. `conditional`: what a conditional release would meet, where one is possible."""

    node: BankId | LotId
    disposition: str
    decision: Decision | None
    criteria_version: int
    product: Product
    form: ProductForm
    containers: int
    expires_at: datetime | None
    due_at: datetime | None
    foreseen: Preview
    conditional: Preview | None
    may_be_pending: tuple[PendingTest, ...]
    pending: tuple[PendingTest, ...]
    tests: tuple[SpecifiedTest, ...]
    reviews: tuple[Review, ...]
    batch_record: tuple[EntryRead, ...]
    trail: tuple[EntryRead, ...]
    unread: frozenset[Digest]
    last_position: int
    deviations: tuple[Deviation, ...]
    labels: Labels
    next: str
    entry: Callable[[Digest], EntryRead | None]
    offers: tuple[Offer, ...]


def queue(connection: Connection, viewer: Viewer, now: datetime) -> Seen[ReleaseQueue]:
    """Banks and lots without a final decision, the nearest deadline first, and exceptional releases that somebody asked for."""
    found = listed(connection, viewer, KINDS)
    rows = []
    for node in found.nodes:
        if not isinstance(node, BankId | LotId) or found.study is None:
            continue
        try:
            row = _row(found.dossier, viewer, LotFold(found.dossier, node, found.study), now)
        except MissingFact:
            continue  # not filled yet: there is nothing to decide
        if row is not None:
            rows.append(row)
    return Seen(
        ReleaseQueue(
            rows=tuple(sorted(rows, key=lambda row: row.due_at or LAST)),
            exceptions=waiting_exceptions(found.dossier, found.study, found.nodes),
            unreadable=found.broken,
            cut=found.cut,
            as_of=now,
        )
    )


def _row(dossier: Dossier, viewer: Viewer, lot: LotFold, now: datetime) -> Row | None:
    """None for what is decided for good."""
    _ = lot.filled
    if not isinstance(lot.disposition, Quarantined | Conditional):
        return None
    preview = foreseen_once(dossier, viewer, HoldPoint.RELEASE, lot.node, now)
    return Row(
        node=lot.node,
        disposition=disposition_word(lot),
        foreseen=preview,
        pending=lot.pending,
        next=next_step(lot, preview),
        due_at=tested(dossier, lot.node, lot.study).due_at,
    )


def disposition_word(lot: LotFold) -> str:
    return type(lot.disposition).__name__.lower()


def sheet(connection: Connection, viewer: Viewer, present: Present, node: Node, acts: tuple[str, ...], now: datetime) -> Seen[Sheet]:
    """One bank or lot. Raises NotFoundError for one that is unknown, hidden, or not filled yet."""
    dossier = opened(connection, viewer, node)
    if viewer.study is None or not isinstance(node, BankId | LotId):
        raise NotFoundError(f"there is no {node.kind} at this desk", code="unknown_thing", kind=node.kind, seen=node)
    lot = LotFold(dossier, node, StudyFold(dossier, viewer.study))
    try:
        found = _sheet(viewer, present, lot, now)
    except MissingFact as error:
        raise NotFoundError(f"{node} is not filled yet, so there is nothing to decide", code="nothing_to_test", what=node.key) from error
    every = offers(dossier, present, viewer.study, node, acts)
    return Seen(replace(found, offers=tuple(with_own_reasons(each, lot, found.foreseen, found.conditional) for each in every)))


def _sheet(viewer: Viewer, present: Present, lot: LotFold, now: datetime) -> Sheet:
    judged = tested(lot.dossier, lot.node, lot.study)
    preview = _foreseen(viewer, present, lot, now)
    may_be_pending = open_pending(lot)
    return Sheet(
        node=lot.node,
        disposition=disposition_word(lot),
        decision=_decision(lot),
        criteria_version=lot.criteria.version,
        product=lot.product,
        form=lot.form,
        containers=lot.containers,
        expires_at=lot.expires_at if isinstance(lot.node, LotId) else None,
        due_at=judged.due_at,
        foreseen=preview,
        conditional=_conditional(viewer, present, lot, may_be_pending, now),
        may_be_pending=may_be_pending,
        pending=lot.pending,
        tests=tuple(sorted(tests(judged), key=lambda test: ORDER.index(test.state))),
        reviews=tuple(lot_record.reviews(lot)),
        batch_record=lot_record.batch_record(lot),
        trail=lot_record.critical_trail(lot),
        unread=frozenset(entry.digest for entry in lot_record.unread_entries(lot)),
        last_position=lot_record.last_position(lot),
        deviations=lot_record.deviations_over(lot.dossier, lot.node),
        labels=Labels(
            printed=sum(deed.act.copies for deed in lot.labels_printed),
            applied=sum(deed.act.copies for deed in lot.labels_applied),
            destroyed=sum(deed.act.copies for deed in lot.labels_destroyed),
        ),
        next=next_step(lot, preview),
        entry=lot_record.lookup(lot.dossier),
        offers=(),
    )


def _foreseen(viewer: Viewer, present: Present, lot: LotFold, now: datetime) -> Preview:
    """What G6 says now, signed by this person where one of their roles may sign."""
    act = plain_act(HoldPoint.RELEASE, lot.node)
    return foreseen(lot.dossier, viewer, act, HoldPoint.RELEASE, now, present=present).value


def _conditional(viewer: Viewer, present: Present, lot: LotFold, pending: tuple[PendingTest, ...], now: datetime) -> Preview | None:
    if not isinstance(lot.node, LotId) or lot.form is not ProductForm.FRESH or not pending:
        return None
    act = ReleasedConditionally(lot=lot.node, pending=pending)
    return foreseen(lot.dossier, viewer, act, HoldPoint.RELEASE, now, present=present).value


def open_pending(lot: LotFold) -> tuple[PendingTest, ...]:
    """Tests of column C that have not passed nor failed, each with the day on which its method can first be read."""
    settings = lot.criteria.settings
    days = {"STE": settings.sterility_days, "MYCC": settings.mycoplasma_culture_days}
    filled_at = lot.filled.act.filled_at
    waiting = (test for test in lot.results.may_be_pending if not test.passed and not test.failed)
    return tuple(
        PendingTest(test=test.code, due_at=filled_at + timedelta(days=days.get(test.code, settings.sterility_days))) for test in waiting
    )


def _decision(lot: LotFold) -> Decision | None:
    match lot.disposition:
        case Released(deed):
            return _decided(deed)
        case Conditional(deed):
            return _decided(deed)
        case Rejected(deed):
            return _decided(deed, deed.act.reason_code, deed.act.reason)
        case Recalled(deed):
            return _decided(deed, deed.act.recall, deed.act.reason)
        case _:
            return None


def _decided(deed: Deed, code: str = "", reason: str = "") -> Decision:  # type: ignore[type-arg]
    return Decision(by=deed.signers[0].printed_name, at=deed.recorded_at, digest=deed.digest, reason_code=code, reason=reason)


def next_step(lot: LotFold, preview: Preview) -> str:
    """The step of this desk that comes next; empty while quality control or somebody else must act first."""
    decided = not isinstance(lot.disposition, Quarantined | Conditional)
    if decided or (isinstance(lot.disposition, Conditional) and lot.pending):
        return ""
    waits = {each.gate for each in preview.blocking}
    with_tests_open = lot.form is ProductForm.FRESH and bool(open_pending(lot)) and not lot.results.failing
    if waits & OF_QUALITY_CONTROL and not with_tests_open:
        return ""
    if not lot.batch_reviews:
        return "batch_record_reviewed"
    if not lot.trail_reviews:
        return "audit_trail_reviewed"
    others = waits - OF_QUALITY_CONTROL - {"REL-ROLE", "REL-SELF"}
    return "" if others else "released_conditionally" if waits & OF_QUALITY_CONTROL else "released"
