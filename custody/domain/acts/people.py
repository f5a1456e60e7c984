"""Accounts, grants, training and delegation; sign-ins, refusals and lock-outs are kept as evidence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from custody.domain.acts.base import Act, Contents, Names, act, signed
from custody.domain.acts.donation import HAPPENED
from custody.domain.ids import AccountId, Digest, PersonId, SiteId, StudyId
from custody.domain.terms import READ_ONLY_ROLES, Meaning, Role, SiteKind

ADMINISTRATOR = (Role.ADMINISTRATOR,)
EVERYONE = tuple(Role)
WITNESSES = tuple(role for role in Role if role is not Role.ADMINISTRATOR and role not in READ_ONLY_ROLES)


class SecretKind(StrEnum):
    """What a person alone knows: the whole secret, or a PIN that counts together with the badge or later in a shift."""

    SECRET = "secret"  # noqa: S105 - the kind of a credential
    PIN = "pin"


@act(
    "site_registered",
    opens="first",
    title="Site registered",
    about=SiteId,
    unguarded_because="a site can do nothing by itself",
    biz_step="other",
    by=ADMINISTRATOR,
)
@dataclass(frozen=True, kw_only=True)
class SiteRegistered(Act):
    """`zone` is an IANA time-zone name; local times of this site are shown in it. `phone`: who to call at a STOP."""

    site: SiteId
    name: str
    kind: SiteKind
    zone: str
    phone: str


@act(
    "account_created",
    opens="first",
    title="Account created",
    about=AccountId,
    unguarded_because="an account without a grant can do nothing",
    biz_step="other",
    by=ADMINISTRATOR,
)
@dataclass(frozen=True, kw_only=True)
class AccountCreated(Act):
    """`identity_verified_by`: how the person proved who they are (21 CFR 11.100b)."""

    account: AccountId
    person: PersonId
    printed_name: str
    identity_verified_by: str


@act(
    "account_disabled",
    title="Account disabled",
    about=AccountId,
    after=("account_created",),
    unguarded_because="it only takes away",
    biz_step="other",
    by=ADMINISTRATOR,
)
@dataclass(frozen=True, kw_only=True)
class AccountDisabled(Act):
    account: AccountId
    reason: str


@act(
    "role_granted",
    title="Role granted",
    about=AccountId,
    after=("account_created",),
    unguarded_because="the duty check judges grants at every act",
    biz_step="other",
    by=ADMINISTRATOR,
)
@dataclass(frozen=True, kw_only=True)
class RoleGranted(Act):
    """Valid from `valid_from` to `valid_until`, both included, as days of its one site, and for one study (None: any study)."""

    account: AccountId
    role: Role
    site: Contents[SiteId]
    study: StudyId | None
    valid_from: date
    valid_until: date | None = None


@act(
    "role_revoked",
    title="Role revoked",
    about=AccountId,
    after=("role_granted",),
    unguarded_because="it only takes away",
    biz_step="other",
    by=ADMINISTRATOR,
)
@dataclass(frozen=True, kw_only=True)
class RoleRevoked(Act):
    account: AccountId
    role: Role
    site: SiteId
    study: StudyId | None
    reason: str


@act(
    "secret_set",
    title="Secret set",
    about=AccountId,
    after=("account_created",),
    unguarded_because="a secret grants nothing; it is written with the credential it speaks of",
    biz_step="other",
    by=EVERYONE,
)
@dataclass(frozen=True, kw_only=True)
class SecretSet(Act):
    """`row_digest` ties the credential row, kept outside the ledger, to this entry; `by_owner` is false for a first, one-time secret.

    `reset`: the ticket of the reset by which the owner chose it, without knowing the one before.
    """

    account: AccountId
    row_digest: Digest
    by_owner: bool
    kind: SecretKind = SecretKind.SECRET
    reset: Digest | None = None


@act(
    "secret_reset_issued",
    title="Secret reset by an administrator",
    about=AccountId,
    after=("account_created",),
    unguarded_because="it takes the secret away; only who holds the ticket can choose another",
    biz_step="other",
    # Two people, so that nobody uses the signature of somebody else without the help of another (21 CFR 11.200(a)(3)).
    signatures=(signed(Meaning.PERFORMED, *ADMINISTRATOR), signed(Meaning.WITNESSED, *WITNESSES)),
)
@dataclass(frozen=True, kw_only=True)
class SecretResetIssued(Act):
    """`ticket` ties the ticket's row, kept outside the ledger, to this entry. It counts once, until `valid_until`."""

    account: AccountId
    identity_verified_by: str
    reason: str
    ticket: Digest
    valid_until: datetime


@act(
    "badge_revoked",
    title="Badge and PIN revoked",
    about=AccountId,
    after=("account_created",),
    unguarded_because="it only takes away",
    biz_step="other",
    by=EVERYONE,
)
@dataclass(frozen=True, kw_only=True)
class BadgeRevoked(Act):
    """Every badge printed so far opens nothing more, and no PIN counts until a new one is chosen (21 CFR 11.300c)."""

    account: AccountId
    reason: str


