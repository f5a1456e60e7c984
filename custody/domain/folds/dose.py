"""One dose: who it is for, its bags in order and how far each has come, its prescription, plan, vitals and bedside scans."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property

from custody.domain.acts.allocation import DoseRequested, WeightMeasured
from custody.domain.acts.bedside import (
    BagFinished,
    BagPreparationStarted,
    BedsideScanned,
    DoseBagReleased,
    InfusionEnded,
    InfusionRecordedLate,
    InfusionStarted,
    PremedicationGiven,
    PrescriptionSigned,
    ReadyConfirmed,
    VitalsOmitted,
    VitalsRecorded,
)
from custody.domain.criteria import Cohort, StudyContent, WeightBasis
from custody.domain.dose import DosePlan, plan_dose, predicted_weight, rounded_weight
from custody.domain.dossier import Deed
from custody.domain.folds.base import MissingFact, youngest_of
from custody.domain.folds.dose_bags import DoseBags
from custody.domain.folds.participant import ParticipantFold
from custody.domain.folds.study import StudyFold
from custody.domain.ids import BagId, ParticipantId, PersonId
from custody.errors import InputError


@dataclass(frozen=True)
class DoseFold(DoseBags):
    @property
    def requested(self) -> Deed[DoseRequested]:
        """The request that opened the dose. Raises MissingFact when there is none."""
        found = self.dossier.first(self.node, DoseRequested)
        if found is None:
            raise MissingFact("dose_request", node=self.node)
        return found

    @property
    def participant(self) -> ParticipantId:
        return self.requested.act.participant

    @cached_property
    def recipient(self) -> ParticipantFold:
        """What the ledger knows about the participant of this dose."""
        return ParticipantFold(self.dossier, self.participant, self.study)

    @cached_property
    def criteria(self) -> StudyContent:
        """The study version that was in force when the dose was requested; it judges this dose."""
        return self.study.criteria(self.requested.act.criteria_version)

    @cached_property
    def cohort(self) -> Cohort:
        found = self.criteria.cohort(self.requested.act.cohort)
        if found is None:
            raise MissingFact("cohort", node=self.node, evidence=(self.requested.digest,))
        return found

    @property
    def phase(self) -> int:
        return self.cohort.phase

    @property
    def is_blinded(self) -> bool:
        return self.cohort.blinded

    @property
    def spares(self) -> tuple[BagId, ...]:
        """Bags reserved beyond those the plan gives, discarded bags apart."""
        usable = tuple(bag for bag in self.bags if self.discard_of(bag) is None)
        return usable[self.plan.bag_count :]

    @property
    def weighing(self) -> Deed[WeightMeasured]:
        """The weighing the dose is computed from: the last one before its bags were reserved. Raises MissingFact when there is none."""
        return self.recipient.weight_known_at(self.allocation.recorded_at if self.allocation is not None else None)

    @property
    def weight_basis(self) -> WeightBasis:
        basis = self.criteria.settings.weight_basis
        if basis is None:
            raise MissingFact("weight_basis", node=self.node)
        return basis

    @cached_property
    def weight_kg(self) -> Decimal:
        """The weight the dose is computed from, actual or predicted, to 0.1 kg."""
        measured = self.weighing
        try:
            if self.weight_basis is WeightBasis.ACTUAL:
                return rounded_weight(measured.act.weight_kg)
            return predicted_weight(measured.act.sex, measured.act.height_cm)
        except InputError as error:
            raise MissingFact("plausible_weight", node=self.participant, evidence=(measured.digest,)) from error

    @cached_property
    def plan(self) -> DosePlan:
        """Cells, bags and volume from the label strength, so that both arms look alike (rules section 8)."""
        dose, study = self.node, self.study.study
        return self.dossier.once(dose, ("plan", study), lambda ledger: _planned(DoseFold(ledger, dose, StudyFold(ledger, study))))

    @property
    def prescription(self) -> Deed[PrescriptionSigned] | None:
        """The latest prescription by when it was signed, or None."""
        return youngest_of(self.dossier.deeds(self.node, PrescriptionSigned))

    @property
    def planned_minutes(self) -> Decimal | None:
        """Minutes the volume not yet given will take as prescribed; None while nothing is prescribed.

        A bag that is running counts in full, so the planned end is never put too early.
        """
        if self.prescription is None:
            return None
        prescribed = self.prescription.act
        if prescribed.volume_ml <= 0 or prescribed.planned_minutes <= 0:
            raise MissingFact("plausible_prescription", node=self.node, evidence=(self.prescription.digest,))
        left_ml = max(Decimal(0), prescribed.volume_ml - sum(d.act.given_ml for d in self.dossier.deeds(self.node, BagFinished)))
        return prescribed.planned_minutes * left_ml / prescribed.volume_ml

    @property
    def ready(self) -> Deed[ReadyConfirmed] | None:
        return self.dossier.last(self.node, ReadyConfirmed)

    @property
    def vitals(self) -> tuple[Deed[VitalsRecorded], ...]:
        return self.dossier.deeds(self.node, VitalsRecorded)

    @property
    def vitals_omitted(self) -> tuple[Deed[VitalsOmitted], ...]:
        return self.dossier.deeds(self.node, VitalsOmitted)

    @property
    def premedications(self) -> tuple[Deed[PremedicationGiven], ...]:
        return self.dossier.deeds(self.node, PremedicationGiven)

    def scans_by(self, person: PersonId) -> Deed[BedsideScanned] | None:
        """The latest bedside scans of one person."""
        return next((d for d in reversed(self.dossier.deeds(self.node, BedsideScanned)) if person in d.persons), None)

    @property
    def preparers(self) -> frozenset[PersonId]:
        """Everyone who took part in preparing or releasing a bag of this dose."""
        deeds = (*self.dossier.deeds(self.node, BagPreparationStarted), *self.dossier.deeds(self.node, DoseBagReleased))
        return frozenset(person for deed in deeds for person in deed.persons)

    @property
    def started(self) -> Deed[InfusionStarted] | Deed[InfusionRecordedLate] | None:
        """The start of the infusion, recorded in time or late."""
        return self.dossier.first(self.node, InfusionStarted) or self.dossier.first(self.node, InfusionRecordedLate)

    @property
    def started_at(self) -> datetime | None:
        return self.started.act.started_at if self.started is not None else None

    @property
    def ended(self) -> Deed[InfusionEnded] | None:
        return self.dossier.last(self.node, InfusionEnded)


def _planned(dose: DoseFold) -> DosePlan:
    settings = dose.criteria.settings
    if settings.cells_per_bag is None:
        raise MissingFact("cells_per_bag", node=dose.node)
    return plan_dose(
        cells_per_kg=dose.cohort.cells_per_kg,
        weight_kg=dose.weight_kg,
        cells_per_bag=settings.cells_per_bag,
        bag_ml=settings.bag_ml,
        bag_rounding_pct=settings.bag_rounding_pct,
    )
