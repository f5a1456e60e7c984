"""The record proves itself: verification, signed checkpoints, rebuilding what is derived."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from custody.errors import InputError
from custody.ledger.checkpoint import Checkpoint, VerifierKey, note_text, parse_signer, read_and_verify, sign, signer_text
from custody.store import lookups
from custody.store.connection import Store
from custody.store.facts import ORIGIN, fact
from custody.store.verification import VerificationReport, make_checkpoint, verify
from custody.workflows.door import unit_of_work

KEY_FILE = "checkpoint.key"
PUBLIC_FILE = "checkpoint.pub"
UNNAMED = "custody.example.org/unnamed"


@dataclass(frozen=True, kw_only=True)
class SignedCheckpoint:
    """A signed note (C2SP tlog-checkpoint) and the key that verifies it."""

    note: str
    verifier: str
    size: int


def prove(store: Store, checkpoint: Path | None, key_dir: Path) -> VerificationReport:
    """Verify the whole record, against a checkpoint kept elsewhere when one is given.

    Raises InputError for a checkpoint that no known key signed, MalformedFileError for one that is no signed note.
    """
    known = None if checkpoint is None else _read(checkpoint, key_dir)
    with store.reading() as connection:
        return verify(connection, checkpoint=known, key_dir=key_dir)


def _read(path: Path, key_dir: Path) -> Checkpoint:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the checkpoint {path} cannot be read: {error}", code="checkpoint_unreadable") from error
    return read_and_verify(text, [_verifier(key_dir)])


def _verifier(key_dir: Path) -> VerifierKey:
    path = key_dir / PUBLIC_FILE
    if not path.exists():
        raise InputError(f"{path} is missing: it holds the key that verifies this store's checkpoints", code="no_checkpoint_key")
    return VerifierKey.parse(path.read_text(encoding="ascii").strip())


def checkpoint(store: Store, key_dir: Path) -> SignedCheckpoint:
    """A signed checkpoint of the record as it stands, to be kept outside the system."""
    with store.reading() as connection:
        origin = fact(connection, ORIGIN) or UNNAMED
        made = make_checkpoint(connection, origin)
    name, private = _signer(key_dir, origin)
    return SignedCheckpoint(note=sign(made, name, private), verifier=str(VerifierKey.of(name, private)), size=made.size)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where the record stands, as three lines: origin, size, root. `signature`: that of the checkpoint, empty where no key signs yet."""

    text: str
    signature: str
    size: int


def standing(store: Store, key_dir: Path) -> Standing:
    """The newest checkpoint, for a sheet of paper; looking makes no key."""
    with store.reading() as connection:
        origin = fact(connection, ORIGIN) or UNNAMED
        made = make_checkpoint(connection, origin)
    text = note_text(made)
    if not (key_dir / KEY_FILE).exists():
        return Standing(text=text, signature="", size=made.size)
    name, private = _signer(key_dir, origin)
    return Standing(text=text, signature=sign(made, name, private).removeprefix(text).strip(), size=made.size)


def _signer(key_dir: Path, origin: str) -> tuple[str, Ed25519PrivateKey]:
    """The key that signs checkpoints, made on first use, readable by its owner only; beside it the public key that verifies."""
    path = key_dir / KEY_FILE
    if not path.exists():
        key_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(path, signer_text(origin, Ed25519PrivateKey.generate()), 0o600)
    name, private = parse_signer(path.read_text(encoding="ascii").strip())
    if not (key_dir / PUBLIC_FILE).exists():
        _write(key_dir / PUBLIC_FILE, str(VerifierKey.of(name, private)), 0o644)
    return name, private


def _write(path: Path, text: str, mode: int) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(file, "w", encoding="ascii") as opened:
        opened.write(text + "\n")


def rebuild(store: Store) -> None:
    """Make every lookup anew from the entries; entries themselves are never touched."""
    with unit_of_work(store) as connection:
        lookups.rebuild(connection)
