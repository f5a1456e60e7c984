"""Parsed temperature series: kept compressed by the digest of their canonical bytes, never changed."""

from __future__ import annotations

import threading
import time
import zlib
from collections import OrderedDict
from collections.abc import Iterable
from hashlib import sha256

from sqlalchemy import Connection, bindparam, insert, select

from custody.domain.ids import Digest
from custody.domain.readings import Series, series_from_bytes
from custody.errors import InputError, LedgerBrokenError
from custody.store.envelope import iso
from custody.store.statements import Prepared, PreparedIn
from custody.store.tables import series as series_table
from custody.store.watch import view_of

SERIES_HERE = "custody_series_here"
READINGS_REMEMBERED_MAX = 2_500_000
"""A hundred bytes each. More than the longest file that is read in one piece (a million rows): with less, each small file that is looked at
would push that one out, and every verdict about a bag of its freezer would decode it anew, for seconds."""

_there = Prepared(select(series_table.c.digest).where(series_table.c.digest == bindparam("digest_wanted")))
_contents = PreparedIn(lambda among: select(series_table.c.digest, series_table.c.content).where(among(series_table.c.digest)))


class _Memory:
    """Decoded series by the digest of the stored bytes they were decoded from; the least recently used forgotten first.

    `read_at` is when the stored bytes of a series were last read (monotonic seconds), by store and digest.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self.read_at: dict[tuple[str, str], tuple[Series, float]] = {}
        self._kept: OrderedDict[bytes, Series] = OrderedDict()
        self._readings = 0

    def get(self, stored: bytes) -> Series | None:
        with self._guard:
            found = self._kept.get(stored)
            if found is not None:
                self._kept.move_to_end(stored)
            return found

    def put(self, stored: bytes, decoded: Series) -> None:
        with self._guard:
            if stored in self._kept:
                return
            self._kept[stored] = decoded
            self._readings += len(decoded.readings)
            while self._readings > READINGS_REMEMBERED_MAX and len(self._kept) > 1:
                self._readings -= len(self._kept.popitem(last=False)[1].readings)
                self.read_at.clear()


_MEMORY = _Memory()


def stored_form(series: Series) -> bytes:
    """What is kept of a series. Of a long one that takes a second: make it before the lock is taken."""
    return zlib.compress(series.canonical_bytes, 6)


def keep_series(connection: Connection, series: Series, content: bytes | None = None) -> Digest:
    """Keep one series; the same again adds nothing. Returns its digest, which the logger act carries.

    `content`: its stored form, where that was made before.
    """
    digest = series.digest
    if _there.one(connection, digest_wanted=digest) is None:
        row = {
            "digest": digest,
            "readings": len(series.readings),
            "start": iso(series.start),
            "end": iso(series.end),
            "content": stored_form(series) if content is None else content,
        }
        connection.execute(insert(series_table), row)
    return Digest(digest)


def load_series(connection: Connection, digests: Iterable[Digest]) -> dict[Digest, Series]:
    """The series by digest; one that is not there has no entry, and what needs it finds it missing.

    Raises LedgerBrokenError when stored bytes are no longer what was kept.
    """
    options = connection.get_execution_options()
    here: dict[Digest, Series] = options.get(SERIES_HERE, {})
    wanted = list(dict.fromkeys(digests))
    new = [digest for digest in wanted if digest not in here]
    if new:
        here.update(_read(connection, str(options.get("custody_store", "")), new))
    return {digest: here[digest] for digest in wanted if digest in here}


def _read(connection: Connection, store: str, digests: list[Digest]) -> dict[Digest, Series]:
    """Read again as seldom as the streams that name them (custody.store.watch)."""
    oldest, now = view_of(connection).oldest, time.monotonic()
    known = {digest: _MEMORY.read_at.get((store, digest.value)) for digest in digests}
    found = {digest: before[0] for digest, before in known.items() if before is not None and before[1] > oldest}
    rows = _contents.rows(connection, [digest.value for digest in digests if digest not in found])
    for digest, content in rows:
        series = found[Digest(digest)] = _decoded(digest, content)
        _MEMORY.read_at[store, digest] = series, now
    return found


def _decoded(digest: str, content: bytes) -> Series:
    # Remembered by what is stored now and by the name it is asked for: changed bytes are decoded, and refused, anew.
    stored = sha256(digest.encode() + content).digest()
    known = _MEMORY.get(stored)
    if known is not None:
        return known
    try:
        decoded = series_from_bytes(unpacked(digest, content))
    except InputError as error:
        raise LedgerBrokenError(f"temperature series {digest} is not what was kept: {error}", series=digest) from error
    _MEMORY.put(stored, decoded)
    return decoded


def unpacked(digest: str, content: bytes) -> bytes:
    """The canonical bytes in a stored row; raises LedgerBrokenError when they are not those that `digest` names."""
    try:
        canonical = zlib.decompress(content)
    except (zlib.error, TypeError) as error:
        raise LedgerBrokenError(f"temperature series {digest} is not what was kept: {error}", series=digest) from error
    if sha256(canonical).hexdigest() != digest:
        raise LedgerBrokenError(f"temperature series {digest} is not what was kept: its readings have changed", series=digest)
    return canonical
