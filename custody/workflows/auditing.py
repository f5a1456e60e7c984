"""The audit trail as a reader asks for it: who did what when, what it replaced and why, through the masking door; and who read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from custody.domain.acts.base import Act
from custody.domain.acts.people import RecordViewed
from custody.domain.acts.record import Corrected, Countersigned, ProposalWithdrawn, Proposed, VerdictGiven
from custody.domain.dossier import Entry, Signed
from custody.domain.ids import AccountId, Digest, Node, StudyId
from custody.domain.masking import Seen, Viewer, act_shown, verdict_shown
from custody.domain.terms import READ_ONLY_ROLES
from custody.store import entries, period
from custody.store.entries import NewEntry
from custody.workflows import sight
from custody.workflows.order import proposed_act
from custody.workflows.people import Present

PAGE = 100
"""Entries on one page of the trail."""
READ_AT_ONCE = 400
"""Entries that are looked at for one page: what is not for this viewer is left out."""
PERIOD_MAX = timedelta(days=366)
LATE_AFTER = timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True)
class TrailEntry:
    """One entry. `act` is what was done, proposed, corrected or judged; `before` stands where a correction replaced it."""

    number: int
    node: Node
    position: int
    recorded_at: datetime
    happened_at: datetime
    by: Signed
    kind: str
    act: Act
    before: Act | None
    reason: str
    late: bool
    digest: Digest


@dataclass(frozen=True, kw_only=True)
class Trail:
    """A page of the trail, newest first; `older` is the number from which the next page goes on, None where there is none."""

    rows: tuple[TrailEntry, ...]
    older: int | None


def trail(
    connection: Connection, viewer: Viewer, start: datetime, end: datetime, *, account: AccountId | None = None, before: int | None = None
) -> Seen[Trail]:
    """What was recorded from `start` to before `end`, of one account or of everybody, as far as this viewer may know of it."""
    numbers = period.digests_between(connection, start, end, account=account, before=before, limit=READ_AT_ONCE)
    rows: list[TrailEntry] = []
    for number, digest in numbers:
        if len(rows) == PAGE:
            return Seen(Trail(rows=tuple(rows), older=rows[-1].number))
        found = entries.entry_by_digest(connection, Digest(digest))
        if found is not None:
            rows += _told(connection, viewer, number, found)
    return Seen(Trail(rows=tuple(rows), older=numbers[-1][0] if len(numbers) == READ_AT_ONCE else None))


def _told(connection: Connection, viewer: Viewer, number: int, entry: Entry) -> Iterator[TrailEntry]:
    """Nothing for an entry that is not for this viewer."""
    about = _about(connection, entry)
    if about is None or not sight.may_find(connection, viewer, entry.act.subject):
        return
    if not isinstance(entry.act, VerdictGiven) and not act_shown(viewer, about):
        return
    replaced = entry.act if isinstance(entry.act, Corrected) else None
    corrected = entries.entry_by_digest(connection, replaced.entry) if replaced is not None else None
    shown = verdict_shown(viewer, entry.act) if isinstance(entry.act, VerdictGiven) else about
    yield TrailEntry(
        number=number,
        node=entry.act.subject,
        position=entry.position,
        recorded_at=entry.recorded_at,
        happened_at=entry.happened_at,
        by=entry.by,
        kind=_kind(entry.act),
        act=shown,
        before=_told_by(corrected) if corrected is not None else None,
        reason=str(getattr(entry.act, "reason", "") or getattr(about, "reason", "")),
        late=entry.recorded_at - entry.happened_at > LATE_AFTER and not isinstance(entry.act, Countersigned),
        digest=entry.digest,
    )


def _kind(act: Act) -> str:
    kinds: dict[type[Act], str] = {
        Proposed: "proposal",
        Countersigned: "countersignature",
        ProposalWithdrawn: "withdrawn",
        Corrected: "correction",
        VerdictGiven: "verdict",
    }
    return kinds.get(type(act), "evidence" if act.rule.evidence else "act")


def _about(connection: Connection, entry: Entry) -> Act | None:
    """The act an entry tells of; None for a signature whose proposal cannot be found, of which nobody can say what it tells."""
    if not isinstance(entry.act, Countersigned | ProposalWithdrawn):
        return _told_by(entry)
    stream = entries.load_streams(connection, [entry.stream])[entry.stream]
    proposal = next((each for each in stream if isinstance(each.act, Proposed) and each.act.proposal == entry.act.proposal), None)
    return _told_by(proposal) if proposal is not None else None


def _told_by(entry: Entry) -> Act:
    return proposed_act(entry) if isinstance(entry.act, Proposed) else entry.act


def reads_only(present: Present) -> bool:
    """Whether this person is here to read: an inspector or a monitor."""
    return bool(present.roles & READ_ONLY_ROLES)


def keep_view(connection: Connection, present: Present, study: StudyId | None, what: str, now: datetime) -> None:
    """Keep what an inspector or monitor looked at, in the stream of their own account."""
    grant = next((grant for grant in present.grants if grant.role in READ_ONLY_ROLES), None)
    if grant is None:
        return
    by = Signed(
        account=present.account,
        person=present.person,
        printed_name=present.printed_name,
        role=grant.role,
        site=grant.site,
        meaning=None,
        at=now,
    )
    act = RecordViewed(account=present.account, what=what[:400])
    entry = NewEntry(act=act, happened_at=now, by=by, study=study, station=present.session.station, signature=None)
    entries.append(connection, [entry], recorded_at=now)
