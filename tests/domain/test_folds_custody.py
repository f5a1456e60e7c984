"""The custody record of a bag: who answered for it from when to when."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from custody.domain.folds.base import MissingFact
from custody.domain.folds.custody import CustodyFold
from custody.domain.folds.shipment import ShipmentFold
from custody.domain.folds.study import StudyFold
from custody.domain.ids import BagId, SiteId
from custody.workflows.rehearsal.steps import STUDY
from tests.gates.transport import PACKER

MAKER, HOSPITAL = SiteId("A9991"), SiteId("A9992")


def record_of(chain, bag=None):
    bag = bag or chain.cast.bags[0]
    dossier = chain.played().dossier(bag, STUDY)
    return CustodyFold(dossier, bag, StudyFold(dossier, STUDY))


def shipment_of(chain):
    dossier = chain.played().dossier(chain.cast.shipment, STUDY)
    return ShipmentFold(dossier, chain.cast.shipment, StudyFold(dossier, STUDY))


def test_custody_passes_from_maker_to_courier_to_hospital_to_nurse(chain):
    custodians = [(i.custodian.site, i.custodian.organisation, i.custodian.person) for i in record_of(chain).intervals]
    assert custodians[0] == (MAKER, "", None)
    assert custodians[1][1] == "Demo Courier"
    assert custodians[2][0] == HOSPITAL
    assert custodians[2][2] is not None
    assert custodians[3] == (HOSPITAL, "", None)
    nurse = chain.step("handoff_offered", 2).act.to_person
    assert (HOSPITAL, "", nurse) in custodians[4:]


def test_intervals_follow_each_other_without_a_hole(chain):
    intervals = record_of(chain).intervals
    assert intervals[0].start == chain.step("bags_filled").act.filled_at
    assert all(before.end == after.start for before, after in pairwise(intervals))
    assert intervals[-1].end is None


def test_valid_chain_has_no_gap(chain):
    assert record_of(chain).gaps(chain.steps[-1].at) == ()


def test_bag_nobody_filled_has_no_custodian(chain):
    with pytest.raises(MissingFact, match="fill"):
        _ = record_of(chain, BagId.from_random("STRANGER0001")).intervals


def test_open_hand_over_is_a_gap_that_lasts_until_it_ends(chain):
    chain.drop("handoff_accepted", where=lambda act: isinstance(act.node, BagId) and act.node == chain.cast.bags[0])
    offered_at = chain.step("handoff_offered", 2).act.offered_at
    record = record_of(chain)
    assert record.gaps(offered_at + timedelta(minutes=15)) == ()
    (gap,) = record.gaps(offered_at + timedelta(minutes=15, microseconds=1))
    assert (gap.kind, gap.start, gap.end) == ("gap_handover_open", offered_at, None)


def test_shipment_is_with_the_hospital_once_it_has_arrived(chain):
    assert shipment_of(chain).custodian.site == HOSPITAL
    chain.drop("shipment_arrived")
    assert shipment_of(chain).custodian.person == chain.step("handoff_offered", 1).act.to_person


def test_shipment_nobody_took_is_still_with_the_maker(chain):
    for name in ("handoff_accepted", "handoff_accepted", "shipment_arrived"):
        chain.drop(name)
    shipment = shipment_of(chain)
    assert shipment.custodian.site == MAKER
    assert shipment.left_at is None
    assert shipment.open_handover is not None


def test_shipment_says_what_was_packed_and_what_came(chain):
    shipment = shipment_of(chain)
    assert shipment.packed_bags == shipment.bags == chain.step("shipper_sealed").act.bags
    assert shipment.seals == chain.cast.seals
    assert shipment.shipper == chain.cast.shipper
    assert shipment.documents_here == frozenset(chain.step("shipment_arrived").act.documents)


@pytest.mark.parametrize(
    ("dropped", "fact"),
    [("shipment_planned", "planned"), ("packing_started", "packing"), ("shipper_sealed", "sealed"), ("shipment_arrived", "arrival")],
)
def test_shipment_names_the_fact_it_lacks(chain, dropped, fact):
    chain.drop(dropped)
    with pytest.raises(MissingFact):
        getattr(shipment_of(chain), fact)


def test_people_of_the_site_speak_for_it(chain):
    memory = chain.played()
    packer = next(s for step in chain.steps if step.by == (PACKER,) for s in memory.signers_of(step, step.act))
    assert record_of(chain).intervals[0].custodian.may_give(packer)
    assert not record_of(chain).intervals[3].custodian.may_give(packer)
