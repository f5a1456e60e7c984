"""A record many times as long as one facility's: its whole road again and again, each time under new names and some years earlier.

Writing 10^6 bags act by act takes hours, because each act is built, checked and encoded. Here the texts of a store that is there already
are written again, with names, dates and digests replaced and everything that follows from them (chains, log, heads, lookups) made anew:
what comes out is a store like any other, and `custody ledger verify` and a comparison of the lookups say so. Roads that were not over
when the store was left are written once only, in the last era, which ends when the store it came from ends. Logger files are shared by
all eras; the readings in them are not. Each era has a study of its own, which has more doses than any had yet. From the middle era on
another lot of culture medium is used, so that either is in half of all bags.
"""

from __future__ import annotations

import heapq
import re
import sqlite3
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial
from hashlib import sha256
from multiprocessing import Pool
from pathlib import Path
from typing import Any, NamedTuple

from bench.facility import DB_NAME, Facility, facility
from bench.rows import Row, Rows
from custody.codes.check_characters import mod37_36
from custody.store.packing import packed, unpacked

ENDS_AFTER = timedelta(days=80)
"""From the start of a lot's road to its last act, and then some: later lots are not over when the store is left."""
LOTS_A_WEEK = 42
WEEK = timedelta(days=7)
AT_ONCE = 5_000
MEDIUM, OTHER_MEDIUM = "MED-0001", "MED-0002"
MARK = "\x1f"
"""In no text of a record: canonical JSON writes it as an escape."""
SETUP_ENDS_BEFORE = "donor:%"
FREEZERS = frozenset({"logger:LOGGER-F01", "logger:LOGGER-F91"})
# Every name with a number in it that a road writes, every date, and every digest.
NAMED_BY_ALL = re.compile(
    r"\d{4}-\d\d-\d\d|DEMO\d{4}B\d{3}[0-9A-Z]|A999926\d{6}|WB\d{4}X7|(?<![A-Z0-9])[HRSC]\d{3,4}-\d\d"
    r"|(?:LOT|SH|DOSE|WCB|MCB|TS|DN|BLOOD|P|LOGGER-[TC]|SHIPPER|DEV|RC|H)-\d{4}(?!\d)|MED-0001|[0-9a-f]{64}"
)
NAMED = re.compile(rf"NCT\d{{8}}|{NAMED_BY_ALL.pattern}")
"""What everybody shares names the study of the last era, in which people work now."""
_DIGITS = re.compile(r"\d{4}|\d{3}(?=-)")
_DATE = re.compile(rb"\d{4}-\d\d-\d\d")
_SERIES = re.compile(r'"series":"([0-9a-f]{64})"')


class Place(NamedTuple):
    """One era among all: `shift` in days, `offset` of all numbers; roads of lots after `last_lot` belong to the last era alone."""

    number: int
    of: int
    shift: int
    offset: int
    last_lot: int

    @property
    def is_last(self) -> bool:
        return self.number == self.of - 1


class _Skipped(Exception):  # noqa: N818 - no error
    pass


