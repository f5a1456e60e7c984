"""The log's tree: RFC 9162's own examples, published vectors, another implementation, and every size by brute force."""

import functools
import itertools
import random
from hashlib import sha256

import pymerkle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.errors import InputError, LedgerBrokenError
from custody.ledger.merkle import (
    EMPTY_ROOT,
    CompactRange,
    appended_nodes,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root,
    root_from_nodes,
    verify_consistency,
    verify_inclusion,
)

SIZES = range(71)
LEAVES = [leaf_hash(f"entry {number}".encode()) for number in SIZES]
ROOTS = [root(LEAVES[:size]) for size in SIZES]

# The eight inputs, roots and proofs that the Certificate Transparency code bases publish for RFC 6962.
PUBLISHED_INPUTS = [
    bytes.fromhex(each) for each in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
PUBLISHED_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
A96 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
B5F = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
C6B = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
DBC = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
ECA = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
F0E = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
PUBLISHED_INCLUSION = [
    (0, 1, []),
    (0, 8, [A96, B5F, C6B]),
    (5, 8, [DBC, ECA, PUBLISHED_ROOTS[4]]),
    (2, 3, [PUBLISHED_ROOTS[2]]),
    (1, 5, [PUBLISHED_ROOTS[1], B5F, DBC]),
]
PUBLISHED_CONSISTENCY = [
    (1, 1, []),
    (1, 8, [A96, B5F, C6B]),
    (6, 8, [F0E, ECA, PUBLISHED_ROOTS[4]]),
    (2, 5, [B5F, DBC]),
]


class NodeStore:
    """What a database keeps: nodes written once, read by level and index, and counted."""

    def __init__(self, leaves):
        self.nodes, self.reads = {}, 0
        for size, leaf in enumerate(leaves):
            for level, index, stored in appended_nodes(size, leaf, self.read):
                assert (level, index) not in self.nodes
                self.nodes[level, index] = stored

    def read(self, level, index):
        self.reads += 1
        return self.nodes[level, index]


STORE = NodeStore(LEAVES)


@functools.cache
def root_by_definition(leaves):
    """MTH of RFC 9162 section 2.1.1, word for word."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"").digest()
    split = split_by_definition(len(leaves))
    return sha256(b"\x01" + root_by_definition(leaves[:split]) + root_by_definition(leaves[split:])).digest()


def path_by_definition(index, leaves):
    """PATH of RFC 9162 section 2.1.3.1."""
    if len(leaves) == 1:
        return []
    split = split_by_definition(len(leaves))
    if index < split:
        return [*path_by_definition(index, leaves[:split]), root_by_definition(leaves[split:])]
    return [*path_by_definition(index - split, leaves[split:]), root_by_definition(leaves[:split])]


def subproof_by_definition(old, leaves, whole):
    """SUBPROOF of RFC 9162 section 2.1.4.1."""
    if old == len(leaves):
        return [] if whole else [root_by_definition(leaves)]
    split = split_by_definition(len(leaves))
    if old <= split:
        return [*subproof_by_definition(old, leaves[:split], whole), root_by_definition(leaves[split:])]
    return [*subproof_by_definition(old - split, leaves[split:], False), root_by_definition(leaves[:split])]


def split_by_definition(count):
    split = 1
    while split * 2 < count:
        split *= 2
    return split


def hexes(hashes):
    return [each.hex() for each in hashes]


def test_leaf_and_node_have_their_prefixes():
    assert leaf_hash(b"L") == sha256(b"\x00L").digest()
    assert node_hash(b"l" * 32, b"r" * 32) == sha256(b"\x01" + b"l" * 32 + b"r" * 32).digest()
    assert sha256(b"").digest() == EMPTY_ROOT


def test_published_roots():
    leaves = [leaf_hash(data) for data in PUBLISHED_INPUTS]
    assert hexes(root(leaves[:size]) for size in range(9)) == PUBLISHED_ROOTS


@pytest.mark.parametrize(("index", "size", "path"), PUBLISHED_INCLUSION)
def test_published_inclusion_proofs(index, size, path):
    leaves = [leaf_hash(data) for data in PUBLISHED_INPUTS]
    proof = inclusion_proof(index, size, NodeStore(leaves).read)
    assert hexes(proof) == path
    assert verify_inclusion(leaves[index], index, size, proof, bytes.fromhex(PUBLISHED_ROOTS[size]))


@pytest.mark.parametrize(("old", "new", "path"), PUBLISHED_CONSISTENCY)
def test_published_consistency_proofs(old, new, path):
    proof = consistency_proof(old, new, NodeStore([leaf_hash(data) for data in PUBLISHED_INPUTS]).read)
    assert hexes(proof) == path
    assert verify_consistency(old, bytes.fromhex(PUBLISHED_ROOTS[old]), new, bytes.fromhex(PUBLISHED_ROOTS[new]), proof)


def test_examples_of_rfc_9162_section_2_1_5():
    a, b, c, d, e, f, j = LEAVES[:7]
    g, h, i = node_hash(a, b), node_hash(c, d), node_hash(e, f)
    k, l = node_hash(g, h), node_hash(i, j)  # noqa: E741 - the letters of the RFC's figure
    read = NodeStore(LEAVES[:7]).read
    assert root_from_nodes(7, read) == node_hash(k, l)
    assert inclusion_proof(0, 7, read) == [b, h, l]
    assert inclusion_proof(3, 7, read) == [c, g, l]
    assert inclusion_proof(4, 7, read) == [f, j, k]
    assert inclusion_proof(6, 7, read) == [i, k]
    assert consistency_proof(3, 7, read) == [c, d, g, l]
    assert consistency_proof(4, 7, read) == [l]
    assert consistency_proof(6, 7, read) == [i, j, k]


def test_every_size_has_the_root_of_the_definition_by_every_way():
    grown = CompactRange()
    for size in SIZES:
        expected = root_by_definition(tuple(LEAVES[:size]))
        extended = CompactRange()
        extended.extend(iter(LEAVES[:size]))
        resumed = CompactRange.resumed(size, STORE.read)
        assert [root(LEAVES[:size]), root_from_nodes(size, STORE.read)] == [expected] * 2
        assert [each.root() for each in (grown, extended, resumed)] == [expected] * 3
        assert [each.size for each in (grown, extended, resumed)] == [size] * 3
        grown.append(LEAVES[size])


def test_stored_nodes_are_the_complete_subtrees_and_no_others():
    for size in SIZES:
        stored = NodeStore(LEAVES[:size]).nodes
        complete = {(level, index) for level in range(8) for index in range(size >> level)}
        assert stored.keys() == complete
    for (level, index), node in STORE.nodes.items():
        assert node == root_by_definition(tuple(LEAVES[index << level : (index + 1) << level]))


def test_a_range_names_the_same_nodes_as_the_stateless_append():
    grown = CompactRange()
    for size in SIZES:
        assert CompactRange.resumed(size, STORE.read).append(LEAVES[size]) == appended_nodes(size, LEAVES[size], STORE.read)
        assert grown.append(LEAVES[size]) == appended_nodes(size, LEAVES[size], STORE.read)


@pytest.mark.parametrize("parts", [(2048,), (5, 3000), (1023, 1, 1, 1024), (1024, 1024), (1500, 1500, 1), (0, 3, 1021, 4096)])
def test_leaves_added_in_blocks_give_the_same_root_as_one_by_one(parts):
    leaves = [leaf_hash(number.to_bytes(4, "big")) for number in range(sum(parts))]
    extended, given_leaves = CompactRange(), iter(leaves)
    for part in parts:
        extended.extend(itertools.islice(given_leaves, part))
    assert extended.root() == root(leaves)
    assert extended.size == len(leaves)
    read = NodeStore([*leaves, LEAVES[0]]).read
    assert extended.append(LEAVES[0]) == appended_nodes(len(leaves), LEAVES[0], read)


def test_every_inclusion_proof_of_every_size_verifies_and_proves_nothing_else():
    for size in SIZES:
        for index in range(size):
            proof = inclusion_proof(index, size, STORE.read)
            assert proof == path_by_definition(index, tuple(LEAVES[:size]))
            assert verify_inclusion(LEAVES[index], index, size, proof, ROOTS[size])
            assert not verify_inclusion(LEAVES[index - 1], index, size, proof, ROOTS[size]) or size == 1
            assert not verify_inclusion(LEAVES[index], index + 1, size, proof, ROOTS[size])
            assert not verify_inclusion(LEAVES[index], index, size, [*proof, LEAVES[0]], ROOTS[size])
            assert not verify_inclusion(LEAVES[index], index, size, proof[:-1], ROOTS[size]) or size == 1
            assert not verify_inclusion(LEAVES[index], index, size, proof, ROOTS[size - 1])


def test_every_consistency_proof_of_every_pair_verifies_and_proves_nothing_else():
    for new in SIZES:
        for old in range(new + 1):
            proof = consistency_proof(old, new, STORE.read)
            assert proof == (subproof_by_definition(old, tuple(LEAVES[:new]), True) if old else [])
            assert verify_consistency(old, ROOTS[old], new, ROOTS[new], proof)
            assert not verify_consistency(old, LEAVES[-1], new, ROOTS[new], proof)
            assert not verify_consistency(old, ROOTS[old], new, ROOTS[new], [*proof, LEAVES[0]])
            if 0 < old < new:
                assert not verify_consistency(old, ROOTS[old], new, LEAVES[-1], proof)
                assert not verify_consistency(old, ROOTS[old], new, ROOTS[new], proof[:-1])
                assert not verify_consistency(old - 1, ROOTS[old - 1], new, ROOTS[new], proof)


def test_a_rewritten_past_has_no_consistency_proof():
    forged = NodeStore([LEAVES[1], *LEAVES[1:]])
    for new in SIZES[2:]:
        for old in range(1, new):
            proof = consistency_proof(old, new, forged.read)
            assert not verify_consistency(old, ROOTS[old], new, root_from_nodes(new, forged.read), proof)


def test_a_root_is_not_taken_for_that_of_a_higher_tree():
    """Sizes of one height can share a path: it is the checkpoint that signs size and root together."""
    for size in SIZES[1:40]:
        for larger in range((1 << (size - 1).bit_length()) + 1, 71):
            assert not verify_inclusion(LEAVES[0], 0, larger, inclusion_proof(0, size, STORE.read), ROOTS[size])
            for old in range(1, size):
                assert not verify_consistency(old, ROOTS[old], larger, ROOTS[size], consistency_proof(old, size, STORE.read))


@given(st.integers(1, 70), st.data())
def test_a_changed_hash_in_a_proof_is_always_seen(size, data):
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    inclusion, consistency = inclusion_proof(index, size, STORE.read), consistency_proof(old, size, STORE.read)
    for proof in filter(None, (inclusion, consistency)):
        at = data.draw(st.integers(0, len(proof) - 1))
        bit = data.draw(st.integers(0, 255))
        proof[at] = (int.from_bytes(proof[at], "big") ^ 1 << bit).to_bytes(32, "big")
    assert not verify_inclusion(LEAVES[index], index, size, inclusion, ROOTS[size]) or not inclusion
    assert not verify_consistency(old, ROOTS[old], size, ROOTS[size], consistency) or not consistency


def test_roots_and_paths_equal_those_of_another_implementation():
    other = pymerkle.InmemoryTree(algorithm="sha256")
    for number in SIZES:
        other.append_entry(f"entry {number}".encode())
    generator = random.Random(7)
    for size in range(1, 71):
        assert other.get_root(size) == ROOTS[size]
        index = generator.randrange(size)
        theirs = other.prove_inclusion(index + 1, size)
        pymerkle.verify_inclusion(LEAVES[index], ROOTS[size], theirs)
        assert sorted(theirs.serialize()["path"]) == sorted(hexes([LEAVES[index], *inclusion_proof(index, size, STORE.read)]))
        old = generator.randint(1, size)
        theirs = other.prove_consistency(old, size)
        pymerkle.verify_consistency(ROOTS[old], ROOTS[size], theirs)


def test_a_proof_costs_few_reads_in_a_large_tree():
    leaves = [leaf_hash(number.to_bytes(4, "big")) for number in range(5000)]
    store = NodeStore(leaves)
    for size in (4097, 4999, 5000):
        for index in (0, 1, size // 2, size - 1):
            for prove in (inclusion_proof, consistency_proof):
                store.reads = 0
                prove(index, size, store.read)
                assert store.reads <= 2 * size.bit_length()
    store.reads = 0
    root_from_nodes(4999, store.read)
    assert store.reads <= 13


@pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 5), (5, 5), (6, 5)])
def test_a_leaf_outside_the_tree_has_no_proof(index, size):
    with pytest.raises(InputError, match="is not in a tree"):
        inclusion_proof(index, size, STORE.read)
    assert not verify_inclusion(LEAVES[0], index, size, [], ROOTS[1])


@pytest.mark.parametrize(("old", "new"), [(-1, 5), (6, 5)])
def test_a_later_state_is_no_earlier_one(old, new):
    with pytest.raises(InputError, match="no earlier state"):
        consistency_proof(old, new, STORE.read)
    assert not verify_consistency(old, ROOTS[5], new, ROOTS[5], [])


def test_the_empty_tree_is_the_beginning_of_every_tree():
    assert consistency_proof(0, 7, STORE.read) == []
    assert verify_consistency(0, EMPTY_ROOT, 7, ROOTS[7], [])
    assert not verify_consistency(0, ROOTS[1], 7, ROOTS[7], [])
    assert not verify_consistency(0, EMPTY_ROOT, 7, ROOTS[7], [LEAVES[0]])


def test_a_proof_without_hashes_does_not_show_growth():
    assert not verify_consistency(3, ROOTS[3], 7, ROOTS[7], [])
    assert not verify_consistency(4, ROOTS[4], 7, ROOTS[7], [])


@pytest.mark.parametrize("odd", [b"", bytes(31), None, "x" * 32, bytearray(32)])
def test_what_is_no_hash_proves_nothing(odd):
    proof = inclusion_proof(2, 7, STORE.read)
    assert not verify_inclusion(LEAVES[2], 2, 7, [odd, *proof[1:]], ROOTS[7])
    assert not verify_inclusion(odd, 2, 7, proof, ROOTS[7])
    assert not verify_consistency(3, ROOTS[3], 7, ROOTS[7], [odd, *consistency_proof(3, 7, STORE.read)[1:]])


@pytest.mark.parametrize("stored", [None, b"", bytes(31), "x" * 32])
def test_a_missing_or_odd_node_is_a_broken_record(stored):
    for use in (
        lambda read: root_from_nodes(3, read),
        lambda read: inclusion_proof(0, 3, read),
        lambda read: consistency_proof(1, 3, read),
        lambda read: appended_nodes(3, LEAVES[3], read),
        lambda read: CompactRange.resumed(3, read),
    ):
        with pytest.raises(LedgerBrokenError, match=r"node . of level . of the log is missing"):
            use(lambda level, index: stored)


@pytest.mark.parametrize(("size", "leaf"), [(-1, LEAVES[0]), (0, b""), (0, LEAVES[0] + b"\0")])
def test_only_a_hash_joins_a_tree(size, leaf):
    with pytest.raises(InputError, match="joins a tree"):
        appended_nodes(size, leaf, STORE.read)


def test_a_tree_of_fewer_than_no_leaves_is_refused():
    for use in (root_from_nodes, CompactRange.resumed):
        with pytest.raises(InputError, match="0 or more leaves, not -1"):
            use(-1, STORE.read)
