"""Finds things for people: search, traces, work lists, waiting proposals. No verdict reads any of this."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, exists, func, not_, or_, select, union_all

from custody.domain.ids import NODE_KINDS
from custody.store.lookup_check import differences
from custody.store.lookup_rows import rebuild
from custody.store.lookup_scope import Within, are_few, in_scope, of_kind, one_of
from custody.store.statements import Prepared, PreparedIn
from custody.store.tables import edge, entry_name, stream_site, stream_summary, waiting_proposal
from custody.store.traces import reached

__all__ = [
    "Found",
    "Resting",
    "WaitingProposal",
    "WorkItem",
    "aliases",
    "carriers_of",
    "differences",
    "edges",
    "names_of_kind",
    "newest_acts",
    "rebuild",
    "search",
    "streams_of_kind",
    "trace",
    "waiting",
]

_PARENTS = Prepared(select(edge.c.parent).where(edge.c.child == bindparam("of_stream")).distinct().order_by(edge.c.parent))
_CHILDREN = Prepared(select(edge.c.child).where(edge.c.parent == bindparam("of_stream")).distinct().order_by(edge.c.child))
# Sorts after every text that continues a prefix.
_AFTER = "\U0010ffff"
# Names asked for in one statement.
_MANY = 512
FEW_AWAKE = 1_000
"""Rows of one kind that are not at rest, and then are collected faster than by any other way."""
Way = Literal["awake", "few", "newest"]
_NEWEST = PreparedIn(lambda among: select(stream_summary.c.stream, stream_summary.c.act).where(among(stream_summary.c.stream)))

_OF_KIND = Prepared(
    select(stream_summary.c.stream)
    .where(stream_summary.c.kind == bindparam("kind_wanted"))
    .order_by(stream_summary.c.stream)
    .limit(bindparam("at_most"))
)


@dataclass(frozen=True)
class Found:
    """A stream, and the identifier by which it was found (its own or one written on the thing)."""

    stream: str
    name: str


@dataclass(frozen=True, kw_only=True)
class WorkItem:
    """One thing and the newest act about it that is no evidence: of what several people sign, once all have, the act they signed."""

    stream: str
    position: int
    act: str
    site: str
    study: str | None
    recorded_at: datetime


@dataclass(frozen=True, kw_only=True)
class Resting:
    """Acts after which a thing waits for nobody; `acts_at_home` only where they were recorded at one of the sites `home`."""

    acts: frozenset[str]
    acts_at_home: frozenset[str] = frozenset()
    home: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class WaitingProposal:
    """A proposal not yet signed by everyone; `signers` have signed, `account` proposed. It may have expired."""

    stream: str
    position: int
    proposal: str
    act: str
    signers: int
    account: str
    site: str
    study: str | None
    recorded_at: datetime
    expires_at: datetime


def search(connection: Connection, text: str, limit: int) -> tuple[Found, ...]:
    """Streams whose own identifier, or one written on the thing, begins with `text`; whole matches first.

    Small letters find capital ones. Empty text finds nothing.
    """
    wanted = text.strip()
    # No record holds a character that PostgreSQL cannot even be asked for.
    if not wanted or "\0" in wanted:
        return ()
    found: dict[str, Found] = {}
    # Whole matches are asked for by themselves: among many that only begin so, the limit would cut them off.
    for end in ("", _AFTER):
        for spelling in dict.fromkeys((wanted, wanted.upper())):
            for stream, name in connection.execute(_by_own_name(spelling, end, limit)):
                found.setdefault(stream, Found(stream, name.partition(":")[2]))
            for stream, name in connection.execute(_by_written_name(spelling, end, limit)):
                found.setdefault(stream, Found(stream, name))
    return tuple(found.values())[:limit]


def aliases(connection: Connection, name: str) -> tuple[str, ...]:
    """The streams whose acts carry exactly this identifier; each must still agree that it does."""
    found = select(entry_name.c.stream).where(entry_name.c.name == name).distinct().order_by(entry_name.c.stream)
    return tuple(connection.execute(found).scalars())


def edges(connection: Connection, stream: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What `stream` came from and what came from it, one step each way."""
    parents, children = (statement.rows(connection, of_stream=stream) for statement in (_PARENTS, _CHILDREN))
    return tuple(parent for (parent,) in parents), tuple(child for (child,) in children)


def trace(connection: Connection, stream: str, forward: bool) -> list[tuple[str, int]]:
    """Everything that came from `stream`, or that it came from, with its shortest distance; nearest first, without itself."""
    found = ((steps, thing[0]) for steps, things in reached(connection, stream, forward=forward) for thing in things)
    return [(each, steps) for steps, each in sorted(found)]


def newest_acts(connection: Connection, streams: Sequence[str]) -> dict[str, str]:
    """The name of the newest act about each stream that is no evidence; a stream without one is absent."""
    return {
        stream: act for start in range(0, len(streams), _MANY) for stream, act in _NEWEST.rows(connection, streams[start : start + _MANY])
    }


def streams_of_kind(
    connection: Connection,
    kind: str,
    *,
    site: str | None = None,
    within: Within | None = None,
    study: str | None = None,
    resting: Resting | None = None,
    among: frozenset[str] | None = None,
    child_of: str | None = None,
    limit: int,
) -> tuple[WorkItem, ...]:
    """Things of one kind, newest act first.

    `site`: only those about which something was recorded there, or which name it as origin or destination. `within`: only those in the
    scope of these sites. `resting`: without those that stand at one of these acts. `among`: only these. `child_of`: only those whose
    acts name this stream.
    """
    way = _way(connection, kind, within, resting)
    # Other lists are asked for with the same values again and again; these are compiled with them, and kept.
    found = (_list if among is None else _list.__wrapped__)(kind, site, within, study, resting, among, child_of, limit, way)
    return tuple(_item(*row) for row in found.rows(connection))


