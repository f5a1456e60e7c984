"""A bank or a lot: what it is, what quality decided about it, its reviews, labels, deviations and results."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property

from custody.domain.acts import quality as quality_acts
from custody.domain.acts import release as release_acts
from custody.domain.acts.base import Act
from custody.domain.acts.manufacturing import (
    BagsFilled,
    BankFilled,
    BankStarted,
    BankStepRecorded,
    LabelsApplied,
    LabelsDestroyed,
    LabelsPrinted,
    LotStarted,
    LotStepRecorded,
)
from custody.domain.acts.quality import DeviationClosed, DeviationOpened
from custody.domain.acts.release import AuditTrailReviewed, BatchRecordReviewed, PendingTest
from custody.domain.criteria import StudyContent
from custody.domain.dossier import Deed, Dossier
from custody.domain.folds.base import MissingFact
from custody.domain.folds.judged import changed_at
from custody.domain.folds.results import Results
from custody.domain.folds.study import StudyFold
from custody.domain.ids import BankId, DoseId, LotId, Node, PersonId, ShipmentId, TissueId
from custody.domain.terms import Product, ProductForm, Tier

MADE: tuple[type[Act], ...] = (LotStarted, LotStepRecorded, BagsFilled, BankStarted, BankStepRecorded, BankFilled)
"""What the batch record tells."""

READ_IN_THE_TRAIL: tuple[type[Act], ...] = (
    *MADE,
    LabelsPrinted,
    LabelsApplied,
    LabelsDestroyed,
    quality_acts.SampleTaken,
    quality_acts.ResultRecorded,
    quality_acts.ResultReviewed,
    quality_acts.OutOfSpecificationOpened,
    quality_acts.OutOfSpecificationClosed,
    DeviationOpened,
    DeviationClosed,
)
"""The critical entries: how it was made, labelled and tested. Holds and decisions are judged by gates of their own."""


@dataclass(frozen=True)
class Quarantined:
    """Nobody has decided yet."""


@dataclass(frozen=True)
class Released:
    deed: Deed[release_acts.Released]


@dataclass(frozen=True)
class Conditional:
    """Released while tests of column C are pending."""

    deed: Deed[release_acts.ReleasedConditionally]

    @property
    def pending(self) -> tuple[PendingTest, ...]:
        return self.deed.act.pending


@dataclass(frozen=True)
class Rejected:
    """Final."""

    deed: Deed[release_acts.Rejected]


@dataclass(frozen=True)
class Recalled:
    """Final."""

    deed: Deed[quality_acts.Recalled]


Disposition = Quarantined | Released | Conditional | Rejected | Recalled


@dataclass(frozen=True)
class LotFold:
    dossier: Dossier
    node: BankId | LotId
    study: StudyFold

    @cached_property
    def started(self) -> Deed[LotStarted | BankStarted]:
        deed: Deed[LotStarted | BankStarted] | None = self.dossier.first(self.node, LotStarted) or self.dossier.first(
            self.node, BankStarted
        )
        if deed is None:
            raise MissingFact("lot_start", node=self.node)
        return deed

    @cached_property
    def filled(self) -> Deed[BagsFilled | BankFilled]:
        deed: Deed[BagsFilled | BankFilled] | None = self.dossier.last(self.node, BagsFilled) or self.dossier.last(self.node, BankFilled)
        if deed is None:
            raise MissingFact("lot_fill", node=self.node)
        return deed

    @property
    def product(self) -> Product:
        act = self.started.act
        return act.product if isinstance(act, LotStarted) else Product.CELLS

    @property
    def is_placebo(self) -> bool:
        return self.product is Product.PLACEBO

    @property
    def form(self) -> ProductForm:
        """How it is kept; banks are kept frozen."""
        act = self.started.act
        return act.form if isinstance(act, LotStarted) else ProductForm.FROZEN

    @property
    def tier(self) -> Tier:
        """The column of the release specification that judges it."""
        if isinstance(self.node, BankId):
            return Tier.BANK
        if self.is_placebo:
            return Tier.PLACEBO
        return Tier.FRESH_LOT if self.form is ProductForm.FRESH else Tier.FROZEN_LOT

    @cached_property
    def criteria(self) -> StudyContent:
        """The study version a lot names at its start; for a bank the one in force when it was started."""
        act = self.started.act
        if isinstance(act, LotStarted):
            return self.study.criteria(act.criteria_version)
        return self.study.criteria_at(self.started.recorded_at)

    @property
    def containers(self) -> int:
        """Bags or vials filled."""
        act = self.filled.act
        return len(act.bags) if isinstance(act, BagsFilled) else act.vials

    @property
    def label_cells(self) -> Decimal:
        """Viable cells in one bag or vial, as its label states."""
        act = self.filled.act
        return act.viable_cells_label if isinstance(act, BagsFilled) else act.viable_cells_per_vial

    @property
    def expires_at(self) -> datetime:
        """What the bag labels state."""
        act = self.filled.act
        if not isinstance(act, BagsFilled):
            raise MissingFact("label_expiry", node=self.node)
        return act.expires_at

    @property
    def phase(self) -> int | None:
        """The latest phase of the study that is open now; a lot is released for whatever dose may then need it."""
        return max((c.phase for c in self.study.criteria_now.cohorts if self.study.cohort_open(c.id) is not None), default=None)

    @cached_property
    def results(self) -> Results:
        return self.results_for(self.phase)

    def results_for(self, phase: int | None) -> Results:
        """The results as a dose of that phase needs them."""
        return Results(self.dossier, self.node, self.tier, self.criteria, phase, self.label_cells)

    @property
    def measured_cells_per_bag(self) -> Decimal:
        """Viable cells measured, per bag. Raises MissingFact where the count is only a bound, or was never measured."""
        return self.label_cells * self.results.measured("CNT") / 100

    @cached_property
    def disposition(self) -> Disposition:
        """Quality's decision as it stands; a recall or a rejection is final whatever came after it."""
        recalled = self.dossier.first(self.node, quality_acts.Recalled)
        if recalled is not None:
            return Recalled(recalled)
        rejected = self.dossier.first(self.node, release_acts.Rejected)
        if rejected is not None:
            return Rejected(rejected)
        decided = self.dossier.last(self.node, release_acts.Released, release_acts.ReleasedConditionally)
        if decided is None:
            return Quarantined()
        return Released(decided) if isinstance(decided.act, release_acts.Released) else Conditional(decided)  # type: ignore[arg-type]

    @property
    def pending(self) -> tuple[PendingTest, ...]:
        """Tests a conditional release waits for and that have not passed."""
        disposition = self.disposition
        waiting = disposition.pending if isinstance(disposition, Conditional) else ()
        return tuple(p for p in waiting if p.test not in self.results.tests or not self.results.tests[p.test].passed)

    def overdue(self, now: datetime) -> tuple[PendingTest, ...]:
        """Pending tests whose result is late; one due at this very moment is not yet."""
        return tuple(p for p in self.pending if now > self.due_at(p))

    def due_at(self, pending: PendingTest) -> datetime:
        """When a pending test is due; 14-day sterility never later than the study's own limit after filling."""
        if pending.test != "STE":
            return pending.due_at
        return min(pending.due_at, self.filled.act.filled_at + timedelta(days=self.criteria.settings.sterility_overdue_days))

    @property
    def pending_failed(self) -> tuple[str, ...]:
        """Tests that may be pending and have failed."""
        return tuple(t.code for t in self.results.may_be_pending if t.failed)

    @property
    def batch_reviews(self) -> tuple[Deed[BatchRecordReviewed], ...]:
        """Reviews of the batch record made after its last step and its last correction."""
        return tuple(d for d in self.dossier.deeds(self.node, BatchRecordReviewed) if not any(self._unread(d, MADE)))

    @property
    def trail_reviews(self) -> tuple[Deed[AuditTrailReviewed], ...]:
        """Reviews of the audit trail that reach the last critical entry and the last correction."""
        return tuple(d for d in self.dossier.deeds(self.node, AuditTrailReviewed) if not any(self._unread(d, READ_IN_THE_TRAIL)))

    def _unread(self, review: Deed[BatchRecordReviewed | AuditTrailReviewed], kinds: tuple[type[Act], ...]) -> Iterator[Deed[Act]]:
        """Deeds of these kinds that the reviewer cannot have read. Nobody reads further than their own entry."""
        read_to = review.began.position - 1
        if isinstance(review.act, AuditTrailReviewed):
            read_to = min(read_to, review.act.up_to_position)
        for deed in self.dossier.deeds(self.node, *kinds):
            if deed.entry.position > read_to or (deed.corrected and changed_at(deed) > review.recorded_at):
                yield deed

    @property
    def reviewers(self) -> frozenset[PersonId]:
        """Everyone who reviewed its batch record or audit trail, however long ago."""
        reviews = self.dossier.deeds(self.node, BatchRecordReviewed, AuditTrailReviewed)
        return frozenset().union(*(d.persons for d in reviews))

    @property
    def labels_printed(self) -> tuple[Deed[LabelsPrinted], ...]:
        return self.dossier.deeds(self.node, LabelsPrinted)

    @property
    def labels_applied(self) -> tuple[Deed[LabelsApplied], ...]:
        return self.dossier.deeds(self.node, LabelsApplied)

    @property
    def labels_destroyed(self) -> tuple[Deed[LabelsDestroyed], ...]:
        return self.dossier.deeds(self.node, LabelsDestroyed)


def open_deviations(dossier: Dossier, *nodes: Node) -> tuple[Deed[DeviationOpened], ...]:
    """Deviations of these nodes that were not closed after they were opened."""
    return tuple(d for node in nodes if isinstance(node, (TissueId, BankId, LotId, ShipmentId, DoseId)) for d in _open_on(dossier, node))


def _open_on(dossier: Dossier, node: Node) -> tuple[Deed[DeviationOpened], ...]:
    closings = dossier.deeds(node, DeviationClosed)
    return tuple(
        d
        for d in dossier.deeds(node, DeviationOpened)
        if not any(c.act.deviation == d.act.deviation and c.entry.position > d.entry.position for c in closings)
    )
