"""Who may do what: every account with its grants, training and delegations, what runs out soon, and the review of all of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256

from sqlalchemy import Connection

from custody.domain.acts.people import (
    AccessReviewed,
    AccountCreated,
    AccountDisabled,
    DelegationRecorded,
    RoleGranted,
    RoleRevoked,
    SecretKind,
    TrainingRecorded,
)
from custody.domain.acts.study import StudyApproved
from custody.domain.dossier import Deed, Signed
from custody.domain.duties import AccountFold, DayAt, Grant
from custody.domain.folds.base import MissingFact
from custody.domain.folds.study import StudyFold
from custody.domain.ids import AccountId, Digest, StudyId, node_of
from custody.domain.masking import Viewer
from custody.domain.terms import Role
from custody.errors import StaleError
from custody.ledger.canonical import canonical
from custody.store import lookups
from custody.workflows import sight
from custody.workflows.badges import badge_number
from custody.workflows.dossiers import dossier_of
from custody.workflows.outcome import Outcome
from custody.workflows.recording import record
from custody.workflows.secret_checks import standing_credential
from custody.workflows.signer import Signer
from custody.workflows.site_days import site_days

ACCOUNTS_MAX = 10_000
WARN_BEFORE = timedelta(days=30)
"""From when on something that runs out is named, so that it is renewed before it blocks."""


@dataclass(frozen=True, kw_only=True)
class GrantSeen:
    """One grant with its days, both included, and who gave it; `revoked` when it was taken back or given anew.

    `today` is the day at the site of the grant, None where nobody can say: the grant then does not stand.
    """

    grant: Grant
    valid_from: date
    valid_until: date | None
    by: Signed
    today: date | None
    revoked: bool = False

    @property
    def stands(self) -> bool:
        return not self.revoked and self.today is not None and self.valid_from <= self.today and not self.is_over

    @property
    def is_over(self) -> bool:
        return self.valid_until is not None and self.today is not None and self.valid_until < self.today


@dataclass(frozen=True, kw_only=True)
class RecordSeen:
    """One line of the training or delegation log; the later line of the same word counts."""

    word: str
    valid_from: date
    valid_until: date
    by: Signed
    counts: bool


@dataclass(frozen=True, kw_only=True)
class Due:
    """Something that runs out. `kind`: grant, training, delegation. `word`: the role, procedure or duty. `on`: its last day."""

    kind: str
    word: str
    on: date

    def is_over(self, day: date) -> bool:
        return self.on < day


@dataclass(frozen=True, kw_only=True)
class AccountSeen:
    """One account as those who look after access see it. Secrets are only said to be there."""

    account: AccountId
    person: str
    printed_name: str
    identity_verified_by: str
    created: Signed
    disabled: Deed[AccountDisabled] | None
    grants: tuple[GrantSeen, ...]
    training: tuple[RecordSeen, ...]
    delegations: tuple[RecordSeen, ...]
    policy_accepted: bool
    secret_since: datetime | None
    secret_is_one_time: bool
    pin_since: datetime | None
    badge: int
    today: date
    due: tuple[Due, ...]

    @property
    def standing(self) -> tuple[GrantSeen, ...]:
        return tuple(grant for grant in self.grants if grant.stands) if self.disabled is None else ()


@dataclass(frozen=True, kw_only=True)
class ReviewStanding:
    """When access was last reviewed in a study, by whom, and until when the next review is due."""

    last: Deed[AccessReviewed] | None
    due_at: datetime

    def is_overdue(self, now: datetime) -> bool:
        return self.due_at <= now

    def is_due_soon(self, now: datetime) -> bool:
        return self.due_at - WARN_BEFORE <= now


def accounts_seen(connection: Connection, viewer: Viewer, now: datetime) -> tuple[AccountSeen, ...]:
    """The accounts in this person's scope, by name."""
    nodes = (node_of(item.stream) for item in sight.newest(connection, viewer, AccountId.kind, ACCOUNTS_MAX))
    found = (_seen(connection, _fold(connection, node), now) for node in nodes if isinstance(node, AccountId))
    return tuple(sorted(found, key=lambda each: each.account.value))


def account_seen(connection: Connection, viewer: Viewer, account: AccountId, now: datetime) -> AccountSeen:
    """One account. Raises NotFoundError for one that nobody made, or outside this person's scope."""
    sight.require(connection, viewer, account)
    return _seen(connection, _fold(connection, account), now)


def _fold(connection: Connection, account: AccountId) -> AccountFold:
    return AccountFold(dossier_of(connection, [account]), account)


def _seen(connection: Connection, fold: AccountFold, now: datetime) -> AccountSeen:
    created = fold.dossier.first(fold.account, AccountCreated)
    assert created is not None
    day_at = site_days(fold.dossier, now)
    # What is not bound to a site runs by the day of the place where the person works.
    day = next((found for grant in fold.grants(day_at) if (found := day_at(grant.site)) is not None), now.date())
    secret = standing_credential(connection, fold, SecretKind.SECRET)
    pin = standing_credential(connection, fold, SecretKind.PIN)
    grants, training, delegations = tuple(_grants(fold, day_at)), _training(fold), _delegations(fold)
    return AccountSeen(
        account=fold.account,
        person=fold.person.value,
        printed_name=created.act.printed_name,
        identity_verified_by=created.act.identity_verified_by,
        created=created.entry.by,
        disabled=fold.dossier.last(fold.account, AccountDisabled),
        grants=grants,
        training=training,
        delegations=delegations,
        policy_accepted=fold.has_accepted_policy,
        secret_since=None if secret is None else secret.set_at,
        secret_is_one_time=secret is not None and secret.must_change,
        pin_since=None if pin is None else pin.set_at,
        badge=badge_number(fold),
        today=day,
        due=() if fold.is_disabled else tuple(_due(grants, training, delegations, day)),
    )


