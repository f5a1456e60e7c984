"""Server-side sessions, and benches several people share: the browser holds a random token, the store only its digest."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, delete, select, update

from custody.domain.acts.people import SecretKind
from custody.domain.ids import AccountId
from custody.store.envelope import iso
from custody.store.statements import Prepared, inserted, upserted
from custody.store.tables import bench as bench_table
from custody.store.tables import session as session_table
from custody.store.tables import shift as shift_table


@dataclass(frozen=True, kw_only=True)
class Session:
    """`opened_with` says what the person gave to open it; `bench` is the shared bench it was opened at, None on a device of their own."""

    token_digest: str
    account: AccountId
    station: str
    csrf_secret: str
    created_at: datetime
    last_seen_at: datetime
    ends_at: datetime
    opened_with: SecretKind
    bench: str | None

    @property
    def place(self) -> str:
        """Where a shift of this person runs: the bench, over several sessions, or this session alone."""
        return self.token_digest if self.bench is None else self.bench


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A device at a station where people may change with badge and PIN, since somebody opened it with their whole secret."""

    token_digest: str
    station: str
    opened_by: AccountId
    opened_at: datetime
    ends_at: datetime


_COLUMNS = tuple(column for column in session_table.columns if column.name != "revoked_at")
_this = session_table.c.token_digest == bindparam("digest_wanted")
_FIND = Prepared(select(*_COLUMNS).where(_this, session_table.c.revoked_at.is_(None)))
_INSERT = inserted(session_table)
_SEEN = Prepared(update(session_table).where(_this).values(last_seen_at=bindparam("seen_at")))
_REVOKE = Prepared(update(session_table).where(_this, session_table.c.revoked_at.is_(None)).values(revoked_at=bindparam("at")))
_FORGET_SESSIONS = Prepared(
    delete(session_table).where(session_table.c.revoked_at.is_not(None) | (session_table.c.ends_at <= bindparam("at")))
)
_BENCH_COLUMNS = tuple(column for column in bench_table.columns if column.name != "closed_at")
_this_bench = bench_table.c.token_digest == bindparam("digest_wanted")
_FIND_BENCH = Prepared(select(*_BENCH_COLUMNS).where(_this_bench, bench_table.c.closed_at.is_(None)))
_INSERT_BENCH = inserted(bench_table)
_CLOSE_BENCH = Prepared(update(bench_table).where(_this_bench).values(closed_at=bindparam("at")))
_REVOKE_AT_BENCH = Prepared(
    update(session_table)
    .where(session_table.c.bench == bindparam("at_bench"), session_table.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("at"))
)
_FORGET_BENCHES = Prepared(delete(bench_table).where(bench_table.c.closed_at.is_not(None) | (bench_table.c.ends_at <= bindparam("at"))))
_SET_SHIFT = upserted(shift_table, "place", "account")
_SHIFT = Prepared(
    select(shift_table.c.secret_given_at).where(
        shift_table.c.place == bindparam("at_place"), shift_table.c.account == bindparam("of_account")
    )
)
_END_SHIFTS = Prepared(delete(shift_table).where(shift_table.c.account == bindparam("of_account")))
_END_SHIFT = Prepared(
    delete(shift_table).where(shift_table.c.place == bindparam("at_place"), shift_table.c.account == bindparam("of_account"))
)
_END_SHIFTS_AT = Prepared(delete(shift_table).where(shift_table.c.place == bindparam("at_place")))
_FORGET_SHIFTS = Prepared(
    delete(shift_table).where(
        shift_table.c.place.not_in(select(session_table.c.token_digest)), shift_table.c.place.not_in(select(bench_table.c.token_digest))
    )
)
_begun_after: BindParameter[str] = bindparam("at")
_REVOKE_AHEAD = Prepared(
    update(session_table)
    .where(session_table.c.created_at > _begun_after, session_table.c.revoked_at.is_(None))
    .values(revoked_at=_begun_after)
)
_CLOSE_AHEAD = Prepared(
    update(bench_table).where(bench_table.c.opened_at > _begun_after, bench_table.c.closed_at.is_(None)).values(closed_at=_begun_after)
)
_END_SHIFTS_AHEAD = Prepared(delete(shift_table).where(shift_table.c.secret_given_at > _begun_after))


def open_session(
    connection: Connection,
    account: AccountId,
    *,
    station: str,
    now: datetime,
    lasts_at_most: timedelta,
    opened_with: SecretKind = SecretKind.SECRET,
    bench: Bench | None = None,
) -> tuple[str, Session]:
    """A new session of somebody who has just given their secret or PIN, and its token, which is kept nowhere here.

    At a bench it lasts no longer than the bench.
    """
    token = secrets.token_urlsafe(32)
    ends_at = now + lasts_at_most
    opened = Session(
        token_digest=_digest(token),
        account=account,
        station=station if bench is None else bench.station,
        csrf_secret=secrets.token_urlsafe(32),
        created_at=now,
        last_seen_at=now,
        ends_at=ends_at if bench is None else min(ends_at, bench.ends_at),
        opened_with=opened_with,
        bench=None if bench is None else bench.token_digest,
    )
    _INSERT.run(connection, [{**_row(opened), "revoked_at": None}])
    return token, opened


def _row(of: Session | Bench) -> dict[str, str | None]:
    return {name: _column(value) for name, value in vars(of).items()}


