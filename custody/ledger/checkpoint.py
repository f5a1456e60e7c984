"""Checkpoints: the signed size and root of the log, as the C2SP signed notes that existing witness tools read.

A note is text, an empty line, and signature lines `— <key name> <base64(key id || signature)>` (c2sp.org/signed-note);
a checkpoint's text is origin, size and root, one to a line (c2sp.org/tlog-checkpoint). Keys are Ed25519 only.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from custody.errors import InputError, MalformedFileError
from custody.ledger.merkle import HASH_SIZE

KEY_ID_SIZE = 4
LONGEST_NOTE = 1_000_000
# The specification asks for at least 16; more than this is no note that a person or a witness made.
MOST_SIGNATURES = 100

_ED25519 = b"\x01"
_ED25519_SIZE = 32
_SIGNATURE_MARK = "\u2014 "
_SIGNER_MARK = "PRIVATE+KEY+"
# 2^63 - 1 has 19 digits: what a database can count.
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_KEY_ID = re.compile(r"[0-9a-f]{8}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f]")


@dataclass(frozen=True)
class Checkpoint:
    """The log `origin` had `size` entries and this Merkle root; raises InputError for what no note can say."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not self.origin or _CONTROL.search(self.origin) or not _is_unicode(self.origin):
            raise InputError("the origin of a checkpoint is one line of text without control characters")
        if type(self.size) is not int or not 0 <= self.size < 2**63:
            raise InputError(f"the size of a checkpoint is a number of entries, not {self.size}")
        if type(self.root) is not bytes or len(self.root) != HASH_SIZE:
            raise InputError(f"the root of a checkpoint has {HASH_SIZE} bytes")


