"""DOS: the dose as it is: tests of the prepared bag, cells, endotoxin, DMSO, volume and cover (rules 7 column X, 8, G11)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from custody.domain.acts.allocation import DoseAllocated, SpareAllocated
from custody.domain.acts.bedside import BagPreparing, CoverBound
from custody.domain.criteria import StudyContent
from custody.domain.dose import (
    RatePlan,
    cells_within_tolerance,
    dmso_grams,
    dmso_within_limit,
    endotoxin_eu_per_kg,
    rounded_weight,
    worst_hour_ml,
)
from custody.domain.folds.bag import BagFold
from custody.domain.folds.base import MissingFact
from custody.domain.folds.dose import DoseFold
from custody.domain.folds.exception import ExceptionFold
from custody.domain.folds.lot import LotFold
from custody.domain.folds.results import JudgedTest, Results
from custody.domain.ids import BagId, Digest
from custody.domain.measures import rounded_up
from custody.domain.terms import Need, PreparationMode, Tier
from custody.domain.verdict import Blocked, Excepted, Outcome, Passed, Reason
from custody.gates.case import Case
from custody.gates.registry import gate
from custody.gates.results import out_of_limits, why_no_verdict

ON_A_CLOSED_BAG = frozenset({"APP", "CCI", "LAB"})
"""What can be tested on a bag without opening it; the rest of column X is inherited from the lot (rules section 7, preparation_mode)."""

SHOWN_PLACES = 2


@gate("DOS-TEST", revision=1, title="The prepared bag passed its tests", source="rules 7 (column X), G11", each="bag")
def bag_tests_passed(case: Case, now: datetime) -> Outcome:
    """Tests on this bag, and of its lot what cannot be tested on it; of the lot also what only this dose's phase asks for."""
    bag = BagFold(case.dossier, case.bag.bag, case.study)
    own = _results_of_bag(case.dose, bag)
    inherited = bag.lot.results_for(case.dose.phase)
    asked = [(own, t) for t in _tests_on_the_bag(case.dose, own, bag.lot)]
    asked += [(inherited, t) for t in _tests_of_the_lot(case.dose, bag.lot, inherited)]
    evidence: list[Digest] = []
    excepted: Excepted | None = None
    if not any(results is own for results, _ in asked):  # a specification that asks for nothing proves nothing
        raise MissingFact("release_specification", node=case.dose.node)
    for results, test in asked:
        if test.passed:
            evidence += results.evidence(test.code)
            continue
        fault = _not_passed(results, test)
        covering = _all_covered(case, bag.lot, test, now)
        if not covering:
            return fault
        excepted = Excepted(fault.reason, covering)
    return excepted or Passed(tuple(evidence))


def _results_of_bag(dose: DoseFold, bag: BagFold) -> Results:
    """Results on the dose's stream that name this bag."""
    return Results(dose.dossier, dose.node, Tier.DOSE, dose.criteria, dose.phase, bag.lot.label_cells, bag.bag)


def _tests_on_the_bag(dose: DoseFold, own: Results, lot: LotFold) -> Iterator[JudgedTest]:
    """What must pass on the bag itself, and whatever else was measured on it and failed."""
    mode = dose.criteria.settings.preparation_mode
    if mode is None:
        raise MissingFact("preparation_mode", node=dose.study.study)
    for test in own.tests.values():
        needed = test.need is Need.MUST_PASS and (mode is PreparationMode.OPEN_WASH or test.code in ON_A_CLOSED_BAG)
        if (needed and _applies(test, lot)) or (test.is_binding and test.failed):
            yield test


def _tests_of_the_lot(dose: DoseFold, lot: LotFold, inherited: Results) -> Iterator[JudgedTest]:
    """Column X as far as the lot's own tier asks for it, and the tests only this phase asks for (rules section 7, POT)."""
    for code, test in inherited.tests.items():
        in_column_x = dose.criteria.release_by_code[code].dose is Need.MUST_PASS if code in dose.criteria.release_by_code else False
        closed = dose.criteria.settings.preparation_mode is not PreparationMode.OPEN_WASH and code not in ON_A_CLOSED_BAG
        only_in_this_phase = test.row.need(lot.tier, None) is not Need.MUST_PASS
        if test.need is Need.MUST_PASS and ((in_column_x and closed) or only_in_this_phase):
            yield test


