"""The whole road as a script: every function adds the steps of one stage, each valid by every rule."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from custody.domain.acts import manufacturing, people, shipping, study
from custody.domain.acts.equipment import EquipmentCalibrated, EquipmentRegistered, LoggerInstalled
from custody.domain.criteria import StudyContent, content_digest
from custody.domain.ids import (
    AccountId,
    BagId,
    BankId,
    Digest,
    Din,
    DonorId,
    DoseId,
    EquipmentId,
    LoggerId,
    LotId,
    ParticipantId,
    SealNumber,
    ShipmentId,
    ShipperId,
    SiteId,
    TissueId,
)
from custody.domain.terms import ProductForm, StorageForm
from custody.workflows.rehearsal.files import logger_file
from custody.workflows.rehearsal.places import (
    CRYOMEDIUM,
    FREEZER,
    FREEZER_LOGGER,
    HOOD,
    INCUBATOR,
    KEPT,
    MEDIUM,
    WARD_FREEZER,
    WARD_LOGGER,
    Kept,
)
from custody.workflows.rehearsal.steps import STUDY, Script
from custody.workflows.rehearsal.steps import people as cast_people

QP = "demo-qp-one"
QA = "demo-qa-one"
OPERATOR = "demo-operator-one"
VERIFIER = "demo-verifier-one"
ADMIN = "demo-admin-one"
HOME = SiteId("A9994")
"""The site and account that `custody account add --bootstrap` makes before anything else."""
PACKER = "demo-coldchain-one"


@dataclass(frozen=True, kw_only=True)
class Cast:
    """The things of one road, named by `number` so that several roads share one store.

    Numbers of what this road shares with another, where it does: `upstream` of donor and banks, `batch` of lot and shipment, `patient`
    of the participant. `first_bag` counts the bags of the lot that others have.
    """

    number: int = 1
    bag_count: int = 4
    form: ProductForm = ProductForm.FROZEN
    cohort: str = "P1-1M"
    weight_kg: Decimal = Decimal(130)
    upstream: int = 0
    batch: int = 0
    patient: int = 0
    first_bag: int = 0
    second_identifier: Digest | None = None

    def _name(self, prefix: str, number: int | None = None) -> str:
        return f"{prefix}-{number or self.number:04d}"

    @property
    def source(self) -> int:
        return self.upstream or self.batch or self.number

    @property
    def made_as(self) -> int:
        return self.batch or self.number

    @property
    def donor(self) -> DonorId:
        return DonorId(self._name("DN", self.source))

    @property
    def donation(self) -> Din:
        return Din.parse(f"A999926{self.source:06d}")

    @property
    def tissue(self) -> TissueId:
        return TissueId(self._name("TS", self.source))

    @property
    def master(self) -> BankId:
        return BankId(self._name("MCB", self.source))

    @property
    def working(self) -> BankId:
        return BankId(self._name("WCB", self.source))

    @property
    def lot(self) -> LotId:
        return LotId(self._name("LOT", self.made_as))

    @property
    def bags(self) -> tuple[BagId, ...]:
        return tuple(BagId.from_random(f"DEMO{self.made_as:04d}B{n:03d}") for n in range(1, self.bag_count + 1))

    @property
    def dose_bags(self) -> tuple[BagId, ...]:
        """The bags one dose needs: two for the heavy participant of the tests, one for a light one of the lowest dose."""
        return self.bags[self.first_bag : self.first_bag + self.bags_needed]

    @property
    def million_cells_per_kg(self) -> int:
        return MILLION_CELLS_PER_KG[self.cohort]

    @property
    def bags_needed(self) -> int:
        return math.ceil(self.million_cells_per_kg * self.weight_kg / MILLION_CELLS_PER_BAG)

    @property
    def dose_volume_ml(self) -> Decimal:
        """30 ml x cells per kg x weight / cells per bag (rules section 8)."""
        return Decimal(30) * self.million_cells_per_kg * self.weight_kg / MILLION_CELLS_PER_BAG

    @property
    def shipment(self) -> ShipmentId:
        return ShipmentId(self._name("SH", self.made_as))

    @property
    def seals(self) -> tuple[SealNumber, ...]:
        return (SealNumber(f"S{self.made_as:03d}-{4471}"),)

    @property
    def shipper(self) -> ShipperId:
        return ShipperId(self._name("SHIPPER", self.made_as))

    @property
    def trip_logger(self) -> LoggerId:
        return LoggerId(self._name("LOGGER-T", self.made_as))

    @property
    def cord_logger(self) -> LoggerId:
        return LoggerId(self._name("LOGGER-C", self.source))

    @property
    def participant(self) -> ParticipantId:
        return ParticipantId(self._name("P", self.patient))

    @property
    def dose(self) -> DoseId:
        return DoseId(self._name("DOSE"))

    @property
    def storage_form(self) -> StorageForm:
        return StorageForm.CRYO if self.form is ProductForm.FROZEN else StorageForm.COLD_2_8

    @property
    def kept(self) -> Kept:
        return KEPT[self.form]


MILLION_CELLS_PER_BAG = 120
MILLION_CELLS_PER_KG = {"P1-1M": 1, "P1-5M": 5, "P1-10M": 10, "P2": 5}
"""Of the demonstration study's settings and cohorts."""


