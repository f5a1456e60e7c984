"""What became known after somebody decided: a decision covers what was known when it was signed, and nothing else."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta
from decimal import Decimal

import pytest

from custody.domain.acts import shipping
from custody.domain.acts.donation import DonorRiskAssessed
from custody.domain.acts.equipment import LoggerRemoved
from custody.domain.acts.quality import ColdChainDecided, GapDisposed
from custody.domain.terms import Answer, ColdChainDecision, HoldPoint
from custody.workflows.rehearsal.files import logger_file
from custody.workflows.rehearsal.places import FREEZER, FREEZER_LOGGER
from tests.chain import blocked_gates
from tests.gates.altered import correct, put, second_version
from tests.gates.transport import (
    PACKER,
    PREPARERS,
    QA,
    RECEIVERS,
    of_logger,
    of_test,
    trip_file,
)

RECEIPT, PREPARE, BEDSIDE = HoldPoint.RECEIPT, HoldPoint.PREPARE, HoldPoint.BEDSIDE
H = timedelta(hours=1)
M = timedelta(minutes=1)


def decided(chain, at):
    put(
        chain,
        ColdChainDecided(bag=chain.cast.bags[0], decision=ColdChainDecision.RELEASE, covers_until=at, reason="seen"),
        at,
        QA,
    )


def test_decision_on_a_gap_does_not_cover_what_a_later_correction_showed(chain):
    offered = chain.step("handoff_offered", 2)
    accepted = chain.step("handoff_accepted", 2).at
    disposed = GapDisposed(
        node=chain.cast.bags[0],
        gap_started_at=chain.step("bag_accepted").at - H,
        gap_ended_at=accepted + M,
        seals_intact=True,
        trace_continuous=True,
        reason="camera",
    )
    put(chain, disposed, accepted + M, QA)
    assert chain.verdict_at(BEDSIDE).is_go
    # Now it turns out that it had been offered thirteen minutes sooner.
    correct(chain, "handoff_offered", accepted + 2 * M, PREPARERS[0], nth=2, offered_at=offered.act.offered_at - 13 * M)
    assert "BAG-GAP" in blocked_gates(chain.verdict_at(BEDSIDE))


def test_decision_on_a_gap_does_not_cover_a_withdrawal_recorded_later(chain):
    bag = chain.cast.bags[0]
    offered = chain.step("handoff_offered", 2)
    released = chain.step("dose_bag_released").at
    # Offered right after it was accepted at receipt; withdrawn forty minutes later, which is written down hours later.
    offer_at = chain.step("bag_stored", where=lambda a: a.bag == bag, nth=-1).at + M
    put(chain, dataclasses.replace(offered.act, offered_at=offer_at), offer_at, *offered.by)
    disposed = GapDisposed(
        node=bag, gap_started_at=offer_at - M, gap_ended_at=offer_at + 3 * H, seals_intact=True, trace_continuous=True, reason="camera"
    )
    put(chain, disposed, offer_at + 4 * H, QA)
    gone = shipping.HandoffWithdrawn(node=bag, reason="porter did not come")
    put(chain, gone, offer_at + 6 * H, *offered.by, happened_at=offer_at + 40 * M)
    assert released > offer_at + 6 * H
    assert "BAG-GAP" in blocked_gates(chain.verdict_at(PREPARE))


def test_release_of_a_cold_life_does_not_cover_a_removal_recorded_later(chain):
    arrived = chain.step("shipment_arrived").at
    decided(chain, arrived + M)
    assert chain.verdict_at(RECEIPT).is_go
    removed = chain.step("bag_stored").at + timedelta(days=5)
    put(chain, LoggerRemoved(equipment=FREEZER, logger=FREEZER_LOGGER, removed_at=removed), arrived + 5 * M, PACKER)
    assert "BAG-COLD" in blocked_gates(chain.verdict_at(RECEIPT))


def test_release_of_a_cold_life_does_not_cover_a_calibration_corrected_later(chain):
    arrived = chain.step("shipment_arrived").at
    decided(chain, arrived + 10.5 * M)
    where = of_logger(chain.cast.trip_logger)
    due = arrived.date() - timedelta(days=2)
    correct(chain, "logger_calibrated", arrived + 12 * M, QA, where=where, due_on=due)
    assert "BAG-COLD" in blocked_gates(chain.verdict_at(RECEIPT))


def test_release_of_a_cold_life_does_not_cover_marks_recorded_later(chain):
    """The file is read and quality decides before the arrival, with its tripped marks, is written down."""
    arrived = chain.step("shipment_arrived").at
    i = trip_file(chain)
    chain.steps[i] = dataclasses.replace(chain.steps[i], at=arrived - 0.9 * M)
    step = chain.steps[i]
    act, series, data = logger_file(chain.cast.trip_logger, step.series.start, arrived - M, "-190.0")
    chain.steps[i] = dataclasses.replace(step, act=act, series=series, file=data)
    decided(chain, arrived - 0.5 * M)
    chain.change("shipment_arrived", shock_and_tilt_marks_clear=Answer.NO)
    assert "BAG-COLD" in blocked_gates(chain.verdict_at(RECEIPT))


def test_release_of_a_cold_life_does_not_cover_a_shock_in_a_file_read_later(chain):
    """The device's clock ran two days late: by its own times alone no file is left out, but nothing says when its shock became known."""
    arrived = chain.step("shipment_arrived").at
    decided(chain, arrived + 10.5 * M)
    start = chain.step("bag_packed").act.packed_at - timedelta(days=2)
    act, series, _ = logger_file(chain.cast.trip_logger, start, start + 3 * H, "-190.0")
    put(chain, dataclasses.replace(act, shock_or_tilt=True), arrived + 12 * M, RECEIVERS[0], series=series)
    assert "BAG-COLD" in blocked_gates(chain.verdict_at(RECEIPT))


