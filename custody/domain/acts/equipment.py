"""Equipment, and the temperature loggers that are installed in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from custody.domain.acts.base import Act, Names, Parent, act
from custody.domain.acts.donation import HAPPENED
from custody.domain.acts.manufacturing import QUALITY
from custody.domain.ids import EquipmentId, LoggerId, StudyId
from custody.domain.terms import Role

WHO_USE_IT = (Role.QA_REVIEWER, Role.OPERATOR, Role.COLD_CHAIN_OPERATOR, Role.HOSPITAL_RECEIVER, Role.PREPARER)


@act(
    "equipment_registered",
    opens="first",
    title="Equipment registered",
    about=EquipmentId,
    unguarded_because=HAPPENED,
    biz_step="commissioning",
    by=WHO_USE_IT,
)
@dataclass(frozen=True, kw_only=True)
class EquipmentRegistered(Act):
    equipment: EquipmentId
    name: str
    storage: bool


@act(
    "equipment_calibrated",
    title="Equipment calibrated",
    about=EquipmentId,
    after=("equipment_registered",),
    unguarded_because="hold point G4 judges the calibration when the equipment is used",
    biz_step="inspecting",
    signatures=QUALITY,
)
@dataclass(frozen=True, kw_only=True)
class EquipmentCalibrated(Act):
    """In calibration up to and including `due_on`."""

    equipment: EquipmentId
    calibrated_on: date
    due_on: date
    certificate: str


@act(
    "logger_installed",
    title="Temperature logger installed in equipment",
    about=EquipmentId,
    after=("equipment_registered",),
    unguarded_because=HAPPENED,
    biz_step="assembling",
    by=WHO_USE_IT,
)
@dataclass(frozen=True, kw_only=True)
class LoggerInstalled(Act):
    """Whatever it was installed in before, it measures no longer (see `LoggerPlaced`)."""

    equipment: EquipmentId
    logger: Parent[LoggerId]
    installed_at: datetime

    def companions(self, study: StudyId | None) -> tuple[Act, ...]:
        del study
        return (LoggerPlaced(logger=self.logger, equipment=self.equipment, placed_at=self.installed_at),)


@act(
    "logger_removed",
    title="Temperature logger taken out of equipment",
    about=EquipmentId,
    after=("logger_installed",),
    unguarded_because=HAPPENED,
    biz_step="disassembling",
    by=WHO_USE_IT,
)
@dataclass(frozen=True, kw_only=True)
class LoggerRemoved(Act):
    """What it measures from then on says nothing of this equipment; it may travel."""

    equipment: EquipmentId
    logger: Parent[LoggerId]
    removed_at: datetime

    def companions(self, study: StudyId | None) -> tuple[Act, ...]:
        del study
        return (LoggerPlaced(logger=self.logger, equipment=None, placed_at=self.removed_at, taken_from=self.equipment),)


@act(
    "logger_placed",
    title="Place of a temperature logger changed",
    about=LoggerId,
    unguarded_because="written with the installation or the removal",
    biz_step="assembling",
    companion=True,
)
@dataclass(frozen=True, kw_only=True)
class LoggerPlaced(Act):
    """Tells whoever reads a logger's files that from then on they speak for this equipment and no other.

    `equipment` is None for a logger that was taken out of `taken_from`, which says nothing of any other that it is in.
    """

    logger: LoggerId
    equipment: Names[EquipmentId] | None
    placed_at: datetime
    taken_from: Names[EquipmentId] | None = None
