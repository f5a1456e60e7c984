"""Failed attempts to sign in: how many on each name and from each device, until when none is looked at, and never more rows than fit.

Names that nobody has are counted as those of accounts are, so that an answer never tells which exist. Their rows are bounded: the
oldest go first. The rows of accounts are never pushed out by a flood of other names, which would clear their count.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from sqlalchemy import Connection, bindparam, delete, func, select

from custody.domain.ids import AccountId
from custody.store.envelope import iso
from custody.store.statements import Prepared, upserted
from custody.store.tables import credential, sign_in_guard

FORGOTTEN_AFTER = timedelta(days=1)
"""A failed attempt as old as this no longer counts: far slower than a lock-out that ends and begins again."""
STRANGERS_MAX = 10_000
"""Rows of names that no account has, and of devices."""


@dataclass(frozen=True, kw_only=True)
class Guard:
    """Failed attempts since the last good one, and until when no attempt is looked at.

    `pin_barred`: a lock-out came from wrong PINs, so only the whole secret counts until it was given.
    """

    failures: int
    last_failure_at: datetime | None
    locked_until: datetime | None
    pin_barred: bool = False


NONE = Guard(failures=0, last_failure_at=None, locked_until=None)

_this = sign_in_guard.c.account == bindparam("of_account")
_strangers = sign_in_guard.c.account.not_in(select(credential.c.account))
_GUARD = Prepared(
    select(sign_in_guard.c.failures, sign_in_guard.c.last_failure_at, sign_in_guard.c.locked_until, sign_in_guard.c.pin_barred).where(_this)
)
_SET = upserted(sign_in_guard, "account")
_CLEAR = Prepared(delete(sign_in_guard).where(_this))
_FORGET_OLD = Prepared(
    delete(sign_in_guard).where(
        sign_in_guard.c.last_failure_at < bindparam("before"),
        sign_in_guard.c.locked_until.is_(None) | (sign_in_guard.c.locked_until <= bindparam("at")),
        sign_in_guard.c.pin_barred == 0,
    )
)
_COUNT_STRANGERS = Prepared(select(func.count()).select_from(sign_in_guard).where(_strangers))
_FORGET_STRANGERS = Prepared(
    delete(sign_in_guard).where(
        sign_in_guard.c.account.in_(
            select(sign_in_guard.c.account)
            .where(_strangers)
            .order_by(sign_in_guard.c.last_failure_at, sign_in_guard.c.account)
            .limit(bindparam("surplus"))
        )
    )
)


def guard_of(connection: Connection, account: AccountId) -> Guard:
    return _guard(connection, account.value)


def note_failure(
    connection: Connection, account: AccountId, *, at: datetime, locked_until: datetime | None = None, pin_barred: bool = False
) -> Guard:
    """Count one more failed attempt, and lock the account out until a time when it was one too many."""
    before = _guard(connection, account.value)
    after = Guard(failures=before.failures + 1, last_failure_at=at, locked_until=locked_until, pin_barred=pin_barred or before.pin_barred)
    _keep(connection, account.value, after)
    _make_room(connection, at)
    return after


def clear_failures(connection: Connection, account: AccountId, *, keep_bar: bool = False) -> None:
    """Begin to count anew, after a good attempt or a lock that is over. `keep_bar`: the whole secret was not given."""
    before = _guard(connection, account.value)
    if keep_bar and before.pin_barred and before.last_failure_at is not None:
        _keep(connection, account.value, Guard(failures=0, last_failure_at=before.last_failure_at, locked_until=None, pin_barred=True))
    else:
        _CLEAR.run(connection, [{"of_account": account.value}])


def device_failures(connection: Connection, device: str, *, now: datetime, within: timedelta) -> int:
    """Failed attempts from one device in the window that runs now; 0 when the last window is over."""
    guard = _guard(connection, _device_key(device))
    began = guard.last_failure_at
    return guard.failures if began is not None and timedelta(0) <= now - began < within else 0


def note_device_failure(connection: Connection, device: str, *, now: datetime, within: timedelta) -> None:
    """Count a failed attempt from a device; the first one opens a window of length `within`."""
    failures = device_failures(connection, device, now=now, within=within)
    began = _guard(connection, _device_key(device)).last_failure_at if failures else now
    _keep(connection, _device_key(device), Guard(failures=failures + 1, last_failure_at=began, locked_until=None))


def _device_key(device: str) -> str:
    """No account name has a colon. The address itself is not kept."""
    return f"device:{sha256(device.encode()).hexdigest()}"


def _guard(connection: Connection, key: str) -> Guard:
    found = _GUARD.one(connection, of_account=key)
    if found is None:
        return NONE
    failures, last_failure_at, locked_until, pin_barred = found
    return Guard(
        failures=failures,
        last_failure_at=datetime.fromisoformat(last_failure_at),
        locked_until=None if locked_until is None else datetime.fromisoformat(locked_until),
        pin_barred=bool(pin_barred),
    )


def _keep(connection: Connection, key: str, guard: Guard) -> None:
    assert guard.last_failure_at is not None
    row = {
        "account": key,
        "failures": guard.failures,
        # In one zone, so that texts sort as times do.
        "last_failure_at": iso(guard.last_failure_at.astimezone(UTC)),
        "locked_until": None if guard.locked_until is None else iso(guard.locked_until.astimezone(UTC)),
        "pin_barred": int(guard.pin_barred),
    }
    _SET.run(connection, [row])


def _make_room(connection: Connection, now: datetime) -> None:
    before = iso((now - FORGOTTEN_AFTER).astimezone(UTC))
    _FORGET_OLD.run(connection, [{"before": before, "at": iso(now.astimezone(UTC))}])
    counted = _COUNT_STRANGERS.one(connection)
    assert counted is not None
    if counted[0] > STRANGERS_MAX:
        _FORGET_STRANGERS.run(connection, [{"surplus": counted[0] - STRANGERS_MAX}])
