"""A secret that was forgotten or may be in wrong hands: reset by an administrator who never learns the new one.

The administrator sees the person, writes down how they proved who they are, and signs; custody shows a one-time code, once. A second
person, who is no administrator, sees the same and signs as witness. The person then goes to any station and types account, code and a
secret of their own choice. The secret is typed by its owner, travels over their own connection and is kept as a hash: nobody else ever
sees it, and no administrator can set or read one (21 CFR 11.200(a)(2), 11.300). The code is no secret to sign with: it opens no session,
it lets its holder choose the secret of this one account, once, within the hour, and only when the reset was witnessed. Every session of
the account ends, the old secret and the PIN count no more, and the entries name the administrator, the witness, how the person was
identified, and that and when the code was used; the owner sees all of it on their own page.

What risk stays: an administrator and a witness who both lie can hand the account to somebody else. That takes two people, as
21 CFR 11.200(a)(3) asks, it is on record in their names, the owner can no longer sign in, and the next access review shows it.
An account that is *new* has no owner who could notice: there the one-time secret of `custody account add` is in the administrator's
hands until it is replaced; it signs nothing.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from custody.config import Config
from custody.domain.acts.people import SecretResetIssued, SecretSet
from custody.domain.duties import AccountFold
from custody.domain.ids import AccountId
from custody.errors import InputError, NotPermittedError, UnreadableCodeError
from custody.store import attempts, credentials, sessions, tickets
from custody.store.connection import Store
from custody.store.tickets import Ticket
from custody.workflows.dossiers import dossier_of
from custody.workflows.outcome import Outcome
from custody.workflows.people import choose_secret
from custody.workflows.recording import record
from custody.workflows.secret_checks import SignInRefusal, failed, is_locked, is_too_many, note_device
from custody.workflows.signer import Signer

CODE_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without letters that are read as digits: 50 bits in ten characters, against five tries."""
CODE_LENGTH = 10
TICKET_LIVES = timedelta(hours=1)
_MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})


@dataclass(frozen=True, kw_only=True)
class Issued:
    """A reset as it was signed. `code` is kept nowhere and shown this once."""

    outcome: Outcome
    code: str
    valid_until: datetime


def issue(
    connection: Connection, store: Store, signer: Signer, account: AccountId, identity_verified_by: str, reason: str, now: datetime
) -> Issued:
    """The administrator's part. It has no effect until a witness signs; sessions of the account end at once.

    Raises NotPermittedError for one's own account, InputError where nobody says how the person was identified.
    """
    if not identity_verified_by.strip():
        raise InputError("say how the person proved who they are", code="identity_unverified", field="identity_verified_by")
    dossier = dossier_of(connection, [account, signer.account])
    fold = AccountFold(dossier, account)
    if fold.person == AccountFold(dossier, signer.account).person:
        raise NotPermittedError("nobody resets a secret of their own; ask another administrator", code="own_reset")
    if fold.is_disabled:
        raise NotPermittedError(f"the account {account} is disabled", code="account_disabled")
    code = "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
    hashed = credentials.hash_secret(code, weak=credentials.secrets_are_weak(store))
    ticket = Ticket(account=account, code_hash=hashed, valid_until=now + TICKET_LIVES)
    act = SecretResetIssued(
        account=account,
        identity_verified_by=identity_verified_by.strip(),
        reason=reason,
        ticket=ticket.digest,
        valid_until=ticket.valid_until,
    )
    outcome = record(connection, act, signer, now)
    tickets.keep_ticket(connection, ticket)
    sessions.revoke_all(connection, account, at=now)
    return Issued(outcome=outcome, code=f"{code[:5]}-{code[5:]}", valid_until=ticket.valid_until)


def use(
    connection: Connection, store: Store, config: Config, name: str, code: str, secret: str, now: datetime, *, device: str = ""
) -> SignInRefusal | None:
    """The owner's part: their own secret, for a code that counts. None when it is done; it opens no session.

    Wrong codes count towards the lock-out, and answer alike for an account there is and one there is not.
    Raises InputError for a secret that does not do; the code is then still good.
    """
    if is_too_many(connection, device, now):
        return SignInRefusal(code="too_many_attempts")
    account = _account(name)
    if account is not None and is_locked(attempts.guard_of(connection, account), now):
        return SignInRefusal(code="locked_out", locked_until=attempts.guard_of(connection, account).locked_until)
    ticket = None if account is None else tickets.newest_ticket(connection, account)
    right = credentials.code_matches(
        None if ticket is None else ticket.code_hash, code.upper().translate(_MISREAD), weak=credentials.secrets_are_weak(store)
    )
    if account is None:
        note_device(connection, device, now)
        return SignInRefusal(code="sign_in_failed")
    fold = AccountFold(dossier_of(connection, [account]), account)
    if ticket is None or not right or now >= ticket.valid_until or _is_over(fold, ticket):
        note_device(connection, device, now)
        return _wrong_code(connection, config, fold, now)
    if not _is_in_effect(fold, ticket):
        return SignInRefusal(code="reset_not_witnessed")
    choose_secret(connection, store, account, secret, now, reset=ticket.digest)
    sessions.revoke_all(connection, account, at=now)
    return None


def _account(name: str) -> AccountId | None:
    try:
        return AccountId.parse(name)
    except UnreadableCodeError:
        return None


def _is_in_effect(fold: AccountFold, ticket: Ticket) -> bool:
    """Whether the reset of this very ticket was witnessed in time."""
    deeds = fold.dossier.deeds(fold.account, SecretResetIssued)
    return any(deed.act.ticket == ticket.digest and deed.recorded_at < deed.act.valid_until for deed in deeds)


def _is_over(fold: AccountFold, ticket: Ticket) -> bool:
    """Used already, or of an account that opens nothing any more."""
    used = any(deed.act.reset == ticket.digest for deed in fold.dossier.deeds(fold.account, SecretSet))
    return used or not fold.dossier.knows(fold.account) or fold.is_disabled


def _wrong_code(connection: Connection, config: Config, fold: AccountFold, now: datetime) -> SignInRefusal:
    guard = attempts.guard_of(connection, fold.account)
    if guard.locked_until is not None:
        attempts.clear_failures(connection, fold.account, keep_bar=True)
    return failed(connection, config, fold, "wrong reset code", now)
