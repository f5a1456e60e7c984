"""Server-side sessions: the browser holds a random token, the store only its digest."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import Connection, bindparam, delete, select, update

from custody.domain.ids import AccountId
from custody.store.envelope import iso
from custody.store.statements import Prepared, inserted
from custody.store.tables import session as session_table


@dataclass(frozen=True, kw_only=True)
class Session:
    """`secret_given_at`: when the person last typed their whole secret, which a signature asks about."""

    token_digest: str
    account: AccountId
    station: str
    csrf_secret: str
    created_at: datetime
    last_seen_at: datetime
    ends_at: datetime
    secret_given_at: datetime


_COLUMNS = tuple(column for column in session_table.columns if column.name != "revoked_at")
_this = session_table.c.token_digest == bindparam("digest_wanted")
_FIND = Prepared(select(*_COLUMNS).where(_this, session_table.c.revoked_at.is_(None)))
_INSERT = inserted(session_table)
_SEEN = Prepared(update(session_table).where(_this).values(last_seen_at=bindparam("seen_at")))
_SECRET_GIVEN = Prepared(
    update(session_table).where(_this).values(last_seen_at=bindparam("seen_at"), secret_given_at=bindparam("given_at"))
)
_REVOKE = Prepared(update(session_table).where(_this, session_table.c.revoked_at.is_(None)).values(revoked_at=bindparam("at")))


def open_session(
    connection: Connection, account: AccountId, *, station: str, now: datetime, lasts_at_most: timedelta
) -> tuple[str, Session]:
    """A new session of somebody who has just given their secret, and its token, which is kept nowhere here."""
    token = secrets.token_urlsafe(32)
    opened = Session(
        token_digest=_digest(token),
        account=account,
        station=station,
        csrf_secret=secrets.token_urlsafe(32),
        created_at=now,
        last_seen_at=now,
        ends_at=now + lasts_at_most,
        secret_given_at=now,
    )
    row = {name: iso(value) if isinstance(value, datetime) else str(value) for name, value in vars(opened).items()}
    _INSERT.run(connection, [{**row, "revoked_at": None}])
    return token, opened


def find_session(connection: Connection, token: str, *, now: datetime, idle_at_most: timedelta) -> Session | None:
    """The session of this token; None when there is none, it was revoked, it has ended or nobody used it for too long."""
    found = _FIND.one(connection, digest_wanted=_digest(token))
    if found is None:
        return None
    row = dict(zip((column.name for column in _COLUMNS), found, strict=True))
    times = {name: datetime.fromisoformat(row[name]) for name in ("created_at", "last_seen_at", "ends_at", "secret_given_at")}
    session = Session(**{**row, **times, "account": AccountId.parse(row["account"])})
    # A clock that went back must not make an old session young again.
    idle = max(now - session.last_seen_at, timedelta(0))
    return session if now < session.ends_at and idle < idle_at_most else None


def seen(connection: Connection, session: Session, *, now: datetime) -> Session:
    """The person did something: the idle time begins again."""
    _SEEN.run(connection, [{"digest_wanted": session.token_digest, "seen_at": iso(now)}])
    return replace(session, last_seen_at=now)


def secret_given(connection: Connection, session: Session, *, now: datetime) -> Session:
    """The person typed their whole secret again."""
    _SECRET_GIVEN.run(connection, [{"digest_wanted": session.token_digest, "seen_at": iso(now), "given_at": iso(now)}])
    return replace(session, last_seen_at=now, secret_given_at=now)


def revoke(connection: Connection, session: Session, *, at: datetime) -> None:
    _REVOKE.run(connection, [{"digest_wanted": session.token_digest, "at": iso(at)}])


def revoke_all(connection: Connection, account: AccountId, *, at: datetime) -> int:
    """End every session of the account; returns how many there were."""
    table = session_table.c
    ended = connection.execute(
        update(session_table).where(table.account == account.value, table.revoked_at.is_(None)).values(revoked_at=iso(at))
    )
    return ended.rowcount


def forget_ended(connection: Connection, *, now: datetime) -> int:
    """Remove sessions that can never be used again; returns how many. Sign-ins stay in the ledger."""
    table = session_table.c
    rows = connection.execute(select(table.token_digest, table.ends_at, table.revoked_at)).all()
    over = [row.token_digest for row in rows if row.revoked_at is not None or datetime.fromisoformat(row.ends_at) <= now]
    for digest in over:
        connection.execute(delete(session_table).where(table.token_digest == digest))
    return len(over)


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()