def _applies(test: JudgedTest, lot: LotFold) -> bool:
    """Cell rows do not apply to a placebo (rules section 7)."""
    return not lot.is_placebo or test.row.placebo is Need.MUST_PASS


def _not_passed(results: Results, test: JudgedTest) -> Blocked:
    judged = test.counts
    if judged is None:
        return Blocked(Reason("results_missing", tests=test.code))
    reason = out_of_limits(results, test, judged) if judged.failed else why_no_verdict(results, test, judged)
    return Blocked(reason, (judged.digest,))


def _all_covered(case: Case, lot: LotFold, test: JudgedTest, now: datetime) -> tuple[Digest, ...]:
    """The exceptional releases that cover every failed result of this test; empty where one is not covered, or none failed."""
    fold = ExceptionFold(case.dossier, case.dose.node, case.study)
    failed = [r for r in test.standing if not r.judgement.passed]
    if not failed or lot.filled.act.subject != lot.node:
        return ()
    covering = [fold.covering(_lot_id(lot), test.code, r.digest, now) for r in failed]
    return tuple(d.digest for d in covering if d is not None) if all(d is not None for d in covering) else ()


@dataclass(frozen=True)
class Share:
    """What one bag gives to the dose, in millilitres."""

    bag: BagFold
    volume_ml: Decimal

    @property
    def lot(self) -> LotFold:
        return self.bag.lot


def _shares(case: Case) -> tuple[Share, ...]:
    """The bags the plan opens, in order, and what each gives; discarded bags give nothing. Raises MissingFact with too few bags."""
    dose, plan = case.dose, case.dose.plan
    usable = [bag for bag in dose.bags_with(case.proposed) if dose.discard_of(bag) is None]
    if len(usable) < plan.bag_count:
        raise MissingFact("bags", node=dose.node)
    left, shares = plan.volume_ml, []
    for bag in usable[: plan.bag_count]:
        fold = BagFold(case.dossier, bag, case.study)
        volume = min(dose.criteria.settings.bag_ml, left)
        shares.append(Share(fold, volume))
        left -= volume
    return tuple(shares)


def _share_results(dose: DoseFold, share: Share, test: str) -> Results:
    """Where a test of this bag is found: measured on the bag when it is opened, else inherited from its lot."""
    on_bag = dose.criteria.settings.preparation_mode is PreparationMode.OPEN_WASH
    results = _results_of_bag(dose, share.bag) if on_bag else share.lot.results
    return results if test in results.tests else share.lot.results


@gate("DOS-CELLS", revision=1, title="The dose holds the cells it should", source="rules 8 (cells check), G11, G12")
def cells_within_dose(case: Case, now: datetime) -> Outcome:
    """Measured viable cells in the planned volume against the target."""
    dose, shares = case.dose, _shares(case)
    if all(share.lot.is_placebo for share in shares):
        return Passed(note=Reason("no_cells"))
    measured, evidence = Fraction(0), []
    for share in shares:
        results = _share_results(dose, share, "CNT")
        per_bag = share.lot.label_cells * results.measured("CNT") / 100
        measured += Fraction(per_bag) * Fraction(share.volume_ml) / Fraction(dose.criteria.settings.bag_ml)
        evidence += results.evidence("CNT")
    plan, tolerance = dose.plan, dose.criteria.settings.dose_tolerance_pct
    cells = Decimal(round(measured))
    if abs(measured - Fraction(plan.target_cells)) * 100 <= Fraction(tolerance) * Fraction(plan.target_cells):
        return Passed(tuple(dict.fromkeys(evidence)))
    reason = Reason("cells_outside_dose", seen=cells, expected=plan.target_cells, tolerance_pct=tolerance)
    covering = _count_exception(case, shares, now)
    return Excepted(reason, covering) if covering else Blocked(reason, tuple(dict.fromkeys(evidence)))


