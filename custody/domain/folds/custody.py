"""The custody record of one bag: who answered for it from when to when, and every gap in that (rules section 10)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from typing import TypeVar

from custody.domain.acts.base import Act
from custody.domain.acts.bedside import BagDispensed, BagPreparing, BagSpiked
from custody.domain.acts.manufacturing import BagFilled, BagStored, BagTakenOut
from custody.domain.acts.quality import GapDisposed
from custody.domain.acts.shipping import (
    BagAccepted,
    BagPacked,
    BagUnpacked,
    HandoffAccepted,
    HandoffOffered,
    PackingStarted,
    ShipmentArrived,
    ShipperSealed,
)
from custody.domain.dossier import Deed, Dossier
from custody.domain.folds.base import MissingFact
from custody.domain.folds.handover import Custodian, Handover, handovers_of, minutes_allowed
from custody.domain.folds.judged import changed_at
from custody.domain.folds.registers import span
from custody.domain.folds.shipment import ShipmentFold
from custody.domain.folds.study import StudyFold
from custody.domain.ids import BagId, Digest, Node, ShipmentId

R = TypeVar("R")
HANDLED = (BagFilled, BagStored, BagTakenOut, BagPacked, BagUnpacked, BagAccepted, BagPreparing, BagDispensed, BagSpiked)
"""Acts that can only be done where the bag is."""

TIMED = (*HANDLED, HandoffOffered, HandoffAccepted, PackingStarted, ShipperSealed, ShipmentArrived)
"""Acts whose times must follow each other as their entries do."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """`custodian` answered for the bag from `start` to `end` (None: still does)."""

    custodian: Custodian
    start: datetime
    end: datetime | None
    evidence: Digest


@dataclass(frozen=True, kw_only=True)
class CustodyGap:
    """Time in which nobody surely answered for the bag. `end` is None while it lasts; `known_at`: when the record showed it.

    `kind` is the code of the sentence that says it: `gap_handover_open`, `gap_no_custodian`, `gap_transit_too_long` and so on.
    """

    kind: str
    start: datetime
    end: datetime | None
    node: Node
    evidence: tuple[Digest, ...] = field(compare=False)
    known_at: datetime = field(compare=False)


@dataclass(frozen=True, kw_only=True)
class _Step:
    """Somebody is seen to have the bag at `at`. `by_rights`: custody passed to them, so that a change of place is no jump."""

    at: datetime
    custodian: Custodian
    by_rights: bool
    deed: Deed[Act]
    node: Node


@dataclass(frozen=True)
class CustodyFold:
    dossier: Dossier
    node: BagId
    study: StudyFold

    @cached_property
    def shipments(self) -> tuple[ShipmentFold, ...]:
        """Every shipment it travelled in."""
        packed = dict.fromkeys(d.act.shipment for d in journeys_of(self.dossier, self.node))
        return tuple(ShipmentFold(self.dossier, shipment, self.study) for shipment in packed)

    @cached_property
    def handovers(self) -> tuple[Handover, ...]:
        """Hand-overs of the bag itself; those of its shippers are theirs."""
        return handovers_of(self.dossier, self.node)

    @property
    def open_handover(self) -> Handover | None:
        """The hand-over that waits for its receiver now, of the bag or of the shipper it is in."""
        if self.handovers and self.handovers[-1].is_open:
            return self.handovers[-1]
        return self.shipments[-1].open_handover if self.shipments else None

    def is_overdue(self, handover: Handover, now: datetime) -> bool:
        """Open for longer than allowed; such a hand-over is a gap."""
        return (handover.ended_at or now) - handover.started_at > span(minutes=minutes_allowed(handover, self.study))

    @cached_property
    def intervals(self) -> tuple[Interval, ...]:
        """Who answered for it from when to when, oldest first. Raises MissingFact when it was never filled."""
        return self._once("intervals", CustodyFold._intervals)

    def _intervals(self) -> tuple[Interval, ...]:
        steps = self._steps
        if not steps:
            raise MissingFact("fill", node=self.node)
        starts = (steps[0], *(step for before, step in pairwise(steps) if before.custodian != step.custodian))
        ends = [*(step.at for step in starts[1:]), None]
        return tuple(
            Interval(custodian=step.custodian, start=step.at, end=end, evidence=step.deed.digest)
            for step, end in zip(starts, ends, strict=True)
        )

    @property
    def custodian(self) -> Custodian:
        """Who answers for the bag now."""
        return self.intervals[-1].custodian

    @property
    def evidence(self) -> tuple[Digest, ...]:
        return tuple(dict.fromkeys(interval.evidence for interval in self.intervals))

    def gaps(self, now: datetime) -> tuple[CustodyGap, ...]:
        """Every gap there is at `now`, disposed of or not."""
        found = [*self._handover_gaps(now), *self._once("gaps", CustodyFold._gaps_for_ever)]
        for shipment in self.shipments:
            found += _trip_gaps(shipment, now)
        return tuple(sorted(found, key=lambda gap: gap.start))

    def _gaps_for_ever(self) -> tuple[CustodyGap, ...]:
        """Those that no passing of time makes or ends."""
        nodes: tuple[BagId | ShipmentId, ...] = (self.node, *(shipment.node for shipment in self.shipments))
        return (*self._jumps(), *(gap for node in nodes for gap in self._backwards(node)))

    def open_gaps(self, now: datetime) -> tuple[CustodyGap, ...]:
        """Gaps that no signed decision disposed of."""
        return tuple(gap for gap in self.gaps(now) if self.disposal_of(gap) is None)

    def disposal_of(self, gap: CustodyGap) -> Deed[GapDisposed] | None:
        """QA's decision on the whole gap, taken once it was over and known, with seals intact and a continuous trace (rules section 4)."""
        if gap.end is None:
            return None
        nodes: tuple[BagId | ShipmentId, ...] = (self.node, *(s.node for s in self.shipments))
        for deed in (d for node in nodes for d in self.dossier.deeds(node, GapDisposed)):
            act = deed.act
            covers = act.gap_started_at <= gap.start and gap.end <= act.gap_ended_at and gap.end <= deed.recorded_at
            if covers and gap.known_at <= deed.recorded_at and act.seals_intact and act.trace_continuous:
                return deed
        return None

    def _handover_gaps(self, now: datetime) -> Iterator[CustodyGap]:
        for handover in (*self.handovers, *(h for shipment in self.shipments for h in shipment.handovers)):
            if self.is_overdue(handover, now):
                yield CustodyGap(
                    kind="gap_handover_open",
                    start=handover.started_at,
                    end=handover.ended_at,
                    node=handover.offered.act.node,
                    evidence=handover.evidence,
                    known_at=handover.known_at,
                )

    @cached_property
    def _steps(self) -> tuple[_Step, ...]:
        """Everybody seen with the bag, in the order of the entries; a shipper's hand-overs come where the bag was packed into it."""
        return self._once("steps", lambda fold: tuple(CustodyFold._seen_with_it(fold)))

    def _once(self, key: str, work_out: Callable[[CustodyFold], R]) -> R:
        def anew(dossier: Dossier) -> R:
            return work_out(CustodyFold(dossier, self.node, StudyFold(dossier, self.study.study)))

        return self.dossier.once(self.node, (CustodyFold, key, self.study.study), anew)

    def _seen_with_it(self) -> Iterator[_Step]:
        accepted = {h.accepted.digest: h.receiver for h in self.handovers if h.accepted is not None}
        journeys = {deed.digest for deed in journeys_of(self.dossier, self.node)}
        for deed in self.dossier.deeds(self.node, *HANDLED, HandoffAccepted):
            receiver = accepted.get(deed.digest)
            if isinstance(deed.act, HandoffAccepted):
                if receiver is not None:
                    yield _Step(at=deed.at, custodian=receiver, by_rights=True, deed=deed, node=self.node)
                continue
            yield self._seen(deed)
            if isinstance(deed.act, BagPacked) and deed.digest in journeys:
                yield from self._on_the_way(deed.act.shipment)

    def _seen(self, deed: Deed[Act]) -> _Step:
        return _Step(
            at=_time_of(deed),
            custodian=Custodian(site=deed.began.by.site),
            by_rights=isinstance(deed.act, BagFilled),
            deed=deed,
            node=self.node,
        )

    def _on_the_way(self, shipment: ShipmentId) -> Iterator[_Step]:
        fold = ShipmentFold(self.dossier, shipment, self.study)
        for at, custodian, deed in list(fold.custody())[1:]:
            yield _Step(at=at, custodian=custodian, by_rights=True, deed=deed, node=shipment)

    def _jumps(self) -> Iterator[CustodyGap]:
        """Somebody handles it at another site than the one that answers for it."""
        for before, after in pairwise(self._steps):
            if not after.by_rights and after.custodian.site != before.custodian.site:
                yield CustodyGap(
                    kind="gap_place_jumped",
                    start=min(before.at, after.at),
                    end=after.at,
                    node=self.node,
                    evidence=(before.deed.digest, after.deed.digest),
                    known_at=max(changed_at(before.deed), changed_at(after.deed)),
                )

    def _backwards(self, node: BagId | ShipmentId) -> Iterator[CustodyGap]:
        """Times that run against the order of the entries; an entry that came late, and is flagged so, may (rules section 10)."""
        late = span(minutes=self.study.criteria_now.settings.late_entry_min)
        timed = sorted(self.dossier.deeds(node, *TIMED), key=lambda d: d.began.position)
        in_time = [d for d in timed if d.began.recorded_at - d.began.happened_at <= late]
        for before, after in pairwise(in_time):
            if after.at < before.at:
                yield CustodyGap(
                    kind="gap_time_backwards",
                    start=after.at,
                    end=before.at,
                    node=node,
                    evidence=(before.digest, after.digest),
                    known_at=max(changed_at(before), changed_at(after)),
                )


