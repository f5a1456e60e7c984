"""The signature a Berlinger logger puts under its file: P-256, little-endian numbers, a byte-reversed SHA-256."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from custody.errors import MalformedFileError

NUMBER_BYTES = 32
HEX_PAIR = re.compile(r"[0-9a-f]{128}")
SIGNATURE_LINE = re.compile(rb"Sig: ([0-9a-f]{128})\r\n")
PREHASHED = ec.ECDSA(utils.Prehashed(hashes.SHA256()))


@dataclass(frozen=True, kw_only=True)
class SignedBytes:
    """A file split into what is signed (up to, and without, its `Sig:` line) and the two numbers of the signature."""

    message: bytes
    r: int
    s: int


def split_signed(data: bytes) -> SignedBytes:
    """Exactly one `Sig:` line, in small hex digits, and nothing after it; else MalformedFileError.

    The form is strict because that line is not signed itself: every other spelling of it is refused.
    """
    start = data.find(b"\nSig:") + 1
    if start == 0:
        last_line = data.count(b"\n") + 1
        raise MalformedFileError(
            f"the file ends at line {last_line} without its signature (a Sig: line): it was cut short; export it from the logger again",
            code="logger_file_cut",
            line=last_line,
        )
    found = SIGNATURE_LINE.fullmatch(data, start)
    if found is None:
        line = data.count(b"\n", 0, start) + 1
        raise MalformedFileError(
            f"line {line}: expected “Sig: ” with 128 small hex digits as the last line; export the file from the logger again",
            code="logger_signature_line",
            line=line,
        )
    r, s = _two_numbers(found[1].decode("ascii"))
    return SignedBytes(message=data[:start], r=r, s=s)


def _two_numbers(text: str) -> tuple[int, int]:
    pair = bytes.fromhex(text)
    return int.from_bytes(pair[:NUMBER_BYTES], "little"), int.from_bytes(pair[NUMBER_BYTES:], "little")


def public_key(text: str) -> ec.EllipticCurvePublicKey | None:
    """The key that `Public Key:` prints as x and y; None when that is no point of the curve."""
    if not HEX_PAIR.fullmatch(text):
        return None
    x, y = _two_numbers(text)
    try:
        return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    except ValueError:
        return None


def key_fingerprint(key: ec.EllipticCurvePublicKey) -> str:
    """SHA-256, in hex, of the key in its usual DER form (SubjectPublicKeyInfo), so that common tools give the same."""
    return sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def device_digest(message: bytes) -> bytes:
    """What the device signs: SHA-256 with its bytes in reverse."""
    return sha256(message).digest()[::-1]


def holds(signed: SignedBytes, key: ec.EllipticCurvePublicKey) -> bool:
    """Whether `key` made this signature over this message."""
    try:
        key.verify(utils.encode_dss_signature(signed.r, signed.s), device_digest(signed.message), PREHASHED)
    except InvalidSignature:
        return False
    return True
