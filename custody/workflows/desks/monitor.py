"""The monitor's desk: everything in scope as it stands, findings first, and what the rules said about one thing; nothing is written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from custody.domain.acts.record import VerdictGiven
from custody.domain.ids import AccountId, Node, node_of
from custody.domain.masking import Seen, Viewer
from custody.store import entries
from custody.workflows import sight
from custody.workflows.desks.things import listed, opened
from custody.workflows.standing import Standing, standing
from custody.workflows.verdicts import VerdictRead, read_verdict
from custody.workflows.viewing import TimelineEvent, passport

OF_EACH = 20
"""Newest things of one kind that are listed; others are found by search."""
PEOPLE_MAX = 500


@dataclass(frozen=True, kw_only=True)
class Overview:
    """`findings`: what is held, recalled or has a gap; `others`: everything else by kind."""

    findings: tuple[Standing, ...]
    others: tuple[Standing, ...]
    broken: tuple[Node, ...]
    cut: bool


@dataclass(frozen=True, kw_only=True)
class VerdictSeen:
    """A verdict with the act it was about and the number of its entry in the stream."""

    act: str
    position: int
    read: VerdictRead
    digest: str


@dataclass(frozen=True, kw_only=True)
class ThingSeen:
    """One thing as a reader sees it. `problems`: events of its timeline that are bad, gaps included."""

    stands: Standing
    verdicts: tuple[VerdictSeen, ...]
    problems: tuple[TimelineEvent, ...]
    events: int
    parents: tuple[Node, ...]
    children: tuple[Node, ...]


def overview(connection: Connection, viewer: Viewer, kinds: tuple[str, ...], now: datetime) -> Seen[Overview]:
    found = listed(connection, viewer, kinds, most=OF_EACH)
    rows = [standing(found.dossier, viewer, node, now) for node in found.nodes]
    own = [row for row in rows if any(fault.node in {None, row.node} for fault in row.blocked)]
    return Seen(Overview(findings=tuple(own), others=tuple(row for row in rows if row not in own), broken=found.broken, cut=found.cut))


def thing(connection: Connection, viewer: Viewer, node: Node, now: datetime) -> Seen[ThingSeen]:
    """Raises NotFoundError for a thing that does not exist for this viewer."""
    story = passport(connection, viewer, node, now).value
    dossier = opened(connection, viewer, node)
    stream = entries.load_evidence(connection, node.key)
    given = [(entry, entry.act) for entry in stream if isinstance(entry.act, VerdictGiven)]
    return Seen(
        ThingSeen(
            stands=standing(dossier, viewer, node, now),
            verdicts=tuple(
                VerdictSeen(act=act.act, position=entry.position, read=read_verdict(viewer, act).value, digest=entry.digest.value)
                for entry, act in reversed(given)
            ),
            problems=tuple(event for event in story.events if (event.bad or event.kind == "gap") and event.kind != "verdict"),
            events=len(story.events),
            parents=story.parents,
            children=story.children,
        )
    )


def people(connection: Connection, viewer: Viewer) -> Seen[tuple[AccountId, ...]]:
    """Accounts whose entries this viewer may ask for, by name."""
    found = (node_of(item.stream) for item in sight.newest(connection, viewer, AccountId.kind, PEOPLE_MAX))
    return Seen(tuple(sorted((node for node in found if isinstance(node, AccountId)), key=lambda node: node.value)))
