"""What the loggers of a trip say of one bag: which were with it and when, which files may be of this trip, and the tell-tales."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from custody.domain.acts.shipping import BagPacked, LoggerStarted, PackingStarted
from custody.domain.dossier import Dossier
from custody.domain.folds.shipment import ShipmentFold
from custody.domain.folds.temperature_files import Trace
from custody.domain.ids import BagId, LoggerId, ShipmentId
from custody.domain.terms import Answer

CLOCK_WRONG_BY = timedelta(days=1)
"""The most by which the clock of a logger is thought to be wrong where that is not known."""
_STARTS_WITHIN = timedelta(minutes=1)
_ENDLESS = datetime.max.replace(tzinfo=UTC)


def loggers_of_trip(dossier: Dossier, bag: BagId, shipment: ShipmentId) -> dict[LoggerId, tuple[datetime | None, datetime | None]]:
    """From when to when each logger travelled with the bag (None: no bound).

    Where another shipper was taken, the loggers of the first speak for the bag until it was scanned into the second.
    """
    packings = dossier.deeds(shipment, PackingStarted)
    scans = [d for d in dossier.deeds(bag, BagPacked) if d.act.shipment == shipment]
    times = pairwise((*(d.began.recorded_at for d in packings), _ENDLESS))
    put_in = [next((d.act.packed_at for d in scans if began <= d.began.recorded_at < ended), None) for began, ended in times]
    found: dict[LoggerId, tuple[datetime | None, datetime | None]] = {}
    for number, packing in enumerate(packings):
        was_in = put_in[number] is not None
        if not was_in and packing is not packings[-1]:
            continue
        was_in_another = any(at is not None for at in put_in[:number])
        since = put_in[number] if was_in_another else None
        until = next((at for at in put_in[number + 1 :] if at is not None), None)
        for logger in packing.act.loggers:
            found[logger] = (found[logger][0] if logger in found else since, until)
    return found


def may_be_of_the_trip(dossier: Dossier, trace: Trace, start: datetime, end: datetime) -> bool:
    """A logger travels again and again: what was read before this trip began says nothing of it, nor what began a day after it ended or
    when somebody started the logger anew.

    By its own times alone no file is left out: the clock of the device may be wrong.
    """
    if trace.deed.recorded_at < start or trace.series.start > end + CLOCK_WRONG_BY:
        return False
    starts = (d.act.started_at for d in dossier.deeds(trace.deed.act.logger, LoggerStarted) if d.recorded_at <= trace.deed.recorded_at)
    return not any(end < started_at <= trace.series.start + _STARTS_WITHIN for started_at in starts)


def marks_of(shipment: ShipmentFold, traces: Iterable[Trace]) -> Iterator[str]:
    """Tell-tales that are not clear; a line nobody checked is not clear either. `traces`: those that may be of the trip."""
    arrived = shipment.arrived
    if arrived is not None and arrived.act.shock_and_tilt_marks_clear is not Answer.YES:
        yield "shock_and_tilt_marks_clear"
    if arrived is not None and arrived.act.logger_present_and_running is not Answer.YES:
        yield "logger_present_and_running"
    if any(t.deed.act.shock_or_tilt for t in traces if t.counts):
        yield "shock_or_tilt_in_file"
