"""The standing gates of a bag: each passes in the valid chain, and stops for each of its reasons."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from decimal import Decimal

import pytest

from custody.domain.acts.allocation import BagReserved, DoseAllocated
from custody.domain.acts.donation import ConsentWithdrawn, EligibilityRefused
from custody.domain.acts.manufacturing import BagRetained
from custody.domain.acts.quality import ColdChainDecided, GapDisposed, HoldLifted, HoldPlaced, Recalled, TraceGivenUp
from custody.domain.acts.release import (
    ExceptionAccepted,
    ExceptionNeverListConfirmed,
    ExceptionRequested,
    ExceptionRiskEvaluated,
    ExceptionSponsorNotified,
    PendingTest,
    Rejected,
    ReleasedConditionally,
    ReleasedExceptionally,
)
from custody.domain.acts.shipping import BagDamaged, BagDestroyed, BagRefusedAtReceipt
from custody.domain.dossier import Deeds
from custody.domain.ids import Digest, DoseId
from custody.domain.terms import Answer, ColdChainDecision, HoldPoint, Product, ProductForm
from custody.domain.verdict import Excepted, Passed
from custody.gates import HOLD_POINTS, evaluate
from custody.gates.hold_points import STANDING
from custody.workflows.rehearsal.files import logger_file
from tests.chain import Step, blocked_gates, reasons
from tests.gates.altered import change_settings
from tests.gates.transport import PACKER, PREPARERS, QA, QP, RECEIVERS, VERIFIER, rewrite_trip_file, trip_file

BAG_HOLD_POINTS = [point for point, ids in HOLD_POINTS.items() if "BAG-REL" in ids]
MICRO = timedelta(microseconds=1)


def outcome(verdict, gate):
    return next(f.outcome for f in verdict.findings if f.gate == gate)


def note(verdict, gate):
    passed = outcome(verdict, gate)
    assert isinstance(passed, Passed)
    return passed.note and passed.note.code


@pytest.mark.parametrize("hold_point", BAG_HOLD_POINTS)
def test_valid_chain_passes_every_standing_gate(chain, hold_point):
    verdict = chain.verdict_at(hold_point)
    assert blocked_gates(verdict) == set()
    assert {f.gate for f in verdict.findings} >= set(STANDING)


def test_each_bag_of_the_shipment_is_judged_by_itself(chain):
    verdict = chain.verdict_at(HoldPoint.SHIP)
    assert {f.bag for f in verdict.findings if f.gate == "BAG-REL"} == set(chain.step("shipper_sealed").act.bags)


# -- BAG-REL ----------------------------------------------------------------------------------------------------------------------


def test_bag_of_a_lot_nobody_released_is_stopped(chain):
    chain.drop("released", -1)
    verdict = chain.verdict_at(HoldPoint.SHIP)
    assert blocked_gates(verdict) == {"BAG-REL"}
    assert reasons(verdict, "BAG-REL") == {"lot_in_quarantine"}


def test_bag_of_a_lot_rejected_after_its_release_is_stopped(chain):
    chain.add(Rejected(node=chain.cast.lot, reason_code="OOS", reason="late failure"), before="infusion_started", by=QP)
    verdict = chain.verdict_at(HoldPoint.BEDSIDE)
    assert blocked_gates(verdict) == {"BAG-REL"}
    assert reasons(verdict, "BAG-REL") == {"bag_lot_rejected"}


def release_conditionally(chain, *, test="MYCN", due_at):
    chain.drop("result_recorded", where=lambda act: act.node == chain.cast.lot and act.test == test)
    act = ReleasedConditionally(lot=chain.cast.lot, pending=(PendingTest(test=test, due_at=due_at),))
    chain.replace("released", act, nth=-1)


@pytest.mark.parametrize(("early", "blocked"), [(timedelta(0), set()), (MICRO, {"lot_test_overdue"})])
def test_pending_test_stops_the_bag_from_the_moment_it_is_overdue(chain, early, blocked):
    now = chain.step("shipper_sealed").at
    release_conditionally(chain, due_at=now - early)
    assert reasons(chain.verdict_at(HoldPoint.SHIP), "BAG-REL") == blocked


def test_pending_test_that_failed_stops_the_bag(chain):
    chain.change("lot_started", form=ProductForm.FRESH)
    chain.change("result_recorded", where=lambda act: act.node == chain.cast.lot and act.test == "CD34", result="2.1")
    act = ReleasedConditionally(lot=chain.cast.lot, pending=(PendingTest(test="CD34", due_at=chain.step("shipper_sealed").at),))
    chain.replace("released", act, nth=-1)
    assert reasons(chain.verdict_at(HoldPoint.SHIP), "BAG-REL") == {"lot_test_failed"}


def release_exceptionally(chain):
    """One failed viability of an unreleased lot, requested, evaluated and accepted for this dose before its bags are allocated."""
    chain.change("result_recorded", where=lambda act: act.node == chain.cast.lot and act.test == "VIA", result="78.0")
    chain.drop("released", -1)
    dose, lot = chain.cast.dose, chain.cast.lot
    result = chain.played().result(lot, "VIA")
    asked = ExceptionRequested(
        dose=dose,
        participant=chain.cast.participant,
        lot=lot,
        test="VIA",
        result=result,
        hazard_if_not_treated="death is likely",
        alternatives_considered="none is left",
    )
    steps = [
        (asked, "demo-physician-one"),
        (ExceptionRiskEvaluated(dose=dose, evaluation="acceptable"), "demo-qc-reviewer-one"),
        (ExceptionNeverListConfirmed(dose=dose), QA),
        (ExceptionAccepted(dose=dose), "demo-physician-one"),
        (ExceptionSponsorNotified(dose=dose, authority_notice="on file"), "demo-sponsor-one"),
        (ReleasedExceptionally(dose=dose, lot=lot, test="VIA", result=result), QP),
    ]
    for n, (act, by) in enumerate(steps):
        chain.add(act, before="dose_allocated", by=by, minutes=10 - n)


def test_exceptional_release_of_the_one_failed_result_excepts_the_bag_for_its_dose(chain):
    release_exceptionally(chain)
    verdict = chain.verdict_at(HoldPoint.ALLOCATION)
    assert "BAG-REL" not in blocked_gates(verdict)
    assert isinstance(outcome(verdict, "BAG-REL"), Excepted)


def test_exceptional_release_covers_no_second_failure(chain):
    chain.change("result_recorded", where=lambda act: act.node == chain.cast.lot and act.test == "END", result="0.51")
    release_exceptionally(chain)
    assert reasons(chain.verdict_at(HoldPoint.ALLOCATION), "BAG-REL") == {"lot_in_quarantine"}


def test_exceptional_release_does_not_let_the_lot_travel(chain):
    release_exceptionally(chain)
    assert reasons(chain.verdict_at(HoldPoint.SHIP), "BAG-REL") == {"lot_in_quarantine"}


# -- BAG-COLD ---------------------------------------------------------------------------------------------------------------------


def test_cryo_bag_that_reached_minus_119_is_stopped_at_receipt(chain):
    rewrite_trip_file(chain, spike=(60, 9, "-119"))
    verdict = chain.verdict_at(HoldPoint.RECEIPT)
    assert blocked_gates(verdict) == {"BAG-COLD"}
    assert reasons(verdict, "BAG-COLD") == {"beyond_class_2"}


@pytest.mark.parametrize(("celsius", "expected"), [("-150", None), ("-149.9", "cold_minutes_noted"), ("-135", "cold_minutes_noted")])
def test_last_temperatures_that_still_pass(chain, celsius, expected):
    rewrite_trip_file(chain, spike=(60, 9, celsius))
    assert note(chain.verdict_at(HoldPoint.RECEIPT), "BAG-COLD") == expected


@pytest.mark.parametrize(("celsius", "reason"), [("-134.9", "class_2_band"), ("-120", "class_2_band"), ("-119.9", "beyond_class_2")])
def test_first_temperatures_that_do_not_pass(chain, celsius, reason):
    rewrite_trip_file(chain, spike=(60, 9, celsius))
    assert reasons(chain.verdict_at(HoldPoint.RECEIPT), "BAG-COLD") == {reason}


def test_class_1_for_too_long_is_stopped(chain):
    rewrite_trip_file(chain, spike=(60, 80, "-140"))
    assert reasons(chain.verdict_at(HoldPoint.RECEIPT), "BAG-COLD") == {"class_1_too_long"}


def test_trip_without_its_temperature_file_is_stopped(chain):
    del chain.steps[trip_file(chain)]
    verdict = chain.verdict_at(HoldPoint.RECEIPT)
    assert blocked_gates(verdict) == {"BAG-COLD"}
    assert reasons(verdict, "BAG-COLD") == {"missing_trace"}


def test_temperature_file_that_stops_long_before_receipt_is_a_gap(chain):
    rewrite_trip_file(chain, ends_earlier=30)
    assert reasons(chain.verdict_at(HoldPoint.RECEIPT), "BAG-COLD") == {"gap"}


def test_temperature_file_whose_signature_is_invalid_never_counts(chain):
    rewrite_trip_file(chain, signature_valid=False)
    assert reasons(chain.verdict_at(HoldPoint.RECEIPT), "BAG-COLD") == {"signature_invalid"}


def test_temperature_file_with_a_key_nobody_registered_waits_for_quality(chain):
    rewrite_trip_file(chain, key_fingerprint=Digest("0" * 64))
    assert reasons(chain.verdict_at(HoldPoint.RECEIPT), "BAG-COLD") == {"key_not_registered"}
    decide(chain, ColdChainDecision.RELEASE)
    assert note(chain.verdict_at(HoldPoint.RECEIPT), "BAG-COLD") == "cold_chain_released_by_qa"


def test_temperature_file_without_any_signature_counts(chain):
    rewrite_trip_file(chain, signature_valid=None, key_fingerprint=None)
    assert chain.verdict_at(HoldPoint.RECEIPT).is_go


def test_logger_out_of_calibration_on_the_day_of_the_trip_is_stopped_at_receipt(chain):
    day = chain.step("shipment_arrived").act.arrived_at.date()
    chain.change("logger_calibrated", where=lambda act: act.logger == chain.cast.trip_logger, due_on=day - timedelta(days=1))
    assert reasons(chain.verdict_at(HoldPoint.RECEIPT), "BAG-COLD") == {"logger_not_calibrated"}
    chain.change("logger_calibrated", where=lambda act: act.logger == chain.cast.trip_logger, due_on=day)
    assert chain.verdict_at(HoldPoint.RECEIPT).is_go


@pytest.mark.parametrize("line", ["shock_and_tilt_marks_clear", "logger_present_and_running"])
@pytest.mark.parametrize("answer", [Answer.NO, Answer.NOT_CHECKED])
def test_tell_tale_that_is_not_clear_waits_for_quality(chain, line, answer):
    chain.change("shipment_arrived", **{line: answer})
    assert reasons(chain.verdict_at(HoldPoint.RECEIPT), "BAG-COLD") == {"mark_tripped"}


def test_readings_that_are_not_at_hand_stop_the_bag(chain):
    index = trip_file(chain)
    chain.steps[index] = dataclasses.replace(chain.steps[index], series=None)
    assert reasons(chain.verdict_at(HoldPoint.RECEIPT), "BAG-COLD") == {"missing"}


def test_sign_of_thaw_is_final(chain):
    chain.change("bag_accepted", no_sign_of_thaw=Answer.NO)
    decide(chain, ColdChainDecision.RELEASE)
    verdict = chain.verdict_at(HoldPoint.RECEIPT)
    assert reasons(verdict, "BAG-COLD") == {"sign_of_thaw"}
    assert blocked_gates(verdict) == {"BAG-COLD", "RCV-INT"}


def test_sign_of_thaw_seen_by_the_second_receiver_only_is_final_too(chain):
    chain.second_reads("bag_accepted", no_sign_of_thaw=Answer.NO)
    assert reasons(chain.verdict_at(HoldPoint.RECEIPT), "BAG-COLD") == {"sign_of_thaw"}


def decide(chain, decision, *, covers_minutes=276, before="bag_accepted"):
    covers_until = chain.step("bag_packed").act.packed_at + timedelta(minutes=covers_minutes)
    act = ColdChainDecided(bag=chain.cast.bags[0], decision=decision, covers_until=covers_until, reason="judged by quality")
    chain.add(act, before=before, by=QA)


def test_class_2_passes_once_quality_released_it(chain):
    rewrite_trip_file(chain, spike=(60, 9, "-125"))
    decide(chain, ColdChainDecision.RELEASE)
    assert note(chain.verdict_at(HoldPoint.RECEIPT), "BAG-COLD") == "cold_chain_released_by_qa"


def test_decision_does_not_cover_what_came_after_the_time_it_names(chain):
    rewrite_trip_file(chain, spike=(60, 9, "-125"))
    decide(chain, ColdChainDecision.RELEASE, covers_minutes=61)
    assert reasons(chain.verdict_at(HoldPoint.RECEIPT), "BAG-COLD") == {"class_2_band"}


def test_decision_taken_before_the_file_was_read_does_not_cover_it(chain):
    rewrite_trip_file(chain, spike=(60, 9, "-125"))
    decide(chain, ColdChainDecision.RELEASE, before="shipment_arrived")
    assert reasons(chain.verdict_at(HoldPoint.RECEIPT), "BAG-COLD") == {"class_2_band"}


def test_class_3_is_final_whatever_quality_decides(chain):
    rewrite_trip_file(chain, spike=(60, 9, "-119"))
    decide(chain, ColdChainDecision.RELEASE)
    assert reasons(chain.verdict_at(HoldPoint.RECEIPT), "BAG-COLD") == {"beyond_class_2"}


def test_rejection_by_quality_is_final(chain):
    rewrite_trip_file(chain, spike=(60, 9, "-125"))
    decide(chain, ColdChainDecision.REJECT)
    decide(chain, ColdChainDecision.RELEASE)
    assert reasons(chain.verdict_at(HoldPoint.RECEIPT), "BAG-COLD") == {"cold_chain_rejected"}


def test_quality_cannot_release_a_trip_without_a_temperature_record(chain):
    del chain.steps[trip_file(chain)]
    decide(chain, ColdChainDecision.RELEASE)
    assert reasons(chain.verdict_at(HoldPoint.RECEIPT), "BAG-COLD") == {"missing_trace"}


def of_an_earlier_trip(chain, logger):
    """The logger travelled before, and was read then."""
    start = chain.step("bags_filled").at - timedelta(days=20)
    act, series, data = logger_file(logger, start, start + timedelta(hours=5), "-190.0")
    chain.steps.append(Step(name="logger_file_read", at=start + timedelta(hours=6), by=(PACKER,), act=act, series=series, file=data))


def test_temperature_record_of_an_earlier_trip_of_the_logger_is_none_of_this_one(chain):
    of_an_earlier_trip(chain, chain.cast.trip_logger)
    assert chain.verdict_at(HoldPoint.RECEIPT).is_go
    del chain.steps[trip_file(chain)]
    decide(chain, ColdChainDecision.RELEASE)
    assert reasons(chain.verdict_at(HoldPoint.RECEIPT), "BAG-COLD") == {"missing_trace"}


def test_invalid_signature_is_named_whatever_was_read_of_earlier_trips(chain):
    rewrite_trip_file(chain, signature_valid=False)
    of_an_earlier_trip(chain, chain.cast.trip_logger)
    decide(chain, ColdChainDecision.RELEASE)
    assert reasons(chain.verdict_at(HoldPoint.RECEIPT), "BAG-COLD") == {"signature_invalid"}


def test_temperature_record_given_up_as_lost_is_final(chain):
    del chain.steps[trip_file(chain)]
    chain.add(TraceGivenUp(node=chain.cast.shipment, reason="logger lost"), before="bag_accepted", by=QA)
    assert reasons(chain.verdict_at(HoldPoint.RECEIPT), "BAG-COLD") == {"no_trace_found"}


def test_bag_whose_freezer_has_no_record_may_not_leave(chain):
    chain.drop("logger_file_read", where=lambda act: act.logger.value == "LOGGER-F01")
    assert reasons(chain.verdict_at(HoldPoint.SHIP), "BAG-COLD") == {"missing_trace"}


def test_freezer_record_must_be_complete_once_the_bag_has_travelled(chain):
    chain.drop("logger_file_read", where=lambda act: act.logger.value == "LOGGER-F01")
    assert reasons(chain.verdict_at(HoldPoint.RECEIPT), "BAG-COLD") == {"missing_trace"}


@pytest.mark.parametrize(("less", "blocked"), [(timedelta(0), set()), (MICRO, {"missing_trace"})])
def test_record_of_the_storage_it_is_in_may_be_as_old_as_the_study_says(chain, less, blocked):
    """The ward freezer was not read since the bag came; the study allows exactly that age here, or less."""
    ward = chain.index("logger_file_read", where=lambda act: act.logger.value == "LOGGER-F91")
    accepted = chain.step("bag_accepted").at
    del chain.steps[ward]
    age = chain.step("bag_preparation_started").at - accepted - less
    change_settings(chain, storage_trace_age_h=Decimal(age // MICRO) / 3_600_000_000)
    assert reasons(chain.verdict_at(HoldPoint.PREPARE), "BAG-COLD") == blocked


# -- BAG-HOLD, BAG-RECALL, BAG-DONOR ----------------------------------------------------------------------------------------------

HELD = ["donor", "donation", "tissue", "master", "working", "lot", "shipment"]


@pytest.mark.parametrize("what", HELD)
def test_hold_on_anything_the_bag_comes_from_or_travelled_in_stops_it(chain, what):
    node = getattr(chain.cast, what)
    chain.add(HoldPlaced(node=node, hold="H-1", reason="to be examined", owner="QA"), before="infusion_started", by=QA)
    verdict = chain.verdict_at(HoldPoint.BEDSIDE)
    assert blocked_gates(verdict) == {"BAG-HOLD"}
    assert reasons(verdict, "BAG-HOLD") == {"hold_open"}


def test_hold_between_dispensing_and_bedside_stops_the_bag_and_lifting_it_lets_it_go(chain):
    hold = HoldPlaced(node=chain.cast.bags[0], hold="H-1", reason="to be examined", owner="QA")
    chain.add(hold, before="infusion_started", by=QA, minutes=0.02)
    assert blocked_gates(chain.verdict_at(HoldPoint.BEDSIDE)) == {"BAG-HOLD"}
    chain.add(HoldLifted(node=chain.cast.bags[0], hold="H-2", reason="another one"), before="infusion_started", by=QA)
    assert blocked_gates(chain.verdict_at(HoldPoint.BEDSIDE)) == {"BAG-HOLD"}
    chain.add(HoldLifted(node=chain.cast.bags[0], hold="H-1", reason="examined"), before="infusion_started", by=QA)
    assert chain.verdict_at(HoldPoint.BEDSIDE).is_go


def test_hold_on_a_sister_bag_stops_nobody_else(chain):
    hold = HoldPlaced(node=chain.cast.bags[1], hold="H-1", reason="to be examined", owner="QA")
    chain.add(hold, before="infusion_started", by=QA)
    assert chain.verdict_at(HoldPoint.BEDSIDE).is_go


@pytest.mark.parametrize("what", ["donor", "donation", "tissue", "master", "working"])
@pytest.mark.parametrize("hold_point", [HoldPoint.SHIP, HoldPoint.BEDSIDE])
def test_recall_of_any_ancestor_stops_the_bag_at_every_later_hold_point(chain, what, hold_point):
    recall = Recalled(node=getattr(chain.cast, what), recall="R-1", reason="contaminated medium")
    chain.add(recall, before="shipper_sealed", by=QP)
    verdict = chain.verdict_at(hold_point)
    assert blocked_gates(verdict) == {"BAG-RECALL"}
    assert reasons(verdict, "BAG-RECALL") == {"recalled"}


def test_recalled_lot_is_neither_released_nor_free_of_recall(chain):
    chain.add(Recalled(node=chain.cast.lot, recall="R-1", reason="contaminated medium"), before="shipper_sealed", by=QP)
    verdict = chain.verdict_at(HoldPoint.SHIP)
    assert blocked_gates(verdict) == {"BAG-REL", "BAG-RECALL"}
    assert reasons(verdict, "BAG-REL") == {"bag_lot_recalled"}


@pytest.mark.parametrize("hold_point", [HoldPoint.SHIP, HoldPoint.ALLOCATION, HoldPoint.PREPARE, HoldPoint.BEDSIDE])
def test_consent_withdrawn_after_the_release_stops_every_unused_bag(chain, hold_point):
    withdrawn = ConsentWithdrawn(donor=chain.cast.donor, withdrawn_at=chain.step("shipper_sealed").at - timedelta(days=1))
    chain.add(withdrawn, before="shipper_sealed", by="demo-coordinator-one")
    verdict = chain.verdict_at(hold_point)
    assert blocked_gates(verdict) == {"BAG-DONOR"}
    assert reasons(verdict, "BAG-DONOR") == {"donor_consent_withdrawn"}


def test_eligibility_withdrawn_later_stops_the_bag(chain):
    chain.add(EligibilityRefused(donation=chain.cast.donation, reason="new information"), before="shipper_sealed", by=QP)
    assert reasons(chain.verdict_at(HoldPoint.SHIP), "BAG-DONOR") == {"donor_eligibility_gone"}


def test_placebo_bag_has_no_donor_and_says_so(chain):
    chain.change("lot_started", product=Product.PLACEBO, banks=())
    assert note(chain.verdict_at(HoldPoint.SHIP), "BAG-DONOR") == "no_donor"


def test_cells_from_nowhere_are_stopped(chain):
    chain.change("lot_started", banks=())
    assert reasons(chain.verdict_at(HoldPoint.SHIP), "BAG-DONOR") == {"missing"}


# -- BAG-EXP ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("left", "blocked"), [(timedelta(0), {"bag_expired"}), (MICRO, set())])
def test_bag_is_valid_before_its_expiry_and_not_at_it(chain, left, blocked):
    chain.change("bags_filled", expires_at=chain.step("shipper_sealed").at + left)
    assert reasons(chain.verdict_at(HoldPoint.SHIP), "BAG-EXP") == blocked


@pytest.mark.parametrize("hold_point", [HoldPoint.PREPARE, HoldPoint.BEDSIDE])
@pytest.mark.parametrize(("late", "blocked"), [(timedelta(0), set()), (timedelta(minutes=1), {"BAG-EXP"})])
def test_infusion_must_end_by_the_expiry(chain, hold_point, late, blocked):
    start = chain.step("bag_preparation_started" if hold_point is HoldPoint.PREPARE else "infusion_started").at
    planned = timedelta(minutes=chain.step("prescription_signed").act.planned_minutes)
    chain.change("bags_filled", expires_at=start + planned - late)
    verdict = chain.verdict_at(hold_point)
    assert blocked_gates(verdict) == blocked
    assert reasons(verdict, "BAG-EXP") == ({"ends_after_expiry"} if blocked else set())


@pytest.mark.parametrize(("hours", "blocked"), [("1.75", set()), ("1.5", {"ends_after_expiry"})])
def test_thawed_bag_has_its_own_clock(chain, hours, blocked):
    """Thawed 40 minutes before the start, and the infusion takes 60."""
    change_settings(chain, thaw_hours_rt=Decimal(hours))
    assert reasons(chain.verdict_at(HoldPoint.BEDSIDE), "BAG-EXP") == blocked


@pytest.mark.parametrize(("hours", "blocked"), [("1", set()), ("0.9", {"ends_after_expiry"})])
def test_bag_is_not_thawed_when_its_thawed_life_would_be_too_short(chain, hours, blocked):
    change_settings(chain, thaw_hours_rt=Decimal(hours))
    assert reasons(chain.verdict_at(HoldPoint.PREPARE), "BAG-EXP") == blocked


def test_shelf_life_of_the_study_counts_although_the_label_says_longer(chain):
    change_settings(chain, frozen_days=Decimal(34))
    assert reasons(chain.verdict_at(HoldPoint.SHIP), "BAG-EXP") == {"bag_expired"}


# -- BAG-GAP ----------------------------------------------------------------------------------------------------------------------


def test_transit_nobody_took_over_is_a_gap(chain):
    for name in ("handoff_offered", "handoff_accepted"):
        for _ in range(2):
            chain.drop(name, where=lambda act: act.node == chain.cast.shipment)
    verdict = chain.verdict_at(HoldPoint.RECEIPT)
    assert blocked_gates(verdict) == {"BAG-GAP"}
    assert reasons(verdict, "BAG-GAP") == {"gap_no_custodian"}


def test_courier_who_never_accepted_is_a_gap(chain):
    chain.drop("handoff_accepted")
    verdict = chain.verdict_at(HoldPoint.RECEIPT)
    assert blocked_gates(verdict) == {"BAG-GAP"}
    assert reasons(verdict, "BAG-GAP") == {"gap_handover_open"}


@pytest.mark.parametrize(("minutes", "blocked"), [(12, set()), (13, {"BAG-GAP"})])
def test_ward_hand_over_open_longer_than_a_quarter_of_an_hour_is_a_gap(chain, minutes, blocked):
    """Offered 26 minutes before the start and accepted 3 minutes later; moved, 15 or 16 minutes later."""
    chain.move("handoff_accepted", minutes, nth=2)
    assert blocked_gates(chain.verdict_at(HoldPoint.BEDSIDE)) == blocked


def test_ward_hand_over_nobody_accepted_is_a_gap_at_the_bedside(chain):
    chain.drop("handoff_accepted", nth=2)
    verdict = chain.verdict_at(HoldPoint.BEDSIDE)
    assert blocked_gates(verdict) == {"BAG-GAP"}


@pytest.mark.parametrize(("planned_minutes", "blocked"), [(111, set()), (110, {"gap_transit_too_long"})])
def test_transit_may_take_two_hours_more_than_planned(chain, planned_minutes, blocked):
    """It took 231 minutes from the courier's acceptance to the arrival."""
    chain.change("shipment_planned", planned_minutes=planned_minutes)
    assert reasons(chain.verdict_at(HoldPoint.RECEIPT), "BAG-GAP") == blocked


