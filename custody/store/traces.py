"""Follows the links between things, ring by ring: to everything that came from a thing, or that it came from.

No recursive statement: PostgreSQL misjudges how much one finds and reads whole tables, and a walk of single rings can be broken off,
narrowed to what somebody may see, and told while it goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, cast

from sqlalchemy import ARRAY, ColumnElement, Connection, Text, any_, bindparam, func, literal, literal_column, select

from custody.store.statements import Among, Prepared, PreparedIn
from custody.store.tables import edge, stream_summary

AT_ONCE = 512
"""Names asked for in one statement."""
ROWS = 2_000
"""No more are held at a time: of one thing, such as a freezer, there may be a million."""
FEW = 64
"""Names of which a statement is first tried without a cursor."""
LONG, KEPT_KIB = 10_000, 4_096
"""From so many names in one ring a walk is long, and keeps so much of the file."""
_AFTER = "\U0010ffff"


Thing = tuple[str, str, str, str, str]
"""One thing on the way: its stream; a thing one step nearer by which it was found; and the newest entry about it that is no evidence: act,
site, when it was recorded (ISO text). These three are empty where nothing was recorded about it itself. A plain tuple as the database
gives it, because of a list of half a million no other one is made.
"""


class Reached(NamedTuple):
    """Some things that are `steps` away, and no fewer."""

    steps: int
    things: list[Thing]


class _Among:
    """A statement about some names, as each database takes many of them best: one by one, or as one list."""

    def __init__(self, build: Callable[[Among], Any], on_postgresql: Callable[[Among], Any] | None = None) -> None:
        names = bindparam("names", type_=ARRAY(Text))
        self._in = PreparedIn(build)
        asked = (on_postgresql or build)(lambda column: column == any_(names))
        self._any, self._some = Prepared(asked), Prepared(asked.limit(bindparam("at_most")))

    def batches(self, connection: Connection, names: Sequence[str], size: int) -> Iterator[list[tuple[Any, ...]]]:
        if connection.dialect.name == "sqlite":
            yield from self._in.batches(connection, names, size)
            return
        # Few names nearly always lead to few things: then once there and back, and not three times for a cursor.
        few = self._some.rows(connection, names=list(names), at_most=size + 1) if len(names) <= FEW else None
        if few is not None and len(few) <= size:
            yield few
            return
        yield from self._any.batches(connection, size, {"names": list(names)})

    def rows(self, connection: Connection, names: Sequence[str]) -> list[tuple[Any, ...]]:
        return self._in.rows(connection, names) if connection.dialect.name == "sqlite" else self._any.rows(connection, names=list(names))


def _onward(near: ColumnElement[Any], far: ColumnElement[Any]) -> _Among:
    newest = (stream_summary.c.act, stream_summary.c.site, stream_summary.c.recorded_at)

    def joined(among: Among) -> Any:
        wanted = select(far, near, *(func.coalesce(column, "") for column in newest))
        return wanted.select_from(edge.outerjoin(stream_summary, stream_summary.c.stream == far)).where(among(near))

    def by_key(among: Among) -> Any:
        # One row after the other: PostgreSQL expects thousands and would read the whole table, were it free to.
        one = select(*newest).where(stream_summary.c.stream == far).limit(literal_column("1")).lateral()
        wanted = select(far, near, *(func.coalesce(column, "") for column in one.c))
        return wanted.select_from(edge.outerjoin(one, literal_column("true"))).where(among(near))

    return _Among(joined, by_key)


_FORWARD, _BACKWARD = _onward(edge.c.parent, edge.c.child), _onward(edge.c.child, edge.c.parent)


def reached(
    connection: Connection,
    start: str,
    *,
    forward: bool,
    follow: Callable[[str], bool] | None = None,
    ends: Callable[[str], bool] | None = None,
) -> Iterator[Reached]:
    """Everything that came from `start`, or that it came from, nearest first, without itself; some things at a time, as they are found.

    Each thing comes once: pooled things and cycles end. What `follow` refuses is neither told nor followed; what `ends` is told, and
    nothing behind it. Holds one name a thing.
    """
    onward = _FORWARD if forward else _BACKWARD
    seen, ring, steps = {start}, [start], 0
    with _pages(connection) as keep_few:
        while ring:
            steps += 1
            further: list[str] = []
            if len(ring) > LONG:
                keep_few()
            for rows in _asked(connection, onward, ring):
                things: list[Thing] = []
                for row in rows:
                    stream = row[0]
                    if stream not in seen and (follow is None or follow(stream)):
                        seen.add(stream)
                        things.append(row)
                if things:
                    further += [thing[0] for thing in things if ends is None or not ends(thing[0])]
                    yield Reached(steps, things)
            ring = sorted(further)


def _asked(connection: Connection, onward: _Among, ring: Sequence[str]) -> Iterator[list[Thing]]:
    for first in range(0, len(ring), AT_ONCE):
        yield from cast("Iterator[list[Thing]]", onward.batches(connection, ring[first : first + AT_ONCE], ROWS))


@contextmanager
def _pages(connection: Connection) -> Iterator[Callable[[], None]]:
    """Until the block ends, after a call SQLite keeps few of the file's pages: a long walk passes over each once, and needs the memory."""
    before: list[int] = []

    def keep_few() -> None:
        if connection.dialect.name == "sqlite" and not before:
            before.append(connection.exec_driver_sql("PRAGMA cache_size").scalar_one())
            connection.exec_driver_sql(f"PRAGMA cache_size = -{KEPT_KIB}")

    try:
        yield keep_few
    finally:
        if before:
            connection.exec_driver_sql(f"PRAGMA cache_size = {before[0]}")


_NEWEST = _Among(
    lambda among: select(
        *(stream_summary.c.stream, literal(""), stream_summary.c.act, stream_summary.c.site, stream_summary.c.recorded_at)
    ).where(among(stream_summary.c.stream))
)


def itself(connection: Connection, stream: str) -> Reached:
    """One thing as a list of its own begins with it."""
    found = cast("list[Thing]", _NEWEST.rows(connection, [stream]))
    return Reached(0, found or [(stream, "", "", "", "")])


def _beside(kind: str, near: ColumnElement[Any], far: ColumnElement[Any]) -> _Among:
    return _Among(lambda among: select(near, far).where(among(near), far.between(f"{kind}:", f"{kind}:{_AFTER}")).distinct())


_PARENTS = {kind: _beside(kind, edge.c.child, edge.c.parent) for kind in ("lot",)}
_CHILDREN = {kind: _beside(kind, edge.c.parent, edge.c.child) for kind in ("dose", "participant")}


def parents_of_kind(connection: Connection, streams: Sequence[str], kind: str) -> dict[str, tuple[str, ...]]:
    """Of each of these things that has any: what it came from, one step, of one kind; in the order of names."""
    return _grouped(connection, _PARENTS[kind], streams)


def children_of_kind(connection: Connection, streams: Sequence[str], kind: str) -> dict[str, tuple[str, ...]]:
    """The same of what came from them."""
    return _grouped(connection, _CHILDREN[kind], streams)


def _grouped(connection: Connection, statement: _Among, streams: Sequence[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for first in range(0, len(streams), AT_ONCE):
        for one, other in statement.rows(connection, streams[first : first + AT_ONCE]):
            found.setdefault(one, []).append(other)
    return {one: tuple(sorted(others)) for one, others in found.items()}
