"""The Merkle tree over all entries (RFC 9162 section 2.1), kept as its complete subtrees so that a proof costs O(log n) reads.

A *leaf* here is always a leaf hash. A stored node is `(level, index, hash)`: the root of the 2^level leaves
that begin at index * 2^level. Nodes are written once, when their last leaf arrives, and never change; the
roots of incomplete subtrees are computed when asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from itertools import islice

from custody.errors import InputError, LedgerBrokenError
from custody.ledger.prefixes import LEAF_PREFIX, NODE_PREFIX

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()

Node = tuple[int, int, bytes]
# read_node(level, index) -> hash; it raises, or answers with no hash, when the node is missing
ReadNode = Callable[[int, int], bytes]

# Leaves are folded 2^10 at a time: one list per level costs less than a look at the peaks per leaf.
_BLOCK_LEVEL = 10
# A copy of a hash that has begun costs a fifth less than beginning it again.
_above = sha256(NODE_PREFIX).copy


def leaf_hash(data: bytes) -> bytes:
    return sha256(LEAF_PREFIX + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(NODE_PREFIX + left + right).digest()


def parents(row: Sequence[bytes]) -> list[bytes]:
    """The nodes above a row; a last one without a sibling has none."""
    nodes, above = iter(row), []
    for left, right in zip(nodes, nodes, strict=False):
        hashed = _above()
        hashed.update(left + right)
        above.append(hashed.digest())
    return above


def root(leaves: Sequence[bytes]) -> bytes:
    """The root over all leaf hashes at once; for many leaves a CompactRange needs less memory."""
    if not leaves:
        return EMPTY_ROOT
    row = list(leaves)
    while len(row) > 1:
        above = parents(row)
        # A last node without a sibling rises unchanged, which is the split RFC 9162 defines.
        if len(row) % 2:
            above.append(row[-1])
        row = above
    return row[0]


def appended_nodes(size: int, leaf: bytes, read_node: ReadNode) -> list[Node]:
    """The nodes to store when `leaf` joins a tree of `size` leaves: itself, then each subtree it completes."""
    if size < 0 or len(leaf) != HASH_SIZE:
        raise InputError(f"a leaf of {HASH_SIZE} bytes joins a tree of 0 or more, not one of {len(leaf)} bytes a tree of {size}")
    nodes = [(0, size, leaf)]
    level, index, newest = 0, size, leaf
    while index % 2:
        newest = node_hash(_read(read_node, level, index - 1), newest)
        level += 1
        index //= 2
        nodes.append((level, index, newest))
    return nodes


def root_from_nodes(size: int, read_node: ReadNode) -> bytes:
    """The root of the first `size` leaves, from stored nodes: at most log2(size) + 1 reads."""
    if size < 0:
        raise InputError(f"a tree has 0 or more leaves, not {size}")
    return _subtree(0, size, read_node) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, read_node: ReadNode) -> list[bytes]:
    """The siblings from leaf `index` up to the root of the first `size` leaves (RFC 9162 section 2.1.3.1)."""
    if not 0 <= index < size:
        raise InputError(f"leaf {index} is not in a tree of {size} leaves")
    start, end = 0, size
    path = []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_subtree(middle, end, read_node))
            end = middle
        else:
            path.append(_subtree(start, middle, read_node))
            start = middle
    return path[::-1]


def consistency_proof(old: int, new: int, read_node: ReadNode) -> list[bytes]:
    """What shows that the first `old` of `new` leaves are unchanged (RFC 9162 section 2.1.4.1); empty for old = 0."""
    if not 0 <= old <= new:
        raise InputError(f"a tree of {new} leaves has no earlier state of {old}")
    if old == 0:
        return []
    start, end = 0, new
    path = []
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_subtree(middle, end, read_node))
            end = middle
        else:
            path.append(_subtree(start, middle, read_node))
            start = middle
    # The whole old tree is what the verifier holds already; a part of it has to be sent.
    if start > 0:
        path.append(_subtree(start, end, read_node))
    return path[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], expected_root: bytes) -> bool:
    """True when `path` leads from `leaf` at `index` to the root of `size` leaves (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size or not _are_hashes((leaf, expected_root, *path)):
        return False
    node, last, computed = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if node % 2 or node == last:
            computed = node_hash(sibling, computed)
            while not node % 2 and node:
                node //= 2
                last //= 2
        else:
            computed = node_hash(computed, sibling)
        node //= 2
        last //= 2
    return last == 0 and computed == expected_root


def verify_consistency(old: int, old_root: bytes, new: int, new_root: bytes, path: Sequence[bytes]) -> bool:
    """True when `path` shows that `old_root` over `old` leaves is a prefix of `new_root` over `new` (RFC 9162 section 2.1.4.2)."""
    if not 0 <= old <= new or not _are_hashes((old_root, new_root, *path)):
        return False
    if old == new:
        return not path and old_root == new_root
    if old == 0:
        return not path and old_root == EMPTY_ROOT
    # A complete old tree is itself the first node of the proof and is not sent.
    siblings = list(path) if old & (old - 1) else [old_root, *path]
    if not siblings:
        return False
    node, last = old - 1, new - 1
    while node % 2:
        node //= 2
        last //= 2
    seen_old = seen_new = siblings[0]
    for sibling in siblings[1:]:
        if last == 0:
            return False
        if node % 2 or node == last:
            seen_old = node_hash(sibling, seen_old)
            seen_new = node_hash(sibling, seen_new)
            while not node % 2 and node:
                node //= 2
                last //= 2
        else:
            seen_new = node_hash(seen_new, sibling)
        node //= 2
        last //= 2
    return last == 0 and seen_old == old_root and seen_new == new_root


class CompactRange:
    """The right edge of a growing tree: size and at most log2(size) + 1 hashes, whatever the number of leaves."""

    __slots__ = ("_peaks", "_size")

    def __init__(self) -> None:
        self._size = 0
        # roots of the complete subtrees from left to right, one for each bit set in the size
        self._peaks: list[bytes] = []

    @classmethod
    def resumed(cls, size: int, read_node: ReadNode) -> CompactRange:
        """The range as it was after `size` leaves, from the stored nodes."""
        if size < 0:
            raise InputError(f"a tree has 0 or more leaves, not {size}")
        resumed = cls()
        for level in reversed(range(size.bit_length())):
            if size >> level & 1:
                resumed._peaks.append(_read(read_node, level, (size >> level) - 1))
        resumed._size = size
        return resumed

    @property
    def size(self) -> int:
        return self._size

    def append(self, leaf: bytes) -> list[Node]:
        """Add one leaf; the nodes it completes, itself first, as `appended_nodes` gives them."""
        index = self._size
        nodes = [(0, index, leaf)]
        level = 0
        while index & 1:
            leaf = sha256(NODE_PREFIX + self._peaks.pop() + leaf).digest()
            level += 1
            index >>= 1
            nodes.append((level, index, leaf))
        self._peaks.append(leaf)
        self._size += 1
        return nodes

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add many leaves without naming their nodes: the fast way to a root."""
        remaining = iter(leaves)
        block = 1 << _BLOCK_LEVEL
        for leaf in islice(remaining, -self._size % block):
            self.append(leaf)
        while row := list(islice(remaining, block)):
            if len(row) < block:
                for leaf in row:
                    self.append(leaf)
            else:
                self._push_block(row)

    def _push_block(self, row: list[bytes]) -> None:
        while len(row) > 1:
            row = parents(row)
        newest = row[0]
        index = self._size >> _BLOCK_LEVEL
        while index & 1:
            newest = node_hash(self._peaks.pop(), newest)
            index >>= 1
        self._peaks.append(newest)
        self._size += 1 << _BLOCK_LEVEL

    def root(self) -> bytes:
        if not self._peaks:
            return EMPTY_ROOT
        *others, computed = self._peaks
        for peak in reversed(others):
            computed = node_hash(peak, computed)
        return computed


def _split(width: int) -> int:
    """The largest power of two smaller than `width` (RFC 9162 section 2.1.1)."""
    return 1 << ((width - 1).bit_length() - 1)


def _subtree(start: int, end: int, read_node: ReadNode) -> bytes:
    """The root of leaves start to end - 1, which RFC 9162's splits have made a subtree of the whole."""
    width = end - start
    if width & (width - 1) == 0:
        level = width.bit_length() - 1
        return _read(read_node, level, start >> level)
    middle = start + _split(width)
    return node_hash(_subtree(start, middle, read_node), _subtree(middle, end, read_node))


def _read(read_node: ReadNode, level: int, index: int) -> bytes:
    found = read_node(level, index)
    if not _are_hashes((found,)):
        raise LedgerBrokenError(f"node {index} of level {level} of the log is missing or is no hash", level=level, index=index)
    return found


def _are_hashes(found: Iterable[object]) -> bool:
    return all(type(each) is bytes and len(each) == HASH_SIZE for each in found)
