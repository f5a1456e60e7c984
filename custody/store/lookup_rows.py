"""Writes the lookups: with each entry, from nothing on `rebuild`, and once more to compare when the ledger is verified.

An act counts from the moment it takes effect: a proposal with its last countersignature, a correction in the place
of what it corrects.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Connection, Table, and_, bindparam, delete, func, literal, select

from custody.domain.acts import ACTS
from custody.store.links import NO_LINKS, Links, has_links, links_of
from custody.store.statements import Prepared, inserted, upserted
from custody.store.tables import LOOKUPS, edge, entry, entry_name, stream_site, stream_summary, waiting_proposal

BATCH = 1_000
_ABOUT_PROPOSALS = frozenset({"proposed", "countersigned", "proposal_withdrawn"})

Fields = Mapping[str, Any]
Waiting = dict[str, Any]


class WaitingProposals(Protocol):
    """Where proposals wait while entries are taken in."""

    def get(self, stream: str, proposal: str) -> Waiting | None: ...
    def put(self, row: Waiting) -> None: ...
    def remove(self, stream: str, proposal: str) -> None: ...


class PlaceOf(Protocol):
    def __call__(self, digest: str) -> tuple[str, int] | None: ...


@dataclass
class Changes:
    """What a run of entries does to edges and names; `replaced` are the places that corrections empty first."""

    links: dict[tuple[str, int], Links] = field(default_factory=dict)
    replaced: set[tuple[str, int]] = field(default_factory=set)


def takes_part(act: str) -> bool:
    """Whether an entry of this act can change edges, names or waiting proposals."""
    return act in _ABOUT_PROPOSALS or act == "corrected" or has_links(act)


def take_in(changes: Changes, fields: Fields, waiting: WaitingProposals, place_of: PlaceOf) -> None:
    """Add what one entry does; `fields` are those of its envelope."""
    act, stream, body = fields["act"], fields["stream"], fields["body"]
    if act == "proposed":
        waiting.put(_waiting(fields))
    elif act == "proposal_withdrawn":
        waiting.remove(stream, body["proposal"])
    elif act == "countersigned":
        found = waiting.get(stream, body["proposal"])
        if found is None:
            return
        if found["signers"] + 1 < len(ACTS[found["act"]].slots):
            waiting.put({**found, "signers": found["signers"] + 1})
            return
        waiting.remove(stream, body["proposal"])
        _take_effect(changes, {**found, "body": json.loads(found["body"])}, place_of)
    else:
        _take_effect(changes, fields, place_of)


def _take_effect(changes: Changes, deed: Fields, place_of: PlaceOf) -> None:
    """`deed` is what the envelope of a plain act says, or the row of a proposal that is complete."""
    stream, body = deed["stream"], deed["body"]
    if deed["act"] != "corrected":
        changes.links[stream, deed["position"]] = links_of(stream, deed["act"], deed["act_version"], body)
        return
    corrected = place_of(body["entry"])
    # A correction that names an entry of another stream changes nothing, here as in the dossier.
    if corrected is not None and corrected[0] == stream:
        changes.replaced.add(corrected)
        changes.links[corrected] = links_of(stream, body["act"], body["act_version"], json.loads(body["replacement"]))


def _waiting(fields: Fields) -> Waiting:
    body = fields["body"]
    return {
        "stream": fields["stream"],
        "proposal": body["proposal"],
        "position": fields["position"],
        "act": body["act"],
        "act_version": body["act_version"],
        "body": body["body"],
        "signers": 1,
        "site": fields["site"],
        "study": fields["study"],
        "account": fields["account"],
        "recorded_at": fields["recorded_at"],
        "expires_at": body["expires_at"],
    }


# --- into the tables --------------------------------------------------------------------------------------------------
_SET_SUMMARY = upserted(stream_summary, "stream")
_SET_SITE = upserted(stream_site, "site", "stream")
_SET_WAITING = upserted(waiting_proposal, "stream", "proposal")
_this_proposal = and_(waiting_proposal.c.stream == bindparam("in_stream"), waiting_proposal.c.proposal == bindparam("wanted"))
_GET_WAITING = Prepared(select(waiting_proposal).where(_this_proposal))
_REMOVE_WAITING = Prepared(delete(waiting_proposal).where(_this_proposal))
_WAITING_COLUMNS = tuple(column.name for column in waiting_proposal.columns)
_PLACE = Prepared(select(entry.c.stream, entry.c.position).where(entry.c.digest == bindparam("wanted")))


class LinkTables:
    """Edges and names as tables: the lookups themselves, or tables like them to compare with."""

    def __init__(self, edges: Table, names: Table) -> None:
        self.edges = edges
        self.names = names
        self._remove = [Prepared(delete(table).where(_at_place(table))) for table in (edges, names)]
        self._insert_edges = inserted(edges)
        self._insert_names = inserted(names)

    def apply(self, connection: Connection, changes: Changes) -> None:
        for statement in self._remove:
            statement.run(connection, [{"in_stream": stream, "at_position": position} for stream, position in changes.replaced])
        places = [
            ({"stream": stream, "position": position}, links)
            for (stream, position), links in changes.links.items()
            if links is not NO_LINKS
        ]
        self._insert_edges.run(
            connection, [{**place, "parent": parent, "child": child} for place, links in places for parent, child in links.edges]
        )
        self._insert_names.run(connection, [{**place, "name": name} for place, links in places for name in links.names])


def _at_place(table: Table) -> ColumnElement[bool]:
    return and_(table.c.stream == bindparam("in_stream"), table.c.position == bindparam("at_position"))


LINKS = LinkTables(edge, entry_name)


@dataclass(frozen=True)
class _WaitingInTable:
    connection: Connection

    def get(self, stream: str, proposal: str) -> Waiting | None:
        found = _GET_WAITING.one(self.connection, in_stream=stream, wanted=proposal)
        return None if found is None else dict(zip(_WAITING_COLUMNS, found, strict=True))

    def put(self, row: Waiting) -> None:
        _SET_WAITING.run(self.connection, [row])

    def remove(self, stream: str, proposal: str) -> None:
        _REMOVE_WAITING.run(self.connection, [{"in_stream": stream, "wanted": proposal}])


class WaitingInMemory:
    """For a run over the whole ledger; holds only what still waits."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Waiting] = {}

    def get(self, stream: str, proposal: str) -> Waiting | None:
        return self.rows.get((stream, proposal))

    def put(self, row: Waiting) -> None:
        self.rows[row["stream"], row["proposal"]] = row

    def remove(self, stream: str, proposal: str) -> None:
        self.rows.pop((stream, proposal), None)