def open_study(script: Script, content: str, criteria: StudyContent) -> None:
    """Sites, accounts, grants, training and the study in force, 200 days before the bedside check."""
    for site in criteria.sites:
        if site.id == HOME:
            continue
        script.do(people.SiteRegistered(site=site.id, name=site.name, kind=site.kind, zone=site.zone, phone=site.phone), ADMIN, days=-200)
    since = script.when(days=-200).date()
    for person in cast_people().values():
        if person.account.value == ADMIN:
            continue
        _account(script, person.account, since)
    script.do(study.StudyProposed(study=STUDY, study_version=1, content=content), "demo-sponsor-one", days=-199)
    script.do_late("study_approved", lambda _: _approval(content, criteria), QP, days=-199, minutes=30)
    for account in (OPERATOR, VERIFIER, QA):
        training = people.TrainingRecorded(
            account=AccountId(account),
            procedure="manufacturing",
            passed_on=since,
            valid_until=since + timedelta(days=365),
        )
        script.do(training, QP, days=-198)
    delegation = people.DelegationRecorded(
        account=AccountId("demo-nurse-two"), duty="second_check", valid_from=since, valid_until=since + timedelta(days=365)
    )
    script.do(delegation, "demo-physician-one", days=-198)


def _approval(content: str, criteria: StudyContent) -> study.StudyApproved:
    return study.StudyApproved(
        study=STUDY, study_version=1, content_digest=content_digest(content), confirmed_defaults=criteria.settings.left_at_default
    )


def _account(script: Script, account: AccountId, since: date) -> None:
    person = cast_people()[account.value]
    created = people.AccountCreated(
        account=account, person=person.person, printed_name=person.printed_name, identity_verified_by="demonstration, nobody real"
    )
    script.do(created, ADMIN, days=-200, minutes=1)
    for role in person.roles:
        script.do(
            people.RoleGranted(account=account, role=role, site=person.site, study=None, valid_from=since), ADMIN, days=-200, minutes=2
        )
    script.do(people.SignaturePolicyAccepted(account=account, policy_version="1"), account.value, days=-200, minutes=3)


def stock_registers(script: Script, *, fingerprint: study.LoggerKeyRegistered) -> None:
    """Materials, equipment with calibration, freezers with loggers, and the loggers' signing key."""
    script.do(fingerprint, QA, days=-185)
    for material, name in ((MEDIUM, "Culture medium"), (CRYOMEDIUM, "Cryopreservation medium")):
        received = manufacturing.MaterialReceived(
            material=material,
            name=name,
            supplier="Demo Supplier",
            supplier_lot=f"{material}-A",
            certificate="on file",
            animal_origin=False,
            expires_at=script.when(days=200),
        )
        script.do(received, OPERATOR, days=-180)
        script.do(manufacturing.MaterialReleased(material=material), QA, days=-179)
    equip(script, INCUBATOR, "Incubator", OPERATOR)
    equip(script, HOOD, "Safety cabinet", OPERATOR)
    for equipment, name, by in (
        (FREEZER, "Vapour-phase freezer", PACKER),
        (WARD_FREEZER, "Hospital vapour-phase freezer", "demo-preparer-one"),
    ):
        equip(script, equipment, name, by, storage=True)
    install(script, FREEZER_LOGGER, FREEZER, PACKER, PACKER)
    install(script, WARD_LOGGER, WARD_FREEZER, "demo-preparer-one", "demo-receiver-one")


def equip(script: Script, equipment: EquipmentId, name: str, by: str, *, storage: bool = False) -> None:
    script.do(EquipmentRegistered(equipment=equipment, name=name, storage=storage), by, days=-180)
    calibrated = EquipmentCalibrated(
        equipment=equipment,
        calibrated_on=script.when(days=-180).date(),
        due_on=script.when(days=180).date(),
        certificate="on file",
    )
    script.do(calibrated, QA, days=-179)


def install(script: Script, logger: LoggerId, equipment: EquipmentId, by: str, registered_by: str, *, interval: int = 10) -> None:
    register_logger(script, logger, by=registered_by, days=-179, interval=interval)
    installed = LoggerInstalled(equipment=equipment, logger=logger, installed_at=script.when(days=-178))
    script.do(installed, by, days=-178)


def register_logger(script: Script, logger: LoggerId, *, by: str, days: float, interval: int = 10) -> None:
    script.do(shipping.LoggerRegistered(logger=logger, model="Demo logger", interval_minutes=Decimal(interval)), by, days=days)
    calibrated = shipping.LoggerCalibrated(
        logger=logger, calibrated_on=script.when(days=days).date(), due_on=script.when(days=days + 360).date(), certificate="on file"
    )
    script.do(calibrated, QA, days=days, minutes=1)


def read_file(
    script: Script, logger: LoggerId, start: datetime, end: datetime, celsius: str, by: str, *, at: datetime, interval: int = 10
) -> None:
    """The file of one logger over a span at one steady temperature, read at `at`."""
    act, series, data = logger_file(logger, start, end, celsius, interval)
    minutes = (at - script.start) / timedelta(minutes=1)
    script.do(act, by, minutes=minutes, series=series, file=data)


def study_folder() -> Path:
    from custody.resources import data_dir  # noqa: PLC0415 - read only when a road is built

    return data_dir("seed_data") / "studies" / "nct06505941"
