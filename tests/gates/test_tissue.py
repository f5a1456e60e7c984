"""TIS: one pass, one block per reason, the last minute in and the first minute out."""

import dataclasses
from datetime import timedelta

import pytest

from custody.domain.ids import Digest, SealNumber
from custody.domain.terms import HoldPoint
from custody.gates import evaluate
from custody.workflows.rehearsal.files import logger_file
from tests.chain import blocked_gates, reasons
from tests.gates.upstream_helpers import put_in_force, record_at

G3, G4 = HoldPoint.TISSUE_RECEIPT, HoldPoint.MANUFACTURING
SECOND = timedelta(seconds=1)


def delivered_at(chain):
    return chain.step("cord_collected").act.delivered_at


def only(chain, gate, reason, hold_point=G3):
    verdict = chain.verdict_at(hold_point)
    assert blocked_gates(verdict) == {gate}
    assert reasons(verdict, gate) == {reason}


def cord_file(chain):
    return chain.index("logger_file_read", where=lambda act: act.logger == chain.cast.cord_logger)


def change_file(chain, **fields):
    chain.change("logger_file_read", where=lambda act: act.logger == chain.cast.cord_logger, **fields)


def read_instead(chain, celsius="5.0", spike=None, *, start=None, end=None):
    """The cord's logger measured this on the way."""
    packed, arrived = chain.step("tissue_packed").act.packed_at, chain.step("tissue_arrived").act.arrived_at
    first, last = start or packed - timedelta(minutes=5), end or arrived + timedelta(minutes=10)
    act, series, file = logger_file(chain.cast.cord_logger, first, last, celsius, 5, spike)
    i = cord_file(chain)
    chain.steps[i] = dataclasses.replace(chain.steps[i], act=act, series=series, file=file)


def spike(chain, celsius, minutes):
    """Readings at `celsius` for so many minutes from an hour after packing."""
    start = chain.step("tissue_packed").act.packed_at + timedelta(minutes=60)
    return (start, start + timedelta(minutes=minutes), celsius)


def test_a_cord_that_came_cold_sealed_and_complete_may_be_accepted(chain):
    verdict = chain.verdict_at(G3)
    assert verdict.is_go
    assert [f.gate for f in verdict.findings] == ["CON-WDN", "TIS-TIME", "TIS-TEMP", "TIS-SEAL", "TIS-LABEL", "TIS-QTY", "TIS-DOC"]


# TIS-TIME


@pytest.mark.parametrize(("late_by", "passes"), [(timedelta(0), True), (SECOND, False)])
def test_a_cord_may_be_accepted_up_to_48_hours_after_the_birth(chain, late_by, passes):
    record_at(chain, delivered_at(chain) + timedelta(hours=48) + late_by, "tissue_accepted")
    if passes:
        assert chain.verdict_at(G3).is_go
    else:
        only(chain, "TIS-TIME", "processing_too_late")


@pytest.mark.parametrize(("late_by", "passes"), [(timedelta(0), True), (SECOND, False), (timedelta(minutes=1), False)])
def test_scenario_5_processing_may_start_up_to_48_hours_after_the_birth(chain, late_by, passes):
    started_at = delivered_at(chain) + timedelta(hours=48) + late_by
    chain.change("processing_started", started_at=started_at)
    record_at(chain, started_at, "processing_started")
    if passes:
        verdict = chain.verdict_at(G4)
        assert verdict.is_go
        assert next(f for f in verdict.findings if f.gate == "TIS-TIME").outcome.note.code == "later_than_target"
    else:
        only(chain, "TIS-TIME", "processing_too_late", G4)


def test_processing_before_the_birth_is_a_contradiction(chain):
    chain.change("processing_started", started_at=delivered_at(chain) - SECOND)
    only(chain, "TIS-TIME", "processing_before_delivery", G4)
    chain.change("processing_started", started_at=delivered_at(chain))
    assert chain.verdict_at(G4).is_go


def test_only_a_start_after_the_target_is_noted(chain):
    for late_by, note in ((timedelta(0), None), (SECOND, "later_than_target")):
        started_at = delivered_at(chain) + timedelta(hours=24) + late_by
        chain.change("processing_started", started_at=started_at)
        record_at(chain, started_at, "processing_started")
        outcome = next(f for f in chain.verdict_at(G4).findings if f.gate == "TIS-TIME").outcome
        assert (outcome.note and outcome.note.code) == note


def test_a_later_step_is_not_judged_by_the_hours_of_the_cord(chain):
    verdict = chain.verdict_at(G4, "lot_step_recorded")
    assert next(f for f in verdict.findings if f.gate == "TIS-TIME").outcome.note.code == "not_first_step"


def test_the_limit_of_hours_is_the_studys(chain):
    put_in_force(chain, "settings", cord_hours_hard="9.5")
    only(chain, "TIS-TIME", "processing_too_late", G4)


# TIS-TEMP


@pytest.mark.parametrize(
    ("celsius", "minutes", "passes"),
    [
        ("9.9", 15, True),  # class 1: the slopes in and out of the spike count too
        ("9.9", 30, False),
        ("10.1", 5, False),
        ("1.0", 10, True),
        ("0.4", 5, False),
        ("-0.1", 5, False),
        ("26.0", 5, False),
    ],
)
def test_class_0_and_1_pass_and_class_2_and_3_block(chain, celsius, minutes, passes):
    read_instead(chain, spike=spike(chain, celsius, minutes))
    if passes:
        verdict = chain.verdict_at(G3)
        assert verdict.is_go
        assert next(f for f in verdict.findings if f.gate == "TIS-TEMP").outcome.note.code == "cold_chain_noted"
    else:
        only(chain, "TIS-TEMP", "cord_temperature")


