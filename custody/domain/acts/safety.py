"""S15: adverse events of a participant, their assessments, the sponsor's first knowledge, and the reports that must be sent in time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from custody.domain.acts.base import Act, Names, act, signed
from custody.domain.ids import AdverseEventId, Digest, DoseId, ParticipantId, StudyId
from custody.domain.terms import EventOutcome, Expectedness, Meaning, Relatedness, ReportRecipient, Role, SafetyReport, Seriousness

ON_THE_WARD = (signed(Meaning.PERFORMED, Role.INVESTIGATOR, Role.BEDSIDE_NURSE),)


@act(
    "adverse_event_reported",
    title="Adverse event reported",
    about=ParticipantId,
    after=("participant_registered",),
    unguarded_because="what happened to a participant is always recorded",
    biz_step="other",
    signatures=ON_THE_WARD,
)
@dataclass(frozen=True, kw_only=True)
class AdverseEventReported(Act):
    """`learned_at`: when the site first knew. `dose`: the one given before it, if any. `reaction`: the entry of the reaction at the bed."""

    participant: ParticipantId
    event: AdverseEventId
    description: str
    began_at: datetime
    learned_at: datetime
    seriousness: Seriousness
    ctcae_grade: int
    dose: Names[DoseId] | None = None
    reaction: Digest | None = None

    def companions(self, study: StudyId | None) -> tuple[Act, ...]:
        del study
        return () if self.dose is None else (DoseEventReported(dose=self.dose, event=self.event, participant=self.participant),)


@act(
    "dose_event_reported",
    title="Adverse event after the dose",
    about=DoseId,
    after=("dose_requested",),
    unguarded_because="written with the report of the event, so that bag, lot and donation lead to it",
    biz_step="other",
    companion=True,
)
@dataclass(frozen=True, kw_only=True)
class DoseEventReported(Act):
    dose: DoseId
    event: AdverseEventId
    participant: Names[ParticipantId]


@act(
    "adverse_event_assessed",
    title="Adverse event assessed",
    about=ParticipantId,
    after=("adverse_event_reported",),
    unguarded_because="an assessment starts or ends clocks of reports and moves nothing towards a patient",
    biz_step="inspecting",
    signatures=(signed(Meaning.EVALUATED, Role.INVESTIGATOR, Role.SAFETY_OFFICER, Role.SPONSOR),),
)
@dataclass(frozen=True, kw_only=True)
class AdverseEventAssessed(Act):
    """The investigator's assessment or the sponsor's: the role of the signature says which. The graver of the two counts."""

    participant: ParticipantId
    event: AdverseEventId
    seriousness: Seriousness
    ctcae_grade: int
    relatedness: Relatedness
    expectedness: Expectedness
    reason: str


@act(
    "adverse_event_followed_up",
    title="Adverse event followed up",
    about=ParticipantId,
    after=("adverse_event_reported",),
    unguarded_because="what happened to a participant is always recorded",
    biz_step="other",
    signatures=ON_THE_WARD,
)
@dataclass(frozen=True, kw_only=True)
class AdverseEventFollowedUp(Act):
    participant: ParticipantId
    event: AdverseEventId
    seen_at: datetime
    outcome: EventOutcome
    description: str


@act(
    "sponsor_informed",
    title="Sponsor informed of an adverse event",
    about=ParticipantId,
    after=("adverse_event_reported",),
    unguarded_because="telling the sponsor only starts the clocks of the reports",
    biz_step="other",
    signatures=(signed(Meaning.CONFIRMED, Role.INVESTIGATOR, Role.SAFETY_OFFICER, Role.SPONSOR),),
)
@dataclass(frozen=True, kw_only=True)
class SponsorInformed(Act):
    """The sponsor's first knowledge: day 0 of every report (rules section 15)."""

    participant: ParticipantId
    event: AdverseEventId
    informed_at: datetime
    document: str = ""


@act(
    "safety_report_submitted",
    title="Safety report submitted",
    about=ParticipantId,
    after=("adverse_event_reported",),
    unguarded_because="a report sent late is recorded like one in time, and shown as late",
    biz_step="other",
    signatures=(signed(Meaning.PERFORMED, Role.SAFETY_OFFICER, Role.SPONSOR),),
)
@dataclass(frozen=True, kw_only=True)
class SafetyReportSubmitted(Act):
    """`document`: its number or reference at the recipient's."""

    participant: ParticipantId
    event: AdverseEventId
    report: SafetyReport
    recipient: ReportRecipient
    submitted_at: datetime
    document: str


@act(
    "adverse_event_closed",
    title="Adverse event closed",
    about=ParticipantId,
    after=("adverse_event_reported",),
    unguarded_because="closing hides no report that is due or was late",
    biz_step="other",
    signatures=(signed(Meaning.CLOSED, Role.INVESTIGATOR, Role.SAFETY_OFFICER),),
)
@dataclass(frozen=True, kw_only=True)
class AdverseEventClosed(Act):
    participant: ParticipantId
    event: AdverseEventId
    conclusion: str
