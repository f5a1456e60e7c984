"""Every interleaving of three actors, and of time, over a bag's life: never two custodians, nothing given after hold, recall or expiry.

The acts, folds and gates are custody's own, without a store; what must never happen is said in `checker.py` over the accepted acts alone.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from custody.domain.verdict import Passed
from custody.gates.registry import GATES
from tests.counts import IN_FULL
from tests.model_check.explore import explore
from tests.model_check.starts import BAG, LINE, STARTS

DEPTH = 6 if IN_FULL else 3

HAPPENS = {
    "in_the_store": {"shipper_sealed", "handoff_offered", "hold_placed", "recalled"},
    "on_the_road": {"handoff_accepted", "handoff_withdrawn", "shipment_arrived", "hold_placed"},
    "arrived": {"bag_accepted", "bag_stored", "bag_refused_at_receipt", "hold_lifted", "recalled"},
    "received": {"bag_preparation_started", "handoff_offered", "hold_placed"},
    "prepared": {"dose_bag_released", "handoff_accepted", "fit_to_infuse_signed", "recalled"},
    "at_the_bed": {"bedside_scanned", "handoff_accepted", "hold_placed", "recalled"},
}
"""What is done at each place at the reduced depth already: a search in which nothing happens shows nothing."""
REACHED_BY_SIX = {"in_the_store": {"handoff_accepted"}, "prepared": {"infusion_started"}, "at_the_bed": {"infusion_started"}}

WITHOUT = {
    "BAG-HOLD": ("at_the_bed", "nurses quality", "infusion_started after a hold"),
    "BAG-RECALL": ("at_the_bed", "nurses quality", "infusion_started after the recall"),
    "BAG-EXP": ("at_the_bed", "nurses time", "infusion_started after its expiry"),
    "BAG-STATE": ("at_the_bed", "nurses hands", "infused while it is handed over"),
    "BED-DOSE BAG-STATE": ("at_the_bed", "nurses", "infused a second time"),
    "BAG-STATE SHP-SCAN": ("in_the_store", "packers", "in two shippers at once"),
    "HOF-GIVER": ("on_the_road", "courier receivers", "two custodians"),
    "HOF-RECEIVER": ("on_the_road", "courier receivers", "two custodians"),
}
"""What is found without some gates, where, and who alone can bring it about: at full depth all three actors may move."""


@pytest.mark.parametrize("start", STARTS)
def test_no_order_of_moves_leads_to_two_custodians_or_past_hold_recall_or_expiry(start, record_property):
    begun = STARTS[start]()
    found = explore(begun.world, begun.moves, DEPTH, BAG, LINE)
    assert found.counterexample == ()
    assert found.happened.keys() >= HAPPENS[start] | (REACHED_BY_SIX.get(start, set()) if DEPTH == 6 else set())
    record_property(
        "figure",
        f"model check, {start.replace('_', ' ')}: {found.interleavings:,} interleavings of {len(begun.moves)} moves to depth {DEPTH}, "
        f"{found.states:,} states, {begun.world.ground.judged:,} verdicts: never two custodians, nothing past hold, recall or expiry",
    )


@pytest.mark.parametrize("codes", WITHOUT)
def test_without_these_gates_the_search_finds_the_shortest_way_to_harm(codes, monkeypatch, record_property):
    start, actors, harm = WITHOUT[codes]
    for code in codes.split():
        monkeypatch.setitem(GATES, code, replace(GATES[code], rule=lambda case, now: Passed()))
    begun = STARTS[start]()
    everybody = IN_FULL and " " not in codes
    moves = [move for move in begun.moves if everybody or move.actor in actors.split()]
    found = explore(begun.world, moves, 6, BAG, LINE)
    assert found.counterexample, f"nothing was found without {codes}"
    assert harm in found.counterexample[-1]
    record_property("figure", f"model check without {codes}, {start.replace('_', ' ')}: {'; '.join(found.counterexample)}")
