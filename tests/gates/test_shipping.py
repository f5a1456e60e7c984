"""Hold point G8: what keeps a shipper from leaving, one thing at a time."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from decimal import Decimal

import pytest

from custody.domain.acts.shipping import BagUnpacked, LoggerFileRead
from custody.domain.ids import SealNumber, ShipperId
from custody.domain.terms import HoldPoint, StorageForm
from custody.gates import evaluate
from tests.chain import blocked_gates, reasons
from tests.gates.altered import change_settings
from tests.gates.transport import PACKER, VERIFIER, of_logger

MICRO = timedelta(microseconds=1)
DAY = timedelta(days=1)


def stopped_by(chain):
    verdict = chain.verdict_at(HoldPoint.SHIP)
    return {(gate, reason) for gate in blocked_gates(verdict) for reason in reasons(verdict, gate)}


def test_packed_shipper_of_the_valid_chain_may_leave(chain):
    assert chain.verdict_at(HoldPoint.SHIP).is_go


def test_another_shipper_than_the_packed_one_is_stopped(chain):
    chain.change("shipper_sealed", shipper=ShipperId("SHIPPER-9999"))
    assert stopped_by(chain) == {("SHP-BOX", "shipper_not_the_packed_one")}


def test_shipper_for_another_temperature_is_stopped(chain):
    chain.change("shipment_planned", form=StorageForm.COLD_2_8)
    assert ("SHP-BOX", "shipper_form_differs") in stopped_by(chain)


@pytest.mark.parametrize(("days", "stopped"), [(0, set()), (-1, {("SHP-BOX", "shipper_not_qualified")})])
def test_shipper_is_qualified_up_to_and_including_its_last_day(chain, days, stopped):
    chain.change("shipper_qualified", qualified_until=chain.step("shipment_arrived").at.date() + days * DAY)
    assert stopped_by(chain) == stopped


def test_shipper_qualified_only_from_tomorrow_is_stopped(chain):
    chain.change("shipper_qualified", qualified_on=chain.step("shipper_sealed").at.date() + DAY)
    assert stopped_by(chain) == {("SHP-BOX", "shipper_not_qualified")}


def test_shipper_nobody_qualified_is_stopped(chain):
    chain.drop("shipper_qualified")
    assert stopped_by(chain) == {("SHP-BOX", "missing"), ("SHP-TIME", "missing")}


@pytest.mark.parametrize(("minutes", "stopped"), [(0, set()), (-1, {("SHP-TIME", "hold_time_too_short")})])
def test_hold_time_left_covers_the_way_and_a_day(chain, minutes, stopped):
    used = (chain.step("shipper_sealed").at - chain.step("packing_started").act.charged_at) // timedelta(minutes=1)
    chain.change("shipper_qualified", hold_minutes=used + 240 + 24 * 60 + minutes)
    assert stopped_by(chain) == stopped


def test_margin_of_the_hold_time_is_the_studys(chain):
    used = (chain.step("shipper_sealed").at - chain.step("packing_started").act.charged_at) // timedelta(minutes=1)
    chain.change("shipper_qualified", hold_minutes=used + 240 + 60)
    change_settings(chain, ship_hold_margin_h=Decimal(1))
    assert stopped_by(chain) == set()


def test_shipper_charged_in_the_future_is_stopped(chain):
    chain.change("packing_started", charged_at=chain.step("shipper_sealed").at + MICRO)
    assert stopped_by(chain) == {("SHP-TIME", "charged_in_future")}


@pytest.mark.parametrize(("days", "stopped"), [(0, set()), (-1, {("SHP-LOG", "logger_calibration_ends")})])
def test_logger_is_calibrated_up_to_and_including_the_day_it_is_due(chain, days, stopped):
    due_on = chain.step("shipper_sealed").at.date() + days * DAY
    chain.change("logger_calibrated", where=of_logger(chain.cast.trip_logger), due_on=due_on)
    assert stopped_by(chain) == stopped


def test_logger_nobody_calibrated_is_stopped(chain):
    chain.drop("logger_calibrated", where=of_logger(chain.cast.trip_logger))
    assert stopped_by(chain) == {("SHP-LOG", "missing")}


def test_shipper_without_a_logger_is_stopped(chain):
    chain.change("packing_started", loggers=())
    assert stopped_by(chain) == {("SHP-LOG", "no_logger")}


def test_logger_that_was_not_started_is_stopped(chain):
    chain.drop("logger_started", where=of_logger(chain.cast.trip_logger))
    assert stopped_by(chain) == {("SHP-LOG", "logger_not_started")}


def test_logger_read_out_since_its_start_is_not_running(chain):
    read = next(s for s in chain.steps if isinstance(s.act, LoggerFileRead) and s.act.logger == chain.cast.trip_logger)
    chain.add(read.act, before="shipper_sealed", by=PACKER, series=read.series, file=read.file)
    assert stopped_by(chain) == {("SHP-LOG", "logger_not_started")}


@pytest.mark.parametrize(("late", "stopped"), [(timedelta(0), set()), (MICRO, {("SHP-LOG", "logger_started_late")})])
def test_logger_is_started_before_the_first_bag_is_loaded(chain, late, stopped):
    loaded_at = chain.step("bag_packed").act.packed_at
    chain.change("logger_started", where=of_logger(chain.cast.trip_logger), started_at=loaded_at + late)
    assert stopped_by(chain) == stopped


@pytest.mark.parametrize(("interval", "stopped"), [("10", set()), ("10.1", {("SHP-LOG", "logger_interval_too_long")})])
def test_logger_measures_often_enough(chain, interval, stopped):
    chain.change("logger_registered", where=of_logger(chain.cast.trip_logger), interval_minutes=Decimal(interval))
    assert stopped_by(chain) == stopped


def test_shipper_without_a_seal_is_stopped(chain):
    chain.change("shipper_sealed", seals=())
    assert stopped_by(chain) == {("SHP-SEAL", "no_seal")}


def test_one_seal_scanned_twice_is_stopped(chain):
    chain.change("shipper_sealed", seals=(SealNumber("S-1"), SealNumber("S-1")))
    assert stopped_by(chain) == {("SHP-SEAL", "seal_scanned_twice")}


def test_missing_document_is_stopped_and_named(chain):
    chain.change("shipper_sealed", documents=("release_certificate", "instructions", "emergency_phone"))
    assert stopped_by(chain) == {("SHP-DOC", "documents_not_packed")}
    outcome = next(f.outcome for f in chain.verdict_at(HoldPoint.SHIP).blocking)
    assert outcome.reason.values["documents"] == ("packing_list",)


def test_bag_of_the_list_that_was_not_scanned_is_stopped(chain):
    chain.drop("bag_packed")
    assert stopped_by(chain) == {("SHP-SCAN", "bags_not_scanned")}


def test_bag_taken_out_again_counts_as_not_scanned(chain):
    out = BagUnpacked(bag=chain.cast.bags[0], shipment=chain.cast.shipment, reason="label to be checked")
    chain.add(out, before="shipper_sealed", by=(PACKER, VERIFIER))
    assert ("SHP-SCAN", "bags_not_scanned") in stopped_by(chain)


def test_bag_left_out_of_the_sealing_is_stopped(chain):
    bags = chain.step("shipper_sealed").act.bags
    chain.change("shipper_sealed", bags=bags[1:])
    assert stopped_by(chain) == {("SHP-SCAN", "bags_differ_from_list")}


def test_bag_sealed_in_twice_is_stopped(chain):
    bags = chain.step("shipper_sealed").act.bags
    chain.change("shipper_sealed", bags=(*bags, bags[0]))
    assert stopped_by(chain) == {("SHP-SCAN", "bags_differ_from_list")}


def test_packing_list_that_names_a_bag_twice_is_stopped(chain):
    bags = chain.step("shipper_sealed").act.bags
    for name in ("shipment_planned", "shipper_sealed"):
        chain.change(name, bags=(*bags, bags[0]))
    assert stopped_by(chain) == {("SHP-SCAN", "packing_list_faulty")}


def test_bag_packed_into_another_shipper_is_stopped(chain):
    chain.change("bag_packed", shipment=dataclasses.replace(chain.cast.shipment, value="SH-9999"))
    assert ("SHP-SCAN", "bags_not_scanned") in stopped_by(chain)


def test_shipment_nobody_planned_is_stopped_everywhere(chain):
    chain.drop("shipment_planned")
    verdict = chain.verdict_at(HoldPoint.SHIP)
    assert {r for gate in blocked_gates(verdict) for r in reasons(verdict, gate)} == {"missing"}
    assert {"SHP-BOX", "SHP-TIME", "SHP-LOG", "SHP-DOC", "SHP-SCAN", "BAG-REL"} <= blocked_gates(verdict)


def test_only_a_sealing_is_judged_by_its_seals_and_documents(chain):
    case, now = chain.case_at(HoldPoint.SHIP)
    other = dataclasses.replace(case, proposed=chain.step("shipment_planned").act)
    verdict = evaluate(HoldPoint.SHIP, other, now)
    assert all("missing" in reasons(verdict, gate) for gate in ("SHP-BOX", "SHP-SEAL", "SHP-DOC", "SHP-SCAN"))