@act(
    "access_reviewed",
    title="Access reviewed",
    about=StudyId,
    after=("study_proposed",),
    unguarded_because="a review changes no access; who should lose it is disabled or revoked by acts of their own",
    biz_step="other",
    signatures=(signed(Meaning.REVIEWED, Role.QA_REVIEWER, Role.QP),),
)
@dataclass(frozen=True, kw_only=True)
class AccessReviewed(Act):
    """Somebody looked at every account with its grants. `list_digest`: of exactly the list they were shown (Annex 11 section 12)."""

    study: StudyId
    accounts: tuple[Names[AccountId], ...]
    list_digest: Digest
    remarks: str


@act(
    "signature_policy_accepted",
    title="Signature policy accepted",
    about=AccountId,
    after=("account_created",),
    unguarded_because="it binds the person to their signatures (21 CFR 11.10j)",
    biz_step="other",
    by=EVERYONE,
)
@dataclass(frozen=True, kw_only=True)
class SignaturePolicyAccepted(Act):
    account: AccountId
    policy_version: str


@act(
    "training_recorded",
    title="Training recorded",
    about=AccountId,
    after=("account_created",),
    unguarded_because="hold point G4 judges training when it is needed",
    biz_step="other",
    signatures=(signed(Meaning.CONFIRMED, Role.QA_REVIEWER, Role.QP),),
)
@dataclass(frozen=True, kw_only=True)
class TrainingRecorded(Act):
    """`procedure` by the study's code, such as `manufacturing`; valid up to and including `valid_until`.

    `document_version`: the version of its SOP they were trained in; empty where the study keeps none here.
    """

    account: AccountId
    procedure: str
    passed_on: date
    valid_until: date
    document_version: str = ""


@act(
    "delegation_recorded",
    title="Entered on the delegation log",
    about=AccountId,
    after=("account_created",),
    unguarded_because="gate BED-TWO judges it at the bedside",
    biz_step="other",
    signatures=(signed(Meaning.APPROVED, Role.INVESTIGATOR),),
)
@dataclass(frozen=True, kw_only=True)
class DelegationRecorded(Act):
    account: AccountId
    duty: str
    valid_from: date
    valid_until: date


@act(
    "signed_in",
    title="Signed in",
    about=AccountId,
    after=("account_created",),
    unguarded_because=HAPPENED,
    biz_step="other",
    by=EVERYONE,
    evidence=True,
)
@dataclass(frozen=True, kw_only=True)
class SignedIn(Act):
    """`opened_with`: the whole secret, or badge and PIN at a bench several people share."""

    account: AccountId
    opened_with: SecretKind = SecretKind.SECRET


@act(
    "bench_opened",
    title="Shared bench opened",
    about=AccountId,
    after=("account_created",),
    unguarded_because=HAPPENED,
    biz_step="other",
    by=EVERYONE,
    evidence=True,
)
@dataclass(frozen=True, kw_only=True)
class BenchOpened(Act):
    """From now to `ends_at` people change at this station with badge and PIN."""

    account: AccountId
    station: str
    ends_at: datetime


@act(
    "sign_in_refused",
    title="Sign-in or signature refused",
    about=AccountId,
    after=("account_created",),
    unguarded_because=HAPPENED,
    biz_step="other",
    by=EVERYONE,
    evidence=True,
)
@dataclass(frozen=True, kw_only=True)
class SignInRefused(Act):
    """`locked_until` is set when this refusal was one too many."""

    account: AccountId
    reason: str
    locked_until: datetime | None = None


@act(
    "scan_refused",
    title="Scan refused",
    about=AccountId,
    after=("account_created",),
    unguarded_because="a scan is evidence",
    biz_step="inspecting",
    by=EVERYONE,
    evidence=True,
)
@dataclass(frozen=True, kw_only=True)
class ScanRefused(Act):
    """What was scanned, where, and the code of the refusal; `seen` is cut at 400 characters, its whole length in `length`."""

    account: AccountId
    where: str
    seen: str
    length: int
    refusal: str


@act(
    "access_refused",
    title="Access refused",
    about=AccountId,
    after=("account_created",),
    unguarded_because=HAPPENED,
    biz_step="other",
    by=EVERYONE,
    evidence=True,
)
@dataclass(frozen=True, kw_only=True)
class AccessRefused(Act):
    account: AccountId
    what: str
    refusal: str


@act(
    "record_viewed",
    title="Record viewed",
    about=AccountId,
    after=("account_created",),
    unguarded_because=HAPPENED,
    biz_step="other",
    by=EVERYONE,
    evidence=True,
)
@dataclass(frozen=True, kw_only=True)
class RecordViewed(Act):
    """What an inspector or monitor looked at: a thing, a search, or the audit trail of a person and a period."""

    account: AccountId
    what: str
