"""The list of accounts, and administrators who act from the command line."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from custody.config import Config
from custody.domain.duties import AccountFold
from custody.domain.ids import AccountId, StudyId, node_of
from custody.domain.terms import Role
from custody.errors import NotPermittedError
from custody.store import lookups, sessions
from custody.store.connection import Store
from custody.workflows.dossiers import dossier_of
from custody.workflows.people import refused
from custody.workflows.rehearsal.steps import people as people_of_the_demonstration
from custody.workflows.signer import Signer

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


def accounts(connection: Connection, day: date) -> tuple[AccountRow, ...]:
    """Every account by name, with its grants on `day`."""
    rows = []
    for item in lookups.streams_of_kind(connection, "account", limit=ACCOUNTS_MAX):
        node = node_of(item.stream)
        assert isinstance(node, AccountId)
        fold = AccountFold(dossier_of(connection, [node]), node)
        grants = tuple(f"{g.role} at {g.site}" + (f" for {g.study}" if g.study else "") for g in fold.grants(day))
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


def administrator(store: Store, config: Config, name: str, secret: str, now: datetime) -> Signer:
    """The administrator `name`, after their secret. Raises NotPermittedError."""
    return with_role(store, config, name, secret, now, Role.ADMINISTRATOR, None)


def with_role(store: Store, config: Config, name: str, secret: str, now: datetime, role: Role, study: StudyId | None) -> Signer:
    """Somebody at the command line in a role they hold today, after their secret. Raises NotPermittedError.

    Works in a transaction of its own: a wrong secret is counted and kept although nothing else happens.
    """
    account = AccountId.parse(name)
    with store.writing() as connection:
        refusal = refused(connection, store, config, account, secret, now)
        fold = AccountFold(dossier_of(connection, [account]), account)
    if refusal is not None:
        raise NotPermittedError(f"{name}: wrong secret, or locked out", code=refusal.code)
    grant = next((g for g in fold.grants(now.date()) if g.role is role and g.covers(study)), None)
    if grant is None:
        raise NotPermittedError(f"{name} does not hold the role {role} today", code="role_not_granted", role=role)
    return Signer(account=account, role=role, site=grant.site, study=study, station="command line", method="secret")


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
