"""The allocation desk: participants, doses and cohorts with their next step, and the sheet of one of each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from custody.domain.acts.bedside import ReadyConfirmed
from custody.domain.dossier import Dossier
from custody.domain.folds.bag import BagFold
from custody.domain.folds.base import MissingFact
from custody.domain.folds.dose import DoseFold
from custody.domain.folds.study import StudyFold
from custody.domain.ids import BagId, DoseId, KitId, Node, ParticipantId, StudyId
from custody.domain.masking import Seen, Viewer
from custody.domain.terms import Role
from custody.errors import NotFoundError
from custody.workflows.desks.cohorts import CohortSeen, StudySeen, cohorts_of
from custody.workflows.desks.day import LAST
from custody.workflows.desks.dosed import Arithmetic, BagSeen, Proposed, allocation_of, arithmetic, bags_of, freed, from_kit, proposals
from custody.workflows.desks.enrolled import Enrolled, enrolled
from custody.workflows.desks.offers import Offer, Why, offers
from custody.workflows.desks.preview import Preview, preview
from custody.workflows.desks.spares import hospital_of, lacking, newest_of, spare_for
from custody.workflows.desks.things import listed, opened
from custody.workflows.dossiers import dossier_of
from custody.workflows.people import Present
from custody.workflows.standing import holder_of

BAGS_LOOKED_AT = 60
"""Bags of the store that a proposal is made from; it says so where there are more."""
PROPOSALS_TRIED = 3
KITS_LOOKED_AT = 60


@dataclass(frozen=True, kw_only=True)
class DoseRow:
    """One dose of the queue. `until`: the window of the participant or the first bag's expiry, whichever is nearer."""

    node: DoseId
    participant: ParticipantId
    cohort: CohortSeen | None
    bags: int
    prescribed: bool
    until: datetime | None
    next: str


@dataclass(frozen=True, kw_only=True)
class AllocationQueue:
    participants: tuple[Enrolled, ...]
    doses: tuple[DoseRow, ...]
    study: StudySeen | None
    unreadable: tuple[Node, ...]
    cut: bool


@dataclass(frozen=True, kw_only=True)
class DoseSheet:
    """One dose. `foreseen`: what hold point G7 would say to `proposed` now; None where bags are reserved or none can be proposed.

    `for_spare`: what is proposed is one more bag for a dose that lost one.
    """

    node: DoseId
    participant: ParticipantId
    enrolled: Enrolled
    cohort: str
    phase: int
    blinded: bool
    criteria_version: int
    requested_at: datetime
    requested_by: str
    sums: Arithmetic
    bags: tuple[BagSeen, ...]
    freed: tuple[tuple[BagId, str, datetime], ...]
    kit: KitId | None
    started: bool
    proposed: Proposed | None
    why_none: str
    foreseen: Preview | None
    cut: bool
    next: str
    offers: tuple[Offer, ...]
    for_spare: bool = False


def queue(connection: Connection, viewer: Viewer, now: datetime) -> Seen[AllocationQueue]:
    """What waits before the thaw: participants on their way to a dose, doses to reserve and prescribe, the cohorts."""
    found = listed(connection, viewer, ("participant", "dose"))
    participants: list[Enrolled] = []
    doses: list[DoseRow] = []
    cohorts = cohorts_of(found.study)
    for node in found.nodes:
        if found.study is None:
            continue
        if isinstance(node, ParticipantId):
            person = enrolled(found.dossier, node, found.study)
            if person.next:
                participants.append(person)
        elif isinstance(node, DoseId):
            row = _dose_row(found.dossier, node, found.study, cohorts)
            if row is not None:
                doses.append(row)
    del now
    return Seen(
        AllocationQueue(
            participants=tuple(sorted(participants, key=lambda each: each.window_ends_at or LAST)),
            doses=tuple(sorted(doses, key=lambda row: (not row.next, row.until or LAST))),
            study=cohorts,
            unreadable=found.broken,
            cut=found.cut,
        )
    )


