"""Temperature files of the rehearsed road: written in a real logger's format with a key of the demonstration's own."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from custody.domain.acts.shipping import LoggerFileRead
from custody.domain.acts.study import LoggerKeyRegistered
from custody.domain.ids import Digest, LoggerId
from custody.domain.readings import Reading, Series
from custody.intake.loggers import read_logger_file
from custody.intake.twins import ALARMS_2_8, ALARMS_CRYO, TwinKey, TwinTrip, write_twin
from custody.workflows.rehearsal.steps import STUDY
from custody.workflows.temperature import act_from_file

KEY = TwinKey.from_seed("custody demonstration logger lot 1")
CRYO_BELOW = Decimal(-60)
"""A steady temperature below this is a freezer's or dry shipper's, for the choice of alarms printed in the file."""

Spike = tuple[datetime, datetime, str]


def demonstration_key() -> LoggerKeyRegistered:
    return LoggerKeyRegistered(study=STUDY, issuer="custody demonstration", device_lot="DEMO0001", fingerprint=Digest(KEY.fingerprint))


@lru_cache(maxsize=256)
def logger_file(
    logger: LoggerId, start: datetime, end: datetime, celsius: str, interval: int = 10, spike: Spike | None = None
) -> tuple[LoggerFileRead, Series, bytes]:
    """A file with one steady temperature from `start` to `end`, and another inside `spike` (from, to, °C): act, series and bytes."""
    first = start.replace(second=0, microsecond=0)
    step = timedelta(minutes=interval)
    count = (end - first) // step + 1
    readings = tuple(_reading(first + n * step, celsius, spike) for n in range(count))
    series = Series(readings=readings, interval_minutes=Decimal(interval))
    alarms = ALARMS_CRYO if Decimal(celsius) < CRYO_BELOW else ALARMS_2_8
    data = write_twin(TwinTrip(serial=logger.value, series=series, alarms=alarms), KEY)
    file = read_logger_file(data)
    return act_from_file(logger, file), file.series, data


def _reading(at: datetime, celsius: str, spike: Spike | None) -> Reading:
    inside = spike is not None and spike[0] <= at <= spike[1]
    return Reading(at, Decimal(spike[2] if inside and spike is not None else celsius))
