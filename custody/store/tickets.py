"""Reset tickets: one-time codes as argon2id hashes, each tied to the entry of its reset by a digest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, bindparam, select

from custody.domain.ids import AccountId, Digest
from custody.store.credentials import digest_of_row
from custody.store.envelope import iso
from custody.store.statements import Prepared, inserted
from custody.store.tables import reset_ticket

TICKET = "reset ticket"
_INSERT = inserted(reset_ticket)
_NEWEST = Prepared(
    select(reset_ticket)
    .where(reset_ticket.c.account == bindparam("of_account"))
    .order_by(reset_ticket.c.valid_until.desc(), reset_ticket.c.digest)
    .limit(1)
)


@dataclass(frozen=True, kw_only=True)
class Ticket:
    account: AccountId
    code_hash: str
    valid_until: datetime

    @property
    def digest(self) -> Digest:
        """What the entry of the reset holds, so that a row changed behind the application counts for nothing."""
        return digest_of_row(TICKET, self.account.value, self.code_hash, iso(self.valid_until.astimezone(UTC)))


def keep_ticket(connection: Connection, ticket: Ticket) -> None:
    row = {
        "digest": ticket.digest.value,
        "account": ticket.account.value,
        "code_hash": ticket.code_hash,
        "valid_until": iso(ticket.valid_until.astimezone(UTC)),
    }
    _INSERT.run(connection, [row])


def newest_ticket(connection: Connection, account: AccountId) -> Ticket | None:
    """The ticket made last; None when there is none. Whether it counts, its entry says."""
    found = _NEWEST.one(connection, of_account=account.value)
    if found is None:
        return None
    _, _, code_hash, valid_until = found
    return Ticket(account=account, code_hash=code_hash, valid_until=datetime.fromisoformat(valid_until))
