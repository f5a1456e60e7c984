"""Facts of another time: what came late, what was of another trip or freezer, and what was recorded again."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from decimal import Decimal

import pytest

import tests.chain
from custody.domain.acts import allocation, shipping
from custody.domain.acts.donation import ConsentWithdrawn
from custody.domain.acts.equipment import LoggerInstalled, LoggerRemoved
from custody.domain.acts.manufacturing import BagRetained, BagTakenOut
from custody.domain.acts.quality import GapDisposed, HoldPlaced
from custody.domain.folds.study import StudyFold
from custody.domain.ids import (
    AccountId,
    CohortId,
    EquipmentId,
    KitId,
    LoggerId,
    PersonId,
    SealNumber,
    ShipmentId,
    ShipperId,
    SiteId,
)
from custody.domain.readings import Gap
from custody.domain.terms import Answer, DonorTestOutcome, HoldPoint
from custody.workflows.rehearsal.files import logger_file
from custody.workflows.rehearsal.places import FREEZER, FREEZER_LOGGER
from custody.workflows.rehearsal.steps import STUDY, people
from tests.chain import blocked_gates, reasons
from tests.gates.altered import put, second_version, verdict_knowing
from tests.gates.transport import PACKER, PREPARERS, QA, RECEIVERS, VERIFIER, install_second, of_logger, read, until

SHIP, RECEIPT, PREPARE, BEDSIDE = HoldPoint.SHIP, HoldPoint.RECEIPT, HoldPoint.PREPARE, HoldPoint.BEDSIDE
COORDINATOR = "demo-coordinator-one"
WARD_LOGGER, WARD = LoggerId("LOGGER-F91"), EquipmentId("LN2-91")
H = timedelta(hours=1)
M = timedelta(minutes=1)


# ── the donor ──


@pytest.mark.parametrize("point", [SHIP, BEDSIDE])
@pytest.mark.parametrize(
    ("outcome", "reason"), [(DonorTestOutcome.REACTIVE, "test_reactive"), (DonorTestOutcome.INDETERMINATE, "test_indeterminate")]
)
def test_result_that_comes_after_the_release_stops_the_bag(chain, point, outcome, reason):
    """Whether or not anybody has withdrawn the determination yet."""
    late = dataclasses.replace(chain.step("donor_test_resulted").act, outcome=outcome)
    chain.add(late, before="shipper_sealed", by=COORDINATOR)
    verdict = chain.verdict_at(point)
    assert blocked_gates(verdict) == {"BAG-DONOR"}
    assert reasons(verdict, "BAG-DONOR") == {reason}


@pytest.mark.parametrize("point", [SHIP, BEDSIDE])
def test_history_that_comes_after_the_release_stops_the_bag(chain, point):
    late = dataclasses.replace(chain.step("donor_history_taken").act, infection_risk=Answer.YES)
    chain.add(late, before="shipper_sealed", by=COORDINATOR)
    assert reasons(chain.verdict_at(point), "BAG-DONOR") == {"history_risk"}


def test_consent_sheet_recorded_again_after_the_withdrawal_takes_nothing_back(chain):
    consent, at = chain.step("consent_signed"), chain.step("shipper_sealed").at
    put(chain, ConsentWithdrawn(donor=chain.cast.donor, withdrawn_at=at - timedelta(days=1)), at - timedelta(hours=2), *consent.by)
    again = dataclasses.replace(consent.act, scopes=("research",))
    put(chain, again, at - timedelta(hours=1), *consent.by, happened_at=consent.at)
    for point in (SHIP, BEDSIDE):
        assert blocked_gates(chain.verdict_at(point)) == {"BAG-DONOR"}


# ── the bag ──


def test_retained_sample_that_is_packed_stays_one(chain):
    bag = chain.cast.dose_bags[0]
    packed = chain.step("bag_packed", where=lambda act: act.bag == bag).at
    put(chain, BagRetained(bag=bag, place="retain shelf", until=packed.date()), packed - timedelta(minutes=30), "demo-operator-one")
    for point in (SHIP, BEDSIDE):
        assert "BAG-STATE" in blocked_gates(chain.verdict_at(point))


@pytest.mark.parametrize("point", [SHIP, RECEIPT])
def test_hold_on_the_kit_reaches_the_bag_before_its_dose_is_at_hand(chain, point):
    kit = KitId("KIT-0001")
    reserved = allocation.BagReserved(bag=chain.cast.dose_bags[0], dose=chain.cast.dose, kit=kit)
    held = HoldPlaced(node=kit, hold="H-1", reason="label", owner="QA")
    assert "BAG-HOLD" not in blocked_gates(verdict_knowing(chain, point, reserved))
    assert "BAG-HOLD" in blocked_gates(verdict_knowing(chain, point, reserved, held))


def test_certificate_of_the_shipper_found_later_is_no_newer_one(chain):
    qualified = chain.step("shipper_qualified")
    before = qualified.act.qualified_on - timedelta(days=400)
    older = dataclasses.replace(qualified.act, qualified_on=before, qualified_until=before + timedelta(days=365), hold_minutes=10)
    put(chain, older, chain.step("shipper_sealed").at - timedelta(minutes=5), *qualified.by)
    assert chain.verdict_at(SHIP).is_go


def sent_on(chain, monkeypatch):
    """A bag in receipt quarantine, packed again by the hospital and accepted at the next."""
    cast = people()
    ward = {
        f"ward-{name}": dataclasses.replace(
            cast[name], site=SiteId("A9992"), account=AccountId(f"ward-{name}"), person=PersonId(f"WARD-{name}".upper())
        )
        for name in (PACKER, VERIFIER)
    }
    monkeypatch.setattr(tests.chain, "people", lambda: {**cast, **ward})
    pair, bag, second, seals = tuple(ward), chain.cast.dose_bags[0], ShipmentId("SH-TWO"), (SealNumber("S9-1"),)
    accepted = chain.step("bag_accepted", where=lambda act: act.bag == bag)
    began = accepted.at
    chain.steps = [step for step in chain.steps if step.at < began or step.name == "logger_file_read"]

    def after(minutes):
        return began + timedelta(minutes=minutes)

    def again(name, **fields):
        return dataclasses.replace(chain.step(name).act, shipment=second, **fields)

    refused = shipping.BagRefusedAtReceipt(bag=bag, shipment=chain.cast.shipment, reject=False, reason="frost looks odd")
    act, series, _ = logger_file(chain.cast.trip_logger, after(-20), after(40), "-190.0")
    steps = [
        (refused, 0, RECEIVERS),
        (again("shipment_planned", origin=SiteId("A9992"), bags=(bag,)), 1, pair[:1]),
        (shipping.LoggerStarted(logger=chain.cast.trip_logger, started_at=after(1)), 1.1, pair[:1]),
        (again("packing_started"), 1.2, pair[:1]),
        (shipping.BagPacked(bag=bag, shipment=second, packed_at=after(2)), 2, pair),
        (again("shipper_sealed", seals=seals, bags=(bag,)), 4, pair),
        (again("shipment_arrived", seals=seals, arrived_at=after(29), bags_counted=1), 30, RECEIVERS[:1]),
        (dataclasses.replace(accepted.act, shipment=second), 33, RECEIVERS),
    ]
    for made, minutes, by in steps:
        put(chain, made, after(minutes), *by)
    put(chain, act, after(31), RECEIVERS[0], series=series)


def test_quarantine_at_receipt_travels_with_the_bag_until_quality_decides(chain, monkeypatch):
    sent_on(chain, monkeypatch)
    assert reasons(chain.verdict_at(RECEIPT), "RCV-DEC") == {"receipt_in_quarantine"}


def test_spare_that_was_sent_on_is_not_on_site(chain):
    sent = shipping.BagPacked(bag=chain.cast.dose_bags[1], shipment=ShipmentId("SH-TWO"), packed_at=chain.step("bag_accepted", 1).at)
    chain.add(sent, before="bag_preparation_started", by=(PACKER, VERIFIER))
    assert reasons(chain.verdict_at(HoldPoint.PREPARE), "PRP-ORDER") == {"bag_not_on_site"}


def test_scans_into_another_shipper_are_none_into_the_one_that_was_taken_in_its_place(chain):
    taken = chain.step("packing_started").act
    chain.add(dataclasses.replace(taken, shipper=ShipperId("SHIPPER-77")), before="packing_started", by=PACKER, minutes=5)
    assert chain.verdict_at(SHIP).is_go
    other = dataclasses.replace(chain.step("shipper_qualified").act, shipper=ShipperId("SHIPPER-77"))
    chain.add(other, before="shipper_sealed", by=QA)
    chain.add(dataclasses.replace(taken, shipper=ShipperId("SHIPPER-77")), before="shipper_sealed", by=PACKER)
    chain.change("shipper_sealed", shipper=ShipperId("SHIPPER-77"))
    assert reasons(chain.verdict_at(SHIP), "SHP-SCAN") == {"bags_not_scanned"}
    at = chain.step("shipper_sealed").at
    again = [step for step in chain.steps if step.name == "bag_packed"]
    chain.move("shipper_sealed", 10)
    for number, step in enumerate(again):
        when = at + timedelta(minutes=1 + number)
        put(chain, dataclasses.replace(step.act, packed_at=when), when, *step.by)
    assert chain.verdict_at(SHIP).is_go


# ── custody ──


@pytest.mark.parametrize(("late", "later_minutes", "blocked"), [(13, "60", {"BAG-GAP"}), (0, "0.01", set())])
def test_hand_over_is_judged_by_what_was_allowed_when_it_was_offered(chain, late, later_minutes, blocked):
    chain.move("handoff_accepted", late, nth=2)
    second_version(chain, "infusion_started", gap_internal_min=later_minutes)
    assert blocked_gates(chain.verdict_at(BEDSIDE)) == blocked


def test_decision_on_a_gap_says_nothing_of_one_that_becomes_known_later(chain):
    """The first nurse took it a quarter of an hour late; quality decided; then it is found that a maker's freezer had it meanwhile."""
    chain.move("handoff_accepted", 13, nth=2)
    bag, offered, accepted = chain.cast.bags[0], chain.step("handoff_offered", 2).at, chain.step("handoff_accepted", 2).at
    disposed = GapDisposed(
        node=bag,
        gap_started_at=chain.step("bag_accepted").at - timedelta(hours=1),
        gap_ended_at=accepted + timedelta(minutes=5),
        seals_intact=True,
        trace_continuous=True,
        reason="camera",
    )
    put(chain, disposed, accepted + timedelta(minutes=5), QA)
    assert chain.verdict_at(BEDSIDE).is_go
    elsewhere = BagTakenOut(bag=bag, taken_at=offered)
    put(chain, elsewhere, accepted + timedelta(minutes=6), PACKER, VERIFIER, happened_at=offered)
    verdict = chain.verdict_at(BEDSIDE)
    assert reasons(verdict, "BAG-GAP") == {"gap_place_jumped"}
    put(chain, disposed, accepted + timedelta(minutes=7), QA)
    assert "BAG-GAP" not in blocked_gates(chain.verdict_at(BEDSIDE))


