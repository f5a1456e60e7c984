"""ALO at hold points G7 and G10: cohort, committees, stagger, mixing and randomisation."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from custody.domain.acts import allocation, study
from custody.domain.acts.manufacturing import BagFilled, BankStarted, LotStarted
from custody.domain.ids import BankId, CohortId, Digest, Din, DoseId, KitId, LotId, ParticipantId, TissueId
from custody.domain.terms import BankKind, Committee, CommitteeDecision, HoldPoint, Product, ProductForm
from custody.gates import evaluate
from custody.gates.allocation import toxicity_fault
from custody.workflows.rehearsal.steps import STUDY
from tests.chain import BEDSIDE_AT, blocked_gates, reasons
from tests.gates.altered import case_knowing, change_settings, verdict_knowing
from tests.gates.cohorts import approve, into_cohort

G7, G10 = HoldPoint.ALLOCATION, HoldPoint.PREPARE
P2 = CohortId("P2")
FIRST = CohortId("P1-1M")
SECOND = CohortId("P1-5M")
THIRD = CohortId("P1-10M")
OTHER_LOT = LotId("LOT-OTHER")


def test_valid_dose_may_be_allocated(chain):
    assert blocked_gates(chain.verdict_at(G7)) == set()


def test_valid_second_bag_may_be_prepared_while_the_dose_runs(chain):
    assert blocked_gates(chain.verdict_at(G10, nth=1)) == set()


def taken(*numbers):
    return [study.CohortSlotTaken(study=STUDY, cohort=FIRST, dose=DoseId(f"DOSE-90{n}")) for n in numbers]


def other_dose(cohort, started_at):
    return study.StudyDoseStarted(study=STUDY, cohort=cohort, dose=DoseId("DOSE-OTHER"), started_at=started_at)


class TestCohort:
    def test_cohort_that_was_never_opened_blocks(self, chain):
        chain.drop("cohort_opened")
        verdict = chain.verdict_at(G7)
        assert blocked_gates(verdict) == {"ALO-COHORT"}
        assert reasons(verdict, "ALO-COHORT") == {"cohort_not_open"}

    def test_cohort_closed_again_blocks(self, chain):
        chain.add(study.CohortClosed(study=STUDY, cohort=FIRST), before="dose_allocated", by="demo-sponsor-one")
        assert reasons(chain.verdict_at(G7), "ALO-COHORT") == {"cohort_not_open"}

    def test_allocation_into_another_cohort_than_requested_blocks(self, chain):
        chain.change("dose_allocated", cohort=SECOND)
        assert reasons(chain.verdict_at(G7), "ALO-COHORT") == {"cohort_differs"}

    def test_request_under_a_version_not_in_force_then_blocks(self, chain):
        newer = dataclasses.replace(chain.step("study_proposed").act, study_version=2)
        approved = study.StudyApproved(study=STUDY, study_version=2, content_digest=Digest("ab" * 32), confirmed_defaults=())
        chain.add(newer, before="dose_requested", by="demo-sponsor-one", minutes=2)
        chain.add(approved, before="dose_requested", by="demo-qp-one", minutes=1)
        assert reasons(chain.verdict_at(G7), "ALO-COHORT") == {"criteria_version_differs"}
        chain.change("dose_requested", criteria_version=2)
        assert blocked_gates(chain.verdict_at(G7)) == set()

    def test_version_approved_after_the_request_does_not_judge_it(self, chain):
        newer = dataclasses.replace(chain.step("study_proposed").act, study_version=2)
        approved = study.StudyApproved(study=STUDY, study_version=2, content_digest=Digest("ab" * 32), confirmed_defaults=())
        chain.add(newer, before="dose_allocated", by="demo-sponsor-one", minutes=2)
        chain.add(approved, before="dose_allocated", by="demo-qp-one", minutes=1)
        assert blocked_gates(chain.verdict_at(G7)) == set()

    def test_cohort_the_criteria_do_not_know_is_missing(self, chain):
        chain.change("dose_requested", cohort=CohortId("P9"))
        assert reasons(chain.verdict_at(G7), "ALO-COHORT") == {"missing"}

    @pytest.mark.parametrize(("others", "codes"), [(5, set()), (6, {"cohort_full"})])
    def test_last_place_may_be_taken_and_none_after_it(self, chain, others, codes):
        assert reasons(verdict_knowing(chain, G7, *taken(*range(others))), "ALO-COHORT") == codes

    def test_freed_place_counts_no_longer(self, chain):
        freed = study.CohortSlotFreed(study=STUDY, cohort=FIRST, dose=DoseId("DOSE-900"))
        assert reasons(verdict_knowing(chain, G7, *taken(*range(6)), freed), "ALO-COHORT") == set()

    def test_own_place_does_not_count_against_the_dose_at_the_thaw(self, chain):
        assert reasons(verdict_knowing(chain, G10, *taken(*range(5))), "ALO-COHORT") == set()


class TestCommittees:
    def give_kit(self, chain):
        kit = KitId("KIT-0471")
        into_cohort(chain, P2, kit=kit)
        assigned = allocation.KitAssigned(kit=kit, participant=chain.cast.participant, bags=chain.cast.dose_bags)
        chain.add(assigned, before="dose_allocated", by="demo-iwrs-one")

    def test_phase_2_dose_before_any_committee_blocks(self, chain):
        self.give_kit(chain)
        verdict = chain.verdict_at(G7)
        assert blocked_gates(verdict) == {"ALO-COHORT"}
        assert reasons(verdict, "ALO-COHORT") == {"committee_not_approved"}

    @pytest.mark.parametrize("only", list(Committee))
    def test_phase_2_dose_with_one_committee_of_two_blocks(self, chain, only):
        self.give_kit(chain)
        approve(chain, only, P2)
        assert reasons(chain.verdict_at(G7), "ALO-COHORT") == {"committee_not_approved"}

    def test_phase_2_dose_with_both_committees_passes(self, chain):
        self.give_kit(chain)
        approve(chain, Committee.DATA_SAFETY, P2)
        approve(chain, Committee.ETHICS, P2)
        assert blocked_gates(chain.verdict_at(G7)) == set()

    def test_later_refusal_of_a_committee_blocks(self, chain):
        self.give_kit(chain)
        approve(chain, Committee.DATA_SAFETY, P2)
        approve(chain, Committee.ETHICS, P2)
        approve(chain, Committee.ETHICS, P2, decision=CommitteeDecision.REFUSE, minutes=1)
        assert reasons(chain.verdict_at(G7), "ALO-COHORT") == {"committee_not_approved"}

    def test_higher_dose_needs_the_data_safety_committee_only(self, chain):
        into_cohort(chain, SECOND)
        assert reasons(chain.verdict_at(G7), "ALO-COHORT") == {"committee_not_approved"}
        approve(chain, Committee.DATA_SAFETY, SECOND)
        assert reasons(chain.verdict_at(G7), "ALO-COHORT") == set()

    @pytest.mark.parametrize(("minutes", "codes"), [(0, set()), (1, {"decided_before_watch_ended"})])
    def test_committee_decides_after_the_cohort_before_was_watched(self, chain, minutes, codes):
        into_cohort(chain, SECOND)
        approve(chain, Committee.DATA_SAFETY, SECOND)
        decided_at = chain.steps[-1].at
        earlier = other_dose(FIRST, decided_at - timedelta(days=7) + timedelta(minutes=minutes))
        assert reasons(verdict_knowing(chain, G7, earlier), "ALO-COHORT") == codes

    def test_toxicity_blocks_until_the_committee_has_judged_it(self, chain):
        toxicity = study.ToxicityRecorded(study=STUDY, cohort=FIRST, dose=DoseId("DOSE-OTHER"), description="shock")
        chain.add(toxicity, before="dose_allocated", by="demo-safety-one", minutes=30)
        assert reasons(chain.verdict_at(G7), "ALO-COHORT") == {"toxicity_not_judged"}
        approve(chain, Committee.DATA_SAFETY, FIRST, minutes=31)
        assert reasons(chain.verdict_at(G7), "ALO-COHORT") == {"toxicity_not_judged"}
        approve(chain, Committee.DATA_SAFETY, FIRST, minutes=29)
        assert reasons(chain.verdict_at(G7), "ALO-COHORT") == set()

    def test_toxicity_of_any_cohort_before_it_counts(self, chain):
        """Of the lowest dose too, which the highest follows only through the one between them."""
        into_cohort(chain, THIRD)
        assert toxicity_fault(chain.case_at(G7)[0].dose) is None
        toxicity = study.ToxicityRecorded(study=STUDY, cohort=FIRST, dose=DoseId("DOSE-OTHER"), description="shock")
        chain.add(toxicity, before="dose_allocated", by="demo-safety-one", minutes=30)
        found = toxicity_fault(chain.case_at(G7)[0].dose)
        assert (found.reason.code, found.reason.values["in_cohort"]) == ("toxicity_not_judged", FIRST)


class TestStagger:
    @pytest.mark.parametrize(("hours_ago", "codes"), [(24, set()), (23.99, {"stagger_not_over"})])
    def test_thaw_waits_for_the_participant_before(self, chain, hours_ago, codes):
        _, now = chain.case_at(G10)
        before = other_dose(FIRST, now - timedelta(hours=hours_ago))
        assert reasons(verdict_knowing(chain, G10, before), "ALO-COHORT") == codes

    def test_bags_may_be_reserved_while_the_participant_before_is_watched(self, chain):
        _, now = chain.case_at(G7)
        assert reasons(verdict_knowing(chain, G7, other_dose(FIRST, now)), "ALO-COHORT") == set()

    def test_running_dose_is_not_held_up(self, chain):
        assert reasons(verdict_knowing(chain, G10, other_dose(FIRST, BEDSIDE_AT), nth=1), "ALO-COHORT") == set()


class TestMixing:
    def with_other_lot(self, chain, *acts):
        """The second bag filled into another lot, of which these acts tell."""
        case, now = case_knowing(chain, G7, *acts)
        bag = chain.cast.bags[1]
        deeds = [
            dataclasses.replace(d, act=dataclasses.replace(d.act, lot=OTHER_LOT)) if isinstance(d.act, BagFilled) else d
            for d in case.dossier.deeds(bag)
        ]
        streams = {**case.dossier.streams, bag.key: tuple(deeds)}
        return evaluate(G7, dataclasses.replace(case, dossier=dataclasses.replace(case.dossier, streams=streams)), now)

    def lot(self, product=Product.CELLS, banks=()):
        return LotStarted(lot=OTHER_LOT, product=product, form=ProductForm.FROZEN, criteria_version=1, banks=banks)

    def test_bags_of_two_lots_block(self, chain):
        assert reasons(self.with_other_lot(chain, self.lot(banks=(chain.cast.working,))), "ALO-MIX") == {"mixed_lots"}

    def test_two_lots_pass_where_the_study_allows_them(self, chain):
        change_settings(chain, allow_mixed_lots=True)
        assert reasons(self.with_other_lot(chain, self.lot(banks=(chain.cast.working,))), "ALO-MIX") == set()

    def test_cells_and_placebo_in_one_dose_block(self, chain):
        assert reasons(self.with_other_lot(chain, self.lot(product=Product.PLACEBO)), "ALO-MIX") == {"mixed_products"}

    @pytest.mark.parametrize(("pool", "codes"), [(False, {"mixed_donors"}), (True, set())])
    def test_bags_of_two_donations_block_even_where_lots_may_mix(self, chain, pool, codes):
        change_settings(chain, allow_mixed_lots=True, allow_donor_pool=pool)
        tissue = TissueId("TS-OTHER")
        packed = dataclasses.replace(chain.step("tissue_packed").act, tissue=tissue, donation=Din.parse("A999926000777"))
        bank = BankStarted(bank=BankId("WCB-OTHER"), kind=BankKind.MASTER, parents=(tissue,))
        verdict = self.with_other_lot(chain, packed, bank, self.lot(banks=(bank.bank,)))
        assert reasons(verdict, "ALO-MIX") == codes

    def test_bag_without_lot_blocks(self, chain):
        case, now = chain.case_at(G7)
        streams = {**case.dossier.streams, chain.cast.bags[1].key: ()}
        case = dataclasses.replace(case, dossier=dataclasses.replace(case.dossier, streams=streams))
        assert reasons(evaluate(G7, case, now), "ALO-MIX") == {"missing"}

    def test_dose_without_bags_blocks(self, chain):
        chain.change("dose_allocated", bags=())
        assert reasons(chain.verdict_at(G7), "ALO-MIX") == {"missing"}


class TestRandomisation:
    def blinded(self, chain, kit):
        into_cohort(chain, P2, kit=kit)
        approve(chain, Committee.DATA_SAFETY, P2)
        approve(chain, Committee.ETHICS, P2)

    def assign(self, chain, kit, participant=None, bags=None):
        assigned = allocation.KitAssigned(
            kit=kit, participant=participant or chain.cast.participant, bags=chain.cast.dose_bags if bags is None else bags
        )
        chain.add(assigned, before="dose_allocated", by="demo-iwrs-one")

    def test_blinded_dose_without_kit_blocks(self, chain):
        self.blinded(chain, None)
        verdict = chain.verdict_at(G7)
        assert blocked_gates(verdict) == {"ALO-RAND"}
        assert reasons(verdict, "ALO-RAND") == {"missing"}

    def test_kit_that_was_not_assigned_blocks(self, chain):
        self.blinded(chain, KitId("KIT-0471"))
        assert reasons(chain.verdict_at(G7), "ALO-RAND") == {"kit_not_assigned"}

    def test_kit_of_another_participant_blocks(self, chain):
        self.blinded(chain, KitId("KIT-0471"))
        self.assign(chain, KitId("KIT-0471"), participant=ParticipantId("P-0099"))
        assert reasons(chain.verdict_at(G7), "ALO-RAND") == {"kit_of_another_participant"}

    def test_bag_outside_the_kit_blocks(self, chain):
        self.blinded(chain, KitId("KIT-0471"))
        self.assign(chain, KitId("KIT-0471"), bags=chain.cast.dose_bags[:1])
        assert reasons(chain.verdict_at(G7), "ALO-RAND") == {"bag_not_in_kit"}

    def test_open_label_dose_needs_no_kit(self, chain):
        finding = next(f for f in chain.verdict_at(G7).findings if f.gate == "ALO-RAND")
        assert finding.outcome.note.code == "not_randomised"
