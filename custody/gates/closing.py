"""CLS: is every millilitre, every bag and every vital sign of the dose accounted for (hold point G13)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from custody.domain.acts.bedside import BagFinished, InfusionEnded
from custody.domain.acts.manufacturing import BagFilled
from custody.domain.acts.shipping import BagDestroyed
from custody.domain.criteria import VitalsSchedule
from custody.domain.dossier import Deed
from custody.domain.folds.base import MissingFact
from custody.domain.folds.dose import DoseFold
from custody.domain.ids import BagId, Digest, PersonId
from custody.domain.verdict import Blocked, Outcome, Passed, Reason
from custody.gates.case import Case
from custody.gates.registry import gate


@gate("CLS-VOL", revision=1, title="Every millilitre is accounted for", source="rules 4 (G13), 19")
def volumes_add_up(case: Case, now: datetime) -> Outcome:
    """Bag by bag; a bag discarded at the thaw is accounted for whole."""
    del now
    dose = case.dose
    evidence: list[Digest] = []
    if not dose.bags_opened:
        raise MissingFact("bags", node=dose.node)
    for bag in dose.bags_opened:
        finishes = dose.finishes_of(bag)
        if not finishes and dose.discard_of(bag) is not None:
            continue
        if len(finishes) != 1:
            return Blocked(Reason("bag_not_finished_once", bag=bag, times=len(finishes)), tuple(d.digest for d in finishes))
        fault = _volume_fault(case, bag, finishes[0].act)
        if fault is not None:
            return Blocked(fault, (finishes[0].digest,))
        evidence.append(finishes[0].digest)
    return Passed(tuple(evidence))


def _volume_fault(case: Case, bag: BagId, finished: BagFinished) -> Reason | None:
    filled = case.dossier.first(bag, BagFilled)
    if filled is None:
        raise MissingFact("fill", node=bag)
    parts = (finished.given_ml, finished.residual_ml, finished.line_ml, finished.samples_ml, finished.spill_ml)
    if any(part < 0 for part in parts):
        return Reason("negative_volume", bag=bag, seen=min(parts))
    tolerance = case.dose.criteria.settings.close_tolerance_ml
    if abs(sum(parts) - filled.act.volume_ml) <= tolerance:
        return None
    return Reason("volumes_differ", bag=bag, seen=sum(parts), expected=filled.act.volume_ml, tolerance=tolerance)


@gate("CLS-FATE", revision=1, title="Every bag's fate is witnessed by two", source="rules 4 (G13), 9.6, 12 after")
def fates_are_witnessed(case: Case, now: datetime) -> Outcome:
    """An opened bag was finished, discarded or destroyed; one never opened was freed from the dose, or destroyed."""
    del now
    dose = case.dose
    evidence: list[Digest] = []
    for bag in dict.fromkeys((*dose.bags, *dose.bags_opened)):
        fates = _fates(case, dose, bag)
        if not fates:
            return Blocked(Reason("bag_without_fate", bag=bag), tuple(evidence))
        if all(len(people) < 2 for people in fates.values()):
            return Blocked(Reason("fate_without_witness", bag=bag), tuple(fates))
        evidence += fates
    return Passed(tuple(evidence))


def _fates(case: Case, dose: DoseFold, bag: BagId) -> dict[Digest, frozenset[PersonId]]:
    """The deeds that ended the bag, each with the people who signed it."""
    ends = (*dose.finishes_of(bag), dose.discard_of(bag), case.dossier.last(bag, BagDestroyed))
    return {deed.digest: deed.persons for deed in ends if deed is not None}


@gate("CLS-VIT", revision=1, title="The schedule of vital signs is done or reasoned", source="rules 4 (G13), 12 during")
def vitals_are_done(case: Case, now: datetime) -> Outcome:
    del now
    dose = case.dose
    started_at, ended = dose.started_at, dose.ended
    if started_at is None or ended is None:
        raise MissingFact("infusion_start" if started_at is None else "infusion_end", node=dose.node)
    if not started_at <= ended.act.ended_at:
        return Blocked(Reason("ended_before_start", started_at=started_at, ended_at=ended.act.ended_at), (ended.digest,))
    schedule = case.criteria_now.vitals
    window = timedelta(minutes=schedule.window_minutes)
    reasoned = {(d.act.after_end, d.act.minute) for d in dose.vitals_omitted if d.act.reason.strip()}
    for due in _due(schedule, started_at, ended):
        taken = any(abs(d.act.measured_at - due.at) <= window for d in dose.vitals)
        if not taken and (due.after_end, due.minute) not in reasoned:
            return Blocked(Reason("vitals_not_done", minute=due.minute, after_end=due.after_end, due_at=due.at), (ended.digest,))
    return Passed((ended.digest, *(d.digest for d in dose.vitals)))


@dataclass(frozen=True)
class _Due:
    """One point of the schedule: minutes after the start, or after the end."""

    after_end: bool
    minute: int
    at: datetime


def _due(schedule: VitalsSchedule, started_at: datetime, ended: Deed[InfusionEnded]) -> Iterator[_Due]:
    ended_at = ended.act.ended_at
    for minute in _minutes_while_running(schedule, ended_at - started_at):
        yield _Due(after_end=False, minute=minute, at=started_at + timedelta(minutes=minute))
    for hours in schedule.hours_after_end:
        yield _Due(after_end=True, minute=hours * 60, at=ended_at + timedelta(hours=hours))


def _minutes_while_running(schedule: VitalsSchedule, ran: timedelta) -> Iterator[int]:
    last = 0
    for minute in schedule.first_minutes:
        if timedelta(minutes=minute) <= ran:
            yield minute
        last = max(last, minute)
    while schedule.then_every_minutes > 0 and timedelta(minutes=last + schedule.then_every_minutes) <= ran:
        last += schedule.then_every_minutes
        yield last