def test_another_number_of_bags_than_packed_is_a_gap(chain):
    chain.change("shipment_arrived", bags_counted=2)
    assert reasons(chain.verdict_at(HoldPoint.RECEIPT), "BAG-GAP") == {"gap_quantity_differs"}


def test_bag_handled_at_a_site_that_does_not_have_it_is_a_gap(chain):
    first_ward_bag = chain.index("bag_taken_out", 3)
    chain.steps[first_ward_bag] = dataclasses.replace(chain.steps[first_ward_bag], by=(PACKER, VERIFIER))
    assert reasons(chain.verdict_at(HoldPoint.PREPARE), "BAG-GAP") == {"gap_place_jumped"}


@pytest.mark.parametrize(("minutes", "blocked"), [(10, {"gap_time_backwards"}), (16, set())])
def test_time_that_runs_backwards_is_a_gap_unless_the_entry_is_flagged_as_late(chain, minutes, blocked):
    index = chain.index("bag_packed")
    step = chain.steps[index]
    chain.steps[index] = dataclasses.replace(step, happened_at=step.at - timedelta(minutes=minutes))
    assert reasons(chain.verdict_at(HoldPoint.SHIP), "BAG-GAP") == blocked


@pytest.mark.parametrize(
    ("change", "blocked"),
    [
        ({}, set()),
        ({"seals_intact": False}, {"BAG-GAP"}),
        ({"trace_continuous": False}, {"BAG-GAP"}),
        ({"late": timedelta(minutes=1)}, {"BAG-GAP"}),
        ({"early": timedelta(minutes=1)}, {"BAG-GAP"}),
    ],
)
def test_gap_is_closed_only_by_a_decision_that_covers_all_of_it(chain, change, blocked):
    chain.move("handoff_accepted", 13, nth=2)
    disposed = GapDisposed(
        node=chain.cast.bags[0],
        gap_started_at=chain.step("handoff_offered", 2).at + change.get("late", timedelta(0)),
        gap_ended_at=chain.step("handoff_accepted", 2).at - change.get("early", timedelta(0)),
        seals_intact=change.get("seals_intact", True),
        trace_continuous=change.get("trace_continuous", True),
        reason="the nurse signed late; camera shows her with the bag",
    )
    chain.add(disposed, before="infusion_started", by=QA)
    assert blocked_gates(chain.verdict_at(HoldPoint.BEDSIDE)) == blocked


