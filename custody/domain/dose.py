"""Dose arithmetic: weight, cells, bags, volume, rate, endotoxin and DMSO (rules section 8); every limit comes in as an argument.

Quotients that do not end are written with a few decimals, rounded up, so that what is over a limit stays over it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from custody.domain.measures import BodyHeight, BodyWeight, ceiling, half_up, rounded_up
from custody.errors import InputError

PREDICTED_BASE_KG: dict[str, Decimal] = {"male": Decimal(50), "female": Decimal("45.5")}
PREDICTED_KG_PER_CM = Decimal("0.91")
PREDICTED_FROM_CM = Decimal("152.4")
"""The predicted body weight formula of lung-protective ventilation, as rules section 8 prints it."""

DMSO_GRAMS_PER_ML = Decimal("1.10")
"""Density of DMSO (rules section 8)."""

HOUR = 60
ML_PLACES = 2
RATIO_PLACES = 3


def rounded_weight(weight_kg: Decimal) -> Decimal:
    """To 0.1 kg, halves up, before anything else is computed from it; InputError when no adult weighs that."""
    return half_up(BodyWeight(weight_kg).value, 1)


def predicted_weight(sex: str, height_cm: Decimal) -> Decimal:
    """Predicted body weight in kg, to 0.1 kg; InputError for another word than female or male, or an implausible height."""
    if sex not in PREDICTED_BASE_KG:
        raise InputError(f"“{sex}” is no sex the predicted weight knows; expected female or male")
    return rounded_weight(PREDICTED_BASE_KG[sex] + PREDICTED_KG_PER_CM * (BodyHeight(height_cm).value - PREDICTED_FROM_CM))


@dataclass(frozen=True, kw_only=True)
class DosePlan:
    """What a dose asks for. `target_cells` = dose × weight; `planned_cells` and `volume_ml` are what the opened bags give."""

    weight_kg: Decimal
    target_cells: Decimal
    planned_cells: Decimal
    bag_count: int
    volume_ml: Decimal

    @property
    def percent_of_target(self) -> Decimal:
        return half_up(100 * self.planned_cells / self.target_cells, 1)


def plan_dose(
    *,
    cells_per_kg: Decimal,
    weight_kg: Decimal,
    cells_per_bag: Decimal,
    bag_ml: Decimal,
    bag_rounding_pct: Decimal,
    cells_max: Decimal | None = None,
) -> DosePlan:
    """Target cells, bags and millilitres of one dose, from the label strength `cells_per_bag`.

    A last bag is not opened for less than `bag_rounding_pct` of the dose; `cells_max` caps the target. Volume is to 0.01 ml.
    """
    for name, value in (
        ("cells per kg", cells_per_kg),
        ("cells per bag", cells_per_bag),
        ("ml per bag", bag_ml),
        ("cells at most", cells_max),
    ):
        if value is not None and value <= 0:
            raise InputError(f"a dose cannot be planned with {value} {name}; expected more than 0")
    weight = rounded_weight(weight_kg)
    target = cells_per_kg * weight
    if cells_max is not None:
        target = min(target, cells_max)
    bags = ceiling(Fraction(target) / Fraction(cells_per_bag))
    in_last_bag = target - (bags - 1) * cells_per_bag
    if bags > 1 and in_last_bag * 100 < bag_rounding_pct * target:
        bags -= 1
    planned = min(target, bags * cells_per_bag)
    volume = Fraction(bag_ml) * Fraction(planned) / Fraction(cells_per_bag)
    return DosePlan(weight_kg=weight, target_cells=target, planned_cells=planned, bag_count=bags, volume_ml=rounded_up(volume, ML_PLACES))


def cells_within_tolerance(measured_cells: Decimal, target_cells: Decimal, tolerance_pct: Decimal) -> bool:
    """Whether the viable cells measured in the planned volume are within ± `tolerance_pct` of the target, both ends included."""
    return abs(measured_cells - target_cells) * 100 <= tolerance_pct * target_cells


@dataclass(frozen=True, kw_only=True)
class RatePlan:
    """One infusion of `volume_ml` in `minutes`: at `slow_share` of the mean rate for `slow_minutes`, then faster, so that it ends on time.

    Rates are in ml/min to 0.001, rounded up. InputError when the slow start would fill the infusion.
    """

    volume_ml: Decimal
    minutes: Decimal
    slow_minutes: Decimal
    slow_share: Decimal

    def __post_init__(self) -> None:
        if not 0 <= self.slow_minutes < self.minutes:
            raise InputError(f"an infusion of {self.minutes} min cannot start with {self.slow_minutes} slow minutes")
        if self.volume_ml <= 0 or not 0 < self.slow_share <= 1:
            raise InputError(
                f"no rate for {self.volume_ml} ml with {self.slow_share} of the mean rate at first; expected more than 0 and up to 1"
            )

    @property
    def mean_ml_per_min(self) -> Decimal:
        return rounded_up(self._mean, RATIO_PLACES)

    @property
    def slow_ml_per_min_max(self) -> Decimal:
        return rounded_up(self._mean * Fraction(self.slow_share), RATIO_PLACES)

    @property
    def peak_ml_per_min(self) -> Decimal:
        """The rate after the slow start."""
        return rounded_up(
            (Fraction(self.volume_ml) - self.given_by(self.slow_minutes)) / Fraction(self.minutes - self.slow_minutes), RATIO_PLACES
        )

    @property
    def _mean(self) -> Fraction:
        return Fraction(self.volume_ml) / Fraction(self.minutes)

    def given_by(self, minute: Decimal) -> Fraction:
        """Millilitres given when `minute` has passed."""
        slow_volume = self._mean * Fraction(self.slow_share) * Fraction(self.slow_minutes)
        if minute <= self.slow_minutes:
            return self._mean * Fraction(self.slow_share) * Fraction(minute)
        fast_part = Fraction(minute - self.slow_minutes) / Fraction(self.minutes - self.slow_minutes)
        return slow_volume + (Fraction(self.volume_ml) - slow_volume) * fast_part


def worst_hour_ml(rates: RatePlan) -> Decimal:
    """The most that flows in any 60 minutes: all of it when the infusion is no longer, else the last hour, since it never gets slower."""
    if rates.minutes <= HOUR:
        return rates.volume_ml
    return rounded_up(Fraction(rates.volume_ml) - rates.given_by(rates.minutes - HOUR), ML_PLACES)


def endotoxin_eu_per_kg(eu_per_ml: Decimal, ml_in_worst_hour: Decimal, weight_kg: Decimal) -> Decimal:
    """Endotoxin in EU per kg in the worst single hour, to 0.001, rounded up."""
    _refuse_negative(eu_per_ml, "EU/ml")
    _refuse_negative(ml_in_worst_hour, "ml")
    return rounded_up(Fraction(eu_per_ml) * Fraction(ml_in_worst_hour) / Fraction(rounded_weight(weight_kg)), RATIO_PLACES)


def dmso_grams(volume_ml: Decimal, dmso_percent: Decimal) -> Decimal:
    """Grams of DMSO in `volume_ml` at `dmso_percent` by volume."""
    _refuse_negative(volume_ml, "ml")
    _refuse_negative(dmso_percent, "% DMSO")
    return volume_ml * dmso_percent / 100 * DMSO_GRAMS_PER_ML


def _refuse_negative(value: Decimal, unit: str) -> None:
    if value < 0:
        raise InputError(f"{value} {unit} is not plausible: expected 0 or more")


def dmso_within_limit(grams_in_24_h: Decimal, weight_kg: Decimal, grams_per_kg_day: Decimal) -> bool:
    return grams_in_24_h <= grams_per_kg_day * rounded_weight(weight_kg)


@dataclass(frozen=True, kw_only=True)
class DoseFit:
    """Whether the highest dose of a study fits its own limits; `misses` are codes: volume, bags, rate."""

    plan: DosePlan
    misses: tuple[str, ...]

    @property
    def fits(self) -> bool:
        return not self.misses


def highest_dose_fits(
    *,
    cells_per_kg: tuple[Decimal, ...],
    weight_kg: Decimal,
    cells_per_bag: Decimal,
    bag_ml: Decimal,
    bag_rounding_pct: Decimal,
    volume_ml_max: Decimal,
    bag_count_max: int,
    rate_ml_per_min_max: Decimal,
    minutes_max: Decimal,
    cells_max: Decimal | None = None,
) -> DoseFit:
    """Before a study opens: its highest dose (at 120 kg, rules section 8) in volume, bags and mean rate over the longest infusion."""
    if not cells_per_kg:
        raise InputError("the study names no dose per kg")
    plan = plan_dose(
        cells_per_kg=max(cells_per_kg),
        weight_kg=weight_kg,
        cells_per_bag=cells_per_bag,
        bag_ml=bag_ml,
        bag_rounding_pct=bag_rounding_pct,
        cells_max=cells_max,
    )
    tests = (
        ("volume", plan.volume_ml <= volume_ml_max),
        ("bags", plan.bag_count <= bag_count_max),
        ("rate", plan.volume_ml <= rate_ml_per_min_max * minutes_max),
    )
    return DoseFit(plan=plan, misses=tuple(name for name, holds in tests if not holds))
