"""While a dose runs and after it: vital signs on time, every bag finished by two, the follow-up of a day, and the dose closed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from custody.domain.acts import bedside
from custody.domain.ids import BagId
from custody.workflows.simulation import wards
from custody.workflows.simulation.agenda import Way
from custody.workflows.simulation.dose import Dosing
from custody.workflows.simulation.kinds import Slip
from custody.workflows.simulation.tally import Answer

NONE = Decimal(0)
BAG_ML = Decimal(30)


def vitals(dosing: Dosing) -> None:
    """Measured now; a device whose clock is a day ahead is refused first."""
    hands, now, draw = dosing.hands, dosing.now, dosing.hands.draw
    measured = bedside.VitalsRecorded(
        dose=dosing.dose,
        measured_at=now,
        heart_rate=draw.randint(70, 118),
        mean_arterial_pressure_mmhg=draw.randint(66, 92),
        oxygen_saturation_percent=draw.randint(89, 98),
        temperature_celsius=Decimal(draw.randint(362, 389)) / 10,
    )
    if hands.errs(Slip.CLOCK_AHEAD):
        ahead = replace(measured, measured_at=now + timedelta(days=1))
        hands.slip(Slip.CLOCK_AHEAD, hands.one(ahead, dosing.nurses[0]), dosing.dose.key)
    hands.one(measured, dosing.nurses[0])
    dosing.vitals_at = now


def watch(dosing: Dosing) -> Way[None]:
    """Vital signs while the infusion runs, whatever else is done meanwhile."""
    assert dosing.started_at is not None
    schedule, minute = dosing.trial.criteria.vitals, 0
    due = list(schedule.first_minutes)
    while not dosing.ended:
        minute = due.pop(0) if due else minute + schedule.then_every_minutes
        yield dosing.trial.agenda.until(dosing.started_at + timedelta(minutes=minute))
        if not dosing.ended:
            vitals(dosing)


def finished(dosing: Dosing, bag: BagId) -> Way[None]:
    """What of a bag was given, and what was left, by two."""
    given_before = sum((ml for _, ml in dosing.given), NONE)
    given = min(BAG_ML, dosing.cast.dose_volume_ml - given_before)
    done = bedside.BagFinished(
        dose=dosing.dose,
        bag=bag,
        given_ml=given,
        residual_ml=BAG_ML - given,
        line_ml=NONE,
        samples_ml=NONE,
        spill_ml=NONE,
        reason_if_partial="" if given == BAG_ML else "the dose needs no more of this bag",
    )
    yield from dosing.hands.sign(done, *dosing.nurses)
    dosing.given.append((bag, given))
    dosing.gone.append(bag)
    yield dosing.hands.takes(0.5, 2)


def end(dosing: Dosing, *, completed: bool) -> Way[None]:
    """The infusion ends, the participant is watched for a day, what is left is destroyed, and two close the dose."""
    hands = dosing.hands
    ended_at = dosing.now
    ended = bedside.InfusionEnded(
        dose=dosing.dose, ended_at=ended_at, completed=completed, reason="" if completed else "no further bag could be given"
    )
    dosing.ended = True
    yield from hands.sign(ended, dosing.nurses[0])
    if hands.errs(Slip.CLOSED_TOO_EARLY):
        hands.slip(Slip.CLOSED_TOO_EARLY, (yield from _closed(dosing)), dosing.dose.key)
    missed = -1
    for hours in dosing.trial.criteria.vitals.hours_after_end:
        yield dosing.trial.agenda.until(ended_at + timedelta(hours=hours)) + hands.takes(0, 3)
        if missed < 0 and hands.errs(Slip.FOLLOW_UP_MISSED):
            missed = hours
        else:
            vitals(dosing)
    yield hands.takes(30, 6 * 60)
    for bag, _ in dosing.given:
        yield from wards.destroy(hands, bag, dosing.nurses[0], dosing.preparers[0], reason="used")
    for bag in (bag for bag in (*dosing.bags, *dosing.spares) if bag not in dosing.gone):
        yield from wards.destroy(hands, bag, *dosing.preparers, reason="not needed")
    if missed > 0:
        hands.slip(Slip.FOLLOW_UP_MISSED, (yield from _closed(dosing)), dosing.dose.key)
        omitted = bedside.VitalsOmitted(dose=dosing.dose, after_end=True, minute=missed * 60, reason="the nurse was at another bed")
        yield from hands.sign(omitted, dosing.nurses[0])
        yield hands.takes(2, 20)
    answer = yield from _closed(dosing)
    dosing.trial.tally.done["doses closed" if answer.is_done else f"doses left open ({answer.words})"] += 1


def _closed(dosing: Dosing) -> Way[Answer]:
    return dosing.hands.sign(bedside.DoseClosed(dose=dosing.dose, participant=dosing.participant), *dosing.nurses)
