"""What the planned volume of a dose holds: cells, endotoxin and DMSO, bag by bag, from the results that count (rules section 8)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property

from custody.domain.acts.bedside import PrescriptionSigned
from custody.domain.criteria import Settings
from custody.domain.dose import RatePlan, dmso_grams, endotoxin_eu_per_kg, worst_hour_ml
from custody.domain.folds.bag import BagFold
from custody.domain.folds.base import MissingFact
from custody.domain.folds.dose import DoseFold
from custody.domain.folds.lot import LotFold
from custody.domain.folds.results import Results
from custody.domain.ids import BagId, Digest
from custody.domain.measures import rounded_up
from custody.domain.terms import Need, PreparationMode, Tier

RATE_PLACES = 2


@dataclass(frozen=True)
class Share:
    """What one bag gives to the dose, in millilitres."""

    bag: BagId
    lot: LotFold
    volume_ml: Decimal


@dataclass(frozen=True)
class DoseContents:
    """`bags` are the dose's bags in the order in which they are to be given, with those a proposed act would add."""

    dose: DoseFold
    bags: tuple[BagId, ...]

    @property
    def settings(self) -> Settings:
        """By the study version that judges the dose."""
        return self.dose.criteria.settings

    @property
    def usable(self) -> tuple[BagId, ...]:
        """Bags that were not discarded; finished ones have given their share."""
        return tuple(bag for bag in self.bags if self.dose.discard_of(bag) is None)

    @cached_property
    def shares(self) -> tuple[Share, ...]:
        """The bags the plan opens, and what each gives. Raises MissingFact with fewer bags than the plan needs."""
        plan = self.dose.plan
        if len(self.usable) < plan.bag_count:
            raise MissingFact("dose_bags", node=self.dose.node)
        left, shares = plan.volume_ml, []
        for bag in self.usable[: plan.bag_count]:
            volume = min(self.settings.bag_ml, left)
            shares.append(Share(bag, self.lot_of(bag), volume))
            left -= volume
        return tuple(shares)

    def lot_of(self, bag: BagId) -> LotFold:
        return BagFold(self.dose.dossier, bag, self.dose.study).lot

    def measured_on(self, bag: BagId, lot: LotFold) -> Results:
        """Results on the dose's stream that name this bag, against column X."""
        dose = self.dose
        return Results(dose.dossier, dose.node, Tier.DOSE, dose.criteria, dose.phase, lot.label_cells, bag)

    def results_of(self, share: Share) -> Results:
        """Where a test of this bag is found: measured on it when it is opened, else inherited from its lot (rules 7, preparation_mode)."""
        opened = self.settings.preparation_mode is PreparationMode.OPEN_WASH
        return self.measured_on(share.bag, share.lot) if opened else share.lot.results

    def evidence(self, test: str) -> tuple[Digest, ...]:
        """Digests of the results of this test that count, over all shares."""
        return tuple(dict.fromkeys(d for share in self.shares for d in self.results_of(share).evidence(test)))

    @property
    def viable_cells(self) -> Decimal:
        """Measured viable cells in the planned volume, to the whole cell."""
        cells = Fraction(0)
        for share in self.shares:
            percent_of_label = Fraction(self.results_of(share).measured("CNT"))
            cells += percent_of_label / 100 * Fraction(share.lot.label_cells) * Fraction(share.volume_ml) / Fraction(self.settings.bag_ml)
        return Decimal(round(cells))

    @property
    def endotoxin_eu_per_kg(self) -> Decimal:
        """In the worst hour of the prescribed infusion; the highest endotoxin among the bags counts for all of it."""
        highest = max(self.results_of(share).at_most("END") for share in self.shares)
        return endotoxin_eu_per_kg(highest, self._worst_hour_ml, self.dose.weight_kg)

    @property
    def shares_with_dmso(self) -> tuple[Share, ...]:
        """Bags of lots whose specification limits DMSO; fresh product and placebo hold none."""
        return tuple(share for share in self.shares if share.lot.results.tests["CRY"].need is Need.MUST_PASS)

    @property
    def dmso_grams(self) -> Decimal:
        return sum((dmso_grams(s.volume_ml, self.results_of(s).at_most("CRY")) for s in self.shares_with_dmso), Decimal(0))

    @property
    def fastest_ml_per_min(self) -> Decimal:
        """The prescribed rate, or the mean that the prescribed minutes ask for when that is faster, rounded up."""
        mean = rounded_up(Fraction(self.dose.plan.volume_ml) / self._prescribed.planned_minutes, RATE_PLACES)
        return max(self._prescribed.rate_ml_per_min, mean)

    @property
    def _prescribed(self) -> PrescriptionSigned:
        prescription = self.dose.prescription
        if prescription is None:
            raise MissingFact("prescription", node=self.dose.node)
        if prescription.act.planned_minutes <= 0 or prescription.act.rate_ml_per_min <= 0:
            raise MissingFact("plausible_prescription", node=self.dose.node, evidence=(prescription.digest,))
        return prescription.act

    @property
    def _worst_hour_ml(self) -> Decimal:
        volume, minutes, slow = self.dose.plan.volume_ml, Decimal(self._prescribed.planned_minutes), self.settings.slow_start_min
        if minutes <= slow:  # shorter than its own slow start: all of it counts as one hour
            return volume
        return worst_hour_ml(RatePlan(volume_ml=volume, minutes=minutes, slow_minutes=slow, slow_share=self.settings.slow_start_share))
