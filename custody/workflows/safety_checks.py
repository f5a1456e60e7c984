"""What an act about an adverse event must fit: it names an event that was reported, once, and a dose of the same participant."""

from __future__ import annotations

from custody.domain.acts.allocation import ParticipantDoseRequested
from custody.domain.acts.base import Act
from custody.domain.acts.bedside import ParticipantDoseStarted
from custody.domain.acts.safety import (
    AdverseEventAssessed,
    AdverseEventClosed,
    AdverseEventFollowedUp,
    AdverseEventReported,
    SafetyReportSubmitted,
    SponsorInformed,
)
from custody.domain.dossier import Dossier
from custody.domain.folds.safety import events_of
from custody.errors import InputError, OutOfOrderError

LATER = AdverseEventAssessed | AdverseEventFollowedUp | SponsorInformed | SafetyReportSubmitted | AdverseEventClosed
GRADES = range(1, 6)
"""CTCAE grades 1 (mild) to 5 (death)."""


def check_event(act: Act, dossier: Dossier) -> None:
    """Raises InputError or OutOfOrderError where an act about an adverse event contradicts the participant's own record."""
    if isinstance(act, AdverseEventReported | AdverseEventAssessed) and act.ctcae_grade not in GRADES:
        raise InputError(f"a CTCAE grade is 1 to 5, not {act.ctcae_grade}", code="grade_unknown", field="ctcae_grade", seen=act.ctcae_grade)
    if isinstance(act, AdverseEventReported):
        _check_report(act, dossier)
    if isinstance(act, LATER) and act.event not in {each.event for each in events_of(dossier, act.participant)}:
        raise OutOfOrderError(
            f"no event {act.event} was reported for {act.participant}", code="no_such_event", field="event", seen=act.event
        )


def _check_report(act: AdverseEventReported, dossier: Dossier) -> None:
    if act.event in {each.event for each in events_of(dossier, act.participant)}:
        raise OutOfOrderError(f"event {act.event} was reported before; follow it up instead", code="event_known", seen=act.event)
    doses = {deed.act.dose for deed in dossier.deeds(act.participant, ParticipantDoseRequested, ParticipantDoseStarted)}
    if act.dose is not None and act.dose not in doses:
        raise InputError(f"{act.dose} is no dose of {act.participant}", code="dose_of_another", field="dose", seen=act.dose)
    if act.learned_at < act.began_at:
        raise InputError("nobody knows of an event before it begins", code="learned_before", field="learned_at")
