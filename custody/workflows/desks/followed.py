"""The safety follow-up of one dose: each point of the vital-signs schedule, done, reasoned, missed or still to come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from custody.domain.criteria import VitalsSchedule
from custody.domain.folds.dose import DoseFold

STATES = ("missed", "due", "to_come", "reasoned", "done")
"""What has to be done about a point comes first."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """One point of the schedule: `minute` after the start, or after the end. `state` is one of STATES."""

    after_end: bool
    minute: int
    due_at: datetime
    until: datetime
    state: str
    reason: str = ""


def follow_up(dose: DoseFold, now: datetime) -> tuple[Point, ...]:
    """Every point so far known: those after the end are known once it has ended. Empty before the start. Gate CLS-VIT judges them."""
    started_at = dose.started_at
    if started_at is None:
        return ()
    schedule = dose.study.criteria_now.vitals
    ended_at = dose.ended.act.ended_at if dose.ended is not None else None
    running = ((False, minute, started_at + timedelta(minutes=minute)) for minute in _running(schedule, (ended_at or now) - started_at))
    after = ((True, hours * 60, ended_at + timedelta(hours=hours)) for hours in schedule.hours_after_end) if ended_at is not None else ()
    return tuple(_point(dose, schedule, after_end, minute, at, now) for after_end, minute, at in (*running, *after))


def _point(dose: DoseFold, schedule: VitalsSchedule, after_end: bool, minute: int, at: datetime, now: datetime) -> Point:
    window = timedelta(minutes=schedule.window_minutes)
    reasons = [d.act.reason for d in dose.vitals_omitted if (d.act.after_end, d.act.minute) == (after_end, minute) and d.act.reason.strip()]
    if any(abs(d.act.measured_at - at) <= window for d in dose.vitals):
        state = "done"
    elif reasons:
        state = "reasoned"
    else:
        state = "missed" if at + window < now else "due" if at - window <= now else "to_come"
    reason = reasons[-1] if state == "reasoned" else ""
    return Point(after_end=after_end, minute=minute, due_at=at, until=at + window, state=state, reason=reason)


def _running(schedule: VitalsSchedule, ran: timedelta) -> Iterator[int]:
    """Minutes after the start that fall within the infusion (rules section 12)."""
    last = 0
    for minute in schedule.first_minutes:
        if timedelta(minutes=minute) <= ran:
            yield minute
        last = max(last, minute)
    while schedule.then_every_minutes > 0 and timedelta(minutes=last + schedule.then_every_minutes) <= ran:
        last += schedule.then_every_minutes
        yield last
