"""Writes files of the Berlinger Q-tag format, signed by a key of our own: for the demonstration and the tests, never for a real trip."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction
from hashlib import sha256
from itertools import groupby, pairwise

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from custody.domain.kinetic import mean_kinetic_celsius
from custody.domain.readings import Reading, Series
from custody.errors import InputError
from custody.intake.berlinger_signature import NUMBER_BYTES, device_digest, key_fingerprint

ORDER_P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Number of points of the curve (FIPS 186-5): a private key is less."""

REPEATABLE = ec.ECDSA(utils.Prehashed(hashes.SHA256()), deterministic_signing=True)
MKT_ENERGY = Decimal("83.0")
"""What Q-tag loggers are set to, in kJ/mol."""


@dataclass(frozen=True)
class TwinKey:
    """The key pair of a made-up logger lot."""

    private: ec.EllipticCurvePrivateKey

    @classmethod
    def from_seed(cls, seed: str) -> TwinKey:
        """Always the same key for `seed`, so anybody can sign with it: worth nothing outside a demonstration."""
        number = int.from_bytes(sha256(seed.encode("utf-8")).digest(), "big") % (ORDER_P256 - 1) + 1
        return cls(ec.derive_private_key(number, ec.SECP256R1()))

    @property
    def fingerprint(self) -> str:
        return key_fingerprint(self.private.public_key())

    @property
    def printed(self) -> str:
        numbers = self.private.public_key().public_numbers()
        return _little_endian(numbers.x, numbers.y)

    def signature_of(self, message: bytes) -> str:
        """Little-endian numbers over the byte-reversed digest, as the device writes them."""
        return _little_endian(*utils.decode_dss_signature(self.private.sign(device_digest(message), REPEATABLE)))


def _little_endian(first: int, second: int) -> str:
    return (first.to_bytes(NUMBER_BYTES, "little") + second.to_bytes(NUMBER_BYTES, "little")).hex()


@dataclass(frozen=True, kw_only=True)
class TwinAlarm:
    """One alarm set on the made-up logger: `kind` is the number the format writes, 1 below, 2 above, 3 and 4 the same in all."""

    kind: int
    limit: Decimal
    minutes: int

    def outside(self, celsius: Decimal) -> bool:
        return celsius < self.limit if self.kind in {1, 3} else celsius > self.limit

    @property
    def cumulative(self) -> bool:
        return self.kind in {3, 4}


ALARMS_2_8 = (
    TwinAlarm(kind=2, limit=Decimal("8.0"), minutes=30),
    TwinAlarm(kind=4, limit=Decimal("8.0"), minutes=60),
    TwinAlarm(kind=3, limit=Decimal("2.0"), minutes=60),
    TwinAlarm(kind=1, limit=Decimal("2.0"), minutes=30),
)
ALARMS_CRYO = (TwinAlarm(kind=2, limit=Decimal("-150.0"), minutes=30), TwinAlarm(kind=4, limit=Decimal("-150.0"), minutes=60))


@dataclass(frozen=True, kw_only=True)
class TwinTrip:
    """What a made-up logger saw. Readings stand on whole minutes and have at most one decimal, as the format prints them."""

    serial: str
    series: Series
    lot: str = "DEMO0001"
    issuer: str = "custody demonstration"
    zone_hours: Decimal = Decimal("0.00")
    alarms: tuple[TwinAlarm, ...] = ALARMS_2_8
    marked_at: tuple[datetime, ...] = ()

    def __post_init__(self) -> None:
        for reading in self.series.readings:
            if reading.at.second or reading.at.microsecond or reading.celsius != round(reading.celsius, 1):
                raise InputError(f"a logger file cannot show {reading.celsius} °C at {reading.at}: whole minutes and one decimal only")

    def local(self, at: datetime) -> str:
        return (at + timedelta(minutes=int(self.zone_hours * 60))).strftime("%Y-%m-%d %H:%M")


def write_twin(trip: TwinTrip, key: TwinKey) -> bytes:
    """The whole file: what `read_berlinger` reads back as the same readings, with a signature of `key` that holds."""
    lines = [*_head(trip), *_results(trip), *_markers(trip), *_data(trip)]
    return sealed("".join(f"{line}\r\n" for line in lines).encode("latin-1"), key, lot=trip.lot, issuer=trip.issuer)


def sealed(body: bytes, key: TwinKey, *, lot: str, issuer: str) -> bytes:
    """`body` with certificate and signature of `key` below it; the certificate's own signature is by `key` too."""
    certificate = (
        f"Cert:\r\n Vers: 1.0\r\n Lot: {lot}\r\n Issuer: {issuer}\r\n Valid from: 2020-01-01 00:00\r\n Owner: {issuer}\r\n"
        f" Public Key: {key.printed}\r\n"
    ).encode("latin-1")
    message = body + certificate + f"Sig Cert: {key.signature_of(certificate)}\r\n".encode("ascii")
    return message + f"Sig: {key.signature_of(message)}\r\n".encode("ascii")


