r"""The proof of one entry, self-contained, so that a hospital can check it without us.

The file is JSON: `format`, the entry's `envelope` (its exact text), `previous` (digest of the entry before it
in its stream), `salt`, `index` in the log, `path` (sibling hashes, lowest first) and `checkpoint` (the signed note).
Hashes and the salt are lower-case hexadecimal. To check it with other tools, with || for joined bytes, "\n" for a
newline, big-endian numbers, and stream and position as the envelope has them:
    digest = SHA-256("custody entry/1\n" || previous || envelope)
    data   = "custody leaf/1\n" || salt || length of stream (2 bytes) || stream || position (8 bytes) || digest
    leaf   = SHA-256(0x00 || data)
then walk the path from the leaf as RFC 9162 section 2.1.3.2 says, compare with the root in the checkpoint, and
verify the checkpoint as a C2SP signed note.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from custody.errors import InputError, MalformedFileError
from custody.ledger.canonical import parse_canonical
from custody.ledger.checkpoint import Checkpoint, VerifierKey, read_and_verify
from custody.ledger.leaves import SALT_SIZE, leaf_data
from custody.ledger.merkle import HASH_SIZE, leaf_hash, verify_inclusion
from custody.ledger.streams import entry_digest

FORMAT = "custody inclusion proof/1"
LONGEST_PROOF = 16_000_000

_FIELDS = {"format", "envelope", "previous", "salt", "index", "path", "checkpoint"}


@dataclass(frozen=True, kw_only=True)
class InclusionProof:
    """What shows that `envelope` is entry `index` of the log whose size and root `checkpoint` signs.

    Stream and position are read from the envelope and the size from the checkpoint: told twice they could differ.
    """

    envelope: bytes
    previous: bytes
    salt: bytes
    index: int
    path: tuple[bytes, ...]
    checkpoint: str


@dataclass(frozen=True, kw_only=True)
class ProvenEntry:
    """An entry that the signed checkpoint covers."""

    stream: str
    position: int
    envelope: bytes
    digest: bytes
    index: int
    checkpoint: Checkpoint


def proof_text(proof: InclusionProof) -> str:
    """The file to hand over: JSON in plain ASCII, so that no mail program changes it."""
    fields = {
        "format": FORMAT,
        "envelope": proof.envelope.decode(),
        "previous": proof.previous.hex(),
        "salt": proof.salt.hex(),
        "index": proof.index,
        "path": [sibling.hex() for sibling in proof.path],
        "checkpoint": proof.checkpoint,
    }
    return json.dumps(fields, indent=1) + "\n"


def read_proof(text: str) -> InclusionProof:
    """The proof in a file, not yet verified; raises MalformedFileError that names the field at fault."""
    fields = _read_fields(text)
    index = fields["index"]
    if type(index) is not int or index < 0:
        raise MalformedFileError("the index of a proof is a number from 0")
    path = fields["path"]
    if type(path) is not list:
        raise MalformedFileError("the path of a proof is a list of hashes")
    return InclusionProof(
        envelope=_text(fields, "envelope").encode(),
        previous=_from_hex(fields["previous"], HASH_SIZE, "previous"),
        salt=_from_hex(fields["salt"], SALT_SIZE, "salt"),
        index=index,
        path=tuple(_from_hex(sibling, HASH_SIZE, "path") for sibling in path),
        checkpoint=_text(fields, "checkpoint"),
    )


def verify_proof(text: str, verifier_keys: Iterable[VerifierKey]) -> ProvenEntry:
    """The entry that the proof in `text` proves under one of `verifier_keys`.

    Raises MalformedFileError when the file is no proof, InputError when it is one and proves nothing: not
    signed by a known key, or its parts do not lead to the signed root.
    """
    proof = read_proof(text)
    checkpoint = read_and_verify(proof.checkpoint, verifier_keys)
    stream, position = _place(proof.envelope)
    digest = entry_digest(proof.previous, proof.envelope)
    leaf = leaf_hash(leaf_data(proof.salt, stream, position, digest))
    if not verify_inclusion(leaf, proof.index, checkpoint.size, proof.path, checkpoint.root):
        raise InputError(
            f"this proves nothing: envelope, previous, salt, index {proof.index} and path do not lead to the root "
            f"{checkpoint.root.hex()} that the checkpoint of size {checkpoint.size} signs",
        )
    return ProvenEntry(stream=stream, position=position, envelope=proof.envelope, digest=digest, index=proof.index, checkpoint=checkpoint)


def _place(envelope: bytes) -> tuple[str, int]:
    value = parse_canonical(envelope)
    if type(value) is not dict or type(value.get("stream")) is not str or type(value.get("position")) is not int:
        raise MalformedFileError("the envelope of a proof is an object with its stream and position")
    return value["stream"], value["position"]


def _read_fields(text: str) -> dict[str, Any]:
    if len(text) > LONGEST_PROOF:
        raise MalformedFileError(f"a proof has at most {LONGEST_PROOF} characters, this has {len(text)}")
    try:
        fields = json.loads(text, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        raise MalformedFileError(f"a proof is JSON: {error}") from error
    if type(fields) is not dict or fields.get("format") != FORMAT:
        raise MalformedFileError(f"a proof is an object of format {FORMAT!r}")
    if fields.keys() != _FIELDS:
        differing = ", ".join(sorted(fields.keys() ^ _FIELDS))
        raise MalformedFileError(f"a proof has exactly the fields {', '.join(sorted(_FIELDS))}; missing or too many: {differing}")
    return fields


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise MalformedFileError("a field stands twice in the proof")
    return fields


def _text(fields: dict[str, Any], name: str) -> str:
    found = fields[name]
    if type(found) is not str or any("\ud800" <= character <= "\udfff" for character in found):
        raise MalformedFileError(f"the {name} of a proof is text")
    return found


def _from_hex(found: object, size: int, name: str) -> bytes:
    try:
        decoded = bytes.fromhex(found) if type(found) is str else b""
    except ValueError:
        decoded = b""
    if len(decoded) != size or decoded.hex() != found:
        raise MalformedFileError(f"the {name} of a proof holds {size} bytes in lower-case hexadecimal")
    return decoded
