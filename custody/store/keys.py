"""The keys of one store: for the names of donors and participants, and for commitments. They lie outside the store."""

from __future__ import annotations

import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from custody.errors import InputError

KEY_DIR = "CUSTODY_KEY_DIR"
KEY_SIZE = 32

_NUMBERED = re.compile(r"identity-([0-9]{4})\.key")
_COMMITMENT = "commitment.key"
_FIRST = "identity-0001.key"


@dataclass(frozen=True)
class Keys:
    """`identity` by number, of which the highest is used for new text; `commitment` never changes, or nothing matches again."""

    identity: dict[int, bytes]
    commitment: bytes

    def __repr__(self) -> str:
        return f"Keys({sorted(self.identity)})"

    @property
    def newest(self) -> int:
        return max(self.identity)


def keys_in(folder: Path) -> Keys:
    """The keys in a folder, made there on first use, readable by their owner only.

    Raises InputError when the folder or a key cannot be used; a key that is lost is never replaced silently.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone_in(folder):
            if not any(_NUMBERED.fullmatch(path.name) for path in folder.iterdir()) and not (folder / _COMMITMENT).exists():
                _make(folder / _COMMITMENT)
                _make(folder / _FIRST)
        numbered = {int(found[1]): path for path in folder.iterdir() if (found := _NUMBERED.fullmatch(path.name))}
        if not numbered:
            raise InputError(f"{folder} has a {_COMMITMENT} and no identity key; restore the folder from its backup")
        return Keys({number: _read(path) for number, path in numbered.items()}, _read(folder / _COMMITMENT))
    except OSError as error:
        raise InputError(f"the key folder {folder} cannot be used ({error.strerror}); restore it or correct {KEY_DIR}") from error


def keys_from_environment() -> Keys:
    """The keys in the folder that CUSTODY_KEY_DIR names."""
    folder = os.environ.get(KEY_DIR)
    if not folder:
        raise InputError(f"set {KEY_DIR} to a folder for the identity keys, outside the database and its backups")
    return keys_in(Path(folder))


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Only one process at a time looks whether there are keys, and makes them."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)


def _make(path: Path) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(file, secrets.token_bytes(KEY_SIZE).hex().encode() + b"\n")
        os.fsync(file)
    finally:
        os.close(file)


def _read(path: Path) -> bytes:
    text = path.read_text("ascii", "replace").strip()
    if not re.fullmatch(f"[0-9a-f]{{{2 * KEY_SIZE}}}", text):
        raise InputError(f"{path} holds no key ({2 * KEY_SIZE} hexadecimal characters expected); restore it from its backup")
    return bytes.fromhex(text)