def _head(trip: TwinTrip) -> Iterator[str]:
    yield from ("Device: Q-tag CLm doc LR", "Vers: 1.9", "Fw Vers: 4.7.04o", "Device ID: 80", "Sensor: 1", "Conf:")
    yield from (f" Serial: {trip.serial}", f" Lot: {trip.lot}", f" Zone: {trip.zone_hours:.2f}", " Start Delay: 0")
    yield from (f" MKT Energy: {MKT_ENERGY}", f" Logging Interval: {trip.series.interval_minutes.normalize():f}", " Alarm:")
    for number, alarm in enumerate(trip.alarms, start=1):
        yield from (f"  {number}:", f"   Type: {alarm.kind}, T AL: {alarm.limit:.1f}, t AL: {alarm.minutes}")


def _results(trip: TwinTrip) -> Iterator[str]:
    values = trip.series.celsius_values
    lowest = min(trip.series.readings, key=lambda reading: reading.celsius)
    highest = max(trip.series.readings, key=lambda reading: reading.celsius)
    mean = sum(map(Fraction, values), Fraction(0)) / len(values)
    yield from ("Res:", f" TS Start Trig: {trip.local(trip.series.start)}", f" TS Start: {trip.local(trip.series.start)}")
    yield f" TS Stop: {trip.local(trip.series.end)}"
    yield f" Min T: {lowest.celsius:.1f}, TS Min T: {trip.local(lowest.at)}"
    yield f" Max T: {highest.celsius:.1f}, TS Max T: {trip.local(highest.at)}"
    yield f" MKT: {cut(Decimal(repr(mean_kinetic_celsius(values, MKT_ENERGY))))}"
    yield from (f" Avrg T: {cut(Decimal(mean.numerator) / Decimal(mean.denominator))}", " Alarm:")
    for number, alarm in enumerate(trip.alarms, start=1):
        yield f"  {number}:"
        yield from _events(trip, alarm)


def cut(value: Decimal) -> Decimal:
    """To one decimal as the device does it: the rest is cut off, not rounded."""
    return value.quantize(Decimal("0.1"), rounding=ROUND_DOWN)


def _events(trip: TwinTrip, alarm: TwinAlarm) -> Iterator[str]:
    """The device works from finer samples; a twin has none, so its minutes run from reading to reading."""
    runs = [list(run) for outside, run in groupby(trip.series.readings, key=lambda reading: alarm.outside(reading.celsius)) if outside]
    if alarm.cumulative:
        spans = [span for run in runs for span in pairwise(run)]
        yield from _event_line(trip, alarm, spans, lambda _: "")
    else:
        for run in runs:
            yield from _event_line(trip, alarm, list(pairwise(run)), lambda spans: _end_and_extreme(trip, alarm, spans))


Spans = list[tuple[Reading, Reading]]


def _event_line(trip: TwinTrip, alarm: TwinAlarm, spans: Spans, rest: Callable[[Spans], str]) -> Iterator[str]:
    """One line when the minutes outside reach the alarm's own."""
    passed = 0
    raised: datetime | None = None
    for before, after in spans:
        minutes = (after.at - before.at) // timedelta(minutes=1)
        if raised is None and passed + minutes >= alarm.minutes:
            raised = before.at + timedelta(minutes=alarm.minutes - passed)
        passed += minutes
    if raised is not None:
        yield f"   TS S: {trip.local(spans[0][0].at)}, t A: {passed}, TS A: {trip.local(raised)}{rest(spans)}"


def _end_and_extreme(trip: TwinTrip, alarm: TwinAlarm, spans: Spans) -> str:
    last = spans[-1][1]
    ended = "" if last.at == trip.series.end else f" {trip.local(last.at)}"
    pick = min if alarm.kind == 1 else max
    worst = pick((reading for span in spans for reading in span), key=lambda reading: reading.celsius)
    return f", TS E:{ended}, T M: {worst.celsius:.1f}, TS M: {trip.local(worst.at)}"


def _markers(trip: TwinTrip) -> Iterator[str]:
    yield from ("Marker:", "\tNumber\tT\tyyyy-MM-dd hh:mm\t")
    for number, at in enumerate(trip.marked_at, start=1):
        nearest = min(trip.series.readings, key=lambda reading: abs(reading.at - at))
        yield f"\t{number}\t{nearest.celsius:.1f}\t{trip.local(at)}\t"


def _data(trip: TwinTrip) -> Iterator[str]:
    yield from ("Data:", "\tyyyy-MM-dd hh:mm\tT\tOut of limits")
    for reading in trip.series.readings:
        outside = any(alarm.outside(reading.celsius) for alarm in trip.alarms)
        yield f"\t{trip.local(reading.at)}\t{reading.celsius:.1f}\t{'x' if outside else ''}"
