"""Who looks, and what they get to see: passports, the work list, search. Everything leaves through the masking door."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from custody.domain.acts.base import ACTS, Act
from custody.domain.acts.record import Countersigned, ProposalWithdrawn, Proposed, VerdictGiven
from custody.domain.dossier import Dossier, Entry, Signed, deeds_of, pending_proposals
from custody.domain.folds.bag import BagFold
from custody.domain.folds.base import MissingFact
from custody.domain.folds.custody import CustodyGap
from custody.domain.folds.shipment import ShipmentFold
from custody.domain.folds.study import StudyFold
from custody.domain.ids import BagId, Node, ShipmentId, node_of
from custody.domain.masking import Seen, Viewer, act_shown, verdict_shown
from custody.store import entries, lookups
from custody.workflows import sight
from custody.workflows.dossiers import dossier_of
from custody.workflows.order import proposed_act, proposed_of
from custody.workflows.typed_codes import TypedCode, typed_codes

BAD_ACTS = frozenset(
    {
        "hold_placed",
        "hold_placed_by_custody",
        "recalled",
        "rejected",
        "bag_damaged",
        "bag_refused_at_receipt",
        "deviation_opened",
        "consent_withdrawn",
        "eligibility_refused",
        "shipment_lost",
        "shipment_delayed",
        "infusion_recorded_late",
        "reaction_recorded",
        "adverse_event_reported",
        "dose_event_reported",
        "out_of_specification_opened",
        "trace_given_up",
    }
)
"""Acts drawn as problems on a timeline."""


@dataclass(frozen=True, kw_only=True)
class TimelineEvent:
    """One line of a passport. `kind`: act, proposal, countersignature, verdict, gap. `values`: (field, value) pairs still to be worded."""

    kind: str
    act: str
    stream: Node
    position: int
    happened_at: datetime
    recorded_at: datetime
    by: Signed | None
    values: tuple[tuple[str, Any], ...] = ()
    verdict: VerdictGiven | None = None
    bad: bool = False
    late: bool = False
    corrected: bool = False
    typed: tuple[TypedCode, ...] = ()
    digest: str = ""
    ends_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Passport:
    """A thing's whole story, oldest first, with what came before and after it, and what still waits."""

    node: Node
    events: tuple[TimelineEvent, ...]
    parents: tuple[Node, ...]
    children: tuple[Node, ...]
    waiting: tuple[lookups.WaitingProposal, ...]


def passport(connection: Connection, viewer: Viewer, node: Node, now: datetime) -> Seen[Passport]:
    """The story of `node` as `viewer` may read it. Raises NotFoundError for a thing that does not exist for them."""
    sight.require(connection, viewer, node)
    stream = entries.load_evidence(connection, node.key)
    above, below = lookups.edges(connection, node.key)
    late_after = _late_after(connection, viewer)
    events = _timeline(viewer, stream, late_after)
    story = Passport(
        node=node,
        events=tuple(sorted((*events, *_custody_events(connection, viewer, node, late_after, now)), key=lambda e: e.recorded_at)),
        parents=_nodes(connection, viewer, above),
        children=_nodes(connection, viewer, below),
        waiting=_waiting(connection, viewer, stream, now),
    )
    return Seen(story)


def told_since(connection: Connection, viewer: Viewer, node: Node, position: int) -> Seen[tuple[TimelineEvent, ...]]:
    """What was recorded or proposed about `node` after that position of its stream, as `viewer` may read it; verdicts left out.

    Raises NotFoundError for a thing that does not exist for them.
    """
    sight.require(connection, viewer, node)
    newer = _timeline(viewer, entries.load_evidence(connection, node.key), LATE_AFTER)
    return Seen(tuple(event for event in newer if event.position > position and event.kind in {"act", "proposal", "countersignature"}))


def _nodes(connection: Connection, viewer: Viewer, keys: tuple[str, ...]) -> tuple[Node, ...]:
    nodes = (node for node in map(node_of, keys) if node.kind not in {"site", "study"})
    return sight.listed_among(connection, viewer, nodes)


def _waiting(connection: Connection, viewer: Viewer, stream: tuple[Entry, ...], now: datetime) -> tuple[lookups.WaitingProposal, ...]:
    """Proposals that somebody can still sign, and whose act this viewer may know of."""
    key = stream[0].stream
    shown = {
        proposed_of(entry).proposal.value
        for entry, _ in pending_proposals(stream)
        if proposed_of(entry).expires_at > now and _may_know(viewer, proposed_act(entry))
    }
    return tuple(each for each in lookups.waiting(connection) if each.stream == key and each.proposal in shown)


def _timeline(viewer: Viewer, stream: tuple[Entry, ...], late_after: timedelta) -> list[TimelineEvent]:
    """The stream as events; what a correction put right is marked, and both stay (Annex 11 sections 8 and 9)."""
    proposed = {e.act.proposal: e for e in stream if isinstance(e.act, Proposed)}
    corrected = {deed.digest for deed in deeds_of(stream) if deed.corrected}
    events = []
    for entry in stream:
        about = proposed.get(entry.act.proposal) if isinstance(entry.act, Countersigned | ProposalWithdrawn) else entry
        if about is None or not (isinstance(entry.act, VerdictGiven) or _may_know(viewer, _told_by(about))):
            continue
        late = entry.recorded_at - entry.happened_at > late_after and not isinstance(entry.act, Countersigned)
        events.append(_event(viewer, entry, about, late=late, corrected=entry.digest in corrected))
    return events


