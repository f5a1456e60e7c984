"""Straight sequences beside the stateful machine: each rule broken once at the bed, and what the machine once found.

The machine itself runs in `test_runs_*.py`. Its model (`model*.py`) is written from the rules page and shares no code with custody; every
verdict is compared with it, code by code and bag by bag, in both directions: no start that a rule forbids, and no useless STOP.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from custody.domain.acts import bedside as acts
from custody.domain.terms import Answer
from custody.domain.verdict import Blocked, Passed, Reason
from custody.gates.registry import GATES
from custody.workflows.rehearsal.bedside import NURSES, PREPARERS
from tests.journeys.hospital import Hospital
from tests.journeys.scenes import FIRST


def test_the_parts_of_the_machine_are_the_whole():
    """In the open-label trial alone as many runs as the profile says; the other scenes come on top."""
    parts = [path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_runs_*.py")]
    shares = [Fraction(1, int(re.search(r"share=(\d+)", text)[1])) for text in parts if "bases(open_label)" in text]
    assert sum(shares) == 1


def test_the_model_shares_no_code_with_custody():
    for path in Path(__file__).parent.glob("model*.py"):
        assert "import custody" not in path.read_text(encoding="utf-8")
        assert "from custody" not in path.read_text(encoding="utf-8")


@pytest.fixture
def at_the_bed(bed, tmp_path):
    ward = Hospital.from_base(bed, tmp_path)
    yield ward
    ward.close()


def test_the_right_steps_lead_to_a_start_and_to_the_next_bag(at_the_bed):
    ward = at_the_bed
    while (answer := ward.next_step(FIRST)) is not None:
        assert answer.kind == "recorded"
        ward.tick(minutes=1)
    assert [start["bag"] for start in ward.starts] == [bag.key for bag in FIRST.dose_bags]
    ward.verify()


def started(ward, *by, **scans):
    by, bag = by or NURSES, FIRST.dose_bags[0]
    return ward.start(FIRST, bag, *by, scans=ward.scans(FIRST, bag, **scans))


def warmed_before_the_thaw(ward):
    prepared = ward.model.last("bag_preparation_started", dose=FIRST.dose.key)["_at"]
    ward.spikes.append((prepared - timedelta(minutes=60), prepared - timedelta(minutes=30), Decimal("-119.0")))
    ward.read_ward_file()


def offered_and_left_open(ward):
    ward.offer(FIRST.dose_bags[0], NURSES[0], NURSES[1])
    ward.tick(minutes=15, seconds=1)


def premedication_corrected(ward):
    ward.correct(next(deed for deed in ward.deeds if isinstance(deed[0], acts.PremedicationGiven)), drugs=())


BREAKS = {
    "BAG-REL": lambda ward: ward.reject_lot(FIRST.lot),
    "BAG-COLD": warmed_before_the_thaw,
    "BAG-HOLD": lambda ward: ward.hold(FIRST.working),
    "BAG-RECALL": lambda ward: ward.recall(FIRST.master),
    "BAG-DONOR": lambda ward: ward.withdraw_donor_consent(FIRST),
    "BAG-EXP": lambda ward: ward.tick(hours=2),
    "BAG-GAP": offered_and_left_open,
    "BAG-STATE": lambda ward: ward.offer(FIRST.dose_bags[0], NURSES[0], NURSES[1]),
    "DOS-TEST": lambda ward: ward.result(FIRST, FIRST.dose_bags[0], "CCI", "leak"),
    "DOS-CELLS": lambda ward: ward.late_lot_result(FIRST, "CNT", "60", "% of label"),
    "BED-PID": lambda ward: ward.reissue_wristband(FIRST),
    "BED-CONS": lambda ward: ward.participant_leaves(FIRST),
    "BED-STUDY": lambda ward: ward.set_study("halted"),
    "BED-INT": lambda ward: ward.damage(FIRST.dose_bags[0]),
    "BED-PREMED": premedication_corrected,
    "BED-WT": lambda ward: ward.weigh(FIRST, FIRST.weight_kg * Decimal("1.101")),
    "BED-VIT": lambda ward: ward.tick(minutes=16),
    "BED-FIT": lambda ward: ward.fit(FIRST, stable=Answer.NO),
    "BED-LINE": lambda ward: started(ward, line_and_filter_right=Answer.NO),
    "BED-RESUS": lambda ward: started(ward, physician_present=Answer.NOT_CHECKED),
    "BED-RX": lambda ward: started(ward, rate_ml_per_min=Decimal("0.55")),
    "BED-TWO": lambda ward: started(ward, NURSES[0], NURSES[0]),
}
"""One way to break each rule at the bed, by the code that must say so."""


@pytest.mark.parametrize("code", BREAKS)
def test_a_gate_that_always_passes_is_found_out(at_the_bed, monkeypatch, code):
    """The same comparison that the machine makes, on a directed sequence: the rule broken, and a gate that no longer sees it."""
    monkeypatch.setitem(GATES, code, replace(GATES[code], rule=lambda case, now: Passed()))

    def break_it_and_start():
        BREAKS[code](at_the_bed)
        started(at_the_bed)

    with pytest.raises(AssertionError, match=rf"model only .*{code}.* custody only"):
        break_it_and_start()


@pytest.mark.parametrize("code", BREAKS)
def test_each_broken_rule_stops_the_start_by_its_code(at_the_bed, code):
    answer = BREAKS[code](at_the_bed)
    if code not in {"BED-LINE", "BED-RESUS", "BED-RX", "BED-TWO"}:
        answer = started(at_the_bed)
    assert answer.kind == "stopped"
    assert code in {gate for gate, _ in answer.faults}


def test_a_gate_that_always_blocks_is_found_out(at_the_bed, monkeypatch):
    blocked = Blocked(Reason("missing", what="vitals"))
    monkeypatch.setitem(GATES, "BED-VIT", replace(GATES["BED-VIT"], rule=lambda case, now: blocked))
    with pytest.raises(AssertionError, match=r"custody only .*BED-VIT"):
        started(at_the_bed)


# What the machine once found, as straight sequences --------------------------------------------------------------------------------


def test_a_hold_placed_in_the_same_second_as_one_was_lifted_still_stands(at_the_bed):
    ward, bag = at_the_bed, FIRST.dose_bags[0]
    for _ in range(2):
        assert started(ward, container_whole=Answer.NO).kind == "stopped"
        (hold,) = ward.model.open_holds(bag.key)
        ward.tick(microseconds=1)
        assert ward.lift(bag, hold["hold"]).kind == "recorded"
        assert ward.model.open_holds(bag.key) == []
    assert started(ward, container_whole=Answer.NO).kind == "stopped"
    answer = started(ward)
    assert ("BAG-HOLD", bag.key) in answer.faults


def test_a_decision_of_quality_does_not_cover_what_a_later_file_shows_of_the_same_excursion(base, tmp_path):
    """The freezer is still warm when its record is read; QA releases; the rest of the warm time is read after that."""
    ward, bag = Hospital.from_base(base, tmp_path), FIRST.bags[0]
    ward.spikes.append((ward.now - timedelta(minutes=30), ward.now, Decimal("-130.0")))
    ward.read_ward_file()
    ward.tick(minutes=5)
    assert ward.decide_cold(bag).kind == "recorded"
    ward.tick(minutes=16)
    for deed in (ward.read_ward_file(), ward.ready(FIRST), ward.take_out(bag)):
        assert deed.kind == "recorded"
    stopped = ward.prepare(FIRST, bag)
    assert stopped.faults == {("BAG-COLD", bag.key)}
    ward.tick(minutes=1)
    assert ward.decide_cold(bag).kind == "recorded"
    assert ward.lift(bag, ward.model.open_holds(bag.key)[0]["hold"]).kind == "recorded"
    assert ward.join(ward.waiting.pop(), PREPARERS[1]).kind == "recorded"
    ward.close()
