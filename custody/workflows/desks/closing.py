"""The closing desk: doses that were started and are not closed, with every millilitre, bag, cell and vital sign accounted for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection

from custody.domain.acts.bedside import DoseClosed, InfusionEnded
from custody.domain.acts.manufacturing import BagFilled
from custody.domain.acts.shipping import BagDestroyed
from custody.domain.dossier import Deed, Dossier
from custody.domain.folds.bag import BagFold
from custody.domain.folds.base import MissingFact
from custody.domain.folds.dose import DoseFold
from custody.domain.folds.study import StudyFold
from custody.domain.ids import BagId, DoseId, Node, ParticipantId
from custody.domain.masking import Seen, Viewer
from custody.domain.terms import HoldPoint
from custody.errors import NotFoundError
from custody.workflows.desks.day import LAST
from custody.workflows.desks.followed import Point, follow_up
from custody.workflows.desks.offers import Offer, Why, offers
from custody.workflows.desks.preview import Preview, foreseen
from custody.workflows.desks.things import listed, opened
from custody.workflows.people import Present

PARTS = ("given_ml", "residual_ml", "line_ml", "samples_ml", "spill_ml")


@dataclass(frozen=True, kw_only=True)
class BagCounted:
    """One bag of the dose. `volumes` by PARTS; `cells_given` is None where nobody may or can say; `fate` is a word of the catalogue.

    `witnesses`: who signed its fate; two are needed (rules section 9.6).
    """

    bag: BagId
    held_ml: Decimal | None
    volumes: tuple[tuple[str, Decimal], ...]
    tolerance_ml: Decimal
    reason_if_partial: str
    cells_given: Decimal | None
    opened: bool
    fate: str
    destroyed_at: datetime | None
    witnesses: tuple[str, ...]

    @property
    def sum_ml(self) -> Decimal | None:
        return sum((volume for _, volume in self.volumes), Decimal(0)) if self.volumes else None

    @property
    def adds_up(self) -> bool | None:
        """None while it is not finished; a bag whose fill nobody knows never adds up."""
        if self.sum_ml is None:
            return None
        return self.held_ml is not None and abs(self.sum_ml - self.held_ml) <= self.tolerance_ml


@dataclass(frozen=True, kw_only=True)
class DoseToClose:
    node: DoseId
    participant: ParticipantId
    started_at: datetime | None
    ended: Deed[InfusionEnded] | None
    closed_at: datetime | None
    prescribed_ml: Decimal | None
    bags: tuple[BagCounted, ...]
    points: tuple[Point, ...]
    next: str

    @property
    def given_ml(self) -> Decimal:
        return sum((volume for bag in self.bags for name, volume in bag.volumes if name == "given_ml"), Decimal(0))

    @property
    def cells_given(self) -> Decimal | None:
        known = [bag.cells_given for bag in self.bags if bag.cells_given is not None]
        return sum(known, Decimal(0)) if known else None

    @property
    def missed(self) -> tuple[Point, ...]:
        return tuple(point for point in self.points if point.state == "missed")

    @property
    def next_point(self) -> Point | None:
        """The follow-up that is due now or comes next."""
        return next((point for point in self.points if point.state in {"due", "to_come"}), None)

    @property
    def unfinished(self) -> tuple[BagCounted, ...]:
        return tuple(bag for bag in self.bags if bag.fate in {"running", "none"})

    @property
    def until(self) -> datetime | None:
        return self.next_point.until if self.next_point is not None else None


@dataclass(frozen=True, kw_only=True)
class ClosingQueue:
    doses: tuple[DoseToClose, ...]
    unreadable: tuple[Node, ...]
    cut: bool


@dataclass(frozen=True, kw_only=True)
class DoseSheet:
    """`foreseen`: what hold point G13 would say now; None once the dose is closed."""

    dose: DoseToClose
    foreseen: Preview | None
    offers: tuple[Offer, ...]


def queue(connection: Connection, viewer: Viewer, now: datetime) -> Seen[ClosingQueue]:
    """Started and not closed: what was missed first, then the nearest follow-up."""
    found = listed(connection, viewer, ("dose",))
    rows = []
    for node in found.nodes:
        if found.study is None or not isinstance(node, DoseId):
            continue
        row = _dose(found.dossier, viewer, node, found.study, now)
        if row is not None and row.started_at is not None and row.closed_at is None:
            rows.append(row)
    rows.sort(key=lambda row: (not row.missed, row.until or LAST))
    return Seen(ClosingQueue(doses=tuple(rows), unreadable=found.broken, cut=found.cut))


def dose_sheet(
    connection: Connection, viewer: Viewer, present: Present, node: DoseId, acts: tuple[str, ...], now: datetime
) -> Seen[DoseSheet]:
    """Raises NotFoundError for a dose that is unknown, hidden, or was never requested."""
    dossier = opened(connection, viewer, node)
    if viewer.study is None:
        raise NotFoundError("there is no study", code="unknown_thing", kind="dose", seen=node.value)
    study = StudyFold(dossier, viewer.study)
    dose = _dose(dossier, viewer, node, study, now)
    if dose is None:
        raise NotFoundError(f"{node} was never requested", code="unknown_thing", kind="dose", seen=node.value)
    said = None
    if dose.closed_at is None and dose.started_at is not None:
        closing = DoseClosed(dose=node, participant=dose.participant)
        # Who signs is told by duty; without their accounts in this dossier no rule of G13 asks for them.
        said = foreseen(dossier, viewer, closing, HoldPoint.CLOSE, now).value
        if said.is_clear and dose.ended is not None:
            dose = replace(dose, next="dose_closed")
    offered = (_of_dose(each, dose, said) for each in offers(dossier, present, viewer.study, node, acts))
    return Seen(DoseSheet(dose=dose, foreseen=said, offers=tuple(offered)))


def _dose(dossier: Dossier, viewer: Viewer, node: DoseId, study: StudyFold, now: datetime) -> DoseToClose | None:
    fold = DoseFold(dossier, node, study)
    try:
        participant = fold.participant
    except MissingFact:
        return None  # never requested: there is nothing to close
    closed = dossier.last(node, DoseClosed)
    prescription = fold.prescription
    bags = tuple(_bag(fold, bag, blind=viewer.blind) for bag in dict.fromkeys((*fold.bags, *fold.bags_opened)))
    made = DoseToClose(
        node=node,
        participant=participant,
        started_at=fold.started_at,
        ended=fold.ended,
        closed_at=closed.at if closed is not None else None,
        prescribed_ml=prescription.act.volume_ml if prescription is not None else None,
        bags=bags,
        points=follow_up(fold, now),
        next="",
    )
    return replace(made, next=_next(made))


def _next(dose: DoseToClose) -> str:
    if dose.started_at is None or dose.closed_at is not None:
        return ""
    if any(bag.fate == "running" for bag in dose.bags):
        return "bag_finished"
    if dose.ended is None:
        return "infusion_ended"
    if any(point.state == "due" for point in dose.points):
        return "vitals_recorded"
    return "vitals_omitted" if dose.missed else "dose_closed" if dose.next_point is None else "vitals_recorded"


def _bag(fold: DoseFold, bag: BagId, *, blind: bool) -> BagCounted:
    filled = fold.dossier.first(bag, BagFilled)
    finishes, discard = fold.finishes_of(bag), fold.discard_of(bag)
    destroyed = fold.dossier.last(bag, BagDestroyed)
    finished = finishes[-1] if finishes else None
    begun = bag in fold.bags_begun
    if finished is not None:
        fate = "finished"
    elif discard is not None:
        fate = "discarded"
    elif destroyed is not None:
        fate = "destroyed"
    else:
        fate = "running" if begun else "none"
    ends = tuple(deed for deed in (finished, discard, destroyed) if deed is not None)
    witnesses = max((tuple(dict.fromkeys(s.printed_name for s in deed.signers)) for deed in ends), key=len, default=())
    act = finished.act if finished is not None else None
    return BagCounted(
        bag=bag,
        held_ml=filled.act.volume_ml if filled is not None else None,
        volumes=tuple((name, getattr(act, name)) for name in PARTS) if act is not None else (),
        tolerance_ml=fold.criteria.settings.close_tolerance_ml,
        reason_if_partial=act.reason_if_partial if act is not None else "",
        cells_given=None if blind or act is None else _cells(fold, bag, act.given_ml),
        opened=bag in fold.bags_opened,
        fate=fate,
        destroyed_at=destroyed.at if destroyed is not None else None,
        witnesses=witnesses,
    )


def _cells(fold: DoseFold, bag: BagId, given_ml: Decimal) -> Decimal | None:
    """Viable cells given = ml × label strength (rules section 12, after); None for a placebo or a bag whose label nobody knows."""
    try:
        lot = BagFold(fold.dossier, bag, fold.study).lot
        if lot.is_placebo:
            return None
        return (lot.label_cells * given_ml / fold.criteria.settings.bag_ml).to_integral_value()
    except MissingFact:
        return None


def _of_dose(offer: Offer, dose: DoseToClose, said: Preview | None) -> Offer:
    """Reasons only this desk knows, beside duty and order."""
    if offer.why_not is not None:
        return offer
    key = ""
    values: dict[str, object] = {}
    if dose.closed_at is not None:
        key = "why_closed"
    elif offer.act == "dose_closed" and said is not None and not said.is_clear:
        key, values = "why_not_balanced", {"count": len({each.gate for each in said.blocking})}
    elif offer.act == "bag_finished" and not any(bag.fate == "running" for bag in dose.bags):
        key = "why_none_running"
    elif offer.act == "infusion_ended" and dose.ended is not None:
        key = "why_ended"
    return Offer(act=offer.act, why_not=Why(key=f"desk.closing.{key}", values=values)) if key else offer
