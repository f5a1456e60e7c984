"""Names, birth dates and hospital numbers of donors and participants: encrypted field by field, every view logged.

They never enter the ledger. There, a keyed commitment stands for a second identifier or a wristband, and a scan
is compared by its own commitment.
"""

from __future__ import annotations

import hmac
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, func, insert, select

from custody.domain.ids import AccountId, Digest, DonorId, ParticipantId
from custody.errors import InputError, LedgerBrokenError, NotFoundError
from custody.store.envelope import iso
from custody.store.keys import Keys, keys_from_environment
from custody.store.tables import identity, identity_view

_KEY_ID_SIZE = 4
_NONCE_SIZE = 12
TEXT_LENGTH_MAX = 400

Person = DonorId | ParticipantId


class IdentityField(StrEnum):
    NAME = "name"
    BIRTH_DATE = "birth_date"
    HOSPITAL_NUMBER = "hospital_number"


@dataclass(frozen=True, kw_only=True)
class View:
    """Somebody saw one field of one person's identity."""

    subject: str
    field: IdentityField
    account: AccountId
    reason: str
    viewed_at: datetime


def keep_identity(
    connection: Connection, person: Person, field: IdentityField, text: str, *, written_at: datetime, keys: Keys | None = None
) -> None:
    """Keep one field encrypted; a later text for the same field counts, the earlier stays as history."""
    written = unicodedata.normalize("NFC", text).strip()
    if not written or len(written) > TEXT_LENGTH_MAX:
        raise InputError(f"a {field.replace('_', ' ')} has 1 to {TEXT_LENGTH_MAX} characters", field=field.value)
    newest = select(func.max(identity.c.number)).where(identity.c.subject == person.key, identity.c.field == field.value)
    number = (connection.execute(newest).scalar() or 0) + 1
    sealed = _seal(keys or keys_from_environment(), _place(person.key, field.value, number), written)
    row = {"subject": person.key, "field": field.value, "number": number, "sealed": sealed, "written_at": iso(written_at)}
    connection.execute(insert(identity), row)


def view_identity(
    connection: Connection,
    person: Person,
    field: IdentityField,
    *,
    account: AccountId,
    reason: str,
    viewed_at: datetime,
    keys: Keys | None = None,
) -> str:
    """One field in clear, and the note of who saw it and why, in one transaction that must commit before it is shown.

    Raises NotFoundError when it was never kept, LedgerBrokenError when it is not what was kept or its key is lost.
    """
    wanted = select(identity.c.number, identity.c.sealed).where(identity.c.subject == person.key, identity.c.field == field.value)
    found = connection.execute(wanted.order_by(identity.c.number.desc()).limit(1)).first()
    if found is None:
        raise NotFoundError(f"no {field.replace('_', ' ')} is kept for this {person.kind}")
    text = opened(keys or keys_from_environment(), person.key, field.value, found.number, found.sealed)
    number = (connection.execute(select(func.max(identity_view.c.number))).scalar() or 0) + 1
    seen = {"subject": person.key, "field": field.value, "account": account.value, "reason": reason, "viewed_at": iso(viewed_at)}
    connection.execute(insert(identity_view), {"number": number, **seen})
    return text


def views_of(connection: Connection, person: Person) -> tuple[View, ...]:
    """Who saw what of this person's identity, oldest first."""
    wanted = select(identity_view).where(identity_view.c.subject == person.key).order_by(identity_view.c.number)
    return tuple(
        View(
            subject=row.subject,
            field=IdentityField(row.field),
            account=AccountId.parse(row.account),
            reason=row.reason,
            viewed_at=datetime.fromisoformat(row.viewed_at),
        )
        for row in connection.execute(wanted)
    )


def commitment(kind: str, text: str, *, keys: Keys | None = None) -> Digest:
    """What the ledger holds in place of a second identifier or a wristband: equal for equal text, and telling nothing else.

    `kind` keeps commitments to different things apart. Case, width and blanks at the ends do not count.
    """
    compared = unicodedata.normalize("NFKC", text).strip().casefold()
    if not compared:
        raise InputError("an empty text identifies nobody; scan or type it again")
    message = b"custody commitment/1\n" + kind.encode() + b"\n" + compared.encode()
    return Digest(hmac.new((keys or keys_from_environment()).commitment, message, sha256).hexdigest())


def opened(keys: Keys, subject: str, field: str, number: int, sealed: bytes) -> str:
    """The text in a stored row. Raises LedgerBrokenError when it is not what was kept in this very place."""
    return _unseal(keys, _place(subject, field, number), sealed)


def _place(subject: str, field: str, number: int) -> bytes:
    """Authenticated with the text, so that a sealed field cannot be moved to another row."""
    return f"identity:sealed:{subject}/{field}/{number}".encode()


def _seal(keys: Keys, place: bytes, text: str) -> bytes:
    nonce = secrets.token_bytes(_NONCE_SIZE)
    return keys.newest.to_bytes(_KEY_ID_SIZE, "big") + nonce + AESGCM(keys.identity[keys.newest]).encrypt(nonce, text.encode(), place)


def _unseal(keys: Keys, place: bytes, sealed: bytes) -> str:
    number = int.from_bytes(sealed[:_KEY_ID_SIZE], "big")
    key = keys.identity.get(number)
    if key is None:
        raise LedgerBrokenError(f"identity key {number} is missing; restore the key folder from its backup")
    nonce, text = sealed[_KEY_ID_SIZE : _KEY_ID_SIZE + _NONCE_SIZE], sealed[_KEY_ID_SIZE + _NONCE_SIZE :]
    try:
        return AESGCM(key).decrypt(nonce, text, place).decode()
    except (InvalidTag, ValueError) as error:
        raise LedgerBrokenError("this identity is not what was kept, or was kept under another key folder") from error