def _count_exception(case: Case, shares: tuple[Share, ...], now: datetime) -> tuple[Digest, ...]:
    """Exceptional releases of the viable count of every lot whose count failed; empty where one is not covered."""
    covering: list[Digest] = []
    for share in shares:
        test = _share_results(case.dose, share, "CNT").tests["CNT"]
        if test.passed:
            continue
        found = _all_covered(case, share.lot, test, now)
        if not found:
            return ()
        covering += found
    return tuple(dict.fromkeys(covering))


@gate("DOS-ENDO", revision=1, title="Endotoxin in the worst hour is within its limit", source="rules 8 (endotoxin); USP <85>, G11")
def endotoxin_within_limit(case: Case, _now: datetime) -> Outcome:
    """The highest endotoxin among the lots counts for the whole hour."""
    dose, shares = case.dose, _shares(case)
    settings = dose.criteria.settings
    found = [(_share_results(dose, share, "END")) for share in shares]
    worst_eu = max(results.at_most("END") for results in found)
    eu_per_kg = endotoxin_eu_per_kg(worst_eu, _worst_hour(dose), dose.weight_kg)
    evidence = tuple(dict.fromkeys(digest for results in found for digest in results.evidence("END")))
    if eu_per_kg <= settings.endotoxin_eu_kg_h:
        return Passed(evidence)
    return Blocked(Reason("endotoxin_over_limit", seen=eu_per_kg, expected=settings.endotoxin_eu_kg_h), evidence)


def _worst_hour(dose: DoseFold) -> Decimal:
    """Millilitres in the worst hour of the prescribed infusion, with its slow start."""
    if dose.prescription is None:
        raise MissingFact("prescription", node=dose.node)
    settings, minutes = dose.criteria.settings, Decimal(dose.prescription.act.planned_minutes)
    if minutes <= settings.slow_start_min:  # shorter than its own slow start: all of it counts as one hour
        return dose.plan.volume_ml
    plan = RatePlan(
        volume_ml=dose.plan.volume_ml, minutes=minutes, slow_minutes=settings.slow_start_min, slow_share=settings.slow_start_share
    )
    return worst_hour_ml(plan)


@gate("DOS-DMSO", revision=1, title="DMSO within its daily limit", source="rules 8 (DMSO), G11")
def dmso_within_daily_limit(case: Case, _now: datetime) -> Outcome:
    """The dose is the only one this participant gets (ALO-DUP), so its own DMSO is the day's."""
    dose, shares = case.dose, _shares(case)
    grams, evidence = Decimal(0), []
    for share in shares:
        if share.lot.results.tests["CRY"].need is not Need.MUST_PASS:  # fresh product and placebo hold none, says the specification
            continue
        results = _share_results(dose, share, "CRY")
        grams += dmso_grams(share.volume_ml, results.at_most("CRY"))
        evidence += results.evidence("CRY")
    limit = dose.criteria.settings.dmso_g_per_kg_day
    if not evidence:
        return Passed(note=Reason("no_dmso"))
    if dmso_within_limit(grams, dose.weight_kg, limit):
        return Passed(tuple(dict.fromkeys(evidence)))
    return Blocked(
        Reason("dmso_over_limit", seen=rounded_up(grams, SHOWN_PLACES), expected=limit * rounded_weight(dose.weight_kg)), tuple(evidence)
    )