def _dose_row(dossier: Dossier, node: DoseId, study: StudyFold, cohorts: StudySeen | None) -> DoseRow | None:
    """None for a dose that has been started, or was never requested: neither waits here."""
    fold = DoseFold(dossier, node, study)
    try:
        requested = fold.requested.act
    except MissingFact:
        return None
    if fold.started is not None:
        return None
    person = enrolled(dossier, requested.participant, study)
    if person.left is not None:
        return None
    every = cohorts.cohorts if cohorts is not None else ()
    return DoseRow(
        node=node,
        participant=requested.participant,
        cohort=next((each for each in every if each.id == requested.cohort), None),
        bags=len(fold.bags),
        prescribed=fold.prescription is not None,
        until=min((at for at in (person.window_ends_at, _first_expiry(fold)) if at is not None), default=None),
        next=_next_of(fold),
    )


def _first_expiry(fold: DoseFold) -> datetime | None:
    found: list[datetime] = []
    for bag in fold.bags:
        try:
            found.append(BagFold(fold.dossier, bag, fold.study).earliest_expiry().expires_at)
        except MissingFact:
            continue  # the gates block such a bag; here it only has no time to show
    return min(found, default=None)


def _next_of(fold: DoseFold) -> str:
    if not fold.bags:
        return "dose_allocated"
    if fold.prescription is None:
        return "prescription_signed"
    return "" if fold.dossier.last(fold.node, ReadyConfirmed) is not None else "ready_confirmed"


def participant_sheet(
    connection: Connection, viewer: Viewer, present: Present, node: ParticipantId, acts: tuple[str, ...]
) -> Seen[tuple[Enrolled, tuple[Offer, ...]]]:
    dossier = opened(connection, viewer, node)
    person = enrolled(dossier, node, _study(dossier, viewer, node))
    offered = offers(dossier, present, viewer.study, node, acts)
    return Seen((person, tuple(_of_participant(each, person) for each in offered)))


def _of_participant(offer: Offer, person: Enrolled) -> Offer:
    if offer.why_not is None and person.left is not None:
        return Offer(act=offer.act, why_not=Why(key="desk.allocation.why_left"))
    return offer


def study_sheet(
    connection: Connection, viewer: Viewer, present: Present, node: StudyId, acts: tuple[str, ...]
) -> Seen[tuple[StudySeen | None, tuple[Offer, ...]]]:
    dossier = opened(connection, viewer, node)
    seen = cohorts_of(StudyFold(dossier, node))
    return Seen((seen, tuple(_of_study(each, seen) for each in offers(dossier, present, viewer.study, node, acts))))


def _of_study(offer: Offer, seen: StudySeen | None) -> Offer:
    if offer.why_not is None and offer.act == "study_resumed" and seen is not None and seen.halted is None:
        return Offer(act=offer.act, why_not=Why(key="desk.allocation.why_not_halted"))
    return offer


def dose_sheet(
    connection: Connection, viewer: Viewer, present: Present, node: DoseId, acts: tuple[str, ...], now: datetime
) -> Seen[DoseSheet]:
    """Raises NotFoundError for a dose that is unknown, hidden, or was never requested."""
    dossier = opened(connection, viewer, node)
    study = _study(dossier, viewer, node)
    fold = DoseFold(dossier, node, study)
    try:
        requested = fold.requested
        cohort = fold.cohort
    except MissingFact as error:
        raise NotFoundError(f"{node} was never requested", code="unknown_thing", kind="dose", seen=node.value) from error
    sheet = DoseSheet(
        node=node,
        participant=fold.participant,
        enrolled=enrolled(dossier, fold.participant, study),
        cohort=cohort.id.value,
        phase=cohort.phase,
        blinded=cohort.blinded,
        criteria_version=requested.act.criteria_version,
        requested_at=requested.at,
        requested_by=requested.signers[0].printed_name,
        sums=arithmetic(fold, blind=viewer.blind),
        bags=bags_of(fold, _holders(fold), blind=viewer.blind),
        freed=freed(fold),
        kit=fold.kit,
        started=fold.started is not None,
        proposed=None,
        why_none="",
        foreseen=None,
        cut=False,
        next="" if fold.started is not None else _next_of(fold),
        offers=tuple(_of_dose(each, fold) for each in offers(dossier, present, viewer.study, node, acts)),
    )
    allocator = Role.IWRS in present.roles and not viewer.blind
    if not allocator:
        return Seen(sheet)
    if lacking(fold) and any(offer.act == "spare_allocated" and offer.why_not is None for offer in sheet.offers):
        return Seen(_with_spare(connection, viewer, present, sheet, now))
    return Seen(_with_proposal(connection, viewer, present, sheet, now) if not fold.bags and not sheet.started else sheet)


