"""The machine's rules at the bed: hand-overs, scans, signatures, and everything that can come between them."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule

from custody.workflows.rehearsal.bedside import NURSES, PHYSICIAN, PREPARERS
from tests.journeys.bench import Bench, answers, bags, doses, nurses
from tests.journeys.interruptions import INTERRUPTIONS

ANSWERED = ("container_whole", "nothing_unusual_seen", "line_and_filter_right", "no_other_drug_on_line", "resuscitation_ready")
wrongs = st.sampled_from([None, None, None, "neighbour", "old wristband", "identifier", "rate", *ANSWERED])


class Bed(Bench):
    """Hand-overs, scans, signatures, and everything that can come between them."""

    @rule(bag=bags, giver=st.sampled_from([PREPARERS[0], NURSES[0]]), receiver=st.sampled_from(NURSES))
    def a_bag_is_offered(self, bag, giver, receiver):
        self.ward.offer(self.bag(bag), giver, receiver)

    @rule(bag=bags, receiver=st.sampled_from(NURSES), code=st.sampled_from(["C-771035", "c-771035 ", "C-771036"]))
    def a_bag_is_taken_over(self, bag, receiver, code):
        self.ward.accept(self.bag(bag), receiver, code=code)

    @rule(bag=bags)
    def an_offer_is_withdrawn(self, bag):
        self.ward.withdraw_offer(self.bag(bag))

    @rule(cast=doses, nurse=nurses, bag=bags, right=st.sampled_from([True, True, False]), wrong=wrongs)
    def somebody_scans(self, cast, nurse, bag, right, wrong):
        cast = self.cast(cast)
        self.ward.scan(cast, nurse, self.scans(cast, self.own_bag(cast, bag, right), wrong))

    @rule(cast=doses, pair=st.sampled_from([NURSES, NURSES[::-1], (NURSES[0], PHYSICIAN)]), bag=bags, right=st.booleans())
    def two_scan_and_look(self, cast, pair, bag, right):
        cast = self.cast(cast)
        own = self.own_bag(cast, bag, right)
        for nurse in pair:
            self.ward.scan(cast, nurse, self.scans(cast, own, None))
        self.ward.tick(seconds=1)
        self.ward.look(cast.dose, NURSES[0])

    @rule(cast=doses, first=nurses, second=nurses, bag=bags, right=st.sampled_from([True, True, False]), wrong=wrongs, second_wrong=wrongs)
    def two_sign_a_start(self, cast, first, second, bag, right, wrong, second_wrong):
        cast = self.cast(cast)
        own = self.own_bag(cast, bag, right)
        self.ward.tick(seconds=1)
        scans, second_scans = self.scans(cast, own, wrong), self.scans(cast, own, second_wrong)
        self.ward.start(cast, own, first, second, scans=scans, second_scans=second_scans)

    @rule(cast=doses, first=nurses, second=nurses, bag=bags, right=st.sampled_from([True, True, False]), whole=answers)
    def two_sign_the_next_bag(self, cast, first, second, bag, right, whole):
        cast = self.cast(cast)
        self.ward.tick(seconds=1)
        self.ward.start_next(cast, self.own_bag(cast, bag, right), first, second, container_whole=whole)

    @rule(cast=doses, what=st.sampled_from([None, *INTERRUPTIONS]), place=st.integers(0, 3), mended=st.booleans())
    def something_comes_between_the_scans_and_the_start(self, cast, what, place, mended):
        """Between the two scans, between the scans and the verdict, between verdict and start, or between the two signatures."""
        ward, cast = self.ward, self.cast(cast)
        if mended:
            self.mends_everything()
        if not self._come_to_the_bed(cast):
            return
        bag = self.own_bag(cast, 0, right=True)

        def here(n):
            if n == place and what is not None:
                INTERRUPTIONS[what](ward, cast, bag)
                ward.tick(seconds=1)

        ward.scan(cast, NURSES[0], ward.scans(cast, bag))
        here(0)
        ward.scan(cast, NURSES[1], ward.scans(cast, bag))
        here(1)
        ward.look(cast.dose, NURSES[0])
        here(2)
        ward.tick(seconds=1)
        before = len(ward.waiting)
        ward.start(cast, bag, NURSES[0])
        here(3)
        if len(ward.waiting) == before:
            return
        job = ward.waiting.pop()
        answer = ward.join(job, NURSES[1])
        if answer.kind == "stopped" and mended:
            self.mends_everything()
            ward.join(ward.waiting.pop(), NURSES[1])

    def _come_to_the_bed(self, cast):
        """The right way, up to where the first nurse would scan."""
        if self.ward.model.started(cast.dose.key):
            return False
        for _ in range(20):
            if self.ward.is_ready_for_the_scans(cast):
                return True
            answer = self.ward.next_step(cast)
            if answer is None or answer.kind != "recorded":
                return False
            self.ward.tick(minutes=1)
        return False

    @rule(cast=doses)
    def a_nurse_signs_and_comes_back_with_a_new_account(self, cast):
        """The pair rules compare persons, not accounts."""
        ward, cast = self.ward, self.cast(cast)
        bag = self.own_bag(cast, 0, right=True)
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
