"""Freezers and shippers: what their loggers measured, written as files in a real logger's format, with every warm time there was."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from custody.domain.ids import EquipmentId, LoggerId
from custody.domain.readings import Reading, Series
from custody.intake.twins import ALARMS_CRYO, TwinTrip, write_twin
from custody.workflows.rehearsal.files import KEY

EVERY_MINUTES = 10
EVERY = timedelta(minutes=EVERY_MINUTES)
STEADY = Decimal("-190.0")


@dataclass(frozen=True, kw_only=True)
class Warm:
    """A time at another temperature than there should be."""

    start: datetime
    end: datetime
    celsius: Decimal


@dataclass
class Freezer:
    """`read_to`: up to where its record has been read (None: its logger waits for the first bag).

    A new file begins with the last reading of the one before.
    """

    equipment: EquipmentId
    logger: LoggerId
    read_to: datetime | None = None
    warm: list[Warm] = field(default_factory=list)

    def begins(self, at: datetime) -> None:
        """The logger measures from then on, if it does not already."""
        self.read_to = self.read_to or whole_minute(at)

    def file(self, now: datetime) -> bytes:
        """The readings since the last file. The logger must have begun."""
        start = self.read_to
        assert start is not None
        readings: list[Reading] = []
        while start + EVERY * len(readings) <= now:
            readings.append(self._at(start + EVERY * len(readings)))
        self.read_to = readings[-1].at
        return file_of(self.logger, tuple(readings))

    def _at(self, at: datetime) -> Reading:
        return Reading(at, next((warm.celsius for warm in self.warm if warm.start <= at <= warm.end), STEADY))


def trip_file(logger: LoggerId, start: datetime, end: datetime, *, warm: Warm | None = None, clock_off: timedelta = timedelta(0)) -> bytes:
    """The file of a shipper's logger whose own clock may be wrong."""
    first = whole_minute(start)
    times = [first + EVERY * n for n in range((end - first) // EVERY + 1)]
    inside = [warm is not None and warm.start <= at <= warm.end for at in times]
    readings = tuple(
        Reading(at + clock_off, warm.celsius if is_warm and warm is not None else STEADY) for at, is_warm in zip(times, inside, strict=True)
    )
    return file_of(logger, readings)


def file_of(logger: LoggerId, readings: tuple[Reading, ...]) -> bytes:
    series = Series(readings=readings, interval_minutes=Decimal(EVERY_MINUTES))
    return write_twin(TwinTrip(serial=logger.value, series=series, alarms=ALARMS_CRYO), KEY)


def whole_minute(at: datetime) -> datetime:
    """A logger's file knows no seconds."""
    return at.replace(second=0, microsecond=0)
