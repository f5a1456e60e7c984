"""One stream of entries, each holding the digest of the one before: the order of custody, and what shows a change."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal, NamedTuple

from custody.errors import InputError, LedgerBrokenError
from custody.ledger.prefixes import DIGEST_SIZE, ENTRY_PREFIX, GENESIS

__all__ = ["BEFORE_FIRST", "DIGEST_SIZE", "GENESIS", "Fault", "StreamHead", "entry_digest", "first_fault", "verify_stream"]

# position, previous, envelope, digest: what verification expects a row to hold
Row = tuple[int, bytes, bytes, bytes]
# the same with its stream in front
StreamRow = tuple[str, int, bytes, bytes, bytes]


class StreamHead(NamedTuple):
    """The last position of a stream and its digest; `(0, GENESIS)` before the first entry."""

    position: int
    digest: bytes


BEFORE_FIRST = StreamHead(0, GENESIS)


@dataclass(frozen=True)
class Fault:
    """The first place where a stream does not prove itself.

    `position` is the one that was due there; `seen` and `expected` are numbers, hex digests or the kind of
    thing found, never the content of an entry.
    """

    stream: str
    position: int
    what: Literal["stream", "position", "previous", "envelope", "digest"]
    seen: str
    expected: str

    def __str__(self) -> str:
        return f"{self.stream} entry {self.position}: {self.what} is {self.seen}, expected {self.expected}"


def entry_digest(previous: bytes, envelope: bytes) -> bytes:
    """SHA-256 over the domain prefix, the previous entry's digest and the envelope's exact bytes."""
    # A fixed length of `previous` is what makes the three parts unambiguous.
    if len(previous) != DIGEST_SIZE:
        raise InputError(f"the previous digest has {len(previous)} bytes, expected {DIGEST_SIZE}")
    return sha256(ENTRY_PREFIX + previous + envelope).digest()


def verify_stream(rows: Iterable[Row], *, stream: str, after: StreamHead = BEFORE_FIRST) -> StreamHead:
    """The head that the rows of one stream, in order, lead to from `after`; no rows lead to `after` itself.

    Raises LedgerBrokenError with the first Fault in `values["fault"]`. A tail that was cut off leaves no
    fault: compare the head with the one kept elsewhere.
    """
    position, head = after
    for seen, previous, envelope, digest in rows:
        position += 1
        # The types too: True equals 1, and text or None in a blob column must be a finding and not a crash.
        if seen != position or type(seen) is not int or previous != head or type(envelope) is not bytes:
            raise _broken(_link_fault(stream, position, head, (seen, previous, envelope)))
        hasher = sha256(ENTRY_PREFIX + head)
        hasher.update(envelope)
        head = hasher.digest()
        if digest != head:
            raise _broken(_digest_fault(stream, position, digest, head))
    return StreamHead(position, head)


def first_fault(rows: Iterable[StreamRow], at_head: Callable[[str, int, bytes], None] | None = None) -> Fault | None:
    """The first fault in the entries of many streams, or None when all of them prove themselves.

    Rows come ordered by stream and position, streams by code point (in PostgreSQL `COLLATE "C"`); a stream
    out of that order is a fault, for it could be a second copy. `at_head(stream, position, digest)` is called
    after each whole stream. Constant memory; the loop is the hash and four comparisons.
    """
    current = ""
    position = 0
    head = GENESIS
    for stream, seen, previous, envelope, digest in rows:
        if stream != current or position == 0:
            if type(stream) is not str or stream <= current:
                return Fault(_shown(stream), 1, "stream", _shown(stream), f"a stream after {current!r}")
            if at_head is not None and position > 0:
                at_head(current, position, head)
            current = stream
            position = 0
            head = GENESIS
        position += 1
        if seen != position or type(seen) is not int or previous != head or type(envelope) is not bytes:
            return _link_fault(stream, position, head, (seen, previous, envelope))
        hasher = sha256(ENTRY_PREFIX + head)
        hasher.update(envelope)
        head = hasher.digest()
        if digest != head:
            return _digest_fault(stream, position, digest, head)
    if at_head is not None and position > 0:
        at_head(current, position, head)
    return None


def _link_fault(stream: str, due: int, head: bytes, row: tuple[object, object, object]) -> Fault:
    position, previous, envelope = row
    if type(position) is not int or position != due:
        return Fault(stream, due, "position", _shown(position), str(due))
    if previous != head:
        return Fault(stream, due, "previous", _shown(previous), head.hex())
    return Fault(stream, due, "envelope", f"a {type(envelope).__name__}", "bytes")


def _digest_fault(stream: str, due: int, seen: object, expected: bytes) -> Fault:
    return Fault(stream, due, "digest", _shown(seen), expected.hex())


def _broken(fault: Fault) -> LedgerBrokenError:
    return LedgerBrokenError(f"the record does not prove itself: {fault}", fault=fault)


def _shown(seen: object) -> str:
    """A value of any type, short enough to print and without an entry's content."""
    if type(seen) is int and seen.bit_length() <= 64:
        return str(seen)
    if type(seen) is bytes and len(seen) <= DIGEST_SIZE:
        return seen.hex() or "no bytes"
    if type(seen) is str and len(seen) <= 80:
        return repr(seen)
    return f"a {type(seen).__name__}"
