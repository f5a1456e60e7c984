"""The harder ways to a start, as straight sequences: spares, kits, exceptions, a parcel, and what comes between scans and start."""

from __future__ import annotations

import pytest

from custody.domain.terms import Answer
from custody.workflows.rehearsal.bedside import NURSES, PREPARERS
from tests.journeys.hospital import Hospital
from tests.journeys.interruptions import INTERRUPTIONS, MUST_STOP
from tests.journeys.scenes import AGAIN, CELLS, FIRST, FRESH, PARCEL, blinded, fresh_product, open_label


def goes_to_the_end(ward, cast):
    """The right way to the end of the dose; the first answer that is not “recorded”, or None."""
    while (answer := ward.next_step(cast)) is not None:
        if answer.kind != "recorded":
            return answer
        ward.tick(minutes=1)
    return None


def goes_until(ward, cast, state):
    """The right way until a bag of the dose is in this state; that bag."""
    while True:
        for bag in ward.model.usable(cast.dose.key):
            if ward.model.state(bag) == state:
                return ward.bag_of(bag)
        assert ward.next_step(cast).kind == "recorded"
        ward.tick(minutes=1)


@pytest.mark.parametrize("make", [open_label, blinded, fresh_product], ids=["open", "blinded", "fresh"])
def test_bag_that_leaks_at_the_thaw_is_replaced_by_a_spare_in_every_scene(hospital, make):
    ward = hospital(make)
    cast = ward.scene.first
    leaking = goes_until(ward, cast, "prepared")
    assert ward.discard(cast, leaking).kind == "recorded"
    assert ward.destroy(leaking).kind == "recorded"
    assert goes_to_the_end(ward, cast) is None
    assert leaking.key not in {start["bag"] for start in ward.starts}
    assert ward.judged["start", "with a spare"] == 1


def test_spare_of_another_lot_is_refused(hospital):
    ward = hospital(open_label)
    ward.discard(FIRST, goes_until(ward, FIRST, "prepared"))
    assert ward.spare(FIRST, AGAIN.bags[-1]).faults == {("ALO-MIX", None)}


def test_spare_outside_the_kit_is_refused(hospital):
    ward = hospital(blinded)
    ward.discard(CELLS, goes_until(ward, CELLS, "prepared"))
    assert ward.spare(CELLS, CELLS.bags[3]).faults == {("ALO-RAND", None)}


def test_prepared_bag_of_the_blinded_phase_is_not_released_uncovered(hospital):
    ward = hospital(blinded)
    bag = goes_until(ward, CELLS, "prepared")
    assert ("DOS-COVER", bag.key) in ward.release_bag(CELLS, bag).faults


def test_placebo_is_given_although_the_donor_withdrew(hospital):
    ward = hospital(blinded)
    cells, placebo = ward.scene.casts
    ward.withdraw_donor_consent(cells)
    stopped = goes_to_the_end(ward, cells)
    assert {code for code, _ in stopped.faults} == {"BAG-DONOR"}
    assert goes_to_the_end(ward, placebo) is None
    assert ward.judged["start", "of placebo"] == len(placebo.dose_bags)


@pytest.mark.parametrize(
    ("make", "cast", "late"),
    [
        (open_label, FIRST, ("VIA", "75.0", "%")),
        (open_label, FIRST, ("CNT", "75", "% of label")),
        (fresh_product, FRESH, ("CD34", "3.0", "%")),
    ],
    ids=["viability", "count", "marker of a fresh lot"],
)
def test_late_failure_stops_the_dose_until_an_exceptional_release_covers_it_for_a_day(hospital, make, cast, late):
    ward = hospital(make)
    ward.late_lot_result(cast, *late)
    assert ("BAG-HOLD", cast.dose_bags[0].key) in goes_to_the_end(ward, cast).faults
    ward.lift_all(cast.lot)
    assert goes_to_the_end(ward, cast).kind == "stopped"
    ward.review_results(cast.lot)
    for step in ward.exception_steps(cast, ward.model.failing(cast.lot.key)[0]):
        assert step().kind == "recorded"
        ward.tick(seconds=1)
    assert goes_to_the_end(ward, cast) is None
    assert ward.judged["start", "by an exception"] == len(cast.dose_bags)


def test_exceptional_release_of_a_blinded_dose_is_refused(hospital):
    ward = hospital(blinded)
    ward.late_lot_result(CELLS, "VIA", "75.0", "%")
    ward.lift_all(CELLS.lot)
    ward.review_results(CELLS.lot)
    *_, last = [step() for step in ward.exception_steps(CELLS, ward.model.failing(CELLS.lot.key)[0])]
    assert last.faults == {("EXC-BLIND", None)}


def test_pending_test_that_falls_due_stops_the_fresh_dose(hospital):
    ward = hospital(fresh_product)
    bag = goes_until(ward, FRESH, "prepared")
    ward.now = min(test["due_at"] for test in ward.model.last("released_conditionally")["pending"])
    assert ("BAG-REL", bag.key) not in ward.release_bag(FRESH, bag).faults
    ward.tick(microseconds=1)
    assert ("BAG-REL", bag.key) in ward.release_bag(FRESH, bag).faults