def _told_by(entry: Entry) -> Act:
    """The act an entry tells of: of a proposal the act proposed."""
    return proposed_act(entry) if isinstance(entry.act, Proposed) else entry.act


def _may_know(viewer: Viewer, act: Act) -> bool:
    """A correction tells what the act it corrects tells."""
    return act_shown(viewer, act)


def _event(viewer: Viewer, entry: Entry, about: Entry, *, late: bool, corrected: bool) -> TimelineEvent:
    act, told = entry.act, _told_by(about)
    kind, name = "act", told.rule.name
    values: tuple[tuple[str, Any], ...] = ()
    match act:
        case VerdictGiven():
            kind, name = "verdict", act.act
        case Proposed():
            kind, values = "proposal", _values(told)
        case Countersigned():
            kind = "countersignature"
        case ProposalWithdrawn():
            name, values = act.rule.name, (("reason", act.reason),)
        case _:
            values = _values(act)
    return TimelineEvent(
        kind=kind,
        act=name,
        stream=act.subject,
        position=entry.position,
        happened_at=entry.happened_at,
        recorded_at=entry.recorded_at,
        by=entry.by,
        values=values,
        verdict=verdict_shown(viewer, act) if isinstance(act, VerdictGiven) else None,
        bad=name in BAD_ACTS,
        late=late,
        corrected=corrected,
        typed=typed_codes(entry.station),
        digest=entry.digest.value,
    )


def _late_after(connection: Connection, viewer: Viewer) -> timedelta:
    """From when on an entry counts as late: the study's own setting where there is one (rules section 10)."""
    if viewer.study is None:
        return LATE_AFTER
    try:
        settings = StudyFold(dossier_of(connection, [viewer.study]), viewer.study).criteria_now.settings
    except MissingFact:
        return LATE_AFTER
    return timedelta(minutes=float(settings.late_entry_min))


LATE_AFTER = timedelta(minutes=15)
"""Where no study says otherwise."""


def _values(act: Act) -> tuple[tuple[str, Any], ...]:
    subject = act.rule.subject_field
    names = [f.name for f in dataclasses.fields(act) if f.name not in {subject, "content"}]  # type: ignore[arg-type]
    return tuple((name, getattr(act, name)) for name in names)


def _custody_events(connection: Connection, viewer: Viewer, node: Node, late_after: timedelta, now: datetime) -> tuple[TimelineEvent, ...]:
    """For a bag: what happened to the shipments it was in; for both, gaps in the custody record, drawn as events."""
    if isinstance(node, ShipmentId):
        return _gaps(connection, viewer, node, now)
    if not isinstance(node, BagId):
        return ()
    shipments = [n.key for n in dossier_of(connection, [node]).parents(node) if isinstance(n, ShipmentId)]
    travelled = [
        event
        for stream in entries.load_streams(connection, shipments).values()
        for event in _timeline(viewer, stream, late_after)
        if event.act in ACTS and ACTS[event.act].stage == "shipping"
    ]
    return (*travelled, *_gaps(connection, viewer, node, now))


def _gaps(connection: Connection, viewer: Viewer, node: BagId | ShipmentId, now: datetime) -> tuple[TimelineEvent, ...]:
    """`act` of a gap is its kind, `values` what its sentence names, `corrected` whether a signed decision disposed of it."""
    study = viewer.study
    if study is None:
        return ()
    dossier = dossier_of(connection, [node, study])
    found: dict[tuple[str, datetime, datetime | None], TimelineEvent] = {}
    for bag in (node,) if isinstance(node, BagId) else _bags_of(dossier, node, StudyFold(dossier, study)):
        custody = BagFold(dossier, bag, StudyFold(dossier, study)).custody
        try:
            gaps = custody.gaps(now)
        except MissingFact:
            continue
        for gap in gaps:
            if node in {bag, gap.node}:
                made = _gap(gap, node, disposed=custody.disposal_of(gap) is not None)
                found.setdefault((gap.kind, gap.start, gap.end), made)
    return tuple(found.values())


def _bags_of(dossier: Dossier, shipment: ShipmentId, study: StudyFold) -> tuple[BagId, ...]:
    try:
        return ShipmentFold(dossier, shipment, study).bags
    except MissingFact:
        return ()


def _gap(gap: CustodyGap, node: BagId | ShipmentId, *, disposed: bool) -> TimelineEvent:
    return TimelineEvent(
        kind="gap",
        act=gap.kind,
        stream=node,
        position=0,
        happened_at=gap.start,
        recorded_at=gap.start,
        by=None,
        values=(("on", gap.node), ("start", gap.start), ("end", gap.end)),
        bad=True,
        corrected=disposed,
        ends_at=gap.end,
    )
