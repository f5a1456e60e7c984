"""The hand-over desk: open hand-overs with the minutes left before they become a gap, what can be handed over, what is on its way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from sqlalchemy import Connection

from custody.domain.dossier import Dossier
from custody.domain.folds.bag import FINAL, BagFold, BagState
from custody.domain.folds.base import MissingFact
from custody.domain.folds.handover import Custodian, Handover, minutes_allowed
from custody.domain.folds.registers import span
from custody.domain.folds.shipment import ShipmentFold
from custody.domain.folds.study import StudyFold
from custody.domain.ids import BagId, Node, PersonId, ShipmentId
from custody.domain.masking import Seen, Viewer
from custody.domain.terms import PartyKind, Role
from custody.errors import NotFoundError
from custody.workflows.desks.day import LAST
from custody.workflows.desks.offers import Offer, Why, offers
from custody.workflows.desks.things import listed, opened
from custody.workflows.people import Present
from custody.workflows.receivers import printed_names
from custody.workflows.standing import holder_of

HANDED_BY_HAND = frozenset({BagState.DOSE_RELEASED, BagState.AT_BEDSIDE})
"""Bags that go from hand to hand; others travel in a shipper or lie in storage."""


@dataclass(frozen=True, kw_only=True)
class HandoverSeen:
    """One hand-over. `gap_at`: when it becomes a gap in custody; `to`: a person's name or an organisation."""

    giver: str
    to: str
    started_at: datetime
    ended_at: datetime | None
    accepted_by: str
    gap_at: datetime
    became_gap: bool


@dataclass(frozen=True, kw_only=True)
class Held:
    """A shipment or bag with who answers for it. `part`: what this person is in its open hand-over (receiver, giver, other) or holder."""

    node: ShipmentId | BagId
    custodian: str
    since: datetime | None
    open: HandoverSeen | None
    part: str
    past: tuple[HandoverSeen, ...]
    late_after: datetime | None
    under_way: bool
    can_be_given: bool
    next: str


@dataclass(frozen=True, kw_only=True)
class HandoffQueue:
    """`open`: waits for its receiver, shortest time left first; `to_give`: this person may hand it over; `on_the_way`: with a carrier."""

    open: tuple[Held, ...]
    to_give: tuple[Held, ...]
    on_the_way: tuple[Held, ...]
    unreadable: tuple[Node, ...]
    cut: bool


@dataclass(frozen=True, kw_only=True)
class HandoffSheet:
    held: Held
    offers: tuple[Offer, ...]


def queue(connection: Connection, viewer: Viewer, present: Present, now: datetime) -> Seen[HandoffQueue]:
    """Everything between two people or about to be."""
    found = listed(connection, viewer, ("shipment", "bag"), but_arrived=True)
    study = found.study
    names = _Names(connection)
    rows = [
        row for node in found.nodes if study is not None and (row := _held(found.dossier, node, study, present, now, names)) is not None
    ]
    waiting = sorted((row for row in rows if row.open is not None), key=_gap_at)
    return Seen(
        HandoffQueue(
            open=tuple(sorted(waiting, key=lambda row: row.part != "receiver")),
            to_give=tuple(row for row in rows if row.open is None and row.can_be_given and row.part == "holder"),
            on_the_way=tuple(sorted((row for row in rows if row.open is None and row.under_way), key=lambda row: row.late_after or LAST)),
            unreadable=found.broken,
            cut=found.cut,
        )
    )


def sheet(
    connection: Connection, viewer: Viewer, present: Present, node: ShipmentId | BagId, acts: tuple[str, ...], now: datetime
) -> Seen[HandoffSheet]:
    """One shipment or bag with all its hand-overs. Raises NotFoundError for one that is unknown, hidden, or that nobody ever held."""
    dossier = opened(connection, viewer, node)
    study = None if viewer.study is None else StudyFold(dossier, viewer.study)
    held = _held(dossier, node, study, present, now, _Names(connection)) if study is not None else None
    if held is None:
        raise NotFoundError(f"nobody holds {node} yet", code="unknown_thing", kind=node.kind, seen=node.value)
    offered = (_with_own_reasons(each, held) for each in offers(dossier, present, viewer.study, node, acts))
    return Seen(HandoffSheet(held=held, offers=tuple(offered)))


@dataclass
class _Names:
    """The printed name of a person named in an offer; names are read once, where there is one."""

    connection: Connection

    @cached_property
    def _printed(self) -> dict[PersonId, str]:
        return printed_names(self.connection)

    def of(self, handover: Handover) -> str:
        act = handover.offered.act
        if act.to_person is None:
            return act.to_organisation
        return self._printed.get(act.to_person, act.to_person.value)


