"""How a simulated trial begins: sites, people, the study as its size needs it, materials, equipment and freezers."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal

from custody.domain.acts import manufacturing, people, shipping, study
from custody.domain.acts.base import Act
from custody.domain.acts.equipment import EquipmentCalibrated, EquipmentRegistered, LoggerInstalled
from custody.domain.criteria import StudyContent, content_digest, content_from
from custody.domain.ids import AccountId, CohortId, EquipmentId, LoggerId, MaterialId
from custody.domain.terms import Committee, CommitteeDecision, ProductForm, SiteKind
from custody.ledger.canonical import canonical
from custody.workflows.rehearsal.files import demonstration_key
from custody.workflows.rehearsal.places import CRYOMEDIUM, FREEZER, FREEZER_LOGGER, HOOD, INCUBATOR, MEDIUM
from custody.workflows.rehearsal.road import ADMIN, HOME, OPERATOR, PACKER, QA, QP, VERIFIER
from custody.workflows.rehearsal.steps import STUDY, Person
from custody.workflows.rehearsal.whole import study_of
from custody.workflows.simulation.agenda import Way
from custody.workflows.simulation.cold import EVERY_MINUTES
from custody.workflows.simulation.hands import Hands
from custody.workflows.simulation.plan import Hospital, Plan
from custody.workflows.simulation.staff import ELSEWHERE
from custody.workflows.simulation.trial import Trial

SPONSOR = "demo-sponsor-one"
ZONE, PHONE = "Asia/Shanghai", "+86 25 5550 0192"


def study_for(plan: Plan) -> tuple[StudyContent, str]:
    """The demonstration study with the plan's hospitals, and room for its participants in the cohort that is dosed."""
    content = json.loads(study_of(ProductForm.FROZEN)[1])
    content["sites"] = [site for site in content["sites"] if site["id"] not in ELSEWHERE] + [_site(each) for each in plan.hospitals]
    for cohort in content["cohorts"]:
        if cohort["id"] == plan.cohort:
            cohort["size"] = plan.participants
    text = canonical(content).decode()
    return content_from(text), text


def _site(hospital: Hospital) -> dict[str, str]:
    kind = SiteKind.HOSPITAL.value
    return {"id": hospital.site.value, "name": hospital.name, "kind": kind, "zone": ZONE, "phone": PHONE}


class Opening:
    """Every act of it must be recorded: a trial that cannot begin is a fault of the simulation, not of anybody in it."""

    def __init__(self, trial: Trial) -> None:
        self.trial, self.hands = trial, Hands(trial, "opening")

    def begin(self) -> Way[None]:
        yield from self._sites_and_people()
        yield from self._study()
        yield from self._registers()
        for hospital in self.trial.plan.hospitals:
            team = self.trial.staff.teams[hospital]
            yield from self._store(
                hospital.freezer, hospital.freezer_logger, "Hospital vapour-phase freezer", team.preparers[0], team.receivers[0]
            )
        yield from self._cohort(CohortId(self.trial.plan.cohort))

    def _cohort(self, cohort: CohortId) -> Way[None]:
        """The blinded phase opens only when both committees have said so."""
        for committee in Committee if self.trial.plan.is_blinded else ():
            decided = study.CommitteeDecided(
                study=STUDY, committee=committee, cohort=cohort, decision=CommitteeDecision.OPEN, document="minutes on file"
            )
            yield from self._do(decided, SPONSOR)
        yield from self._do(study.CohortOpened(study=STUDY, cohort=cohort), SPONSOR)

    def _do(self, act: Act, *who: str) -> Way[None]:
        yield self.hands.takes(0.1, 2)
        yield from self.hands.must(act, *who)

    # ── sites and people ──

    def _sites_and_people(self) -> Way[None]:
        for site in self.trial.criteria.sites:
            if site.id != HOME:
                registered = people.SiteRegistered(site=site.id, name=site.name, kind=site.kind, zone=site.zone, phone=site.phone)
                yield from self._do(registered, ADMIN)
        for person in self.trial.staff.people.values():
            if person.account.value != ADMIN:
                yield from self._person(person)

    def _person(self, person: Person) -> Way[None]:
        created = people.AccountCreated(
            account=person.account, person=person.person, printed_name=person.printed_name, identity_verified_by="simulation, nobody real"
        )
        yield from self._do(created, ADMIN)
        for role in person.roles:
            granted = people.RoleGranted(account=person.account, role=role, site=person.site, study=None, valid_from=self.trial.now.date())
            yield from self._do(granted, ADMIN)
        yield from self._do(people.SignaturePolicyAccepted(account=person.account, policy_version="1"), person.account.value)

    def _study(self) -> Way[None]:
        trial = self.trial
        yield from self._do(study.StudyProposed(study=STUDY, study_version=1, content=trial.content), SPONSOR)
        approved = study.StudyApproved(
            study=STUDY,
            study_version=1,
            content_digest=content_digest(trial.content),
            confirmed_defaults=trial.criteria.settings.left_at_default,
        )
        yield from self._do(approved, QP)
        for account in (OPERATOR, VERIFIER, QA):
            training = people.TrainingRecorded(
                account=AccountId(account), procedure="manufacturing", passed_on=trial.now.date(), valid_until=self._end.date()
            )
            yield from self._do(training, QP)
        yield from self._do(demonstration_key(), QA)

    # ── things ──

    @property
    def _end(self) -> datetime:
        return self.trial.plan.over

    def _registers(self) -> Way[None]:
        for material, name in ((MEDIUM, "Culture medium"), (CRYOMEDIUM, "Cryopreservation medium")):
            yield from self._material(material, name)
        for equipment, name in ((INCUBATOR, "Incubator"), (HOOD, "Safety cabinet")):
            yield from self._equipment(equipment, name, OPERATOR, storage=False)
        yield from self._store(FREEZER, FREEZER_LOGGER, "Vapour-phase freezer", PACKER, PACKER)

    def _material(self, material: MaterialId, name: str) -> Way[None]:
        received = manufacturing.MaterialReceived(
            material=material,
            name=name,
            supplier="Demo Supplier",
            supplier_lot=f"{material}-A",
            certificate="on file",
            animal_origin=False,
            expires_at=self._end,
        )
        yield from self._do(received, OPERATOR)
        yield from self._do(manufacturing.MaterialReleased(material=material), QA)

    def _equipment(self, equipment: EquipmentId, name: str, by: str, *, storage: bool) -> Way[None]:
        yield from self._do(EquipmentRegistered(equipment=equipment, name=name, storage=storage), by)
        calibrated = EquipmentCalibrated(
            equipment=equipment, calibrated_on=self.trial.now.date(), due_on=self._end.date(), certificate="on file"
        )
        yield from self._do(calibrated, QA)

    def _store(self, equipment: EquipmentId, logger: LoggerId, name: str, by: str, registered_by: str) -> Way[None]:
        yield from self._equipment(equipment, name, by, storage=True)
        yield from self.new_logger(logger, registered_by)
        installed = LoggerInstalled(equipment=equipment, logger=logger, installed_at=self.trial.now)
        yield from self._do(installed, by)

    def new_logger(self, logger: LoggerId, by: str) -> Way[None]:
        registered = shipping.LoggerRegistered(logger=logger, model="Demo logger", interval_minutes=Decimal(EVERY_MINUTES))
        yield from self._do(registered, by)
        calibrated = shipping.LoggerCalibrated(
            logger=logger, calibrated_on=self.trial.now.date(), due_on=(self._end + timedelta(days=1)).date(), certificate="on file"
        )
        yield from self._do(calibrated, QA)
