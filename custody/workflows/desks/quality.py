"""The quality desk: what waits for a decision of quality, and the sheet of any thing with its holds, deviations, gaps and cold life."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from custody.domain.acts.quality import HOLDABLE, DeviationOpened, HoldPlaced, HoldPlacedByCustody, Recalled
from custody.domain.dossier import Dossier
from custody.domain.folds.bag import BagFold
from custody.domain.folds.base import MissingFact
from custody.domain.folds.lot import open_deviations
from custody.domain.folds.study import StudyFold
from custody.domain.ids import BagId, Node, ShipmentId
from custody.domain.lineage import ancestors_of, holds_over, open_holds, recalls_over
from custody.domain.masking import Seen, Viewer
from custody.domain.terms import Severity
from custody.errors import NotFoundError
from custody.workflows.desks import quality_facts as facts
from custody.workflows.desks.lot_record import Deviation, deviations_on, deviations_over
from custody.workflows.desks.offers import Offer, Why, offers
from custody.workflows.desks.quality_facts import Cold, Curve, GapSeen, Hold, Interval, Seals
from custody.workflows.desks.things import listed, opened
from custody.workflows.people import Present
from custody.workflows.standing import Standing, standing
from custody.workflows.tracing import followed

KINDS = ("lot", "bag", "shipment", "bank", "tissue", "donation", "donor", "dose", "kit")
HOLDS = (HoldPlaced, HoldPlacedByCustody)
RECALLABLE = frozenset({"donor", "donation", "tissue", "bank", "lot"})


@dataclass(frozen=True, kw_only=True)
class RecallSeen:
    node: Node
    number: str
    reason: str
    at: datetime
    by: str


@dataclass(frozen=True, kw_only=True)
class QualityQueue:
    """`cold`: bags of class 2 that nobody decided about; `unknown`: bags whose temperatures or custody cannot be read together."""

    cold: tuple[Cold, ...]
    gaps: tuple[GapSeen, ...]
    holds: tuple[Hold, ...]
    deviations: tuple[Deviation, ...]
    recalls: tuple[RecallSeen, ...]
    unknown: tuple[BagId, ...]
    unreadable: tuple[Node, ...]
    cut: bool
    as_of: datetime


@dataclass(frozen=True, kw_only=True)
class QualitySheet:
    """`holds`: on the thing and on all it comes from or travelled in. `reach`: how many things of each kind come from it."""

    stands: Standing
    holds: tuple[Hold, ...]
    recalls: tuple[RecallSeen, ...]
    deviations: tuple[Deviation, ...]
    gaps: tuple[GapSeen, ...]
    cold: Cold | None
    unknown: str
    custody: tuple[Interval, ...]
    seals: tuple[tuple[ShipmentId, Seals], ...]
    reach: tuple[tuple[str, int], ...]
    next: str
    offers: tuple[Offer, ...]


def queue(connection: Connection, viewer: Viewer, now: datetime) -> Seen[QualityQueue]:
    """Everything that waits for quality: excursions and gaps of bags still in use, open holds and deviations, recalls."""
    found = listed(connection, viewer, KINDS, by_themselves=frozenset(KINDS) - {BagId.kind})
    dossier, study = found.dossier, found.study
    bags = tuple(node for node in found.nodes if isinstance(node, BagId))
    cold, unknown, in_use = _cold(dossier, bags, study, now)
    held, deviating, recalled = (dossier.streams_holding(kinds) for kinds in (HOLDS, (DeviationOpened,), (Recalled,)))
    holds = (facts.hold_of(deed) for node in found.nodes if node.key in held for deed in open_holds(dossier, node))
    deviations = [each for node in found.nodes if node.key in deviating for each in deviations_on(dossier, node) if each.closed_at is None]
    return Seen(
        QualityQueue(
            cold=tuple(sorted((each for each in cold if each.waits), key=lambda each: each.bag.value)),
            gaps=tuple(gap for gap in _gaps(dossier, in_use, study, now) if gap.is_open),
            holds=tuple(sorted(holds, key=lambda hold: hold.since)),
            deviations=tuple(sorted(deviations, key=lambda each: (each.severity is Severity.MINOR, each.opened_at))),
            recalls=tuple(_recalls(dossier, (node for node in found.nodes if node.key in recalled))),
            unknown=unknown,
            unreadable=found.broken,
            cut=found.cut,
            as_of=now,
        )
    )


def _cold(
    dossier: Dossier, bags: tuple[BagId, ...], study: StudyFold | None, now: datetime
) -> tuple[list[Cold], tuple[BagId, ...], tuple[BagId, ...]]:
    """The cold lives of bags in use; bags of which nobody can say; and all that are in use and readable."""
    cold, unknown, in_use = [], [], []
    for bag in bags if study is not None else ():
        assert study is not None
        try:
            if facts.is_over(dossier, bag, study):
                continue
            life = facts.cold_of(dossier, bag, study, now, curves=False)
        except MissingFact:
            unknown.append(bag)  # named on the desk: a bag nobody can judge is a bag quality must look at
            continue
        in_use.append(bag)
        cold.append(life)
    return cold, tuple(unknown), tuple(in_use)


def _gaps(dossier: Dossier, bags: tuple[BagId, ...], study: StudyFold | None, now: datetime) -> tuple[GapSeen, ...]:
    return () if study is None else facts.gaps_of(dossier, bags, study, now)


def _recalls(dossier: Dossier, nodes: Iterable[Node]) -> Iterator[RecallSeen]:
    for deed in recalls_over(dossier, tuple(nodes)):
        yield RecallSeen(node=deed.act.node, number=deed.act.recall, reason=deed.act.reason, at=deed.at, by=deed.signers[0].printed_name)


def sheet(connection: Connection, viewer: Viewer, present: Present, node: Node, acts: tuple[str, ...], now: datetime) -> Seen[QualitySheet]:
    """Any thing at this desk. Raises NotFoundError for one that is unknown or hidden."""
    dossier = opened(connection, viewer, node)
    if viewer.study is None:
        raise NotFoundError("no study is chosen", code="no_study")
    study = StudyFold(dossier, viewer.study)
    line = _line(dossier, node, study)
    found = QualitySheet(
        stands=standing(dossier, viewer, node, now),
        holds=tuple(facts.hold_of(deed) for deed in holds_over(dossier, line)),
        recalls=tuple(_recalls(dossier, line)),
        deviations=deviations_over(dossier, node),
        gaps=(),
        cold=None,
        unknown="",
        custody=(),
        seals=(),
        reach=_reach(connection, viewer, node),
        next="",
        offers=(),
    )
    found = _with_bags(found, dossier, node, study, now)
    found = replace(found, next=_next(found))
    every = offers(dossier, present, viewer.study, node, acts)
    return Seen(replace(found, offers=tuple(_with_own_reasons(each, dossier, node, found) for each in every)))


def _line(dossier: Dossier, node: Node, study: StudyFold) -> tuple[Node, ...]:
    """Everything whose hold counts for this thing."""
    travelled: tuple[Node, ...] = ()
    if isinstance(node, BagId):
        fold = BagFold(dossier, node, study)
        travelled = (*fold.shipments, *((fold.kit,) if fold.kit is not None else ()))
    return tuple(dict.fromkeys((node, *ancestors_of(dossier, node), *travelled)))


def _with_bags(found: QualitySheet, dossier: Dossier, node: Node, study: StudyFold, now: datetime) -> QualitySheet:
    """What is known of a bag, or of the bags in a shipment; what cannot be read says so."""
    bags = facts.bags_of(dossier, node, study)
    if not bags:
        return found
    shipments = (node,) if isinstance(node, ShipmentId) else BagFold(dossier, bags[0], study).shipments
    try:
        seals = tuple((shipment, put) for shipment in shipments if (put := facts.seals_of(dossier, shipment, study)) is not None)
        found = replace(found, gaps=facts.gaps_of(dossier, bags, study, now), seals=seals)
        if isinstance(node, BagId):
            custody = facts.intervals_of(dossier, node, study)
            found = replace(found, custody=custody, cold=facts.cold_of(dossier, node, study, now))
    except MissingFact as missing:
        return replace(found, unknown=str(missing.reason.values.get("what", "")))
    return found


def _reach(connection: Connection, viewer: Viewer, node: Node) -> tuple[tuple[str, int], ...]:
    """How many things of each kind a hold or recall of this thing would stop."""
    kinds: Counter[str] = Counter()
    # By names alone: a bank may have half a million bags.
    for _, things in followed(connection, node, forward=True, viewer=viewer).value:
        kinds.update(sorted(stream.partition(":")[0] for stream, *_ in things))
    return tuple(kinds.items())


def _next(found: QualitySheet) -> str:
    if found.cold is not None and found.cold.waits and not found.cold.needs_file:
        return "cold_chain_decided"
    if any(gap.is_open and gap.end is not None for gap in found.gaps):
        return "gap_disposed"
    if any(hold.node == found.stands.node for hold in found.holds):
        return "hold_lifted"
    return "deviation_closed" if any(d.node == found.stands.node and d.closed_at is None for d in found.deviations) else ""


def _with_own_reasons(offer: Offer, dossier: Dossier, node: Node, found: QualitySheet) -> Offer:
    """Reasons only this desk knows, beside duty and order."""
    if offer.why_not is not None:
        return offer
    cold = found.cold
    keys = {
        "hold_lifted": "why_no_hold" if isinstance(node, HOLDABLE) and not open_holds(dossier, node) else "",
        "deviation_closed": "" if open_deviations(dossier, node) else "why_no_deviation",
        "recalled": "why_recalled" if dossier.last(node, Recalled) is not None else "",
        "gap_disposed": "" if any(gap.is_open and gap.end is not None for gap in found.gaps) else _why_no_gap(found),
        "cold_chain_decided": ""
        if cold is None or cold.waits
        else "why_class_final"
        if cold.klass > facts.CLASS_FOR_QA
        else "why_no_class_2",
        "trace_given_up": "" if cold is None or cold.needs_file else "why_no_trace_missing",
    }
    if offer.act == "cold_chain_decided" and cold is not None and cold.waits and cold.needs_file:
        keys["cold_chain_decided"] = "why_needs_file"
    key = keys.get(offer.act, "")
    return replace(offer, why_not=Why(key=f"desk.quality.{key}")) if key else offer


def _why_no_gap(found: QualitySheet) -> str:
    return "why_gap_lasts" if any(gap.is_open for gap in found.gaps) else "why_no_gap"


def curve(connection: Connection, viewer: Viewer, bag: BagId, place: int, number: int, now: datetime) -> Seen[Curve]:
    """One logger's readings in one place of a bag's life. Raises NotFoundError where there is none."""
    dossier = opened(connection, viewer, bag)
    if viewer.study is not None:
        cold = facts.cold_of(dossier, bag, StudyFold(dossier, viewer.study), now)
        if place < len(cold.places) and number < len(cold.places[place].curves):
            return Seen(cold.places[place].curves[number])
    raise NotFoundError("there is no such curve", code="not_found")


def number_for(connection: Connection, viewer: Viewer, node: Node, act: str) -> str:
    """A number nobody has used for this thing yet, for a hold, deviation or recall that is being opened."""
    dossier = opened(connection, viewer, node)
    kinds = {"deviation_opened": (DeviationOpened, "DV"), "recalled": (Recalled, "RC"), "hold_placed": (HoldPlaced, "H")}
    kind, start = kinds[act]
    return f"{start}-{node.value}-{len(dossier.deeds(node, kind)) + 1}"
