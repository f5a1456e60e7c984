"""How one thing stands now, in one line: state, who answers for it, until when, what stands in the way; for people, not for gates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

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
from custody.domain.ids import BagId, BankId, DoseId, LotId, Node, ShipmentId
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
    study = None if viewer.study is None else StudyFold(dossier, viewer.study)
    # Few were ever held or recalled: for a line without any of them nothing need be asked.
    troubled = frozenset() if viewer.blind else dossier.streams_holding(STOPPING)
    for node in nodes:
        yield _standing(dossier, study, node, () if viewer.blind else _blocked(dossier, node, study, troubled, now))


def _standing(dossier: Dossier, study: StudyFold | None, node: Node, blocked: tuple[Fault, ...]) -> Standing:
    deeds = dossier.deeds(node, Act)
    newest = deeds[-1].act.rule.name if deeds else ""
    state, holder, since, expires = _shown(dossier, node, study) if study is not None else NOTHING
    word = state.rpartition(".")[2]
    return Standing(
        node=node,
        state=state or (f"act.{newest}" if newest else ""),
        holder=holder,
        since=since or (deeds[-1].recorded_at if deeds else None),
        expires_at=expires,
        blocked=blocked,
        newest=newest,
        next=NEXT_OF_BAG.get(word, "") if isinstance(node, BagId) else next_act(newest),
        over=newest in FINAL_ACTS or word in FINAL_STATES | FINAL_ACTS,
        moves=_moves(dossier, node, word),
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


Shown = tuple[str, str, datetime | None, datetime | None]


NOTHING: Shown = ("", "", None, None)


def _shown(dossier: Dossier, node: Node, study: StudyFold) -> Shown:
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


def _bag(fold: BagFold) -> Shown:
    interval = fold.custody.intervals[-1]
    over = fold.state in FINAL
    expires = None if over else fold.earliest_expiry().expires_at
    return f"term.BagState.{fold.state.value}", holder_of(fold.dossier, interval.custodian), interval.start, expires


def _lot(fold: LotFold) -> Shown:
    word = type(fold.disposition).__name__.lower()
    decided = None if isinstance(fold.disposition, Quarantined) else fold.disposition.deed.recorded_at
    try:
        expires: datetime | None = fold.expires_at
    except (MissingFact, AttributeError):
        expires = None
    return (
        f"term.disposition.{word}",
        "",
        decided,
        expires if not isinstance(fold.disposition, (disposition.Rejected, disposition.Recalled)) else None,
    )


def _shipment(fold: ShipmentFold) -> Shown:
    since = list(fold.custody())[-1][0]
    ends = None if fold.arrived is not None else fold.late_after
    return "", holder_of(fold.dossier, fold.custodian), since, ends


def _dose(dossier: Dossier, dose: DoseId) -> Shown:
    last = dossier.last(dose, InfusionStarted, InfusionEnded, DoseClosed)
    return (f"act.{last.act.rule.name}" if last is not None else ""), "", last.recorded_at if last is not None else None, None


def holder_of(dossier: Dossier, custodian: Custodian) -> str:
    """The printed name of a person, an organisation, or the name of a site."""
    if custodian.person is not None:
        signers = (signer for deeds in dossier.streams.values() for deed in deeds for signer in deed.signers)
        return next((signer.printed_name for signer in signers if signer.person == custodian.person), custodian.person.value)
    if custodian.organisation:
        return custodian.organisation
    site = dossier.last(custodian.site, SiteRegistered)
    return site.act.name if site is not None else custodian.site.value


def _blocked(dossier: Dossier, node: Node, study: StudyFold | None, troubled: frozenset[str], now: datetime) -> tuple[Fault, ...]:
    line = tuple(each for each in (node, *ancestors_of(dossier, node)) if each.key in troubled) if troubled else ()
    found = [Fault("work.blocked_recall", deed.act.recall, deed.act.node) for deed in recalls_over(dossier, line)]
    found += [Fault("work.blocked_hold", deed.act.hold, deed.act.subject) for deed in holds_over(dossier, line)]
    if isinstance(node, BagId) and study is not None and not found:
        found += _bag_faults(BagFold(dossier, node, study), now)
    return tuple(found)


def _bag_faults(fold: BagFold, now: datetime) -> list[Fault]:
    try:
        if fold.state in FINAL:
            return []
        faults = [Fault("work.blocked_gap")] if fold.custody.open_gaps(now) else []
        if fold.earliest_expiry().expires_at <= now:
            faults.append(Fault("work.blocked_expired"))
    except MissingFact:
        return []
    return faults
