"""Hold point G9, and the receipt judged again before thaw and at the bedside."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta

import pytest

from custody.domain.acts.quality import ColdChainDecided, HoldLifted
from custody.domain.acts.shipping import BagDamaged, BagRefusedAtReceipt, BagReturned, DocumentsReceived
from custody.domain.ids import SealNumber, ShipmentId, ShipperId
from custody.domain.terms import Answer, ColdChainDecision, HoldPoint
from custody.gates import evaluate
from tests.chain import blocked_gates, reasons
from tests.gates.altered import change_settings
from tests.gates.transport import QA, RECEIVERS

NOT_YES = [Answer.NO, Answer.NOT_CHECKED]


def stopped_by(chain, hold_point=HoldPoint.RECEIPT):
    verdict = chain.verdict_at(hold_point)
    return {(gate, reason) for gate in blocked_gates(verdict) for reason in reasons(verdict, gate)}


def test_receipt_of_the_valid_chain_passes_for_every_bag(chain):
    for nth in range(3):
        assert chain.verdict_at(HoldPoint.RECEIPT, nth=nth).is_go


# -- RCV-DEC ----------------------------------------------------------------------------------------------------------------------


def test_receipt_accepted_by_one_person_is_stopped(chain):
    chain.signed_by("bag_accepted", RECEIVERS[0], RECEIVERS[0])
    assert stopped_by(chain) == {("RCV-DEC", "receipt_by_one_person")}


def test_receipt_accepted_by_one_person_is_stopped_again_at_the_thaw_and_the_bed(chain):
    chain.signed_by("bag_accepted", RECEIVERS[0], RECEIVERS[0])
    assert ("RCV-DEC", "receipt_by_one_person") in stopped_by(chain, HoldPoint.PREPARE)
    assert ("RCV-DEC", "receipt_by_one_person") in stopped_by(chain, HoldPoint.BEDSIDE)


def test_second_receiver_must_scan_too(chain):
    case, now = chain.case_at(HoldPoint.RECEIPT)
    verdict = evaluate(HoldPoint.RECEIPT, dataclasses.replace(case, second=None), now)
    assert blocked_gates(verdict) == {"RCV-DEC"}


def test_receivers_who_scanned_two_bags_are_stopped(chain):
    chain.second_reads("bag_accepted", bag=chain.cast.bags[1])
    assert ("RCV-DEC", "receivers_scanned_differently") in stopped_by(chain)


def refuse(chain, *, reject):
    refused = BagRefusedAtReceipt(bag=chain.cast.bags[0], shipment=chain.cast.shipment, reject=reject, reason="frost on the bag")
    chain.add(refused, before="bag_accepted", by=RECEIVERS, minutes=1)


def test_quarantined_bag_waits_for_quality(chain):
    refuse(chain, reject=False)
    assert stopped_by(chain) == {("RCV-DEC", "receipt_in_quarantine")}


@pytest.mark.parametrize(("decision", "stopped"), [(ColdChainDecision.RELEASE, False), (ColdChainDecision.REJECT, True)])
def test_quarantined_bag_is_accepted_only_after_quality_decided_for_it(chain, decision, stopped):
    refuse(chain, reject=False)
    act = ColdChainDecided(bag=chain.cast.bags[0], decision=decision, covers_until=chain.step("bag_accepted").at, reason="judged")
    chain.add(act, before="bag_accepted", by=QA)
    assert (("RCV-DEC", "receipt_in_quarantine") in stopped_by(chain)) is stopped


def test_decision_taken_before_the_quarantine_does_not_lift_it(chain):
    refuse(chain, reject=False)
    lifted = HoldLifted(node=chain.cast.bags[0], hold="H-1", reason="examined")
    chain.add(lifted, before="bag_accepted", by=QA, minutes=2)
    assert stopped_by(chain) == {("RCV-DEC", "receipt_in_quarantine")}


def test_rejection_is_final(chain):
    refuse(chain, reject=True)
    lifted = HoldLifted(node=chain.cast.bags[0], hold="H-1", reason="examined")
    chain.add(lifted, before="bag_accepted", by=QA)
    assert ("RCV-DEC", "receipt_rejected") in stopped_by(chain)


def test_bag_nobody_accepted_is_not_thawed(chain):
    chain.drop("bag_accepted")
    assert ("RCV-DEC", "missing") in stopped_by(chain, HoldPoint.PREPARE)


def test_bag_sent_back_is_no_longer_accepted(chain):
    chain.add(BagReturned(bag=chain.cast.bags[0], reason="dose cancelled"), before="bag_preparation_started", by=RECEIVERS[0])
    stops = stopped_by(chain, HoldPoint.PREPARE)
    assert ("RCV-DEC", "missing") in stops
    assert ("BAG-STATE", "bag_state_differs") in stops


# -- RCV-SEAL ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seals", [(SealNumber("S001-4472"),), (), (SealNumber("S001-4471"), SealNumber("S001-4472"))])
def test_bag_with_another_seal_is_stopped_at_receipt(chain, seals):
    chain.change("shipment_arrived", seals=seals)
    assert stopped_by(chain) == {("RCV-SEAL", "seal_differs")}


def test_another_shipper_than_the_sealed_one_is_stopped(chain):
    chain.change("shipment_arrived", shipper=ShipperId("SHIPPER-9999"))
    assert stopped_by(chain) == {("RCV-SEAL", "another_shipper_arrived")}


def test_shipper_that_was_never_sealed_is_stopped(chain):
    chain.drop("shipper_sealed")
    assert ("RCV-SEAL", "missing") in stopped_by(chain)


# -- RCV-INT ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", NOT_YES)
def test_container_that_is_not_whole_is_stopped(chain, answer):
    chain.change("bag_accepted", container_whole=answer)
    assert stopped_by(chain) == {("RCV-INT", "received_container_not_whole")}


def test_container_that_the_second_receiver_doubts_is_stopped(chain):
    chain.second_reads("bag_accepted", container_whole=Answer.NO)
    assert stopped_by(chain) == {("RCV-INT", "received_container_not_whole")}


def test_thaw_that_nobody_looked_for_is_stopped(chain):
    chain.change("bag_accepted", no_sign_of_thaw=Answer.NOT_CHECKED)
    assert stopped_by(chain) == {("RCV-INT", "received_with_sign_of_thaw")}


@pytest.mark.parametrize("answer", NOT_YES)
def test_damaged_shipper_is_stopped(chain, answer):
    chain.change("shipment_arrived", outside_undamaged=answer)
    assert stopped_by(chain) == {("RCV-INT", "shipper_damaged")}


@pytest.mark.parametrize(("minutes", "stopped"), [(10, set()), (11, {("RCV-INT", "out_of_shipper_too_long")})])
def test_bag_is_out_of_the_shipper_for_ten_minutes_at_most(chain, minutes, stopped):
    chain.change("bag_accepted", out_of_shipper_minutes=minutes)
    assert stopped_by(chain) == stopped


def test_minutes_out_of_the_shipper_below_zero_are_nonsense(chain):
    chain.change("bag_accepted", out_of_shipper_minutes=-1)
    assert stopped_by(chain) == {("RCV-INT", "out_of_shipper_too_long")}


def test_limit_for_minutes_out_of_the_shipper_is_the_studys(chain):
    chain.change("bag_accepted", out_of_shipper_minutes=11)
    change_settings(chain, out_of_shipper_min=11)
    assert chain.verdict_at(HoldPoint.RECEIPT).is_go


def test_leak_found_on_the_way_stops_the_receipt(chain):
    chain.add(BagDamaged(bag=chain.cast.bags[0], description="leak"), before="bag_accepted", by=RECEIVERS[0])
    assert stopped_by(chain) == {("RCV-INT", "bag_found_damaged")}


# -- RCV-LABEL --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", NOT_YES)
@pytest.mark.parametrize(("line", "reason"), [("label_readable", "label_not_readable"), ("label_equals_order", "label_differs_from_order")])
def test_label_that_is_not_right_is_stopped(chain, line, reason, answer):
    chain.change("bag_accepted", **{line: answer})
    assert stopped_by(chain) == {("RCV-LABEL", reason)}


def test_bag_that_is_not_on_the_packing_list_is_stopped(chain):
    bags = chain.step("shipper_sealed").act.bags
    chain.change("shipper_sealed", bags=bags[1:])
    chain.change("shipment_arrived", bags_counted=len(bags) - 1)
    assert stopped_by(chain) == {("RCV-LABEL", "not_on_packing_list")}


def test_receipt_that_names_another_shipment_is_stopped(chain):
    chain.change("bag_accepted", shipment=ShipmentId("SH-9999"))
    assert stopped_by(chain) == {("RCV-LABEL", "another_shipment_named")}


# -- RCV-DOC ----------------------------------------------------------------------------------------------------------------------


def test_missing_document_stops_until_it_is_sent(chain):
    documents = chain.step("shipment_arrived").act.documents
    chain.change("shipment_arrived", documents=documents[1:])
    assert stopped_by(chain) == {("RCV-DOC", "documents_not_received")}
    chain.add(DocumentsReceived(shipment=chain.cast.shipment, documents=documents[:1]), before="bag_accepted", by=QA)
    assert chain.verdict_at(HoldPoint.RECEIPT).is_go


def test_shipment_whose_arrival_nobody_recorded_is_stopped(chain):
    chain.drop("shipment_arrived")
    stops = stopped_by(chain)
    assert {("RCV-SEAL", "missing"), ("RCV-INT", "missing"), ("RCV-DOC", "missing")} <= stops


@pytest.mark.parametrize(
    ("in_force", "stopped"), [("shipment_arrived", set()), ("packing_started", {("RCV-INT", "out_of_shipper_too_long")})]
)
def test_trip_is_judged_by_the_study_version_in_force_when_it_was_sealed(chain, in_force, stopped):
    """A second version allows less time out of the shipper; it comes into force on the road, or before the sealing."""
    chain.change("bag_accepted", out_of_shipper_minutes=10)
    proposed, approved = chain.step("study_proposed"), chain.step("study_approved")
    content = json.loads(proposed.act.content)
    content["settings"]["out_of_shipper_min"] = "5"
    second = dataclasses.replace(proposed.act, study_version=2, content=json.dumps(content))
    at = chain.step(in_force).at
    chain.steps.append(dataclasses.replace(proposed, act=second, at=at - timedelta(seconds=2)))
    in_force_now = dataclasses.replace(approved.act_in(None), study_version=2)
    chain.steps.append(dataclasses.replace(approved, act=in_force_now, late=None, at=at - timedelta(seconds=1)))
    assert stopped_by(chain) == stopped
