"""The sheet of one product at the bench: its culture with passage and doublings, its labels, its bags, its family, and the next step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from sqlalchemy import Connection

from custody.domain.acts.base import Act
from custody.domain.acts.donation import TissuePacked
from custody.domain.acts.manufacturing import BagRetained, BagsFilled, Balance, BankFilled, CultureStep
from custody.domain.criteria import Settings
from custody.domain.deeds import Deed
from custody.domain.dossier import Dossier
from custody.domain.folds.base import MissingFact
from custody.domain.folds.culture import CULTURE_ACTS, VialsFold, shown_doublings
from custody.domain.folds.lot import LotFold
from custody.domain.folds.registers import span
from custody.domain.folds.study import StudyFold
from custody.domain.folds.tissue import TissueFold
from custody.domain.ids import BagId, BankId, Digest, LotId, Node, TissueId
from custody.domain.masking import Seen, Viewer
from custody.domain.terms import ProductForm
from custody.errors import NotFoundError
from custody.workflows.desks.bench import Labels, Product, Stage, labels_of, process_by, stage_of
from custody.workflows.desks.corrections import correctable
from custody.workflows.desks.lineage import Culture, Kin, culture_of, lineage, settings_of
from custody.workflows.desks.offers import Offer, offers
from custody.workflows.desks.things import opened
from custody.workflows.dossiers import dossier_of
from custody.workflows.people import Present
from custody.workflows.standing import Fault, standing

BAGS_MAX = 200
UNDONE_WITHIN = timedelta(hours=24)
"""“Undo last” means the work at hand; what is older is corrected where it stands."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One culture step. `doublings` are its own, None where what was seeded makes no sense; `grew`: whether cells multiplied at all."""

    digest: Digest
    step: str
    at: datetime
    by: str
    passage: int
    seeded: Decimal
    harvested: Decimal
    doublings: Decimal | None
    materials: tuple[Node, ...]
    equipment: tuple[Node, ...]
    balance: Balance
    corrected: bool


@dataclass(frozen=True, kw_only=True)
class BagMade:
    """One bag of a lot, by its opaque number, with the newest act about it. `retained`: kept as a sample, where and until when."""

    bag: BagId
    newest: str
    retained: str


@dataclass(frozen=True, kw_only=True)
class Cord:
    """What is known of a cord at receipt; seal, label code and count are read afresh by two people and not told beforehand."""

    packed_at: datetime
    arrived_at: datetime | None
    delivered_at: datetime
    process_by: datetime | None
    documents: tuple[str, ...]
    trip_class: int | None
    coldest: Decimal | None
    warmest: Decimal | None


@dataclass(frozen=True, kw_only=True)
class Last:
    """The last entry this person made on a product, which they may correct."""

    digest: Digest
    act: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class BenchSheet:
    node: Product
    stage: Stage
    blocked: tuple[Fault, ...]
    disposition: str
    culture: Culture | None
    steps: tuple[Step, ...]
    cord: Cord | None
    labels: Labels | None
    containers: int | None
    vials_left: int | None
    expires_by: datetime | None
    bags: tuple[BagMade, ...]
    family: tuple[Kin, ...]
    last: Last | None
    offers: tuple[Offer, ...]


def sheet(
    connection: Connection, viewer: Viewer, present: Present, node: Product, acts: tuple[str, ...], now: datetime
) -> Seen[BenchSheet]:
    """Raises NotFoundError as `opened`, and where no study says how to judge."""
    dossier = opened(connection, viewer, node)
    if viewer.study is None:
        raise NotFoundError("no study is chosen", code="no_study")
    study = StudyFold(dossier, viewer.study)
    made = node if isinstance(node, BankId | LotId) else None
    return Seen(
        BenchSheet(
            node=node,
            stage=stage_of(connection, dossier, study, node),
            blocked=standing(dossier, viewer, node, now).blocked,
            disposition=type(LotFold(dossier, made, study).disposition).__name__.lower() if made is not None else "",
            culture=culture_of(dossier, study, node),
            steps=tuple(_steps(dossier, node)),
            cord=_cord(dossier, study, node) if isinstance(node, TissueId) else None,
            labels=labels_of(dossier, made) if made is not None else None,
            containers=_containers(dossier, node),
            vials_left=_vials_left(dossier, node),
            expires_by=_expires_by(dossier, study, node, now),
            bags=_bags(connection, dossier, node),
            family=lineage(connection, viewer, node).value,
            last=_last(connection, dossier, viewer, present, node, now),
            offers=offers(dossier, present, viewer.study, node, acts),
        )
    )


