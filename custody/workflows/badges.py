"""Badge and PIN: chosen after a full sign-in, used to change the person at a shared bench in seconds, revoked when a badge is lost.

A badge says who; it is no secret, and it can be copied. The PIN is what the person alone knows. The two together open a session at a
bench that somebody opened with their whole secret, and nowhere else; such a session signs nothing before the whole secret was given
(shifts.py). Every badge has a number: after a loss the next one counts, and what is printed on the old one opens nothing any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from sqlalchemy import Connection

from custody.codes.scan import custody_symbol
from custody.config import Config
from custody.domain.acts.people import BadgeRevoked, BenchOpened, SecretKind, SecretSet
from custody.domain.duties import AccountFold
from custody.domain.ids import AccountId
from custody.domain.terms import Role
from custody.errors import InputError, NotPermittedError, UnreadableCodeError
from custody.store import credentials, sessions
from custody.store.connection import Store
from custody.store.sessions import Bench, Session
from custody.workflows.dossiers import dossier_of
from custody.workflows.outcome import Outcome
from custody.workflows.people import Present, enter
from custody.workflows.recording import record
from custody.workflows.secret_checks import (
    Compared,
    SignInRefusal,
    append,
    as_themselves,
    is_too_many,
    note_device,
    refused,
    standing_credential,
)
from custody.workflows.shifts import PIN_DIGITS_MAX, PIN_DIGITS_MIN, kind_of
from custody.workflows.signer import Signer

__all__ = ["Badge", "Bench"]

DISTINCT_DIGITS_MIN = 3
STATION_MAX = 80


@dataclass(frozen=True, kw_only=True)
class Badge:
    """What a scanned badge says."""

    account: AccountId
    number: int


def read_badge(value: str) -> Badge:
    """The account on a badge, and the badge's number. Raises UnreadableCodeError. Symbols hold capitals, account names small letters."""
    name, _, number = value.lower().partition(":")
    if number and not (number.isascii() and number.isdigit() and 2 <= int(number) < 10_000):
        raise UnreadableCodeError("this badge has a number that no badge has; print a new one", code="badge_number")
    return Badge(account=AccountId.parse(name), number=int(number or 1))


def badge_symbol(account: AccountId, number: int) -> str:
    """What stands on the badge with this number."""
    name = account.value.upper()
    return custody_symbol("badge", name if number == 1 else f"{name}:{number}")


def badge_number(fold: AccountFold) -> int:
    """The number of the badge that counts."""
    return 1 + len(fold.dossier.deeds(fold.account, BadgeRevoked))


def choose_pin(connection: Connection, store: Store, present: Present, pin: str, now: datetime) -> None:
    """The PIN its owner chose, in a session opened with their whole secret. Raises InputError for one that is easy to guess."""
    if present.session.opened_with is not SecretKind.SECRET or present.must_change_secret:
        raise NotPermittedError("sign in with your whole secret to choose a PIN", code="whole_secret_needed")
    _check_pin(present.account, pin)
    before = credentials.newest_credential(connection, present.account, SecretKind.PIN)
    weak = credentials.secrets_are_weak(store)
    if before is not None and credentials.secret_matches(before, pin, weak=weak):
        raise InputError("this is the PIN you had last; choose another", code="pin_same", field="pin")
    hashed = credentials.hash_secret(pin, weak=weak)
    kept = credentials.set_secret(connection, present.account, hashed, set_at=now, must_change=False, kind=SecretKind.PIN)
    act = SecretSet(account=present.account, row_digest=credentials.row_digest(kept), by_owner=True, kind=SecretKind.PIN)
    append(connection, (act,), as_themselves(connection, present.account, now), now, present.session.station)


def _check_pin(account: AccountId, pin: str) -> None:
    if kind_of(pin) is not SecretKind.PIN:
        message = f"a PIN has {PIN_DIGITS_MIN} to {PIN_DIGITS_MAX} digits"
        raise InputError(message, code="pin_length", field="pin", least=PIN_DIGITS_MIN, most=PIN_DIGITS_MAX)
    if is_trivial(pin) or pin in account.value:
        raise InputError("this PIN is easy to guess; choose another", code="pin_trivial", field="pin")