# ── loggers ──


def test_logger_out_of_calibration_in_the_middle_of_a_stay_waits_for_quality(chain):
    stored, packed = chain.step("bag_stored").at, chain.step("bag_packed").at
    first = chain.step("logger_calibrated", where=of_logger(FREEZER_LOGGER))
    chain.change("logger_calibrated", where=of_logger(FREEZER_LOGGER), due_on=(stored + timedelta(days=1)).date())
    days = {"calibrated_on": (packed - timedelta(days=1)).date(), "due_on": (packed + timedelta(days=360)).date()}
    put(chain, dataclasses.replace(first.act, **days), packed - timedelta(hours=20), *first.by)
    assert reasons(chain.verdict_at(SHIP), "BAG-COLD") == {"logger_not_calibrated"}


def test_logger_calibrated_again_on_the_day_it_was_due_is_in_calibration(chain):
    stored, packed = chain.step("bag_stored").at, chain.step("bag_packed").at
    first = chain.step("logger_calibrated", where=of_logger(FREEZER_LOGGER))
    due_on = (stored + timedelta(days=1)).date()
    chain.change("logger_calibrated", where=of_logger(FREEZER_LOGGER), due_on=due_on)
    days = {"calibrated_on": due_on + timedelta(days=1), "due_on": (packed + timedelta(days=360)).date()}
    put(chain, dataclasses.replace(first.act, **days), stored + timedelta(days=2), *first.by)
    assert chain.verdict_at(SHIP).is_go


