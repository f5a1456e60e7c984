"""BED at hold points G10 and G12: prescription, answers at the bed, weight, vital signs, fitness."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.domain.acts.shipping import BagDamaged
from custody.domain.terms import Answer
from custody.gates import evaluate
from tests.chain import BEDSIDE_AT, Chain, blocked_gates, reasons
from tests.gates.altered import change_settings
from tests.gates.at_the_bed import (
    G10,
    G12,
    G12N,
    NOT_YES,
    NURSES,
    only,
    prescribe,
    scan,
    scan_next,
    second_scans,
)


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
        [
            ({"volume_ml": Decimal(30)}, "volume_differs"),
            ({"rate_ml_per_min": Decimal("0.55")}, "rate_differs"),
            ({"volume_ml": Decimal(30), "rate_ml_per_min": Decimal("0.55")}, "volume_and_rate_differ"),
        ],
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


LINES = {
    "container_whole": "BED-INT",
    "nothing_unusual_seen": "BED-INT",
    "line_and_filter_right": "BED-LINE",
    "no_other_drug_on_line": "BED-LINE",
    "resuscitation_ready": "BED-RESUS",
    "physician_present": "BED-RESUS",
}
ANSWERS = st.fixed_dictionaries({line: st.sampled_from([Answer.YES, Answer.YES, *NOT_YES]) for line in LINES})


@cache
def at_the_bed():
    """Nothing in it can be changed, so that all examples start from the same one."""
    return Chain().case_at(G12)


@given(first=ANSWERS, second=ANSWERS)
def test_exactly_the_lines_not_answered_yes_by_both_block(first, second):
    case, now = at_the_bed()
    scans = case.proposed.scans
    proposed = dataclasses.replace(case.proposed, scans=dataclasses.replace(scans, **first))
    repeated = dataclasses.replace(case.proposed, scans=dataclasses.replace(scans, **second))
    verdict = evaluate(G12, dataclasses.replace(case, proposed=proposed, second=repeated), now)
    expected = {gate for line, gate in LINES.items() if {first[line], second[line]} != {Answer.YES}}
    assert blocked_gates(verdict) == expected


class TestPremedication:
    def test_not_given_blocks(self, chain):
        chain.drop("premedication_given")
        assert only(chain.verdict_at(G12), "BED-PREMED", "premedication_not_given")

    def test_another_drug_blocks(self, chain):
        chain.change("premedication_given", drugs=("paracetamol",))
        assert only(chain.verdict_at(G12), "BED-PREMED", "premedication_not_given")

    @pytest.mark.parametrize(("seconds", "codes"), [(0, set()), (1, {"premedication_not_given"})])
    def test_given_later_than_it_was_recorded_does_not_count(self, chain, seconds, codes):
        recorded_at = chain.step("premedication_given").at
        chain.change("premedication_given", given_at=recorded_at + timedelta(seconds=seconds))
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
    @pytest.mark.parametrize(("minutes", "codes"), [(15, set()), (15.01, {"vitals_too_old"})])
    def test_vitals_are_at_most_15_minutes_old(self, chain, minutes, codes):
        chain.change("vitals_recorded", measured_at=BEDSIDE_AT - timedelta(minutes=minutes))
        assert reasons(chain.verdict_at(G12), "BED-VIT") == codes

    @pytest.mark.parametrize(("seconds", "codes"), [(0, set()), (1, {"missing"})])
    def test_vitals_measured_later_than_recorded_do_not_count(self, chain, seconds, codes):
        recorded_at = chain.step("vitals_recorded").at
        chain.change("vitals_recorded", measured_at=recorded_at + timedelta(seconds=seconds))
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
