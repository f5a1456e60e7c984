"""BED at hold points G12 and G12N (and G10): the last check, at the bed."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from decimal import Decimal

import pytest

from custody.domain.acts import allocation, bedside, study
from custody.domain.acts.shipping import BagDamaged
from custody.domain.ids import AccountId, CohortId, Digest, DoseId, ParticipantId, WristbandToken
from custody.domain.terms import Answer, HoldPoint, IdentifierMethod, Role
from custody.gates import evaluate
from custody.workflows.rehearsal.steps import STUDY
from tests.chain import BEDSIDE_AT, blocked_gates, reasons
from tests.gates.altered import change_settings, verdict_knowing

G10, G12, G12N = HoldPoint.PREPARE, HoldPoint.BEDSIDE, HoldPoint.NEXT_BAG
NURSES = ("demo-nurse-one", "demo-nurse-two")
NEIGHBOUR = WristbandToken("WB9999X7K2M9Q4")
OTHER_IDENTIFIER = Digest("ab" * 32)
NOT_YES = [Answer.NO, Answer.NOT_CHECKED]


def scan(chain, **fields):
    """Both people scan and answer this at the bed, before and while they sign."""
    scans = dataclasses.replace(chain.step("infusion_started").act.scans, **fields)
    chain.change_all("bedside_scanned", scans=scans)
    chain.change("infusion_started", scans=scans)


def second_scans(chain, **fields):
    """Only the second person does, while repeating the scans."""
    scans = chain.step("infusion_started").act.scans
    chain.second_reads("infusion_started", scans=dataclasses.replace(scans, **fields))


def scan_next(chain, **fields):
    scans = dataclasses.replace(chain.step("next_bag_started").act.scans, **fields)
    chain.change("next_bag_started", scans=scans)


def only(verdict, gate, code):
    return blocked_gates(verdict) == {gate} and reasons(verdict, gate) == {code}


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
        chain.change("next_bag_started", where=None)
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


def prescribe(chain, **fields):
    chain.change("prescription_signed", **fields)


class TestPrescription:
    @pytest.mark.parametrize("point", [G10, G12])
    @pytest.mark.parametrize(
        ("fields", "code"),
        [
            ({"volume_ml": Decimal("32.6")}, "prescribed_volume_differs"),
            ({"rate_ml_per_min": Decimal("0.60")}, "rate_does_not_fit"),
            ({"rate_ml_per_min": Decimal("0.53")}, "rate_does_not_fit"),
            ({"rate_ml_per_min": Decimal(0)}, "rate_does_not_fit"),
            ({"notice_acknowledged": False}, "notice_not_acknowledged"),
            ({"planned_minutes": 121, "rate_ml_per_min": Decimal("0.269")}, "planned_too_long"),
        ],
    )
    def test_prescription_that_does_not_fit_blocks(self, chain, point, fields, code):
        prescribe(chain, **fields)
        assert code in reasons(chain.verdict_at(point), "BED-RX")

    def test_zero_minutes_block(self, chain):
        prescribe(chain, planned_minutes=0)
        assert reasons(chain.verdict_at(G10), "BED-RX") == {"planned_too_long"}

    def test_longest_infusion_allowed_passes(self, chain):
        prescribe(chain, planned_minutes=120, rate_ml_per_min=Decimal("0.271"))
        assert reasons(chain.verdict_at(G10), "BED-RX") == set()

    @pytest.mark.parametrize("point", [G10, G12])
    def test_without_prescription_it_blocks(self, chain, point):
        chain.drop("prescription_signed")
        assert reasons(chain.verdict_at(point), "BED-RX") == {"missing"}

    @pytest.mark.parametrize(
        ("fields", "code"),
        [({"volume_ml": Decimal("30")}, "volume_differs"), ({"rate_ml_per_min": Decimal("0.55")}, "rate_differs")],
    )
    def test_pump_set_otherwise_blocks(self, chain, fields, code):
        scan(chain, **fields)
        assert only(chain.verdict_at(G12), "BED-RX", code)

    def test_pump_as_the_second_person_reads_it_counts_too(self, chain):
        second_scans(chain, rate_ml_per_min=Decimal("0.55"))
        assert only(chain.verdict_at(G12), "BED-RX", "rate_differs")


class TestAnswers:
    @pytest.mark.parametrize("answer", NOT_YES)
    @pytest.mark.parametrize(
        ("line", "gate", "code"),
        [
            ("container_whole", "BED-INT", "container_not_whole"),
            ("nothing_unusual_seen", "BED-INT", "unusual_look"),
            ("line_and_filter_right", "BED-LINE", "line_or_filter_wrong"),
            ("no_other_drug_on_line", "BED-LINE", "other_drug_on_line"),
            ("resuscitation_ready", "BED-RESUS", "resuscitation_not_ready"),
            ("physician_present", "BED-RESUS", "physician_not_present"),
        ],
    )
    def test_line_of_one_person_not_answered_yes_blocks(self, chain, line, gate, code, answer):
        second_scans(chain, **{line: answer})
        assert only(chain.verdict_at(G12), gate, code)

    @pytest.mark.parametrize(("line", "code"), [("container_whole", "container_not_whole"), ("nothing_unusual_seen", "unusual_look")])
    def test_next_bag_not_whole_blocks_that_bag(self, chain, line, code):
        scan_next(chain, **{line: Answer.NO})
        verdict = chain.verdict_at(G12N)
        assert only(verdict, "BED-INT", code)
        assert {f.bag for f in verdict.blocking} == {chain.cast.bags[1]}

    def test_damage_recorded_before_blocks(self, chain):
        chain.add(BagDamaged(bag=chain.cast.bags[0], description="port cracked"), before="infusion_started", by=NURSES[0])
        assert reasons(chain.verdict_at(G12), "BED-INT") == {"bag_damaged"}


class TestPremedication:
    def test_not_given_blocks(self, chain):
        chain.drop("premedication_given")
        assert only(chain.verdict_at(G12), "BED-PREMED", "premedication_not_given")

    def test_another_drug_blocks(self, chain):
        chain.change("premedication_given", drugs=("paracetamol",))
        assert only(chain.verdict_at(G12), "BED-PREMED", "premedication_not_given")

    @pytest.mark.parametrize(("seconds", "codes"), [(0, set()), (1, {"premedication_not_given"})])
    def test_given_in_the_future_does_not_count(self, chain, seconds, codes):
        chain.change("premedication_given", given_at=BEDSIDE_AT + timedelta(seconds=seconds))
        assert reasons(chain.verdict_at(G12), "BED-PREMED") == codes

    def test_none_prescribed_passes_saying_so(self, chain):
        prescribe(chain, premedication=())
        chain.drop("premedication_given")
        finding = next(f for f in chain.verdict_at(G12).findings if f.gate == "BED-PREMED")
        assert not finding.blocks
        assert finding.outcome.note.code == "no_premedication"

    def test_without_prescription_it_blocks(self, chain):
        chain.drop("prescription_signed")
        assert reasons(chain.verdict_at(G12), "BED-PREMED") == {"missing"}


def judged(chain, point=G12, **change):
    """The verdict when the case differs in these fields."""
    case, now = chain.case_at(point)
    return evaluate(point, dataclasses.replace(case, **change), now)


def with_second_signer(chain, point=G12, **fields):
    case, _ = chain.case_at(point)
    first, second = case.signers
    return judged(chain, point, signers=(first, dataclasses.replace(second, **fields)))


class TestTwoPeople:
    @pytest.mark.parametrize("point", [G12, G12N])
    def test_same_person_through_two_accounts_blocks(self, chain, point):
        first = chain.case_at(point)[0].signers[0]
        assert only(with_second_signer(chain, point, person=first.person), "BED-TWO", "one_person")

    def test_same_person_twice_blocks(self, chain):
        chain.signed_by("infusion_started", NURSES[0], NURSES[0])
        assert only(chain.verdict_at(G12), "BED-TWO", "one_person")

    def test_one_signature_blocks(self, chain):
        assert only(judged(chain, signers=chain.case_at(G12)[0].signers[:1]), "BED-TWO", "one_person")

    def test_second_person_who_did_not_repeat_the_scans_blocks(self, chain):
        assert only(judged(chain, second=None), "BED-TWO", "second_did_not_scan")

    @pytest.mark.parametrize("nth", [0, 1])
    def test_person_without_own_scan_at_the_bed_blocks(self, chain, nth):
        chain.drop("bedside_scanned", nth)
        assert only(chain.verdict_at(G12), "BED-TWO", "person_did_not_scan")

    @pytest.mark.parametrize(("minutes", "codes"), [(10, set()), (10.01, {"pair_too_slow"})])
    def test_both_finish_within_ten_minutes(self, chain, minutes, codes):
        chain.move("bedside_scanned", -(minutes - 2))  # the first scan stands 2 minutes before the start
        assert reasons(chain.verdict_at(G12), "BED-TWO") == codes

    @pytest.mark.parametrize(("minutes", "codes"), [(10, set()), (10.01, {"pair_too_slow"})])
    def test_first_signature_is_at_most_ten_minutes_old(self, chain, minutes, codes):
        case, now = chain.case_at(G12N)
        first, second = case.signers
        early = dataclasses.replace(first, at=now - timedelta(minutes=minutes))
        assert reasons(judged(chain, G12N, signers=(early, second)), "BED-TWO") == codes

    def test_preparer_as_second_checker_blocks(self, chain):
        from custody.workflows.rehearsal.steps import people

        preparer = people()["demo-preparer-one"].person
        scans = chain.step("infusion_started").act.scans
        chain.add(bedside.BedsideScanned(dose=chain.cast.dose, scans=scans), before="infusion_started", by=NURSES[1])
        case, now = chain.case_at(G12)
        deeds = tuple(
            dataclasses.replace(d, signers=tuple(dataclasses.replace(s, person=preparer) for s in d.signers))
            if isinstance(d.act, bedside.BedsideScanned) and d.entry.by.account == AccountId(NURSES[1])
            else d
            for d in case.dossier.streams[chain.cast.dose.key]
        )
        dossier = dataclasses.replace(case.dossier, streams={**case.dossier.streams, chain.cast.dose.key: deeds})
        first, second = case.signers
        case = dataclasses.replace(case, dossier=dossier, signers=(first, dataclasses.replace(second, person=preparer)))
        assert only(evaluate(G12, case, now), "BED-TWO", "checker_prepared_the_bag")

    def test_second_checker_on_the_delegation_log_passes(self, chain):
        assert blocked_gates(with_second_signer(chain, role=Role.SECOND_CHECKER)) == set()

    @pytest.mark.parametrize("role", [Role.SECOND_CHECKER, Role.INVESTIGATOR])
    def test_second_checker_who_is_not_delegated_blocks(self, chain, role):
        chain.drop("delegation_recorded")
        assert only(with_second_signer(chain, role=role), "BED-TWO", "checker_not_delegated")

    def test_nurse_needs_no_delegation(self, chain):
        chain.drop("delegation_recorded")
        assert blocked_gates(chain.verdict_at(G12)) == set()

    @pytest.mark.parametrize(("days", "codes"), [(0, set()), (-1, {"checker_not_delegated"})])
    def test_delegation_holds_up_to_its_last_day(self, chain, days, codes):
        chain.change("delegation_recorded", valid_until=BEDSIDE_AT.date() + timedelta(days=days))
        assert reasons(with_second_signer(chain, role=Role.SECOND_CHECKER), "BED-TWO") == codes

    def test_delegation_for_another_duty_does_not_count(self, chain):
        chain.change("delegation_recorded", duty="consent")
        assert reasons(with_second_signer(chain, role=Role.SECOND_CHECKER), "BED-TWO") == {"checker_not_delegated"}


def weigh_again(chain, weight, *, second=None):
    measured = dataclasses.replace(chain.step("weight_measured").act, weight_kg=Decimal(weight))
    again = dataclasses.replace(measured, weight_kg=Decimal(second)) if second else None
    chain.add(measured, before="bag_preparation_started", by=NURSES, minutes=30, second=again)


class TestWeight:
    @pytest.mark.parametrize("point", [G10, G12])
    @pytest.mark.parametrize(
        ("weight", "codes"), [("143.0", set()), ("143.1", {"weight_changed"}), ("117.0", set()), ("116.9", {"weight_changed"})]
    )
    def test_weight_may_change_by_ten_percent(self, chain, point, weight, codes):
        weigh_again(chain, weight)
        assert reasons(chain.verdict_at(point), "BED-WT") == codes

    def test_later_weight_not_entered_alike_blocks(self, chain):
        weigh_again(chain, "130", second="131")
        assert only(chain.verdict_at(G12), "BED-WT", "weight_entries_differ")

    def test_without_weight_it_blocks(self, chain):
        chain.drop("weight_measured")
        assert reasons(chain.verdict_at(G12), "BED-WT") == {"missing"}

    def test_predicted_weight_does_not_change(self, chain):
        change_settings(chain, weight_basis="predicted")
        weigh_again(chain, "200")
        finding = next(f for f in chain.verdict_at(G12).findings if f.gate == "BED-WT")
        assert finding.outcome.note.code == "predicted_weight"


class TestVitalsAndFitness:
    def last_vitals(self, chain, minutes):
        chain.change("vitals_recorded", measured_at=BEDSIDE_AT - timedelta(minutes=minutes))

    @pytest.mark.parametrize(("minutes", "codes"), [(15, set()), (15.01, {"vitals_too_old"}), (-0.01, {"missing"})])
    def test_vitals_are_at_most_15_minutes_old(self, chain, minutes, codes):
        self.last_vitals(chain, minutes)
        assert reasons(chain.verdict_at(G12), "BED-VIT") == codes

    def test_without_vitals_it_blocks(self, chain):
        chain.drop_all("vitals_recorded")
        assert only(chain.verdict_at(G12), "BED-VIT", "missing")

    @pytest.mark.parametrize("answer", NOT_YES)
    @pytest.mark.parametrize("what", ["alive", "still_eligible", "stable"])
    def test_participant_not_fit_blocks(self, chain, what, answer):
        chain.change("fit_to_infuse_signed", **{what: answer})
        assert only(chain.verdict_at(G12), "BED-FIT", "not_fit")

    @pytest.mark.parametrize(("minutes", "codes"), [(30, set()), (30.01, {"fit_too_old"})])
    def test_fitness_is_signed_within_half_an_hour(self, chain, minutes, codes):
        chain.move("fit_to_infuse_signed", -(minutes - 8))  # it stands 8 minutes before the start
        assert reasons(chain.verdict_at(G12), "BED-FIT") == codes

    def test_without_the_signature_it_blocks(self, chain):
        chain.drop("fit_to_infuse_signed")
        assert only(chain.verdict_at(G12), "BED-FIT", "missing")
