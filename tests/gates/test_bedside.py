"""BED at hold points G12 and G12N: the right participant, the right bag, once."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from custody.domain.acts import allocation, bedside, study
from custody.domain.ids import CohortId, DoseId, ParticipantId
from custody.domain.terms import Answer, IdentifierMethod
from custody.workflows.rehearsal.steps import STUDY
from tests.chain import BEDSIDE_AT, blocked_gates, reasons
from tests.gates.altered import verdict_knowing
from tests.gates.at_the_bed import (
    G10,
    G12,
    G12N,
    NEIGHBOUR,
    NURSES,
    OTHER_IDENTIFIER,
    only,
    scan,
    scan_next,
    second_scans,
)


@pytest.mark.parametrize("point", [G12, G12N])
def test_valid_bag_may_be_given(chain, point):
    assert blocked_gates(chain.verdict_at(point)) == set()


class TestWristband:
    def test_wristband_of_the_neighbour_blocks(self, chain):
        scan(chain, wristband=NEIGHBOUR)
        assert only(chain.verdict_at(G12), "BED-PID", "wristband_differs")

    def test_wristband_of_the_neighbour_blocks_the_next_bag(self, chain):
        scan_next(chain, wristband=NEIGHBOUR)
        assert only(chain.verdict_at(G12N), "BED-PID", "wristband_differs")

    def test_second_person_at_the_wrong_bed_blocks(self, chain):
        second_scans(chain, wristband=NEIGHBOUR)
        assert only(chain.verdict_at(G12), "BED-PID", "wristband_differs")

    @pytest.mark.parametrize("nth", [0, 1])
    def test_own_scan_that_differs_from_what_is_signed_blocks(self, chain, nth):
        scans = chain.step("bedside_scanned", nth).act.scans
        chain.change("bedside_scanned", nth, scans=dataclasses.replace(scans, wristband=NEIGHBOUR))
        assert only(chain.verdict_at(G12), "BED-PID", "wristband_differs")

    def test_new_wristband_revokes_the_old_one(self, chain):
        issued = dataclasses.replace(chain.step("wristband_issued").act, wristband=NEIGHBOUR)
        chain.add(issued, before="infusion_started", by=NURSES, minutes=30)
        assert only(chain.verdict_at(G12), "BED-PID", "wristband_differs")
        scan(chain, wristband=NEIGHBOUR)
        assert blocked_gates(chain.verdict_at(G12)) == set()

    def test_wristband_not_scanned_alike_by_two_blocks(self, chain):
        chain.second_reads("wristband_issued", wristband=NEIGHBOUR)
        assert only(chain.verdict_at(G12), "BED-PID", "wristband_not_put_on_by_two")

    def test_start_in_the_name_of_another_participant_blocks(self, chain):
        chain.change("infusion_started", participant=ParticipantId("P-0099"))
        assert reasons(chain.verdict_at(G12), "BED-PID") == {"participant_differs"}

    def test_without_wristband_it_blocks(self, chain):
        chain.drop("wristband_issued")
        verdict = chain.verdict_at(G12)
        assert blocked_gates(verdict) == {"BED-PID", "BED-ID2"}
        assert reasons(verdict, "BED-PID") == reasons(verdict, "BED-ID2") == {"missing"}


class TestSecondIdentifier:
    def test_other_identifier_blocks(self, chain):
        scan(chain, second_identifier=OTHER_IDENTIFIER)
        assert only(chain.verdict_at(G12), "BED-ID2", "second_identifier_differs")

    def test_other_identifier_of_the_second_person_blocks(self, chain):
        second_scans(chain, second_identifier=OTHER_IDENTIFIER)
        assert only(chain.verdict_at(G12), "BED-ID2", "second_identifier_differs")

    def test_each_may_obtain_it_in_another_way(self, chain):
        second_scans(chain, second_identifier_method=IdentifierMethod.BY_RELATIVE)
        assert blocked_gates(chain.verdict_at(G12)) == set()


class TestBag:
    def test_right_participant_wrong_bag_blocks_with_this_code_alone(self, chain):
        chain.change("infusion_started", bag=chain.cast.bags[2])
        scan(chain, bag=chain.cast.bags[2])
        assert only(chain.verdict_at(G12), "BED-BAG", "bag_of_another_dose")

    def test_wrong_next_bag_blocks_with_this_code_alone(self, chain):
        chain.change("next_bag_started", bag=chain.cast.bags[2])
        scan_next(chain, bag=chain.cast.bags[2])
        assert only(chain.verdict_at(G12N), "BED-BAG", "bag_of_another_dose")

    def test_two_people_with_different_bags_block(self, chain):
        second_scans(chain, bag=chain.cast.bags[1])
        assert only(chain.verdict_at(G12), "BED-BAG", "bags_scanned_differ")

    def test_foreign_bag_found_leaking_is_never_held(self, chain):
        chain.change("infusion_started", bag=chain.cast.bags[2])
        scan(chain, bag=chain.cast.bags[2], container_whole=Answer.NO)
        assert blocked_gates(chain.verdict_at(G12)) == {"BED-BAG"}

    def test_bag_that_was_not_looked_at_is_said_to_be_so(self, chain):
        chain.change("infusion_started", bag=chain.cast.bags[2])
        scan(chain, bag=chain.cast.bags[2])
        finding = next(f for f in chain.verdict_at(G12).findings if f.gate == "BED-INT")
        assert (finding.bag, finding.outcome.note.code) == (chain.cast.bags[0], "another_bag_scanned")

    def test_no_further_bag_after_the_end(self, chain):
        ended = bedside.InfusionEnded(dose=chain.cast.dose, ended_at=BEDSIDE_AT, completed=False, reason="stopped")
        chain.add(ended, before="next_bag_started", by=NURSES[0])
        assert only(chain.verdict_at(G12N), "BED-BAG", "infusion_over")

    def test_dose_without_allocation_blocks(self, chain):
        chain.drop("dose_allocated")
        assert "BED-BAG" in blocked_gates(chain.verdict_at(G12))


class TestConsentAndStudy:
    @pytest.mark.parametrize("point", [G12, G12N])
    def test_participant_who_withdrew_blocks(self, chain, point):
        left = allocation.ParticipantLeft(participant=chain.cast.participant, reason="withdrawn", left_at=BEDSIDE_AT)
        chain.add(left, before="infusion_started" if point is G12 else "next_bag_started", by="demo-physician-one")
        assert only(chain.verdict_at(point), "BED-CONS", "participant_left")

    def test_without_consent_it_blocks(self, chain):
        chain.drop("participant_consented")
        assert only(chain.verdict_at(G12), "BED-CONS", "missing")

    @pytest.mark.parametrize(("point", "before"), [(G10, "bag_preparation_started"), (G12, "infusion_started"), (G12N, "next_bag_started")])
    def test_halted_study_blocks_until_it_goes_on(self, chain, point, before):
        chain.add(study.StudyHalted(study=STUDY, reason="signal"), before=before, by="demo-sponsor-one", minutes=1)
        assert only(chain.verdict_at(point), "BED-STUDY", "study_halted")
        chain.add(study.StudyResumed(study=STUDY, reason="cleared"), before=before, by="demo-sponsor-one", minutes=0.5)
        assert blocked_gates(chain.verdict_at(point)) == set()

    @pytest.mark.parametrize(("hours", "codes"), [(24, set()), (23.99, {"stagger_not_over"})])
    def test_another_start_in_the_cohort_since_the_thaw_blocks(self, chain, hours, codes):
        other = study.StudyDoseStarted(
            study=STUDY, cohort=CohortId("P1-1M"), dose=DoseId("DOSE-OTHER"), started_at=BEDSIDE_AT - timedelta(hours=hours)
        )
        assert reasons(verdict_knowing(chain, G12, other), "BED-STUDY") == codes

    def test_toxicity_in_the_cohort_since_the_thaw_blocks(self, chain):
        toxicity = study.ToxicityRecorded(study=STUDY, cohort=CohortId("P1-1M"), dose=DoseId("DOSE-OTHER"), description="shock")
        chain.add(toxicity, before="infusion_started", by="demo-safety-one")
        assert only(chain.verdict_at(G12), "BED-STUDY", "toxicity_not_judged")

    def test_start_in_another_cohort_blocks(self, chain):
        chain.change("infusion_started", cohort=CohortId("P1-5M"))
        assert only(chain.verdict_at(G12), "BED-STUDY", "cohort_differs")


class TestOnce:
    def test_participant_dosed_under_another_dose_meanwhile_blocks(self, chain):
        started = bedside.ParticipantDoseStarted(participant=chain.cast.participant, dose=DoseId("DOSE-OTHER"))
        assert only(verdict_knowing(chain, G12, started), "BED-DUP", "dosed_before")

    def test_dose_is_started_once(self, chain):
        again = dataclasses.replace(chain.step("infusion_started").act, bag=chain.cast.bags[1])
        chain.add(again, before="next_bag_started", by=NURSES)
        assert "dose_already_started" in reasons(chain.verdict_at(G12, nth=1), "BED-DOSE")


class TestRelease:
    def test_dose_not_released_blocks(self, chain):
        chain.drop("dose_bag_released")
        assert reasons(chain.verdict_at(G12), "BED-DOSE") == {"dose_not_released"}

    def test_own_bag_that_is_not_released_blocks(self, chain):
        chain.change("infusion_started", bag=chain.cast.bags[1])
        scan(chain, bag=chain.cast.bags[1])
        assert reasons(chain.verdict_at(G12), "BED-DOSE") == {"dose_not_released"}
