"""The safety desk: which adverse events wait for whom until when, the sheet of a participant's events, and the events behind a product."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from custody.domain.acts.bedside import ParticipantDoseStarted
from custody.domain.acts.safety import DoseEventReported
from custody.domain.dossier import Dossier
from custody.domain.folds.base import MissingFact
from custody.domain.folds.dose import DoseFold
from custody.domain.folds.safety import unreported_reactions
from custody.domain.folds.study import StudyFold
from custody.domain.ids import Digest, DoseId, Node, ParticipantId
from custody.domain.masking import Seen, Viewer
from custody.workflows import sight
from custody.workflows.desks.offers import Offer, offers
from custody.workflows.desks.safety_facts import EventSeen, by_urgency, events_seen
from custody.workflows.desks.things import listed, opened
from custody.workflows.dossiers import dossier_of
from custody.workflows.people import Present
from custody.workflows.tracing import trace

BEHIND = ("bag", "lot", "kit")
"""What is named behind a dose. Its donation is reached from the lot: donor and participant never meet on one screen."""
DONOR_SIDE = frozenset({"donor", "donation"})


@dataclass(frozen=True, kw_only=True)
class Reaction:
    """A reaction at the bed that nobody has reported as an adverse event."""

    node: ParticipantId
    dose: DoseId
    digest: Digest
    seen_at: datetime
    description: str
    by: str


@dataclass(frozen=True, kw_only=True)
class SafetyQueue:
    events: tuple[EventSeen, ...]
    reactions: tuple[Reaction, ...]
    unreadable: tuple[Node, ...]
    cut: bool


@dataclass(frozen=True, kw_only=True)
class ParticipantEvents:
    """`behind`: of each dose named by an event, the bags, lots and kit it came from, as far as the viewer may know of them."""

    node: ParticipantId
    events: tuple[EventSeen, ...]
    reactions: tuple[Reaction, ...]
    behind: tuple[tuple[DoseId, tuple[Node, ...]], ...]
    offers: tuple[Offer, ...]


@dataclass(frozen=True, kw_only=True)
class ProductEvents:
    """The events after doses that came from one thing, gravest clocks first; `names_participants` is False on the donor's side."""

    node: Node
    events: tuple[EventSeen, ...]
    doses: tuple[DoseId, ...]
    names_participants: bool
    offers: tuple[Offer, ...]


def queue(connection: Connection, viewer: Viewer, now: datetime) -> Seen[SafetyQueue]:
    """Every event somebody still owes something for, the most urgent first, and reactions that are not yet events."""
    found = listed(connection, viewer, ("participant", "dose"))
    people = tuple(node for node in found.nodes if isinstance(node, ParticipantId))
    events = [each for node in people for each in events_seen(found.dossier, node, now)]
    doses = tuple(node for node in found.nodes if isinstance(node, DoseId))
    return Seen(
        SafetyQueue(
            events=tuple(sorted((each for each in events if each.waits), key=by_urgency)),
            reactions=tuple(_reactions(found.dossier, found.study, doses)),
            unreadable=found.broken,
            cut=found.cut,
        )
    )


def due(connection: Connection, viewer: Viewer, now: datetime) -> Seen[tuple[EventSeen, ...]]:
    """For the work list: events with something that must be done by a time, the most urgent first."""
    found = listed(connection, viewer, ("participant",))
    events = (each for node in found.nodes if isinstance(node, ParticipantId) for each in events_seen(found.dossier, node, now))
    return Seen(tuple(sorted((each for each in events if each.due is not None), key=by_urgency)))


def unreported(connection: Connection, viewer: Viewer, dose: DoseId) -> Seen[tuple[Reaction, ...]]:
    """Reactions after one dose that nobody has reported as an adverse event. Raises NotFoundError as `opened`."""
    dossier = opened(connection, viewer, dose)
    return Seen(tuple(_reactions(dossier, None if viewer.study is None else StudyFold(dossier, viewer.study), (dose,))))


def _reactions(dossier: Dossier, study: StudyFold | None, doses: Iterable[DoseId]) -> list[Reaction]:
    found = []
    for dose in doses if study is not None else ():
        assert study is not None
        try:
            participant = DoseFold(dossier, dose, study).participant
        except MissingFact:
            continue  # never requested: nothing was given
        found += [
            Reaction(
                node=participant,
                dose=dose,
                digest=deed.digest,
                seen_at=deed.act.seen_at,
                description=deed.act.description,
                by=deed.signers[0].printed_name,
            )
            for deed in unreported_reactions(dossier, participant, dose)
        ]
    return found


def sheet(
    connection: Connection, viewer: Viewer, present: Present, node: ParticipantId, acts: tuple[str, ...], now: datetime
) -> Seen[ParticipantEvents]:
    """Raises NotFoundError as `opened`."""
    dossier = opened(connection, viewer, node)
    doses = tuple(dict.fromkeys(deed.act.dose for deed in dossier.deeds(node, ParticipantDoseStarted)))
    events = events_seen(dossier, node, now)
    named = dict.fromkeys(each.dose for each in events if each.dose is not None)
    study = () if viewer.study is None else (viewer.study,)
    wide = dossier_of(connection, [node, *doses, *named, *study])
    return Seen(
        ParticipantEvents(
            node=node,
            events=events,
            reactions=tuple(_reactions(wide, None if viewer.study is None else StudyFold(wide, viewer.study), doses)),
            behind=tuple((dose, _behind(connection, viewer, wide, dose)) for dose in named),
            offers=offers(dossier, present, viewer.study, node, acts),
        )
    )


def _behind(connection: Connection, viewer: Viewer, dossier: Dossier, dose: DoseId) -> tuple[Node, ...]:
    return sight.listed_among(connection, viewer, (node for node in dossier.ancestors(dose) if node.kind in BEHIND))


def product_sheet(
    connection: Connection, viewer: Viewer, present: Present, node: Node, acts: tuple[str, ...], now: datetime
) -> Seen[ProductEvents]:
    """A dose, bag, lot or donation with every event after a dose that came from it. Raises NotFoundError as `opened`."""
    dossier = opened(connection, viewer, node)
    below = [each.node for each in trace(connection, node, forward=True, viewer=viewer).value]
    doses = tuple(each for each in dict.fromkeys((node, *below)) if isinstance(each, DoseId))
    streams = dossier_of(connection, doses) if doses else dossier
    people = dict.fromkeys(deed.act.participant for dose in doses for deed in streams.deeds(dose, DoseEventReported))
    seen = sight.listed_among(connection, viewer, people)
    records = dossier_of(connection, list(seen)) if seen else dossier
    events = (each for person in seen if isinstance(person, ParticipantId) for each in events_seen(records, person, now))
    return Seen(
        ProductEvents(
            node=node,
            events=tuple(sorted((each for each in events if each.dose in doses), key=by_urgency)),
            doses=doses,
            names_participants=node.kind not in DONOR_SIDE,
            offers=offers(dossier, present, viewer.study, node, acts),
        )
    )
