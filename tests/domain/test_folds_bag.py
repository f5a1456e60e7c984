"""What the acts about one bag add up to: its state along the road, its reservation and its clocks."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import groupby

import pytest

from custody.domain.acts.bedside import BagDiscarded
from custody.domain.acts.manufacturing import BagRetained, BagStored
from custody.domain.acts.shipping import BagDestroyed, BagReturned, BagUnpacked, ShipmentLost
from custody.domain.folds.bag import BagFold, BagState
from custody.domain.folds.base import MissingFact
from custody.domain.folds.study import StudyFold
from custody.domain.ids import BagId
from custody.domain.terms import ProductForm
from custody.workflows.rehearsal.road import WARD_FREEZER
from custody.workflows.rehearsal.steps import STUDY
from tests.chain import Memory
from tests.gates.transport import COURIER, PACKER, PREPARERS, RECEIVERS, VERIFIER


def fold_in(memory, bag):
    dossier = memory.dossier(bag, STUDY)
    return BagFold(dossier, bag, StudyFold(dossier, STUDY))


def folded(chain, bag=None):
    return fold_in(chain.played(), bag or chain.cast.bags[0])


def played_until(chain, name, nth=0):
    """The history up to and with this step."""
    until = chain.step(name, nth).at
    memory = Memory()
    for step in sorted((s for s in chain.steps if s.at <= until), key=lambda s: s.at):
        memory.play(step)
    return memory


def states_along(chain, bag):
    memory = Memory()
    states = []
    for step in sorted(chain.steps, key=lambda s: s.at):
        memory.play(step)
        if memory.streams.get(bag.key):
            states.append(fold_in(memory, bag).state)
    return [state for state, _ in groupby(states)]


def test_bag_goes_through_every_state_of_the_road(chain):
    assert states_along(chain, chain.cast.bags[0]) == [
        BagState.FILLED,
        BagState.QUARANTINE,
        BagState.AVAILABLE,
        BagState.PACKED,
        BagState.IN_TRANSIT,
        BagState.RECEIPT_QUARANTINE,
        BagState.RECEIVED,
        BagState.PREPARED,
        BagState.DOSE_RELEASED,
        BagState.AT_BEDSIDE,
        BagState.INFUSING,
        BagState.INFUSED,
    ]


def test_infused_bag_stays_infused_when_its_container_is_destroyed(chain):
    assert folded(chain).destroyed is not None
    assert folded(chain).state is BagState.INFUSED


def test_bag_of_which_much_is_left_was_given_in_part_and_then_destroyed(chain):
    chain.drop("bag_destroyed", 1)
    assert folded(chain, chain.cast.bags[1]).state is BagState.PARTIAL


def test_bag_left_in_stock_is_where_it_was_put(chain):
    assert folded(chain, chain.cast.bags[3]).state is BagState.AVAILABLE
    assert folded(chain, chain.cast.bags[2]).state is BagState.RECEIVED


@pytest.mark.parametrize(
    ("act", "before", "by", "state"),
    [
        (
            lambda c: BagRetained(bag=c.bags[0], place="shelf", until=date(2056, 1, 1)),
            "packing_started",
            "demo-operator-one",
            BagState.RETAINED,
        ),
        (
            lambda c: BagUnpacked(bag=c.bags[0], shipment=c.shipment, reason="label"),
            "shipper_sealed",
            (PACKER, VERIFIER),
            BagState.AVAILABLE,
        ),
        (lambda c: ShipmentLost(shipment=c.shipment, reason="van stolen"), "shipment_arrived", COURIER, BagState.LOST),
        (lambda c: BagReturned(bag=c.bags[0], reason="cancelled"), "bag_accepted", RECEIVERS[0], BagState.RETURNED),
        (
            lambda c: BagDestroyed(bag=c.bags[0], method="incineration", reason="dropped"),
            "bag_preparation_started",
            PREPARERS,
            BagState.DESTROYED,
        ),
    ],
)
def test_bag_that_leaves_the_road_says_where_it_is(chain, act, before, by, state):
    chain.add(act(chain.cast), before=before, by=by)
    name = act(chain.cast).rule.name
    assert fold_in(played_until(chain, name), chain.cast.bags[0]).state is state


def test_lost_shipment_that_turns_up_is_in_receipt_quarantine(chain):
    chain.add(ShipmentLost(shipment=chain.cast.shipment, reason="late"), before="shipment_arrived", by=COURIER)
    assert fold_in(played_until(chain, "shipment_arrived"), chain.cast.bags[0]).state is BagState.RECEIPT_QUARANTINE


def test_thawed_bag_put_back_into_the_freezer_stays_in_preparation(chain):
    stored = BagStored(bag=chain.cast.bags[0], equipment=WARD_FREEZER, position="H-1", stored_at=chain.step("dose_bag_released").at)
    chain.add(stored, before="dose_bag_released", by=PREPARERS[0])
    assert fold_in(played_until(chain, "bag_stored", -1), chain.cast.bags[0]).state is BagState.PREPARED


def test_discarded_bag_is_known_to_be_discarded(chain):
    discarded = BagDiscarded(dose=chain.cast.dose, bag=chain.cast.bags[0], reason="leak at thaw")
    chain.add(discarded, before="dose_bag_released", by=PREPARERS)
    assert folded(chain).discarded is not None


def test_bag_is_reserved_from_allocation_until_it_is_freed(chain):
    assert fold_in(played_until(chain, "bag_accepted"), chain.cast.bags[0]).reserved_for is None
    assert folded(chain).reserved_for == chain.cast.dose
    assert folded(chain, chain.cast.bags[2]).reserved_for is None


def test_clocks_start_with_fill_thaw_and_spike(chain):
    bag = fold_in(played_until(chain, "infusion_started"), chain.cast.bags[0])
    starts = {clock.kind: clock.expires_at for clock in bag.clocks()}
    assert starts["label"] == chain.step("bags_filled").act.expires_at
    assert starts["shelf_life"] == chain.step("bags_filled").act.filled_at + timedelta(days=730)
    assert starts["thaw"] == chain.step("bag_preparation_started").at + timedelta(hours=3)
    assert starts["spike"] == chain.step("infusion_started").at + timedelta(minutes=120)
    assert bag.earliest_expiry().kind == "spike"


def test_fresh_bag_has_hours_and_no_thaw_clock(chain):
    chain.change("lot_started", form=ProductForm.FRESH)
    starts = {clock.kind: clock.expires_at for clock in folded(chain).clocks(chain.step("infusion_started").at)}
    assert starts["shelf_life"] == chain.step("bags_filled").act.filled_at + timedelta(hours=24)
    assert "thaw" not in starts


def test_bag_that_was_never_filled_is_no_bag_of_ours(chain):
    stranger = BagId.from_random("STRANGER0001")
    with pytest.raises(MissingFact, match="fill"):
        _ = folded(chain, stranger).state
