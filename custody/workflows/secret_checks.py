"""Whether a secret, a PIN or a code is the right one: compared ahead of the lock, decided and counted one attempt at a time.

Everything that lets somebody in, or lets them sign, asks here, so that all wrong tries count together (21 CFR 11.300d).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from custody.config import Config
from custody.domain.acts.base import Act
from custody.domain.acts.people import BadgeRevoked, RoleGranted, SecretKind, SecretResetIssued, SecretSet, SignInRefused
from custody.domain.dossier import Signed
from custody.domain.duties import AccountFold, Grant
from custody.domain.ids import AccountId, Digest
from custody.errors import NotPermittedError
from custody.store import attempts, credentials, entries, sessions
from custody.store.connection import Store
from custody.store.credentials import Credential
from custody.store.entries import NewEntry
from custody.workflows.dossiers import dossier_of
from custody.workflows.site_days import site_days

DEVICE_FAILURES_MAX, DEVICE_WINDOW = 30, timedelta(minutes=5)
"""So many failed attempts from one device in a window, and it waits for the next: names are not tried out in bulk."""


@dataclass(frozen=True, kw_only=True)
class SignInRefusal:
    """Why nobody was let in. Returned, not raised: the attempt itself is kept. `code` names the sentence."""

    code: str
    locked_until: datetime | None = None


@dataclass(frozen=True)
class Compared:
    """What a secret was compared with, by the digest of the row (None: with nothing that counts), and whether it was the one."""

    row: Digest | None
    matches: bool


def standing_credential(connection: Connection, fold: AccountFold, kind: SecretKind) -> Credential | None:
    """The secret or PIN that counts now: the one its entry speaks of, with nothing after it that took it away."""
    if not fold.dossier.knows(fold.account) or fold.is_disabled:
        return None
    newest = credentials.newest_credential(connection, fold.account, kind)
    last: SecretSet | None = None
    for deed in fold.dossier.deeds(fold.account, SecretSet, SecretResetIssued, BadgeRevoked):
        act = deed.act
        if isinstance(act, SecretSet) and act.kind is kind:
            last = act
        elif _takes_away(act, kind, deed.recorded_at):
            last = None
    if newest is None or last is None or last.row_digest != credentials.row_digest(newest):
        return None
    return newest


def _takes_away(act: Act, kind: SecretKind, recorded_at: datetime) -> bool:
    match act:
        case SecretResetIssued(valid_until=until):
            return recorded_at < until  # witnessed too late, it does nothing
        case SecretSet(by_owner=False) | BadgeRevoked():
            return kind is SecretKind.PIN
        case SecretSet(kind=SecretKind.SECRET, reset=reset):
            return kind is SecretKind.PIN and reset is not None
    return False


def compare_ahead(store: Store, account: AccountId, given: str, now: datetime, kind: SecretKind) -> Compared | None:
    """Compares a secret before the store is locked for writing, because that takes long; None while the account is locked out.

    `refused` decides afterwards, one attempt at a time: what was compared in parallel gives nobody more guesses.
    """
    with store.reading() as connection:
        if is_locked(attempts.guard_of(connection, account), now):
            return None
        known = standing_credential(connection, AccountFold(dossier_of(connection, [account]), account), kind)
    return _compare(store, known, given)


def _compare(store: Store, known: Credential | None, given: str) -> Compared:
    matches = credentials.secret_matches(known, given, weak=credentials.secrets_are_weak(store))
    return Compared(None if known is None else credentials.row_digest(known), matches)


def is_locked(guard: attempts.Guard, now: datetime) -> bool:
    return guard.locked_until is not None and now < guard.locked_until


def is_too_many(connection: Connection, device: str, now: datetime) -> bool:
    """Whether this device has to wait before it tries another name, secret, PIN or code."""
    return bool(device) and attempts.device_failures(connection, device, now=now, within=DEVICE_WINDOW) >= DEVICE_FAILURES_MAX


def note_device(connection: Connection, device: str, now: datetime) -> None:
    if device:
        attempts.note_device_failure(connection, device, now=now, within=DEVICE_WINDOW)


def refused(
    connection: Connection,
    store: Store,
    config: Config,
    account: AccountId,
    given: str,
    now: datetime,
    *,
    kind: SecretKind = SecretKind.SECRET,
    already: Compared | None = None,
    void: str = "",
) -> SignInRefusal | None:
    """None when the secret (or PIN) is right; else why not, with the attempt counted and, for an account there is, kept in the ledger.

    `void`: why it is wrong whatever it is, such as a badge that was revoked.

    Attempts on a name that nobody has are counted and locked out alike, so that an answer never tells which names exist.
    """
    guard = attempts.guard_of(connection, account)
    if is_locked(guard, now):
        return SignInRefusal(code="locked_out", locked_until=guard.locked_until)
    if kind is SecretKind.PIN and guard.pin_barred:
        return SignInRefusal(code="whole_secret_needed")
    if guard.locked_until is not None:
        attempts.clear_failures(connection, account, keep_bar=True)
    fold = AccountFold(dossier_of(connection, [account]), account)
    known = standing_credential(connection, fold, kind)
    result = already
    if result is None or result.row != (None if known is None else credentials.row_digest(known)):
        result = _compare(store, known, given)
    if result.matches and not void:
        attempts.clear_failures(connection, account, keep_bar=kind is SecretKind.PIN)
        return None
    disabled = fold.dossier.knows(account) and fold.is_disabled
    return failed(connection, config, fold, "account disabled" if disabled else void or f"wrong {kind}", now, kind)


def failed(
    connection: Connection, config: Config, fold: AccountFold, reason: str, now: datetime, kind: SecretKind = SecretKind.SECRET
) -> SignInRefusal:
    """Counts a wrong secret, PIN or code, and locks the account when it was one too many; wrong PINs bar the PIN, too."""
    too_many = attempts.guard_of(connection, fold.account).failures + 1 >= config.lockout_after
    until = now + config.lockout_for if too_many else None
    attempts.note_failure(connection, fold.account, at=now, locked_until=until, pin_barred=too_many and kind is SecretKind.PIN)
    _keep_attempt(connection, fold, reason, until, now)
    if too_many:
        sessions.end_shifts(connection, fold.account)
    return SignInRefusal(code="locked_out" if too_many else "sign_in_failed", locked_until=until)


def _keep_attempt(connection: Connection, fold: AccountFold, reason: str, until: datetime | None, now: datetime) -> None:
    """The attempt in the account's own stream, in the role it holds or held last; an account that never had a role has done nothing."""
    granted = fold.dossier.last(fold.account, RoleGranted)
    if granted is None:
        return
    standing = next(iter(fold.grants(site_days(fold.dossier, now))), Grant(granted.act.role, granted.act.site, granted.act.study))
    act = SignInRefused(account=fold.account, reason=reason, locked_until=until)
    append(connection, (act,), _in_role(fold, standing, now), now)


def as_themselves(connection: Connection, account: AccountId, now: datetime) -> Signed:
    fold = AccountFold(dossier_of(connection, [account]), account)
    grants = fold.grants(site_days(fold.dossier, now))
    if not grants:
        raise NotPermittedError(f"the account {account} holds no role today; ask an administrator", code="no_grant")
    return _in_role(fold, grants[0], now)


def _in_role(fold: AccountFold, grant: Grant, now: datetime) -> Signed:
    return Signed(
        account=fold.account,
        person=fold.person,
        printed_name=fold.created.printed_name,
        role=grant.role,
        site=grant.site,
        meaning=None,
        at=now,
    )


def append(connection: Connection, acts: tuple[Act, ...], by: Signed, now: datetime, station: str = "") -> None:
    """Acts that custody writes itself, beside a row of theirs or as evidence."""
    new = [NewEntry(act=act, happened_at=now, by=by, study=None, station=station) for act in acts]
    entries.append(connection, new, recorded_at=now)
