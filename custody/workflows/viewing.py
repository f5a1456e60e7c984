"""Who looks, and what they get to see: passports, the work list, search. Everything leaves through the masking door."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from custody.domain.acts.base import ACTS, Act
from custody.domain.acts.people import AccessRefused
from custody.domain.acts.record import Corrected, Countersigned, Proposed, ProposalWithdrawn, VerdictGiven
from custody.domain.dossier import Entry, Signed
from custody.domain.folds.base import MissingFact
from custody.domain.folds.bag import BagFold
from custody.domain.folds.study import StudyFold
from custody.domain.ids import BagId, Node, ShipmentId, node_of
from custody.domain.masking import Seen, Viewer, act_shown, verdict_shown
from custody.errors import NotFoundError
from custody.store import entries, lookups
from custody.store.entries import NewEntry
from custody.workflows.dossiers import dossier_of
from custody.workflows.order import proposed_act

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
        "out_of_specification_opened",
        "trace_given_up",
    }
)
"""Acts drawn as problems on a timeline."""


@dataclass(frozen=True, kw_only=True)
class TimelineEvent:
    """One line of a passport. `kind`: act, proposal, countersignature, verdict, gap. `values` are (field, value) pairs still to be worded."""

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
    digest: str = ""
    ends_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Passport:
    """A thing's whole story, oldest first, with what came before and after it, and what still waits."""

    node: Node
    events: tuple[TimelineEvent, ...]
    parents: tuple[Node, ...]
    children: tuple[Node, ...]
    holder: str
    state: str
    expires_at: datetime | None
    waiting: tuple[lookups.WaitingProposal, ...]


def passport(connection: Connection, viewer: Viewer, node: Node, now: datetime) -> Seen[Passport]:
    """The story of `node` as `viewer` may read it. Raises NotFoundError for a thing that is unknown, or hidden from them."""
    if not viewer.may_see(node):
        raise NotFoundError(f"there is no {node.kind} {node}", code="unknown_thing", kind=node.kind, seen=node)
    stream = entries.load_evidence(connection, node.key)
    if not stream or not _in_study(viewer, stream[0]):
        raise NotFoundError(f"there is no {node.kind} {node}", code="unknown_thing", kind=node.kind, seen=node)
    above, below = lookups.edges(connection, node.key)
    events = [event for entry in stream for event in _events(viewer, entry, stream)]
    story = Passport(
        node=node,
        events=tuple(sorted((*events, *_custody_events(connection, viewer, node, now)), key=lambda e: e.recorded_at)),
        parents=_nodes(viewer, above),
        children=_nodes(viewer, below),
        waiting=tuple(w for w in lookups.waiting(connection) if w.stream == node.key),
        **_standing(connection, viewer, node),
    )
    return Seen(story)


def _in_study(viewer: Viewer, first: Entry) -> bool:
    return viewer.study is None or first.study is None or first.study == viewer.study


def _nodes(viewer: Viewer, keys: tuple[str, ...]) -> tuple[Node, ...]:
    return tuple(node for node in map(node_of, keys) if viewer.may_see(node) and node.kind not in {"site", "study"})


def _events(viewer: Viewer, entry: Entry, stream: tuple[Entry, ...]) -> tuple[TimelineEvent, ...]:
    corrected = {e.act.entry for e in stream if isinstance(e.act, Corrected)}
    act = entry.act
    shown: Act = proposed_act(entry) if isinstance(act, Proposed) else act
    if isinstance(act, VerdictGiven):
        return (_event(entry, "verdict", act.act, verdict=verdict_shown(viewer, act)),)
    if not act_shown(viewer, shown):
        return ()
    if isinstance(act, Proposed):
        return (_event(entry, "proposal", act.act, values=_values(shown)),)
    if isinstance(act, Countersigned):
        return (_event(entry, "countersignature", _name_of(act, stream)),)
    if isinstance(act, ProposalWithdrawn):
        return (_event(entry, "act", act.rule.name, values=(("reason", act.reason),)),)
    return (_event(entry, "act", act.rule.name, values=_values(act), corrected=entry.digest in corrected),)


def _name_of(act: Countersigned, stream: tuple[Entry, ...]) -> str:
    return next((e.act.act for e in stream if isinstance(e.act, Proposed) and e.act.proposal == act.proposal), act.rule.name)


def _event(entry: Entry, kind: str, act: str, **more: Any) -> TimelineEvent:
    lateness = (entry.recorded_at - entry.happened_at).total_seconds()
    return TimelineEvent(
        kind=kind,
        act=act,
        stream=entry.act.subject,
        position=entry.position,
        happened_at=entry.happened_at,
        recorded_at=entry.recorded_at,
        by=entry.by,
        bad=act in BAD_ACTS,
        late=lateness > LATE_SECONDS and not isinstance(entry.act, Countersigned),
        digest=entry.digest.value,
        **more,
    )


LATE_SECONDS = 15 * 60
"""Late entries are flagged after 15 minutes (rules section 10)."""


def _values(act: Act) -> tuple[tuple[str, Any], ...]:
    subject = act.rule.subject_field
    names = [f.name for f in dataclasses.fields(act) if f.name not in {subject, "content"}]  # type: ignore[arg-type]
    return tuple((name, getattr(act, name)) for name in names)


def _custody_events(connection: Connection, viewer: Viewer, node: Node, now: datetime) -> tuple[TimelineEvent, ...]:
    """For a bag: what happened to the shipments it was in, and gaps in its custody record, drawn as events."""
    if not isinstance(node, BagId):
        return ()
    dossier = dossier_of(connection, [node])
    shipments = [n for n in dossier.parents(node) if isinstance(n, ShipmentId)]
    travelled = [
        event
        for shipment in shipments
        for entry in entries.load_streams(connection, [shipment.key])[shipment.key]
        for event in _events(viewer, entry, ())
        if ACTS[event.act].stage == "shipping"
    ]
    return (*travelled, *_gaps(connection, viewer, node, now))


def _gaps(connection: Connection, viewer: Viewer, bag: BagId, now: datetime) -> tuple[TimelineEvent, ...]:
    study = viewer.study
    if study is None:
        return ()
    dossier = dossier_of(connection, [bag, study])
    try:
        gaps = BagFold(dossier, bag, StudyFold(dossier, study)).custody.gaps(now)
    except MissingFact:
        return ()
    return tuple(
        TimelineEvent(
            kind="gap", act="", stream=bag, position=0, happened_at=gap.start, recorded_at=gap.start, by=None, bad=True, ends_at=gap.end
        )
        for gap in gaps
    )


def _standing(connection: Connection, viewer: Viewer, node: Node) -> dict[str, Any]:
    """Holder, state and expiry in words for the line on top."""
    nothing: dict[str, Any] = {"holder": "", "state": "", "expires_at": None}
    if not isinstance(node, BagId) or viewer.study is None:
        return nothing
    dossier = dossier_of(connection, [node, viewer.study])
    fold = BagFold(dossier, node, StudyFold(dossier, viewer.study))
    try:
        return {"holder": str(fold.custody.custodian), "state": fold.state.value, "expires_at": fold.earliest_expiry().expires_at}
    except MissingFact:
        return nothing


def refuse_access(connection: Connection, viewer: Viewer, what: str, refusal: str, by: Signed, now: datetime) -> None:
    """Keep the attempt to open something that is not for this person."""
    act = AccessRefused(account=viewer.account, what=what[:400], refusal=refusal)
    entry = NewEntry(act=act, happened_at=now, by=by, study=viewer.study, station="", signature=None)
    entries.append(connection, [entry], recorded_at=now)

