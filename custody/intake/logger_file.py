"""What a temperature logger's file says, whatever its format: the device, its readings, and whether its own signature holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import cached_property

from custody.domain.cold_chain import ColdChainCriteria, ColdChainJudgement, Stay, judge_life
from custody.domain.kinetic import ACTIVATION_KJ_PER_MOL, mean_kinetic_celsius
from custody.domain.readings import Gap, Series
from custody.domain.terms import SignatureStateWord

SHOWN_PLACES = 3
GAP_INTERVALS = 2
"""A gap is more than two intervals without data (rules section 11)."""


class AlarmKind(StrEnum):
    """When an alarm of the device goes off."""

    OFF = "off"
    BELOW_ONCE = "below, each event"
    ABOVE_ONCE = "above, each event"
    BELOW_IN_ALL = "below, cumulative"
    ABOVE_IN_ALL = "above, cumulative"


@dataclass(frozen=True, kw_only=True)
class AlarmEvent:
    """One time outside, as the device computed it from samples finer than its readings; no `ended_at` = still outside at the stop."""

    started_at: datetime
    minutes_outside: int
    raised_at: datetime | None = None
    ended_at: datetime | None = None
    extreme: Decimal | None = None
    extreme_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """One alarm as it was set on the device, and what came of it."""

    number: str
    kind: AlarmKind
    limit: Decimal | None = None
    minutes: int | None = None
    events: tuple[AlarmEvent, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Marker:
    """Somebody pressed the mark button."""

    number: str
    at: datetime
    celsius: Decimal | None


@dataclass(frozen=True, kw_only=True)
class DeviceSummary:
    """The device's own figures, where it prints them. It may cut decimals instead of rounding them."""

    lowest: Decimal | None = None
    highest: Decimal | None = None
    mean: Decimal | None = None
    mean_kinetic: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class LoggerFile:
    """One logger's file, read. All times are UTC; `sha256` is the digest of the original bytes."""

    format: str
    model: str
    firmware: str
    serial: str
    lot: str
    zone_hours: Decimal
    started_at: datetime | None
    stopped_at: datetime | None
    series: Series
    alarms: tuple[Alarm, ...]
    markers: tuple[Marker, ...]
    device_summary: DeviceSummary
    activation_kj_per_mol: Decimal = ACTIVATION_KJ_PER_MOL
    sha256: str
    signature: SignatureStateWord
    key_fingerprint: str | None = None
    issuer: str | None = None

    @property
    def interval_minutes(self) -> Decimal:
        return self.series.interval_minutes

    @cached_property
    def lowest(self) -> Decimal:
        return min(self.series.celsius_values)

    @cached_property
    def highest(self) -> Decimal:
        return max(self.series.celsius_values)

    @cached_property
    def mean(self) -> Decimal:
        """Mean of the readings in °C, to three decimals."""
        counts = Counter(self.series.celsius_values)
        exact = sum((Fraction(celsius) * count for celsius, count in counts.items()), Fraction(0)) / counts.total()
        return round(Decimal(exact.numerator) / Decimal(exact.denominator), SHOWN_PLACES)

    @cached_property
    def mean_kinetic(self) -> Decimal:
        """Mean kinetic temperature in °C with the device's activation energy, to three decimals."""
        return Decimal(f"{mean_kinetic_celsius(self.series.celsius_values, self.activation_kj_per_mol):.{SHOWN_PLACES}f}")

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """More than two intervals without data, and sensor time-outs that long."""
        return self.series.gaps(GAP_INTERVALS * self.interval_minutes)

    def judged(self, criteria: ColdChainCriteria) -> ColdChainJudgement:
        """The whole file as one stay, values between readings linear."""
        return judge_life((Stay(place=self.serial, start=self.series.start, end=self.series.end, traces=(self.series,)),), criteria)


def check_signature(file: LoggerFile, registered_fingerprints: AbstractSet[str]) -> SignatureStateWord:
    """The state of `file`'s signature for somebody who trusts the keys in `registered_fingerprints` and no other."""
    if file.signature not in {SignatureStateWord.VERIFIED, SignatureStateWord.KEY_NOT_REGISTERED}:
        return file.signature
    return SignatureStateWord.VERIFIED if file.key_fingerprint in registered_fingerprints else SignatureStateWord.KEY_NOT_REGISTERED