def journeys_of(dossier: Dossier, bag: BagId) -> tuple[Deed[BagPacked], ...]:
    """Packings of the bag that were not undone before the shipper left, oldest first."""
    found: list[Deed[BagPacked]] = []
    packings: tuple[Deed[BagPacked | BagUnpacked], ...] = dossier.deeds(bag, BagPacked, BagUnpacked)
    for deed in packings:
        if isinstance(deed.act, BagPacked):
            if found and found[-1].act.shipment == deed.act.shipment:
                found.pop()
            found.append(deed)  # type: ignore[arg-type]
        elif found and found[-1].act.shipment == deed.act.shipment:
            found.pop()
    return tuple(found)


def _time_of(deed: Deed[Act]) -> datetime:
    """The time the act itself states, where it states one."""
    match deed.act:
        case BagFilled(filled_at=at) | BagStored(stored_at=at) | BagTakenOut(taken_at=at) | BagPacked(packed_at=at):
            return at
        case _:
            return deed.at


def _trip_gaps(shipment: ShipmentFold, now: datetime) -> Iterator[CustodyGap]:
    """Nobody took it over before it arrived; it was under way for too long; another number of bags came than left."""
    arrived = shipment.arrived
    late_after = shipment.late_after
    end = arrived.act.arrived_at if arrived is not None else None
    if late_after is not None and (end or now) > late_after:
        evidence = (shipment.planned.digest, *([arrived.digest] if arrived is not None else []))
        known_at = max(changed_at(arrived), changed_at(shipment.planned)) if arrived is not None else now
        yield CustodyGap(kind="gap_transit_too_long", start=late_after, end=end, node=shipment.node, evidence=evidence, known_at=known_at)
    if arrived is None:
        return
    if shipment.left_at is None and arrived.began.by.site != shipment.planned.act.origin:
        left = shipment.handovers[0].started_at if shipment.handovers else shipment.sealed.at
        yield CustodyGap(
            kind="gap_no_custodian",
            start=left,
            end=arrived.act.arrived_at,
            node=shipment.node,
            evidence=(arrived.digest,),
            known_at=changed_at(arrived),
        )
    if arrived.act.bags_counted != len(shipment.bags):
        at = arrived.act.arrived_at
        yield CustodyGap(
            kind="gap_quantity_differs", start=at, end=at, node=shipment.node, evidence=(arrived.digest,), known_at=changed_at(arrived)
        )
