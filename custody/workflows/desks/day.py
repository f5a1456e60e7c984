"""The day of one person: what needs them now, what moves, what is blocked, for the things of their desks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

from custody.domain.acts.base import ACTS
from custody.domain.ids import Node
from custody.domain.masking import Seen, Viewer
from custody.workflows.desks.offers import Offer, may_begin, offers
from custody.workflows.desks.things import listed, opened
from custody.workflows.people import Present
from custody.workflows.standing import Standing, standing, standings
from custody.workflows.worklist import Waiting, waiting_for

ON_THE_ROAD = frozenset({"lot", "bag", "shipment", "dose"})
"""Things that are on their way even where nobody can say what comes next; others are listed for their next step only."""
LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Day:
    """`waiting`: proposals this person may sign. `needs_you`: things whose next step they may begin. Nearest deadline first."""

    waiting: tuple[Waiting, ...]
    needs_you: tuple[Standing, ...]
    moving: tuple[Standing, ...]
    blocked: tuple[Standing, ...]
    broken: tuple[Node, ...]
    cut: bool
    as_of: datetime


@dataclass(frozen=True, kw_only=True)
class Queue:
    """The things of one desk: `here` wait for a step of this desk, `blocked` are held; nearest deadline first."""

    here: tuple[Standing, ...]
    blocked: tuple[Standing, ...]
    broken: tuple[Node, ...]
    cut: bool
    as_of: datetime


@dataclass(frozen=True, kw_only=True)
class PlainSheet:
    """One thing at a desk that knows no more of it than its newest act."""

    stands: Standing
    offers: tuple[Offer, ...]


def day_of(connection: Connection, viewer: Viewer, present: Present, kinds: Iterable[str], now: datetime) -> Seen[Day]:
    """What one person should know when they come to work; `kinds` are those of their desks."""
    rows, broken, cut = _rows(connection, viewer, kinds, now)
    free = [row for row in rows if not row.blocked]
    begun_by_me = {act for act in {row.next for row in free} if act and may_begin(ACTS[act], present, viewer.study)}
    mine = [row for row in free if row.next in begun_by_me]
    others = [row for row in free if row.next not in begun_by_me and (row.next or row.node.kind in ON_THE_ROAD)]
    return Seen(
        Day(
            waiting=tuple(each for each in waiting_for(connection, viewer, present, now).value if each.mine),
            needs_you=tuple(mine),
            moving=tuple(others),
            blocked=tuple(row for row in rows if row.blocked),
            broken=broken,
            cut=cut,
            as_of=now,
        )
    )


def queue_of(connection: Connection, viewer: Viewer, kinds: Iterable[str], acts: Iterable[str], now: datetime) -> Seen[Queue]:
    """The things of these kinds whose next step is one of these acts, and those that are held."""
    rows, broken, cut = _rows(connection, viewer, kinds, now)
    wanted = frozenset(acts)
    return Seen(
        Queue(
            here=tuple(row for row in rows if row.next in wanted and not row.blocked),
            blocked=tuple(row for row in rows if row.blocked),
            broken=broken,
            cut=cut,
            as_of=now,
        )
    )


def plain_sheet(
    connection: Connection, viewer: Viewer, present: Present, node: Node, acts: Iterable[str], now: datetime
) -> Seen[PlainSheet]:
    """How one thing stands, and what this person may do about it at a desk with these acts. Raises NotFoundError as `opened`."""
    dossier = opened(connection, viewer, node)
    return Seen(PlainSheet(stands=standing(dossier, viewer, node, now), offers=offers(dossier, present, viewer.study, node, acts)))


def _rows(
    connection: Connection, viewer: Viewer, kinds: Iterable[str], now: datetime
) -> tuple[tuple[Standing, ...], tuple[Node, ...], bool]:
    found = listed(connection, viewer, kinds, under_way=True)
    rows = standings(found.dossier, viewer, found.nodes, now)
    return tuple(sorted((row for row in rows if _is_listed(row)), key=lambda row: row.expires_at or LAST)), found.broken, found.cut


def _is_listed(row: Standing) -> bool:
    """What rests is listed only where it is held itself: a recalled lot speaks for its bags in the store."""
    return (row.moves and not row.over) or any(fault.node in {None, row.node} for fault in row.blocked)
