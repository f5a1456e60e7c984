"""What happened to one account, for its owner and for those who look after access: sign-ins, refusals, secrets, resets, benches, grants."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from custody.domain.acts.base import Act
from custody.domain.acts.people import (
    AccountDisabled,
    BadgeRevoked,
    BenchOpened,
    RoleGranted,
    RoleRevoked,
    SecretKind,
    SecretResetIssued,
    SecretSet,
    SignedIn,
    SignInRefused,
)
from custody.domain.dossier import Entry, Signed, deeds_of, pending_proposals
from custody.domain.ids import AccountId
from custody.store import entries
from custody.workflows.order import proposed_act

EVENTS_MAX = 40
SHOWN = (*(AccountDisabled, BadgeRevoked, BenchOpened, RoleGranted, RoleRevoked, SecretResetIssued, SecretSet, SignedIn, SignInRefused),)


@dataclass(frozen=True, kw_only=True)
class AccountEvent:
    """`signers`: who did it, first to last. `waits`: a reset that no witness has signed. `station`: where, empty for elsewhere."""

    at: datetime
    act: Act
    signers: tuple[Signed, ...]
    station: str
    waits: bool = False

    @property
    def is_warning(self) -> bool:
        """Whether the owner should look twice: somebody else was at work, or somebody failed."""
        return isinstance(self.act, SecretResetIssued | SignInRefused | BadgeRevoked | AccountDisabled) or (
            isinstance(self.act, SecretSet) and (not self.act.by_owner or self.act.reset is not None)
        )


def events_of(connection: Connection, account: AccountId, now: datetime) -> tuple[AccountEvent, ...]:
    """The newest events first."""
    stream = entries.load_evidence(connection, account.key)
    found = [
        AccountEvent(at=deed.recorded_at, act=deed.act, signers=deed.signers, station=deed.entry.station)
        for deed in deeds_of(stream)
        if isinstance(deed.act, SHOWN)
    ]
    found += [_waiting(entry, signers) for entry, signers in pending_proposals(stream) if _is_open_reset(entry, now)]
    # Of one moment the later entry comes first, too.
    return tuple(sorted(found, key=lambda event: event.at)[::-1][:EVENTS_MAX])


def _is_open_reset(entry: Entry, now: datetime) -> bool:
    act = proposed_act(entry)
    return isinstance(act, SecretResetIssued) and now < act.valid_until


def _waiting(entry: Entry, signers: tuple[Signed, ...]) -> AccountEvent:
    return AccountEvent(at=entry.recorded_at, act=proposed_act(entry), signers=signers, station=entry.station, waits=True)


def was_reset_since_last_choice(events: tuple[AccountEvent, ...]) -> AccountEvent | None:
    """The reset by which the owner's present secret came about, while they should still look at it; newest first in `events`."""
    for event in events:
        if isinstance(event.act, SecretSet) and event.act.kind is SecretKind.SECRET and event.act.reset is None:
            return None
        if isinstance(event.act, SecretResetIssued) and not event.waits:
            return event
    return None
