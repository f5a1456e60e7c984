"""Accounts and sessions: the first account, secrets, sign-in with lock-out, signing again with the secret."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from custody.config import Config
from custody.domain.acts.people import AccountCreated, RoleGranted, SecretKind, SecretSet, SignedIn, SiteRegistered
from custody.domain.acts.study import CohortOpened
from custody.domain.dossier import Signed
from custody.domain.duties import AccountFold, Grant
from custody.domain.folds.study import StudyFold
from custody.domain.ids import AccountId, Digest, PersonId, StudyId
from custody.domain.masking import Viewer, is_blind
from custody.domain.scope import reach_of
from custody.domain.terms import Role
from custody.errors import InputError, NotPermittedError, UnreadableCodeError
from custody.store import attempts, credentials, entries, sessions
from custody.store.connection import Store
from custody.store.sessions import Bench, Session
from custody.workflows.dossiers import dossier_of
from custody.workflows.secret_checks import Compared, SignInRefusal, append, as_themselves, is_too_many, note_device, refused
from custody.workflows.site_days import day_in, site_days

__all__ = ["Compared", "SignInRefusal", "refused"]

SECRET_LENGTH_MIN = 10
SECRET_LENGTH_MAX = 200
CLOCK_BACK_MAX = timedelta(seconds=120)
"""By how much the clock may stand before the last thing somebody did in their session; more ends it (rules section 19)."""


@dataclass(frozen=True, kw_only=True)
class Present:
    """A person with a running session: who, with which grants today. `zone`: the IANA time zone of their site, empty if unknown."""

    session: Session
    account: AccountId
    person: PersonId
    printed_name: str
    grants: tuple[Grant, ...]
    must_change_secret: bool
    has_accepted_policy: bool
    zone: str

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
    today = day_in(site.zone, now)
    if today is None:
        raise InputError(f"“{site.zone}” is no time zone known here; expected a name such as Asia/Shanghai", code="zone_unknown")
    by = Signed(account=account, person=person, printed_name=printed_name, role=Role.ADMINISTRATOR, site=site.site, meaning=None, at=now)
    acts = (
        site,
        AccountCreated(account=account, person=person, printed_name=printed_name, identity_verified_by=identity_verified_by),
        RoleGranted(account=account, role=Role.ADMINISTRATOR, site=site.site, study=None, valid_from=today),
    )
    append(connection, acts, by, now)


def give_first_secret(connection: Connection, store: Store, account: AccountId, secret: str, by: AccountId, now: datetime) -> None:
    """A one-time secret that somebody else chose; its owner must replace it before doing anything else (21 CFR 11.200).

    Whoever still has the old one is signed out: it may be in wrong hands (21 CFR 11.300c).
    """
    _set(connection, store, account, secret, by, now, by_owner=False)
    sessions.revoke_all(connection, account, at=now)


def choose_secret(
    connection: Connection, store: Store, account: AccountId, secret: str, now: datetime, *, reset: Digest | None = None
) -> None:
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
    _set(connection, store, account, secret, account, now, by_owner=True, reset=reset)


def _set(
    connection: Connection,
    store: Store,
    account: AccountId,
    secret: str,
    by: AccountId,
    now: datetime,
    *,
    by_owner: bool,
    reset: Digest | None = None,
) -> None:
    hashed = credentials.hash_secret(secret, weak=credentials.secrets_are_weak(store))
    kept = credentials.set_secret(connection, account, hashed, set_at=now, must_change=not by_owner)
    act = SecretSet(account=account, row_digest=credentials.row_digest(kept), by_owner=by_owner, reset=reset)
    append(connection, (act,), as_themselves(connection, by, now), now)
    attempts.clear_failures(connection, account)
    sessions.end_shifts(connection, account)


def sign_in(
    connection: Connection,
    store: Store,
    config: Config,
    name: str,
    secret: str,
    station: str,
    now: datetime,
    *,
    device: str = "",
    bench: Bench | None = None,
    already: Compared | None = None,
) -> tuple[str, Session] | SignInRefusal:
    """A session and its token, or why there is none. Wrong name and wrong secret answer alike, and take as long.

    `device` says where the attempt comes from: an address, or a session it had. `already`: what `compare_ahead` found.
    """
    if is_too_many(connection, device, now):
        return SignInRefusal(code="too_many_attempts")
    try:
        account = AccountId.parse(name)
    except UnreadableCodeError:
        credentials.secret_matches(None, secret, weak=credentials.secrets_are_weak(store))
        note_device(connection, device, now)
        return SignInRefusal(code="sign_in_failed")
    refusal = refused(connection, store, config, account, secret, now, already=already)
    if refusal is not None:
        note_device(connection, device, now)
        return refusal
    return enter(connection, config, account, station, now, SecretKind.SECRET, bench)


def enter(
    connection: Connection, config: Config, account: AccountId, station: str, now: datetime, opened_with: SecretKind, bench: Bench | None
) -> tuple[str, Session]:
    """A session for somebody whose secret or PIN was right; the sign-in is kept, and sessions that are over are cleared away."""
    sessions.forget_ended(connection, now=now)
    token, session = sessions.open_session(
        connection, account, station=station, now=now, lasts_at_most=config.session_absolute, opened_with=opened_with, bench=bench
    )
    append(connection, (SignedIn(account=account, opened_with=opened_with),), as_themselves(connection, account, now), now, session.station)
    return token, session


def check_secret(
    connection: Connection,
    store: Store,
    config: Config,
    present: Present,
    secret: str,
    now: datetime,
    *,
    already: Compared | None = None,
    kind: SecretKind = SecretKind.SECRET,
) -> SignInRefusal | None:
    """None when this is the secret (or PIN) of the person at the keyboard. Too many wrong ones end every session."""
    refusal = refused(connection, store, config, present.account, secret, now, kind=kind, already=already)
    if refusal is None:
        sessions.seen(connection, present.session, now=now)
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
    grants = fold.grants(site_days(fold.dossier, now))
    site = fold.dossier.last(grants[0].site, SiteRegistered) if grants else None
    return Present(
        session=session,
        account=session.account,
        person=fold.person,
        printed_name=fold.created.printed_name,
        grants=grants,
        must_change_secret=credential is None or credential.must_change,
        has_accepted_policy=fold.has_accepted_policy,
        zone="" if site is None else site.act.zone,
    )


def keep_awake(connection: Connection, session: Session, now: datetime) -> None:
    """The person did something: the idle time begins again."""
    if now - session.last_seen_at > timedelta(seconds=30):
        sessions.seen(connection, session, now=now)


def sign_out(connection: Connection, session: Session, now: datetime) -> None:
    sessions.revoke(connection, session, at=now)
    sessions.end_shift_here(connection, session)


def replace_session(connection: Connection, session: Session, now: datetime) -> None:
    """Somebody else takes the device; whoever was there has not left for the day."""
    sessions.revoke(connection, session, at=now)


@dataclass(frozen=True, kw_only=True)
class LastHere:
    """Who had this device last, although their session may sleep; it lets nobody in. `device` names the device for the count of tries."""

    account: AccountId
    printed_name: str
    device: str


def last_here(connection: Connection, token: str, now: datetime) -> LastHere | None:
    session = sessions.known_device(connection, token, now=now) if token else None
    if session is None:
        return None
    fold = AccountFold(dossier_of(connection, [session.account]), session.account)
    return LastHere(account=session.account, printed_name=fold.created.printed_name, device=f"session {session.token_digest}")


def viewer_of(connection: Connection, present: Present, study: StudyId | None) -> Viewer:
    """What this person may see: blind when all their roles are and a blinded phase has begun; who works in no study sees no arm either."""
    blinded_phase = study is None or _blinded_phase_has_begun(StudyFold(dossier_of(connection, [study]), study))
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
        by_grants=reach_of(present.grants, study, account=present.account, person=present.person),
    )


def _blinded_phase_has_begun(study: StudyFold) -> bool:
    """Closing the cohort unblinds nobody: what was hidden stays hidden."""
    opened = {deed.act.cohort for deed in study.dossier.deeds(study.study, CohortOpened)}
    return any(cohort.blinded and cohort.id in opened for content in study.approved.values() for cohort in content.cohorts)