def is_trivial(pin: str) -> bool:
    """Few different digits, digits in even steps (123456, 864208), one block again and again (123123), pairs in a row (112233)."""
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(pin)}
    again = any(pin == (pin[:length] * len(pin))[: len(pin)] for length in range(1, len(pin) // 2 + 1))
    pairs = len(pin) % 2 == 0 and pin[::2] == pin[1::2]
    return len(set(pin)) < DISTINCT_DIGITS_MIN or len(steps) == 1 or again or pairs


def has_pin(connection: Connection, fold: AccountFold) -> bool:
    return standing_credential(connection, fold, SecretKind.PIN) is not None


def change_person(
    connection: Connection,
    store: Store,
    config: Config,
    bench: Bench,
    badge: Badge,
    pin: str,
    now: datetime,
    *,
    before: Session | None,
    already: Compared | None = None,
) -> tuple[str, Session] | SignInRefusal:
    """A session at the bench for whose badge and PIN these are; whoever was there before is signed out. Wrong ones count as any.

    A badge nobody has, a revoked badge and a wrong PIN are answered alike.
    """
    device = device_of(bench)
    if is_too_many(connection, device, now):
        return SignInRefusal(code="too_many_attempts")
    fold = AccountFold(dossier_of(connection, [badge.account]), badge.account)
    void = "" if badge.number == badge_number(fold) else "revoked badge"
    refusal = refused(connection, store, config, badge.account, pin, now, kind=SecretKind.PIN, already=already, void=void)
    if refusal is not None:
        note_device(connection, device, now)
        return refusal
    secret = standing_credential(connection, fold, SecretKind.SECRET)
    if secret is None or secret.must_change:
        return SignInRefusal(code="whole_secret_needed")
    if before is not None:
        sessions.revoke(connection, before, at=now)
    return enter(connection, config, badge.account, bench.station, now, SecretKind.PIN, bench)


def device_of(bench: Bench) -> str:
    """Attempts at a bench are counted for the bench."""
    return f"bench {bench.token_digest}"


def open_bench(connection: Connection, config: Config, present: Present, station: str, now: datetime) -> tuple[str, Bench]:
    """From now on people change here with badge and PIN; recorded. Raises InputError without a station, NotPermittedError after a PIN."""
    if present.session.opened_with is not SecretKind.SECRET:
        raise NotPermittedError("sign in with your whole secret to open a bench", code="whole_secret_needed")
    named = " ".join(station.split())
    if not named or len(named) > STATION_MAX or not named.isprintable():
        raise InputError("say which station this is", code="station_needed", field="station", most=STATION_MAX)
    token, bench = sessions.open_bench(connection, present.account, station=named, now=now, lasts_at_most=config.session_absolute)
    act = BenchOpened(account=present.account, station=named, ends_at=bench.ends_at)
    append(connection, (act,), as_themselves(connection, present.account, now), now, named)
    return token, bench


def find_bench(connection: Connection, token: str, now: datetime) -> Bench | None:
    return sessions.find_bench(connection, token, now=now) if token else None


def close_bench(connection: Connection, bench: Bench, now: datetime) -> None:
    """Whoever is signed in at the bench is signed out."""
    sessions.close_bench(connection, bench, at=now)


def revoke_badge(connection: Connection, signer: Signer, account: AccountId, reason: str, now: datetime) -> Outcome:
    """A lost badge: it and the PIN open nothing any more, and every session ends. By the owner, or by an administrator."""
    if signer.account != account and signer.role is not Role.ADMINISTRATOR:
        raise NotPermittedError("only the owner or an administrator revokes a badge", code="badge_of_another")
    outcome = record(connection, BadgeRevoked(account=account, reason=reason), signer, now)
    sessions.revoke_all(connection, account, at=now)
    return outcome
