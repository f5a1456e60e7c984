"""What quality weighs: open holds with owner and reach, gaps in custody, and the cold life of a bag with its curves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from custody.domain.acts.quality import ColdChainDecided, HoldPlaced, HoldPlacedByCustody, TraceGivenUp
from custody.domain.cold_chain_criteria import ColdChainCriteria
from custody.domain.dossier import Deed, Dossier
from custody.domain.folds.bag import FINAL, BagFold
from custody.domain.folds.base import MissingFact
from custody.domain.folds.cold_life import NOT_RELEASABLE, ColdLife, JudgedLife
from custody.domain.folds.custody import CustodyGap
from custody.domain.folds.shipment import ShipmentFold
from custody.domain.folds.study import StudyFold
from custody.domain.ids import BagId, LoggerId, Node, ShipmentId
from custody.domain.readings import Gap, Series
from custody.domain.terms import SignatureStateWord
from custody.domain.time_in_band import Excursion
from custody.domain.verdict import Reason
from custody.workflows.standing import holder_of

CLASS_FOR_QA = 2


@dataclass(frozen=True, kw_only=True)
class Hold:
    """`cause`: the rule or test for which custody itself placed it, empty for a person's; `owner` is then empty."""

    node: Node
    number: str
    reason: str
    cause: str
    owner: str
    since: datetime
    by: str


@dataclass(frozen=True, kw_only=True)
class GapSeen:
    """A gap in custody. `node`: whose hand-over it is; a decision there counts for every bag in it. `bags`: those it is in."""

    node: BagId | ShipmentId
    kind: str
    start: datetime
    end: datetime | None
    bags: tuple[BagId, ...]
    disposed_by: str = ""
    disposed_at: datetime | None = None
    why: str = ""
    expires_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.disposed_at is None


@dataclass(frozen=True, kw_only=True)
class Curve:
    """The readings of one logger while the bag was there, with the limits they are read against."""

    logger: LoggerId
    series: Series
    criteria: ColdChainCriteria
    gaps: tuple[Gap, ...]
    signature: SignatureStateWord


@dataclass(frozen=True, kw_only=True)
class PlaceSeen:
    node: Node
    start: datetime
    end: datetime
    curves: tuple[Curve, ...]


@dataclass(frozen=True, kw_only=True)
class Decided:
    by: str
    at: datetime
    word: str
    reason: str
    covers_until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Cold:
    """The cold life of one bag as judged now (rules section 11). `needs_file`: a decision cannot stand in for a record that is missing."""

    bag: BagId
    klass: int
    reasons: tuple[Reason, ...]
    minutes_outside: Decimal
    coldest: Decimal | None
    warmest: Decimal | None
    excursions: tuple[Excursion, ...]
    gaps: tuple[Gap, ...]
    criteria: ColdChainCriteria
    places: tuple[PlaceSeen, ...]
    decisions: tuple[Decided, ...]
    needs_file: bool
    rejected: bool
    released: bool
    expires_at: datetime | None

    @property
    def waits(self) -> bool:
        """Whether quality must decide: class 2, and no decision covers it."""
        return self.klass == CLASS_FOR_QA and not self.released and not self.rejected


def hold_of(deed: Deed[HoldPlaced | HoldPlacedByCustody]) -> Hold:
    act = deed.act
    placed = isinstance(act, HoldPlaced)
    return Hold(
        node=act.subject,
        number=act.hold,
        reason=act.reason if isinstance(act, HoldPlaced) else "",
        cause=act.cause if isinstance(act, HoldPlacedByCustody) else "",
        owner=act.owner if isinstance(act, HoldPlaced) else "",
        since=deed.at,
        by=deed.signers[0].printed_name if placed else "",
    )


def cold_of(dossier: Dossier, bag: BagId, study: StudyFold, now: datetime, *, curves: bool = True) -> Cold:
    """The class now, with what made it so; without `curves` it names no places.

    Raises MissingFact where a file that was read is not at hand, or times contradict each other.
    """
    life = BagFold(dossier, bag, study).cold_life
    judged = life.judged(now)
    temperatures = judged.temperatures
    return Cold(
        bag=bag,
        klass=judged.klass,
        reasons=tuple(Reason(each.code, **each.values) for each in judged.reasons),
        minutes_outside=temperatures.minutes_outside,
        coldest=temperatures.coldest,
        warmest=temperatures.warmest,
        excursions=temperatures.excursions,
        gaps=temperatures.gaps,
        criteria=life.criteria,
        places=tuple(_places(life, judged)) if curves else (),
        decisions=tuple(_decisions(dossier, bag)),
        needs_file=any(each.code in NOT_RELEASABLE for each in judged.reasons),
        rejected=life.rejection is not None,
        released=life.release_of(judged) is not None,
        expires_at=expiry_of(dossier, bag, study),
    )