# -- BAG-STATE --------------------------------------------------------------------------------------------------------------------


def test_bag_in_hand_over_cannot_be_used(chain):
    offer = chain.step("handoff_offered", 2).act
    again = dataclasses.replace(offer, offered_at=chain.step("infusion_started").at - timedelta(minutes=2))
    chain.add(again, before="infusion_started", by="demo-nurse-one")
    verdict = chain.verdict_at(HoldPoint.BEDSIDE)
    assert blocked_gates(verdict) == {"BAG-STATE"}
    assert reasons(verdict, "BAG-STATE") == {"in_handover"}


def test_bag_retained_as_sample_does_not_travel(chain):
    kept = BagRetained(bag=chain.cast.bags[0], place="retain shelf", until=chain.step("shipper_sealed").at.date())
    chain.add(kept, before="shipper_sealed", by="demo-operator-one")
    verdict = chain.verdict_at(HoldPoint.SHIP)
    assert blocked_gates(verdict) == {"BAG-STATE"}
    assert reasons(verdict, "BAG-STATE") == {"bag_state_differs"}


def test_destroyed_bag_is_not_given(chain):
    destroyed = BagDestroyed(bag=chain.cast.bags[0], method="incineration", reason="dropped")
    chain.add(destroyed, before="infusion_started", by=("demo-nurse-one", PREPARERS[0]))
    assert "BAG-STATE" in blocked_gates(chain.verdict_at(HoldPoint.BEDSIDE))


