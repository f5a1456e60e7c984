"""The machine's rules about time, quality, committees and the ward."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.journeys.bench import FINAL_BLOWS_AFTER, Bench, answers, bags, doses

MINUTES = st.sampled_from([1, 2, 5, 9, 10, 11, 14, 15, 16, 29, 30, 31, 60, 61, 120, 121, 180, 360, 1440])


class Days(Bench):
    """The right way, time, quality, committees and the ward."""

    @rule(cast=doses, steps=st.integers(1, 6), minutes=st.integers(0, 3))
    def goes_on_a_little(self, cast, steps, minutes):
        self.goes_on(self.cast(cast), steps, minutes)

    @rule(cast=doses, steps=st.integers(4, 16))
    def goes_on_for_long(self, cast, steps):
        self.goes_on(self.cast(cast), steps, 1)

    @rule(cast=doses)
    def goes_on_to_the_next_start(self, cast):
        self.starts_next(self.cast(cast))

    @precondition(lambda self: self.ward.starts)
    @rule()
    def a_running_dose_goes_on_to_its_next_bag(self):
        self.starts_next(next(c for c in self.scene.casts if c.dose.key == self.ward.starts[-1]["dose"]))

    @rule()
    def everything_is_mended(self):
        self.mends_everything()

    @rule(minutes=MINUTES, seconds=st.sampled_from([0, 0, -1, 1]))
    def time_passes(self, minutes, seconds):
        self.ward.tick(minutes=minutes, seconds=seconds)

    @rule(bag=bags, hours=st.sampled_from([2, 3]), seconds=st.sampled_from([-1, 0, 1]))
    def time_comes_to_an_expiry(self, bag, hours, seconds):
        """To the end of a thawed bag, or to the last moment at which an hour of infusion still fits."""
        prepared = self.ward.model.last("bag_preparation_started", bag=self.bag(bag).key)
        if prepared is not None:
            self.ward.now = max(self.ward.now, prepared["_at"] + timedelta(hours=hours, seconds=seconds))

    @rule(node=bags)
    def something_is_held(self, node):
        self.ward.hold(self.scene.holdable[node % len(self.scene.holdable)])

    @rule(node=bags)
    def a_hold_is_lifted(self, node):
        nodes = (*self.scene.holdable, *self.scene.bags)
        on = nodes[node % len(nodes)]
        holds = self.ward.model.open_holds(on.key)
        self.ward.lift(on, holds[-1]["hold"] if holds else "HOLD-NONE")

    @precondition(lambda self: self.deeds_done > FINAL_BLOWS_AFTER)
    @rule(blow=st.sampled_from(["recall", "recall", "reject", "withdraw", "refuse", "leave", "damage"]), node=bags, cast=doses, bag=bags)
    def something_final_happens(self, blow, node, cast, bag):
        ward, cast = self.ward, self.cast(cast)
        recallable = [n for n in self.scene.holdable if n.kind in ("lot", "bank", "donor", "tissue", "donation")]
        {
            "recall": lambda: ward.recall(recallable[node % len(recallable)]),
            "reject": lambda: ward.reject_lot(cast.lot),
            "withdraw": lambda: ward.withdraw_donor_consent(self.scene.first),
            "refuse": lambda: ward.refuse_donor(self.scene.first),
            "leave": lambda: ward.participant_leaves(cast),
            "damage": lambda: ward.damage(self.bag(bag)),
        }[blow]()

    @rule(what=st.sampled_from(["halted", "resumed", "closed", "opened"]))
    def committees_decide(self, what):
        self.ward.set_study(what)

    @precondition(lambda self: self.scene.kits)
    @rule(committee=st.sampled_from(["data_safety", "ethics"]), decision=st.sampled_from(["open", "open", "refuse"]))
    def a_committee_decides_on_the_cohort(self, committee, decision):
        self.ward.decide_cohort(committee, decision)

    @rule(cast=doses)
    def a_wristband_is_reissued(self, cast):
        self.ward.reissue_wristband(self.cast(cast))

    @rule(cast=doses, percent=st.sampled_from(["100", "110", "110.1", "90", "89.9"]))
    def somebody_weighs_again(self, cast, percent):
        cast = self.cast(cast)
        self.ward.weigh(cast, (cast.weight_kg * Decimal(percent) / 100).quantize(Decimal("0.01")))

    @rule(
        cast=doses,
        deed=st.sampled_from(["ready", "premedicate", "vitals", "fit"]),
        minutes_ago=st.sampled_from([0, 14, 15, 16]),
        answer=answers,
    )
    def the_ward_prepares(self, cast, deed, minutes_ago, answer):
        cast = self.cast(cast)
        if deed == "vitals":
            self.ward.vitals(cast, minutes_ago=minutes_ago)
        elif deed == "fit":
            self.ward.fit(cast, stable=answer)
        else:
            getattr(self.ward, deed)(cast)

    @rule(minutes=st.sampled_from([10, 30, 70]), celsius=st.integers(0, 7), ago=st.sampled_from([0, 20]))
    def the_store_warms(self, minutes, celsius, ago):
        end = self.ward.now - timedelta(minutes=ago)
        warm = self.scene.warm[celsius % len(self.scene.warm)]
        self.ward.spikes.append((end - timedelta(minutes=minutes), end, Decimal(warm)))
        self.ward.read_ward_file()

    @rule()
    def the_stores_record_is_read(self):
        self.ward.read_ward_file()

    @rule(bag=bags, minutes_ago=st.sampled_from([0, 0, 30]))
    def quality_decides_about_a_bag(self, bag, minutes_ago):
        self.ward.decide_cold(self.bag(bag), minutes_ago=minutes_ago)
        self.ward.dispose_gap(self.bag(bag))
