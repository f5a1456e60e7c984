"""A shipper that is taken in place of the first, a trip after another: each scan, file and shock speaks for its own."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from custody.domain.acts import shipping
from custody.domain.deeds import Deeds
from custody.domain.folds.bag import BagFold, BagState
from custody.domain.folds.study import StudyFold
from custody.domain.ids import LoggerId, ShipmentId, ShipperId
from custody.domain.terms import HoldPoint
from custody.gates import evaluate
from custody.workflows.rehearsal.files import logger_file
from custody.workflows.rehearsal.steps import STUDY
from tests.chain import blocked_gates, reasons
from tests.gates.altered import put
from tests.gates.transport import (
    PACKER,
    QA,
    RECEIVERS,
    VERIFIER,
    of_logger,
    read,
    rewrite_trip_file,
    trip_file,
)

SHIP, RECEIPT, PREPARE = HoldPoint.SHIP, HoldPoint.RECEIPT, HoldPoint.PREPARE
H = timedelta(hours=1)
M = timedelta(minutes=1)


def other_shipper(chain, logger=None):
    """The first shipper is given up after the bags were in it; all are scanned into another, sealed, sent: as the test of the change."""
    taken = chain.step("packing_started").act
    at = chain.step("shipper_sealed").at
    other = dataclasses.replace(chain.step("shipper_qualified").act, shipper=ShipperId("SHIPPER-77"))
    chain.add(other, before="shipper_sealed", by=QA, minutes=5)
    fields = {"shipper": ShipperId("SHIPPER-77")} | ({"loggers": (logger,)} if logger else {})
    chain.add(dataclasses.replace(taken, **fields), before="shipper_sealed", by=PACKER)
    chain.change("shipper_sealed", shipper=ShipperId("SHIPPER-77"))
    chain.change("shipment_arrived", shipper=ShipperId("SHIPPER-77"))
    again = [step for step in chain.steps if step.name == "bag_packed"]
    chain.move("shipper_sealed", 5)
    for number, step in enumerate(again):
        when = at + timedelta(minutes=1 + number)
        put(chain, dataclasses.replace(step.act, packed_at=when), when, *step.by)


def unpacked_first(chain):
    at = chain.step("shipper_sealed").at
    first = [step for step in chain.steps if step.name == "bag_packed"][:3]
    for n, step in enumerate(first):
        un = shipping.BagUnpacked(bag=step.act.bag, shipment=step.act.shipment, reason="shipper is warm")
        put(chain, un, at - timedelta(minutes=6.5) + n * timedelta(seconds=5), *step.by)


def test_bags_scanned_into_another_shipper_arrive_without_a_gap(chain):
    other_shipper(chain)
    assert chain.verdict_at(SHIP).is_go
    assert blocked_gates(chain.verdict_at(RECEIPT)) == set()


@pytest.mark.parametrize("unpacked", [True, False])
def test_logger_of_the_first_shipper_speaks_for_the_time_in_it(chain, unpacked):
    """The first shipper was warm; its own logger says so; another with another logger, cold since the morning, was taken in its place."""
    trip = chain.cast.trip_logger
    new = LoggerId("LOGGER-T-0002")
    for name in ("logger_registered", "logger_calibrated", "logger_started"):
        step = chain.step(name, where=of_logger(trip))
        put(chain, dataclasses.replace(step.act, logger=new), step.at + timedelta(seconds=1), *step.by)
    packed = chain.step("bag_packed").act.packed_at
    index = trip_file(chain)
    step = chain.steps[index]
    # The good file is the new logger's.
    act, series, data = logger_file(new, step.series.start, step.series.end, "-190.0")
    chain.steps[index] = dataclasses.replace(step, act=act, series=series, file=data)
    # The first was read when the shipper was given up: -100 °C since before the bags were put in.
    read(chain, trip, step.series.start, packed + 16 * M, packed + 17 * M, "-100.0")
    if unpacked:
        unpacked_first(chain)
    other_shipper(chain, new)
    assert "BAG-COLD" in blocked_gates(chain.verdict_at(RECEIPT))


def test_scan_begun_into_the_old_shipper_is_none_into_the_new(chain):
    """One person had scanned the bags into the old shipper; the other signed when the shipper was another already."""

    taken = chain.step("packing_started").act
    other = dataclasses.replace(chain.step("shipper_qualified").act, shipper=ShipperId("SHIPPER-77"))
    chain.add(other, before="shipper_sealed", by=QA)
    chain.add(dataclasses.replace(taken, shipper=ShipperId("SHIPPER-77")), before="shipper_sealed", by=PACKER, minutes=1)
    chain.change("shipper_sealed", shipper=ShipperId("SHIPPER-77"))
    case, now = chain.case_at(SHIP)
    assert reasons(evaluate(SHIP, case, now), "SHP-SCAN") == {"bags_not_scanned"}
    streams = dict(case.dossier.streams)
    for bag in chain.cast.dose_bags + tuple(b for b in chain.cast.bags if b not in chain.cast.dose_bags):
        streams[bag.key] = Deeds(
            dataclasses.replace(d, entry=dataclasses.replace(d.entry, recorded_at=now - 0.5 * M))
            if isinstance(d.act, shipping.BagPacked)
            else d
            for d in streams.get(bag.key, ())
        )
    case = dataclasses.replace(case, dossier=dataclasses.replace(case.dossier, streams=streams))
    assert reasons(evaluate(SHIP, case, now), "SHP-SCAN") == {"bags_not_scanned"}


def test_shock_of_the_next_trip_of_the_logger_stops_no_bag_that_has_arrived(chain):
    """The shipper goes back empty, on its side; its logger, started anew, is read the same evening."""
    trip = chain.cast.trip_logger
    back = chain.step("shipment_arrived").at + 4 * H
    put(chain, shipping.LoggerStarted(logger=trip, started_at=back), back, RECEIVERS[0])
    act, series, _ = logger_file(trip, back, back + 4 * H, "-190.0")
    put(chain, dataclasses.replace(act, shock_or_tilt=True), back + 5 * H, PACKER, series=series)
    assert blocked_gates(chain.verdict_at(PREPARE)) == set()


def test_interval_of_an_earlier_trip_says_nothing_of_this_one(chain):
    """Every minute then; every ten now, and it was read out some minutes before the bag was put away."""
    trip = chain.cast.trip_logger

    rewrite_trip_file(chain, ends_earlier=10)
    assert chain.verdict_at(RECEIPT).is_go
    registered = chain.step("logger_registered", where=of_logger(trip)).at
    act, series, _ = logger_file(trip, registered + H, registered + 5 * H, "-190.0", 1)
    put(chain, act, registered + 6 * H, PACKER, series=series)
    assert blocked_gates(chain.verdict_at(RECEIPT)) == set()


def test_spare_packed_to_be_sent_on_and_taken_out_again_is_on_site(chain):
    accepted = chain.step("bag_accepted", 1).at
    bag = chain.cast.dose_bags[1]

    put(chain, shipping.BagPacked(bag=bag, shipment=ShipmentId("SH-TWO"), packed_at=accepted + H), accepted + H, PACKER, VERIFIER)
    put(chain, shipping.BagUnpacked(bag=bag, shipment=ShipmentId("SH-TWO"), reason="stays"), accepted + H + 2 * M, PACKER, VERIFIER)
    stored = chain.step("bag_stored", where=lambda a: a.bag == bag, nth=-1)
    put(chain, dataclasses.replace(stored.act, stored_at=accepted + H + 3 * M), accepted + H + 3 * M, *stored.by)
    assert "PRP-ORDER" not in blocked_gates(chain.verdict_at(PREPARE))


def state_of(chain, bag):
    dossier = chain.played().dossier(bag, STUDY)
    return BagFold(dossier, bag, StudyFold(dossier, STUDY)).state


@pytest.mark.parametrize(("refused", "state"), [(False, BagState.RECEIVED), (True, BagState.RECEIPT_QUARANTINE)])
def test_bag_packed_to_be_sent_on_and_taken_out_again_is_what_it_was(chain, refused, state):
    bag, accepted = chain.cast.dose_bags[1], chain.step("bag_accepted", 1).at
    chain.steps = [step for step in chain.steps if step.at <= accepted]
    if refused:
        decision = shipping.BagRefusedAtReceipt(bag=bag, shipment=chain.cast.shipment, reject=False, reason="frost looks odd")
        put(chain, decision, accepted + M, *RECEIVERS)
    assert state_of(chain, bag) is state
    put(chain, shipping.BagPacked(bag=bag, shipment=ShipmentId("SH-TWO"), packed_at=accepted + H), accepted + H, PACKER, VERIFIER)
    assert state_of(chain, bag) is BagState.PACKED
    put(chain, shipping.BagUnpacked(bag=bag, shipment=ShipmentId("SH-TWO"), reason="stays"), accepted + H + 2 * M, PACKER, VERIFIER)
    assert state_of(chain, bag) is state
