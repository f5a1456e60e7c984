"""The numbered, dated limits a lot, trip or dose is judged by: a study's content as typed values (the numbers themselves are data).

The content of a study version comes from its TOML files, is kept whole in the ledger, and is read back here.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Any

from custody.domain.acts.codec import decoded
from custody.domain.cold_chain_criteria import ColdChainCriteria
from custody.domain.ids import CohortId, Digest, SiteId, StudyId
from custody.domain.quality import Limit, NumberLimit, Rounding, TextLimit
from custody.domain.terms import Need, PreparationMode, ProductForm, SiteKind, StorageForm, Tier
from custody.errors import InputError


class Jurisdiction(StrEnum):
    STRICT = "strict"
    US = "us"
    EU = "eu"


class WeightBasis(StrEnum):
    ACTUAL = "actual"
    PREDICTED = "predicted"


class WindowEnd(StrEnum):
    ALLOCATION = "allocation"
    INFUSION_START = "infusion_start"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Section 19 of the rules page. None marks a value that must be set; the others are defaults a study confirms by name.

    Minutes, hours, days, ml, ml/min and per cent are named in each key. Left out is how many years records are kept: nothing in the
    record can be deleted, so no study can shorten or lengthen it; how long the store and its copies are kept is the installation's.
    """

    weight_basis: WeightBasis | None = None
    preparation_mode: PreparationMode | None = None
    cohort_size: int | None = None
    stagger_h: Decimal | None = None
    dlt_window_d: Decimal | None = None
    max_bags: int | None = None
    cells_per_bag: Decimal | None = None
    jurisdiction: Jurisdiction = Jurisdiction.STRICT
    product_form: ProductForm = ProductForm.FROZEN
    cord_hours_target: Decimal = Decimal(24)
    cord_hours_hard: Decimal = Decimal(48)
    require_nat_or_repeat: bool = True
    repeat_days: int = 180
    allow_donor_pool: bool = False
    at_risk_processing: bool = True
    max_passage: int = 6
    max_cpd: Decimal = Decimal(30)
    balance_tolerance_pct: Decimal = Decimal(2)
    balance_tolerance_units: Decimal = Decimal(1)
    rounding: Rounding = Rounding.STRICT
    viability_floor: Decimal = Decimal(70)
    exception_phenotype_points: Decimal = Decimal(5)
    exception_count_floor: Decimal = Decimal(70)
    weight_recheck_pct: Decimal = Decimal(10)
    bag_rounding_pct: Decimal = Decimal(5)
    allow_mixed_lots: bool = False
    ready_minutes: Decimal = Decimal(30)
    window_ends_at: WindowEnd = WindowEnd.INFUSION_START
    bag_ml: Decimal = Decimal(30)
    dose_tolerance_pct: Decimal = Decimal(20)
    endotoxin_eu_kg_h: Decimal = Decimal("5.0")
    max_volume_ml: Decimal = Decimal(300)
    fit_weight_kg: Decimal = Decimal(120)
    max_rate_ml_min: Decimal = Decimal(6)
    slow_start_min: Decimal = Decimal(15)
    slow_start_share: Decimal = Decimal("0.5")
    dmso_g_per_kg_day: Decimal = Decimal("1.0")
    fresh_hours: Decimal = Decimal(24)
    frozen_days: Decimal = Decimal(730)
    thaw_hours_rt: Decimal = Decimal(3)
    thaw_hours_cold: Decimal = Decimal(6)
    thawed_kept_cold: bool = False
    spike_to_end_min: Decimal = Decimal(120)
    enrol_window_h: Decimal = Decimal(72)
    vitals_before_min: Decimal = Decimal(15)
    bedside_pair_min: Decimal = Decimal(10)
    verdict_minutes: Decimal = Decimal(5)
    gap_internal_min: Decimal = Decimal(15)
    gap_courier_min: Decimal = Decimal(30)
    gap_transit_over_plan_min: Decimal = Decimal(120)
    ship_hold_margin_h: Decimal = Decimal(24)
    late_entry_min: Decimal = Decimal(15)
    out_of_shipper_min: Decimal = Decimal(10)
    storage_trace_age_h: Decimal = Decimal(24)
    spare_bags: int = 0
    close_tolerance_ml: Decimal = Decimal(2)
    proposal_valid_h: Decimal = Decimal(12)
    sterility_days: int = 14
    sterility_overdue_days: int = 16
    mycoplasma_culture_days: int = 28
    exceptional_release_blinded: bool = False
    exceptional_valid_h: Decimal = Decimal(24)
    access_review_days: int = 90
    clock_drift_alarm_s: Decimal = Decimal(120)

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the values that must be set and are not."""
        return tuple(f.name for f in dataclasses.fields(self) if f.default is None and getattr(self, f.name) is None)

    @property
    def left_at_default(self) -> tuple[str, ...]:
        """Names of the settings that stand at custody's default, which the approver confirms by name."""
        return tuple(f.name for f in dataclasses.fields(self) if f.default is not None and getattr(self, f.name) == f.default)


