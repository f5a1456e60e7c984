"""What every hash of the ledger begins with, and the sizes of its parts."""

from __future__ import annotations

# Keep these digests apart from each other, and from every other SHA-256 of the project.
ENTRY_PREFIX = b"custody entry/1\n"
LEAF_PREFIX = b"\x00"
NODE_PREFIX = b"\x01"
# Behind LEAF_PREFIX.
LEAF_DATA_PREFIX = b"custody leaf/1\n"

DIGEST_SIZE = 32
# What the first entry of a stream holds as the digest before it.
GENESIS = bytes(DIGEST_SIZE)
SALT_SIZE = 16