def _way(connection: Connection, kind: str, within: Within | None, resting: Resting | None) -> Way:
    """The fastest to the same rows: by the acts at which few things wait, by the sites that have few, or newest first."""
    if resting is not None and resting.acts and _awake_counted(kind, resting.acts).rows(connection)[0][0] < FEW_AWAKE:
        return "awake"
    return "few" if within is not None and are_few(connection, kind, within) else "newest"


@lru_cache(maxsize=256)
def _awake_counted(kind: str, resting: frozenset[str]) -> Prepared:
    return Prepared(select(func.count()).select_from(_awake(kind, resting).limit(FEW_AWAKE).subquery()))


def _awake(kind: str, resting: frozenset[str]) -> Select[Any]:
    """The streams of one kind that stand at any other act: what lies between two of them in the index of acts, not row by row."""
    acts = sorted(resting)
    table = stream_summary.alias()
    between = [
        table.c.act < acts[0],
        *(and_(table.c.act > one, table.c.act < other) for one, other in pairwise(acts)),
        table.c.act > acts[-1],
    ]
    every = union_all(*(select(table.c.stream).where(table.c.kind == kind, part) for part in between)).subquery()
    return select(every.c.stream)


def _item(stream: str, position: int, act: str, site: str, study: str | None, recorded_at: str) -> WorkItem:
    return WorkItem(stream=stream, position=position, act=act, site=site, study=study, recorded_at=datetime.fromisoformat(recorded_at))


@lru_cache(maxsize=1024)
def _list(
    kind: str,
    site: str | None,
    within: Within | None,
    study: str | None,
    resting: Resting | None,
    among: frozenset[str] | None,
    child_of: str | None,
    limit: int,
    way: Way,
) -> Prepared:
    table = stream_summary.c
    wanted = select(table.stream, table.position, table.act, table.site, table.study, table.recorded_at)
    if way == "awake" and resting is not None:
        # Without a word of the kind, as `of_kind` says.
        wanted = wanted.where(table.stream.in_(_awake(kind, resting.acts)))
        wanted = wanted if within is None else wanted.where(in_scope(kind, within))
    else:
        wanted = wanted.where(of_kind(kind, within, few=way == "few"))
    if site is not None:
        # The newest act first: for most things at hand it answers, and their older entries are not looked at.
        recorded_there = exists().where(stream_site.c.stream == table.stream, stream_site.c.site == site)
        bound_there = exists().where(edge.c.parent == f"site:{site}", edge.c.child == table.stream)
        wanted = wanted.where(or_(table.site == site, bound_there, recorded_there))
    if study is not None:
        wanted = wanted.where(table.study == study)
    if resting is not None:
        wanted = wanted.where(*_not_at(resting))
    if among is not None:
        wanted = wanted.where(one_of(table.stream, sorted(among)))
    if child_of is not None:
        wanted = wanted.where(exists().where(edge.c.child == table.stream, edge.c.parent == child_of))
    return Prepared(wanted.order_by(table.recorded_at.desc(), table.stream).limit(limit))


def _not_at(resting: Resting) -> Iterator[ColumnElement[bool]]:
    table = stream_summary.c
    if resting.acts:
        yield not_(one_of(table.act, sorted(resting.acts)))
    if resting.acts_at_home and resting.home:
        yield or_(not_(one_of(table.act, sorted(resting.acts_at_home))), not_(one_of(table.site, sorted(resting.home))))


def carriers_of(connection: Connection, kind: str, contained: str, acts: Sequence[str]) -> frozenset[str]:
    """Things of one kind that hold, or held, something of the kind `contained` which stands at one of these acts: shipments with bags
    that nobody has decided about.
    """
    inside, way = stream_summary.c, edge.alias()
    holding = select(way.c.parent).join(stream_summary, inside.stream == way.c.child)
    holding = holding.where(inside.kind == contained, inside.act.in_(acts), way.c.parent.between(f"{kind}:", f"{kind}:{_AFTER}"))
    return frozenset(connection.execute(holding.distinct()).scalars())


def names_of_kind(connection: Connection, kind: str, *, limit: int) -> tuple[str, ...]:
    """Streams of things of one kind, in the order of their names."""
    return tuple(stream for (stream,) in _OF_KIND.rows(connection, kind_wanted=kind, at_most=limit))


def waiting(connection: Connection) -> tuple[WaitingProposal, ...]:
    """Every proposal that still waits for somebody, oldest first."""
    left_out = ("entry_id", "act_version", "body")
    columns = [column for column in waiting_proposal.columns if column.name not in left_out]
    found = connection.execute(select(*columns).order_by(waiting_proposal.c.recorded_at, waiting_proposal.c.stream))
    times = ("recorded_at", "expires_at")
    return tuple(WaitingProposal(**{**row, **{name: datetime.fromisoformat(row[name]) for name in times}}) for row in found.mappings())


def _by_own_name(start: str, end: str, limit: int) -> Any:
    # One short range of the key for each kind: tied together with OR, the whole table would be read.
    column = stream_summary.c.stream
    starts = [start] if start.partition(":")[0] in NODE_KINDS and ":" in start else [f"{kind}:{start}" for kind in NODE_KINDS]
    ranges = [select(column).where(column.between(each, each + end)).order_by(column).limit(limit).subquery() for each in starts]
    return union_all(*(select(each.c.stream, each.c.stream) for each in ranges)).limit(limit)


def _by_written_name(start: str, end: str, limit: int) -> Any:
    name = entry_name.c.name
    wanted = select(entry_name.c.stream, name).where(name.between(start, start + end))
    return wanted.order_by(name, entry_name.c.stream).limit(limit)
