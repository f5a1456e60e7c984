"""How one thing stands now, in one line: state, who answers for it, until when, what stands in the way; for people, not for gates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from custody.domain.acts.base import Act
from custody.domain.acts.bedside import DoseClosed, InfusionEnded, InfusionStarted
from custody.domain.acts.people import SiteRegistered
from custody.domain.acts.quality import HoldPlaced, HoldPlacedByCustody, Recalled
from custody.domain.acts.shipping import BagAccepted, BagRefusedAtReceipt, ShipperSealed
from custody.domain.dossier import Dossier
from custody.domain.folds import lot as disposition
from custody.domain.folds.bag import FINAL, BagFold, BagState
from custody.domain.folds.base import MissingFact
from custody.domain.folds.handover import Custodian
from custody.domain.folds.lot import LotFold, Quarantined
from custody.domain.folds.shipment import ShipmentFold
from custody.domain.folds.study import StudyFold
from custody.domain.ids import BagId, BankId, DoseId, LotId, Node, ShipmentId, StudyId
from custody.domain.lineage import ancestors_of, holds_over, recalls_over
from custody.domain.masking import Viewer
from custody.workflows.next_steps import next_act

FINAL_STATES = frozenset(state.value for state in FINAL)
RESTING = frozenset({BagState.FILLED, BagState.QUARANTINE, BagState.AVAILABLE, BagState.RETAINED}) | FINAL
MOVING_BAGS = frozenset(state.value for state in BagState if state not in RESTING)
NEXT_OF_BAG = {
    "packed": "shipper_sealed",
    "in_transit": "shipment_arrived",
    "receipt_quarantine": "bag_accepted",
    "received": "bag_taken_out",
    "prepared": "dose_bag_released",
    "dose_released": "handoff_offered",
    "at_bedside": "infusion_started",
    "infusing": "bag_finished",
}
"""A bag's next step follows from its state: much of its road stands in the streams of its shipment and dose."""
END_OF_TIME = datetime.max.replace(tzinfo=UTC)
STOPPING: tuple[type[Act], ...] = (Recalled, HoldPlaced, HoldPlacedByCustody)
FINAL_ACTS = frozenset({"dose_closed", "bag_destroyed", "rejected", "recalled", "shipment_lost"})


@dataclass(frozen=True)
class Fault:
    """What stands in the way: a key of the catalogue, a number, and the thing it is on."""

    key: str
    number: str = ""
    node: Node | None = None


@dataclass(frozen=True, kw_only=True)
class Standing:
    """`state` is a key of the catalogue (`term.BagState.received`); `over`: nothing more happens; `moves`: it is on its way now."""

    node: Node
    state: str = ""
    holder: str = ""
    since: datetime | None = None
    expires_at: datetime | None = None
    blocked: tuple[Fault, ...] = ()
    newest: str = ""
    next: str = ""
    over: bool = False
    moves: bool = True


def standing(dossier: Dossier, viewer: Viewer, node: Node, now: datetime) -> Standing:
    """How `node` stands. A fact that is missing leaves its place empty: this is a line on a list, not a verdict."""
    return next(standings(dossier, viewer, (node,), now))


def standings(dossier: Dossier, viewer: Viewer, nodes: Iterable[Node], now: datetime) -> Iterator[Standing]:
    """How each of these stands; what they share of one dossier is folded once."""
    # Few were ever held or recalled: for a line without any of them nothing need be asked.
    troubled = frozenset() if viewer.blind else dossier.streams_holding(STOPPING)
    for node in nodes:
        yield _standing(dossier, viewer.study, node, () if viewer.blind else _blocked(dossier, node, viewer.study, troubled, now))


@dataclass(frozen=True, kw_only=True)
class _Recorded:
    """What the record says of a thing whatever the time is. `recorded_at`: its newest act."""

    shown: _Shown
    newest: str
    recorded_at: datetime | None
    moves: bool


def _recorded(dossier: Dossier, node: Node, study: StudyId | None) -> _Recorded:
    deeds = dossier.deeds(node, Act)
    shown = _shown(dossier, node, StudyFold(dossier, study)) if study is not None else NOTHING
    return _Recorded(
        shown=shown,
        newest=deeds[-1].act.rule.name if deeds else "",
        recorded_at=deeds[-1].recorded_at if deeds else None,
        moves=_moves(dossier, node, shown.word),
    )


def _standing(dossier: Dossier, study: StudyId | None, node: Node, blocked: tuple[Fault, ...]) -> Standing:
    known = dossier.once(node, ("standing", study), lambda ledger: _recorded(ledger, node, study))
    shown, newest, word = known.shown, known.newest, known.shown.word
    return Standing(
        node=node,
        state=shown.state or (f"act.{newest}" if newest else ""),
        holder="" if shown.custodian is None else holder_of(dossier, shown.custodian),
        since=shown.since or known.recorded_at,
        expires_at=shown.expires_at,
        blocked=blocked,
        newest=newest,
        next=NEXT_OF_BAG.get(word, "") if isinstance(node, BagId) else next_act(newest),
        over=newest in FINAL_ACTS or word in FINAL_STATES | FINAL_ACTS,
        moves=known.moves,
    )


