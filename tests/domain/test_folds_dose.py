"""What the acts about one dose add up to."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from decimal import Decimal

import pytest

from custody.domain.acts import allocation, bedside
from custody.domain.criteria import WeightBasis
from custody.domain.folds.base import MissingFact
from custody.domain.folds.dose import DoseFold
from custody.domain.folds.study import StudyFold
from custody.domain.ids import CohortId, DoseId, KitId
from custody.domain.terms import Sex
from custody.workflows.rehearsal.steps import STUDY
from tests.chain import BEDSIDE_AT
from tests.gates.altered import change_settings

NURSES = ("demo-nurse-one", "demo-nurse-two")
PREPARERS = ("demo-preparer-one", "demo-preparer-two")


def fold(chain, before=None, nth=0, dose=None):
    """The dose as it stood before a step, or at the end."""
    if before is not None:
        at = chain.step(before, nth).at
        chain.steps = [step for step in chain.steps if step.at < at]
    dose = dose or chain.cast.dose
    dossier = chain.played().dossier(dose, STUDY)
    return DoseFold(dossier, dose, StudyFold(dossier, STUDY))


def test_dose_of_the_valid_chain(chain):
    dose = fold(chain)
    assert dose.participant == chain.cast.participant
    assert (dose.cohort.id, dose.phase, dose.is_blinded, dose.kit) == (CohortId("P1-1M"), 1, False, None)
    assert dose.bags == chain.cast.dose_bags
    assert dose.bags_begun == dose.bags_opened == chain.cast.dose_bags
    assert dose.spares == ()
    assert dose.started_at == BEDSIDE_AT
    assert dose.ended.act.completed


def test_dose_that_nobody_requested_is_missing(chain):
    with pytest.raises(MissingFact, match="dose_request"):
        _ = fold(chain, dose=DoseId("DOSE-9999")).participant


def test_cohort_that_the_criteria_do_not_know_is_missing(chain):
    chain.change("dose_requested", cohort=CohortId("P9"))
    with pytest.raises(MissingFact, match="cohort"):
        _ = fold(chain).cohort


def test_criteria_version_never_approved_is_missing(chain):
    chain.change("dose_requested", criteria_version=2)
    with pytest.raises(MissingFact, match="criteria"):
        _ = fold(chain).criteria


class TestBags:
    def test_spare_comes_last_and_freed_bags_leave(self, chain):
        first, second, third = chain.cast.bags[:3]
        dose, cohort = chain.cast.dose, CohortId("P1-1M")
        chain.add(allocation.SpareAllocated(dose=dose, bag=third), before="dose_closed", by="demo-iwrs-one", minutes=2)
        assert fold(chain).bags == (first, second, third)
        freed = allocation.DoseDeallocated(dose=dose, cohort=cohort, bags=(second,), reason="leak")
        chain.add(freed, before="dose_closed", by="demo-iwrs-one", minutes=1)
        assert fold(chain).bags == (first, third)

    def test_bag_named_twice_counts_once(self, chain):
        bag = chain.cast.bags[0]
        chain.change("dose_allocated", bags=(bag, bag))
        assert fold(chain).bags == (bag,)

    def test_discarded_bag_makes_the_next_reserved_one_no_spare(self, chain):
        chain.change("dose_allocated", bags=chain.cast.bags[:3])
        assert fold(chain, before="infusion_started").spares == (chain.cast.bags[2],)
        discarded = bedside.BagDiscarded(dose=chain.cast.dose, bag=chain.cast.bags[0], reason="leak")
        chain.add(discarded, before="fit_to_infuse_signed", by=PREPARERS)
        assert fold(chain).spares == ()

    def test_proposed_allocation_adds_its_bags(self, chain):
        dose = fold(chain, before="dose_allocated")
        kit = KitId("KIT-0471")
        proposed = allocation.DoseAllocated(dose=dose.node, cohort=CohortId("P1-1M"), bags=chain.cast.bags, kit=kit)
        assert dose.bags == ()
        assert dose.bags_with(proposed) == chain.cast.bags
        assert dose.kit_with(proposed) == kit
        assert dose.kit is None
        assert dose.bags_judged_by(proposed) == chain.cast.bags

    def test_late_record_counts_as_start(self, chain):
        chain.drop("infusion_started")
        late = bedside.InfusionRecordedLate(
            dose=chain.cast.dose,
            participant=chain.cast.participant,
            bags=chain.cast.dose_bags,
            started_at=BEDSIDE_AT - timedelta(hours=2),
            reason="no network",
            paper_form="F-1",
        )
        chain.add(late, before="dose_closed", by=NURSES)
        dose = fold(chain)
        assert dose.started_at == BEDSIDE_AT - timedelta(hours=2)
        assert set(dose.bags_begun) == set(chain.cast.dose_bags)


class TestBagsJudged:
    """Which bags the gates asked “for each bag” judge."""

    def start(self, chain, bag):
        return dataclasses.replace(chain.step("infusion_started").act, bag=bag)

    def test_at_the_thaw_the_bag_scanned_or_else_the_next_own_one(self, chain):
        first, second, foreign = chain.cast.bags[:3]
        act = chain.step("bag_preparation_started").act
        dose = fold(chain, before="bag_preparation_started", nth=1)
        assert dose.bags_judged_by(dataclasses.replace(act, bag=second)) == (second,)
        assert dose.bags_judged_by(dataclasses.replace(act, bag=foreign)) == (second,)
        assert dose.bags_judged_by(dataclasses.replace(act, bag=first)) == (first,)

    def test_at_dose_release_always_the_bag_named(self, chain):
        foreign = chain.cast.bags[2]
        assert fold(chain).bags_judged_by(bedside.DoseBagReleased(dose=chain.cast.dose, bag=foreign)) == (foreign,)

    def test_spare_alone_is_judged_while_the_dose_runs(self, chain):
        spare = chain.cast.bags[2]
        assert fold(chain).bags_judged_by(allocation.SpareAllocated(dose=chain.cast.dose, bag=spare)) == (spare,)

    def test_at_the_bed_the_released_bag_even_when_a_foreign_one_is_scanned(self, chain):
        first, second, foreign = chain.cast.bags[:3]
        acts = {bag: self.start(chain, bag) for bag in (first, second, foreign)}
        dose = fold(chain, before="infusion_started")
        assert dose.released_bags == (first,)
        assert dose.bags_judged_by(acts[first]) == (first,)
        assert dose.bags_judged_by(acts[foreign]) == (first,)
        assert dose.bags_judged_by(acts[second]) == (second, first)

    def test_at_the_bed_without_released_bag_every_usable_one(self, chain):
        act = self.start(chain, chain.cast.bags[2])
        dose = fold(chain, before="dose_bag_released")
        assert dose.bags_judged_by(act) == chain.cast.dose_bags

    def test_next_bag_the_one_scanned_or_else_the_released_one(self, chain):
        _, second, foreign = chain.cast.bags[:3]
        act = chain.step("next_bag_started").act
        dose = fold(chain, before="next_bag_started")
        assert dose.bags_judged_by(act) == (second,)
        assert dose.bags_judged_by(dataclasses.replace(act, bag=foreign)) == (second,)

    def test_at_the_close_all_bags_of_the_dose(self, chain):
        act = chain.step("dose_closed").act
        assert fold(chain).bags_judged_by(act) == chain.cast.dose_bags


class TestPlan:
    def test_actual_weight_rounded_first(self, chain):
        chain.change("weight_measured", weight_kg=Decimal("129.96"))
        dose = fold(chain)
        assert dose.weight_kg == Decimal("130.0")
        assert (dose.plan.target_cells, dose.plan.bag_count, dose.plan.volume_ml) == (Decimal(130_000_000), 2, Decimal("32.50"))

    def test_predicted_weight_from_height_and_sex(self, chain):
        change_settings(chain, weight_basis="predicted")
        chain.change("weight_measured", height_cm=Decimal(170), sex=Sex.MALE)
        dose = fold(chain)
        assert dose.weight_basis is WeightBasis.PREDICTED
        assert dose.weight_kg == Decimal("66.0")

    def test_weight_measured_after_the_allocation_changes_no_plan(self, chain):
        heavier = dataclasses.replace(chain.step("weight_measured").act, weight_kg=Decimal(150))
        chain.add(heavier, before="infusion_started", by=NURSES, minutes=30)
        assert fold(chain).weight_kg == Decimal("130.0")

    @pytest.mark.parametrize("weight", ["0", "-70", "401"])
    def test_weight_of_no_adult_is_missing(self, chain, weight):
        chain.change("weight_measured", weight_kg=Decimal(weight))
        with pytest.raises(MissingFact, match="plausible_weight"):
            _ = fold(chain).weight_kg


class TestPlannedMinutes:
    def test_unknown_before_the_prescription(self, chain):
        assert fold(chain, before="prescription_signed").planned_minutes is None

    def test_whole_time_before_anything_was_given(self, chain):
        assert fold(chain, before="bag_finished").planned_minutes == 60

    def test_share_of_what_is_left_after_the_first_bag(self, chain):
        left = fold(chain, before="bag_preparation_started", nth=1).planned_minutes
        assert left == Decimal(60) * Decimal("2.5") / Decimal("32.5")

    def test_nothing_left_at_the_end(self, chain):
        assert fold(chain).planned_minutes == 0

    @pytest.mark.parametrize("fields", [{"volume_ml": Decimal(0)}, {"planned_minutes": 0}, {"volume_ml": Decimal(-3)}])
    def test_prescription_of_nothing_is_missing(self, chain, fields):
        chain.change("prescription_signed", **fields)
        with pytest.raises(MissingFact, match="plausible_prescription"):
            _ = fold(chain).planned_minutes


def test_scans_are_found_by_person_whatever_the_account(chain):
    dose = fold(chain)
    nurse = chain.played().signers_of(chain.step("bedside_scanned", 1), chain.step("bedside_scanned", 1).act)[0]
    assert dose.scans_by(nurse.person).signers == (nurse,)
    assert dose.preparers.isdisjoint({nurse.person})
