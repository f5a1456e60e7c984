"""The leaf by which an entry stands in the log: its digest and its place, behind a salt.

Why the salt: leaves and nodes are public, they travel in the proofs of other entries. The body of a blinded act can be
guessed (cells or placebo, a few dozen kits), and without a salt everybody could hash each guess and compare.
Sixteen random bytes per entry, kept beside it and given away only with the proof of that entry, make its
leaf say nothing until then. The salt is not part of the envelope, so signatures and streams do not depend on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256

from custody.errors import InputError, LedgerBrokenError
from custody.ledger.prefixes import DIGEST_SIZE, LEAF_DATA_PREFIX, LEAF_PREFIX, SALT_SIZE

__all__ = ["LONGEST_STREAM", "SALT_SIZE", "leaf_data", "leaf_hashes"]

LONGEST_STREAM = 0xFFFF


def leaf_data(salt: bytes, stream: str, position: int, digest: bytes) -> bytes:
    """What the log hashes as one leaf: prefix, salt, length of stream (2 bytes), stream, position (8 bytes), digest.

    Numbers are big-endian. Every part but the stream has a fixed length and the stream's is written before
    it, so no two entries share an encoding. Raises InputError when a part does not fit.
    """
    name = stream.encode()
    if len(salt) != SALT_SIZE or len(digest) != DIGEST_SIZE:
        raise InputError(f"a leaf has a salt of {SALT_SIZE} and a digest of {DIGEST_SIZE} bytes, not {len(salt)} and {len(digest)}")
    if not 0 < len(name) <= LONGEST_STREAM or not 0 < position < 2**63:
        raise InputError(f"a leaf has a stream of 1 to {LONGEST_STREAM} bytes and a position from 1, not {len(name)} bytes and {position}")
    return b"".join((LEAF_DATA_PREFIX, salt, len(name).to_bytes(2, "big"), name, position.to_bytes(8, "big"), digest))


def leaf_hashes(rows: Iterable[tuple[bytes, str, int, bytes]]) -> Iterator[bytes]:
    """The leaf hashes of stored rows (salt, stream, position, digest), in the order given.

    Raises LedgerBrokenError naming the entry when a row holds no proper leaf, whatever its columns hold.
    """
    for salt, stream, position, digest in rows:
        try:
            data = leaf_data(salt, stream, position, digest)
        except (InputError, AttributeError, TypeError, ValueError) as error:
            raise LedgerBrokenError(f"{stream} entry {position} has no proper leaf: {error}") from error
        yield sha256(LEAF_PREFIX + data).digest()