def _grants(fold: AccountFold, day_at: DayAt) -> Iterator[GrantSeen]:
    """Every grant ever given, oldest first. Given again, the later days count and the earlier are as good as taken back."""
    deeds = fold.dossier.deeds(fold.account, RoleGranted, RoleRevoked)
    for number, deed in enumerate(deeds):
        if not isinstance(deed.act, RoleGranted):
            continue
        grant = _grant_of(deed.act)
        yield GrantSeen(
            grant=grant,
            valid_from=deed.act.valid_from,
            valid_until=deed.act.valid_until,
            by=deed.entry.by,
            today=day_at(deed.act.site),
            revoked=any(_grant_of(later.act) == grant for later in deeds[number + 1 :]),
        )


def _grant_of(act: RoleGranted | RoleRevoked) -> Grant:
    return Grant(act.role, act.site, act.study)


def _training(fold: AccountFold) -> tuple[RecordSeen, ...]:
    deeds = fold.dossier.deeds(fold.account, TrainingRecorded)
    last = {deed.act.procedure: deed.digest for deed in deeds}
    return tuple(
        RecordSeen(
            word=deed.act.procedure,
            valid_from=deed.act.passed_on,
            valid_until=deed.act.valid_until,
            by=deed.signers[0],
            counts=last[deed.act.procedure] == deed.digest,
        )
        for deed in deeds
    )


def _delegations(fold: AccountFold) -> tuple[RecordSeen, ...]:
    deeds = fold.dossier.deeds(fold.account, DelegationRecorded)
    last = {deed.act.duty: deed.digest for deed in deeds}
    return tuple(
        RecordSeen(
            word=deed.act.duty,
            valid_from=deed.act.valid_from,
            valid_until=deed.act.valid_until,
            by=deed.signers[0],
            counts=last[deed.act.duty] == deed.digest,
        )
        for deed in deeds
    )


def _due(grants: tuple[GrantSeen, ...], training: tuple[RecordSeen, ...], delegations: tuple[RecordSeen, ...], day: date) -> Iterator[Due]:
    """What ends within the warning time, or has ended and was not renewed; soonest first."""
    found = [Due(kind="grant", word=each.grant.role, on=each.valid_until) for each in grants if not each.revoked and each.valid_until]
    found += [Due(kind="training", word=each.word, on=each.valid_until) for each in training if each.counts]
    found += [Due(kind="delegation", word=each.word, on=each.valid_until) for each in delegations if each.counts]
    yield from sorted((each for each in found if each.on <= day + WARN_BEFORE), key=lambda each: (each.on, each.kind, each.word))


def review_standing(connection: Connection, study: StudyId, now: datetime) -> ReviewStanding:
    """When the next access review of a study is due: so many days after the last one, the first so many after its approval.

    Due now where no criteria say how often (rules section 19, access_review_days).
    """
    fold = StudyFold(dossier_of(connection, [study]), study)
    last = fold.dossier.last(study, AccessReviewed)
    began = fold.dossier.first(study, StudyApproved)
    try:
        days = fold.criteria_now.settings.access_review_days
    except MissingFact:
        return ReviewStanding(last=last, due_at=now)
    assert began is not None
    since = began.recorded_at if last is None else last.recorded_at
    return ReviewStanding(last=last, due_at=since + timedelta(days=days))


def to_review(connection: Connection, study: StudyId, now: datetime) -> tuple[AccountSeen, ...]:
    """Every enabled account with a grant that covers the study today or later, and every administrator, whatever the site."""
    nodes = (node_of(item.stream) for item in lookups.streams_of_kind(connection, AccountId.kind, limit=ACCOUNTS_MAX))
    folds = (_fold(connection, node) for node in nodes if isinstance(node, AccountId))
    found = (_seen(connection, fold, now) for fold in folds if fold.dossier.knows(fold.account))
    return tuple(sorted((each for each in found if _belongs(each, study)), key=lambda each: each.account.value))


def _belongs(each: AccountSeen, study: StudyId) -> bool:
    if each.disabled is not None:
        return False
    open_grants = [seen.grant for seen in each.grants if not (seen.revoked or seen.is_over)]
    return any(grant.covers(study) or grant.role is Role.ADMINISTRATOR for grant in open_grants)


def list_digest(rows: tuple[AccountSeen, ...]) -> Digest:
    """The digest of what is reviewed: who holds what, from when, until when."""
    content = [
        {
            "account": row.account.value,
            "person": row.person,
            "grants": [
                [
                    seen.grant.role.value,
                    seen.grant.site.value,
                    seen.grant.study.value if seen.grant.study is not None else None,
                    seen.valid_from.isoformat(),
                    seen.valid_until.isoformat() if seen.valid_until is not None else None,
                ]
                for seen in row.grants
                if not seen.revoked
            ],
        }
        for row in rows
    ]
    return Digest(sha256(b"custody access list/1\n" + canonical(content)).hexdigest())


def review(connection: Connection, signer: Signer, study: StudyId, shown: Digest, remarks: str, now: datetime) -> Outcome:
    """Sign that the list as it was shown is right. Raises StaleError when somebody's access has changed since."""
    rows = to_review(connection, study, now)
    if list_digest(rows) != shown:
        raise StaleError("somebody's access changed while you were looking; look again before you sign", code="access_changed")
    act = AccessReviewed(study=study, accounts=tuple(row.account for row in rows), list_digest=shown, remarks=remarks)
    return record(connection, act, signer, now)