def test_logger_retired_before_the_bag_was_filled_stops_nothing(chain):
    replaced = chain.step("bags_filled").at - timedelta(days=30)
    new = install_second(chain, replaced)
    chain.change("logger_file_read", where=of_logger(FREEZER_LOGGER), logger=new)
    read(chain, FREEZER_LOGGER, replaced - timedelta(days=1), replaced, replaced + timedelta(minutes=10))
    chain.change("logger_calibrated", where=of_logger(FREEZER_LOGGER), due_on=(replaced + timedelta(days=1)).date())
    assert chain.verdict_at(SHIP).is_go


def test_logger_replaced_in_the_middle_of_a_stay_stops_nothing(chain):
    """The calibration of the old one lapses later, on a shelf."""
    swapped = chain.step("bag_stored").at + timedelta(days=10)
    new = install_second(chain, swapped - timedelta(hours=1))
    read_at, end = until(chain, swapped)
    read(chain, new, swapped - timedelta(minutes=50), end, read_at)
    chain.change("logger_calibrated", where=of_logger(FREEZER_LOGGER), due_on=(swapped + timedelta(days=5)).date())
    assert chain.verdict_at(SHIP).is_go


def test_freezer_logger_taken_to_another_freezer_no_longer_speaks_for_the_first(chain):
    moved = chain.step("bag_packed").act.packed_at - timedelta(days=2)
    put(chain, LoggerInstalled(equipment=EquipmentId("FREEZER-77"), logger=FREEZER_LOGGER, installed_at=moved), moved, PACKER)
    assert blocked_gates(chain.verdict_at(SHIP)) == {"BAG-COLD"}


