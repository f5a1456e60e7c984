"""Accounts and sessions: the first account, secrets, sign-in with lock-out, signing again with the secret."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from custody.config import Config
from custody.domain.acts.base import Act
from custody.domain.acts.people import AccountCreated, RoleGranted, SecretSet, SignedIn, SignInRefused, SiteRegistered
from custody.domain.acts.study import CohortOpened
from custody.domain.dossier import Signed
from custody.domain.duties import AccountFold, Grant
from custody.domain.folds.study import StudyFold
from custody.domain.ids import AccountId, PersonId, StudyId
from custody.domain.masking import Viewer, is_blind
from custody.domain.terms import Role
from custody.errors import InputError, NotPermittedError, UnreadableCodeError
from custody.store import credentials, entries, sessions
from custody.store.connection import Store
from custody.store.entries import NewEntry
from custody.store.sessions import Session
from custody.workflows.dossiers import dossier_of

SECRET_LENGTH_MIN = 10
SECRET_LENGTH_MAX = 200
CLOCK_BACK_MAX = timedelta(seconds=120)
"""By how much the clock may stand before the last thing somebody did in their session; more ends it (rules section 19)."""


@dataclass(frozen=True, kw_only=True)
class SignInRefusal:
    """Why nobody was let in. Returned, not raised: the attempt itself is kept. `code` names the sentence."""

    code: str
    locked_until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Present:
    """A person with a running session: who, with which grants today."""

    session: Session
    account: AccountId
    person: PersonId
    printed_name: str
    grants: tuple[Grant, ...]
    must_change_secret: bool
    has_accepted_policy: bool

    @property
    def roles(self) -> frozenset[Role]:
        return frozenset(grant.role for grant in self.grants)


def bootstrap(
    connection: Connection,
    *,
    account: AccountId,
    person: PersonId,
    printed_name: str,
    site: SiteRegistered,
    identity_verified_by: str,
    now: datetime,
) -> None:
    """The first site and the first administrator of an empty ledger; everybody else is made by that account.

    Raises InputError when the ledger is not empty.
    """
    if entries.size(connection):
        raise InputError("the first account exists already; sign in with it to make others", code="not_empty")
    by = Signed(account=account, person=person, printed_name=printed_name, role=Role.ADMINISTRATOR, site=site.site, meaning=None, at=now)
    acts = (
        site,
        AccountCreated(account=account, person=person, printed_name=printed_name, identity_verified_by=identity_verified_by),
        RoleGranted(account=account, role=Role.ADMINISTRATOR, site=site.site, study=None, valid_from=now.date()),
    )
    _append(connection, acts, by, now)


def give_first_secret(connection: Connection, store: Store, account: AccountId, secret: str, by: AccountId, now: datetime) -> None:
    """A one-time secret that somebody else chose; its owner must replace it before doing anything else (21 CFR 11.200).

    Whoever still has the old one is signed out: it may be in wrong hands (21 CFR 11.300c).
    """
    _set(connection, store, account, secret, by, now, by_owner=False)
    sessions.revoke_all(connection, account, at=now)


def choose_secret(connection: Connection, store: Store, account: AccountId, secret: str, now: datetime) -> None:
    """The secret its owner chose. Raises InputError when it is too short or too long, or the one they have."""
    if not SECRET_LENGTH_MIN <= len(secret) <= SECRET_LENGTH_MAX:
        raise InputError(
            f"a secret has {SECRET_LENGTH_MIN} to {SECRET_LENGTH_MAX} characters",
            code="secret_length",
            field="secret",
            least=SECRET_LENGTH_MIN,
        )
    before = credentials.newest_credential(connection, account)
    if before is not None and credentials.secret_matches(before, secret, weak=credentials.secrets_are_weak(store)):
        raise InputError("this is the secret you have; choose another", code="secret_same", field="secret")
    _set(connection, store, account, secret, account, now, by_owner=True)


def _set(connection: Connection, store: Store, account: AccountId, secret: str, by: AccountId, now: datetime, *, by_owner: bool) -> None:
    hashed = credentials.hash_secret(secret, weak=credentials.secrets_are_weak(store))
    kept = credentials.set_secret(connection, account, hashed, set_at=now, must_change=not by_owner)
    act = SecretSet(account=account, row_digest=credentials.row_digest(kept), by_owner=by_owner)
    _append(connection, (act,), _as_themselves(connection, by, now), now)
    credentials.clear_failures(connection, account)


def sign_in(
    connection: Connection, store: Store, config: Config, name: str, secret: str, station: str, now: datetime
) -> tuple[str, Session] | SignInRefusal:
    """A session and its token, or why there is none. Wrong name and wrong secret answer alike, and take as long."""
    try:
        account = AccountId.parse(name)
    except UnreadableCodeError:
        credentials.secret_matches(None, secret, weak=credentials.secrets_are_weak(store))
        return SignInRefusal(code="sign_in_failed")
    refusal = refused(connection, store, config, account, secret, now)
    if refusal is not None:
        return refusal
    token, session = sessions.open_session(connection, account, station=station, now=now, lasts_at_most=config.session_absolute)
    _append(connection, (SignedIn(account=account),), _as_themselves(connection, account, now), now)
    return token, session


def refused(connection: Connection, store: Store, config: Config, account: AccountId, secret: str, now: datetime) -> SignInRefusal | None:
    """None when the secret is right; else why not, with the attempt counted and, for an account there is, kept in the ledger.

    Attempts on a name that nobody has are counted and locked out alike, so that an answer never tells which names exist.
    """
    guard = credentials.guard_of(connection, account)
    if guard.locked_until is not None and now < guard.locked_until:
        return SignInRefusal(code="locked_out", locked_until=guard.locked_until)
    failures = guard.failures
    if guard.locked_until is not None:
        credentials.clear_failures(connection, account)
        failures = 0
    fold = AccountFold(dossier_of(connection, [account]), account)
    enabled = fold.dossier.knows(account) and not fold.is_disabled
    known = credentials.newest_credential(connection, account) if enabled else None
    if credentials.secret_matches(known, secret, weak=credentials.secrets_are_weak(store)):
        credentials.clear_failures(connection, account)
        return None
    too_many = failures + 1 >= config.lockout_after
    until = now + config.lockout_for if too_many else None
    credentials.note_failure(connection, account, at=now, locked_until=until)
    _keep_attempt(connection, fold, "wrong secret" if enabled else "account disabled", until, now)
    return SignInRefusal(code="locked_out" if too_many else "sign_in_failed", locked_until=until)


def _keep_attempt(connection: Connection, fold: AccountFold, reason: str, until: datetime | None, now: datetime) -> None:
    """The attempt in the account's own stream, in the role it holds or held last; an account that never had a role has done nothing."""
    granted = fold.dossier.last(fold.account, RoleGranted)
    if granted is None:
        return
    standing = next(iter(fold.grants(now.date())), Grant(granted.act.role, granted.act.site, granted.act.study))
    act = SignInRefused(account=fold.account, reason=reason, locked_until=until)
    _append(connection, (act,), _in_role(fold, standing, now), now)


