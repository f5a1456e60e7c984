"""A proof file stands alone: one entry, its way to the root, and the signed root."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from custody.errors import InputError, MalformedFileError
from custody.ledger.canonical import canonical
from custody.ledger.checkpoint import Checkpoint, VerifierKey, sign
from custody.ledger.leaves import leaf_data
from custody.ledger.merkle import CompactRange, inclusion_proof, leaf_hash
from custody.ledger.proofs import InclusionProof, proof_text, read_proof, verify_proof
from custody.ledger.streams import GENESIS, entry_digest

NAME = "custody.example/demo"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
VERIFIER = VerifierKey.of(NAME, KEY)
SIZE = 11


def build_log():
    """Eleven entries in two streams; their proofs under one checkpoint."""
    entries, heads, grown, nodes = [], {}, CompactRange(), {}
    for index in range(SIZE):
        stream = ("bag:A", "lot:脐带")[index % 2]
        envelope = canonical({"act": "bag_stored", "stream": stream, "position": index // 2 + 1, "body": {"note": f"№ {index}"}})
        previous = heads.get(stream, GENESIS)
        heads[stream] = entry_digest(previous, envelope)
        salt = bytes([index]) * 16
        entries.append((stream, index // 2 + 1, previous, envelope, salt))
        leaf = leaf_hash(leaf_data(salt, stream, index // 2 + 1, heads[stream]))
        nodes |= {(level, at): node for level, at, node in grown.append(leaf)}
    note = sign(Checkpoint(NAME, SIZE, grown.root()), NAME, KEY)
    return [
        InclusionProof(
            envelope=envelope,
            previous=previous,
            salt=salt,
            index=index,
            path=tuple(inclusion_proof(index, SIZE, lambda level, at: nodes[level, at])),
            checkpoint=note,
        )
        for index, (_, _, previous, envelope, salt) in enumerate(entries)
    ]


PROOFS = build_log()
PROOF = PROOFS[5]
FIELDS = json.loads(proof_text(PROOF))


def text_with(**changed):
    return json.dumps(FIELDS | changed)


def test_each_entry_is_proven():
    for index, proof in enumerate(PROOFS):
        proven = verify_proof(proof_text(proof), [VERIFIER])
        assert (proven.stream, proven.position) == (("bag:A", "lot:脐带")[index % 2], index // 2 + 1)
        assert (proven.envelope, proven.index) == (proof.envelope, index)
        assert proven.digest == entry_digest(proof.previous, proof.envelope)
        assert (proven.checkpoint.origin, proven.checkpoint.size) == (NAME, SIZE)


def test_the_file_is_read_back_and_is_plain_ascii():
    for proof in PROOFS:
        assert proof_text(proof).isascii()
        assert read_proof(proof_text(proof)) == proof


def test_the_file_does_not_give_away_the_salt_of_another_entry():
    for other in PROOFS:
        assert (other.salt.hex() in proof_text(PROOF)) == (other is PROOF)


@pytest.mark.parametrize(
    "changed",
    [
        {"envelope": PROOFS[3].envelope.decode()},
        {"envelope": FIELDS["envelope"].replace("bag_stored", "bag_packed")},
        {"envelope": FIELDS["envelope"].replace('"position":3', '"position":4')},
        {"previous": "00" * 32},
        {"salt": "00" * 16},
        {"index": 4},
        {"index": 11},
        {"index": 10**30},
        {"path": FIELDS["path"][:-1]},
        {"path": FIELDS["path"][::-1]},
        {"path": []},
    ],
)
def test_a_changed_part_proves_nothing(changed):
    with pytest.raises(InputError, match="this proves nothing"):
        verify_proof(text_with(**changed), [VERIFIER])


def test_a_proof_under_another_signed_root_proves_nothing():
    note = sign(Checkpoint(NAME, SIZE, bytes(32)), NAME, KEY)
    with pytest.raises(InputError, match="this proves nothing"):
        verify_proof(text_with(checkpoint=note), [VERIFIER])


def test_a_proof_without_a_known_signer_proves_nothing():
    other = VerifierKey.of(NAME, Ed25519PrivateKey.from_private_bytes(bytes(32)))
    with pytest.raises(InputError, match="no signature by a known key"):
        verify_proof(proof_text(PROOF), [other])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "a proof is JSON"),
        pytest.param("{" * 100_000, "a proof is JSON", id="open object"),
        pytest.param("[" * 100_000, "a proof is JSON", id="deep list"),
        pytest.param("1" * 5000, "a proof is JSON", id="5000 digits"),
        pytest.param("x" * 16_000_001, "at most 16000000 characters", id="long"),
        ("[]", "of format"),
        ("{}", "of format"),
        (text_with(format="custody inclusion proof/2"), "of format"),
        (text_with(note="x"), "missing or too many: note"),
        (json.dumps({name: value for name, value in FIELDS.items() if name != "salt"}), "missing or too many: salt"),
        (text_with()[:-1] + ', "index": 5}', "stands twice"),
        (text_with(index="5"), "index of a proof"),
        (text_with(index=True), "index of a proof"),
        (text_with(index=5.0), "index of a proof"),
        (text_with(index=-1), "index of a proof"),
        (text_with(path="00"), "path of a proof is a list"),
        (text_with(path=[1]), "path of a proof holds 32 bytes"),
        (text_with(path=["00"]), "path of a proof holds 32 bytes"),
        (text_with(salt=None), "salt of a proof holds 16 bytes"),
        (text_with(salt="zz" * 16), "salt of a proof holds 16 bytes"),
        (text_with(salt="AA" * 16), "salt of a proof holds 16 bytes"),
        (text_with(salt="00 " * 16), "salt of a proof holds 16 bytes"),
        (text_with(previous="00" * 31), "previous of a proof holds 32 bytes"),
        (text_with(envelope=7), "envelope of a proof is text"),
        (text_with(envelope="\ud800"), "envelope of a proof is text"),
        (text_with(checkpoint=None), "checkpoint of a proof is text"),
        (text_with(checkpoint=""), "a note is text"),
        (text_with(envelope=" {}"), "not canonical"),
        (text_with(envelope="[]"), "an object with its stream and position"),
        (text_with(envelope='{"position":1}'), "an object with its stream and position"),
        (text_with(envelope='{"position":"1","stream":"bag:A"}'), "an object with its stream and position"),
    ],
)
def test_what_is_no_proof_file_is_malformed(text, reason):
    with pytest.raises(MalformedFileError, match=reason):
        verify_proof(text, [VERIFIER])


@pytest.mark.parametrize("position", [0, -1])
def test_a_position_that_no_entry_has_is_refused(position):
    with pytest.raises(InputError, match="a position from 1"):
        verify_proof(text_with(envelope=f'{{"position":{position},"stream":"bag:A"}}'), [VERIFIER])


@given(st.data())
def test_no_changed_hexadecimal_digit_is_overlooked(data):
    name = data.draw(st.sampled_from(["salt", "previous", "path"]))
    digits = FIELDS[name] if name != "path" else data.draw(st.sampled_from(FIELDS["path"]))
    at = data.draw(st.integers(0, len(digits) - 1))
    digit = data.draw(st.sampled_from(sorted(set("0123456789abcdef") - {digits[at]})))
    changed = digits[:at] + digit + digits[at + 1 :]
    replaced = changed if name != "path" else [changed if sibling == digits else sibling for sibling in FIELDS["path"]]
    with pytest.raises(InputError, match="this proves nothing"):
        verify_proof(text_with(**{name: replaced}), [VERIFIER])
