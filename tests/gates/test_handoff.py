"""Hold point H: custody passes only from its custodian to the right other person, on equal seals, with the code, in time."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from custody.domain.acts.shipping import HandoffWithdrawn, Leg
from custody.domain.ids import Digest, PersonId, SealNumber
from custody.domain.terms import HoldPoint, PartyKind
from tests.chain import blocked_gates, reasons
from tests.gates.transport import COURIER, NURSE, PACKER, PREPARERS, RECEIVERS

TO_COURIER, TO_HOSPITAL, TO_WARD = 0, 1, 2
MICRO = timedelta(microseconds=1)


def stopped_by(chain, nth):
    verdict = chain.verdict_at(HoldPoint.HANDOFF, nth=nth)
    return {(gate, reason) for gate in blocked_gates(verdict) for reason in reasons(verdict, gate)}


@pytest.mark.parametrize("nth", [TO_COURIER, TO_HOSPITAL, TO_WARD])
def test_hand_overs_of_the_valid_chain_pass(chain, nth):
    assert chain.verdict_at(HoldPoint.HANDOFF, nth=nth).is_go


def test_seal_that_differs_by_one_digit_stops_the_hand_over(chain):
    chain.change("handoff_accepted", seals=(SealNumber("S001-4472"),))
    assert stopped_by(chain, TO_COURIER) == {("HOF-SEAL", "handover_seal_differs")}


def test_seal_read_wrong_by_the_giver_stops_the_hand_over(chain):
    chain.change("handoff_offered", seals=(SealNumber("S001-4472"),))
    assert stopped_by(chain, TO_COURIER) == {("HOF-SEAL", "handover_seal_differs")}


@pytest.mark.parametrize("seals", [(), (SealNumber("S001-4471"), SealNumber("S001-4472"))])
def test_seal_too_few_or_too_many_stops_the_hand_over(chain, seals):
    chain.change("handoff_accepted", seals=seals)
    assert stopped_by(chain, TO_COURIER) == {("HOF-SEAL", "handover_seal_differs")}


def test_seal_on_a_bag_the_giver_read_none_on_stops_the_hand_over(chain):
    chain.change("handoff_accepted", TO_WARD, seals=(SealNumber("S-1"),))
    assert stopped_by(chain, TO_WARD) == {("HOF-SEAL", "handover_seal_differs")}


def test_giver_who_is_not_the_custodian_is_stopped(chain):
    chain.signed_by("handoff_offered", RECEIVERS[0], nth=TO_COURIER)
    assert stopped_by(chain, TO_COURIER) == {("HOF-GIVER", "giver_not_custodian")}


def test_shipper_the_courier_has_is_not_given_on_by_the_sender(chain):
    chain.signed_by("handoff_offered", PACKER, nth=TO_HOSPITAL)
    assert stopped_by(chain, TO_HOSPITAL) == {("HOF-GIVER", "giver_not_custodian")}


def test_person_who_took_a_bag_over_is_the_only_one_to_give_it_on(chain):
    offer = chain.step("handoff_offered", TO_WARD).act
    at = chain.step("infusion_started").at - timedelta(minutes=1)
    again = dataclasses.replace(offer, offered_at=at, to_person=PersonId("PERSON-999"))
    chain.add(again, before="infusion_started", by=PREPARERS[0], minutes=1)
    accepted = chain.step("handoff_accepted", TO_WARD).act
    chain.add(accepted, before="infusion_started", by=NURSE, minutes=0.5)
    assert ("HOF-GIVER", "giver_not_custodian") in stopped_by(chain, TO_WARD + 1)


def test_nobody_takes_over_from_themselves(chain):
    chain.signed_by("handoff_offered", NURSE, nth=TO_WARD)
    assert stopped_by(chain, TO_WARD) == {("HOF-RECEIVER", "receiver_is_giver")}


def test_receiver_who_was_not_named_is_stopped(chain):
    chain.signed_by("handoff_accepted", RECEIVERS[1], nth=TO_HOSPITAL)
    assert stopped_by(chain, TO_HOSPITAL) == {("HOF-RECEIVER", "receiver_not_named")}


def test_hand_over_to_a_person_must_name_the_person(chain):
    chain.change("handoff_offered", TO_HOSPITAL, to_person=None)
    assert stopped_by(chain, TO_HOSPITAL) == {("HOF-RECEIVER", "missing")}


def test_hand_over_to_a_carrier_is_not_accepted_by_anyone_else(chain):
    chain.signed_by("handoff_accepted", RECEIVERS[0], nth=TO_COURIER)
    assert stopped_by(chain, TO_COURIER) == {("HOF-RECEIVER", "receiver_no_carrier")}


def test_carrier_that_is_not_planned_for_a_leg_is_stopped(chain):
    chain.change("shipment_planned", legs=(Leg(carrier="Another Courier"),))
    assert stopped_by(chain, TO_COURIER) == {("HOF-RECEIVER", "carrier_not_planned")}


def test_receiver_of_a_site_the_shipment_does_not_go_to_is_stopped(chain):
    plan = chain.step("shipment_planned").act
    chain.change("shipment_planned", destination=plan.origin)
    assert stopped_by(chain, TO_HOSPITAL) == {("HOF-RECEIVER", "receiver_at_wrong_site")}


def test_single_bag_is_never_given_to_a_carrier(chain):
    chain.change("handoff_offered", TO_WARD, to_kind=PartyKind.CARRIER, to_person=None)
    assert ("HOF-RECEIVER", "receiver_no_carrier") in stopped_by(chain, TO_WARD)


def test_wrong_possession_code_stops_the_hand_over(chain):
    chain.change("handoff_accepted", code=Digest("0" * 64))
    assert stopped_by(chain, TO_COURIER) == {("HOF-CODE", "possession_code_differs")}


@pytest.mark.parametrize(("nth", "minutes"), [(TO_COURIER, 30), (TO_WARD, 15)])
@pytest.mark.parametrize(("late", "stopped"), [(timedelta(0), set()), (MICRO, {("HOF-TIME", "handover_too_old")})])
def test_hand_over_may_stay_open_as_long_as_allowed(chain, nth, minutes, late, stopped):
    chain.change("handoff_offered", nth, offered_at=chain.step("handoff_accepted", nth).at - timedelta(minutes=minutes) - late)
    assert stopped_by(chain, nth) == stopped


def test_hand_over_offered_in_the_future_is_stopped(chain):
    chain.change("handoff_offered", offered_at=chain.step("handoff_accepted").at + MICRO)
    assert stopped_by(chain, TO_COURIER) == {("HOF-TIME", "offered_in_future")}


def test_hand_over_that_was_withdrawn_cannot_be_accepted(chain):
    chain.add(HandoffWithdrawn(node=chain.cast.shipment, reason="wrong courier"), before="handoff_accepted", by=PACKER)
    assert stopped_by(chain, TO_COURIER) == {
        (gate, "missing") for gate in ("HOF-GIVER", "HOF-RECEIVER", "HOF-SEAL", "HOF-CODE", "HOF-TIME")
    }


def test_hand_over_that_somebody_accepted_already_names_who_has_it(chain):
    accepted = chain.step("handoff_accepted", TO_COURIER)
    chain.add(accepted.act, before="handoff_offered", nth=TO_HOSPITAL, by=COURIER)
    verdict = chain.verdict_at(HoldPoint.HANDOFF, nth=TO_COURIER + 1)
    [reason] = [finding.outcome.reason for finding in verdict.blocking if finding.gate == "HOF-GIVER"]
    assert reason.code == "handover_accepted_already"
    assert reason.values == {"custodian": "Demo Courier", "at": accepted.at}


def test_hand_over_nobody_offered_cannot_be_accepted(chain):
    chain.drop("handoff_offered")
    assert {reason for _, reason in stopped_by(chain, TO_COURIER)} == {"missing"}


def test_shipper_that_was_never_sealed_is_not_handed_over(chain):
    chain.drop("shipper_sealed")
    assert stopped_by(chain, TO_COURIER) == {("HOF-SEAL", "missing")}


def test_courier_takes_the_bag_as_an_organisation(chain):
    """Another carrier of the same organisation would give it on: custody is the organisation's, not the driver's."""
    chain.signed_by("handoff_accepted", COURIER, nth=TO_COURIER)
    assert stopped_by(chain, TO_HOSPITAL) == set()
