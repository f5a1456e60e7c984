"""Whatever order of acts, scans, holds, recalls, expiries, corrections and retries is tried, custody and an independent model agree.

The model (`model.py`) is written from the rules page and shares no code with custody. Every verdict of hold points G10, G11, G12,
G12N and H is compared with it, code by code and bag by bag, in both directions: no start that a rule forbids, and no useless STOP.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from custody.domain.acts import bedside as acts
from custody.domain.acts.allocation import WeightMeasured
from custody.domain.acts.quality import ResultRecorded
from custody.domain.terms import Answer
from custody.domain.verdict import Blocked, Passed, Reason
from custody.gates.registry import GATES
from custody.workflows.rehearsal.bedside import NURSES, PHYSICIAN, PREPARERS
from tests.journeys.ward import Ward
from tests.journeys.world import AGAIN, BAGS, FIRST, NEIGHBOUR, make_base

STEPS = {"test": 50, "prove": 60}[os.environ.get("CUSTODY_TEST_PROFILE", "test")]
FINAL_BLOWS_AFTER = 10
"""A recall or withdrawal ends all hope of another start, so it comes late in a run."""

doses = st.sampled_from([FIRST, FIRST, NEIGHBOUR, AGAIN])
bags = st.sampled_from(BAGS)
nurses = st.sampled_from([*NURSES, *NURSES, PHYSICIAN])
answers = st.sampled_from([Answer.YES, Answer.YES, Answer.NO, Answer.NOT_CHECKED])
MINUTES = st.sampled_from([1, 2, 5, 9, 10, 11, 14, 15, 16, 29, 30, 31, 60, 61, 120, 121, 180, 360, 1440])
ANSWERED = ("container_whole", "nothing_unusual_seen", "line_and_filter_right", "no_other_drug_on_line", "resuscitation_ready")
HOLDABLE = (FIRST.donor, FIRST.donation, FIRST.tissue, FIRST.master, FIRST.working, FIRST.lot, FIRST.shipment, FIRST.bags[0], FIRST.bags[1])

RESULTS = {
    "APP": ("conforms", "clumps"),
    "CCI": ("no leak", "leak"),
    "LAB": ("100", "99"),
    "STE": ("no growth", "growth"),
    "VIA": ("92.5", "61"),
    "CNT": ("100", "60"),
}
"""Of every test the right result, and a bad one."""


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return make_base(tmp_path_factory.mktemp("base"))


class Machine(RuleBasedStateMachine):
    """One run: a copy of the store as it stands an hour before the first infusion, then anything at all."""

    base = None
    reached = None

    @initialize(cast=st.sampled_from([FIRST, FIRST, NEIGHBOUR]), steps=st.sampled_from([0, 9, 15, 16, 17, 20, 27, 28, 29]))
    def open(self, cast, steps):
        """A run begins anywhere on the right way."""
        self.folder = Path(tempfile.mkdtemp())
        self.ward = Ward.from_base(self.base, self.folder)
        self.deeds_done = 0
        self.goes_on(cast, steps, 1)

    def teardown(self):
        if not hasattr(self, "ward"):
            return
        self.ward.verify()
        self.reached.append((len(self.ward.starts), dict(self.ward.judged)))
        self.ward.close()
        shutil.rmtree(self.folder)

    # -- the right way --------------------------------------------------------------------------------------------------------------

    @rule(cast=doses, steps=st.integers(1, 6), minutes=st.integers(0, 3))
    def goes_on_a_little(self, cast, steps, minutes):
        self.goes_on(cast, steps, minutes)

    @rule(cast=doses, steps=st.integers(4, 16))
    def goes_on_for_long(self, cast, steps):
        self.goes_on(cast, steps, 1)

    def goes_on(self, cast, steps, minutes):
        for _ in range(steps):
            self.ward.next_step(cast)
            self.ward.tick(minutes=minutes)
        self.deeds_done += steps

    @rule(cast=doses)
    def goes_on_to_the_next_start(self, cast):
        before = len(self.ward.starts)
        for _ in range(24):
            answer = self.ward.next_step(cast)
            if answer is None or answer.kind != "recorded" or len(self.ward.starts) > before:
                break
            self.ward.tick(minutes=1)
        self.deeds_done += 6

    @rule()
    def everything_is_mended(self):
        """QA lifts every hold, and the committees let the study go on."""
        for event in self.ward.model.of("hold_placed"):
            node = next((n for n in (*HOLDABLE, *BAGS, AGAIN.lot) if n.key == event["node"]), None)
            if node is not None and event in self.ward.model.open_holds(event["node"]):
                self.ward.lift(node, event["hold"])
        for what in ("resumed", "opened"):
            self.ward.set_study(what)

    @rule(minutes=MINUTES, seconds=st.sampled_from([0, 0, -1, 1]))
    def time_passes(self, minutes, seconds):
        self.ward.tick(minutes=minutes, seconds=seconds)

    @rule(bag=bags, hours=st.sampled_from([2, 3]), seconds=st.sampled_from([-1, 0, 1]))
    def time_comes_to_an_expiry(self, bag, hours, seconds):
        """To the end of a thawed bag, or to the last moment at which an hour of infusion still fits."""
        prepared = self.ward.model.last("bag_preparation_started", bag=bag.key)
        if prepared is not None:
            self.ward.now = max(self.ward.now, prepared["_at"] + timedelta(hours=hours, seconds=seconds))

    # -- what only stops ------------------------------------------------------------------------------------------------------------

    @rule(node=st.sampled_from(HOLDABLE))
    def something_is_held(self, node):
        self.ward.hold(node)

    @rule(node=st.sampled_from((*HOLDABLE, *BAGS)))
    def a_hold_is_lifted(self, node):
        holds = self.ward.model.open_holds(node.key)
        self.ward.lift(node, holds[-1]["hold"] if holds else "HOLD-NONE")

    @precondition(lambda self: self.deeds_done > FINAL_BLOWS_AFTER)
    @rule(
        blow=st.sampled_from(["recall", "recall", "reject", "withdraw", "refuse", "leave", "damage"]),
        node=st.sampled_from([FIRST.lot, AGAIN.lot, FIRST.working, FIRST.donor, FIRST.tissue]),
        cast=doses,
        bag=bags,
    )
    def something_final_happens(self, blow, node, cast, bag):
        ward = self.ward
        {
            "recall": lambda: ward.recall(node),
            "reject": lambda: ward.reject_lot(cast.lot),
            "withdraw": lambda: ward.withdraw_donor_consent(cast),
            "refuse": lambda: ward.refuse_donor(cast),
            "leave": lambda: ward.participant_leaves(cast),
            "damage": lambda: ward.damage(bag),
        }[blow]()

    @rule(what=st.sampled_from(["halted", "resumed", "closed", "opened"]))
    def committees_decide(self, what):
        self.ward.set_study(what)

    @precondition(lambda self: self.deeds_done > FINAL_BLOWS_AFTER)
    @rule(
        cast=doses, late=st.sampled_from([("STE", "growth", ""), ("STE", "no growth", ""), ("VIA", "61", "%"), ("CNT", "60", "% of label")])
    )
    def a_late_result_comes(self, cast, late):
        self.ward.late_lot_result(cast, *late)

    # -- things change --------------------------------------------------------------------------------------------------------------

    @rule(cast=doses)
    def a_wristband_is_reissued(self, cast):
        self.ward.reissue_wristband(cast)

    @rule(cast=doses, percent=st.sampled_from(["100", "110", "110.1", "90", "89.9"]))
    def somebody_weighs_again(self, cast, percent):
        self.ward.weigh(cast, (cast.weight_kg * Decimal(percent) / 100).quantize(Decimal("0.01")))

    @rule(
        cast=doses,
        deed=st.sampled_from(["ready", "premedicate", "vitals", "fit"]),
        minutes_ago=st.sampled_from([0, 14, 15, 16]),
        answer=answers,
    )
    def the_ward_prepares(self, cast, deed, minutes_ago, answer):
        if deed == "vitals":
            self.ward.vitals(cast, minutes_ago=minutes_ago)
        elif deed == "fit":
            self.ward.fit(cast, stable=answer)
        else:
            getattr(self.ward, deed)(cast)

    @rule(
        minutes=st.sampled_from([10, 30, 70]),
        celsius=st.sampled_from(["-149.9", "-140.0", "-130.0", "-119.0"]),
        ago=st.sampled_from([0, 20]),
    )
    def the_freezer_warms(self, minutes, celsius, ago):
        end = self.ward.now - timedelta(minutes=ago)
        self.ward.spikes.append((end - timedelta(minutes=minutes), end, Decimal(celsius)))
        self.ward.read_ward_file()

    @rule()
    def the_freezers_record_is_read(self):
        self.ward.read_ward_file()

    @rule(bag=bags, minutes_ago=st.sampled_from([0, 0, 30]))
    def quality_decides_about_a_bag(self, bag, minutes_ago):
        self.ward.decide_cold(bag, minutes_ago=minutes_ago)
        self.ward.dispose_gap(bag)

    # -- preparation ------------------------------------------------------------------------------------------------------------------

    @rule(bag=bags, back=st.booleans())
    def a_bag_is_moved(self, bag, back):
        if not self.ward.model.of("bag_preparation_started", bag=bag.key):
            self.ward.take_out(bag)
            if back:
                self.ward.put_back(bag)

    @rule(
        cast=doses,
        bag=bags,
        other=bags,
        same=st.sampled_from([True, True, False]),
        by=st.sampled_from([PREPARERS, PREPARERS, PREPARERS[:1] * 2, (PREPARERS[1], "demo-receiver-one")]),
        whole=answers,
    )
    def a_bag_is_thawed_for_a_dose(self, cast, bag, other, same, by, whole):
        self.ward.prepare(cast, bag, by, whole=whole, other_bag=bag if same else other)

    @rule(cast=doses, bag=bags, test=st.sampled_from(["APP", "CCI", "LAB"]), good=st.booleans())
    def a_prepared_bag_is_tested(self, cast, bag, test, good):
        if self.ward.model.of("bag_preparation_started", dose=cast.dose.key, bag=bag.key):
            self.ward.result(cast, bag, test, RESULTS[test][0 if good else 1])

    @rule(cast=doses, bag=bags)
    def a_bag_is_released_for_its_dose(self, cast, bag):
        self.ward.release_bag(cast, bag)

    @rule(bag=bags, giver=st.sampled_from([PREPARERS[0], NURSES[0]]), receiver=st.sampled_from(NURSES))
    def a_bag_is_offered(self, bag, giver, receiver):
        self.ward.offer(bag, giver, receiver)

    @rule(bag=bags, receiver=st.sampled_from(NURSES), code=st.sampled_from(["C-771035", "c-771035 ", "C-771036"]))
    def a_bag_is_taken_over(self, bag, receiver, code):
        self.ward.accept(bag, receiver, code=code)

    @rule(bag=bags)
    def an_offer_is_withdrawn(self, bag):
        self.ward.withdraw_offer(bag)

    # -- the bed ----------------------------------------------------------------------------------------------------------------------

    def scans(self, cast, bag, wrong):
        ward = self.ward
        right = ward.scans(cast, bag)
        if wrong == "neighbour":
            other = NEIGHBOUR if cast is not NEIGHBOUR else FIRST
            return ward.scans(other, bag, second_identifier=right.second_identifier)
        if wrong == "old wristband":
            band = ward.model.of("wristband_issued", participant=cast.participant.key)[0]["wristband"]
            return replace(right, wristband=type(right.wristband)(band))
        if wrong == "identifier":
            return replace(right, second_identifier=ward.scans(NEIGHBOUR if cast is not NEIGHBOUR else FIRST, bag).second_identifier)
        if wrong == "rate":
            return replace(right, rate_ml_per_min=right.rate_ml_per_min + Decimal("0.01"))
        return right if wrong is None else replace(right, **{wrong: Answer.NO})

    wrongs = st.sampled_from([None, None, None, "neighbour", "old wristband", "identifier", "rate", *ANSWERED])

    @rule(cast=doses, nurse=nurses, any_bag=bags, right_bag=st.sampled_from([True, True, False]), wrong=wrongs)
    def somebody_scans(self, cast, nurse, any_bag, right_bag, wrong):
        self.ward.scan(cast, nurse, self.scans(cast, cast.dose_bags[0] if right_bag else any_bag, wrong))

    @rule(cast=doses, pair=st.sampled_from([NURSES, NURSES[::-1], (NURSES[0], PHYSICIAN)]), bag=bags, right=st.booleans())
    def two_scan_and_look(self, cast, pair, bag, right):
        for nurse in pair:
            self.ward.scan(cast, nurse, self.scans(cast, cast.dose_bags[0] if right else bag, None))
        self.ward.tick(seconds=1)
        self.ward.look(cast.dose, NURSES[0])

    @rule(
        cast=doses, first=nurses, second=nurses, bag=bags, right_bag=st.sampled_from([True, True, False]), wrong=wrongs, second_wrong=wrongs
    )
    def two_sign_a_start(self, cast, first, second, bag, right_bag, wrong, second_wrong):
        own = cast.dose_bags[0] if right_bag else bag
        self.ward.tick(seconds=1)
        scans, second_scans = self.scans(cast, own, wrong), self.scans(cast, own, second_wrong)
        self.ward.start(cast, own, first, second, scans=scans, second_scans=second_scans)

    @rule(cast=doses, first=nurses, second=nurses, bag=bags, right_bag=st.sampled_from([True, True, False]), whole=answers)
    def two_sign_the_next_bag(self, cast, first, second, bag, right_bag, whole):
        own = cast.dose_bags[-1] if right_bag else bag
        self.ward.tick(seconds=1)
        self.ward.start_next(cast, own, first, second, container_whole=whole)

    @rule(cast=doses)
    def a_nurse_signs_and_comes_back_with_a_new_account(self, cast):
        """The pair rules compare persons, not accounts."""
        ward, bag = self.ward, cast.dose_bags[0]
        ward.scan(cast, NURSES[0], ward.scans(cast, bag))
        ward.start(cast, bag, NURSES[0])
        if ward.waiting:
            ward.renew(NURSES[0])
            ward.scan(cast, NURSES[0], ward.scans(cast, bag))
            ward.join(ward.waiting.pop(), NURSES[0])

    @rule(second=nurses)
    def a_waiting_signature_comes_late(self, second):
        if self.ward.waiting:
            self.ward.join(self.ward.waiting.pop(), second)

    # -- corrections and retries -----------------------------------------------------------------------------------------------------

    @rule(data=st.data())
    def an_act_is_corrected(self, data):
        kinds = {
            acts.VitalsRecorded: lambda act: {"measured_at": act.measured_at - timedelta(minutes=data.draw(st.sampled_from([1, 20])))},
            acts.FitToInfuseSigned: lambda _: {"alive": data.draw(answers), "stable": data.draw(answers)},
            acts.PremedicationGiven: lambda _: {"drugs": data.draw(st.sampled_from([(), ("chlorphenamine",), ("paracetamol",)]))},
            ResultRecorded: lambda act: {"result": data.draw(st.sampled_from(RESULTS[act.test]))},
            WeightMeasured: lambda act: {"weight_kg": data.draw(st.sampled_from([Decimal(130), Decimal(78), Decimal(99)]))},
        }
        found = [deed for deed in self.ward.deeds if type(deed[0]) in kinds]
        if found:
            deed = data.draw(st.sampled_from(found[-8:]), label="deed")
            self.ward.correct(deed, **kinds[type(deed[0])](deed[0]))

    @precondition(lambda self: self.ward.last_request is not None)
    @rule()
    def a_request_comes_again(self):
        self.ward.retry()

    @precondition(lambda self: self.ward.last_request is not None)
    @rule(cast=doses)
    def a_key_comes_with_another_body(self, cast):
        self.ward.other_body(acts.InfusionTakenOver(dose=cast.dose))

    @precondition(lambda self: self.ward.completed)
    @rule(account=st.sampled_from([*NURSES, *PREPARERS]))
    def somebody_signs_what_is_done(self, account):
        self.ward.sign_twice(account)


def run(base):
    """As many runs as the profile says; returns what each reached."""
    machine = type("Run", (Machine,), {"base": base, "reached": []})
    run_state_machine_as_test(machine, settings=settings(settings(), stateful_step_count=STEPS))
    return machine.reached


def test_no_infusion_starts_unless_every_rule_holds_and_none_is_stopped_without_one(base):
    reached = run(base)
    verdicts = Counter()
    for _, judged in reached:
        verdicts.update(judged)
    print(len(reached), "runs", dict(verdicts))
    for needed in (("G10", "recorded"), ("G11", "recorded"), ("G12", "recorded"), ("G10", "stopped"), ("G12", "stopped")):
        assert verdicts[needed] > 0, f"no run reached {needed}, so nothing was proved there"
    assert verdicts["G12N", "recorded"] + verdicts["G12N", "stopped"] > 0


def test_the_model_shares_no_code_with_custody():
    for path in Path(__file__).parent.glob("model*.py"):
        assert "import custody" not in path.read_text(encoding="utf-8")
        assert "from custody" not in path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def bed(base, tmp_path_factory):
    """Everything right up to the last signatures: the same as `base`, later."""
    folder = tmp_path_factory.mktemp("bed")
    ward = Ward.from_base(base, folder)
    while len(ward.model.of("bedside_scanned", dose=FIRST.dose.key)) < len(NURSES):
        assert ward.next_step(FIRST).kind == "recorded"
        ward.tick(minutes=1)
    ward.close()
    return folder / "custody.db", ward.model, ward.now, tuple(ward.deeds)


@pytest.fixture
def at_the_bed(bed, tmp_path):
    ward = Ward.from_base(bed, tmp_path)
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
    ward, bag = Ward.from_base(base, tmp_path), FIRST.bags[0]
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
