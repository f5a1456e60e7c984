"""Files as they came in (logger exports, certificates, photos, scans of paper): kept by their SHA-256, never changed."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import Connection, insert, select

from custody.domain.ids import Digest
from custody.errors import LedgerBrokenError, NotFoundError
from custody.store import packing
from custody.store.tables import attachment


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """`media_type` and `name` are those of the first time the same bytes were kept."""

    digest: Digest
    media_type: str
    name: str
    data: bytes


@dataclass(frozen=True, kw_only=True)
class Packed:
    """A file as it is kept: its SHA-256, how many bytes it has, and those bytes, packed where that makes them fewer."""

    digest: Digest
    size: int
    content: bytes


def packed(data: bytes) -> Packed:
    """Of a long file that takes tenths of a second: make it before the lock is taken."""
    fewer = packing.packed(data, level=1)
    # Bytes as many as the file has are the file: only fewer are packed ones.
    return Packed(digest=Digest(sha256(data).hexdigest()), size=len(data), content=fewer if len(fewer) < len(data) else data)


def keep(connection: Connection, file: Packed, media_type: str, name: str) -> Digest:
    """Keep a file; the same bytes again add nothing. Returns their SHA-256, which acts carry."""
    there = connection.execute(select(attachment.c.size).where(attachment.c.digest == file.digest.value)).first()
    if there is None:
        row = {"digest": file.digest.value, "media_type": media_type, "name": name, "size": file.size, "content": file.content}
        connection.execute(insert(attachment), row)
    return file.digest


def fetch(connection: Connection, digest: Digest) -> Attachment:
    """The file with this SHA-256, hashed again.

    Raises NotFoundError when there is none, LedgerBrokenError when its bytes have changed.
    """
    found = connection.execute(select(attachment).where(attachment.c.digest == digest.value)).first()
    if found is None:
        raise NotFoundError(f"no attachment {digest}")
    data = unpacked(digest.value, found.size, found.content)
    return Attachment(digest=digest, media_type=found.media_type, name=found.name, data=data)


def unpacked(digest: str, size: int, content: bytes) -> bytes:
    """The file in a stored row; raises LedgerBrokenError when it is not the one that `digest` names."""
    try:
        data = content if len(content) == size else packing.unpacked(content)
        if sha256(data).hexdigest() == digest and len(data) == size:
            return data
    except (ValueError, TypeError) as error:
        raise _changed(digest) from error
    raise _changed(digest)


def _changed(digest: str) -> LedgerBrokenError:
    return LedgerBrokenError(f"attachment {str(digest)[:80]} is not what was kept: its bytes have changed", attachment=digest)
