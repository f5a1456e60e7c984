"""The bench: which tissues, banks and lots wait for a step of manufacturing, until when, and how far their culture has grown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from custody.domain.acts.donation import TissueArrived
from custody.domain.acts.manufacturing import (
    BagsFilled,
    BankFilled,
    BankStepRecorded,
    LabelsApplied,
    LabelsDestroyed,
    LabelsPrinted,
    LotStepRecorded,
    PrimaryCultureHarvested,
)
from custody.domain.acts.quality import SampleTaken
from custody.domain.dossier import Dossier
from custody.domain.folds.base import MissingFact
from custody.domain.folds.lot import LotFold, Quarantined
from custody.domain.folds.registers import span
from custody.domain.folds.study import StudyFold
from custody.domain.folds.tissue import TissueFold
from custody.domain.ids import BankId, LotId, Node, TissueId
from custody.domain.masking import Seen, Viewer
from custody.store import lookups
from custody.workflows.desks.day import LAST
from custody.workflows.desks.lineage import Culture, culture_of
from custody.workflows.desks.things import listed
from custody.workflows.people import Present
from custody.workflows.standing import Fault, standing
from custody.workflows.worklist import Waiting, waiting_for

KINDS = ("tissue", "bank", "lot")
PRODUCTS = (TissueId, BankId, LotId)
Product = TissueId | BankId | LotId


@dataclass(frozen=True, kw_only=True)
class Labels:
    """Copies of labels: what was printed must be applied or destroyed."""

    printed: int
    applied: int
    destroyed: int

    @property
    def open(self) -> int:
        return self.printed - self.applied - self.destroyed


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the queue. `state` is a key of the catalogue; `due_at`: when processing must have begun."""

    node: Product
    state: str
    next: str
    culture: Culture | None
    blocked: tuple[Fault, ...]
    due_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class BenchQueue:
    """`here` waits for a step of the bench, `blocked` is held; `to_sign` are acts of others that this person may verify."""

    to_sign: tuple[Waiting, ...]
    here: tuple[Row, ...]
    blocked: tuple[Row, ...]
    unreadable: tuple[Node, ...]
    cut: bool


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Where a product is in the making; an empty `next`: the bench has done its part."""

    state: str
    next: str


DONE = Stage(state="state.made", next="")


def queue(connection: Connection, viewer: Viewer, present: Present, now: datetime) -> Seen[BenchQueue]:
    """What waits at the bench: cords first, by the hours they have left."""
    found = listed(connection, viewer, KINDS)
    study = found.study
    products = [node for node in found.nodes if isinstance(node, PRODUCTS)]
    rows = [_row(connection, found.dossier, viewer, study, node, now) for node in products] if study is not None else []
    waiting = sorted((row for row in rows if row is not None), key=lambda row: row.due_at or LAST)
    return Seen(
        BenchQueue(
            to_sign=tuple(
                each
                for each in waiting_for(connection, viewer, present, now).value
                if each.mine and each.node.kind in {*KINDS, "bag", "material", "equipment"}
            ),
            here=tuple(row for row in waiting if not row.blocked),
            blocked=tuple(row for row in waiting if row.blocked),
            unreadable=found.broken,
            cut=found.cut,
        )
    )


def _row(connection: Connection, dossier: Dossier, viewer: Viewer, study: StudyFold, node: Product, now: datetime) -> Row | None:
    stage = stage_of(connection, dossier, study, node)
    faults = standing(dossier, viewer, node, now).blocked
    own = tuple(fault for fault in faults if fault.node in {None, node})
    if not stage.next and not (own and isinstance(node, BankId)):
        return None  # a made lot is not at the bench any more; vials of a made bank are still drawn here
    return Row(
        node=node,
        state=stage.state,
        next=stage.next,
        culture=culture_of(dossier, study, node),
        blocked=faults if stage.next else own,
        due_at=process_by(dossier, study, node) if stage.next == "processing_started" or stage.state.startswith("state.tissue") else None,
    )


def stage_of(connection: Connection, dossier: Dossier, study: StudyFold, node: Product) -> Stage:
    """What the bench does next with a product, as the record has it."""
    if isinstance(node, TissueId):
        return _stage_of_tissue(connection, dossier, study, node)
    lot = LotFold(dossier, node, study)
    if not isinstance(lot.disposition, Quarantined):
        return DONE
    if dossier.last(node, BagsFilled, BankFilled) is None:
        grown = dossier.last(node, BankStepRecorded, LotStepRecorded) is not None
        kind = "bank" if isinstance(node, BankId) else "lot"
        fill = "bank_filled" if kind == "bank" else "bags_filled"
        return Stage(state="state.to_fill", next=fill) if grown else Stage(state="state.to_culture", next=f"{kind}_step_recorded")
    return _after_fill(dossier, node)


def _after_fill(dossier: Dossier, node: BankId | LotId) -> Stage:
    """Labels first, for nothing unlabelled may leave the bench; then the sample."""
    labels = labels_of(dossier, node)
    steps = (
        (not labels.printed, "state.to_print", "labels_printed"),
        (not labels.applied, "state.to_label", "labels_applied"),
        (labels.open > 0, "state.to_reconcile", "labels_destroyed"),
        (dossier.last(node, SampleTaken) is None, "state.to_sample", "sample_taken"),
    )
    return next((Stage(state=state, next=act) for waits, state, act in steps if waits), DONE)


def _stage_of_tissue(connection: Connection, dossier: Dossier, study: StudyFold, node: TissueId) -> Stage:
    tissue = TissueFold(dossier, node, study)
    steps = (
        (dossier.last(node, TissueArrived) is None, "state.tissue_coming", "tissue_arrived"),
        (tissue.accepted is None, "state.tissue_arrived", "tissue_accepted"),
        (tissue.processing_started is None, "state.tissue_accepted", "processing_started"),
        (dossier.last(node, PrimaryCultureHarvested) is None, "state.processing", "primary_culture_harvested"),
        (not _is_banked(connection, node), "state.to_bank", "bank_started"),
    )
    return DONE if tissue.rejected is not None else next((Stage(state=state, next=act) for waits, state, act in steps if waits), DONE)


def _is_banked(connection: Connection, node: TissueId) -> bool:
    return any(name.startswith("bank:") for name in lookups.edges(connection, node.key)[1])


def process_by(dossier: Dossier, study: StudyFold, node: Node) -> datetime | None:
    """The last moment at which processing of a cord may begin; None where the birth or the limit is not known."""
    if not isinstance(node, TissueId):
        return None
    try:
        tissue = TissueFold(dossier, node, study)
        return tissue.donation.delivered_at + span(hours=study.criteria_now.settings.cord_hours_hard)
    except MissingFact:
        return None  # the gate of the first step names what is missing


def labels_of(dossier: Dossier, node: BankId | LotId) -> Labels:
    return Labels(
        printed=sum(deed.act.copies for deed in dossier.deeds(node, LabelsPrinted)),
        applied=sum(deed.act.copies for deed in dossier.deeds(node, LabelsApplied)),
        destroyed=sum(deed.act.copies for deed in dossier.deeds(node, LabelsDestroyed)),
    )
