"""DOS: the dose as it is: tests of the prepared bag, cells, endotoxin, DMSO, volume and cover (rules 7 column X, 8, G11)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from custody.domain.acts.allocation import DoseAllocated, SpareAllocated
from custody.domain.acts.bedside import BagPreparing, CoverBound
from custody.domain.dose import cells_within_tolerance, dmso_within_limit, rounded_weight
from custody.domain.folds.bag import BagFold
from custody.domain.folds.base import MissingFact
from custody.domain.folds.dose import DoseFold
from custody.domain.folds.dose_contents import DoseContents
from custody.domain.folds.exception import ExceptionFold
from custody.domain.folds.judged import JudgedTest
from custody.domain.folds.lot import LotFold
from custody.domain.folds.results import Results
from custody.domain.folds.study import StudyFold
from custody.domain.ids import BagId, Digest, LotId
from custody.domain.terms import Need, PreparationMode
from custody.domain.verdict import Blocked, Excepted, Outcome, Passed, Reason
from custody.gates.case import Case
from custody.gates.registry import gate
from custody.gates.results import out_of_limits, why_no_verdict

ON_A_CLOSED_BAG = frozenset({"APP", "CCI", "LAB"})
"""What can be tested on a bag without opening it; the rest of column X is inherited from the lot (rules section 7, preparation_mode)."""


@gate("DOS-TEST", revision=1, title="The prepared bag passed its tests", source="rules 7 (column X), G11", each="bag")
def bag_tests_passed(case: Case, now: datetime) -> Outcome:
    """Tests on this bag, and of its lot what cannot be tested on it; of the lot also what only this dose's phase asks for."""
    dose, bag, study = case.dose.node, case.bag.node, case.study_id
    due = case.dossier.once(dose, ("DOS-TEST", bag, study), lambda ledger: _due(DoseFold(ledger, dose, StudyFold(ledger, study)), bag))
    excepted: Excepted | None = None
    for test, fault in due.failing:
        covering = _all_covered(case, case.bag.lot, test, now)
        if not covering:
            return fault
        excepted = Excepted(fault.reason, (*fault.evidence, *covering))
    return excepted or Passed(due.evidence)


class _Due(NamedTuple):
    """What proves the tests that passed, and each test that did not pass with what speaks against it."""

    evidence: tuple[Digest, ...]
    failing: tuple[tuple[JudgedTest, Blocked], ...]


def _due(dose: DoseFold, bag: BagId) -> _Due:
    """Every test the prepared bag must have passed. Raises MissingFact where the specification asks for none: that proves nothing."""
    contents = DoseContents(dose, (bag,))
    lot = contents.lot_of(bag)
    own, inherited = contents.measured_on(bag, lot), lot.results_for(dose.phase)
    on_the_bag = [(own, test) for test in _tests_on_the_bag(dose, own, lot)]
    if not on_the_bag:
        raise MissingFact("release_specification", node=dose.node)
    due = (*on_the_bag, *((inherited, test) for test in _tests_of_the_lot(dose, lot, inherited)))
    return _Due(
        evidence=tuple(digest for results, test in due if test.passed for digest in results.evidence(test.code)),
        failing=tuple((test, _not_passed(results, test)) for results, test in due if not test.passed),
    )


def _contents(case: Case) -> DoseContents:
    return DoseContents(case.dose, case.dose.bags_with(case.proposed))


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
    if not isinstance(lot.node, LotId):
        return ()
    covering = [fold.covering(lot.node, test.code, r.digest, now) for r in failed]
    found = tuple(d.digest for d in covering if d is not None)
    return found if len(found) == len(failed) else ()


@gate("DOS-CELLS", revision=1, title="The dose holds the cells it should", source="rules 8 (cells check), G11, G12")
def cells_within_dose(case: Case, now: datetime) -> Outcome:
    """Measured viable cells in the planned volume against the target."""
    dose, bags, study = case.dose.node, case.dose.bags_with(case.proposed), case.study_id
    counted = case.dossier.once(
        dose, ("DOS-CELLS", bags, study), lambda ledger: _counted(DoseContents(DoseFold(ledger, dose, StudyFold(ledger, study)), bags))
    )
    if counted is None:
        return Passed(note=Reason("no_cells"))
    contents, plan = _contents(case), case.dose.plan
    (cells, evidence), tolerance = counted, contents.settings.dose_tolerance_pct
    if cells_within_tolerance(cells, plan.target_cells, tolerance):
        return Passed(evidence)
    reason = Reason("cells_outside_dose", seen=cells, expected=plan.target_cells, tolerance_pct=tolerance)
    covering = _count_exception(case, contents, now)
    return Excepted(reason, (*evidence, *covering)) if covering else Blocked(reason, evidence)


