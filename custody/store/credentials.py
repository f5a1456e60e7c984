"""Secrets and PINs of accounts as argon2id hashes, one row for each that was ever set."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from hashlib import sha256

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, bindparam, select

from custody.domain.acts.people import SecretKind
from custody.domain.ids import AccountId, Digest
from custody.ledger.canonical import canonical
from custody.store.connection import Store
from custody.store.envelope import iso
from custody.store.statements import Prepared, inserted
from custody.store.tables import credential as credential_table

WEAK_SECRETS = "CUSTODY_WEAK_SECRETS"


@dataclass(frozen=True, kw_only=True)
class Credential:
    """The secret or PIN an account has had since `set_at`; `must_change` when somebody else chose it."""

    account: AccountId
    number: int
    kind: SecretKind
    secret_hash: str
    set_at: datetime
    must_change: bool


_NEWEST = Prepared(
    select(credential_table)
    .where(credential_table.c.account == bindparam("of_account"), credential_table.c.kind == bindparam("of_kind"))
    .order_by(credential_table.c.number.desc())
    .limit(1)
)
_LAST_NUMBER = Prepared(
    select(credential_table.c.number)
    .where(credential_table.c.account == bindparam("of_account"))
    .order_by(credential_table.c.number.desc())
    .limit(1)
)
_INSERT = inserted(credential_table)


def secrets_are_weak(store: Store) -> bool:
    """True only where the environment asks for it *and* the store was made as a demonstration."""
    return os.environ.get(WEAK_SECRETS) == "1" and store.is_demonstration


def hash_secret(secret: str, *, weak: bool) -> str:
    """The argon2id hash; `weak` costs a millisecond, is for demonstrations and tests, and comes from `secrets_are_weak`."""
    return _hasher(weak).hash(secret)


def secret_matches(known: Credential | None, secret: str, *, weak: bool) -> bool:
    """Whether `secret` is the one. Without a credential the answer is no, after as long a time as for a wrong secret."""
    return code_matches(None if known is None else known.secret_hash, secret, weak=weak)


def code_matches(known_hash: str | None, given: str, *, weak: bool) -> bool:
    """The same for a bare hash."""
    try:
        matches = _hasher(weak).verify(_decoy(weak) if known_hash is None else known_hash, given)
    except (VerificationError, InvalidHashError):
        return False
    return matches and known_hash is not None


def set_secret(
    connection: Connection,
    account: AccountId,
    secret_hash: str,
    *,
    set_at: datetime,
    must_change: bool,
    kind: SecretKind = SecretKind.SECRET,
) -> Credential:
    """Add the account's next credential; earlier ones stay as history. Its `row_digest` goes into the `secret_set` act.

    Secrets and PINs are numbered in one row, because they are verified against the acts of the account's one stream.
    """
    before = _LAST_NUMBER.one(connection, of_account=account.value)
    made = Credential(
        account=account,
        number=before[0] + 1 if before else 1,
        kind=kind,
        secret_hash=secret_hash,
        set_at=set_at,
        must_change=must_change,
    )
    _INSERT.run(connection, [dict(zip((column.name for column in credential_table.columns), _columns(made), strict=True))])
    return made


def newest_credential(connection: Connection, account: AccountId, kind: SecretKind = SecretKind.SECRET) -> Credential | None:
    """The newest secret, or PIN, of an account; None when it has none."""
    found = _NEWEST.one(connection, of_account=account.value, of_kind=kind.value)
    if found is None:
        return None
    _, number, _, secret_hash, set_at, must_change = found
    return Credential(
        account=account,
        number=number,
        kind=kind,
        secret_hash=secret_hash,
        set_at=datetime.fromisoformat(set_at),
        must_change=bool(must_change),
    )


def row_digest(credential: Credential) -> Digest:
    """What the `secret_set` act says about the row, so that a row changed behind the application is found."""
    return digest_of_row(*_columns(credential))


def _columns(of: Credential) -> tuple[str | int, ...]:
    return (of.account.value, of.number, of.kind.value, of.secret_hash, iso(of.set_at), int(of.must_change))


def digest_of_row(*columns: str | int) -> Digest:
    """The digest of a stored row's columns, in their order."""
    return Digest(sha256(b"custody credential/1\n" + canonical(list(columns))).hexdigest())


@cache
def _hasher(weak: bool) -> PasswordHasher:
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1) if weak else PasswordHasher()


@cache
def _decoy(weak: bool) -> str:
    return _hasher(weak).hash(os.urandom(16))
