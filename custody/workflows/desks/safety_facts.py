"""What the safety desk knows of one adverse event: how grave it stands, each clock with its state, and what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from custody.domain.acts.people import SiteRegistered
from custody.domain.acts.safety import AdverseEventAssessed
from custody.domain.deeds import Deed
from custody.domain.dossier import Dossier
from custody.domain.folds.safety import Clock, SafetyEvent, events_of
from custody.domain.ids import AdverseEventId, DoseId, ParticipantId
from custody.domain.terms import EventOutcome, Expectedness, Relatedness, Seriousness
from custody.workflows.site_days import is_zone

EARLIEST_MIDNIGHT = timezone(timedelta(hours=14))
"""Where nobody knows the zone of a site, a day ends as early as it can anywhere: a deadline is never shown too late."""
OVER = frozenset({EventOutcome.RECOVERED, EventOutcome.RECOVERED_WITH_SEQUELAE, EventOutcome.FATAL})


@dataclass(frozen=True, kw_only=True)
class ClockSeen:
    """A clock and its state now: done, done_late, waiting, open or overdue."""

    clock: Clock
    state: str


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One assessment. `side` is `investigator` or `sponsor`."""

    side: str
    seriousness: Seriousness
    grade: int
    relatedness: Relatedness
    expectedness: Expectedness
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Told:
    """One follow-up or report: what it says, who recorded it, when it happened."""

    kind: str
    word: str
    text: str
    by: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class EventSeen:
    """One event. `due` is the clock that runs out first; `next` the act that comes next, empty when it is closed and nothing is owed."""

    node: ParticipantId
    event: AdverseEventId
    description: str
    began_at: datetime
    learned_at: datetime
    reported_by: str
    dose: DoseId | None
    seriousness: Seriousness
    grade: int
    is_serious: bool
    is_unexpected: bool
    may_be_related: bool
    sponsor_knew_at: datetime | None
    clocks: tuple[ClockSeen, ...]
    due: ClockSeen | None
    judged: tuple[Judged, ...]
    told: tuple[Told, ...]
    closed_at: datetime | None
    next: str

    @property
    def is_late(self) -> bool:
        return any(each.state == "overdue" for each in self.clocks)

    @property
    def was_late(self) -> bool:
        return any(each.state == "done_late" for each in self.clocks)

    @property
    def waits(self) -> bool:
        return bool(self.next)


def events_seen(dossier: Dossier, participant: ParticipantId, now: datetime) -> tuple[EventSeen, ...]:
    """Every event of one participant: what is overdue first, then what falls due first, then the rest as reported."""
    seen = (event_seen(each, now) for each in events_of(dossier, participant))
    return tuple(sorted(seen, key=by_urgency))


def by_urgency(seen: EventSeen) -> tuple[bool, bool, bool, float]:
    until = seen.due.clock.until if seen.due is not None else None
    return (not seen.is_late, until is None, not seen.waits, until.timestamp() if until is not None else 0.0)


def zone_of(event: SafetyEvent) -> tzinfo:
    """The time zone of the site that reported the event."""
    site = event.dossier.last(event.reported.began.by.site, SiteRegistered)
    return ZoneInfo(site.act.zone) if site is not None and is_zone(site.act.zone) else EARLIEST_MIDNIGHT


def event_seen(event: SafetyEvent, now: datetime) -> EventSeen:
    zone, act = zone_of(event), event.reported.act
    due = event.due(zone, now)
    closed = event.closed
    return EventSeen(
        node=event.node,
        event=event.event,
        description=act.description,
        began_at=act.began_at,
        learned_at=act.learned_at,
        reported_by=event.reported.signers[0].printed_name,
        dose=event.dose,
        seriousness=event.seriousness,
        grade=event.grade,
        is_serious=event.is_serious,
        is_unexpected=event.is_unexpected,
        may_be_related=event.may_be_related,
        sponsor_knew_at=event.sponsor_knew_at,
        clocks=tuple(ClockSeen(clock=clock, state=clock.state(now)) for clock in event.clocks(zone)),
        due=None if due is None else ClockSeen(clock=due, state=due.state(now)),
        judged=tuple(_judged(event, deed) for deed in event.assessments),
        told=_told(event),
        closed_at=closed.at if closed is not None else None,
        next=_next(event, due),
    )


def _judged(event: SafetyEvent, deed: Deed[AdverseEventAssessed]) -> Judged:
    act = deed.act
    return Judged(
        side="sponsor" if event.is_of_sponsor(deed) else "investigator",
        seriousness=act.seriousness,
        grade=act.ctcae_grade,
        relatedness=act.relatedness,
        expectedness=act.expectedness,
        reason=act.reason,
        by=deed.signers[0].printed_name,
        at=deed.at,
    )


def _told(event: SafetyEvent) -> tuple[Told, ...]:
    seen = [
        Told(
            kind="follow_up",
            word=f"term.EventOutcome.{d.act.outcome.value}",
            text=d.act.description,
            by=d.signers[0].printed_name,
            at=d.act.seen_at,
        )
        for d in event.follow_ups
    ]
    seen += [
        Told(
            kind=f"report_{d.act.report.value}",
            word=f"term.ReportRecipient.{d.act.recipient.value}",
            text=d.act.document,
            by=d.signers[0].printed_name,
            at=d.act.submitted_at,
        )
        for d in event.reports
    ]
    return tuple(sorted(seen, key=lambda each: each.at))


def _next(event: SafetyEvent, due: Clock | None) -> str:
    """The sponsor first, then what is not judged, then the reports; a closed event still owes its reports."""
    if due is not None and due.kind == "sponsor":
        return "sponsor_informed"
    if event.by_investigator is None or (event.is_serious and event.by_sponsor is None):
        return "adverse_event_assessed"
    if due is not None:
        return "safety_report_submitted"
    if event.closed is not None:
        return ""
    followed = event.follow_ups
    return "adverse_event_closed" if followed and followed[-1].act.outcome in OVER else "adverse_event_followed_up"