def _gap_at(row: Held) -> datetime:
    return row.open.gap_at if row.open is not None else LAST


def _held(dossier: Dossier, node: Node, study: StudyFold, present: Present, now: datetime, names: _Names) -> Held | None:
    """None for what is over, was never packed or filled, or travels inside a shipper that speaks for it."""
    try:
        if isinstance(node, ShipmentId):
            return _shipment(ShipmentFold(dossier, node, study), present, now, names)
        return _bag(BagFold(dossier, node, study), present, now, names) if isinstance(node, BagId) else None
    except MissingFact:
        return None


def _shipment(fold: ShipmentFold, present: Present, now: datetime, names: _Names) -> Held | None:
    steps = list(fold.custody())
    since, custodian, _ = steps[-1]
    seen = tuple(_seen(fold.study, each, now, names) for each in fold.handovers)
    under_way = fold.left_at is not None and fold.arrived is None and fold.lost is None
    may_go_on = fold.sealing is not None and fold.arrived is None and fold.lost is None
    return Held(
        node=fold.node,
        custodian=holder_of(fold.dossier, custodian),
        since=since,
        open=seen[-1] if fold.open_handover is not None else None,
        part=_part(fold.open_handover, custodian, present),
        past=seen,
        late_after=fold.late_after if under_way else None,
        under_way=under_way,
        can_be_given=may_go_on,
        next=_next(fold.open_handover, may_go_on),
    )


def _bag(fold: BagFold, present: Present, now: datetime, names: _Names) -> Held | None:
    custody = fold.custody
    interval = custody.intervals[-1]
    seen = tuple(_seen(fold.study, each, now, names) for each in custody.handovers)
    waiting = custody.handovers[-1] if custody.handovers and custody.handovers[-1].is_open else None
    goes = fold.state in HANDED_BY_HAND
    return Held(
        node=fold.node,
        custodian=holder_of(fold.dossier, interval.custodian),
        since=interval.start,
        open=seen[-1] if waiting is not None else None,
        part=_part(waiting, interval.custodian, present),
        past=seen,
        late_after=None,
        under_way=False,
        can_be_given=goes or (fold.state not in FINAL and waiting is not None),
        next=_next(waiting, goes),
    )


def _seen(study: StudyFold, handover: Handover, now: datetime, names: _Names) -> HandoverSeen:
    gap_at = handover.started_at + span(minutes=minutes_allowed(handover, study))
    return HandoverSeen(
        giver=handover.offered.signers[0].printed_name,
        to=names.of(handover),
        started_at=handover.started_at,
        ended_at=handover.ended_at,
        accepted_by=handover.accepted.signers[0].printed_name if handover.accepted is not None else "",
        gap_at=gap_at,
        became_gap=(handover.ended_at or now) > gap_at,
    )


def _part(waiting: Handover | None, custodian: Custodian, present: Present) -> str:
    """What this person is in it, as far as roles and names tell; gate HOF-RECEIVER still decides."""
    if waiting is None:
        return "holder" if _may_give(custodian, present) else "other"
    if waiting.offered.signers[0].person == present.person:
        return "giver"
    act = waiting.offered.act
    if act.to_person is not None:
        return "receiver" if act.to_person == present.person else "other"
    carries = act.to_kind is PartyKind.CARRIER and Role.CARRIER in present.roles
    return "receiver" if carries else "other"


def _may_give(custodian: Custodian, present: Present) -> bool:
    if custodian.person is not None:
        return custodian.person == present.person
    here = (grant for grant in present.grants if grant.site == custodian.site)
    return any(grant.role is Role.CARRIER for grant in here) if custodian.organisation else any(True for _ in here)


def _next(waiting: Handover | None, can_be_given: bool) -> str:
    if waiting is not None:
        return "handoff_accepted"
    return "handoff_offered" if can_be_given else ""


def _with_own_reasons(offer: Offer, held: Held) -> Offer:
    """Reasons only this desk knows, beside duty and order."""
    if offer.why_not is not None:
        return offer
    found = dict(_reasons(held)).get(offer.act)
    values: dict[str, object] = {"custodian": held.custodian, "to": held.open.to if held.open is not None else ""}
    return Offer(act=offer.act, why_not=Why(key=f"desk.handoff.{found}", values=values)) if found else offer


def _reasons(held: Held) -> Iterable[tuple[str, str]]:
    if held.open is None:
        yield "handoff_accepted", "why_none_open"
        yield "handoff_withdrawn", "why_none_open"
        if held.part != "holder":
            yield "handoff_offered", "why_not_custodian"
    else:
        yield "handoff_offered", "why_open"
        if held.part == "giver":
            yield "handoff_accepted", "why_own"
        elif held.part == "other":
            yield "handoff_accepted", "why_for_another"
