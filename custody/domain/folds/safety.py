"""An adverse event as it stands: who judged it how, the sponsor's first knowledge, and what must be reported by when (rules section 15).

Nothing here passes because somebody has not said yet: an event nobody judged is serious, unexpected and possibly related until somebody
who may say otherwise does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from functools import cached_property

from custody.domain.acts.base import Act
from custody.domain.acts.bedside import ReactionRecorded
from custody.domain.acts.safety import (
    AdverseEventAssessed,
    AdverseEventClosed,
    AdverseEventFollowedUp,
    AdverseEventReported,
    SafetyReportSubmitted,
    SponsorInformed,
)
from custody.domain.dossier import Deed, Dossier
from custody.domain.folds.base import MissingFact
from custody.domain.ids import AdverseEventId, DoseId, ParticipantId
from custody.domain.terms import EventOutcome, Expectedness, Relatedness, ReportRecipient, Role, SafetyReport, Seriousness

SPONSOR_SIDE = frozenset({Role.SPONSOR, Role.SAFETY_OFFICER})
"""Whoever of these knows of an event, the sponsor knows of it."""
ALERT_HOURS = 24
"""Site to sponsor: immediately, and an alert at 24 h (rules section 15; ICH E6(R3); China GCP 2020 art. 26)."""
FATAL_DAYS = 7
"""Unexpected, fatal or life-threatening: calendar days from day 0 (rules section 15; ICH E2A III.B.1; 21 CFR 312.32(c)(2))."""
FURTHER_DAYS = 8
"""China: a further report within the next 8 days after these 7 (rules section 15), so at the latest on day 15."""
SERIOUS_DAYS = 15
"""Every other unexpected serious event (rules section 15; ICH E2A III.B.2; 21 CFR 312.32(c)(1))."""
FATAL_GRADE = 5
GRAVEST = (Seriousness.DEATH, Seriousness.LIFE_THREATENING, Seriousness.NOT_KNOWN)
"""The shortest clock is theirs; what nobody knows yet may be any of them."""
ORDER = tuple(Seriousness)[:-2]


@dataclass(frozen=True, kw_only=True)
class Clock:
    """One thing that must be done by a time. `kind`: `sponsor`, `initial`, `follow_up`; in time means before `until` (None: not begun)."""

    kind: str
    recipient: ReportRecipient | None
    began_at: datetime | None
    until: datetime | None
    done_at: datetime | None

    def state(self, now: datetime) -> str:
        """`done`, `done_late`, `waiting` (its day 0 has not come), `open` or `overdue`; equal to the limit is overdue."""
        if self.until is None:
            return "done" if self.done_at is not None else "waiting"
        if self.done_at is not None:
            return "done" if self.done_at < self.until else "done_late"
        return "open" if now < self.until else "overdue"


@dataclass(frozen=True)
class SafetyEvent:
    """One event in the stream of its participant."""

    dossier: Dossier
    node: ParticipantId
    event: AdverseEventId

    @cached_property
    def reported(self) -> Deed[AdverseEventReported]:
        """The first report. Raises MissingFact for an event nobody reported."""
        found = next((d for d in self.dossier.deeds(self.node, AdverseEventReported) if d.act.event == self.event), None)
        if found is None:
            raise MissingFact("adverse_event", node=self.node)
        return found

    @property
    def dose(self) -> DoseId | None:
        return self.reported.act.dose

    @cached_property
    def assessments(self) -> tuple[Deed[AdverseEventAssessed], ...]:
        return tuple(d for d in self.dossier.deeds(self.node, AdverseEventAssessed) if d.act.event == self.event)

    @staticmethod
    def is_of_sponsor(deed: Deed[AdverseEventAssessed]) -> bool:
        """Whether the sponsor's side signed it; otherwise it is the investigator's."""
        return any(signer.role in SPONSOR_SIDE for signer in deed.signers)

    @property
    def by_investigator(self) -> Deed[AdverseEventAssessed] | None:
        """The investigator's latest assessment."""
        return next((d for d in reversed(self.assessments) if not self.is_of_sponsor(d)), None)

    @property
    def by_sponsor(self) -> Deed[AdverseEventAssessed] | None:
        """The sponsor's latest assessment."""
        return next((d for d in reversed(self.assessments) if self.is_of_sponsor(d)), None)

    @cached_property
    def follow_ups(self) -> tuple[Deed[AdverseEventFollowedUp], ...]:
        return tuple(d for d in self.dossier.deeds(self.node, AdverseEventFollowedUp) if d.act.event == self.event)

    @cached_property
    def reports(self) -> tuple[Deed[SafetyReportSubmitted], ...]:
        return tuple(d for d in self.dossier.deeds(self.node, SafetyReportSubmitted) if d.act.event == self.event)

    @property
    def closed(self) -> Deed[AdverseEventClosed] | None:
        """The closing that stands: what is learned of an event afterwards opens it again."""
        mine = [d for d in self._deeds if not isinstance(d.act, SafetyReportSubmitted | SponsorInformed)]
        last = mine[-1] if mine else None
        return last if last is not None and isinstance(last.act, AdverseEventClosed) else None  # type: ignore[return-value]

    @cached_property
    def _deeds(self) -> tuple[Deed[Act], ...]:
        """Everything recorded about this event, oldest first."""
        every = self.dossier.deeds(self.node, *OF_EVENTS)
        return tuple(d for d in every if getattr(d.act, "event", None) == self.event)

    @cached_property
    def seriousness(self) -> Seriousness:
        """The gravest that stands. A report is superseded by the investigator's assessment; death is never taken back by an older word."""
        said = [d.act for d in (self.by_investigator or self.reported, self.by_sponsor) if d is not None]
        fatal = any(d.act.outcome is EventOutcome.FATAL for d in self.follow_ups)
        if fatal or any(act.ctcae_grade >= FATAL_GRADE for act in said):
            return Seriousness.DEATH
        known = [act.seriousness for act in said if act.seriousness in ORDER]
        gravest = min(known, key=ORDER.index) if known else None
        if any(act.seriousness is Seriousness.NOT_KNOWN for act in said) and gravest not in GRAVEST:
            return Seriousness.NOT_KNOWN
        return gravest or Seriousness.NOT_SERIOUS

    @property
    def grade(self) -> int:
        """The highest CTCAE grade that stands, 1 to 5."""
        return max(d.act.ctcae_grade for d in (self.by_investigator or self.reported, self.by_sponsor) if d is not None)

    @property
    def is_serious(self) -> bool:
        return self.seriousness is not Seriousness.NOT_SERIOUS

    @property
    def is_unexpected(self) -> bool:
        """Unless the sponsor, who keeps the reference safety information, says it is expected."""
        return self.by_sponsor is None or self.by_sponsor.act.expectedness is not Expectedness.EXPECTED

    @property
    def may_be_related(self) -> bool:
        """Unless investigator and sponsor both say it is not: neither overrules the other's suspicion (ICH E2A III.A.1)."""
        both = (self.by_investigator, self.by_sponsor)
        return any(d is None or d.act.relatedness is not Relatedness.NOT_RELATED for d in both)

    @property
    def is_expedited(self) -> bool:
        return self.is_serious and self.is_unexpected and self.may_be_related

    @cached_property
    def sponsor_knew_at(self) -> datetime | None:
        """Day 0: the earliest of what was recorded as told and of anything the sponsor's own people recorded; None before either."""
        told = [min(d.act.informed_at, d.recorded_at) for d in self.dossier.deeds(self.node, SponsorInformed) if d.act.event == self.event]
        wrote = [d.recorded_at for d in self._deeds if any(signer.role in SPONSOR_SIDE for signer in d.signers)]
        return min((*told, *wrote), default=None)

    def clocks(self, zone: tzinfo) -> tuple[Clock, ...]:
        """Everything that must be done by a time, in the order in which it falls due; days end at midnight in `zone`."""
        return tuple(self._clocks(zone))

    def _clocks(self, zone: tzinfo) -> Iterator[Clock]:
        if not self.is_serious:
            return
        learned_at = min(self.reported.act.learned_at, self.reported.recorded_at)
        yield Clock(
            kind="sponsor",
            recipient=None,
            began_at=learned_at,
            until=learned_at + timedelta(hours=ALERT_HOURS),
            done_at=self.sponsor_knew_at,
        )
        if not self.is_expedited:
            return
        grave = self.seriousness in GRAVEST
        days = FATAL_DAYS if grave else SERIOUS_DAYS
        for recipient in ReportRecipient:
            yield self._report(SafetyReport.INITIAL, recipient, days, zone)
        if grave:
            yield self._report(SafetyReport.FOLLOW_UP, ReportRecipient.REGULATOR, FATAL_DAYS + FURTHER_DAYS, zone)

    def _report(self, report: SafetyReport, recipient: ReportRecipient, days: int, zone: tzinfo) -> Clock:
        began = self.sponsor_knew_at
        sent = (
            d.act.submitted_at
            for d in self.reports
            # A report dated after it was recorded has not been sent: what contradicts itself proves nothing.
            if (d.act.report, d.act.recipient) == (report, recipient) and d.act.submitted_at <= d.recorded_at
        )
        until = None if began is None else end_of_day(began, days, zone)
        return Clock(kind=report.value, recipient=recipient, began_at=began, until=until, done_at=min(sent, default=None))

    def due(self, zone: tzinfo, now: datetime) -> Clock | None:
        """What must be done next, the one that falls due first; None when nothing is open."""
        unfinished = [clock for clock in self.clocks(zone) if clock.state(now) in {"open", "overdue"}]
        return min(unfinished, key=lambda clock: clock.until or now, default=None)


