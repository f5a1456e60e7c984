"""The lines of a Berlinger text export: nesting by single spaces, `Key: value` pairs, and rows that begin with a tab."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from custody.errors import MalformedFileError

PAIR_BREAK = re.compile(r", (?=[A-Za-z][A-Za-z ]*:)")
FREE_TEXT = "User String"
TABLES = ("Marker", "Data")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of pairs and the keys of the lines it is nested under."""

    line: int
    under: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]

    def get(self, key: str) -> str:
        """The value of `key` on this line, empty when it is not there."""
        return dict(self.pairs).get(key, "")


class Row(NamedTuple):
    """One line of a table."""

    line: int
    cells: tuple[str, ...]


@dataclass(kw_only=True)
class Blocks:
    """A whole file: its entries in order, and the rows of each table by the key of the block they stand in."""

    entries: list[Entry] = field(default_factory=list)
    tables: dict[str, list[Row]] = field(default_factory=dict)
    last_line: int = 0

    def under(self, *path: str) -> list[Entry]:
        return [entry for entry in self.entries if entry.under == path]

    def found(self, *path: str) -> tuple[str, int] | None:
        """The value at `path` and its line; None when it is not there. MalformedFileError when it is there twice."""
        *parents, key = path
        seen = [(value, entry.line) for entry in self.under(*parents) for name, value in entry.pairs if name == key]
        if len(seen) > 1:
            raise malformed(seen[1][1], f"“{' / '.join(path)}” stands here for the second time; the first is on line {seen[0][1]}")
        return seen[0] if seen else None

    def value(self, *path: str) -> tuple[str, int]:
        """The value at `path` and its line; MalformedFileError when it is missing or empty."""
        seen = self.found(*path)
        if seen is None:
            raise malformed(self.last_line, f"the file ends without “{' / '.join(path)}”; export it from the logger again")
        if not seen[0]:
            raise malformed(seen[1], f"“{' / '.join(path)}” is empty")
        return seen


def malformed(line: int, what: str) -> MalformedFileError:
    return MalformedFileError(f"line {line}: {what}", code="logger_file_line", line=line, what=what)


def blocks_of(data: bytes) -> Blocks:
    """The lines of `data`. Raises MalformedFileError, naming the line, for another encoding, line ending or nesting."""
    text = data.decode("latin-1")
    blocks = Blocks()
    parents: list[str] = []
    *lines, rest = text.split("\r\n")
    for number, line in enumerate([*lines, rest] if rest else lines, start=1):
        blocks.last_line = number
        if control := CONTROL.search(line):
            raise malformed(
                number, f"a character that does not belong in this format ({control[0]!r}); expected the file as the logger wrote it"
            )
        if "\n" in line:
            raise malformed(
                number, "ends with LF alone, so the file was saved again by another program; expected CR LF, as the logger wrote it"
            )
        if line.startswith("\t"):
            _add_row(blocks, number, line, parents)
        else:
            _add_entry(blocks, number, line, parents)
    return blocks


def _add_row(blocks: Blocks, number: int, line: str, parents: list[str]) -> None:
    if len(parents) != 1 or parents[0] not in TABLES:
        raise malformed(number, f"a table row where no table is; expected one under {' or '.join(TABLES)}")
    blocks.tables.setdefault(parents[0], []).append(Row(line=number, cells=tuple(line[1:].split("\t"))))


def _add_entry(blocks: Blocks, number: int, line: str, parents: list[str]) -> None:
    content = line.lstrip(" ")
    depth = len(line) - len(content)
    if depth > len(parents):
        raise malformed(number, f"indented by {depth} where at most {len(parents)} is possible")
    pieces = [content] if content.startswith(FREE_TEXT) else PAIR_BREAK.split(content)
    pairs = []
    for piece in pieces:
        key, colon, value = piece.partition(":")
        if not colon or not key or (value and not value.startswith(" ")):
            raise malformed(number, f"“{piece[:40]}” is not “Key: value”")
        pairs.append((key, value[1:]))
    del parents[depth:]
    blocks.entries.append(Entry(line=number, under=tuple(parents), pairs=tuple(pairs)))
    parents.append(pairs[0][0])
