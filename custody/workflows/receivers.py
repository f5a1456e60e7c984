"""Who may take something over, by the names printed on their badges: nobody has to know a person's number."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from custody.domain.acts.shipping import HandoffAccepted
from custody.domain.duties import AccountFold, roles_at
from custody.domain.ids import AccountId, PersonId, node_of
from custody.domain.masking import Viewer
from custody.store import lookups
from custody.workflows import sight
from custody.workflows.choices import Known
from custody.workflows.dossiers import dossier_of
from custody.workflows.site_days import site_days
from custody.workflows.viewing import TimelineEvent

ACCOUNTS_MAX = 1_000
TO_PERSON = "to_person"


def receivers(connection: Connection, viewer: Viewer, now: datetime) -> tuple[Known, ...]:
    """Everybody this person may find who may take something over today, themselves left out; people of other sites show their badge."""
    wanted = roles_at(HandoffAccepted.rule, 0)
    found = []
    for fold in _folds(connection, (item.stream for item in sight.newest(connection, viewer, AccountId.kind, ACCOUNTS_MAX))):
        if fold.is_disabled or fold.account == viewer.account:
            continue
        if any(grant.role in wanted for grant in fold.grants(site_days(fold.dossier, now))):
            name = fold.created.printed_name
            found.append(Known(value=fold.account.value, english=name, chinese=name))
    return tuple(sorted(found, key=lambda known: (known.english, known.value)))


def with_names(connection: Connection, events: Iterable[TimelineEvent]) -> tuple[TimelineEvent, ...]:
    """The same events, with printed names in place of the numbers of people named in a hand-over."""
    events = tuple(events)
    named = {value for event in events for _, value in event.values if isinstance(value, PersonId)}
    names = printed_names(connection, named) if named else {}
    return tuple(dataclasses.replace(event, values=tuple(_named(name, value, names) for name, value in event.values)) for event in events)


def _named(field: str, value: object, names: dict[PersonId, str]) -> tuple[str, object]:
    return field, names.get(value, value) if field == TO_PERSON and isinstance(value, PersonId) else value


def printed_names(connection: Connection, people: set[PersonId] | None = None) -> dict[PersonId, str]:
    """The printed name of each of these people (None: of everybody), as their newest account says it."""
    streams = (item.stream for item in lookups.streams_of_kind(connection, AccountId.kind, limit=ACCOUNTS_MAX))
    return {fold.person: fold.created.printed_name for fold in _folds(connection, streams) if people is None or fold.person in people}


def _folds(connection: Connection, streams: Iterable[str]) -> Iterable[AccountFold]:
    accounts = [node for node in map(node_of, streams) if isinstance(node, AccountId)]
    dossier = dossier_of(connection, accounts)
    return (AccountFold(dossier, account) for account in accounts if dossier.knows(account))
