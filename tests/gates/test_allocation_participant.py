"""ALO at hold points G7 and G10: consent, eligibility, time window, weight, and no dose before."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from decimal import Decimal

import pytest

from custody.domain.acts import allocation
from custody.domain.acts.bedside import ParticipantDoseStarted
from custody.domain.ids import CohortId, DoseId, LotId
from custody.domain.terms import Answer, ConsentSigner, HoldPoint
from custody.gates import evaluate
from tests.chain import BEDSIDE_AT, blocked_gates, reasons
from tests.gates.altered import verdict_knowing

G7, G10 = HoldPoint.ALLOCATION, HoldPoint.PREPARE
P2 = CohortId("P2")
FIRST = CohortId("P1-1M")
SECOND = CohortId("P1-5M")
OTHER_LOT = LotId("LOT-OTHER")


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
        chain.second_reads("weight_measured", weight_kg=Decimal(131))
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