def _steps(dossier: Dossier, node: Product) -> Iterator[Step]:
    for deed in dossier.deeds(node, Act):
        if isinstance(deed.act, CULTURE_ACTS):
            yield _step(deed, deed.act.culture)


def _step(deed: Deed[Act], culture: CultureStep) -> Step:
    return Step(
        digest=deed.digest,
        step=culture.step,
        at=culture.started_at,
        by=deed.signers[0].printed_name,
        passage=culture.passage,
        seeded=culture.viable_seeded,
        harvested=culture.viable_harvested,
        doublings=_doublings(culture),
        materials=culture.materials,
        equipment=culture.equipment,
        balance=culture.balance,
        corrected=deed.corrected,
    )


def _doublings(culture: CultureStep) -> Decimal | None:
    """Of this step alone, as the culture fold counts them: cells that died undo no divisions."""
    if culture.viable_seeded <= 0 or culture.viable_harvested < 0:
        return None
    return shown_doublings(max(Fraction(1), Fraction(culture.viable_harvested) / Fraction(culture.viable_seeded)))


def _cord(dossier: Dossier, study: StudyFold, node: TissueId) -> Cord | None:
    tissue = TissueFold(dossier, node, study)
    try:
        packed: Deed[TissuePacked] = tissue.packed
        delivered = tissue.donation.delivered_at
    except MissingFact:
        return None  # hold point G3 says what is missing
    klass, coldest, warmest = _trip(tissue)
    return Cord(
        packed_at=packed.act.packed_at,
        arrived_at=_arrived_at(tissue),
        delivered_at=delivered,
        process_by=process_by(dossier, study, node),
        documents=packed.act.documents,
        trip_class=klass,
        coldest=coldest,
        warmest=warmest,
    )


def _arrived_at(tissue: TissueFold) -> datetime | None:
    try:
        return tissue.arrived.act.arrived_at
    except MissingFact:
        return None


def _trip(tissue: TissueFold) -> tuple[int | None, Decimal | None, Decimal | None]:
    """The class of its way with coldest and warmest; nothing where no trusted file was read, which gate TIS-TEMP blocks."""
    try:
        if not tissue.verified_trip_files:
            return None, None, None
        trip = tissue.trip
    except MissingFact:
        return None, None, None
    return trip.klass, trip.coldest, trip.warmest


def _containers(dossier: Dossier, node: Product) -> int | None:
    filled = dossier.last(node, BagsFilled, BankFilled)
    if filled is None:
        return None
    return len(filled.act.bags) if isinstance(filled.act, BagsFilled) else filled.act.vials


def _vials_left(dossier: Dossier, node: Product) -> int | None:
    if not isinstance(node, BankId):
        return None
    try:
        return VialsFold(dossier, node).left
    except MissingFact:
        return None


def _expires_by(dossier: Dossier, study: StudyFold, node: Product, now: datetime) -> datetime | None:
    """The latest expiry a bag filled now may state, by the study's shelf life for the form of this lot."""
    if not isinstance(node, LotId):
        return None
    try:
        settings = settings_of(dossier, study, node)
        return now + _shelf_life(settings, LotFold(dossier, node, study).form)
    except MissingFact:
        return None


def _shelf_life(settings: Settings, form: ProductForm) -> timedelta:
    return span(hours=settings.fresh_hours) if form is ProductForm.FRESH else span(days=settings.frozen_days)


def _bags(connection: Connection, dossier: Dossier, node: Product) -> tuple[BagMade, ...]:
    filled = dossier.last(node, BagsFilled)
    if filled is None:
        return ()
    bags = filled.act.bags[:BAGS_MAX]
    streams = dossier_of(connection, bags)
    return tuple(_bag(streams, bag) for bag in bags)


def _bag(streams: Dossier, bag: BagId) -> BagMade:
    newest = streams.last(bag, Act)
    retained = streams.last(bag, BagRetained)
    kept = f"{retained.act.place}, {retained.act.until.isoformat()}" if retained is not None else ""
    return BagMade(bag=bag, newest=newest.act.rule.name if newest is not None else "", retained=kept)


def _last(connection: Connection, dossier: Dossier, viewer: Viewer, present: Present, node: Product, now: datetime) -> Last | None:
    """What this person would take back if something was wrong: their own newest entry here."""
    mine = correctable(connection, viewer, present, node).value
    for deed in reversed(dossier.deeds(node, Act)):
        if now - deed.recorded_at > UNDONE_WITHIN:
            return None
        if deed.digest.value in mine and deed.began.by.person == present.person:
            return Last(digest=deed.digest, act=deed.act.rule.name, at=deed.recorded_at)
    return None