def test_what_a_logger_meets_in_another_freezer_stops_no_bag_of_the_first(chain):
    moved = chain.step("bag_packed").act.packed_at - timedelta(days=2)
    new = install_second(chain, moved - timedelta(days=1))
    read_at, end = until(chain, moved)
    read(chain, new, moved - timedelta(days=1), end, read_at)
    read(chain, FREEZER_LOGGER, moved + timedelta(hours=1), end, read_at, "-80.0")
    put(chain, LoggerInstalled(equipment=EquipmentId("FREEZER-77"), logger=FREEZER_LOGGER, installed_at=moved), moved, PACKER)
    assert chain.verdict_at(SHIP).is_go


def test_logger_that_came_back_speaks_for_its_freezer_again(chain):
    stored, packed = chain.step("bag_stored").at, chain.step("bag_packed").at
    away, back = stored + timedelta(days=1), stored + timedelta(days=1, minutes=5)
    assert back < packed
    put(chain, LoggerInstalled(equipment=EquipmentId("FREEZER-77"), logger=FREEZER_LOGGER, installed_at=away), away, PACKER)
    put(chain, LoggerInstalled(equipment=FREEZER, logger=FREEZER_LOGGER, installed_at=back), back, PACKER)
    assert chain.verdict_at(SHIP).is_go


def test_freezer_logger_that_was_taken_out_no_longer_speaks_for_its_freezer(chain):
    taken = chain.step("bag_packed").act.packed_at - timedelta(days=2)
    put(chain, LoggerRemoved(equipment=FREEZER, logger=FREEZER_LOGGER, removed_at=taken), taken, PACKER)
    assert blocked_gates(chain.verdict_at(SHIP)) == {"BAG-COLD"}


def test_logger_taken_out_and_put_back_speaks_for_its_freezer_again(chain):
    taken = chain.step("bag_stored").at + timedelta(days=1)
    put(chain, LoggerRemoved(equipment=FREEZER, logger=FREEZER_LOGGER, removed_at=taken), taken, PACKER)
    for late in (0, 5):
        back = taken + timedelta(minutes=late)
        put(chain, LoggerInstalled(equipment=FREEZER, logger=FREEZER_LOGGER, installed_at=back), back + timedelta(seconds=1), PACKER)
        assert chain.verdict_at(SHIP).is_go


def test_logger_that_is_installed_goes_on_no_trip(chain):
    trip, at = chain.cast.trip_logger, chain.step("packing_started").at
    put(chain, LoggerInstalled(equipment=EquipmentId("FREEZER-77"), logger=trip, installed_at=at - timedelta(hours=2)), at, PACKER)
    assert reasons(chain.verdict_at(SHIP), "SHP-LOG") == {"logger_is_installed"}
    put(
        chain,
        LoggerRemoved(equipment=EquipmentId("FREEZER-77"), logger=trip, removed_at=at - timedelta(hours=1)),
        at + timedelta(minutes=1),
        PACKER,
    )
    assert chain.verdict_at(SHIP).is_go