def place_finder(connection: Connection) -> PlaceOf:
    def place_of(digest: str) -> tuple[str, int] | None:
        found = _PLACE.one(connection, wanted=bytes.fromhex(digest))
        return None if found is None else (found[0], found[1])

    return place_of


def enter(connection: Connection, told: Sequence[Fields]) -> None:
    """Bring the lookups up to date with entries just written, given as the fields of their envelopes."""
    read_by_gates = [fields for fields in told if not ACTS[fields["act"]].evidence]
    newest = {fields["stream"]: _summary(fields) for fields in read_by_gates}
    _SET_SUMMARY.run(connection, list(newest.values()))
    sites = dict.fromkeys((fields["site"], fields["stream"]) for fields in read_by_gates)
    _SET_SITE.run(connection, [{"site": site, "stream": stream} for site, stream in sites])
    changes = Changes()
    for fields in read_by_gates:
        if takes_part(fields["act"]):
            take_in(changes, fields, _WaitingInTable(connection), place_finder(connection))
    LINKS.apply(connection, changes)


def _summary(fields: Fields) -> dict[str, Any]:
    stream = fields["stream"]
    return {
        "stream": stream,
        "kind": stream.partition(":")[0],
        **{name: fields[name] for name in ("position", "act", "site", "study", "recorded_at")},
    }


# --- from nothing -----------------------------------------------------------------------------------------------------
_newest = (
    select(entry.c.stream, func.max(entry.c.position).label("position")).where(entry.c.evidence == 0).group_by(entry.c.stream).subquery()
)
SUMMARIES = select(entry.c.stream, entry.c.position, entry.c.act, entry.c.site, entry.c.study, entry.c.recorded_at).select_from(
    _newest.join(entry, and_(entry.c.stream == _newest.c.stream, entry.c.position == _newest.c.position))
)
SITES = select(entry.c.site, entry.c.stream).where(entry.c.evidence == 0).distinct()
_READ_BY_GATES = select(entry.c.envelope).where(entry.c.evidence == literal(0)).order_by(entry.c.id)


def rebuild(connection: Connection) -> None:
    """Write every lookup anew from the entries alone."""
    for table in LOOKUPS:
        connection.execute(delete(table))
    waiting = WaitingInMemory()
    for batch in batches(connection):
        changes = Changes()
        for fields in batch:
            if takes_part(fields["act"]):
                take_in(changes, fields, waiting, place_finder(connection))
        LINKS.apply(connection, changes)
    _SET_WAITING.run(connection, list(waiting.rows.values()))
    for rows in _partitions(connection, SUMMARIES):
        _SET_SUMMARY.run(connection, [{**row, "kind": row["stream"].partition(":")[0]} for row in rows])
    for rows in _partitions(connection, SITES):
        _SET_SITE.run(connection, rows)


def batches(connection: Connection) -> Iterator[Iterable[Fields]]:
    for rows in _partitions(connection, _READ_BY_GATES):
        yield (json.loads(row["envelope"]) for row in rows)


def _partitions(connection: Connection, statement: Any) -> Iterator[list[dict[str, Any]]]:
    with connection.execute(statement, execution_options={"yield_per": BATCH}).mappings() as found:
        for rows in found.partitions():
            yield [dict(row) for row in rows]
