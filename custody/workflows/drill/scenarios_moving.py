"""Scenarios 2 and 14 to 20: withdrawal, holds, packing, hand-overs, the cold chain and receipt."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from custody.domain.acts.donation import ConsentWithdrawn
from custody.domain.acts.quality import HoldPlaced
from custody.domain.acts.shipping import LoggerFileRead
from custody.domain.ids import BankId, LotId, SealNumber
from custody.domain.kinetic import mean_kinetic_celsius
from custody.workflows.drill.chains import Chain, asked
from custody.workflows.drill.roads import CAST, FRESH, QA, START, delivered, road
from custody.workflows.rehearsal.downstream import RECEIVERS
from custody.workflows.rehearsal.editing import Steps, before, changed, dropped, inserted, moved, signed_by, step_of, with_file
from custody.workflows.rehearsal.steps import Step
from custody.workflows.rehearsal.upstream import COORDINATOR

ALLOCATION, SHIP, PREPARE, BEDSIDE = "dose_allocated", "shipper_sealed", "bag_preparation_started", "infusion_started"
WRONG_SEALS = (SealNumber("S001-4472"),)
Edit = Callable[[Steps, datetime], Steps]
REFRIGERATED = Decimal("8.0")
"""The upper end of 2–8 °C, below which the mean kinetic temperature of scenario 18 stays."""


def withdrawn_consent() -> tuple[Chain, ...]:
    return tuple(_just_before(name, _withdrawal) for name in (ALLOCATION, SHIP, PREPARE, BEDSIDE))


def _withdrawal(steps: Steps, at: datetime) -> Steps:
    return inserted(steps, ConsentWithdrawn(donor=CAST.donor, withdrawn_at=at), COORDINATOR, at=at)


def held_bank() -> tuple[Chain, ...]:
    return tuple(_just_before(name, lambda steps, at: held(steps, CAST.working, at)) for name in (SHIP, BEDSIDE))


def held(steps: Steps, node: BankId | LotId, at: datetime) -> Steps:
    return inserted(steps, HoldPlaced(node=node, hold="H-0001", reason="under investigation", owner="QA"), QA, at=at)


def lapsed_logger() -> tuple[Chain, ...]:
    yesterday = step_of(delivered(), SHIP).at.date() - timedelta(days=1)
    steps = changed(delivered(), "logger_calibrated", where=lambda act: act.logger == CAST.trip_logger, due_on=yesterday)
    return (asked(steps, SHIP),)


def other_seal() -> tuple[Chain, ...]:
    return (
        asked(changed(delivered(), "handoff_accepted", seals=WRONG_SEALS), "handoff_accepted"),
        asked(changed(delivered(), "shipment_arrived", seals=WRONG_SEALS), "bag_accepted"),
    )


def cryo_excursion() -> tuple[Chain, ...]:
    begins = step_of(delivered(), "shipment_arrived").at - timedelta(hours=2)
    steps = with_file(delivered(), CAST.trip_logger, "-190.0", spike=(begins, begins + timedelta(minutes=9), "-119.0"))
    return (asked(steps, "bag_accepted"),)


def warm_hour() -> tuple[Chain, ...]:
    """A file of 24 hours, whose logger began to run before the bags were filled; the warm hour lies in the transport."""
    steps = delivered(FRESH)
    read = step_of(steps, "logger_file_read", nth=-1, where=lambda act: act.logger == FRESH.trip_logger).act
    assert isinstance(read, LoggerFileRead)
    begins = read.ends_at - timedelta(hours=24)
    warm_from = step_of(steps, "shipment_arrived").at - timedelta(hours=2)
    # Twelve readings of 5 minutes each stand for the hour.
    spike = (warm_from, warm_from + timedelta(minutes=59), "25.0")
    steps = moved(steps, "logger_started", begins, where=lambda act: act.logger == FRESH.trip_logger, started_at=begins)
    steps = with_file(steps, FRESH.trip_logger, "5.0", start=begins, spike=spike)
    _check_kinetic(step_of(steps, "logger_file_read", nth=-1, where=lambda act: act.logger == FRESH.trip_logger))
    return (asked(steps, "bag_accepted"),)


def _check_kinetic(read: Step) -> None:
    """The scenario is about a trip that a mean would let pass: the scenario itself is wrong when it would not."""
    assert read.series is not None
    assert mean_kinetic_celsius(read.series.celsius_values) <= REFRIGERATED


def no_custodian() -> tuple[Chain, ...]:
    in_transit = delivered()
    for name in ("handoff_offered", "handoff_accepted"):
        for _ in range(2):
            in_transit = dropped(in_transit, name, where=lambda act: act.node == CAST.shipment)
    bag, offered_at = CAST.dose_bags[0], START - timedelta(minutes=16)
    on_the_ward = moved(road(), "handoff_offered", offered_at, where=lambda act: act.node == bag, offered_at=offered_at)
    on_the_ward = dropped(on_the_ward, "handoff_accepted", where=lambda act: act.node == bag)
    return asked(in_transit, "bag_accepted"), asked(on_the_ward, BEDSIDE)


def one_receiver() -> tuple[Chain, ...]:
    return (asked(signed_by(delivered(), "bag_accepted", RECEIVERS[0], RECEIVERS[0]), "bag_accepted"),)


def _just_before(name: str, edit: Edit) -> Chain:
    """The road with one more act in the second before a step, asked at that step: valid until then."""
    steps = road() if name != SHIP else delivered()
    return asked(edit(steps, before(steps, name)), name)
