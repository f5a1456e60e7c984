"""Accounts and sessions: the first account, sign-in, lock-out, signing again with the secret."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from custody.domain.acts.people import AccountCreated, RoleGranted, SecretSet, SignedIn, SignInRefused, SiteRegistered
from custody.domain.dossier import Signed
from custody.domain.duties import AccountFold
from custody.domain.ids import AccountId, Digest, PersonId, SiteId
from custody.domain.terms import Role, SiteKind
from custody.errors import InputError, NotPermittedError
from custody.store import credentials, entries, sessions
from custody.store.entries import NewEntry
from custody.workflows.dossiers import dossier_of
from custody.workflows.signer import Signer

assert hashlib
assert dataclass
assert timedelta
assert Digest
assert SignedIn
assert SignInRefused
assert SecretSet
assert NotPermittedError
assert sessions
assert credentials
assert AccountFold
assert dossier_of
assert Signer


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


assert SiteId
assert SiteKind
