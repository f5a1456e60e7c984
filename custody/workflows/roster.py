"""The list of accounts, and administrators who act from the command line."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from custody.config import Config
from custody.domain.acts.people import SecretKind
from custody.domain.duties import AccountFold
from custody.domain.ids import AccountId, SiteId, StudyId, node_of
from custody.domain.terms import Role
from custody.errors import NotFoundError, NotPermittedError
from custody.store import lookups, sessions
from custody.store.connection import Store
from custody.workflows.door import unit_of_work
from custody.workflows.dossiers import dossier_of
from custody.workflows.people import choose_secret
from custody.workflows.rehearsal.steps import people as people_of_the_demonstration
from custody.workflows.secret_checks import compare_ahead, refused, standing_credential
from custody.workflows.signer import Signer
from custody.workflows.site_days import site_days

ACCOUNTS_MAX = 10_000
ONE_TIME_BYTES = 12


@dataclass(frozen=True, kw_only=True)
class AccountRow:
    account: str
    person: str
    printed_name: str
    enabled: bool
    grants: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "account": self.account,
            "person": self.person,
            "printed_name": self.printed_name,
            "enabled": self.enabled,
            "grants": list(self.grants),
        }


def accounts(connection: Connection, now: datetime) -> tuple[AccountRow, ...]:
    """Every account by name, with its grants of today."""
    rows = []
    for item in lookups.streams_of_kind(connection, "account", limit=ACCOUNTS_MAX):
        node = node_of(item.stream)
        assert isinstance(node, AccountId)
        fold = AccountFold(dossier_of(connection, [node]), node)
        grants = tuple(f"{g.role} at {g.site}" + (f" for {g.study}" if g.study else "") for g in fold.grants(site_days(fold.dossier, now)))
        rows.append(
            AccountRow(
                account=node.value,
                person=fold.person.value,
                printed_name=fold.created.printed_name,
                enabled=not fold.is_disabled,
                grants=grants,
            )
        )
    return tuple(sorted(rows, key=lambda row: row.account))


def today_at(connection: Connection, site: SiteId, now: datetime) -> date:
    """The day it is at a site, from which a grant there can begin. Raises NotFoundError for a site nobody registered."""
    today = site_days(dossier_of(connection, [site]), now)(site)
    if today is None:
        raise NotFoundError(f"there is no site {site}; register it first", code="unknown_thing", kind=site.kind, seen=site)
    return today


def administrator(store: Store, config: Config, name: str, secret: str, now: datetime) -> Signer:
    """The administrator `name`, after their secret. Raises NotPermittedError."""
    return with_role(store, config, name, secret, now, Role.ADMINISTRATOR, None)


def with_role(store: Store, config: Config, name: str, secret: str, now: datetime, role: Role, study: StudyId | None) -> Signer:
    """Somebody at the command line in a role they hold today, after their secret. Raises NotPermittedError.

    A one-time secret, which somebody else knows too, signs nothing. Works in a transaction of its own: a wrong secret is counted and
    kept although nothing else happens.
    """
    account = AccountId.parse(name)
    fold = _proved(store, config, account, secret, now)
    with store.reading() as connection:
        known = standing_credential(connection, fold, SecretKind.SECRET)
    if known is None or known.must_change:
        raise NotPermittedError(
            f"{name} still has a one-time secret; choose your own first with `custody account secret {name}`", code="own_secret_first"
        )
    grant = next((g for g in fold.grants(site_days(fold.dossier, now)) if g.role is role and g.covers(study)), None)
    if grant is None:
        raise NotPermittedError(f"{name} does not hold the role {role} today", code="role_not_granted", role=role)
    return Signer(account=account, role=role, site=grant.site, study=study, station="command line", method="secret")


def choose_own(store: Store, config: Config, name: str, secret: str, new: str, now: datetime) -> None:
    """The owner's own secret in place of a one-time one, or of one they had. Raises NotPermittedError, InputError."""
    account = AccountId.parse(name)
    _proved(store, config, account, secret, now)
    with unit_of_work(store) as connection:
        choose_secret(connection, store, account, new, now)


def _proved(store: Store, config: Config, account: AccountId, secret: str, now: datetime) -> AccountFold:
    already = compare_ahead(store, account, secret, now, SecretKind.SECRET)
    with unit_of_work(store) as connection:
        refusal = refused(connection, store, config, account, secret, now, already=already)
        fold = AccountFold(dossier_of(connection, [account]), account)
    if refusal is not None:
        raise NotPermittedError(f"{account}: wrong secret, or locked out", code=refusal.code)
    return fold


def end_sessions(connection: Connection, account: AccountId, now: datetime) -> int:
    return sessions.revoke_all(connection, account, at=now)


def one_time_secret() -> str:
    """A first secret its owner must replace."""
    return secrets.token_urlsafe(ONE_TIME_BYTES)


@dataclass(frozen=True, kw_only=True)
class DemonstrationAccount:
    account: str
    printed_name: str
    roles: tuple[Role, ...]


def demonstration_accounts() -> tuple[DemonstrationAccount, ...]:
    """The people of a demonstration store, in the order of the road."""
    return tuple(
        DemonstrationAccount(account=person.account.value, printed_name=person.printed_name, roles=person.roles)
        for person in people_of_the_demonstration().values()
    )
