"""What a signature asks for: the whole secret for the first one of a shift, after that the PIN or the secret (21 CFR 11.200(a)(1)).

A shift is one continuous period of controlled access: one session, or at a shared bench all sessions of one person, each of them
opened with badge and PIN or with the whole secret. It begins with a signature by the whole secret and ends with the session or the
bench, after the length that the installation sets, and with every lock-out, reset, change of the secret and revoked badge.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from custody.config import Config
from custody.domain.acts.people import SecretKind
from custody.domain.duties import AccountFold
from custody.store import sessions
from custody.store.connection import Store
from custody.workflows.dossiers import dossier_of
from custody.workflows.people import Present, check_secret
from custody.workflows.secret_checks import Compared, SignInRefusal, standing_credential

PIN_DIGITS_MIN, PIN_DIGITS_MAX = 6, 8
"""Shorter than the shortest secret, so that what somebody typed is never both."""


def kind_of(given: str) -> SecretKind:
    """Whether this is a PIN, by its shape."""
    is_pin = given.isascii() and given.isdigit() and PIN_DIGITS_MIN <= len(given) <= PIN_DIGITS_MAX
    return SecretKind.PIN if is_pin else SecretKind.SECRET


def pin_will_do(connection: Connection, config: Config, present: Present, now: datetime) -> bool:
    """Whether this person may sign with their PIN now."""
    given_at = sessions.secret_given_at(connection, present.session)
    # A clock that was set back must not make a shift longer.
    if given_at is None or not timedelta(0) <= now - given_at < config.shift:
        return False
    fold = AccountFold(dossier_of(connection, [present.account]), present.account)
    return standing_credential(connection, fold, SecretKind.PIN) is not None


def check_signature(
    connection: Connection, store: Store, config: Config, present: Present, given: str, now: datetime, *, already: Compared | None = None
) -> SecretKind | SignInRefusal:
    """With what the person at the keyboard signs, or why they do not.

    A PIN where the whole secret is due is not even looked at, so that it is neither counted nor confirmed.
    """
    if present.must_change_secret:
        return SignInRefusal(code="own_secret_first")
    kind = kind_of(given)
    if kind is SecretKind.PIN and not pin_will_do(connection, config, present, now):
        return SignInRefusal(code="whole_secret_needed")
    refusal = check_secret(connection, store, config, present, given, now, kind=kind, already=already)
    if refusal is None and kind is SecretKind.SECRET:
        sessions.secret_given(connection, present.session, now=now)
    return kind if refusal is None else refusal