def check_secret(
    connection: Connection, store: Store, config: Config, present: Present, secret: str, now: datetime
) -> SignInRefusal | None:
    """None when this is the secret of the person at the keyboard; a signature then counts. Too many wrong ones end every session."""
    refusal = refused(connection, store, config, present.account, secret, now)
    if refusal is None:
        sessions.secret_given(connection, present.session, now=now)
    elif refusal.code == "locked_out":
        sessions.revoke_all(connection, present.account, at=now)
    return refusal


def present(connection: Connection, config: Config, token: str, now: datetime) -> Present | None:
    """Who holds this session, with their grants of today; None when it is over, the account is disabled or the clock was set back."""
    session = sessions.find_session(connection, token, now=now, idle_at_most=config.session_idle)
    if session is None or now < session.last_seen_at - CLOCK_BACK_MAX:
        return None
    fold = AccountFold(dossier_of(connection, [session.account]), session.account)
    if fold.is_disabled:
        return None
    credential = credentials.newest_credential(connection, session.account)
    return Present(
        session=session,
        account=session.account,
        person=fold.person,
        printed_name=fold.created.printed_name,
        grants=fold.grants(now.date()),
        must_change_secret=credential is None or credential.must_change,
        has_accepted_policy=fold.has_accepted_policy,
    )


def keep_awake(connection: Connection, session: Session, now: datetime) -> None:
    """The person did something: the idle time begins again."""
    if now - session.last_seen_at > timedelta(seconds=30):
        sessions.seen(connection, session, now=now)


def sign_out(connection: Connection, session: Session, now: datetime) -> None:
    sessions.revoke(connection, session, at=now)


def viewer_of(connection: Connection, present: Present, study: StudyId | None) -> Viewer:
    """What this person may see: blind when all their roles are and a blinded phase has begun."""
    blinded_phase = False
    if study is not None:
        blinded_phase = _blinded_phase_has_begun(StudyFold(dossier_of(connection, [study]), study))
    first = present.grants[0] if present.grants else None
    if first is None:
        raise NotPermittedError("this account holds no role today; ask an administrator", code="no_grant")
    return Viewer(
        account=present.account,
        printed_name=present.printed_name,
        roles=present.roles,
        site=first.site,
        study=study,
        blind=is_blind(present.roles, blinded_phase=blinded_phase),
    )


def _blinded_phase_has_begun(study: StudyFold) -> bool:
    """Closing the cohort unblinds nobody: what was hidden stays hidden."""
    opened = {deed.act.cohort for deed in study.dossier.deeds(study.study, CohortOpened)}
    return any(cohort.blinded and cohort.id in opened for content in study.approved.values() for cohort in content.cohorts)


def _as_themselves(connection: Connection, account: AccountId, now: datetime) -> Signed:
    fold = AccountFold(dossier_of(connection, [account]), account)
    grants = fold.grants(now.date())
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


def _append(connection: Connection, acts: tuple[Act, ...], by: Signed, now: datetime) -> None:
    new = [NewEntry(act=act, happened_at=now, by=by, study=None, station="") for act in acts]
    entries.append(connection, new, recorded_at=now)
