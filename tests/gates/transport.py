"""What the tests of bags, shipments and receipts share: other temperature files, other times, later acts on one bag."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from decimal import Decimal

from custody.domain.acts import shipping
from custody.domain.acts.equipment import LoggerInstalled
from custody.domain.ids import LoggerId
from custody.workflows.rehearsal.files import logger_file
from custody.workflows.rehearsal.places import FREEZER, FREEZER_LOGGER
from tests.gates.altered import put

QA = "demo-qa-one"
QP = "demo-qp-one"
PACKER = "demo-coldchain-one"
VERIFIER = "demo-verifier-one"
COURIER = "demo-carrier-one"
RECEIVERS = ("demo-receiver-one", "demo-receiver-two")
PREPARERS = ("demo-preparer-one", "demo-preparer-two")
NURSE = "demo-nurse-one"


def of_logger(logger):
    return lambda act: act.logger == logger


def of_equipment(equipment):
    return lambda act: act.equipment == equipment


def of_test(test):
    return lambda act: act.test == test


def trip_file(chain):
    """The index of the step that reads the trip's logger."""
    return chain.index("logger_file_read", where=of_logger(chain.cast.trip_logger))


def rewrite_trip_file(chain, *, starts_later=0, ends_earlier=0, celsius="-190.0", spike=None, interval=10, **fields):
    """Another file from the trip's logger; `spike` is (minutes after packing, minutes it lasts, °C); `fields` change the act only."""
    index = trip_file(chain)
    step = chain.steps[index]
    start = step.series.start + timedelta(minutes=starts_later)
    end = step.series.end - timedelta(minutes=ends_earlier)
    if spike is not None:
        begins = first_packed_at(chain) + timedelta(minutes=spike[0])
        spike = (begins, begins + timedelta(minutes=spike[1]), spike[2])
    act, series, data = logger_file(chain.cast.trip_logger, start, end, celsius, interval, spike)
    act = dataclasses.replace(act, **fields)
    chain.steps[index] = dataclasses.replace(step, act=act, series=series, file=data)


def first_packed_at(chain):
    return chain.step("bag_packed").act.packed_at


def shift(chain, name, minutes, nth=0, where=None, **times):
    """A step `minutes` later, with the named times inside it."""
    act = chain.step(name, nth, where).act
    chain.change(name, nth, where, **{key: getattr(act, key) + timedelta(minutes=minutes) for key in times})
    chain.move(name, minutes, nth, where)


def move_all_after(chain, name, minutes, nth=0):
    """Everything from this step on happens later; the times inside the acts stay as they are."""
    since = chain.step(name, nth).at
    chain.steps = [dataclasses.replace(s, at=s.at + timedelta(minutes=minutes)) if s.at >= since else s for s in chain.steps]


def install_second(chain, at):
    """Another logger in the freezer from then on, in calibration."""
    new = LoggerId("LOGGER-F02")
    day = (at - timedelta(days=60)).date()
    put(chain, shipping.LoggerRegistered(logger=new, model="x", interval_minutes=Decimal(10)), at - timedelta(hours=2), PACKER)
    calibrated = shipping.LoggerCalibrated(logger=new, calibrated_on=day, due_on=day + timedelta(days=360), certificate="x")
    put(chain, calibrated, at - timedelta(hours=1), QA)
    put(chain, LoggerInstalled(equipment=FREEZER, logger=new, installed_at=at), at, PACKER)
    return new


def until(chain, when):
    """The freezer's own logger was read up to this moment; returns when it was read in, and up to when it would have been."""
    index = chain.index("logger_file_read", where=of_logger(FREEZER_LOGGER))
    step = chain.steps[index]
    act, series, data = logger_file(FREEZER_LOGGER, step.series.start, when, "-190.0")
    chain.steps[index] = dataclasses.replace(step, act=act, series=series, file=data)
    return step.at, step.series.end


def read(chain, logger, start, end, at, celsius="-190.0"):
    act, series, _ = logger_file(logger, start, end, celsius)
    put(chain, act, at, PACKER, series=series)
