"""Parsed temperature series: kept compressed by the digest of their canonical bytes, never changed."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable
from hashlib import sha256

from sqlalchemy import Connection, bindparam, insert, select

from custody.domain.ids import Digest
from custody.domain.readings import Series
from custody.domain.stored_series import stored_series
from custody.errors import InputError, LedgerBrokenError
from custody.store import packing
from custody.store.envelope import iso
from custody.store.statements import Prepared, PreparedIn
from custody.store.tables import series as series_table
from custody.store.watch import view_of

SERIES_HERE = "custody_series_here"
BYTES_REMEMBERED_MAX = 128 << 20
"""Unpacked, forty for each reading. Several times the longest file that is read in one piece (a million rows): with less, each small file
that is looked at would push that one out."""

_there = Prepared(select(series_table.c.digest).where(series_table.c.digest == bindparam("digest_wanted")))
_contents = PreparedIn(lambda among: select(series_table.c.digest, series_table.c.content).where(among(series_table.c.digest)))


class _Memory:
    """Series by the digest of the stored bytes they were unpacked from; the least recently used forgotten first.

    `read_at` is when the stored bytes of a series were last read (monotonic seconds), by store and digest.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self.read_at: dict[tuple[str, str], tuple[Series, float]] = {}
        self._kept: OrderedDict[bytes, tuple[Series, int]] = OrderedDict()
        self._bytes = 0

    def get(self, stored: bytes) -> Series | None:
        with self._guard:
            found = self._kept.get(stored)
            if found is None:
                return None
            self._kept.move_to_end(stored)
            return found[0]

    def put(self, stored: bytes, series: Series, size: int) -> None:
        """`size`: how many bytes of memory it takes."""
        with self._guard:
            if stored in self._kept:
                return
            self._kept[stored] = series, size
            self._bytes += size
            while self._bytes > BYTES_REMEMBERED_MAX and len(self._kept) > 1:
                self._bytes -= self._kept.popitem(last=False)[1][1]
                self.read_at.clear()


_MEMORY = _Memory()
_UNPACKING = threading.Lock()
"""Held while one is unpacked: whoever asks for the same meanwhile waits for it instead of unpacking it too."""


def stored_form(series: Series) -> bytes:
    """What is kept of a series. Of a long one that takes a second: make it before the lock is taken."""
    return packing.packed(series.canonical_bytes)


def keep_series(connection: Connection, series: Series, content: bytes | None = None) -> Digest:
    """Keep one series; the same again adds nothing. Returns its digest, which the logger act carries.

    `content`: its stored form, where that was made before.
    """
    digest = series.digest
    if _there.one(connection, digest_wanted=digest) is None:
        row = {
            "digest": digest,
            "readings": series.count,
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
        series = found[Digest(digest)] = _series_in(digest, content)
        _MEMORY.read_at[store, digest] = series, now
    return found


def _series_in(digest: str, content: bytes) -> Series:
    # Remembered by what is stored now and by the name it is asked for: changed bytes are unpacked, and refused, anew.
    stored = sha256(digest.encode() + content).digest()
    known = _MEMORY.get(stored)
    if known is not None:
        return known
    with _UNPACKING:
        known = _MEMORY.get(stored)
        if known is None:
            canonical = unpacked(digest, content)
            try:
                known = stored_series(canonical, digest)
            except InputError as error:
                raise LedgerBrokenError(f"temperature series {digest} is not what was kept: {error}", series=digest) from error
            _MEMORY.put(stored, known, len(canonical))
    return known


def unpacked(digest: str, content: bytes) -> bytes:
    """The canonical bytes in a stored row; raises LedgerBrokenError when they are not those that `digest` names."""
    try:
        canonical = packing.unpacked(content)
    except (ValueError, TypeError) as error:
        raise LedgerBrokenError(f"temperature series {digest} is not what was kept: {error}", series=digest) from error
    if sha256(canonical).hexdigest() != digest:
        raise LedgerBrokenError(f"temperature series {digest} is not what was kept: its readings have changed", series=digest)
    return canonical
