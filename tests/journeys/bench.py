"""Where every run of the machine begins and ends, and the ways that several of its rules go.

What is drawn is an index into the scene's own doses, bags and late results, so that one machine serves every scene.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize

from custody.domain.terms import Answer
from custody.workflows.rehearsal.bedside import NURSES, PHYSICIAN
from tests.journeys.hospital import EVALUATOR, Hospital

FINAL_BLOWS_AFTER = 10
"""A recall or withdrawal ends all hope of another start, so it comes late in a run."""
IN_MEMORY = Path("/dev/shm")
"""Where there is one: a run proves nothing about the disk, and would only wait for it."""
A_LITTLE_OUT = ("75.0", "75", "3.0")

doses = st.integers(0, 11)
bags = st.integers(0, 35)
nurses = st.sampled_from([*NURSES, *NURSES, PHYSICIAN])
answers = st.sampled_from([Answer.YES, Answer.YES, Answer.NO, Answer.NOT_CHECKED])


class Bench(RuleBasedStateMachine):
    """A copy of the scene's store, and what every group of rules needs of it."""

    base = None
    reached = None

    @initialize(
        cast=doses,
        steps=st.sampled_from([0, 9, 15, 16, 17, 20, 27, 28, 29]),
        beside=st.sampled_from([*[None] * 6, "an exception", "a leak", "a parcel"]),
    )
    def open(self, cast, steps, beside):
        """A run begins anywhere on the right way, sometimes after a detour from it."""
        self.folder = Path(tempfile.mkdtemp(dir=IN_MEMORY if IN_MEMORY.is_dir() else None))
        self.ward = Hospital.from_base(self.base, self.folder)
        self.scene = self.ward.scene
        self.deeds_done = 0
        cast = self.cast(cast)
        if beside == "an exception":
            self.seeks_an_exception(cast, "VIA")
        if beside == "a leak":
            self.gives_up_a_bag(cast, 0, "spare")
        if beside == "a parcel" and self.scene.parcels:
            self.brings_the_parcel_in(cast)
            self.gives_up_a_bag(cast, 0, "nothing")
        self.goes_on(cast, steps, 1)

    def teardown(self):
        if not hasattr(self, "ward"):
            return
        try:
            self.ward.verify()
            self.reached.append(self.ward.judged)
        finally:
            self.ward.close()
            shutil.rmtree(self.folder)

    def cast(self, index):
        return self.scene.casts[index % len(self.scene.casts)]

    def bag(self, index):
        return self.scene.bags[index % len(self.scene.bags)]

    def other(self, cast):
        """Another participant's dose."""
        return next(c for c in self.scene.casts if c.participant != cast.participant)

    def own_bag(self, cast, index, right):
        """The bag this dose needs next, or any bag at all."""
        usable = [b for b in self.ward.model.usable(cast.dose.key) if not self.ward.model.of("bag_finished", bag=b)]
        if right and usable:
            return self.ward.bag_of(usable[0])
        return self.bag(index)

    def goes_on(self, cast, steps, minutes):
        """Steps of the right way, as far as nothing stops them; their time passes all the same."""
        for _ in range(steps):
            answer = self.ward.next_step(cast)
            if answer is None or answer.kind != "recorded":
                break
            self.ward.tick(minutes=minutes)
        self.deeds_done += steps

    def starts_next(self, cast):
        """The right way to the next start of a bag, or to whatever stops it."""
        before = len(self.ward.starts)
        for _ in range(24):
            answer = self.ward.next_step(cast)
            if answer is None or answer.kind != "recorded" or len(self.ward.starts) > before:
                break
            self.ward.tick(minutes=1)
        self.deeds_done += 6

    def scans(self, cast, bag, wrong):
        ward = self.ward
        right = ward.scans(cast, bag)
        other = self.other(cast)
        if wrong == "neighbour":
            return ward.scans(other, bag, second_identifier=right.second_identifier)
        if wrong == "old wristband":
            band = ward.model.of("wristband_issued", participant=cast.participant.key)[0]["wristband"]
            return replace(right, wristband=type(right.wristband)(band))
        if wrong == "identifier":
            return replace(right, second_identifier=ward.scans(other, bag).second_identifier)
        if wrong == "rate":
            return replace(right, rate_ml_per_min=right.rate_ml_per_min + Decimal("0.01"))
        return right if wrong is None else replace(right, **{wrong: Answer.NO})

    # -- detours ------------------------------------------------------------------------------------------------------------------------

    def mends_everything(self):
        """QA lifts every hold, the committees let the study go on, and a weight that was read wrongly is read again."""
        self.ward.lift_all(*dict.fromkeys((*self.scene.holdable, *self.scene.bags)))
        for what in ("resumed", "opened"):
            self.ward.set_study(what)
        for committee in ("data_safety", "ethics") if self.scene.kits else ():
            self.ward.decide_cohort(committee, "open")
        for cast in dict.fromkeys(self.scene.casts):
            if self.ward.model.has_changed_weight(cast.dose.key):
                self.ward.weigh(cast, cast.weight_kg)

    def seeks_an_exception(self, cast, test, *, left_out=None, swapped=False, prepared=True, evaluator=EVALUATOR):
        """A result a little out of its limits, and the steps of rules section 9.4 for it, all but `left_out`."""
        ward = self.ward
        if not ward.model.failing(cast.lot.key):
            near = next(r for r in self.scene.late if r[0] == test and r[1] in A_LITTLE_OUT)
            ward.late_lot_result(cast, *near)
        failed = next((r for r in ward.model.failing(cast.lot.key) if r["_entry"]), None)
        if failed is None:
            return
        if prepared:
            self.mends_everything()
            ward.review_results(cast.lot)
        steps = ward.exception_steps(cast, failed, evaluator=evaluator)
        if swapped:
            steps[1], steps[3] = steps[3], steps[1]
        for n, step in enumerate(steps):
            if n != left_out:
                step()
                ward.tick(seconds=1)

    def gives_up_a_bag(self, cast, index, then):
        """A leak at the thaw: recorded, the bag destroyed, a spare reserved."""
        ward, done = self.ward, self.ward.model
        for _ in range(6):
            own = [b for b in done.usable(cast.dose.key) if done.state(b) in ("prepared", "released")]
            if own or ward.next_step(cast) is None:
                break
        if not own:
            return
        bag = ward.bag_of(own[index % len(own)])
        ward.discard(cast, bag)
        if then == "destroy":
            ward.destroy(bag)
        if then == "spare":
            ward.spare(cast, ward.any_spare(cast) or bag)

    def brings_the_parcel_in(self, cast):
        """Handed in, arrived, its logger read, each bag received by two; then one of its bags becomes a spare of this dose."""
        (parcel, own), *_ = self.scene.parcels
        for _ in range(2):
            self.ward.hand_in(parcel)
        self.ward.arrive(parcel, own)
        self.ward.read_trip_file(parcel)
        for bag in own:
            self.ward.receive(parcel, bag)
            self.ward.put_back(bag)
        self.ward.spare(cast, own[0])
