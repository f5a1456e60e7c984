"""Rows of a long store, written in bulk: what follows from the text of each entry, and the file they go to."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections import defaultdict
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from custody.domain.criteria import content_digest, content_from
from custody.ledger.leaves import SALT_SIZE, leaf_data
from custody.ledger.prefixes import LEAF_PREFIX, NODE_PREFIX
from custody.ledger.streams import GENESIS, entry_digest
from custody.store.connection import open_store
from custody.store.guards import triggers
from custody.store.schema import upgrade
from custody.store.tables import metadata

BATCH = 20_000
PRAGMAS = ("journal_mode = OFF", "synchronous = OFF", "cache_size = -3000000", "locking_mode = EXCLUSIVE")
"""Nothing is lost that cannot be made again."""
COPIED = ("attachment", "credential", "store_fact")
CLASH = {name: "IGNORE" if name == "stream_site" else "ABORT" for name in [table.name for table in metadata.sorted_tables]}
PLACES = 99_999
"""In each cohort."""
_SIZE = re.compile(r'(\\*"size\\*":)\d+')
_VERSION = ',"act_version":'
_BODY, _AFTER_BODY = ',"body":', ',"happened_at":"'
_POSITION, _PRINTED_NAME = ',"position":', ',"printed_name":'
_RECORDED_AT, _SIGNED = '"recorded_at":"', '"signature":{"digest":"'
_HEX = re.compile(r"[0-9a-f]{64}")


class Row(NamedTuple):
    """One entry of an era: `number`, `stream` and `position` as they were, the rest as it will be; its chain is not yet in `envelope`."""

    number: int
    stream: str
    to_stream: str
    position: int
    act: str
    evidence: int
    site: str
    study: str | None
    recorded_at: str
    digest: bytes
    envelope: str
    era: Any
    is_other: bool = False


class Rows:
    """Entries in the order in which they are given, with all that the store keeps beside them."""

    def __init__(self, source: Path, target: Path) -> None:
        _empty(target)
        self._file = sqlite3.connect(f"file:{target}", isolation_level=None, uri=True)
        for pragma in PRAGMAS:
            self._file.execute(f"PRAGMA main.{pragma}")
        self._indexes = self._without_indexes()
        self._file.execute("ATTACH ? AS base", (f"file:{source}?mode=ro",))
        self._ends: dict[str, tuple[int, bytes]] = {}
        self._summaries: dict[str, tuple[Any, ...]] = {}
        self._proposed: dict[str, str] = {}
        self._tree: list[bytes] = []
        self._last = ""
        self._size = 0
        self.series: list[tuple[Any, ...]] = []
        self._new: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        self._read_base()

    def _without_indexes(self) -> list[str]:
        """They are made at the end, in one go."""
        made = [sql for (sql,) in self._file.execute("SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")]
        for name, _, _ in triggers():
            self._file.execute(f"DROP TRIGGER {name}")
        for sql in made:
            self._file.execute(f"DROP INDEX {sql.split()[2]}")
        return made

    def _read_base(self) -> None:
        ask = self._file.execute
        self._sites: dict[str, list[str]] = defaultdict(list)
        for stream, site in ask("SELECT stream, site FROM base.stream_site"):
            self._sites[stream].append(site)
        self._stands = {row[0]: row[1:] for row in ask("SELECT stream, position, act FROM base.stream_summary")}
        self._edges: dict[int, list[tuple[str, str]]] = defaultdict(list)
        for number, parent, child in ask("SELECT entry_id, parent, child FROM base.edge"):
            self._edges[number].append((parent, child))
        self._names: dict[int, list[str]] = defaultdict(list)
        for number, name in ask("SELECT entry_id, name FROM base.entry_name"):
            self._names[number].append(name)
        self._waiting = {number for (number,) in ask("SELECT entry_id FROM base.waiting_proposal")}
        # Digests of entries that some other entry names: only these are remembered.
        self._referred = {
            digest for (text,) in ask("SELECT envelope FROM base.entry WHERE act NOT IN ('proposed', 'countersigned', 'logger_file_read')")
            for digest in _HEX.findall(text[text.index(_BODY) : text.rindex(_AFTER_BODY)])
        }  # fmt: skip

    def write(self, recorded_at: str, row: Row) -> None:
        """One entry, recorded after the one before it, if only by a moment."""
        if recorded_at <= self._last:
            recorded_at = (datetime.fromisoformat(self._last) + timedelta(microseconds=1)).isoformat(timespec="microseconds")
        self._last = recorded_at
        stream = row.to_stream
        position, previous = self._ends.get(stream, (0, GENESIS))
        position += 1
        text = _chained(self._signed(row), position, previous.hex(), recorded_at)
        digest = entry_digest(previous, text.encode())
        self._ends[stream] = (position, digest)
        self._remember(row, digest)
        self._size += 1
        number = self._size
        salt = os.urandom(SALT_SIZE)
        self._new["entry"].append(
            (number, stream, position, row.act, row.evidence, row.site, row.study, recorded_at, previous, digest, salt, text)
        )
        self._grow(number - 1, sha256(LEAF_PREFIX + leaf_data(salt, stream, position, digest)).digest())
        self._look_up(row, number, position, recorded_at)
        if row.number in self._waiting and row.era.place.is_last:
            self._note_waiting(row, number, position, recorded_at)
        if number % BATCH == 0:
            self._flush()

    def _remember(self, row: Row, digest: bytes) -> None:
        was = row.digest.hex()
        if was in self._referred and not row.is_other:
            row.era.digests[was] = digest.hex()

    def _note_waiting(self, row: Row, number: int, position: int, recorded_at: str) -> None:
        left_out = ("entry_id", "position", "recorded_at")
        found = self._file.execute("SELECT * FROM base.waiting_proposal WHERE entry_id = ?", (row.number,))
        names = [column for column, *_ in found.description]
        kept = {name: row.era.renamed(each) if isinstance(each, str) else each for name, each in zip(names, found.fetchone(), strict=True)}
        kept.update(zip(left_out, (number, position, recorded_at), strict=True))
        self._new["waiting_proposal"].append(tuple(kept[name] for name in names))

    def series_of(self, digest: str) -> tuple[Any, ...]:
        """Content, number of readings, start and end of one series."""
        found = self._file.execute('SELECT content, readings, start, "end" FROM base.series WHERE digest = ?', (digest,)).fetchone()
        return tuple(found)

    def _grow(self, index: int, hashed: bytes) -> None:
        """The leaf, and every subtree that it completes."""
        self._new["leaf"].append((index, index + 1, hashed))
        level = 0
        while index >> level & 1:
            hashed = sha256(NODE_PREFIX + self._tree.pop() + hashed).digest()
            level += 1
            self._new["node"].append((level, index >> level, hashed))
        self._tree.append(hashed)

    def _look_up(self, row: Row, number: int, position: int, recorded_at: str) -> None:
        stream, renamed = row.to_stream, row.era.renamed
        if row.is_other:
            medium, other = row.stream.partition(":")[2], stream.partition(":")[2]
            names = [name.replace(medium, other) for name in self._names.get(row.number, ())]
        else:
            names = [renamed(name) for name in self._names.get(row.number, ())]
        self._new["entry_name"] += [(number, name, stream) for name in names]
        self._new["edge"] += [(number, renamed(parent), renamed(child)) for parent, child in self._edges.get(row.number, ())]
        if row.position == 1:
            self._new["stream_site"] += [(stream, site) for site in self._sites[row.stream]]
        if not row.evidence:
            told = self._told(row)
            self._summaries[stream] = (stream, stream.partition(":")[0], position, told, row.site, row.study, recorded_at)

    def _told(self, row: Row) -> str:
        """The act that the summary of the stream names after this entry."""
        stands, act = self._stands[row.stream]
        if row.position == stands:
            return act
        # The last entries of a stream may belong to the last era alone; then it stands at what its last two people signed.
        return self._proposed.pop(row.to_stream, row.act) if row.act == "countersigned" else row.act

    def _flush(self) -> None:
        self._file.execute("BEGIN")
        for table, rows in self._new.items():
            if rows:
                self._file.executemany(f"INSERT OR {CLASH[table]} INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", sorted(rows))  # noqa: S608 - our own names
                rows.clear()
        self._file.executemany("INSERT OR IGNORE INTO series VALUES (?, ?, ?, ?, ?)", self.series)
        self.series.clear()
        self._file.execute("COMMIT")

    def end(self) -> None:
        """What is written once only: the ends of all streams, and what the store it came from keeps beside them."""
        assert self._ends.keys() == self._summaries.keys(), sorted(self._ends.keys() ^ self._summaries.keys())[:5]
        self._new["stream_head"] = [(stream, *end) for stream, end in self._ends.items()]
        self._new["stream_summary"] = list(self._summaries.values())
        self._flush()
        for table in COPIED:
            self._file.execute(f"INSERT INTO {table} SELECT * FROM base.{table}")  # noqa: S608 - our own names
        self._file.execute("DETACH base")
        for sql in (*self._indexes, *(sql for _, _, sql in triggers())):
            self._file.execute(sql)
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.close()

    def _opened(self, text: str) -> str:
        """The study with room for every dose."""
        text = _SIZE.sub(rf"\g<1>{PLACES}", text)
        content = json.loads(text)["body"]["content"]
        content_from(content)
        self._content = content_digest(content).value
        return text

    def _approved(self, text: str) -> str:
        return text.replace(json.loads(text)["body"]["content_digest"], self._content)

    def _signed(self, row: Row) -> str:
        """The text with the digest of what was signed, as it is now."""
        text, era = row.envelope, row.era
        if row.act == "study_proposed":
            text = self._opened(text)
        elif row.act == "study_approved":
            text = self._approved(text)
        begins, ends = text.index(_BODY) + len(_BODY), text.rindex(_AFTER_BODY)
        if row.act == "proposed":
            body = json.loads(text[begins:ends])
            now = _digest_of(body["act"], body["act_version"], body["body"])
            era.digests[body["proposal"]] = now
            self._proposed[row.to_stream] = body["act"]
            era.proposals.add(now)
            return text.replace(body["proposal"], now)
        place = text.find(_SIGNED, ends)
        if place < 0:
            return text
        place += len(_SIGNED)
        was = text[place : place + 64]
        if was in era.proposals:
            return text
        if was != era.signed[0]:
            version = text[text.index(_VERSION) + len(_VERSION) : begins - len(_BODY)]
            era.signed = (was, _digest_of(row.act, version, text[begins:ends]))
        return text[:place] + era.signed[1] + text[place + 64 :]


def _digest_of(act: str, version: int | str, body: str) -> str:
    """What is signed (custody.workflows.outcome.proposal_digest), of an act in canonical form."""
    return sha256(f'{{"act":"{act}","act_version":{version},"body":{body}}}'.encode()).hexdigest()


def _chained(text: str, position: int, previous: str, recorded_at: str) -> str:
    """With its place in its stream and the time at which it was recorded."""
    at = text.rindex(_POSITION)
    rest = text.index(_PRINTED_NAME, at)
    told = text.index(_RECORDED_AT, rest) + len(_RECORDED_AT)
    chain = f'{_POSITION}{position},"previous":"{previous}"'
    return f"{text[:at]}{chain}{text[rest:told]}{recorded_at}{text[text.index(chr(34), told) :]}"


def _empty(path: Path) -> None:
    store = open_store(f"sqlite:///{path}")
    upgrade(store)
    store.close()
