"""What must be ready before a shipper leaves, one line each, with the number seen and its limit; gates of G8 still judge it all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from custody.domain.acts.shipping import (
    LoggerCalibrated,
    LoggerFileRead,
    LoggerRegistered,
    LoggerStarted,
    ShipperQualified,
    ShipperRegistered,
)
from custody.domain.dossier import Dossier
from custody.domain.folds.base import MissingFact
from custody.domain.folds.registers import span
from custody.domain.folds.shipment import ShipmentFold
from custody.domain.ids import LoggerId, ShipperId
from custody.domain.masking import Seen, Viewer
from custody.workflows.desks.things import listed

CHOICES_SHOWN = 12


@dataclass(frozen=True, kw_only=True)
class Check:
    """One line. `state`: good, bad or open (not done yet); `key` words it with `values`; `about` is the number of the thing."""

    name: str
    state: str
    key: str
    about: str = ""
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ShipperChoice:
    """A shipper that could be taken. `good`: qualified to the day the shipment would arrive."""

    shipper: ShipperId
    model: str
    qualified_until: date | None
    hold_minutes: int | None
    good: bool


@dataclass(frozen=True, kw_only=True)
class LoggerChoice:
    logger: LoggerId
    due_on: date | None
    started_at: datetime | None
    good: bool


@dataclass(frozen=True, kw_only=True)
class Supplies:
    shippers: tuple[ShipperChoice, ...]
    loggers: tuple[LoggerChoice, ...]


def checks_of(fold: ShipmentFold, now: datetime, *, packed: int) -> tuple[Check, ...]:
    """Shipper, hold time, loggers, bags, documents, seals: everything the packer looks at, in the order of the work."""
    return tuple(_checks(fold, now, packed))


def leave_by(fold: ShipmentFold) -> datetime | None:
    """The last moment to leave: hold time less the planned way and the margin of the study (rules section 4, G8)."""
    holds = _holds_until(fold)
    if holds is None:
        return None
    return holds - timedelta(minutes=fold.planned.act.planned_minutes) - span(hours=fold.criteria.settings.ship_hold_margin_h)


def _holds_until(fold: ShipmentFold) -> datetime | None:
    """None before packing, and for a shipper nobody qualified."""
    try:
        last = fold.qualifications
        return fold.packing.act.charged_at + timedelta(minutes=last[-1].act.hold_minutes) if last else None
    except MissingFact:
        return None


def _checks(fold: ShipmentFold, now: datetime, packed: int) -> Iterator[Check]:
    try:
        packing = fold.packing.act
    except MissingFact:
        yield Check(name="shipper", state="open", key="not_chosen")
        yield Check(name="logger", state="open", key="not_chosen")
        yield _bags(fold, packed)
        return
    arrives = now + timedelta(minutes=fold.planned.act.planned_minutes)
    zone = packing.charged_at.tzinfo
    yield _shipper(fold, now.astimezone(zone).date(), arrives.astimezone(zone).date())
    yield _hold_time(fold, now)
    for logger in fold.loggers:
        yield from _logger(fold, logger, now.astimezone(zone).date(), arrives.astimezone(zone).date())
    if not fold.loggers:
        yield Check(name="logger", state="bad", key="no_logger")
    yield _bags(fold, packed)
    yield _seals(fold)


def _shipper(fold: ShipmentFold, today: date, arrives_on: date) -> Check:
    if not fold.qualifications:
        return Check(name="shipper", state="bad", key="not_qualified", about=fold.shipper.value)
    last = fold.qualifications[-1].act
    good = last.qualified_on <= today and arrives_on <= last.qualified_until
    return Check(
        name="shipper",
        state="good" if good else "bad",
        key="qualified" if good else "qualification_over",
        about=fold.shipper.value,
        values={"until": last.qualified_until, "arrives": arrives_on},
    )


def _hold_time(fold: ShipmentFold, now: datetime) -> Check:
    holds, leave = _holds_until(fold), leave_by(fold)
    if holds is None or leave is None:
        return Check(name="hold_time", state="bad", key="hold_unknown", about=fold.shipper.value)
    values = {"holds": holds, "leave": leave, "margin": fold.criteria.settings.ship_hold_margin_h}
    good = now <= leave and fold.packing.act.charged_at <= now
    return Check(name="hold_time", state="good" if good else "bad", key="holds" if good else "holds_too_short", values=values)


def _logger(fold: ShipmentFold, logger: LoggerId, today: date, arrives_on: date) -> Iterator[Check]:
    """Calibrated over the whole way, an interval within the limit, started before the first bag."""
    dossier = fold.dossier
    calibrated, registered = dossier.last(logger, LoggerCalibrated), dossier.last(logger, LoggerRegistered)
    if calibrated is None or registered is None:
        yield Check(name="logger", state="bad", key="not_calibrated", about=logger.value)
        return
    due = calibrated.act.due_on
    in_time = calibrated.act.calibrated_on <= today and arrives_on <= due
    yield Check(
        name="calibration",
        state="good" if in_time else "bad",
        key="calibrated" if in_time else "calibration_over",
        about=logger.value,
        values={"due": due, "arrives": arrives_on},
    )
    most = fold.criteria.cold_chain.for_form(fold.planned.act.form).logger_interval_minutes_max
    every = registered.act.interval_minutes
    yield Check(
        name="interval", state="good" if every <= most else "bad", key="interval", about=logger.value, values={"every": every, "most": most}
    )
    yield _start(fold, logger)


def _start(fold: ShipmentFold, logger: LoggerId) -> Check:
    started = started_at(fold.dossier, logger)
    if started is None:
        return Check(name="logger", state="bad", key="not_started", about=logger.value)
    loaded = min((p.act.packed_at for bag in fold.planned.act.bags if (p := fold.packing_of(bag)) is not None), default=None)
    late = loaded is not None and started > loaded
    values = {"at": started, "loaded": loaded if loaded is not None else ""}
    return Check(
        name="logger", state="bad" if late else "good", key="started_late" if late else "started", about=logger.value, values=values
    )


def started_at(dossier: Dossier, logger: LoggerId) -> datetime | None:
    """When its running recording began; None where a file was read since, which ended it."""
    last = dossier.last(logger, LoggerStarted, LoggerFileRead)
    return last.act.started_at if last is not None and isinstance(last.act, LoggerStarted) else None


def _bags(fold: ShipmentFold, packed: int) -> Check:
    total = len(fold.planned.act.bags)
    return Check(name="bags", state="good" if packed == total else "open", key="packed_of", values={"packed": packed, "total": total})


def _seals(fold: ShipmentFold) -> Check:
    if fold.sealing is None:
        return Check(name="seals", state="open", key="not_sealed")
    return Check(name="seals", state="good", key="sealed", values={"seals": fold.seals, "at": fold.sealing.at})


def supplies(connection: Connection, viewer: Viewer, today: date) -> Seen[Supplies]:
    """Shippers and loggers to choose from, those that can be taken first."""
    found = listed(connection, viewer, ("shipper", "logger"))
    shippers = [_shipper_choice(found.dossier, node, today) for node in found.nodes if isinstance(node, ShipperId)]
    loggers = [_logger_choice(found.dossier, node, today) for node in found.nodes if isinstance(node, LoggerId)]
    return Seen(
        Supplies(
            shippers=tuple(sorted(shippers, key=lambda each: not each.good)[:CHOICES_SHOWN]),
            loggers=tuple(sorted(loggers, key=lambda each: (not each.good, each.started_at is None))[:CHOICES_SHOWN]),
        )
    )


def _shipper_choice(dossier: Dossier, node: ShipperId, today: date) -> ShipperChoice:
    registered, last = dossier.last(node, ShipperRegistered), dossier.last(node, ShipperQualified)
    return ShipperChoice(
        shipper=node,
        model=registered.act.model if registered is not None else "",
        qualified_until=last.act.qualified_until if last is not None else None,
        hold_minutes=last.act.hold_minutes if last is not None else None,
        good=last is not None and last.act.qualified_on <= today <= last.act.qualified_until,
    )


def _logger_choice(dossier: Dossier, node: LoggerId, today: date) -> LoggerChoice:
    last = dossier.last(node, LoggerCalibrated)
    return LoggerChoice(
        logger=node,
        due_on=last.act.due_on if last is not None else None,
        started_at=started_at(dossier, node),
        good=last is not None and last.act.calibrated_on <= today <= last.act.due_on,
    )
