"""SHP: may this shipper leave (hold point G8): box, hold time, loggers, seals, documents, and the bags scanned one by one."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta

from custody.domain.acts.shipping import LoggerCalibrated, LoggerFileRead, LoggerRegistered, LoggerStarted, ShipperSealed
from custody.domain.dossier import Deed
from custody.domain.folds.bag import BagFold
from custody.domain.folds.base import MissingFact, newest_by
from custody.domain.folds.logger_places import equipment_of
from custody.domain.folds.registers import span
from custody.domain.ids import Digest, LoggerId
from custody.domain.verdict import Blocked, Outcome, Passed, Reason
from custody.gates.case import Case
from custody.gates.registry import gate


@gate("SHP-BOX", revision=2, title="The shipper is qualified and right for these bags", source="rules 4 G8")
def shipper_is_qualified(case: Case, now: datetime) -> Outcome:
    shipment, sealed = case.shipment, _sealed(case)
    if sealed.shipper != shipment.shipper:
        return Blocked(Reason("shipper_not_the_packed_one", seen=sealed.shipper, expected=shipment.shipper), (shipment.packing.digest,))
    planned = shipment.planned
    for bag in shipment.bags:
        needed = BagFold(case.dossier, bag, case.study).cold_life.form
        if needed is not planned.act.form:
            return Blocked(Reason("shipper_form_differs", bag=bag, seen=planned.act.form, expected=needed), (planned.digest,))
    if not shipment.qualifications:
        raise MissingFact("shipper_qualification", node=shipment.shipper)
    last = shipment.qualifications[-1]
    first_day, last_day = _day(case, now), _day(case, _arrival(case, now))
    if last.act.qualified_on <= first_day and last_day <= last.act.qualified_until:
        return Passed((planned.digest, last.digest))
    reason = Reason(
        "shipper_not_qualified", shipper=shipment.shipper, qualified_on=last.act.qualified_on, qualified_until=last.act.qualified_until
    )
    return Blocked(reason, (last.digest,))


@gate("SHP-TIME", revision=1, title="The shipper holds its temperature for the way and a day more", source="rules 4 G8, ship_hold_margin_h")
def hold_time_is_enough(case: Case, now: datetime) -> Outcome:
    shipment = case.shipment
    if not shipment.qualifications:
        raise MissingFact("shipper_qualification", node=shipment.shipper)
    charged_at, last = shipment.packing.act.charged_at, shipment.qualifications[-1]
    evidence = (shipment.planned.digest, shipment.packing.digest, last.digest)
    if charged_at > now:
        return Blocked(Reason("charged_in_future", charged_at=charged_at, now=now), evidence)
    holds_until = charged_at + timedelta(minutes=last.act.hold_minutes)
    needed_until = _arrival(case, now) + span(hours=shipment.criteria.settings.ship_hold_margin_h)
    if needed_until <= holds_until:
        return Passed(evidence)
    return Blocked(Reason("hold_time_too_short", holds_until=holds_until, needed_until=needed_until), evidence)


@gate("SHP-LOG", revision=2, title="The loggers are calibrated and running", source="rules 4 G8, 11 logger")
def loggers_run(case: Case, now: datetime) -> Outcome:
    loggers = case.shipment.loggers
    if not loggers:
        return Blocked(Reason("no_logger", shipment=case.shipment.node), (case.shipment.packing.digest,))
    evidence: list[Digest] = []
    for logger in loggers:
        outcome = _logger(case, logger, now)
        if isinstance(outcome, Blocked):
            return outcome
        evidence += outcome
    return Passed(tuple(evidence))


def _calibration(case: Case, logger: LoggerId) -> Deed[LoggerCalibrated] | None:
    """The newest by the day it was done: a certificate found later is no newer one."""
    return newest_by(case.dossier.deeds(logger, LoggerCalibrated), lambda d: d.act.calibrated_on)


def _logger(case: Case, logger: LoggerId, now: datetime) -> Blocked | tuple[Digest, ...]:
    """The evidence that one logger will measure the trip, or why not."""
    registered, calibrated = case.dossier.last(logger, LoggerRegistered), _calibration(case, logger)
    if registered is None or calibrated is None:
        raise MissingFact("logger_registration" if registered is None else "logger_calibration", node=logger)
    installed_in = equipment_of(case.dossier, logger)
    if installed_in is not None:  # its next file would speak for that equipment and for this trip
        return Blocked(Reason("logger_is_installed", logger=logger, equipment=installed_in), (registered.digest,))
    due_on = calibrated.act.due_on
    if not calibrated.act.calibrated_on <= _day(case, now) <= _day(case, _arrival(case, now)) <= due_on:
        return Blocked(Reason("logger_calibration_ends", logger=logger, due_on=due_on), (calibrated.digest,))
    limits = case.shipment.criteria.cold_chain.for_form(case.shipment.planned.act.form)
    interval, interval_max = registered.act.interval_minutes, limits.logger_interval_minutes_max
    if interval > interval_max:
        reason = Reason("logger_interval_too_long", logger=logger, interval_minutes=interval, interval_minutes_max=interval_max)
        return Blocked(reason, (registered.digest,))
    last = case.dossier.last(logger, LoggerStarted, LoggerFileRead)
    if last is None or not isinstance(last.act, LoggerStarted):  # a file read since the last start ended that recording
        return Blocked(Reason("logger_not_started", logger=logger), () if last is None else (last.digest,))
    loaded_at = min((p.act.packed_at for bag in case.shipment.packed_bags if (p := case.shipment.packing_of(bag))), default=now)
    if last.act.started_at > min(loaded_at, now):
        return Blocked(Reason("logger_started_late", logger=logger, started_at=last.act.started_at, loaded_at=loaded_at), (last.digest,))
    return (registered.digest, calibrated.digest, last.digest)


@gate("SHP-SEAL", revision=1, title="The seals are on, and their numbers are stored", source="rules 4 G8")
def seals_are_stored(case: Case, now: datetime) -> Outcome:
    del now
    seals = _sealed(case).seals
    if not seals:
        return Blocked(Reason("no_seal", shipment=case.shipment.node))
    twice = next((seal for seal, count in Counter(seals).items() if count > 1), None)
    if twice is not None:
        return Blocked(Reason("seal_scanned_twice", seal=twice))
    return Passed()


@gate("SHP-DOC", revision=1, title="All documents travel with the shipment", source="rules 4 G8, 11 receipt checklist")
def documents_travel(case: Case, now: datetime) -> Outcome:
    del now
    wanted = case.shipment.criteria.documents.shipment
    missing = tuple(document for document in wanted if document not in _sealed(case).documents)
    if not missing:
        return Passed((case.shipment.planned.digest,))
    return Blocked(Reason("documents_not_packed", documents=missing), (case.shipment.planned.digest,))


@gate("SHP-SCAN", revision=2, title="Every bag of the list was scanned into the shipper, and no other", source="rules 4 G8, 10")
def bags_were_scanned(case: Case, now: datetime) -> Outcome:
    del now
    shipment = case.shipment
    planned, sealed = shipment.planned.act.bags, _sealed(case).bags
    not_scanned = tuple(bag for bag in planned if bag not in shipment.packed_bags)
    if not_scanned:
        return Blocked(Reason("bags_not_scanned", bags=not_scanned), (shipment.planned.digest,))
    if Counter(sealed) != Counter(planned):
        return Blocked(Reason("bags_differ_from_list", seen=sealed, expected=planned), (shipment.planned.digest,))
    if len(set(planned)) != len(planned) or not planned:
        return Blocked(Reason("packing_list_faulty", bags=planned), (shipment.planned.digest,))
    scans = (shipment.packing_of(bag) for bag in planned)
    return Passed((shipment.planned.digest, *(scan.digest for scan in scans if scan is not None)))


def _sealed(case: Case) -> ShipperSealed:
    """The sealing about to be recorded. Raises MissingFact for any other act."""
    act = case.proposed_as(ShipperSealed)
    if act is None:
        raise MissingFact("sealing", node=case.shipment.node)
    return act


def _arrival(case: Case, now: datetime) -> datetime:
    return now + timedelta(minutes=case.shipment.planned.act.planned_minutes)


def _day(case: Case, at: datetime) -> date:
    """The day as people at the packing bench count it: `charged_at` carries their offset from UTC."""
    return at.astimezone(case.shipment.packing.act.charged_at.tzinfo).date()
