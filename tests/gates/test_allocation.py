"""ALO at hold point G7 (and G10): each gate passes in the valid chain, and blocks for each reason."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from decimal import Decimal

import pytest

from custody.domain.acts import allocation, study
from custody.domain.acts.bedside import ParticipantDoseStarted
from custody.domain.acts.manufacturing import BagFilled, BankStarted, LotStarted
from custody.domain.ids import BankId, CohortId, Din, DoseId, KitId, LotId, ParticipantId, TissueId
from custody.domain.terms import Answer, BankKind, Committee, CommitteeDecision, ConsentSigner, HoldPoint, Product, ProductForm
from custody.gates import evaluate
from custody.workflows.rehearsal.steps import STUDY
from tests.chain import BEDSIDE_AT, blocked_gates, reasons
from tests.gates.altered import case_knowing, change_settings, verdict_knowing

G7, G10 = HoldPoint.ALLOCATION, HoldPoint.PREPARE
P2 = CohortId("P2")
FIRST = CohortId("P1-1M")
SECOND = CohortId("P1-5M")
OTHER_LOT = LotId("LOT-OTHER")


def test_valid_dose_may_be_allocated(chain):
    assert blocked_gates(chain.verdict_at(G7)) == set()


def test_valid_second_bag_may_be_prepared_while_the_dose_runs(chain):
    assert blocked_gates(chain.verdict_at(G10, nth=1)) == set()


def into_cohort(chain, cohort, **allocated):
    """Moves the dose into another cohort; 48 kg at 5 million cells per kg are just the two bags of the chain."""
    chain.change("weight_measured", weight_kg=Decimal(48))
    chain.change("cohort_opened", cohort=cohort)
    chain.change("dose_requested", cohort=cohort)
    chain.change("dose_allocated", cohort=cohort, **allocated)


def approve(chain, committee, cohort, *, before="dose_allocated", decision=CommitteeDecision.OPEN, minutes=60.0):
    decided = study.CommitteeDecided(study=STUDY, committee=committee, cohort=cohort, decision=decision, document="minutes")
    chain.add(decided, before=before, by="demo-sponsor-one", minutes=minutes)


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


class TestParticipant:
    @pytest.mark.parametrize("missing", ["participant_consented", "participant_eligibility_recorded"])
    def test_without_consent_or_eligibility_it_blocks(self, chain, missing):
        chain.drop(missing)
        assert reasons(chain.verdict_at(G7), "ALO-PART") == {"missing"}

    def test_relation_of_the_representative_must_be_given(self, chain):
        chain.change("participant_consented", relation=" ")
        assert reasons(chain.verdict_at(G7), "ALO-PART") == {"relation_not_given"}

    def test_participant_who_signs_needs_no_relation(self, chain):
        chain.change("participant_consented", relation="", signed_by=ConsentSigner.PARTICIPANT)
        assert blocked_gates(chain.verdict_at(G7)) == set()

    @pytest.mark.parametrize("version", ["P-9.9", "D-2.0"])
    def test_unknown_form_version_blocks(self, chain, version):
        chain.change("participant_consented", form_version=version)
        assert reasons(chain.verdict_at(G7), "ALO-PART") == {"consent_form_unknown"}

    def test_form_signed_before_it_was_in_force_blocks(self, chain):
        signed = chain.step("participant_consented").act.signed_at
        chain.change("participant_consented", signed_at=signed.replace(year=2024))
        assert reasons(chain.verdict_at(G7), "ALO-PART") == {"consent_form_not_in_force"}

    @pytest.mark.parametrize(("seconds", "codes"), [(0, set()), (1, {"consent_in_future"})])
    def test_consent_dated_after_now_blocks(self, chain, seconds, codes):
        now = chain.step("dose_allocated").at
        chain.change("participant_consented", signed_at=now + timedelta(seconds=seconds))
        assert reasons(chain.verdict_at(G7), "ALO-PART") == codes

    @pytest.mark.parametrize("reason", ["withdrawn", "died", "screen_failed"])
    def test_participant_who_left_blocks(self, chain, reason):
        left = allocation.ParticipantLeft(participant=chain.cast.participant, reason=reason, left_at=chain.step("dose_allocated").at)
        chain.add(left, before="dose_allocated", by="demo-physician-one")
        verdict = chain.verdict_at(G7)
        assert blocked_gates(verdict) == {"ALO-PART"}
        assert reasons(verdict, "ALO-PART") == {"participant_left"}


def change_line(chain, code, **fields):
    lines = chain.step("participant_eligibility_recorded").act.lines
    changed = tuple(dataclasses.replace(line, **fields) if line.code == code else line for line in lines)
    chain.change("participant_eligibility_recorded", lines=changed)


class TestEligibilityLines:
    @pytest.mark.parametrize("answer", [Answer.NO, Answer.NOT_CHECKED])
    def test_line_not_answered_yes_blocks(self, chain, answer):
        change_line(chain, "EXC-ECMO", satisfied=answer)
        assert reasons(chain.verdict_at(G7), "ALO-PART") == {"criterion_not_met"}

    def test_number_left_out_blocks(self, chain):
        change_line(chain, "INC-PF", value=None)
        assert reasons(chain.verdict_at(G7), "ALO-PART") == {"criterion_without_value"}

    @pytest.mark.parametrize(
        ("code", "value", "codes"),
        [
            ("INC-PF", "149.9", set()),
            ("INC-PF", "150", {"criterion_beyond_limit"}),
            ("INC-72H", "72", set()),
            ("INC-72H", "72.1", {"criterion_beyond_limit"}),
            ("EXC-EGFR", "30", set()),
            ("EXC-EGFR", "29.9", {"criterion_beyond_limit"}),
            ("EXC-TRIAL", "30", {"criterion_beyond_limit"}),
            ("EXC-TRIAL", "31", set()),
        ],
    )
    def test_last_value_in_and_first_value_out(self, chain, code, value, codes):
        change_line(chain, code, value=Decimal(value))
        assert reasons(chain.verdict_at(G7), "ALO-PART") == codes

    def test_line_left_out_or_answered_twice_blocks(self, chain):
        lines = chain.step("participant_eligibility_recorded").act.lines
        for changed in (lines[1:], (*lines, lines[0])):
            chain.change("participant_eligibility_recorded", lines=changed)
            assert reasons(chain.verdict_at(G7), "ALO-PART") == {"criterion_not_answered_once"}


class TestWindow:
    @pytest.mark.parametrize("point", [G7, G10])
    @pytest.mark.parametrize(("hours", "codes"), [(72, set()), (72.01, {"outside_window"}), (0, set()), (-0.01, {"outside_window"})])
    def test_dose_within_72_hours_of_diagnosis(self, chain, point, hours, codes):
        _, now = chain.case_at(point)
        chain.change("participant_eligibility_recorded", diagnosed_at=now - timedelta(hours=hours))
        assert reasons(chain.verdict_at(point), "ALO-WINDOW") == codes

    def test_running_dose_is_judged_by_its_start(self, chain):
        chain.change("participant_eligibility_recorded", diagnosed_at=BEDSIDE_AT - timedelta(hours=72))
        assert reasons(chain.verdict_at(G10, nth=1), "ALO-WINDOW") == set()

    def test_without_eligibility_record_it_blocks(self, chain):
        chain.drop("participant_eligibility_recorded")
        assert reasons(chain.verdict_at(G7), "ALO-WINDOW") == {"missing"}


class TestNotDosedBefore:
    def test_second_dose_to_the_same_participant_blocks(self, chain):
        started = ParticipantDoseStarted(participant=chain.cast.participant, dose=DoseId("DOSE-OTHER"))
        assert blocked_gates(verdict_knowing(chain, G7, started)) == {"ALO-DUP"}
        assert blocked_gates(verdict_knowing(chain, G10, started)) == {"ALO-DUP", "BED-DUP"}

    def test_this_dose_itself_does_not_count(self, chain):
        assert reasons(chain.verdict_at(G10, nth=1), "ALO-DUP") == set()

    def test_request_for_a_participant_without_record_blocks(self, chain):
        case, now = chain.case_at(G7)
        empty = dataclasses.replace(case.dossier, streams={**case.dossier.streams, chain.cast.participant.key: ()})
        verdict = evaluate(G7, dataclasses.replace(case, dossier=empty), now)
        assert reasons(verdict, "ALO-DUP") == {"missing"}


class TestWeight:
    def test_second_person_who_reads_another_weight_blocks(self, chain):
        chain.second_reads("weight_measured", weight_kg=Decimal("131"))
        verdict = chain.verdict_at(G7)
        assert blocked_gates(verdict) == {"ALO-WT"}
        assert reasons(verdict, "ALO-WT") == {"weight_entries_differ"}

    def test_same_weight_written_with_other_digits_agrees(self, chain):
        chain.second_reads("weight_measured", weight_kg=Decimal("130.00"))
        assert reasons(chain.verdict_at(G7), "ALO-WT") == set()

    @pytest.mark.parametrize("weight", ["0", "900"])
    def test_weight_of_no_adult_blocks(self, chain, weight):
        chain.change("weight_measured", weight_kg=Decimal(weight))
        assert reasons(chain.verdict_at(G7), "ALO-WT") == {"missing"}

    def test_without_weight_it_blocks(self, chain):
        chain.drop("weight_measured")
        assert reasons(chain.verdict_at(G7), "ALO-WT") == {"missing"}


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