@gate("DOS-VOL", revision=1, title="Volume, rate and bags of the dose within limits", source="rules 8 (volume, rate, bags), G7, G10, G11")
def volume_and_rate_within_limits(case: Case, _now: datetime) -> Outcome:
    dose, plan = case.dose, case.dose.plan
    settings = dose.criteria.settings
    evidence = (dose.requested.digest, dose.weighing.digest)
    if settings.max_bags is None:
        raise MissingFact("max_bags", node=dose.study.study)
    if plan.volume_ml > settings.max_volume_ml:
        return Blocked(Reason("volume_over_limit", seen=plan.volume_ml, expected=settings.max_volume_ml), evidence)
    if plan.bag_count > settings.max_bags:
        return Blocked(Reason("too_many_bags", seen=plan.bag_count, expected=settings.max_bags), evidence)
    fault = _bag_fault(case, dose.criteria)
    if fault is not None:
        return fault
    if dose.prescription is None:
        # Reserving comes before prescribing; every later step asks BED-RX for the prescription.
        return Passed(evidence) if isinstance(case.proposed, (DoseAllocated, SpareAllocated)) else _no_prescription(dose)
    rate = _fastest(dose)
    evidence = (*evidence, dose.prescription.digest)
    if rate > settings.max_rate_ml_min:
        return Blocked(Reason("rate_over_limit", seen=rate, expected=settings.max_rate_ml_min), evidence)
    return Passed(evidence)


def _no_prescription(dose: DoseFold) -> Blocked:
    return Blocked(Reason("missing", what="prescription", node=dose.node.key))


def _bag_fault(case: Case, criteria: StudyContent) -> Blocked | None:
    """Enough bags for the plan and its spares at allocation; enough for the plan afterwards; each filled as the plan counts on."""
    dose, plan = case.dose, case.dose.plan
    usable = [bag for bag in dose.bags_with(case.proposed) if dose.discard_of(bag) is None]
    if len(usable) < plan.bag_count:
        return Blocked(Reason("too_few_bags", seen=len(usable), expected=plan.bag_count))
    for bag in usable:
        fault = _label_fault(BagFold(case.dossier, bag, case.study), bag, criteria)
        if fault is not None:
            return fault
    return None


def _label_fault(fold: BagFold, bag: BagId, criteria: StudyContent) -> Blocked | None:
    """The label must state the volume and cells the plan is computed from, or the volume drawn is another dose."""
    settings = criteria.settings
    if fold.filled.act.volume_ml != settings.bag_ml:
        return Blocked(
            Reason("bag_volume_differs", bag=bag, seen=fold.filled.act.volume_ml, expected=settings.bag_ml), (fold.filled.digest,)
        )
    if not fold.lot.is_placebo and fold.lot.label_cells != settings.cells_per_bag:
        return Blocked(Reason("label_cells_differ", seen=fold.lot.label_cells, expected=settings.cells_per_bag), (fold.lot.filled.digest,))
    return None


def _fastest(dose: DoseFold) -> Decimal:
    """The prescribed rate, or the mean the prescribed minutes ask for when that is faster (ml/min, rounded up)."""
    assert dose.prescription is not None
    prescribed = dose.prescription.act
    if prescribed.planned_minutes <= 0:
        raise MissingFact("plausible_prescription", node=dose.node, evidence=(dose.prescription.digest,))
    mean = rounded_up(Fraction(dose.plan.volume_ml) / prescribed.planned_minutes, SHOWN_PLACES)
    return max(prescribed.rate_ml_per_min, mean)


@gate("DOS-COVER", revision=1, title="Bag and line are covered in the blinded phase", source="rules 13, G11", each="bag")
def bag_is_covered(case: Case, _now: datetime) -> Outcome:
    if not case.dose.is_blinded:
        return Passed(note=Reason("not_blinded"))
    bag = case.bag.bag
    preparing = case.dossier.last(bag, BagPreparing)
    if preparing is None:
        raise MissingFact("preparation", node=bag)
    cover = case.dossier.last(bag, CoverBound)
    if cover is None or cover.entry.position < preparing.entry.position:
        return Blocked(Reason("not_covered", bag=bag), (preparing.digest,))
    others = (case.dossier.last(other, CoverBound) for other in case.dose.bags if other != bag)
    if any(other is not None and other.act.cover_label == cover.act.cover_label for other in others):
        return Blocked(Reason("cover_label_used_twice", seen=cover.act.cover_label), (cover.digest,))
    return Passed((cover.digest,))