def _column(value: object) -> str | None:
    """Times in one zone, so that texts sort as times do."""
    if isinstance(value, datetime):
        return iso(value.astimezone(UTC))
    return None if value is None else str(value)


def find_session(connection: Connection, token: str, *, now: datetime, idle_at_most: timedelta) -> Session | None:
    """The session of this token; None when there is none, it was revoked, it has ended or nobody used it for too long."""
    found = _FIND.one(connection, digest_wanted=_digest(token))
    if found is None:
        return None
    session = _session(found)
    # A clock that went back must not make an old session young again.
    idle = max(now - session.last_seen_at, timedelta(0))
    return session if now < session.ends_at and idle < idle_at_most else None


def _session(found: tuple[Any, ...]) -> Session:
    row = dict(zip((column.name for column in _COLUMNS), found, strict=True))
    times = {name: datetime.fromisoformat(row[name]) for name in ("created_at", "last_seen_at", "ends_at")}
    return Session(**{**row, **times, "account": AccountId.parse(row["account"]), "opened_with": SecretKind(row["opened_with"])})


def known_device(connection: Connection, token: str, *, now: datetime) -> Session | None:
    """Whose session this device had last, idle or not; None when it was left or has ended. It lets nobody in."""
    found = _FIND.one(connection, digest_wanted=_digest(token))
    session = None if found is None else _session(found)
    return session if session is not None and now < session.ends_at else None


def seen(connection: Connection, session: Session, *, now: datetime) -> Session:
    """The person did something: the idle time begins again."""
    _SEEN.run(connection, [{"digest_wanted": session.token_digest, "seen_at": _column(now)}])
    return replace(session, last_seen_at=now)


def revoke(connection: Connection, session: Session, *, at: datetime) -> None:
    _REVOKE.run(connection, [{"digest_wanted": session.token_digest, "at": _column(at)}])


def revoke_all(connection: Connection, account: AccountId, *, at: datetime) -> int:
    """End every session and shift of the account; returns how many sessions there were."""
    table = session_table.c
    ended = connection.execute(
        update(session_table).where(table.account == account.value, table.revoked_at.is_(None)).values(revoked_at=_column(at))
    )
    end_shifts(connection, account)
    return ended.rowcount


def open_bench(connection: Connection, account: AccountId, *, station: str, now: datetime, lasts_at_most: timedelta) -> tuple[str, Bench]:
    """A new bench and its token, which is kept nowhere here."""
    token = secrets.token_urlsafe(32)
    opened = Bench(token_digest=_digest(token), station=station, opened_by=account, opened_at=now, ends_at=now + lasts_at_most)
    _INSERT_BENCH.run(connection, [{**_row(opened), "closed_at": None}])
    return token, opened


def find_bench(connection: Connection, token: str, *, now: datetime) -> Bench | None:
    """The bench of this token; None when there is none, or it was closed or has ended."""
    found = _FIND_BENCH.one(connection, digest_wanted=_digest(token))
    if found is None:
        return None
    digest, station, opened_by, opened_at, ends_at = found
    bench = Bench(
        token_digest=digest,
        station=station,
        opened_by=AccountId.parse(opened_by),
        opened_at=datetime.fromisoformat(opened_at),
        ends_at=datetime.fromisoformat(ends_at),
    )
    return bench if now < bench.ends_at else None


def close_bench(connection: Connection, bench: Bench, *, at: datetime) -> None:
    """Nobody changes there any more; sessions and shifts at it end."""
    _CLOSE_BENCH.run(connection, [{"digest_wanted": bench.token_digest, "at": _column(at)}])
    _REVOKE_AT_BENCH.run(connection, [{"at_bench": bench.token_digest, "at": _column(at)}])
    _END_SHIFTS_AT.run(connection, [{"at_place": bench.token_digest}])


def secret_given(connection: Connection, session: Session, *, now: datetime) -> None:
    """The person gave their whole secret for a signature: their shift at this place begins anew."""
    _SET_SHIFT.run(connection, [{"place": session.place, "account": session.account.value, "secret_given_at": _column(now)}])


def secret_given_at(connection: Connection, session: Session) -> datetime | None:
    """When the person last gave their whole secret for a signature at this place; None when they have not."""
    found = _SHIFT.one(connection, at_place=session.place, of_account=session.account.value)
    return None if found is None else datetime.fromisoformat(found[0])


def end_shifts(connection: Connection, account: AccountId) -> None:
    """The next signature of this person asks for the whole secret, wherever they are."""
    _END_SHIFTS.run(connection, [{"of_account": account.value}])


def end_shift_here(connection: Connection, session: Session) -> None:
    """The person leaves: the next signature at this place asks for the whole secret."""
    _END_SHIFT.run(connection, [{"at_place": session.place, "of_account": session.account.value}])


def end_those_ahead(connection: Connection, *, now: datetime) -> None:
    """End sessions, benches and shifts that began while the clock ran ahead of `now`: they would last until that time comes again."""
    for statement in (_REVOKE_AHEAD, _CLOSE_AHEAD, _END_SHIFTS_AHEAD):
        statement.run(connection, [{"at": _column(now)}])


def forget_ended(connection: Connection, *, now: datetime) -> None:
    """Remove sessions, benches and shifts that can never be used again. Sign-ins stay in the ledger."""
    _FORGET_SESSIONS.run(connection, [{"at": _column(now)}])
    _FORGET_BENCHES.run(connection, [{"at": _column(now)}])
    _FORGET_SHIFTS.run(connection, [{}])


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()