@dataclass(frozen=True)
class VerifierKey:
    """A name and the Ed25519 public key that speaks for it; as text `name+key id+base64`."""

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        _check_name(self.name)
        if type(self.public_key) is not bytes or len(self.public_key) != _ED25519_SIZE:
            raise InputError(f"an Ed25519 public key has {_ED25519_SIZE} bytes")

    @classmethod
    def of(cls, name: str, private_key: Ed25519PrivateKey) -> VerifierKey:
        return cls(name, private_key.public_key().public_bytes_raw())

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        name, key_id, public_key = _parse_key(text)
        return _with_key_id(cls(name, public_key), key_id)

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{_base64(_ED25519 + self.public_key)}"

    @property
    def key_id(self) -> bytes:
        """The first bytes of SHA-256(name, newline, 0x01, public key)."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public_key).digest()[:KEY_ID_SIZE]

    def has_signed(self, text: str, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True


def signer_text(name: str, private_key: Ed25519PrivateKey) -> str:
    """The key to keep secret, as note tools keep it: `PRIVATE+KEY+name+key id+base64`."""
    key_id = VerifierKey.of(name, private_key).key_id.hex()
    return f"{_SIGNER_MARK}{name}+{key_id}+{_base64(_ED25519 + private_key.private_bytes_raw())}"


def parse_signer(text: str) -> tuple[str, Ed25519PrivateKey]:
    """The name and private key of `signer_text`. No part of the text appears in an error."""
    if not text.startswith(_SIGNER_MARK):
        raise MalformedFileError(f"a signer key begins with {_SIGNER_MARK}")
    name, key_id, seed = _parse_key(text.removeprefix(_SIGNER_MARK))
    private_key = Ed25519PrivateKey.from_private_bytes(seed)
    _with_key_id(VerifierKey.of(name, private_key), key_id)
    return name, private_key


def note_text(checkpoint: Checkpoint) -> str:
    """The three lines that are signed."""
    return f"{checkpoint.origin}\n{checkpoint.size}\n{_base64(checkpoint.root)}\n"


def sign(checkpoint: Checkpoint, name: str, private_key: Ed25519PrivateKey) -> str:
    """The checkpoint as a note signed by `name`, which should be the origin."""
    return sign_note(note_text(checkpoint), name, private_key)


def sign_note(text: str, name: str, private_key: Ed25519PrivateKey) -> str:
    """`text` with its signature; raises InputError unless every line, the last too, ends in a newline."""
    if not text.endswith("\n") or _CONTROL.search(text.replace("\n", "")) or not _is_unicode(text):
        raise InputError("the text of a note ends in a newline and has no other control character")
    signer = VerifierKey.of(name, private_key)
    signature = private_key.sign(text.encode())
    return f"{text}\n{_SIGNATURE_MARK}{name} {_base64(signer.key_id + signature)}\n"


def read_and_verify(text: str, verifier_keys: Iterable[VerifierKey]) -> Checkpoint:
    """The checkpoint of a signed note, once one of `verifier_keys` has been found to have signed it.

    Raises MalformedFileError for what is no checkpoint note, InputError when no known key signed it or a
    known key's signature is wrong. Signatures of others are passed over: witnesses and later keys add theirs.
    """
    return _parse_checkpoint(open_note(text, verifier_keys))


def open_note(note: str, verifier_keys: Iterable[VerifierKey]) -> str:
    """The text of a note that at least one of `verifier_keys` signed; errors as `read_and_verify`."""
    known = {(key.name, key.key_id): key for key in verifier_keys}
    text, signatures = _split_note(note)
    signers = set()
    for name, key_id, signature in signatures:
        key_signed = known.get((name, key_id))
        if key_signed is None:
            continue
        if not key_signed.has_signed(text, signature):
            raise InputError(f"the signature of {name} does not fit this note: the note or the signature was changed")
        signers.add(key_signed)
    if not signers:
        expected = ", ".join(sorted(f"{name}+{key_id.hex()}" for name, key_id in known)) or "none is given"
        raise InputError(f"no signature by a known key (known: {expected})")
    return text


def _split_note(note: str) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    if len(note) > LONGEST_NOTE:
        raise MalformedFileError(f"a note has at most {LONGEST_NOTE} characters, this has {len(note)}")
    if _CONTROL.search(note.replace("\n", "")) or not _is_unicode(note):
        raise MalformedFileError("a note has no control character but the newline (was it saved with other line ends?)")
    text, blank, rest = note.rpartition("\n\n")
    if not blank or not rest.endswith("\n"):
        raise MalformedFileError("a note is text, an empty line and signature lines, each ended by a newline")
    lines = rest.removesuffix("\n").split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise MalformedFileError(f"a note has at most {MOST_SIGNATURES} signatures, this has {len(lines)}")
    return text + "\n", [_parse_signature(line) for line in lines]


def _parse_signature(line: str) -> tuple[str, bytes, bytes]:
    name, space, encoded = line.removeprefix(_SIGNATURE_MARK).partition(" ")
    if not line.startswith(_SIGNATURE_MARK) or not space or not _is_name(name):
        raise MalformedFileError("a signature line is an em dash, a space, the key's name, a space and base64")
    decoded = _from_base64(encoded, "a signature")
    if len(decoded) <= KEY_ID_SIZE:
        raise MalformedFileError(f"a signature is a key id of {KEY_ID_SIZE} bytes and more, this has {len(decoded)} bytes")
    return name, decoded[:KEY_ID_SIZE], decoded[KEY_ID_SIZE:]


def _parse_checkpoint(text: str) -> Checkpoint:
    # Extension lines are signed but opaque: a reader passes over the ones it does not know.
    origin, *rest = text.removesuffix("\n").split("\n")
    if len(rest) < 2 or not all((origin, *rest)):
        raise MalformedFileError("the text of a checkpoint is the lines origin, size and root, none of them empty")
    if not _SIZE.fullmatch(rest[0]):
        raise MalformedFileError("the second line of a checkpoint is its size, a decimal number without leading zeros")
    try:
        return Checkpoint(origin, int(rest[0]), _from_base64(rest[1], "the root of a checkpoint"))
    except InputError as error:
        raise MalformedFileError(str(error)) from error


def _parse_key(text: str) -> tuple[str, str, bytes]:
    parts = text.split("+", 2)
    if len(parts) != 3 or not _is_name(parts[0]) or not _KEY_ID.fullmatch(parts[1]):
        raise MalformedFileError("a note key is a name, the key id as 8 hexadecimal digits and base64, joined by +")
    decoded = _from_base64(parts[2], "a note key")
    if decoded[:1] != _ED25519 or len(decoded) != 1 + _ED25519_SIZE:
        raise MalformedFileError(f"a note key is the type 01 (Ed25519) and {_ED25519_SIZE} bytes; no other type is read")
    return parts[0], parts[1], decoded[1:]


def _with_key_id(key: VerifierKey, key_id: str) -> VerifierKey:
    if key.key_id.hex() != key_id:
        raise MalformedFileError(f"the key named {key.name} says key id {key_id}, but its name and key give {key.key_id.hex()}")
    return key


def _check_name(name: str) -> None:
    if not _is_name(name):
        raise InputError("the name of a note key is text without spaces, control characters and +")


def _is_name(name: str) -> bool:
    unfit = "+" in name or any(map(str.isspace, name)) or _CONTROL.search(name)
    return bool(name) and not unfit and _is_unicode(name)


def _is_unicode(text: str) -> bool:
    """False for half a surrogate pair, which has no UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _from_base64(text: str, what: str) -> bytes:
    try:
        decoded = base64.b64decode(text, validate=True)
    except ValueError:
        decoded = b""
    # Base64 with stray last bits decodes too; only the one true spelling is let in.
    if _base64(decoded) != text:
        raise MalformedFileError(f"{what} is not base64")
    return decoded
