"""Compares the lookups with what the entries alone say."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import BindParameter, Connection, Select, and_, bindparam, exists, func, literal_column, or_, select

from custody.errors import LedgerBrokenError
from custody.store.envelope_text import Told
from custody.store.links import NO_LINKS, Links
from custody.store.lookup_rows import COUNTERSIGNED, act_told, batches, number_finder, take_in
from custody.store.lookup_waiting import WaitingInMemory
from custody.store.sqlite_text import shown
from custody.store.statements import Prepared, PreparedIn
from custody.store.tables import LOOKUPS, edge, entry, entry_name, stream_site, stream_summary, waiting_proposal

# More than this many differences are no slips in a few rows; remembering them all would cost memory.
DOUBTS_MAX = 50_000

_LARGEST = 2**63 - 1
_first: BindParameter[int] = bindparam("first")
_last: BindParameter[int] = bindparam("last")
_EDGES = Prepared(select(edge.c.entry_id, edge.c.parent, edge.c.child).where(edge.c.entry_id.between(_first, _last)))
_NAMES = Prepared(select(entry_name.c.entry_id, entry_name.c.name).where(entry_name.c.entry_id.between(_first, _last)))
_WRONG_STREAM = (
    select(entry_name.c.name, entry_name.c.stream)
    .select_from(entry_name.outerjoin(entry, entry.c.id == entry_name.c.entry_id))
    .where(entry.c.stream.is_distinct_from(entry_name.c.stream))
    # By the rows themselves, of which an index holds a copy.
    .where(entry_name.c.entry_id > literal_column("-9223372036854775808"))
    .order_by(entry_name.c.entry_id)
)


_summary = stream_summary.c
_its_entry = and_(entry.c.stream == _summary.stream, entry.c.position == _summary.position)
_later = entry.alias()
_WRONG_SUMMARY = (
    select(_summary.stream)
    .select_from(stream_summary.outerjoin(entry, _its_entry))
    .where(
        or_(
            entry.c.evidence.is_distinct_from(0),
            *(entry.c[name].is_distinct_from(_summary[name]) for name in ("site", "study", "recorded_at")),
            # Of a countersignature the summary names the act that it completed, which no column tells.
            and_(entry.c.act.is_distinct_from(_summary.act), entry.c.act.is_distinct_from(COUNTERSIGNED)),
            # No function splits text alike on every database; this asks whether the kind is what stands before the colon.
            _summary.kind.contains(":"),
            func.substr(_summary.stream, 1, func.length(_summary.kind) + 1) != _summary.kind + ":",
        )
    )
)
_read_by_gates = entry.c.evidence == literal_column("0")
# Where each summary is of an entry that gates read, as many as there are such streams, whose positions add up to those of the newest such
# entries, are all of them and each the newest. Looking for a later entry of each, and for each entry's summary, takes twice as long.
_newest = select(func.max(entry.c.position).label("position")).where(_read_by_gates).group_by(entry.c.stream).subquery()
_in_entries = select(func.count().label("streams"), func.sum(_newest.c.position).label("positions")).select_from(_newest).subquery()
_in_summaries = select(func.count().label("streams"), func.sum(_summary.position).label("positions")).select_from(stream_summary).subquery()
_OTHER_SUMMARIES = select(_in_entries.c.streams).where(
    or_(
        _in_entries.c.streams.is_distinct_from(_in_summaries.c.streams), _in_entries.c.positions.is_distinct_from(_in_summaries.c.positions)
    )
)
_EARLIER_SUMMARY = (
    select(entry.c.stream)
    .select_from(entry.outerjoin(stream_summary, _summary.stream == entry.c.stream))
    .where(_read_by_gates, or_(_summary.stream.is_(None), entry.c.position > _summary.position))
)
_NAMED = PreparedIn(
    lambda among: (
        select(_summary.stream, _summary.act, entry.c.id).select_from(stream_summary.join(entry, _its_entry)).where(among(_summary.stream))
    )
)
_site = stream_site.c
_NO_SITE = (
    select(entry.c.stream, entry.c.site)
    .select_from(entry.outerjoin(stream_site, and_(_site.stream == entry.c.stream, _site.site == entry.c.site)))
    # In the order of the table: an index would only lead back to its rows, one by one.
    .where(entry.c.evidence + 0 == 0, _site.stream.is_(None))
)
# The site of a summary is found in the entry beneath it; asking there first leaves few to look for among all entries of a stream.
_WRONG_SITE = select(_site.stream, _site.site).where(
    ~exists().where(_summary.stream == _site.stream, _summary.site == _site.site),
    ~exists().where(entry.c.stream == _site.stream, entry.c.site == _site.site, _read_by_gates),
)
FIND_NOTHING: Mapping[str, Select[Any]] = {
    "wrong summary": _WRONG_SUMMARY.limit(1),
    "no site": _NO_SITE.limit(1),
    "wrong site": _WRONG_SITE.limit(1),
    "other summaries": _OTHER_SUMMARIES.limit(1),
    "wrong stream": _WRONG_STREAM.limit(1),
}
"""Where the lookups are right. What another process asked in vain need not be asked again."""


class LookupComparison:
    """Takes in the entries that gates read, in the order of the log, then names what the lookups say otherwise.

    Stored rows are read beside the entries that they belong to. What differs stays in doubt until the end, because a
    later countersignature or correction may explain it; so memory holds what waits, was corrected, or is wrong.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._found_nothing: Collection[str] = ()
        self._waiting = WaitingInMemory()
        self._number_of = number_finder(connection)
        # by stream: the number of its last countersignature among those taken in now, and the act that a summary names for it
        self._countersigned: dict[str, tuple[int, str]] = {}
        self._other_act: str | None = None
        self._first, self._last = 1, 0
        self._stored: dict[int, Links] = {}
        self._met: set[int] = set()
        # by entry number: the stored rows, and those expected so far
        self._doubts: dict[int, tuple[Links, Links]] = {}

    def begin(self, last: int) -> None:
        """The entries taken in next have the numbers after the last ones, up to `last`."""
        self._end_batch()
        self._first, self._last = self._last + 1, last
        self._stored = self._rows(self._first, last)

    def take(self, told: Told) -> None:
        if told.act == COUNTERSIGNED:
            self._countersigned[told.stream] = (told.number, act_told(told, self._waiting))
        effect = take_in(told, self._waiting, self._number_of)
        if effect is not None:
            self._expect(effect.number, effect.links)

    def take_all(self) -> None:
        """All entries, many at a time."""
        for batch in batches(self._connection):
            self.begin(batch[-1].number)
            for told in batch:
                self.take(told)

    def differences(self, found_nothing: Collection[str] = ()) -> tuple[str, ...]:
        """One sentence for each lookup that differs, naming the first row in which it does. `found_nothing`: of `FIND_NOTHING`."""
        self._found_nothing = found_nothing
        for last in (self._last, _LARGEST):
            self.begin(last)
        self._end_batch()
        self._doubts.update({number: (rows, NO_LINKS) for number, rows in self._rows(-_LARGEST, 0).items()})
        found = (self._links_differ(), self._streams_differ(), self._waiting_differs(), *self._streams_of_entries_differ())
        return tuple(sentence for sentence in found if sentence)

    def _expect(self, number: int, links: Links) -> None:
        if self._first <= number <= self._last:
            self._met.add(number)
            stored = self._stored.get(number, NO_LINKS)
        elif number in self._doubts:
            stored = self._doubts.pop(number)[0]
        else:
            stored = self._rows(number, number).get(number, NO_LINKS)
        if stored == links:
            self._doubts.pop(number, None)
        else:
            self._doubt(number, stored, links)

    def _end_batch(self) -> None:
        for number in self._stored.keys() - self._met:
            self._doubt(number, self._stored[number], NO_LINKS)
        self._stored = {}
        self._met = set()
        self._compare_acts()

    def _compare_acts(self) -> None:
        """Where a countersignature is the newest entry of its stream that gates read, no column tells what the summary names."""
        expected, self._countersigned = self._countersigned, {}
        for stream, named, number in _NAMED.rows(self._connection, list(expected)):
            last, act = expected[stream]
            if number == last and named != act:
                self._other_act = min(stream, self._other_act or stream)

    def _doubt(self, number: int, stored: Links, expected: Links) -> None:
        if len(self._doubts) >= DOUBTS_MAX:
            raise LedgerBrokenError(f"the lookups differ from the entries in more than {DOUBTS_MAX} places; rebuild them")
        self._doubts[number] = (stored, expected)

    def _rows(self, first: int, last: int) -> dict[int, Links]:
        rows: dict[int, list[tuple[str, ...]]] = {}
        for statement in (_EDGES, _NAMES):
            for number, *row in statement.rows(self._connection, first=first, last=last):
                rows.setdefault(number, []).append(tuple(row))
        return {number: frozenset(found) for number, found in rows.items()}

    def _links_differ(self) -> str:
        for number, (stored, expected) in sorted(self._doubts.items()):
            for rows, what in ((expected - stored, "lacks"), (stored - expected, "should not have")):
                for row in sorted(rows):
                    table = edge if len(row) == 2 else entry_name
                    return f"the lookup {table.name} {what} {_shown(row)} of entry number {number}"
        return ""

    def _streams_differ(self) -> str:
        row = self._row("wrong stream")
        return "" if row is None else f"the lookup entry_name is wrong about {_shown(row)}"

    def _waiting_differs(self) -> str:
        columns = [column.name for column in waiting_proposal.columns]
        expected = {(row["stream"], row["proposal"]): [row[column] for column in columns] for row in self._waiting.rows()}
        stored = {(row.stream, row.proposal): list(row) for row in self._connection.execute(select(waiting_proposal))}
        for key in sorted(stored.keys() | expected.keys()):
            if stored.get(key) != expected.get(key):
                return f"the lookup waiting_proposal is wrong about proposal {key[1]} of {key[0]}"
        return ""

    def _streams_of_entries_differ(self) -> tuple[str, ...]:
        """Each summary is of the newest entry that gates read in its stream, and each such stream has one; each site beside a stream has
        such an entry, and each such entry its site there.
        """
        wrong = {
            "stream_summary": self._row("wrong summary") or self._other_summary() or (self._other_act and (self._other_act,)),
            "stream_site": self._row("wrong site") or self._row("no site"),
        }
        return tuple(f"the lookup {name} is wrong about {_shown(row)}" for name, row in wrong.items() if row is not None)

    def _other_summary(self) -> Any:
        return self._row("other summaries") and self._connection.execute(_EARLIER_SUMMARY.limit(1)).one()

    def _row(self, name: str) -> Any:
        return None if name in self._found_nothing else self._connection.execute(FIND_NOTHING[name]).first()


def differences(connection: Connection) -> tuple[str, ...]:
    """What the lookups say otherwise than the entries; empty when they agree."""
    comparison = LookupComparison(connection)
    comparison.take_all()
    return comparison.differences()


def _shown(row: Any) -> str:
    return ", ".join(str(value)[:80] for value in row)


def check_indexes(connection: Connection) -> None:
    """That every index of the lookups holds what its table holds: traces and lists are read from these copies alone.

    SQLite only. PostgreSQL's pages carry checksums, and its indexes can be looked over by the server's own `amcheck`.
    Raises LedgerBrokenError with what SQLite found first.
    """
    if connection.dialect.name != "sqlite":
        return
    for table in LOOKUPS:
        found = connection.exec_driver_sql(f"PRAGMA integrity_check({table.name})").scalars().first()
        if found != "ok":
            raise LedgerBrokenError(
                f"an index of the lookup {table.name} is not what its table is ({shown(str(found))}); find out what damaged the file, then "
                "make the indexes anew (REINDEX)"
            )
