"""Reads the text export of Berlinger loggers (Q-tag and Fridge-tag families) and proves it with the device's own signature."""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property, lru_cache
from hashlib import sha256

from custody.domain.kinetic import ACTIVATION_KJ_PER_MOL
from custody.domain.measures import Celsius, Minutes, parse_decimal
from custody.domain.readings import Gap, Reading, Series
from custody.domain.terms import SignatureStateWord
from custody.errors import InputError
from custody.intake.berlinger_lines import Blocks, Entry, Row, blocks_of, malformed
from custody.intake.berlinger_signature import holds, key_fingerprint, public_key, split_signed
from custody.intake.logger_file import Alarm, AlarmEvent, AlarmKind, DeviceSummary, LoggerFile, Marker, check_signature

FORMAT = "berlinger"
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
DATA_HEADER = ("yyyy-MM-dd hh:mm", "T", "Out of limits")
MARKER_HEADER = ("Number", "T", "yyyy-MM-dd hh:mm", "")
SENSOR_FAULT = Decimal(-127)
TEMPERATURES_REMEMBERED = 4096
"""A long file says the same few values again and again."""
"""What a digital sensor answers when it has no value; a Berlinger logger cannot measure that low."""

ALARM_KINDS = {
    "0": AlarmKind.OFF,
    "1": AlarmKind.BELOW_ONCE,
    "2": AlarmKind.ABOVE_ONCE,
    "3": AlarmKind.BELOW_IN_ALL,
    "4": AlarmKind.ABOVE_IN_ALL,
}
ZONE_STEP = Decimal("0.25")
ZONE_MAX = 14


@dataclass(frozen=True)
class _Clock:
    """The device's local time, `zone_hours` ahead of UTC."""

    zone_hours: Decimal

    def utc(self, text: str, line: int) -> datetime:
        if not TIME.fullmatch(text):
            raise malformed(line, f"“{text[:40]}” is not a time; expected yyyy-MM-dd hh:mm")
        try:
            local = datetime.fromisoformat(text)
        except ValueError as error:
            raise malformed(line, f"“{text}” is no time of the calendar") from error
        return self.from_local(local)

    def from_local(self, local: datetime) -> datetime:
        return (local - self._ahead).replace(tzinfo=UTC)

    @cached_property
    def _ahead(self) -> timedelta:
        return timedelta(minutes=int(self.zone_hours * 60))


def read_berlinger(data: bytes, registered_fingerprints: AbstractSet[str] = frozenset()) -> LoggerFile:
    """The file as the logger wrote it; `signature` is VERIFIED only for a key in `registered_fingerprints`.

    Raises MalformedFileError, naming the line, for a file that is cut short or breaks the format. A file that can
    still be read although a signed byte was changed comes back with the signature INVALID, and must not be used.
    """
    signed = split_signed(data)
    blocks = blocks_of(data)
    key_text, _ = blocks.value("Cert", "Public Key")
    key = public_key(key_text)
    clock = _Clock(_zone(blocks))
    file = LoggerFile(
        format=FORMAT,
        model=blocks.value("Device")[0],
        firmware=blocks.value("Fw Vers")[0],
        serial=blocks.value("Conf", "Serial")[0],
        lot=blocks.value("Conf", "Lot")[0],
        zone_hours=clock.zone_hours,
        started_at=_time(blocks, clock, "Res", "TS Start"),
        stopped_at=_time(blocks, clock, "Res", "TS Stop"),
        series=_series(blocks, clock),
        alarms=tuple(_alarms(blocks, clock)),
        markers=tuple(_markers(blocks, clock)),
        device_summary=DeviceSummary(
            lowest=_celsius(blocks, "Min T"),
            highest=_celsius(blocks, "Max T"),
            mean=_celsius(blocks, "Avrg T"),
            mean_kinetic=_celsius(blocks, "MKT"),
        ),
        activation_kj_per_mol=_activation(blocks),
        sha256=sha256(data).hexdigest(),
        signature=SignatureStateWord.KEY_NOT_REGISTERED if key is not None and holds(signed, key) else SignatureStateWord.INVALID,
        key_fingerprint=None if key is None else key_fingerprint(key),
        issuer=blocks.value("Cert", "Issuer")[0],
    )
    return replace(file, signature=check_signature(file, registered_fingerprints))


def _number(text: str, line: int, what: str) -> Decimal:
    try:
        return parse_decimal(text, what)
    except InputError as error:
        raise malformed(line, str(error)) from error


@lru_cache(maxsize=TEMPERATURES_REMEMBERED)
def _celsius_in(text: str) -> Decimal:
    return Celsius.parse(text).value


def _summary_temperature(text: str, line: int) -> Decimal:
    """A temperature the device worked out, such as a mean, which may well be -127; MalformedFileError when it is none."""
    try:
        return _celsius_in(text)
    except InputError as error:
        raise malformed(line, f"no temperature: {error}") from error


def _temperature(text: str, line: int) -> Decimal:
    """A measured temperature; MalformedFileError for a sentinel (---, 999.9, -127, NaN), which is no measurement."""
    celsius = _summary_temperature(text, line)
    if celsius == SENSOR_FAULT:
        raise malformed(line, f"“{text}” is what a sensor without a value answers, not a temperature")
    return celsius


def _zone(blocks: Blocks) -> Decimal:
    text, line = blocks.value("Conf", "Zone")
    hours = _number(text, line, "zone in hours")
    if hours % ZONE_STEP or abs(hours) > ZONE_MAX:
        raise malformed(line, f"zone “{text}” is no offset from UTC in hours; expected -14 to 14 in quarters, as in 5.75")
    return hours


