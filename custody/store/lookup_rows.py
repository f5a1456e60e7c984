"""Writes the lookups: with each entry, from nothing on `rebuild`, and once more to compare when the ledger is verified.

An act counts from the moment it takes effect: a proposal with its last countersignature, a correction in the place
of what it corrects.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import starmap
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Connection, and_, bindparam, delete, func, insert, literal_column, select, update

from custody.domain.acts import ACTS
from custody.store.envelope_text import Told
from custody.store.links import Links, has_links, links_of
from custody.store.lookup_waiting import Waiting, WaitingInMemory, WaitingProposals, waiting_row
from custody.store.statements import Prepared, inserted, upserted
from custody.store.tables import LOOKUPS, edge, entry, entry_name, stream_site, stream_summary, waiting_proposal

BATCH = 1_000
COUNTERSIGNED = "countersigned"
_ABOUT_PROPOSALS = frozenset({"proposed", COUNTERSIGNED, "proposal_withdrawn"})

Fields = Mapping[str, Any]


class NumberOf(Protocol):
    def __call__(self, digest: str, stream: str) -> int | None: ...


class Effect(NamedTuple):
    """The edges and names of one act in effect, by the number of the entry that carries it.

    `replaces`: a correction; the rows written for that number before go first.
    """

    number: int
    stream: str
    links: Links
    replaces: bool


def takes_part(act: str) -> bool:
    """Whether an entry of this act can change edges, names or waiting proposals."""
    return act in _ABOUT_PROPOSALS or act == "corrected" or has_links(act)


def act_told(told: Told, waiting: WaitingProposals) -> str:
    """The act an entry makes so, before it is taken in: of the last countersignature the act that was waiting for it, else its own."""
    if told.act != COUNTERSIGNED:
        return told.act
    found = waiting.get(told.stream, told.proposal)
    return told.act if found is None or not _is_last(found) else found.act


def _is_last(found: Waiting) -> bool:
    return found.signers + 1 >= len(ACTS[found.act].slots)


def take_in(told: Told, waiting: WaitingProposals, number_of: NumberOf) -> Effect | None:
    """What takes effect with one entry, if anything does."""
    if told.act == "proposed":
        waiting.put(told)
        return None
    if told.act == "proposal_withdrawn":
        waiting.remove(told.stream, told.proposal)
        return None
    if told.act == COUNTERSIGNED:
        return _countersigned(told, waiting, number_of)
    if told.act == "corrected":
        return _effect(told.stream, _Deed(told.number, told.act, told.act_version, told.body), number_of, waiting)
    # Most entries by far, and no step more than they need.
    return Effect(told.number, told.stream, links_of(told.stream, told.act, told.act_version, told.body), replaces=False)


def _countersigned(told: Told, waiting: WaitingProposals, number_of: NumberOf) -> Effect | None:
    proposal = told.proposal
    found = waiting.get(told.stream, proposal)
    if found is None:
        return None
    if not _is_last(found):
        waiting.sign(told.stream, proposal, found.signers + 1)
        return None
    waiting.remove(told.stream, proposal)
    if not takes_part(found.act):
        return None
    return _effect(told.stream, _Deed(found.number, found.act, found.act_version, json.loads(found.body)), number_of, waiting)


class _Deed(NamedTuple):
    number: int
    act: str
    act_version: int
    body: Fields


def _effect(stream: str, deed: _Deed, number_of: NumberOf, waiting: WaitingProposals) -> Effect | None:
    body = deed.body
    if deed.act != "corrected":
        return Effect(deed.number, stream, links_of(stream, deed.act, deed.act_version, body), replaces=False)
    corrected = number_of(body["entry"], stream)
    # What only waits has no links yet to be put right; the workflows refuse to correct it.
    if corrected is None or waiting.holds(stream, corrected):
        return None
    right = links_of(stream, body["act"], body["act_version"], json.loads(body["replacement"]))
    return Effect(corrected, stream, right, replaces=True)


# --- into the tables --------------------------------------------------------------------------------------------------
_SET_SUMMARY = upserted(stream_summary, "stream")
_SET_SITE = upserted(stream_site, "stream", "site")
_SET_WAITING = upserted(waiting_proposal, "stream", "proposal")
_this_proposal = and_(waiting_proposal.c.stream == bindparam("in_stream"), waiting_proposal.c.proposal == bindparam("wanted"))
_GET_WAITING = Prepared(
    select(*(waiting_proposal.c[name] for name in ("entry_id", "signers", "act", "act_version", "body"))).where(_this_proposal)
)
_this_number = and_(waiting_proposal.c.stream == bindparam("in_stream"), waiting_proposal.c.entry_id == bindparam("number_wanted"))
_WAITING_NUMBER = Prepared(select(waiting_proposal.c.entry_id).where(_this_number))
_SIGN_WAITING = Prepared(update(waiting_proposal).where(_this_proposal).values(signers=bindparam("signed")))
_REMOVE_WAITING = Prepared(delete(waiting_proposal).where(_this_proposal))
_NUMBER = Prepared(select(entry.c.id).where(entry.c.digest == bindparam("wanted"), entry.c.stream == bindparam("in_stream")))
_INSERT_EDGES = inserted(edge)
_INSERT_NAMES = inserted(entry_name)
_REMOVE_LINKS = tuple(Prepared(delete(table).where(table.c.entry_id == bindparam("number"))) for table in (edge, entry_name))


def _write(connection: Connection, effects: Sequence[Effect]) -> None:
    # In one run the last word counts; what it replaces may have been written by an earlier run.
    newest = {effect.number: effect for effect in effects}
    for statement in _REMOVE_LINKS:
        statement.run(connection, [{"number": effect.number} for effect in newest.values() if effect.replaces])
    rows = [(effect, row) for effect in newest.values() for row in effect.links]
    _INSERT_EDGES.run(connection, [{"entry_id": each.number, "parent": row[0], "child": row[1]} for each, row in rows if len(row) == 2])
    _INSERT_NAMES.run(connection, [{"entry_id": each.number, "name": row[0], "stream": each.stream} for each, row in rows if len(row) == 1])


class _WaitingRow(NamedTuple):
    number: int
    signers: int
    act: str
    act_version: int
    body: str


@dataclass(frozen=True)
class _WaitingInTable:
    connection: Connection

    def get(self, stream: str, proposal: str) -> Waiting | None:
        found = _GET_WAITING.one(self.connection, in_stream=stream, wanted=proposal)
        return None if found is None else _WaitingRow(*found)

    def put(self, told: Told) -> None:
        _SET_WAITING.run(self.connection, [waiting_row(told, 1)])

    def sign(self, stream: str, proposal: str, signers: int) -> None:
        _SIGN_WAITING.run(self.connection, [{"in_stream": stream, "wanted": proposal, "signed": signers}])

    def remove(self, stream: str, proposal: str) -> None:
        _REMOVE_WAITING.run(self.connection, [{"in_stream": stream, "wanted": proposal}])

    def holds(self, stream: str, number: int) -> bool:
        return _WAITING_NUMBER.one(self.connection, in_stream=stream, number_wanted=number) is not None


def number_finder(connection: Connection) -> NumberOf:
    def number_of(digest: str, stream: str) -> int | None:
        # A correction that names an entry of another stream changes nothing, here as in the dossier.
        found = _NUMBER.one(connection, wanted=bytes.fromhex(digest), in_stream=stream)
        return None if found is None else int(found[0])

    return number_of


def enter(connection: Connection, told: Sequence[Told]) -> None:
    """Bring the lookups up to date with entries just written."""
    read_by_gates = [each for each in told if not ACTS[each.act].evidence]
    waiting, number_of = _WaitingInTable(connection), number_finder(connection)
    summaries, effects = [], []
    for each in read_by_gates:
        summaries.append(_summary(each.fields, act_told(each, waiting)))
        if takes_part(each.act):
            effects.append(take_in(each, waiting, number_of))
    _SET_SUMMARY.run(connection, list({row["stream"]: row for row in summaries}.values()))
    _SET_SITE.run(connection, [{"stream": stream, "site": site} for stream, site in {(row["stream"], row["site"]) for row in summaries}])
    _write(connection, [effect for effect in effects if effect is not None])


def _summary(fields: Fields, act: str) -> dict[str, Any]:
    stream = fields["stream"]
    return {
        "stream": stream,
        "kind": stream.partition(":")[0],
        "act": act,
        **{name: fields[name] for name in ("position", "site", "study", "recorded_at")},
    }


# --- from nothing -----------------------------------------------------------------------------------------------------
_newest = (
    select(entry.c.stream, func.max(entry.c.position).label("position")).where(entry.c.evidence == 0).group_by(entry.c.stream).subquery()
)
SUMMARIES = select(entry.c.id, entry.c.stream, entry.c.position, entry.c.act, entry.c.site, entry.c.study, entry.c.recorded_at).select_from(
    _newest.join(entry, and_(entry.c.stream == _newest.c.stream, entry.c.position == _newest.c.position))
)
SITES = select(entry.c.stream, entry.c.site).where(entry.c.evidence == 0).distinct()


class Completed(NamedTuple):
    """The newest countersignature of a stream that was the last one its act needed, by its number, and that act."""

    number: int
    act: str


def note_completed(told: Told, waiting: WaitingProposals, completed: dict[str, Completed]) -> None:
    """Before the entry is taken in."""
    act = act_told(told, waiting)
    if act != told.act:
        completed[told.stream] = Completed(told.number, act)


def said(row: Mapping[str, Any], completed: Mapping[str, Completed]) -> str:
    """The act that the summary of a stream names, whose newest entry has this `id`, `stream` and `act`."""
    last = completed.get(row["stream"])
    return last.act if last is not None and last.number == row["id"] else str(row["act"])


def rebuild(connection: Connection) -> None:
    """Write every lookup anew from the entries alone."""
    for table in LOOKUPS:
        connection.execute(delete(table))
    waiting, number_of = WaitingInMemory(), number_finder(connection)
    completed: dict[str, Completed] = {}
    for batch in batches(connection):
        effects = []
        for told in batch:
            note_completed(told, waiting, completed)
            effects.append(take_in(told, waiting, number_of))
        _write(connection, [effect for effect in effects if effect is not None])
    _SET_WAITING.run(connection, waiting.rows())
    connection.execute(insert(stream_site).from_select(["stream", "site"], SITES))
    for rows in _partitions(connection, SUMMARIES):
        known = ({**row, "kind": row["stream"].partition(":")[0], "act": said(row, completed)} for row in rows)
        _SET_SUMMARY.run(connection, list(known))


@cache
def _taking_part() -> Prepared:
    acts = [name for name, rule in ACTS.items() if not rule.evidence and takes_part(name)]
    taking_part = entry.c.act.in_([literal_column(f"'{name}'") for name in acts])
    return Prepared(select(entry.c.id, entry.c.stream, entry.c.act, entry.c.envelope).where(taking_part).order_by(entry.c.id))


def batches(connection: Connection) -> Iterator[list[Told]]:
    """All entries that take part, in the order of the log, many at a time."""
    for rows in _taking_part().batches(connection, BATCH):
        yield list(starmap(Told, rows))


def _partitions(connection: Connection, statement: Any) -> Iterator[list[dict[str, Any]]]:
    with connection.execute(statement, execution_options={"yield_per": BATCH}).mappings() as found:
        for rows in found.partitions():
            yield [dict(row) for row in rows]
