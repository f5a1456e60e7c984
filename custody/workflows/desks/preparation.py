"""The preparation desk: doses to thaw for with every stop that can be foreseen, and bags whose thaw clock runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from custody.domain.acts.bedside import DoseClosed
from custody.domain.acts.quality import SampleTaken
from custody.domain.dossier import Dossier
from custody.domain.folds.bag import BagFold
from custody.domain.folds.base import MissingFact
from custody.domain.folds.dose import DoseFold
from custody.domain.folds.registers import span
from custody.domain.folds.study import StudyFold
from custody.domain.ids import BagId, DoseId, KitId, Node, ParticipantId, SampleId
from custody.domain.masking import Seen, Viewer
from custody.domain.terms import HoldPoint
from custody.errors import NotFoundError
from custody.workflows.desks.day import LAST
from custody.workflows.desks.offers import Offer, Why, offers
from custody.workflows.desks.preview import Foreseen, Preview, foreseen, plain_act
from custody.workflows.desks.thawed import ON_A_CLOSED_BAG, BagAtHand, at_hand, spares_of
from custody.workflows.desks.things import listed, opened
from custody.workflows.people import Present

STILL_TO_COME = frozenset({"BED-VIT", "BED-FIT", "BED-PREMED", "BED-DOSE"})
"""What is done at the bed after the thaw: not done yet is no stop that can be foreseen (desk page says that they are to come)."""
DONE_AFTER_THE_THAW = {"DOS-TEST": "results_missing", "DOS-COVER": "missing"}
"""Rules whose reason may only say that the bag has not been thawed, tested and covered yet."""
FORESEEN_AT = (HoldPoint.PREPARE, HoldPoint.DOSE_RELEASE, HoldPoint.BEDSIDE)
JUDGED_ON_THE_LIST = 4


@dataclass(frozen=True, kw_only=True)
class AtStep:
    """What one rule would say, and at which hold point it speaks first."""

    hold_point: HoldPoint
    found: Foreseen


@dataclass(frozen=True, kw_only=True)
class Foresight:
    """Every rule between the thaw and the bed, each once; `to_come`: rules about what is only done at the bed."""

    rules: tuple[AtStep, ...]
    to_come: tuple[str, ...]

    @property
    def stops(self) -> tuple[AtStep, ...]:
        return tuple(each for each in self.rules if each.found.outcome == "blocked")


@dataclass(frozen=True, kw_only=True)
class DoseToPrepare:
    """One dose in the pharmacy. `must_start_by`: the last moment to start what is thawed so that it ends in time."""

    node: DoseId
    participant: ParticipantId
    cohort: str
    blinded: bool
    kit: KitId | None
    prescribed: bool
    volume_ml: str
    rate: str
    planned: timedelta | None
    premedication: tuple[str, ...]
    ready_at: datetime | None
    ready_until: datetime | None
    started_at: datetime | None
    bags: tuple[BagAtHand, ...]
    next: str
    next_about: Node
    foresight: Foresight | None = None
    thaw_would_expire_at: datetime | None = None

    @property
    def clock(self) -> datetime | None:
        """The thaw clock that runs out first; before the thaw the first expiry."""
        running = [bag.expires_at for bag in self.bags if bag.is_open and bag.expires_at is not None]
        waiting = [bag.expires_at for bag in self.bags if not bag.over and bag.expires_at is not None]
        return min(running or waiting, default=None)

    @property
    def is_thawed(self) -> bool:
        return any(bag.is_open for bag in self.bags)

    @property
    def must_start_by(self) -> datetime | None:
        return self.clock - self.planned if self.clock is not None and self.planned is not None and self.is_thawed else None


@dataclass(frozen=True, kw_only=True)
class PreparationQueue:
    doses: tuple[DoseToPrepare, ...]
    unreadable: tuple[Node, ...]
    cut: bool


@dataclass(frozen=True, kw_only=True)
class DoseSheet:
    dose: DoseToPrepare
    samples: tuple[SampleId, ...]
    offers: tuple[Offer, ...]


@dataclass(frozen=True, kw_only=True)
class BagSheet:
    """One bag at the preparation desk; `dose` is None while it is reserved for none."""

    bag: BagAtHand | None
    dose: DoseToPrepare | None
    offers: tuple[Offer, ...]


def queue(connection: Connection, viewer: Viewer, now: datetime) -> Seen[PreparationQueue]:
    """Doses with reserved bags that are not closed: running clocks first, then what is ready."""
    found = listed(connection, viewer, ("dose",))
    rows: list[DoseToPrepare] = []
    for node in found.nodes:
        if found.study is None or not isinstance(node, DoseId):
            continue
        row = _dose(found.dossier, node, found.study, now)
        if row is not None and row.bags and (row.started_at is None or _unfinished(row)):
            rows.append(row)
    rows.sort(key=lambda row: (not row.is_thawed, row.clock or LAST))
    judged = [_with_foresight(found.dossier, viewer, row, now) if n < JUDGED_ON_THE_LIST else row for n, row in enumerate(rows)]
    return Seen(PreparationQueue(doses=tuple(judged), unreadable=found.broken, cut=found.cut))


def _unfinished(row: DoseToPrepare) -> bool:
    """A running dose stays while a bag of it waits to be thawed or released."""
    return any(not bag.over for bag in row.bags)


def dose_sheet(
    connection: Connection, viewer: Viewer, present: Present, node: DoseId, acts: tuple[str, ...], now: datetime
) -> Seen[DoseSheet]:
    """Raises NotFoundError for a dose that is unknown, hidden, or was never requested."""
    dossier = opened(connection, viewer, node)
    dose = _dose(dossier, node, _study(dossier, viewer, node), now)
    if dose is None:
        raise NotFoundError(f"{node} was never requested", code="unknown_thing", kind="dose", seen=node.value)
    if dose.started_at is None:
        dose = _with_foresight(dossier, viewer, dose, now)
    offered = (_of_dose(each, dose) for each in offers(dossier, present, viewer.study, node, acts))
    samples = tuple(deed.act.sample for deed in dossier.deeds(node, SampleTaken))
    return Seen(DoseSheet(dose=dose, samples=samples, offers=tuple(offered)))


def bag_sheet(
    connection: Connection, viewer: Viewer, present: Present, node: BagId, acts: tuple[str, ...], now: datetime
) -> Seen[BagSheet]:
    """One bag. Raises NotFoundError for a bag that is unknown or hidden."""
    dossier = opened(connection, viewer, node)
    study = _study(dossier, viewer, node)
    offered = offers(dossier, present, viewer.study, node, acts)
    reserved = BagFold(dossier, node, study).reserved_for
    if reserved is None:
        return Seen(BagSheet(bag=None, dose=None, offers=offered))
    whole = opened(connection, viewer, reserved)
    dose = _dose(whole, reserved, _study(whole, viewer, reserved), now)
    bag = next((each for each in dose.bags if each.bag == node), None) if dose is not None else None
    return Seen(BagSheet(bag=bag, dose=dose, offers=offered))


def _study(dossier: Dossier, viewer: Viewer, node: Node) -> StudyFold:
    if viewer.study is None:
        raise NotFoundError(f"there is no study to which {node} belongs", code="unknown_thing", kind=node.kind, seen=node.value)
    return StudyFold(dossier, viewer.study)


def _dose(dossier: Dossier, node: DoseId, study: StudyFold, now: datetime) -> DoseToPrepare | None:
    """None for a dose that was never requested, or is closed."""
    fold = DoseFold(dossier, node, study)
    try:
        requested, blinded = fold.requested.act, fold.is_blinded
    except MissingFact:
        return None
    if dossier.last(node, DoseClosed) is not None:
        return None
    spares = spares_of(fold)
    bags = tuple(at_hand(fold, bag, spare=bag in spares) for bag in fold.bags if _is_filled(fold, bag))
    ready, prescription = fold.ready, fold.prescription
    said = min(ready.at, ready.recorded_at) if ready is not None else None
    until = said + span(minutes=fold.study.criteria_now.settings.ready_minutes) if said is not None else None
    act = prescription.act if prescription is not None else None
    made = DoseToPrepare(
        node=node,
        participant=requested.participant,
        cohort=requested.cohort.value,
        blinded=blinded,
        kit=fold.kit,
        prescribed=act is not None,
        volume_ml=str(act.volume_ml) if act is not None else "",
        rate=str(act.rate_ml_per_min) if act is not None else "",
        planned=timedelta(minutes=float(_minutes(fold))) if act is not None else None,
        premedication=act.premedication if act is not None else (),
        ready_at=said,
        ready_until=until,
        started_at=fold.started_at,
        bags=bags,
        next="",
        next_about=node,
    )
    step, about = _next(made, now)
    return replace(made, next=step, next_about=about, thaw_would_expire_at=_would_expire(fold, made, now))


def _is_filled(fold: DoseFold, bag: BagId) -> bool:
    """A number nobody ever filled a bag under has no clock and no state; PRP-ORDER stops such a dose."""
    try:
        return bool(BagFold(fold.dossier, bag, fold.study).filled)
    except MissingFact:
        return False


def _minutes(fold: DoseFold) -> float:
    try:
        return float(fold.planned_minutes or 0)
    except MissingFact:
        return 0.0  # a prescription that no rule accepts: BED-RX says so


def _would_expire(fold: DoseFold, dose: DoseToPrepare, now: datetime) -> datetime | None:
    """When the next bag would expire, were it thawed now."""
    bag = next((each for each in dose.bags if each.thawed_at is None and not each.over), None)
    if bag is None:
        return None
    return BagFold(fold.dossier, bag.bag, fold.study).earliest_expiry(now).expires_at


def _next(dose: DoseToPrepare, now: datetime) -> tuple[str, Node]:
    """The step that usually follows and what it is about: the open bag first, then the physician's word, then the next bag."""
    in_hand = next((bag for bag in dose.bags if bag.is_open), None)
    if in_hand is not None:
        at_the_bag = in_hand.next in {"cover_bound", "handoff_offered"}
        return in_hand.next, in_hand.bag if at_the_bag else dose.node
    waiting = next((bag for bag in dose.bags if not bag.over and bag.thawed_at is None), None)
    if waiting is None:
        return "", dose.node
    if not waiting.next:
        return "bag_accepted", waiting.bag
    if not dose.prescribed:
        return "prescription_signed", dose.node
    if dose.ready_until is None or dose.ready_until < now:
        return "ready_confirmed", dose.node
    return waiting.next, waiting.bag if waiting.next == "bag_taken_out" else dose.node