class Era:
    """The entries of the whole store as they read in one era, in their order.

    `digests`: what the digests of the store became here; `proposals`: those of proposals; `signed`: what was signed last, then and now.
    """

    def __init__(self, split: Path, rows: Rows, place: Place) -> None:
        self._split = sqlite3.connect(f"file:{split}?mode=ro", uri=True)
        self._rows = rows
        self.place = place
        self._names: dict[str, str] = {}
        self.digests: dict[str, str] = {}
        self.proposals: set[str] = set()
        self.signed = ("", "")

    def __iter__(self) -> Iterator[tuple[str, int, Row]]:
        # What everybody shares is set up in the first era, but stands in the texts of all.
        first = self.place.number == 0
        wanted = "1" if first else "NOT is_shared"
        wanted += "" if self.place.is_last else " AND NOT of_last"
        columns = "id, stream, position, act, evidence, site, study, recorded_at, digest, is_shared, split"
        for number, stream, position, act, evidence, site, study, recorded_at, digest, is_shared, split in self._split.execute(
            f"SELECT {columns} FROM split WHERE {wanted} ORDER BY id"  # noqa: S608 - our own words
        ):
            if act == "logger_file_read":
                self._shift_series(split.replace(MARK, ""))
            try:
                text = self.joined(split)
                mine = Row(
                    number,
                    stream,
                    self.renamed(stream),
                    position,
                    act,
                    evidence,
                    site,
                    study if is_shared or study is None else self.renamed(study),
                    self.renamed(recorded_at),
                    digest,
                    text,
                    self,
                )
            except _Skipped:
                continue
            yield mine.recorded_at, self.place.number, mine
            if stream == f"material:{MEDIUM}":
                again = mine._replace(to_stream=f"material:{OTHER_MEDIUM}", envelope=text.replace(MEDIUM, OTHER_MEDIUM), is_other=True)
                yield mine.recorded_at, self.place.number, again
        self._names.clear()
        self.digests.clear()
        self.proposals.clear()

    def joined(self, split: str) -> str:
        """A text that was split, as it reads in this era; raises _Skipped for what only the last era has."""
        parts = split.split(MARK)
        names, name = self._names, self._name
        parts[1::2] = [names.get(seen) or name(seen) for seen in parts[1::2]]
        return "".join(parts)

    def renamed(self, text: str) -> str:
        """The same of a short text that was not split."""
        found = self._names.get(text)
        if found is None:
            found = self._names[text] = self.joined(marked(text))
        return found

    def _name(self, seen: str) -> str:
        if len(seen) == 64:
            return self.digests.get(seen, seen)
        found = self._made(seen)
        if not found:
            raise _Skipped
        self._names[seen] = found
        return found

    def _made(self, seen: str) -> str:
        place = self.place
        if seen[4] == "-" and seen[0] in "12":
            return (date.fromisoformat(seen) + timedelta(days=place.shift)).isoformat()
        if seen.startswith("NCT"):
            return f"NCT{int(seen[3:]) + place.of - 1 - place.number:08d}"
        if seen == MEDIUM:
            return OTHER_MEDIUM if place.number >= (place.of + 1) // 2 else MEDIUM
        head, digits, tail = _parts(seen)
        if int(digits) > place.last_lot and not place.is_last:
            return ""
        number = int(digits) + place.offset
        if seen.startswith("DEMO"):
            # Twelve characters before the check character, also where the number has five.
            twelve = f"DEMO{number:04d}{tail[:4]}" if number < 10_000 else f"DEM{number:05d}{tail[:4]}"
            return twelve + mod37_36(twelve)
        return f"{head}{number:0{len(digits)}d}{tail}"

    def _shift_series(self, envelope: str) -> None:
        match = _SERIES.search(envelope)
        assert match is not None
        content, readings, start, end = self._rows.series_of(match[1])
        if not self.place.shift:
            self._rows.series.append((match[1], readings, start, end, content))
            return
        shifted = unpacked(content)
        for day in set(_DATE.findall(shifted)):
            # Years lie between: no date is replaced twice.
            shifted = shifted.replace(day, self.renamed(day.decode()).encode())
        digest = sha256(shifted).hexdigest()
        self.digests[match[1]] = digest
        self._rows.series.append((digest, readings, self.joined(marked(start)), self.joined(marked(end)), packed(shifted, 1)))


def marked(text: str, named: re.Pattern[str] = NAMED) -> str:
    """With a mark before and after everything that reads otherwise in another era."""
    return named.sub(rf"{MARK}\g<0>{MARK}", text)


def _parts(seen: str) -> tuple[str, str, str]:
    """What stands before the number, the number, and what stands after it."""
    if seen.startswith("A999926"):
        return seen[:7], seen[7:], ""
    match = _DIGITS.search(seen)
    assert match is not None, seen
    return seen[: match.start()], match[0], seen[match.end() :]


def long_facility(folder: Path, bags: int, eras: int) -> Facility:
    """A facility's store whose record is `eras` times as long; the one that is there already, where it was made before."""
    if eras > 1 and not (folder / DB_NAME).exists():
        once = folder / "once"
        once.mkdir(exist_ok=True)
        facility(once, bags).store.close()
        longer(once / DB_NAME, folder / DB_NAME, eras)
    return facility(folder, bags)