def _counted(contents: DoseContents) -> tuple[Decimal, tuple[Digest, ...]] | None:
    """Viable cells in the planned volume and the counts that say so; None where every bag is a placebo."""
    if all(share.lot.is_placebo for share in contents.shares):
        return None
    return contents.viable_cells, contents.evidence("CNT")


def _count_exception(case: Case, contents: DoseContents, now: datetime) -> tuple[Digest, ...]:
    """Exceptional releases of the viable count of every bag whose count failed; empty where one is not covered, or none failed."""
    covering: dict[Digest, None] = {}
    for share in contents.shares:
        test = contents.results_of(share).tests["CNT"]
        if test.passed:
            continue
        found = _all_covered(case, share.lot, test, now)
        if not found:
            return ()
        covering.update(dict.fromkeys(found))
    return tuple(covering)


@gate("DOS-ENDO", revision=1, title="Endotoxin in the worst hour is within its limit", source="rules 8 (endotoxin), G11; USP <85>")
def endotoxin_within_limit(case: Case, _now: datetime) -> Outcome:
    contents = _contents(case)
    seen, limit = contents.endotoxin_eu_per_kg, contents.settings.endotoxin_eu_kg_h
    if seen <= limit:
        return Passed(contents.evidence("END"))
    return Blocked(Reason("endotoxin_over_limit", seen=seen, expected=limit), contents.evidence("END"))


@gate("DOS-DMSO", revision=1, title="DMSO is within its daily limit", source="rules 8 (DMSO), G11")
def dmso_within_daily_limit(case: Case, _now: datetime) -> Outcome:
    """The dose is the only one this participant gets (ALO-DUP), so its own DMSO is the day's."""
    contents, weight_kg = _contents(case), case.dose.weight_kg
    if not contents.shares_with_dmso:
        return Passed(note=Reason("no_dmso"))
    grams, per_kg = contents.dmso_grams, contents.settings.dmso_g_per_kg_day
    if dmso_within_limit(grams, weight_kg, per_kg):
        return Passed(contents.evidence("CRY"))
    return Blocked(Reason("dmso_over_limit", seen=grams, expected=per_kg * rounded_weight(weight_kg)), contents.evidence("CRY"))


@gate(
    "DOS-VOL", revision=1, title="Volume, rate and bags of the dose are within limits", source="rules 8 (volume, rate, bags), G7, G10, G11"
)
def volume_and_rate_within_limits(case: Case, _now: datetime) -> Outcome:
    """The rate is judged as soon as there is a prescription; only reserving bags comes before it."""
    contents, dose = _contents(case), case.dose
    plan, settings = dose.plan, contents.settings
    evidence = (dose.requested.digest, dose.weighing.digest)
    if settings.max_bags is None:
        raise MissingFact("max_bags", node=dose.study.study)
    limits = [
        ("volume_over_limit", plan.volume_ml, settings.max_volume_ml, plan.volume_ml <= settings.max_volume_ml),
        ("too_many_bags", plan.bag_count, settings.max_bags, plan.bag_count <= settings.max_bags),
        ("too_few_bags", len(contents.usable), plan.bag_count, len(contents.usable) >= plan.bag_count),
    ]
    if dose.prescription is not None or not isinstance(case.proposed, DoseAllocated | SpareAllocated):
        rate = contents.fastest_ml_per_min
        limits.append(("rate_over_limit", rate, settings.max_rate_ml_min, rate <= settings.max_rate_ml_min))
    for code, seen, expected, holds in limits:
        if not holds:
            return Blocked(Reason(code, seen=seen, expected=expected), evidence)
    faults = (_label_fault(case, contents, bag) for bag in contents.usable)
    return next((fault for fault in faults if fault is not None), Passed(evidence))


def _label_fault(case: Case, contents: DoseContents, bag: BagId) -> Blocked | None:
    """The labels must state the volume and the cells that the plan is computed from, or the planned volume is another dose."""
    settings, fold = contents.settings, BagFold(case.dossier, bag, case.study)
    filled, lot = fold.filled, fold.lot
    if filled.act.volume_ml != settings.bag_ml:
        return Blocked(Reason("bag_volume_differs", bag=bag, seen=filled.act.volume_ml, expected=settings.bag_ml), (filled.digest,))
    if not lot.is_placebo and lot.label_cells != settings.cells_per_bag:
        return Blocked(Reason("label_cells_differ", bag=bag, seen=lot.label_cells, expected=settings.cells_per_bag), (lot.filled.digest,))
    return None


@gate("DOS-COVER", revision=1, title="Bag and line are covered in the blinded phase", source="rules 13, G11", each="bag")
def bag_is_covered(case: Case, _now: datetime) -> Outcome:
    if not case.dose.is_blinded:
        return Passed(note=Reason("not_blinded"))
    bag = case.bag.node
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