def _with_foresight(dossier: Dossier, viewer: Viewer, dose: DoseToPrepare, now: datetime) -> DoseToPrepare:
    """What would stop the thaw, the release and the bedside check, as far as it can be known now."""
    found: dict[tuple[str, str], AtStep] = {}
    to_come: dict[str, None] = {}
    for hold_point in FORESEEN_AT:
        if hold_point is HoldPoint.PREPARE and dose.is_thawed:
            continue
        said: Preview = foreseen(dossier, viewer, plain_act(hold_point, dose.node), hold_point, now).value
        for each in said.findings:
            if _still_to_come(each):
                to_come[each.gate] = None
                continue
            known = found.get((each.gate, each.about))
            if known is None or (known.found.outcome != "blocked" and each.outcome == "blocked"):
                found[each.gate, each.about] = AtStep(hold_point=hold_point, found=each)
    return replace(dose, foresight=Foresight(rules=tuple(found.values()), to_come=tuple(to_come)))


def _still_to_come(found: Foreseen) -> bool:
    if found.outcome != "blocked":
        return False
    if found.gate in STILL_TO_COME:
        return True
    if found.reason is None or DONE_AFTER_THE_THAW.get(found.gate) != found.reason.code:
        return False
    # A test of the lot that is missing is a stop; one on the bag itself waits for the thaw.
    return found.gate != "DOS-TEST" or found.reason.values.get("tests") in ON_A_CLOSED_BAG


def _of_dose(offer: Offer, dose: DoseToPrepare) -> Offer:
    """Reasons only this desk knows, beside duty and order."""
    if offer.why_not is not None:
        return offer
    opened_bags = [bag for bag in dose.bags if bag.is_open]
    key = ""
    if offer.act == "bag_preparation_started" and opened_bags and dose.started_at is None:
        key = "why_one_by_one"
    elif offer.act in {"dose_bag_released", "bag_discarded"} and not opened_bags:
        key = "why_nothing_thawed"
    elif offer.act == "dose_bag_released" and all(any(test.passed is None for test in bag.tests) for bag in opened_bags):
        key = "why_not_tested"
    return Offer(act=offer.act, why_not=Why(key=f"desk.preparation.{key}")) if key else offer
