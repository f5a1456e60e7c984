"""Files as they came in (logger exports, certificates, photos, scans of paper): kept by their SHA-256, never changed."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import Connection, insert, select

from custody.domain.ids import Digest
from custody.errors import LedgerBrokenError, NotFoundError
from custody.store.tables import attachment


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """`media_type` and `name` are those of the first time the same bytes were kept."""

    digest: Digest
    media_type: str
    name: str
    data: bytes


def keep(connection: Connection, data: bytes, media_type: str, name: str) -> Digest:
    """Keep `data`; the same bytes again add nothing. Returns their SHA-256, which acts carry."""
    digest = sha256(data).hexdigest()
    there = connection.execute(select(attachment.c.size).where(attachment.c.digest == digest)).first()
    if there is None:
        row = {"digest": digest, "media_type": media_type, "name": name, "size": len(data), "content": data}
        connection.execute(insert(attachment), row)
    return Digest(digest)


def fetch(connection: Connection, digest: Digest) -> Attachment:
    """The file with this SHA-256, hashed again.

    Raises NotFoundError when there is none, LedgerBrokenError when its bytes have changed.
    """
    found = connection.execute(select(attachment).where(attachment.c.digest == digest.value)).first()
    if found is None:
        raise NotFoundError(f"no attachment {digest}")
    if sha256(found.content).hexdigest() != digest.value:
        raise LedgerBrokenError(f"attachment {digest} is not what was kept: its bytes have changed", attachment=digest.value)
    return Attachment(digest=digest, media_type=found.media_type, name=found.name, data=found.content)