@pytest.mark.parametrize("point", [PREPARE, BEDSIDE])
def test_time_in_a_freezer_whose_only_logger_was_taken_out_is_a_gap(chain, point):
    """Seven hours without any logger, as the record says: no file will ever fill them."""
    index = chain.index("logger_file_read", where=of_logger(WARD_LOGGER))
    step = chain.steps[index]
    out = step.at - 7 * H
    act, series, data = logger_file(WARD_LOGGER, step.series.start, out, "-190.0")
    chain.steps[index] = dataclasses.replace(step, act=act, series=series, file=data)
    put(chain, LoggerRemoved(equipment=WARD, logger=WARD_LOGGER, removed_at=out), out, PREPARERS[0])
    assert "BAG-COLD" in blocked_gates(chain.verdict_at(point))


def moved(chain):
    """The freezer's logger stood in FREEZER-77 before; the move is written down install first, removal second."""
    other = EquipmentId("FREEZER-77")
    put_in = chain.step("logger_installed", where=of_logger(FREEZER_LOGGER)).act.installed_at
    put(
        chain,
        LoggerInstalled(equipment=other, logger=FREEZER_LOGGER, installed_at=put_in - timedelta(days=9)),
        put_in - timedelta(hours=3),
        PACKER,
    )
    put(chain, LoggerRemoved(equipment=other, logger=FREEZER_LOGGER, removed_at=put_in + 5 * M), put_in + 6 * M, PACKER)


def test_removal_from_the_freezer_before_is_none_from_this_one(chain):
    moved(chain)
    assert blocked_gates(chain.verdict_at(SHIP)) == set()


def test_removal_from_the_freezer_before_lets_an_installed_logger_on_no_trip(chain):
    trip, at = chain.cast.trip_logger, chain.step("packing_started").at
    one, two = EquipmentId("FREEZER-77"), EquipmentId("FREEZER-78")
    put(chain, LoggerInstalled(equipment=one, logger=trip, installed_at=at - 9 * H), at - 9 * H, PACKER)
    put(chain, LoggerInstalled(equipment=two, logger=trip, installed_at=at - 3 * H), at - 3 * H, PACKER)
    assert reasons(chain.verdict_at(SHIP), "SHP-LOG") == {"logger_is_installed"}
    put(chain, LoggerRemoved(equipment=one, logger=trip, removed_at=at - 3 * H + M), at - 2 * H, PACKER)
    assert reasons(chain.verdict_at(SHIP), "SHP-LOG") == {"logger_is_installed"}


def test_minutes_lost_after_the_logger_left_stop_no_bag(chain):

    left = chain.step("bag_packed").act.packed_at - timedelta(days=2)
    install_second_at = left - timedelta(days=1)
    new = install_second(chain, install_second_at)
    index = chain.index("logger_file_read", where=of_logger(FREEZER_LOGGER))
    step = chain.steps[index]
    lost = Gap(start=left + 5 * H, end=left + 6 * H, minutes=Decimal(60))
    series = dataclasses.replace(step.series, declared_gaps=(lost,))
    act = dataclasses.replace(step.act, series=type(step.act.series)(series.digest))
    chain.steps[index] = dataclasses.replace(step, act=act, series=series)
    read(chain, new, install_second_at, step.series.end, step.at)
    put(chain, LoggerRemoved(equipment=FREEZER, logger=FREEZER_LOGGER, removed_at=left), left, PACKER)
    assert chain.verdict_at(SHIP).is_go


# ── the participant and the cohort ──


def test_older_weighing_recorded_last_does_not_hide_the_newer_one(chain):
    weighed, now = chain.step("weight_measured"), chain.step("infusion_started").at
    today = dataclasses.replace(weighed.act, weight_kg=weighed.act.weight_kg * Decimal("1.2"))
    put(chain, today, now - timedelta(hours=2), *weighed.by)
    put(chain, weighed.act, now - timedelta(hours=1), *weighed.by, happened_at=now - timedelta(days=1))
    assert blocked_gates(chain.verdict_at(BEDSIDE)) == {"BED-WT"}


def test_spare_given_back_after_the_infusion_frees_no_place_in_the_cohort(chain):
    dose, bags, first = chain.cast.dose, chain.cast.bags[:3], CohortId("P1-1M")
    chain.change("dose_allocated", bags=bags)
    freed = allocation.DoseDeallocated(dose=dose, cohort=first, bags=(bags[2],), reason="not needed")
    chain.add(freed, before="dose_closed", by="demo-iwrs-one")
    assert StudyFold(chain.played().dossier(STUDY), STUDY).slots(first) == (dose,)
