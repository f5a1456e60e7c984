"""The first answer to each idempotency key, given again when the same request comes again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, bindparam, select

from custody.domain.ids import AccountId, Digest
from custody.errors import RepeatedKeyError
from custody.store.ahead import ahead_of
from custody.store.envelope import iso
from custody.store.statements import Prepared, inserted
from custody.store.tables import answer as answer_table

_FIRST = Prepared(
    select(answer_table.c.request_digest, answer_table.c.answer, answer_table.c.answered_at).where(
        answer_table.c.account == bindparam("of_account"), answer_table.c.key == bindparam("key_wanted")
    )
)
_INSERT = inserted(answer_table)


@dataclass(frozen=True, kw_only=True)
class StoredAnswer:
    """The answer as JSON text, and when it was given."""

    answer: str
    answered_at: datetime


def first_answer(connection: Connection, account: AccountId, key: str, request_digest: Digest) -> StoredAnswer | None:
    """What this account was answered under `key`; None when the key is new.

    Raises RepeatedKeyError when the key came with another request. Ask inside the transaction that will answer.
    """
    found = _FIRST.one(connection, of_account=account.value, key_wanted=key)
    if found is None:
        ahead = ahead_of(connection)
        if ahead is not None:
            ahead.conditions.append(partial(_is_new, account=account, key=key))
        return None
    digest, answer, answered_at = found
    if digest != request_digest.value:
        raise RepeatedKeyError(f"the key “{key[:40]}” was used at {answered_at} for another request; send this one under a new key")
    return StoredAnswer(answer=answer, answered_at=datetime.fromisoformat(answered_at))


def _is_new(connection: Connection, *, account: AccountId, key: str) -> bool:
    return _FIRST.one(connection, of_account=account.value, key_wanted=key) is None


def remember(
    connection: Connection, account: AccountId, key: str, request_digest: Digest, answer: str, *, answered_at: datetime
) -> StoredAnswer:
    """Keep the answer with the work it answers, in one transaction; returns it as a repetition will."""
    row = {
        "account": account.value,
        "key": key,
        "request_digest": request_digest.value,
        "answer": answer,
        "answered_at": iso(answered_at),
    }
    ahead = ahead_of(connection)
    if ahead is None:
        _INSERT.run(connection, [row])
    else:
        ahead.writes.append(partial(_INSERT.run, rows=[row]))
    return StoredAnswer(answer=answer, answered_at=answered_at)
