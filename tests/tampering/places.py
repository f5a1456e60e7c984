"""Every place of the record that somebody who owns the database can change, and what the first fault must say about each."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table

from custody.store import guards
from custody.store.tables import APPEND_ONLY, OUTSIDE_VERIFICATION, metadata

Row = dict[str, Any]
Run = Callable[..., list[tuple[Any, ...]]]

# Of an identity only the time of writing is not sealed.
UNSEEN = (frozenset(OUTSIDE_VERIFICATION) - {"identity"}) | {"identity.written_at"}
COLUMNS = tuple((table, column.name) for table in metadata.sorted_tables for column in table.columns)
PROVED = tuple((table, name) for table, name in COLUMNS if not {table.name, f"{table.name}.{name}"} & UNSEEN)
UNPROVED = tuple(place for place in COLUMNS if place not in PROVED)


def one_byte_changed(value: Any, chance: random.Random, *, text_only: bool = False) -> Any:
    """The value with one byte changed; text comes as bytes unless `text_only`, since it may be none any more."""
    if value is None:
        return "x" if text_only else b"x"
    if isinstance(value, int):
        return int.from_bytes(_other_byte(value.to_bytes(8, "big", signed=True), chance), "big", signed=True)
    if isinstance(value, bytes):
        return _other_byte(value, chance)
    while True:
        changed = _other_byte(value.encode(), chance)
        if not text_only:
            return changed
        try:
            text = changed.decode()
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text


def _other_byte(whole: bytes, chance: random.Random) -> bytes:
    if not whole:
        return bytes([chance.randrange(256)])
    at = chance.randrange(len(whole))
    return whole[:at] + bytes([whole[at] ^ chance.randrange(1, 256)]) + whole[at + 1 :]


@dataclass(frozen=True, kw_only=True)
class Change:
    """One column of one row, before and after."""

    table: Table
    column: str
    row: Row
    value: Any

    def __str__(self) -> str:
        return f"{self.table.name}.{self.column} of {self.key}: {str(self.row[self.column])[:200]!r} -> {str(self.value)[:200]!r}"

    @property
    def key(self) -> Row:
        return {column.name: self.row[column.name] for column in self.table.primary_key}

    @property
    def is_named_by(self) -> Callable[[str], bool]:
        """Whether a fault says where the change is."""
        after = self.value.decode("utf-8", "backslashreplace") if isinstance(self.value, bytes) and self._is_text else self.value
        words = {word for row in (self.row, {**self.row, self.column: after}) for word in NAMES[self.table.name](row)}
        return lambda said: any(word in said for word in words)

    @property
    def _is_text(self) -> bool:
        return self.table.c[self.column].type.python_type is str

    def make(self, run: Run) -> None:
        """Raises what the database raises when it refuses: then nothing has changed."""
        as_text = isinstance(self.value, bytes) and self._is_text
        where = " AND ".join(f'"{name}" = ?' for name in self.key)
        value = "CAST(? AS TEXT)" if as_text else "?"
        run(f'UPDATE "{self.table.name}" SET "{self.column}" = {value} WHERE {where}', (self.value, *self.key.values()))


def _shown(text: Any) -> str:
    return str(text)[:80]


def _entry(row: Row) -> Iterator[str]:
    # Its own position, or the one that is missing before it.
    yield f"{_shown(row['stream'])} entry "
    yield f"entry number {row['id']},"
    yield "table entry has"


def _leaf(row: Row) -> Iterator[str]:
    yield f"leaf {row['number']} "
    yield f"entry number {row['entry_id']},"
    yield "table leaf has"
    # One that claims to be the last makes the log end elsewhere.
    yield "table entry has"


def _node(row: Row) -> Iterator[str]:
    yield f"node {row['number']} of level {row['level']} "
    yield "table node has"


def _lookup(table: str, *columns: str) -> Callable[[Row], Iterator[str]]:
    def names(row: Row) -> Iterator[str]:
        yield f"the lookup {table} is wrong about {_shown(row[columns[0]])}"
        for verb in ("lacks", "should not have"):
            yield f"the lookup {table} {verb} {', '.join(_shown(row[column]) for column in columns)}"

    return names


def _proposal(row: Row) -> Iterator[str]:
    yield f"the lookup waiting_proposal is wrong about proposal {row['proposal']} of {row['stream']}"


NAMES: Mapping[str, Callable[[Row], Iterator[str]]] = {
    "entry": _entry,
    "leaf": _leaf,
    "node": _node,
    "stream_head": lambda row: iter((f"{_shown(row['stream'])} entry ",)),
    "stream_summary": _lookup("stream_summary", "stream"),
    "stream_site": _lookup("stream_site", "stream"),
    "edge": _lookup("edge", "parent", "child"),
    "entry_name": _lookup("entry_name", "name"),
    "waiting_proposal": _proposal,
    "attachment": lambda row: iter((f"attachment {_shown(row['digest'])} ",)),
    "series": lambda row: iter((f"temperature series {_shown(row['digest'])} ",)),
    "credential": lambda row: iter((f"account:{row['account']}", f"account {row['account']} ")),
    "reset_ticket": lambda row: iter((f"account:{row['account']} ", f"account {row['account']} ")),
    "identity": lambda row: iter((f"identity of {row['subject']} ",)),
}


@contextmanager
def unprotected(run: Run, dialect: str, table: str) -> Iterator[None]:
    """The triggers of one table are gone, and back afterwards, word for word."""
    if table not in APPEND_ONLY:
        yield
        return
    if dialect == "sqlite":
        own = [(name, statement) for name, guarded, statement in guards.triggers() if guarded == table]
        for name, _ in own:
            run(f"DROP TRIGGER {name}")
        yield
        for _, statement in own:
            run(statement)
        return
    run(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
    yield
    run(f"ALTER TABLE {table} ENABLE TRIGGER ALL")
    run(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {guards.name_of(table)}")