def expiry_of(dossier: Dossier, bag: BagId, study: StudyFold) -> datetime | None:
    """The earliest of its clocks; None where they are not known, which is a line on a list and no verdict."""
    try:
        return BagFold(dossier, bag, study).earliest_expiry().expires_at
    except MissingFact:
        return None


def _places(life: ColdLife, judged: JudgedLife) -> Iterator[PlaceSeen]:
    for place in judged.places:
        curves = []
        for trace in place.overlapping:
            series = trace.series.clipped(place.stay.start, place.stay.end)
            gaps = series.gaps(life.criteria.silence_allowed(trace.deed.act.interval_minutes))
            curve = Curve(logger=trace.deed.act.logger, series=series, criteria=life.criteria, gaps=gaps, signature=trace.signature)
            curves.append(curve)
        yield PlaceSeen(node=place.place.node, start=place.stay.start, end=place.stay.end, curves=tuple(curves))


def _decisions(dossier: Dossier, bag: BagId) -> Iterator[Decided]:
    for deed in reversed(dossier.deeds(bag, ColdChainDecided, TraceGivenUp)):
        decided = isinstance(deed.act, ColdChainDecided)
        yield Decided(
            by=deed.signers[0].printed_name,
            at=deed.at,
            word=deed.act.decision.value if isinstance(deed.act, ColdChainDecided) else "given_up",
            reason=deed.act.reason,
            covers_until=deed.act.covers_until if decided and isinstance(deed.act, ColdChainDecided) else None,
        )


def is_over(dossier: Dossier, bag: BagId, study: StudyFold) -> bool:
    """Whether nothing more can happen with it."""
    return BagFold(dossier, bag, study).state in FINAL


def gaps_of(dossier: Dossier, bags: tuple[BagId, ...], study: StudyFold, now: datetime) -> tuple[GapSeen, ...]:
    """The gaps of these bags, each once: that of a shipper is in the record of every bag in it. Open ones first."""
    found: dict[CustodyGap, GapSeen] = {}
    for bag in bags:
        custody = BagFold(dossier, bag, study).custody
        for gap in custody.gaps(now):
            before = found.get(gap)
            disposal = custody.disposal_of(gap)
            if before is not None and before.is_open and disposal is not None:
                continue  # disposed of for this bag only
            ends = (
                each for each in (expiry_of(dossier, bag, study), before.expires_at if before is not None else None) if each is not None
            )
            node = gap.node if isinstance(gap.node, BagId | ShipmentId) else bag
            found[gap] = GapSeen(
                node=node,
                kind=gap.kind,
                start=gap.start,
                end=gap.end,
                bags=(*(before.bags if before is not None else ()), bag),
                disposed_by=disposal.signers[0].printed_name if disposal is not None else "",
                disposed_at=disposal.at if disposal is not None else None,
                why=disposal.act.reason if disposal is not None else "",
                expires_at=min(ends, default=None),
            )
    return tuple(sorted(found.values(), key=lambda gap: (not gap.is_open, gap.start)))


@dataclass(frozen=True, kw_only=True)
class Interval:
    holder: str
    start: datetime
    end: datetime | None


def intervals_of(dossier: Dossier, bag: BagId, study: StudyFold) -> tuple[Interval, ...]:
    """Who answered for it, oldest first."""
    found = BagFold(dossier, bag, study).custody.intervals
    return tuple(Interval(holder=holder_of(dossier, each.custodian), start=each.start, end=each.end) for each in found)


@dataclass(frozen=True, kw_only=True)
class Seals:
    """The seals as put on and as read on arrival: what somebody must know who says that they are intact."""

    put_on: tuple[str, ...]
    read: tuple[str, ...] | None


def seals_of(dossier: Dossier, shipment: ShipmentId, study: StudyFold) -> Seals | None:
    """None before it was sealed."""
    fold = ShipmentFold(dossier, shipment, study)
    if fold.sealing is None:
        return None
    arrived = fold.arrived
    return Seals(
        put_on=tuple(seal.value for seal in fold.seals),
        read=None if arrived is None else tuple(seal.value for seal in arrived.act.seals),
    )


def bags_of(dossier: Dossier, node: Node, study: StudyFold) -> tuple[BagId, ...]:
    """The bag itself, or those in a shipment."""
    if isinstance(node, BagId):
        return (node,)
    if not isinstance(node, ShipmentId):
        return ()
    try:
        return ShipmentFold(dossier, node, study).bags
    except MissingFact:
        return ()