def _study(dossier: Dossier, viewer: Viewer, node: Node) -> StudyFold:
    if viewer.study is None:
        raise NotFoundError(f"there is no study to which {node} belongs", code="unknown_thing", kind=node.kind, seen=node.value)
    return StudyFold(dossier, viewer.study)


def _holders(fold: DoseFold) -> dict[BagId, str]:
    found: dict[BagId, str] = {}
    for bag in fold.bags:
        try:
            found[bag] = holder_of(fold.dossier, BagFold(fold.dossier, bag, fold.study).custody.custodian)
        except (MissingFact, IndexError):
            continue  # nobody has it that the record knows of: the row stays empty there, and BAG-GAP says why
    return found


def _of_dose(offer: Offer, fold: DoseFold) -> Offer:
    """Reasons only this desk knows, beside duty and order."""
    if offer.why_not is not None:
        return offer
    key = ""
    if fold.started is not None and offer.act in {"dose_allocated", "dose_deallocated", "prescription_signed"}:
        key = "why_started"
    elif offer.act == "dose_allocated" and fold.bags:
        key = "why_reserved"
    elif offer.act == "dose_deallocated" and not fold.unopened_bags:
        key = "why_nothing_reserved"
    return Offer(act=offer.act, why_not=Why(key=f"desk.allocation.{key}")) if key else offer


def _with_proposal(connection: Connection, viewer: Viewer, present: Present, sheet: DoseSheet, now: datetime) -> DoseSheet:
    """The first way to fill the plan that the gates let through; where none does, the first with what stands in its way."""
    bags, cut = newest_of(connection, viewer, "bag", BAGS_LOOKED_AT)
    kits = newest_of(connection, viewer, "kit", KITS_LOOKED_AT)[0] if sheet.phase == 2 or sheet.blinded else ()
    assert viewer.study is not None
    dossier = dossier_of(connection, (sheet.node, viewer.study, *bags, *kits))
    fold = DoseFold(dossier, sheet.node, StudyFold(dossier, viewer.study))
    try:
        if sheet.phase == 2 or sheet.blinded:
            kit = from_kit(fold, dossier, (kit for kit in kits if isinstance(kit, KitId)))
            ways = [kit] if kit is not None else []
        else:
            ways = list(proposals(fold, (bag for bag in bags if isinstance(bag, BagId)), hospital_of(fold), now))[:PROPOSALS_TRIED]
    except MissingFact:
        return replace(sheet, why_none="no_plan", cut=cut)
    if not ways:
        return replace(sheet, why_none="no_kit" if sheet.phase == 2 or sheet.blinded else "no_bags", cut=cut)
    tried: list[tuple[Proposed, Preview]] = []
    for way in ways:
        said = preview(connection, viewer, allocation_of(fold, way), sheet.node, now, present=present).value
        tried.append((way, said))
        if said.is_clear:
            break
    best = next((each for each in tried if each[1].is_clear), tried[0])
    return replace(sheet, proposed=best[0], foreseen=best[1], cut=cut)


def _with_spare(connection: Connection, viewer: Viewer, present: Present, sheet: DoseSheet, now: datetime) -> DoseSheet:
    """One bag in place of one that was discarded."""
    bags, cut = newest_of(connection, viewer, "bag", BAGS_LOOKED_AT)
    assert viewer.study is not None
    dossier = dossier_of(connection, (sheet.node, viewer.study, *bags))
    fold = DoseFold(dossier, sheet.node, StudyFold(dossier, viewer.study))
    free = (bag for bag in bags if isinstance(bag, BagId))
    found = spare_for(connection, viewer, present, fold, free, hospital_of(fold), now)
    if found is None:
        return replace(sheet, for_spare=True, why_none="no_spare", cut=cut)
    return replace(sheet, for_spare=True, proposed=found[0], foreseen=found[1], cut=cut)
