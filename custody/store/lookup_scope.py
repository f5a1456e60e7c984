"""Narrows lists and search to what lies in the scope of some sites, as far as the lookups tell (`custody.domain.scope` says what that is).

Two ways to the same rows: where a site has few things, all of them are collected first; where it has many, the newest rows are tried one
by one, because nearly all of them fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, false, func, literal, or_, select, union

from custody.domain.ids import SiteId
from custody.store.statements import Prepared, PreparedIn
from custody.store.tables import edge, stream_site, stream_summary

FEW = 3_000
"""Rows of one kind that are collected faster than the list is walked."""
FEW_TRIED_AT_ONCE = 1_000
"""The same of kinds for which one look says whether a row is in scope, and of which there are far fewer than of bags."""
FEW_SHIPMENTS = 500
"""The same of shipments, when it is their bags, or the lots of these, that are collected."""
_AFTER = "\U0010ffff"
_MANY = 500
"""Names asked for in one statement."""


@dataclass(frozen=True, kw_only=True)
class Within:
    """Only things in the scope of one of these sites. `offered`: besides, every shipment that is being handed over now, so that whoever
    asks must look at each.
    """

    sites: tuple[str, ...]
    offered: bool = False


def of_kind(kind: str, within: Within | None, *, few: bool) -> ColumnElement[bool]:
    """The condition on a row of `stream_summary`: of this kind, and in scope. `few`: as `are_few` says."""
    if within is None:
        return stream_summary.c.kind == kind
    if few:
        # Without a word of the kind: its index, which is the order of the list, would be walked to the end for a handful of rows.
        every = [stream_summary.c.stream.in_(_all(kind, within.sites))]
        return or_(*every, *_being_offered(within)) if within.offered else every[0]
    return and_(stream_summary.c.kind == kind, in_scope(kind, within))


def in_scope(kind: str, within: Within) -> ColumnElement[bool]:
    """The condition that a row of `stream_summary`, known to be of this kind, is in scope."""
    return or_(*_each(kind, within.sites), *_being_offered(within))


def kept(connection: Connection, kind: str, streams: Sequence[str], within: Within) -> frozenset[str]:
    """Those of these things of one kind that are in scope."""
    asked = _asked_by_name(kind, within)
    found: set[str] = set()
    for start in range(0, len(streams), _MANY):
        found.update(stream for (stream,) in asked.rows(connection, streams[start : start + _MANY]))
    return frozenset(found)


@lru_cache(maxsize=256)
def _asked_by_name(kind: str, within: Within) -> PreparedIn:
    return PreparedIn(lambda among: select(stream_summary.c.stream).where(among(stream_summary.c.stream), in_scope(kind, within)))


def are_few(connection: Connection, kind: str, within: Within) -> bool:
    """Whether the things themselves, and the shipments that bring bags and lots into scope, are few."""
    ways = [("own", kind, FEW if kind in {"bag", "lot"} else min(FEW, FEW_TRIED_AT_ONCE))]
    if kind in {"bag", "lot"}:
        ways.append(("bound", "shipment", min(FEW, FEW_SHIPMENTS)))
    if kind == "bag":
        ways.append(("own", "shipment", min(FEW, FEW_SHIPMENTS)))
    return all(_counted(way, of, within.sites, most).rows(connection)[0][0] < most for way, of, most in ways)


@lru_cache(maxsize=256)
def _counted(way: Literal["own", "bound"], kind: str, sites: tuple[str, ...], most: int) -> Prepared:
    things = _own(kind, sites) if way == "own" else _bound(kind, sites)
    return Prepared(select(func.count()).select_from(things.limit(most).subquery()))


def _being_offered(within: Within) -> list[ColumnElement[bool]]:
    return [and_(stream_summary.c.kind == "shipment", stream_summary.c.act == "handoff_offered")] if within.offered else []


# --- all at once ------------------------------------------------------------------------------------------------------
def _all(kind: str, sites: Sequence[str]) -> Select[Any]:
    parts = [_bound(kind, sites)]
    if kind != "account":
        parts.append(_own(kind, sites))
    if kind == "bag":
        parts += [_inside(_shipments(sites)), _reserved_for(sites)]
    if kind == "lot":
        parts.append(_filled_into(_either(_inside(_bound("shipment", sites)), _reserved_for(sites))))
    if kind == "dose":
        way = edge.alias()
        parts.append(select(way.c.child).where(way.c.parent.in_(_own("lot", sites)), _of_kind(way.c.child, "dose")))
    return _either(*parts)


def _own(kind: str, sites: Sequence[str]) -> Select[Any]:
    """Things that people of the sites wrote about."""
    here = stream_site.alias()
    return select(here.c.stream).where(one_of(here.c.site, sites), _of_kind(here.c.stream, kind))


def _bound(kind: str, sites: Sequence[str]) -> Select[Any]:
    """Things whose acts name one of the sites: where a shipment starts and ends, where an account has a role."""
    way = edge.alias()
    return select(way.c.child).where(one_of(way.c.parent, _keys(sites)), _of_kind(way.c.child, kind))


def _shipments(sites: Sequence[str]) -> Select[Any]:
    return _either(_own("shipment", sites), _bound("shipment", sites))


def _inside(shipments: Select[Any]) -> Select[Any]:
    way = edge.alias()
    return select(way.c.child).where(way.c.parent.in_(shipments), _of_kind(way.c.child, "bag"))


def _reserved_for(sites: Sequence[str]) -> Select[Any]:
    use = edge.alias()
    return select(use.c.parent).where(use.c.child.in_(_own("dose", sites)), _of_kind(use.c.parent, "bag"))


def _filled_into(bags: Select[Any]) -> Select[Any]:
    fill = edge.alias()
    return select(fill.c.parent).where(fill.c.child.in_(bags), _of_kind(fill.c.parent, "lot"))


def _either(*parts: Select[Any]) -> Select[Any]:
    every = union(*parts).subquery()
    return select(every.c[0])


# --- one by one -------------------------------------------------------------------------------------------------------
def _each(kind: str, sites: Sequence[str]) -> list[ColumnElement[bool]]:
    thing = stream_summary.c.stream
    conditions = [_is_bound(thing, sites)]
    if kind != "account":
        conditions.insert(0, _is_own(thing, sites))
    if kind == "bag":
        conditions += [_travelled(thing, sites, held=True), _is_reserved(thing, sites)]
    if kind == "lot":
        fill = edge.alias()
        reaches = or_(_travelled(fill.c.child, sites, held=False), _is_reserved(fill.c.child, sites))
        conditions.append(exists().where(fill.c.parent == thing, _of_kind(fill.c.child, "bag"), reaches))
    if kind == "dose":
        way = edge.alias()
        conditions.append(exists().where(way.c.child == thing, _of_kind(way.c.parent, "lot"), _is_own(way.c.parent, sites)))
    return conditions


def _is_own(stream: ColumnElement[Any], sites: Sequence[str]) -> ColumnElement[bool]:
    here = stream_site.alias()
    return exists().where(here.c.stream == stream, one_of(here.c.site, sites))


def _is_bound(stream: ColumnElement[Any], sites: Sequence[str]) -> ColumnElement[bool]:
    way = edge.alias()
    return exists().where(way.c.child == stream, one_of(way.c.parent, _keys(sites)))


def _travelled(bag: ColumnElement[Any], sites: Sequence[str], *, held: bool) -> ColumnElement[bool]:
    """In a shipment bound for or from there; `held`: or that people of there wrote about, such as its carrier."""
    way = edge.alias()
    bound = _is_bound(way.c.parent, sites)
    return exists().where(
        way.c.child == bag, _of_kind(way.c.parent, "shipment"), or_(bound, _is_own(way.c.parent, sites)) if held else bound
    )


def _is_reserved(bag: ColumnElement[Any], sites: Sequence[str]) -> ColumnElement[bool]:
    use = edge.alias()
    return exists().where(use.c.parent == bag, _of_kind(use.c.child, "dose"), _is_own(use.c.child, sites))


def _keys(sites: Sequence[str]) -> list[str]:
    return [f"{SiteId.kind}:{site}" for site in sites]


def one_of(column: ColumnElement[Any], names: Sequence[str]) -> ColumnElement[bool]:
    """Whether it is one of these, each a parameter of its own: for statements that are compiled once."""
    return column.in_([literal(name) for name in names]) if names else false()


def _of_kind(stream: ColumnElement[Any], kind: str) -> ColumnElement[bool]:
    return stream.between(f"{kind}:", f"{kind}:{_AFTER}")