@pytest.mark.parametrize(("celsius", "passes"), [("2.0", True), ("8.0", True), ("1.9", False), ("8.1", False)])
def test_the_whole_way_must_lie_between_2_and_8(chain, celsius, passes):
    read_instead(chain, celsius)
    assert blocked_gates(chain.verdict_at(G3)) == (set() if passes else {"TIS-TEMP"})


def test_a_file_that_ends_before_the_arrival_leaves_a_gap(chain):
    read_instead(chain, end=chain.step("tissue_arrived").act.arrived_at - timedelta(minutes=40))
    only(chain, "TIS-TEMP", "cord_temperature")


def test_a_tripped_shock_or_tilt_mark_blocks(chain):
    change_file(chain, shock_or_tilt=True)
    only(chain, "TIS-TEMP", "cord_temperature")


def test_without_a_temperature_file_the_rule_blocks(chain):
    del chain.steps[cord_file(chain)]
    only(chain, "TIS-TEMP", "missing")


def test_a_file_of_another_day_proves_nothing(chain):
    packed = chain.step("tissue_packed").act.packed_at
    read_instead(chain, start=packed - timedelta(hours=9), end=packed - timedelta(hours=3))
    only(chain, "TIS-TEMP", "missing")


@pytest.mark.parametrize(
    ("fields", "seen"),
    [
        ({"signature_valid": False}, "invalid"),
        ({"signature_valid": None}, "none"),
        ({"key_fingerprint": Digest("0" * 64)}, "key not registered"),
        ({"key_fingerprint": None}, "key not registered"),
    ],
)
def test_a_file_that_does_not_prove_itself_blocks(chain, fields, seen):
    change_file(chain, **fields)
    only(chain, "TIS-TEMP", "temperature_file_not_verified")
    assert chain.verdict_at(G3).blocking[0].outcome.reason.values["seen"] == seen


def test_a_file_whose_readings_are_not_at_hand_blocks(chain):
    i = cord_file(chain)
    chain.steps[i] = dataclasses.replace(chain.steps[i], series=None)
    only(chain, "TIS-TEMP", "missing")


@pytest.mark.parametrize(("days", "passes"), [(0, True), (-1, False)])
def test_the_logger_must_be_in_calibration_on_the_day_it_arrives(chain, days, passes):
    arrived_on = chain.step("tissue_arrived").act.arrived_at.date()
    chain.change("logger_calibrated", where=lambda act: act.logger == chain.cast.cord_logger, due_on=arrived_on + timedelta(days=days))
    if passes:
        assert chain.verdict_at(G3).is_go
    else:
        only(chain, "TIS-TEMP", "logger_calibration_lapsed")


def test_a_logger_never_calibrated_blocks(chain):
    chain.drop("logger_calibrated", where=lambda act: act.logger == chain.cast.cord_logger)
    only(chain, "TIS-TEMP", "missing")


def test_a_trip_that_ends_before_it_starts_blocks(chain):
    packed_at = chain.step("tissue_packed").act.packed_at
    chain.change("tissue_arrived", arrived_at=packed_at - timedelta(minutes=2))
    assert blocked_gates(chain.verdict_at(G3)) == {"TIS-TEMP"}


# TIS-SEAL, TIS-LABEL, TIS-QTY, TIS-DOC: read by the first person, and again by the second

DIFFERENT = [
    ("TIS-SEAL", "tissue_seal_differs", {"seal": SealNumber("C001-1189")}),
    ("TIS-LABEL", "tissue_label_differs", {"label_code": "T-A999926000002"}),
    ("TIS-QTY", "tissue_pieces_differ", {"pieces": 2}),
    ("TIS-DOC", "tissue_documents_missing", {"documents": ("collection_record",)}),
]


@pytest.mark.parametrize(("gate", "reason", "seen"), DIFFERENT)
def test_what_the_first_person_reads_must_match(chain, gate, reason, seen):
    chain.change("tissue_accepted", **seen)
    only(chain, gate, reason)


@pytest.mark.parametrize(("gate", "reason", "seen"), DIFFERENT)
def test_what_the_second_person_reads_must_match(chain, gate, reason, seen):
    chain.second_reads("tissue_accepted", **seen)
    only(chain, gate, reason)


def test_without_a_second_reading_all_four_block(chain):
    case, now = chain.case_at(G3)
    verdict = evaluate(G3, dataclasses.replace(case, second=None), now)
    assert blocked_gates(verdict) == {gate for gate, _, _ in DIFFERENT}
    assert reasons(verdict, "TIS-SEAL") == {"missing"}


def test_a_document_that_was_packed_must_arrive_even_where_the_study_does_not_ask_for_it(chain):
    packed = chain.step("tissue_packed").act.documents
    chain.change("tissue_packed", documents=(*packed, "customs_form"))
    only(chain, "TIS-DOC", "tissue_documents_missing")


def test_a_document_the_study_asks_for_is_due_even_when_nobody_packed_it(chain):
    chain.change("tissue_packed", documents=("collection_record",))
    assert chain.verdict_at(G3).is_go
    chain.change("tissue_accepted", documents=("collection_record",))
    only(chain, "TIS-DOC", "tissue_documents_missing")


def test_a_tissue_nobody_packed_blocks_everything_about_it(chain):
    chain.drop("tissue_packed")
    verdict = chain.verdict_at(G3)
    assert blocked_gates(verdict) == {"CON-WDN", "TIS-TIME", "TIS-TEMP", "TIS-SEAL", "TIS-LABEL", "TIS-QTY", "TIS-DOC"}