def test_bag_found_leaking_before_it_left_does_not_travel(chain):
    chain.add(BagDamaged(bag=chain.cast.bags[0], description="leak at the port"), before="shipper_sealed", by=PACKER)
    verdict = chain.verdict_at(HoldPoint.SHIP)
    assert blocked_gates(verdict) == {"BAG-STATE"}
    assert reasons(verdict, "BAG-STATE") == {"bag_found_damaged"}


def test_bag_rejected_at_receipt_stays_rejected(chain):
    refused = BagRefusedAtReceipt(bag=chain.cast.bags[0], shipment=chain.cast.shipment, reject=True, reason="leak")
    chain.add(refused, before="bag_accepted", by=RECEIVERS)
    verdict = chain.verdict_at(HoldPoint.RECEIPT)
    assert reasons(verdict, "BAG-STATE") == {"bag_rejected_at_receipt"}
    assert reasons(verdict, "RCV-DEC") == {"receipt_rejected"}


def test_bag_that_has_not_arrived_is_not_accepted(chain):
    chain.drop("shipment_arrived")
    verdict = chain.verdict_at(HoldPoint.RECEIPT)
    assert reasons(verdict, "BAG-STATE") == {"bag_state_differs"}


def test_bag_already_accepted_is_not_accepted_again(chain):
    chain.add(chain.step("bag_accepted").act, before="bag_accepted", by=RECEIVERS, minutes=1)
    assert reasons(chain.verdict_at(HoldPoint.RECEIPT, nth=1), "BAG-STATE") == {"bag_state_differs"}


