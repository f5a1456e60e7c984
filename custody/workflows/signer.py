"""The person at the keyboard, as the session knows them: account, role for this act, site, study, station."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from custody.domain.acts.base import ActRule
from custody.domain.dossier import Dossier, Signed
from custody.domain.duties import AccountFold, check_role, roles_at
from custody.domain.ids import AccountId, EquipmentId, SiteId, StudyId
from custody.domain.terms import Role
from custody.errors import NotPermittedError
from custody.workflows.site_days import site_days


@dataclass(frozen=True, kw_only=True)
class Signer:
    """`method` says how this very act was signed (`secret`: the secret was asked again); None when nothing was asked.

    `workstation`: the bench or cabinet at which they stand, where their device says so.

    `key` is the idempotency key of the request; the same key brings back the first answer.
    """

    account: AccountId
    role: Role
    site: SiteId
    study: StudyId | None
    station: str = ""
    workstation: EquipmentId | None = None
    method: str | None = None
    key: str | None = None


def signed_now(signer: Signer, rule: ActRule, place: int, dossier: Dossier, now: datetime) -> Signed:
    """The signer's part in an act, after every check of who they are.

    Raises NotPermittedError: no such account, disabled, role not granted today at this site for this study, role that may not do
    this, policy not accepted, or signature without the secret.
    """
    account = AccountFold(dossier, signer.account)
    created = account.created
    if account.is_disabled:
        raise NotPermittedError(f"the account {signer.account} is disabled", code="account_disabled")
    today = account.grants(site_days(dossier, now))
    granted = any(g.role is signer.role and g.site == signer.site and g.covers(signer.study) for g in today)
    if not granted:
        raise NotPermittedError(
            f"{signer.account} does not hold the role {signer.role} at {signer.site} today", code="role_not_granted", role=signer.role
        )
    meaning = check_role(rule, place, signer.role)
    if meaning is not None:
        if not account.has_accepted_policy:
            raise NotPermittedError("accept the signature policy before the first signature", code="policy_not_accepted")
        if signer.method is None:
            raise NotPermittedError("a signature needs the secret again", code="secret_needed")
    return Signed(
        account=signer.account,
        person=created.person,
        printed_name=created.printed_name,
        role=signer.role,
        site=signer.site,
        meaning=meaning,
        at=now,
    )


def role_for(rule: ActRule, place: int, account: AccountFold, study: StudyId | None, now: datetime) -> tuple[Role, SiteId]:
    """The first standing grant with which this account may take this place in the act. Raises NotPermittedError."""
    wanted = roles_at(rule, place)
    for grant in account.grants(site_days(account.dossier, now)):
        if grant.role in wanted and grant.covers(study):
            return grant.role, grant.site
    expected = ", ".join(sorted(role.value for role in wanted))
    raise NotPermittedError(f"{rule.title}: none of your roles may do this; expected {expected}", code="wrong_role", expected=expected)
