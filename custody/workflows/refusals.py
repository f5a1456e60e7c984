"""Evidence of what was refused at the door: a scan nobody could use, a thing somebody may not see."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from custody.domain.acts.people import AccessRefused, ScanRefused
from custody.domain.dossier import Signed
from custody.domain.ids import StudyId
from custody.store import entries
from custody.store.entries import NewEntry
from custody.workflows.people import Present

SEEN_MAX = 400


def keep_scan(connection: Connection, present: Present, study: StudyId | None, where: str, seen: str, refusal: str, now: datetime) -> None:
    """Keep a scan that was refused at `where`, cut at 400 characters, with its whole length."""
    printable = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in seen[:SEEN_MAX])
    act = ScanRefused(account=present.account, where=where, seen=printable, length=len(seen), refusal=refusal)
    _keep(connection, act, present, study, now)


def keep_access(connection: Connection, present: Present, study: StudyId | None, *, what: str, refusal: str, now: datetime) -> None:
    """Keep the attempt to open something that is not for this person."""
    _keep(connection, AccessRefused(account=present.account, what=what[:SEEN_MAX], refusal=refusal), present, study, now)


def access_refused(connection: Connection, by: Signed, study: StudyId | None, *, what: str, refusal: str, now: datetime) -> None:
    """The same, of somebody without a session: the rehearsal."""
    act = AccessRefused(account=by.account, what=what[:SEEN_MAX], refusal=refusal)
    entries.append(connection, [NewEntry(act=act, happened_at=now, by=by, study=study, station="", signature=None)], recorded_at=now)


def _keep(connection: Connection, act: ScanRefused | AccessRefused, present: Present, study: StudyId | None, now: datetime) -> None:
    if not present.grants:
        return  # an entry needs a role and a site; the refused sign-in is kept already
    grant = present.grants[0]
    by = Signed(
        account=present.account,
        person=present.person,
        printed_name=present.printed_name,
        role=grant.role,
        site=grant.site,
        meaning=None,
        at=now,
    )
    entry = NewEntry(act=act, happened_at=now, by=by, study=study, station=present.session.station, signature=None)
    entries.append(connection, [entry], recorded_at=now)
