"""Whatever order of acts, scans, holds, recalls, expiries, corrections and retries is tried, custody and an independent model agree.

The model (`model.py`) is written from the rules page and shares no code with custody. Every verdict of hold points G10, G11, G12,
G12N and H is compared with it, code by code and bag by bag, in both directions: no start that a rule forbids, and no useless STOP.
"""

from __future__ import annotations

import os
import shutil
import tempfile
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
from custody.domain.verdict import Passed
from custody.gates.registry import GATES
from custody.workflows.rehearsal.bedside import NURSES, PHYSICIAN, PREPARERS
from tests.journeys.ward import Ward
from tests.journeys.world import AGAIN, BAGS, CASTS, FIRST, NEIGHBOUR, make_base

STEPS = {"test": 30, "prove": 50}[os.environ.get("CUSTODY_TEST_PROFILE", "test")]
FINAL_BLOWS_AFTER = 10
"""A recall or withdrawal ends all hope of another start, so it comes late in a run."""

doses = st.sampled_from([FIRST, FIRST, NEIGHBOUR, AGAIN])
bags = st.sampled_from(BAGS)
nurses = st.sampled_from([*NURSES, *NURSES, PHYSICIAN])
answers = st.sampled_from([Answer.YES, Answer.YES, Answer.NO, Answer.NOT_CHECKED])
MINUTES = st.sampled_from([1, 2, 5, 9, 10, 11, 14, 15, 16, 29, 30, 31, 60, 61, 120, 121, 180, 360, 1440])
ANSWERED = ("container_whole", "nothing_unusual_seen", "line_and_filter_right", "no_other_drug_on_line", "resuscitation_ready")
HOLDABLE = (FIRST.donor, FIRST.donation, FIRST.tissue, FIRST.master, FIRST.working, FIRST.lot, FIRST.shipment, FIRST.bags[0], FIRST.bags[1])


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return make_base(tmp_path_factory.mktemp("base"))


class Machine(RuleBasedStateMachine):
    """One run: a copy of the store as it stands an hour before the first infusion, then anything at all."""

    base = None
    reached = None

    @initialize(cast=st.sampled_from([FIRST, FIRST, NEIGHBOUR]), steps=st.sampled_from([0, 3, 9, 12, 16, 17]))
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

    @rule(cast=doses, steps=st.integers(4, 12))
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
            bad = {"APP": "clumps", "CCI": "leak", "LAB": "99"}[test]
            self.ward.result(cast, bag, test, None if good else bad)

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

    @rule(
        cast=doses, pair=st.sampled_from([NURSES, NURSES[::-1], (NURSES[0], PHYSICIAN)]), bag=bags, right=st.booleans()
    )
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
            ResultRecorded: lambda act: {"result": data.draw(st.sampled_from(["conforms", "no leak", "100", "clumps"]))},
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
    assert sum(starts for starts, _ in reached) > 0, "no run reached a start, so nothing was proved"
    print(sum(starts for starts, _ in reached), "starts in", len(reached), "runs")


def brought_to_the_bed(base, tmp_path, cast=FIRST):
    """Everything right up to the last signature."""
    ward = Ward.from_base(base, tmp_path)
    while not ward.model.of("bedside_scanned", dose=cast.dose.key):
        assert ward.next_step(cast).kind == "recorded"
        ward.tick(minutes=1)
    assert ward.next_step(cast).kind == "recorded"
    return ward


def test_the_right_steps_lead_to_a_start_and_to_the_next_bag(base, tmp_path):
    ward = brought_to_the_bed(base, tmp_path)
    while (answer := ward.next_step(FIRST)) is not None:
        assert answer.kind == "recorded"
        ward.tick(minutes=1)
    assert [start["bag"] for start in ward.starts] == [bag.key for bag in FIRST.dose_bags]
    ward.verify()


def test_a_gate_that_always_passes_is_found_out(base, tmp_path, monkeypatch):
    """The same comparison that the machine makes, on one directed sequence: a hold, and a gate that no longer sees it."""
    ward = brought_to_the_bed(base, tmp_path)
    assert ward.hold(FIRST.working).kind == "recorded"
    monkeypatch.setitem(GATES, "BAG-HOLD", replace(GATES["BAG-HOLD"], rule=lambda case, now: Passed()))
    with pytest.raises(AssertionError, match=r"model only .*BAG-HOLD"):
        ward.next_step(FIRST)


def test_a_gate_that_always_blocks_is_found_out(base, tmp_path, monkeypatch):
    ward = brought_to_the_bed(base, tmp_path)
    from custody.domain.verdict import Blocked, Reason

    monkeypatch.setitem(GATES, "BED-VIT", replace(GATES["BED-VIT"], rule=lambda case, now: Blocked(Reason("missing", what="vitals"))))
    with pytest.raises(AssertionError, match=r"custody only .*BED-VIT"):
        ward.next_step(FIRST)