@pytest.fixture
def arrived(hospital):
    """The parcel is in the hands of the hospital; nobody has written down its arrival yet."""
    ward = hospital(open_label)
    for _ in range(2):
        assert ward.hand_in(PARCEL).kind == "recorded"
    return ward


def test_parcel_is_taken_over_on_its_own_seal_only(hospital):
    ward = hospital(open_label)
    assert ward.hand_in(PARCEL).kind == "recorded"
    assert ward.hand_in(PARCEL, seals=ward.other_seal(PARCEL)).faults == {("HOF-SEAL", None)}
    assert ward.hand_in(PARCEL).kind == "recorded"


RECEIPTS = {
    "RCV-SEAL": ({"seals": True}, {}),
    "RCV-INT": ({}, {"container_whole": Answer.NO}),
    "RCV-LABEL": ({}, {"label_equals_order": Answer.NOT_CHECKED}),
    "RCV-DOC": ({"documents": ("packing_list",)}, {}),
    "RCV-DEC": ({}, {"second_bag": FIRST.bags[5]}),
    "BAG-GAP": ({"bags_counted": 1}, {}),
}
"""What makes a receiver's scans refuse the bag: (something of the arrival, something of the bag)."""


def test_bag_of_the_parcel_is_given_in_place_of_one_that_leaked(arrived):
    ward, (bag, _) = arrived, FIRST.bags[4:]
    for step in (lambda: ward.arrive(PARCEL, FIRST.bags[4:]), lambda: ward.read_trip_file(PARCEL)):
        assert step().kind == "recorded"
    assert ward.receive(PARCEL, bag).kind == "recorded"
    assert ward.spare(FIRST, bag).kind == "recorded"
    ward.discard(FIRST, goes_until(ward, FIRST, "prepared"))
    assert goes_to_the_end(ward, FIRST) is None
    assert ward.judged["start", "from the parcel"] == 1


@pytest.mark.parametrize("code", RECEIPTS)
def test_bag_of_the_parcel_is_received_only_when_everything_is_right(arrived, code):
    ward, bag = arrived, FIRST.bags[4]
    of_arrival, of_bag = RECEIPTS[code]
    if "seals" in of_arrival:
        of_arrival = {"seals": ward.other_seal(PARCEL)}
    ward.arrive(PARCEL, FIRST.bags[4:], **of_arrival)
    ward.read_trip_file(PARCEL)
    stopped = ward.receive(PARCEL, bag, **of_bag)
    assert stopped.faults == {(code, bag.key)}
    assert bool(ward.model.open_holds(bag.key)) == (code in {"RCV-SEAL", "RCV-INT", "RCV-LABEL", "BAG-GAP"})


def test_sign_of_thaw_is_class_3_at_once(arrived):
    ward, bag = arrived, FIRST.bags[4]
    ward.arrive(PARCEL, FIRST.bags[4:])
    ward.read_trip_file(PARCEL)
    assert ward.receive(PARCEL, bag, no_sign_of_thaw=Answer.NO).faults == {("RCV-INT", bag.key), ("BAG-COLD", bag.key)}


def test_seal_of_an_arrival_that_is_corrected_stops_the_bags_that_were_accepted(hospital):
    ward = hospital(open_label)
    bag = FIRST.dose_bags[0]
    deed = next(d for d in ward.deeds if d[0].rule.name == "shipment_arrived" and d[0].shipment == FIRST.shipment)
    for step in (ward.read_ward_file, lambda: ward.ready(FIRST), lambda: ward.take_out(bag)):
        assert step().kind == "recorded"
    assert ward.correct(deed, seals=ward.other_seal(FIRST)).kind == "recorded"
    assert ward.prepare(FIRST, bag).faults == {("RCV-SEAL", bag.key)}
    assert ward.correct(deed, seals=FIRST.seals).kind == "recorded"
    ward.lift_all(bag)
    assert ward.join(ward.waiting.pop(), PREPARERS[1]).kind == "recorded"


@pytest.mark.parametrize("what", sorted(MUST_STOP))
@pytest.mark.parametrize("place", ["between the scans", "between verdict and start", "between the signatures"])
def test_what_comes_between_stops_the_start(bed, tmp_path, what, place):
    ward, bag = Hospital.from_base(bed, tmp_path), FIRST.dose_bags[0]
    ward.scan(FIRST, NURSES[0], ward.scans(FIRST, bag))
    if place == "between the scans":
        INTERRUPTIONS[what](ward, FIRST, bag)
    ward.scan(FIRST, NURSES[1], ward.scans(FIRST, bag))
    assert ward.look(FIRST.dose, NURSES[0]) in ((None, "stopped") if place == "between the scans" else ("recorded",))
    if place == "between verdict and start":
        INTERRUPTIONS[what](ward, FIRST, bag)
    ward.tick(seconds=1)
    ward.start(FIRST, bag, NURSES[0])
    if place == "between the signatures":
        INTERRUPTIONS[what](ward, FIRST, bag)
    assert ward.join(ward.waiting.pop(), NURSES[1]).kind == "stopped"
    assert ward.starts == []