@dataclass(frozen=True, kw_only=True)
class ConsentForm:
    """A version of a consent form, approved and in force from and to these days (both included)."""

    version: str
    kind: str
    in_force_from: date
    in_force_until: date | None = None
    required_ticks: tuple[str, ...] = ()

    def in_force_on(self, day: date) -> bool:
        return self.in_force_from <= day and (self.in_force_until is None or day <= self.in_force_until)


@dataclass(frozen=True, kw_only=True)
class ReactiveAllowance:
    """A reactive `test` alone makes no donor ineligible in these jurisdictions when every test of `with_negative` is non-reactive.

    `needs_risk_assessment`: it is then not accepted either, but waits for one (rules section 5, verdict).
    """

    test: str
    with_negative: tuple[str, ...]
    jurisdictions: tuple[Jurisdiction, ...]
    needs_risk_assessment: bool = False


@dataclass(frozen=True, kw_only=True)
class DonorCriteria:
    """Section 5 of the rules page. Sample window in days around birth; limits are the last accepted values unless named `below`."""

    sample_days_before_us: Decimal
    sample_days_before_eu: Decimal
    sample_days_after: Decimal
    labour_hours_before: Decimal
    plasma_ml_per_kg: Decimal
    blood_ml_per_kg: Decimal
    mother_age_min: int
    mother_age_max: int
    gestation_days_min: int
    gestation_days_below: int
    fever_celsius_below: Decimal
    membranes_hours_max: Decimal
    cord_length_cm_min: Decimal
    required_tests: tuple[str, ...]
    nat_tests: tuple[str, ...]
    reactive_allowed: tuple[ReactiveAllowance, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ReleaseTest:
    """One row of the release specification: a limit in numbers or in accepted words, and what each tier needs (R, C, I or -).

    `lowest`/`highest` hold for every tier unless `<tier>_lowest`/`<tier>_highest` say otherwise. `placebo` is the need for a placebo lot.
    `kind`: `viability`, `viable_count` or `phenotype` mark what an exceptional release may cover; `never` what it never may.
    `read_hours_min`: hours from sampling before which a result is not one yet (rules section 7, STER: 48 h).
    """

    code: str
    title: str
    title_zh: str
    unit: str = ""
    lowest: Decimal | None = None
    highest: Decimal | None = None
    bank_lowest: Decimal | None = None
    frozen_lowest: Decimal | None = None
    fresh_lowest: Decimal | None = None
    dose_lowest: Decimal | None = None
    dose_highest_open: bool = False
    accepted: tuple[str, ...] = ()
    bank: Need = Need.NOT_TESTED
    frozen: Need = Need.NOT_TESTED
    fresh: Need = Need.NOT_TESTED
    dose: Need = Need.NOT_TESTED
    placebo: Need = Need.NOT_TESTED
    phase_2: Need | None = None
    kind: str = "never"
    due_days: int | None = None
    read_hours_min: Decimal | None = None

    def need(self, tier: Tier, phase: int | None = None) -> Need:
        if self.phase_2 is not None and phase == 2 and tier is Tier.FROZEN_LOT:
            return self.phase_2
        return {
            Tier.BANK: self.bank,
            Tier.FROZEN_LOT: self.frozen,
            Tier.FRESH_LOT: self.fresh,
            Tier.DOSE: self.dose,
            Tier.PLACEBO: self.placebo,
        }[tier]

    def limit(self, tier: Tier) -> Limit:
        """The limit for a tier. Raises InputError when the row has none."""
        if self.accepted:
            return TextLimit(accepted=self.accepted)
        own = {
            Tier.BANK: self.bank_lowest,
            Tier.FROZEN_LOT: self.frozen_lowest,
            Tier.FRESH_LOT: self.fresh_lowest,
            Tier.DOSE: self.dose_lowest,
            Tier.PLACEBO: None,
        }[tier]
        highest = None if tier is Tier.DOSE and self.dose_highest_open else self.highest
        return NumberLimit(unit=self.unit, lowest=self.lowest if own is None else own, highest=highest)


@dataclass(frozen=True, kw_only=True)
class Cohort:
    """One dose level: phase, cells per kg, and the cohort that must have been judged safe before it (empty for the first).

    `size` is the greatest number of participants; a cohort that names none takes the study's `cohort_size`.
    """

    id: CohortId
    phase: int
    cells_per_kg: Decimal
    size: int = 0
    after: tuple[CohortId, ...] = ()
    blinded: bool = False


@dataclass(frozen=True, kw_only=True)
class EligibilityCriterion:
    """One inclusion or exclusion line of the protocol; the ones with a number are checked by the software.

    `lowest`/`highest` are the first and last value that allow inclusion; `above`/`below` are excluded values at the edge.
    """

    code: str
    kind: str
    text: str
    text_zh: str
    unit: str = ""
    lowest: Decimal | None = None
    highest: Decimal | None = None
    above: Decimal | None = None
    below: Decimal | None = None

    @property
    def has_number(self) -> bool:
        return any(limit is not None for limit in (self.lowest, self.highest, self.above, self.below))

    def allows(self, value: Decimal) -> bool:
        return (
            (self.lowest is None or value >= self.lowest)
            and (self.highest is None or value <= self.highest)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )


@dataclass(frozen=True, kw_only=True)
class VitalsSchedule:
    """Minutes after the start until the end, then hours after the end (rules section 12); `window_minutes` either side is on time."""

    first_minutes: tuple[int, ...]
    then_every_minutes: int
    hours_after_end: tuple[int, ...]
    window_minutes: int


@dataclass(frozen=True, kw_only=True)
class Documents:
    """Codes of the documents that must travel with the tissue and with a shipment."""

    tissue: tuple[str, ...]
    shipment: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SiteEntry:
    id: SiteId
    name: str
    kind: SiteKind
    zone: str
    phone: str


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """What the public register says of the study."""

    id: StudyId
    title: str
    title_zh: str
    sponsor_number: str
    sponsor: str
    participants: int
    product: str
    placebo: str
    demonstration_values: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ColdChainTable:
    cryo: ColdChainCriteria
    cold_2_8: ColdChainCriteria

    def for_form(self, form: StorageForm) -> ColdChainCriteria:
        return {StorageForm.CRYO: self.cryo, StorageForm.COLD_2_8: self.cold_2_8}[form]


@dataclass(frozen=True, kw_only=True, eq=False)
class StudyContent:
    """One version of a study: everything a judgement may look at. Two are the same when they are one object (`content_from` keeps it)."""

    protocol: Protocol
    settings: Settings
    cohorts: tuple[Cohort, ...]
    consent_forms: tuple[ConsentForm, ...]
    donor: DonorCriteria
    release: tuple[ReleaseTest, ...]
    cold_chain: ColdChainTable
    eligibility: tuple[EligibilityCriterion, ...]
    documents: Documents
    vitals: VitalsSchedule
    training: dict[str, str]
    sites: tuple[SiteEntry, ...]
    version: int = 0

    @cached_property
    def release_by_code(self) -> dict[str, ReleaseTest]:
        return {row.code: row for row in self.release}

    def cohort(self, cohort: CohortId) -> Cohort | None:
        return next((c for c in self.cohorts if c.id == cohort), None)

    def before(self, cohort: Cohort) -> tuple[CohortId, ...]:
        """Every cohort that comes before it, however far back."""
        found: dict[CohortId, None] = {}
        waiting = [*cohort.after]
        while waiting:
            each = waiting.pop()
            if each not in found:
                found[each] = None
                known = self.cohort(each)
                waiting += known.after if known is not None else ()
        return tuple(found)

    def consent_form(self, kind: str, version: str) -> ConsentForm | None:
        return next((f for f in self.consent_forms if f.kind == kind and f.version == version), None)


def content_digest(text: str) -> Digest:
    """What an approver signs: the SHA-256 of a study version's canonical text."""
    return Digest(hashlib.sha256(text.encode()).hexdigest())


@lru_cache(maxsize=64)
def content_from(text: str, version: int = 0) -> StudyContent:
    """The study version whose canonical JSON is `text`. Raises InputError naming the key that does not fit."""
    content: dict[str, Any] = json.loads(text)
    cold_chain = content.get("cold_chain")
    if isinstance(cold_chain, dict):
        content = {**content, "cold_chain": {form: {"form": form, **table} for form, table in cold_chain.items()}}
    study: StudyContent = decoded(StudyContent, content)
    usual = study.settings.cohort_size or 0
    cohorts = tuple(each if each.size else dataclasses.replace(each, size=usual) for each in study.cohorts)
    return dataclasses.replace(study, cohorts=cohorts, version=version)


def problems_of(study: StudyContent) -> tuple[InputError, ...]:
    """Why this version may not be put in force: values that must be set, and a highest dose that cannot fit (design section 5)."""
    from custody.domain.dose import highest_dose_fits  # noqa: PLC0415 - dose arithmetic needs no criteria

    settings = study.settings
    if settings.missing:
        names = ", ".join(settings.missing)
        return (InputError(f"these settings must be set before the study can open: {names}", code="settings_missing", names=names),)
    assert settings.cells_per_bag is not None
    assert settings.max_bags is not None
    if not study.cohorts:
        return (InputError("the study has no cohort", code="no_cohort"),)
    empty = next((c.id for c in study.cohorts if c.size < 1), None)
    if empty is not None:
        return (InputError(f"cohort {empty} has no place for anybody; set its size or cohort_size", code="cohort_empty", cohort=empty),)
    fit = highest_dose_fits(
        cells_per_kg=tuple(c.cells_per_kg for c in study.cohorts),
        weight_kg=settings.fit_weight_kg,
        cells_per_bag=settings.cells_per_bag,
        bag_ml=settings.bag_ml,
        bag_rounding_pct=settings.bag_rounding_pct,
        volume_ml_max=settings.max_volume_ml,
        bag_count_max=settings.max_bags,
        rate_ml_per_min_max=settings.max_rate_ml_min,
        minutes_max=settings.spike_to_end_min,
    )
    if fit.fits:
        return ()
    return (
        InputError(
            f"the highest dose for {settings.fit_weight_kg} kg does not fit: at most {settings.max_volume_ml} ml, {settings.max_bags} bags"
            f" of {settings.cells_per_bag} cells, {settings.spike_to_end_min} min",
            code="dose_does_not_fit",
            volume_ml=settings.max_volume_ml,
            bags=settings.max_bags,
        ),
    )