def longer(source: Path, target: Path, eras: int) -> None:
    """Writes the store at `source` (made by `bench.facility`), `eras` times over, to the new file `target`."""
    base = sqlite3.connect(f"file:{source}?mode=ro", uri=True)
    (lots,) = base.execute("SELECT count(*) FROM stream_summary WHERE kind = 'lot'").fetchone()
    begin, end = base.execute("SELECT min(recorded_at), max(recorded_at) FROM entry WHERE act = 'lot_started'").fetchone()
    over = datetime.fromisoformat(end) - ENDS_AFTER - datetime.fromisoformat(begin)
    last_lot = min(over // WEEK * LOTS_A_WEEK, lots)
    days = last_lot // LOTS_A_WEEK * 7
    split = target.with_suffix(".split")
    if not split.exists():
        _split_all(source, split, days)
    rows = Rows(source, target)
    places = (Place(n, eras, (n - eras + 1) * days, n * last_lot, last_lot) for n in range(eras))
    for recorded_at, _, row in heapq.merge(*(Era(split, rows, place) for place in places), key=_when):
        rows.write(recorded_at, row)
    rows.end()
    split.unlink()


def _split_all(source: Path, to: Path, days: int) -> None:
    """Every text with its marks: looking for names takes longer than everything else, and is done once for all eras.

    `is_shared`: set up before the first road begins, but for the study; `of_last`: only the last era has it, as what people did besides,
    and the freezers' files that lie in the time of the next era.
    """
    base = sqlite3.connect(f"file:{source}?mode=ro", uri=True)
    unfinished = to.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    made = sqlite3.connect(unfinished, isolation_level=None)
    made.execute("PRAGMA journal_mode = OFF")
    made.execute("PRAGMA synchronous = OFF")
    columns = "stream, position, act, evidence, site, study, recorded_at, digest, is_shared, of_last, split"
    made.execute(f"CREATE TABLE split (id INTEGER PRIMARY KEY, {columns})")
    (setup_ends,) = base.execute("SELECT min(id) FROM entry WHERE stream LIKE ?", (SETUP_ENDS_BEFORE,)).fetchone()
    (first,) = base.execute("SELECT min(recorded_at) FROM entry WHERE act = 'logger_file_read' AND stream = ?", (min(FREEZERS),)).fetchone()
    repeats_at = (datetime.fromisoformat(first) + timedelta(days=days - 1)).isoformat(timespec="microseconds")
    (size,) = base.execute("SELECT max(id) FROM entry").fetchone()
    made.execute("BEGIN")
    with Pool() as pool:
        for parts in pool.imap(partial(_marked_rows, source, setup_ends), range(0, size + 1, AT_ONCE)):
            made.executemany("INSERT INTO split VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (
                (*row, is_shared, row[0] >= setup_ends and _of_last(row, repeats_at), text) for row, is_shared, text in parts
            ))  # fmt: skip
    made.execute("COMMIT")
    made.close()
    unfinished.rename(to)


def _marked_rows(source: Path, setup_ends: int, first: int) -> list[tuple[tuple[Any, ...], bool, str]]:
    base = sqlite3.connect(f"file:{source}?mode=ro", uri=True)
    columns = "id, stream, position, act, evidence, site, study, recorded_at, digest, envelope"
    rows = base.execute(f"SELECT {columns} FROM entry WHERE id >= ? AND id < ? ORDER BY id", (first, first + AT_ONCE)).fetchall()  # noqa: S608 - our own words
    base.close()
    shared = [row[0] < setup_ends and not row[1].startswith("study:") for row in rows]
    return [
        (row[:-1], is_shared, marked(row[-1], NAMED_BY_ALL if is_shared else NAMED)) for row, is_shared in zip(rows, shared, strict=True)
    ]


def _of_last(row: tuple[Any, ...], repeats_at: str) -> bool:
    _, stream, _, _, evidence, _, _, recorded_at, *_ = row
    return bool(evidence) or stream.startswith("account:") or (stream in FREEZERS and recorded_at >= repeats_at)


def _when(item: tuple[str, int, Any]) -> tuple[str, int]:
    return item[:2]
