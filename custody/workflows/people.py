"""Accounts and sessions: the first account, sign-in, lock-out, signing again with the secret."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from custody.domain.acts.people import AccountCreated, RoleGranted, SiteRegistered
from custody.domain.dossier import Signed
from custody.domain.ids import AccountId, PersonId
from custody.domain.terms import Role
from custody.errors import InputError
from custody.store import entries
from custody.store.entries import NewEntry



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
    by = Signed(
        account=account, person=person, printed_name=printed_name, role=Role.ADMINISTRATOR, site=site.site, meaning=None, at=now
    )
    acts = (
        site,
        AccountCreated(account=account, person=person, printed_name=printed_name, identity_verified_by=identity_verified_by),
        RoleGranted(account=account, role=Role.ADMINISTRATOR, site=site.site, study=None, valid_from=now.date()),
    )
    entries.append(
        connection, [NewEntry(act=act, happened_at=now, by=by, study=None, station="command line") for act in acts], recorded_at=now
    )