def test_bag_reserved_for_another_dose_is_not_allocated(chain):
    index = chain.index("dose_allocated")
    allocated = chain.steps[index].act
    assert isinstance(allocated, DoseAllocated)
    other = dataclasses.replace(allocated, dose=DoseId("DOSE-9999"))
    chain.add(other, before="dose_allocated", by="demo-iwrs-one")
    verdict = chain.verdict_at(HoldPoint.ALLOCATION, nth=1)
    assert reasons(verdict, "BAG-STATE") == {"reserved_for_another_dose"}


def test_bag_nobody_reserved_is_not_prepared(chain):
    case, now = chain.case_at(HoldPoint.PREPARE)
    bag = chain.cast.bags[0]
    kept = Deeds(d for d in case.dossier.streams[bag.key] if not isinstance(d.act, BagReserved))
    dossier = dataclasses.replace(case.dossier, streams={**case.dossier.streams, bag.key: kept})
    verdict = evaluate(HoldPoint.PREPARE, dataclasses.replace(case, dossier=dossier), now)
    assert reasons(verdict, "BAG-STATE") == {"not_reserved"}


def test_bag_the_ledger_does_not_know_stops_every_standing_gate(chain):
    case, now = chain.case_at(HoldPoint.RECEIPT)
    streams = {**case.dossier.streams, case.subject.key: Deeds()}
    verdict = evaluate(HoldPoint.RECEIPT, dataclasses.replace(case, dossier=dataclasses.replace(case.dossier, streams=streams)), now)
    assert blocked_gates(verdict) >= set(STANDING)
    assert {r for gate in STANDING for r in reasons(verdict, gate)} == {"missing"}