def _time(blocks: Blocks, clock: _Clock, *path: str) -> datetime | None:
    seen = blocks.found(*path)
    return clock.utc(*seen) if seen and seen[0] else None


def _celsius(blocks: Blocks, key: str) -> Decimal | None:
    seen = blocks.found("Res", key)
    return _summary_temperature(*seen) if seen and seen[0] else None


def _activation(blocks: Blocks) -> Decimal:
    seen = blocks.found("Conf", "MKT Energy")
    if seen is None:
        return ACTIVATION_KJ_PER_MOL
    energy = _number(*seen, "energy in kJ/mol")
    if energy <= 0:
        raise malformed(seen[1], f"MKT Energy is {energy} kJ/mol; expected more than 0")
    return energy


def _series(blocks: Blocks, clock: _Clock) -> Series:
    """The rows of `Data:`, in UTC. A daily summary is not a reading: a file with nothing else is refused."""
    unit = blocks.found("Conf", "Temp unit")
    if unit is not None and unit[0] != "C":
        raise malformed(unit[1], f"temperatures in “{unit[0]}”; expected C")
    rows = blocks.tables.get("Data", [])
    if not rows or rows[0].cells != DATA_HEADER:
        where = rows[0].line if rows else blocks.last_line
        raise malformed(where, "no table of readings (“Data:” with its header); a summary for each day does not show a trace")
    readings: list[Reading] = []
    for row in rows[1:]:
        reading = _reading(row, clock)
        if readings and reading.at <= readings[-1].at:
            order = "doubles" if reading.at == readings[-1].at else "is earlier than"
            raise malformed(row.line, f"the reading of {row.cells[0]} {order} the one before it")
        readings.append(reading)
    if not readings:
        raise malformed(rows[0].line, "the table of readings is empty")
    interval, line = blocks.value("Conf", "Logging Interval")
    minutes = _number(interval, line, "number of minutes")
    if not 0 < minutes <= Minutes.highest:
        raise malformed(line, f"a logging interval of {minutes} min; expected more than 0")
    return Series(readings=tuple(readings), interval_minutes=minutes, declared_gaps=tuple(_timeouts(blocks, clock)))


def _reading(row: Row, clock: _Clock) -> Reading:
    """`time`, `temperature`, and `x` when outside the device's limits; some models leave the third cell out."""
    if len(row.cells) not in {2, 3} or row.cells[2:] not in {(), ("",), ("x",)}:
        raise malformed(row.line, "a reading needs a time, a temperature and nothing but an “x” after them")
    return Reading(clock.utc(row.cells[0], row.line), _temperature(row.cells[1], row.line))


def _timeouts(blocks: Blocks, clock: _Clock) -> Iterator[Gap]:
    """Minutes a day for which the sensor gave no data: `Int Sensor timeout`, `Ext Sensor timeout` of each day of `Hist:`."""
    for entry in blocks.entries:
        if entry.under[:1] == ("Hist",) and entry.under[2:] in {("Int Sensor timeout",), ("Ext Sensor timeout",)}:
            minutes = _number(entry.get("t AccST"), entry.line, "number of minutes")
            date, line = blocks.value(*entry.under[:2], "Date")
            if not DATE.fullmatch(date):
                raise malformed(line, f"“{date[:40]}” is not a date; expected yyyy-MM-dd")
            start = clock.utc(f"{date} 00:00", line)
            if minutes:
                yield Gap(start=start, end=start + timedelta(days=1), minutes=minutes)


def _alarms(blocks: Blocks, clock: _Clock) -> Iterator[Alarm]:
    """The alarms whose `Type` is known (Q-tag family; Fridge-tags print none)."""
    for entry in blocks.entries:
        if entry.under[:2] == ("Conf", "Alarm") and len(entry.under) == 3 and entry.get("Type"):
            kind = ALARM_KINDS.get(entry.get("Type"))
            if kind is None:
                raise malformed(entry.line, f"alarm type “{entry.get('Type')}”; expected 0 to 4")
            alarm = Alarm(number=entry.under[2], kind=kind)
            if kind is not AlarmKind.OFF:
                alarm = replace(alarm, limit=_temperature(entry.get("T AL"), entry.line), minutes=_whole(entry, "t AL"))
            yield replace(alarm, events=tuple(_event(event, clock) for event in blocks.under("Res", "Alarm", alarm.number)))


def _event(entry: Entry, clock: _Clock) -> AlarmEvent:
    def moment(key: str) -> datetime | None:
        return clock.utc(entry.get(key), entry.line) if entry.get(key) else None

    return AlarmEvent(
        started_at=clock.utc(entry.get("TS S"), entry.line),
        minutes_outside=_whole(entry, "t A"),
        raised_at=moment("TS A"),
        ended_at=moment("TS E"),
        extreme=_temperature(entry.get("T M"), entry.line) if entry.get("T M") else None,
        extreme_at=moment("TS M"),
    )


def _whole(entry: Entry, key: str) -> int:
    text = entry.get(key)
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise malformed(entry.line, f"“{key}: {text[:40]}” is not a whole number of minutes")
    return int(text)


def _markers(blocks: Blocks, clock: _Clock) -> Iterator[Marker]:
    rows = blocks.tables.get("Marker", [])
    if rows and rows[0].cells != MARKER_HEADER:
        raise malformed(rows[0].line, "expected the header of the marker table")
    for row in rows[1:]:
        if len(row.cells) < 3:
            raise malformed(row.line, "a marker needs a number, a temperature and a time")
        number, celsius, time = row.cells[:3]
        yield Marker(number=number, at=clock.utc(time, row.line), celsius=_temperature(celsius, row.line) if celsius else None)