def _moves(dossier: Dossier, node: Node, word: str) -> bool:
    """Whether somebody has something to do with it: a bag in the maker's store, a released lot and an emptied shipper rest."""
    if isinstance(node, BagId):
        return word in MOVING_BAGS
    if isinstance(node, LotId):
        return word in {"quarantined", "conditional"}
    if isinstance(node, ShipmentId):
        sealed = dossier.last(node, ShipperSealed)
        decided = [dossier.last(bag, BagAccepted, BagRefusedAtReceipt) for bag in (sealed.act.bags if sealed is not None else ())]
        return not decided or None in decided
    return True


@dataclass(frozen=True, kw_only=True)
class _Shown:
    """The parts of a standing that folds give."""

    state: str = ""
    custodian: Custodian | None = None
    since: datetime | None = None
    expires_at: datetime | None = None

    @property
    def word(self) -> str:
        return self.state.rpartition(".")[2]


NOTHING = _Shown()


def _shown(dossier: Dossier, node: Node, study: StudyFold) -> _Shown:
    try:
        if isinstance(node, BagId):
            return _bag(BagFold(dossier, node, study))
        if isinstance(node, (LotId, BankId)):
            return _lot(LotFold(dossier, node, study))
        if isinstance(node, ShipmentId):
            return _shipment(ShipmentFold(dossier, node, study))
        if isinstance(node, DoseId):
            return _dose(dossier, node)
    except MissingFact:
        pass  # the newest act then stands for the state
    return NOTHING


def _bag(fold: BagFold) -> _Shown:
    interval = fold.custody.intervals[-1]
    return _Shown(
        state=f"term.BagState.{fold.state.value}",
        custodian=interval.custodian,
        since=interval.start,
        expires_at=None if fold.state in FINAL else fold.earliest_expiry().expires_at,
    )


def _lot(fold: LotFold) -> _Shown:
    decided = None if isinstance(fold.disposition, Quarantined) else fold.disposition.deed.recorded_at
    try:
        expires: datetime | None = fold.expires_at
    except (MissingFact, AttributeError):
        expires = None
    if isinstance(fold.disposition, (disposition.Rejected, disposition.Recalled)):
        expires = None
    return _Shown(state=f"term.disposition.{type(fold.disposition).__name__.lower()}", since=decided, expires_at=expires)


def _shipment(fold: ShipmentFold) -> _Shown:
    since = list(fold.custody())[-1][0]
    return _Shown(custodian=fold.custodian, since=since, expires_at=None if fold.arrived is not None else fold.late_after)


def _dose(dossier: Dossier, dose: DoseId) -> _Shown:
    last = dossier.last(dose, InfusionStarted, InfusionEnded, DoseClosed)
    return _Shown(state=f"act.{last.act.rule.name}", since=last.recorded_at) if last is not None else NOTHING


def holder_of(dossier: Dossier, custodian: Custodian) -> str:
    """The printed name of a person, an organisation, or the name of a site."""
    if custodian.person is not None:
        signers = (signer for deeds in dossier.streams.values() for deed in deeds for signer in deed.signers)
        return next((signer.printed_name for signer in signers if signer.person == custodian.person), custodian.person.value)
    if custodian.organisation:
        return custodian.organisation
    site = dossier.last(custodian.site, SiteRegistered)
    return site.act.name if site is not None else custodian.site.value


def _blocked(dossier: Dossier, node: Node, study: StudyId | None, troubled: frozenset[str], now: datetime) -> tuple[Fault, ...]:
    line = tuple(each for each in (node, *ancestors_of(dossier, node)) if each.key in troubled) if troubled else ()
    found = [Fault("work.blocked_recall", deed.act.recall, deed.act.node) for deed in recalls_over(dossier, line)]
    found += [Fault("work.blocked_hold", deed.act.hold, deed.act.subject) for deed in holds_over(dossier, line)]
    if isinstance(node, BagId) and study is not None and not found:
        found += _bag_faults(dossier, node, study, now)
    return tuple(found)


@dataclass(frozen=True, kw_only=True)
class _InUse:
    """Of a bag that is not over, whatever the time is. `gaps`: there is one in its custody, or time alone would bring one."""

    gaps: bool
    expires_at: datetime


def _in_use(dossier: Dossier, bag: BagId, study: StudyId) -> _InUse | None:
    """None for a bag that is over, or of which a fact is missing."""
    fold = BagFold(dossier, bag, StudyFold(dossier, study))
    try:
        if fold.state in FINAL:
            return None
        # Time only ever adds gaps: what is none at the end of time is none now.
        return _InUse(gaps=bool(fold.custody.open_gaps(END_OF_TIME)), expires_at=fold.earliest_expiry().expires_at)
    except MissingFact:
        return None


def _bag_faults(dossier: Dossier, bag: BagId, study: StudyId, now: datetime) -> list[Fault]:
    known = dossier.once(bag, ("in use", study), lambda ledger: _in_use(ledger, bag, study))
    if known is None:
        return []
    open_now = known.gaps and BagFold(dossier, bag, StudyFold(dossier, study)).custody.open_gaps(now)
    faults = [Fault("work.blocked_gap")] if open_now else []
    return [*faults, Fault("work.blocked_expired")] if known.expires_at <= now else faults