def test_hand_over_written_down_late_is_judged_by_what_was_allowed_when_it_was_offered(chain):

    second_version(chain, "premedication_given", gap_internal_min="60")
    approved = chain.step("premedication_given").at - M
    offered, accepted = chain.step("handoff_offered", 2), chain.step("handoff_accepted", 2)
    i, j = chain.index("handoff_offered", 2), chain.index("handoff_accepted", 2)
    began = offered.act.offered_at
    chain.steps[i] = dataclasses.replace(offered, at=approved + 0.1 * M, happened_at=began)
    chain.steps[j] = dataclasses.replace(accepted, at=approved + 0.2 * M, happened_at=began + 14 * M)
    assert "BAG-GAP" not in blocked_gates(chain.verdict_at(BEDSIDE))
    chain.change("handoff_offered", 2, offered_at=began - 4 * M)
    assert "BAG-GAP" in blocked_gates(chain.verdict_at(BEDSIDE))


@pytest.mark.parametrize("what", ["chorioamnionitis", "sample too late", "sample diluted"])
def test_delivery_or_sample_corrected_after_the_release_stops_the_bag(chain, what):
    at = chain.step("shipper_sealed").at - H
    match what:
        case "chorioamnionitis":
            step = chain.step("cord_collected")
            correct(chain, "cord_collected", at, *step.by[:1], chorioamnionitis=True)
        case "sample too late":
            step, n = chain.step("donor_sampled"), sum(s.name == "donor_sampled" for s in chain.steps)
            assert n == 1
            late = chain.step("cord_collected").act.delivered_at + timedelta(days=8)
            correct(chain, "donor_sampled", at, *step.by[:1], taken_at=late)
        case "sample diluted":
            step = chain.step("donor_sampled")
            correct(chain, "donor_sampled", at, *step.by[:1], blood_ml_48h=Decimal(9000))
    assert blocked_gates(chain.verdict_at(BEDSIDE)) == {"BAG-DONOR"}


def test_another_version_of_the_study_does_not_judge_a_donor_anew(chain):

    first = chain.step("study_proposed")
    content = json.loads(first.act.content)
    content["settings"]["jurisdiction"] = "eu"
    chain.change("study_proposed", content=json.dumps(content))
    where = of_test("HBC_AB")
    result = chain.step("donor_test_resulted", where=where)
    chain.change("donor_test_resulted", where=where, outcome=type(result.act.outcome).REACTIVE)
    risk = DonorRiskAssessed(donation=chain.cast.donation, test="HBC_AB", acceptable=True, reason="NAT negative", document="RA-1")
    determined = chain.step("eligibility_determined")
    put(chain, risk, determined.at - M, *determined.by)
    assert chain.verdict_at(BEDSIDE).is_go
    second_version(chain, "infusion_started", jurisdiction="strict")
    assert blocked_gates(chain.verdict_at(BEDSIDE)) == set()


def test_a_decision_that_says_no_does_not_end_the_receipt_quarantine(chain):
    bag = chain.cast.dose_bags[0]
    at = chain.step("bag_accepted", where=lambda a: a.bag == bag).at
    refused = shipping.BagRefusedAtReceipt(bag=bag, shipment=chain.cast.shipment, reject=False, reason="seal looks opened")
    put(chain, refused, at - 2 * M, *RECEIVERS)
    assert blocked_gates(chain.verdict_at(RECEIPT)) == {"RCV-DEC"}
    no = GapDisposed(node=bag, gap_started_at=at - H, gap_ended_at=at, seals_intact=False, trace_continuous=False, reason="opened")
    put(chain, no, at - M, QA)
    assert blocked_gates(chain.verdict_at(RECEIPT)) == {"RCV-DEC"}