OF_EVENTS: tuple[type[Act], ...] = (
    AdverseEventReported,
    AdverseEventAssessed,
    AdverseEventFollowedUp,
    SponsorInformed,
    SafetyReportSubmitted,
    AdverseEventClosed,
)


def end_of_day(day_0: datetime, days: int, zone: tzinfo) -> datetime:
    """The first moment after the last calendar day of `days`, counted in `zone` from the day of `day_0`."""
    last = day_0.astimezone(zone).date() + timedelta(days=days)
    return datetime.combine(last + timedelta(days=1), time(0), tzinfo=zone)


def events_of(dossier: Dossier, participant: ParticipantId) -> tuple[SafetyEvent, ...]:
    """The events of one participant, in the order in which they were first reported."""
    names = dict.fromkeys(d.act.event for d in dossier.deeds(participant, AdverseEventReported))
    return tuple(SafetyEvent(dossier, participant, name) for name in names)


def unreported_reactions(dossier: Dossier, participant: ParticipantId, dose: DoseId) -> tuple[Deed[ReactionRecorded], ...]:
    """Reactions at the bed that no adverse event names yet."""
    named = {d.act.reaction for d in dossier.deeds(participant, AdverseEventReported)}
    return tuple(d for d in dossier.deeds(dose, ReactionRecorded) if d.digest not in named)
