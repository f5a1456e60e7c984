"""The registers a step depends on: materials, equipment, loggers with their files, and the training of the people who sign."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property, lru_cache

from custody.domain.acts.base import Act
from custody.domain.acts.equipment import EquipmentCalibrated, EquipmentRegistered
from custody.domain.acts.manufacturing import (
    BagsFilled,
    BankStepRecorded,
    LotStepRecorded,
    MaterialReceived,
    MaterialRefused,
    MaterialReleased,
    PrimaryCultureHarvested,
    ProcessingStarted,
)
from custody.domain.acts.people import TrainingRecorded
from custody.domain.acts.shipping import LoggerCalibrated, LoggerFileRead
from custody.domain.dossier import Deed, Dossier
from custody.domain.folds.base import MissingFact, newest_by
from custody.domain.folds.study import StudyFold
from custody.domain.ids import AccountId, EquipmentId, LoggerId, MaterialId
from custody.domain.terms import SignatureStateWord


@lru_cache(maxsize=256)
def span(*, days: Decimal = Decimal(0), hours: Decimal = Decimal(0), minutes: Decimal = Decimal(0)) -> timedelta:
    """An exact length of time from the decimals of the criteria; to the microsecond, rounded down so that a limit never grows."""
    microseconds = Fraction(days) * 86_400_000_000 + Fraction(hours) * 3_600_000_000 + Fraction(minutes) * 60_000_000
    return timedelta(microseconds=microseconds.numerator // microseconds.denominator)


@dataclass(frozen=True)
class Use:
    """What a step used, and from when to when."""

    materials: tuple[MaterialId, ...]
    equipment: tuple[EquipmentId, ...]
    started_at: datetime
    ended_at: datetime

    @property
    def days(self) -> Iterator[date]:
        """Every day of it, as the people counted them who began it: its start carries their offset from UTC."""
        first, last = self.started_at.date(), self.ended_at.astimezone(self.started_at.tzinfo).date()
        return (first + timedelta(days=number) for number in range((last - first).days + 1))


def use_of(act: Act, recorded_at: datetime) -> Use | None:
    """None for an act that uses neither materials nor equipment. A culture step runs from its start until it is recorded."""
    match act:
        case ProcessingStarted(materials=materials, equipment=equipment, started_at=at):
            return Use(materials, equipment, at, at)
        case BagsFilled(materials=materials, equipment=equipment, filled_at=at):
            return Use(materials, equipment, at, at)
        case PrimaryCultureHarvested(culture=step) | BankStepRecorded(culture=step) | LotStepRecorded(culture=step):
            return Use(step.materials, step.equipment, step.started_at, recorded_at)
    return None


@dataclass(frozen=True)
class MaterialFold:
    """One supplier's lot of one material."""

    dossier: Dossier
    node: MaterialId

    @cached_property
    def received(self) -> Deed[MaterialReceived]:
        """Raises MissingFact when the material was never received."""
        found = self.dossier.last(self.node, MaterialReceived)
        if found is None:
            raise MissingFact("material", node=self.node)
        return found

    @cached_property
    def released(self) -> Deed[MaterialReleased] | None:
        """The release that stands now, with no rejection after it, or None."""
        last = self.dossier.last(self.node, MaterialReleased, MaterialRefused)
        found = self.dossier.last(self.node, MaterialReleased)
        return found if last is not None and found is not None and found.digest == last.digest else None

    @cached_property
    def refused(self) -> Deed[MaterialRefused] | None:
        return self.dossier.last(self.node, MaterialRefused)

    def in_date_at(self, used_at: datetime) -> bool:
        return used_at < self.received.act.expires_at


@dataclass(frozen=True)
class EquipmentFold:
    dossier: Dossier
    node: EquipmentId

    @cached_property
    def registered(self) -> Deed[EquipmentRegistered]:
        """Raises MissingFact when nobody registered it."""
        found = self.dossier.last(self.node, EquipmentRegistered)
        if found is None:
            raise MissingFact("equipment", node=self.node)
        return found

    def calibration_on(self, day: date) -> Deed[EquipmentCalibrated]:
        """The calibration that counts on a day: the last one made until then. Raises MissingFact when there is none."""
        made = [d for d in self.dossier.deeds(self.node, EquipmentCalibrated) if d.act.calibrated_on <= day]
        youngest = newest_by(made, lambda d: d.act.calibrated_on)
        if youngest is None:
            raise MissingFact("calibration", node=self.node)
        return youngest


@dataclass(frozen=True)
class LoggerFold:
    """A temperature logger and the files read from it; which files prove that they are unaltered is judged by the study's keys."""

    dossier: Dossier
    node: LoggerId
    study: StudyFold

    @cached_property
    def files(self) -> tuple[Deed[LoggerFileRead], ...]:
        return self.dossier.deeds(self.node, LoggerFileRead)

    def calibration_on(self, day: date) -> Deed[LoggerCalibrated]:
        """The calibration that counts on a day: the last one made until then. Raises MissingFact when there is none."""
        made = [d for d in self.dossier.deeds(self.node, LoggerCalibrated) if d.act.calibrated_on <= day]
        youngest = newest_by(made, lambda d: d.act.calibrated_on)
        if youngest is None:
            raise MissingFact("calibration", node=self.node)
        return youngest

    def signature_of(self, file: LoggerFileRead) -> SignatureStateWord:
        """Whether the file proves that nobody altered it: arithmetic from the file, trust from the study's registered keys."""
        if file.signature_valid is None:
            return SignatureStateWord.NONE
        if not file.signature_valid:
            return SignatureStateWord.INVALID
        known = file.key_fingerprint in self.study.logger_keys
        return SignatureStateWord.VERIFIED if known else SignatureStateWord.KEY_NOT_REGISTERED

    def files_over(self, start: datetime, end: datetime) -> tuple[Deed[LoggerFileRead], ...]:
        """Files with a reading between these times, or around them."""
        return tuple(d for d in self.files if d.act.starts_at <= end and start <= d.act.ends_at)


def training_of(dossier: Dossier, account: AccountId, procedure: str, document_version: str = "") -> Deed[TrainingRecorded]:
    """The latest training of an account in a procedure, in this version of its document where there was any.

    Raises MissingFact when there is none in any version.
    """
    found = [d for d in dossier.deeds(account, TrainingRecorded) if d.act.procedure == procedure]
    if not found:
        raise MissingFact("training", node=account)
    return next((d for d in reversed(found) if d.act.document_version == document_version), found[-1])
