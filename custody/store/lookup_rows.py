"""Writes the lookups: with each entry, from nothing on `rebuild`, and once more to compare when the ledger is verified.

An act counts from the moment it takes effect: a proposal with its last countersignature, a correction in the place
of what it corrects.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import Connection, and_, bindparam, delete, func, literal, select

from custody.domain.acts import ACTS
from custody.store.links import Links, has_links, links_of
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


class NumberOf(Protocol):
    def __call__(self, digest: str, stream: str) -> int | None: ...


@dataclass
class Changes:
    """What a run of entries does to edges and names, by the number of the entry that carries the act.

    `replaced` are the numbers whose rows a correction removes first.
    """

    links: dict[int, tuple[str, Links]] = field(default_factory=dict)
    replaced: set[int] = field(default_factory=set)


def takes_part(act: str) -> bool:
    """Whether an entry of this act can change edges, names or waiting proposals."""
    return act in _ABOUT_PROPOSALS or act == "corrected" or has_links(act)


def take_in(changes: Changes, fields: Fields, waiting: WaitingProposals, number_of: NumberOf) -> None:
    """Add what one entry does; `fields` are those of its envelope, and its number as `id`."""
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
        _take_effect(changes, {**found, "id": found["entry_id"], "body": json.loads(found["body"])}, number_of)
    else:
        _take_effect(changes, fields, number_of)


def _take_effect(changes: Changes, deed: Fields, number_of: NumberOf) -> None:
    """`deed` is what the envelope of a plain act says, or the row of a proposal that is complete."""
    stream, body = deed["stream"], deed["body"]
    if deed["act"] != "corrected":
        changes.links[deed["id"]] = (stream, links_of(stream, deed["act"], deed["act_version"], body))
        return
    corrected = number_of(body["entry"], stream)
    if corrected is not None:
        changes.replaced.add(corrected)
        changes.links[corrected] = (stream, links_of(stream, body["act"], body["act_version"], json.loads(body["replacement"])))


def _waiting(fields: Fields) -> Waiting:
    body = fields["body"]
    return {
        "stream": fields["stream"],
        "proposal": body["proposal"],
        "entry_id": fields["id"],
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
_NUMBER = Prepared(select(entry.c.id).where(entry.c.digest == bindparam("wanted"), entry.c.stream == bindparam("in_stream")))


_INSERT_EDGES = inserted(edge)
_INSERT_NAMES = inserted(entry_name)
_REMOVE_LINKS = tuple(Prepared(delete(table).where(table.c.entry_id == bindparam("number"))) for table in (edge, entry_name))


def _write(connection: Connection, changes: Changes) -> None:
    for statement in _REMOVE_LINKS:
        statement.run(connection, [{"number": number} for number in changes.replaced])
    rows = [(number, stream, row) for number, (stream, links) in changes.links.items() for row in links]
    _INSERT_EDGES.run(connection, [{"entry_id": number, "parent": row[0], "child": row[1]} for number, _, row in rows if len(row) == 2])
    _INSERT_NAMES.run(connection, [{"entry_id": number, "name": row[0], "stream": stream} for number, stream, row in rows if len(row) == 1])


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


def number_finder(connection: Connection) -> NumberOf:
    def number_of(digest: str, stream: str) -> int | None:
        # A correction that names an entry of another stream changes nothing, here as in the dossier.
        found = _NUMBER.one(connection, wanted=bytes.fromhex(digest), in_stream=stream)
        return None if found is None else int(found[0])

    return number_of


def enter(connection: Connection, told: Sequence[Fields]) -> None:
    """Bring the lookups up to date with entries just written, given as the fields of their envelopes and their numbers as `id`."""
    read_by_gates = [fields for fields in told if not ACTS[fields["act"]].evidence]
    newest = {fields["stream"]: _summary(fields) for fields in read_by_gates}
    _SET_SUMMARY.run(connection, list(newest.values()))
    sites = dict.fromkeys((fields["site"], fields["stream"]) for fields in read_by_gates)
    _SET_SITE.run(connection, [{"site": site, "stream": stream} for site, stream in sites])
    changes = Changes()
    for fields in read_by_gates:
        if takes_part(fields["act"]):
            take_in(changes, fields, _WaitingInTable(connection), number_finder(connection))
    _write(connection, changes)


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
_READ_BY_GATES = select(entry.c.id, entry.c.envelope).where(entry.c.evidence == literal(0)).order_by(entry.c.id)


def rebuild(connection: Connection) -> None:
    """Write every lookup anew from the entries alone."""
    for table in LOOKUPS:
        connection.execute(delete(table))
    waiting = WaitingInMemory()
    for batch in batches(connection):
        changes = Changes()
        for fields in batch:
            if takes_part(fields["act"]):
                take_in(changes, fields, waiting, number_finder(connection))
        _write(connection, changes)
    _SET_WAITING.run(connection, list(waiting.rows.values()))
    for rows in _partitions(connection, SUMMARIES):
        _SET_SUMMARY.run(connection, [{**row, "kind": row["stream"].partition(":")[0]} for row in rows])
    for rows in _partitions(connection, SITES):
        _SET_SITE.run(connection, rows)


def batches(connection: Connection) -> Iterator[list[Fields]]:
    """All entries that gates read, in the order of the log, many at a time."""
    for rows in _partitions(connection, _READ_BY_GATES):
        yield [{**json.loads(row["envelope"]), "id": row["id"]} for row in rows]


def _partitions(connection: Connection, statement: Any) -> Iterator[list[dict[str, Any]]]:
    with connection.execute(statement, execution_options={"yield_per": BATCH}).mappings() as found:
        for rows in found.partitions():
            yield [dict(row) for row in rows]
