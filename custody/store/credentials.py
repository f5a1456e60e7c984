"""Secrets of accounts as argon2id hashes, one row for each that was ever set, and the count of failed attempts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from hashlib import sha256

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, bindparam, delete, select

from custody.domain.ids import AccountId, Digest
from custody.ledger.canonical import canonical
from custody.store.connection import Store
from custody.store.envelope import iso
from custody.store.statements import Prepared, inserted, upserted
from custody.store.tables import credential as credential_table
from custody.store.tables import sign_in_guard

WEAK_SECRETS = "CUSTODY_WEAK_SECRETS"


@dataclass(frozen=True, kw_only=True)
class Credential:
    """The secret an account has had since `set_at`; `must_change` when somebody else chose it."""

    account: AccountId
    number: int
    secret_hash: str
    set_at: datetime
    must_change: bool


@dataclass(frozen=True, kw_only=True)
class Guard:
    """Failed attempts since the last good one, and until when no attempt is looked at."""

    failures: int
    last_failure_at: datetime | None
    locked_until: datetime | None


_NEWEST = Prepared(
    select(credential_table)
    .where(credential_table.c.account == bindparam("of_account"))
    .order_by(credential_table.c.number.desc())
    .limit(1)
)
_INSERT = inserted(credential_table)
_GUARD = Prepared(
    select(sign_in_guard.c.failures, sign_in_guard.c.last_failure_at, sign_in_guard.c.locked_until).where(
        sign_in_guard.c.account == bindparam("of_account")
    )
)
_SET_GUARD = upserted(sign_in_guard, "account")
_CLEAR_GUARD = Prepared(delete(sign_in_guard).where(sign_in_guard.c.account == bindparam("of_account")))


def secrets_are_weak(store: Store) -> bool:
    """True only where the environment asks for it *and* the store was made as a demonstration."""
    return os.environ.get(WEAK_SECRETS) == "1" and store.is_demonstration


def hash_secret(secret: str, *, weak: bool) -> str:
    """The argon2id hash; `weak` costs a millisecond, is for demonstrations and tests, and comes from `secrets_are_weak`."""
    return _hasher(weak).hash(secret)


def secret_matches(known: Credential | None, secret: str, *, weak: bool) -> bool:
    """Whether `secret` is the one. Without a credential the answer is no, after as long a time as for a wrong secret."""
    secret_hash = _decoy(weak) if known is None else known.secret_hash
    try:
        matches = _hasher(weak).verify(secret_hash, secret)
    except (VerificationError, InvalidHashError):
        return False
    return matches and known is not None


def set_secret(connection: Connection, account: AccountId, secret_hash: str, *, set_at: datetime, must_change: bool) -> Credential:
    """Add the account's next credential; earlier ones stay as history. Its `row_digest` goes into the `secret_set` act."""
    before = newest_credential(connection, account)
    number = before.number + 1 if before else 1
    row = {
        "account": account.value,
        "number": number,
        "secret_hash": secret_hash,
        "set_at": iso(set_at),
        "must_change": int(must_change),
    }
    _INSERT.run(connection, [row])
    return Credential(account=account, number=number, secret_hash=secret_hash, set_at=set_at, must_change=must_change)


def newest_credential(connection: Connection, account: AccountId) -> Credential | None:
    """The credential that counts; None when the account has none."""
    found = _NEWEST.one(connection, of_account=account.value)
    if found is None:
        return None
    _, number, secret_hash, set_at, must_change = found
    return Credential(
        account=account, number=number, secret_hash=secret_hash, set_at=datetime.fromisoformat(set_at), must_change=bool(must_change)
    )


def row_digest(credential: Credential) -> Digest:
    """What the `secret_set` act says about the row, so that a row changed behind the application is found."""
    return digest_of_row(
        credential.account.value, credential.number, credential.secret_hash, iso(credential.set_at), int(credential.must_change)
    )


def digest_of_row(*columns: str | int) -> Digest:
    """The digest of a stored row's columns, in their order."""
    return Digest(sha256(b"custody credential/1\n" + canonical(list(columns))).hexdigest())


def guard_of(connection: Connection, account: AccountId) -> Guard:
    found = _GUARD.one(connection, of_account=account.value)
    if found is None:
        return Guard(failures=0, last_failure_at=None, locked_until=None)
    failures, last_failure_at, locked_until = found
    return Guard(
        failures=failures,
        last_failure_at=datetime.fromisoformat(last_failure_at),
        locked_until=None if locked_until is None else datetime.fromisoformat(locked_until),
    )


def note_failure(connection: Connection, account: AccountId, *, at: datetime, locked_until: datetime | None = None) -> Guard:
    """Count one more failed attempt, and lock the account out until a time when it was one too many."""
    failures = guard_of(connection, account).failures + 1
    row = {
        "account": account.value,
        "failures": failures,
        "last_failure_at": iso(at),
        "locked_until": None if locked_until is None else iso(locked_until),
    }
    _SET_GUARD.run(connection, [row])
    return Guard(failures=failures, last_failure_at=at, locked_until=locked_until)


def clear_failures(connection: Connection, account: AccountId) -> None:
    """Begin to count anew, after a good attempt or when an administrator unlocks."""
    _CLEAR_GUARD.run(connection, [{"of_account": account.value}])


@cache
def _hasher(weak: bool) -> PasswordHasher:
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1) if weak else PasswordHasher()


@cache
def _decoy(weak: bool) -> str:
    return _hasher(weak).hash(os.urandom(16))
