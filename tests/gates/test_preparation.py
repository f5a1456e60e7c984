"""PRP at hold point G10: the last moment before the bag is thawed."""

from __future__ import annotations

import dataclasses

import pytest

from custody.domain.acts import bedside
from custody.domain.acts.shipping import BagDamaged, BagReturned
from custody.domain.terms import Answer, HoldPoint
from custody.gates import evaluate
from tests.chain import blocked_gates, reasons
from tests.gates.altered import verdict_with

G10 = HoldPoint.PREPARE
PREPARERS = ("demo-preparer-one", "demo-preparer-two")


def test_valid_bags_may_be_prepared_one_after_the_other(chain):
    assert blocked_gates(chain.verdict_at(G10)) == set()
    assert blocked_gates(chain.verdict_at(G10, nth=1)) == set()


class TestReady:
    @pytest.mark.parametrize(("minutes", "codes"), [(25, set()), (25.01, {"ready_too_old"})])
    def test_ready_is_at_most_30_minutes_old(self, chain, minutes, codes):
        chain.move("ready_confirmed", -minutes)  # it stands 5 minutes before the thaw
        assert reasons(chain.verdict_at(G10), "PRP-READY") == codes

    def test_never_confirmed_blocks(self, chain):
        chain.drop_all("ready_confirmed")
        verdict = chain.verdict_at(G10)
        assert blocked_gates(verdict) == {"PRP-READY"}
        assert reasons(verdict, "PRP-READY") == {"missing"}


class TestOrder:
    def test_bag_before_must_be_finished(self, chain):
        chain.drop("bag_finished")
        assert reasons(chain.verdict_at(G10, nth=1), "PRP-ORDER") == {"bag_before_not_finished"}

    def test_discarded_bag_lets_the_next_one_come(self, chain):
        chain.drop("bag_finished")
        discarded = bedside.BagDiscarded(dose=chain.cast.dose, bag=chain.cast.bags[0], reason="leak")
        chain.add(discarded, before="next_bag_started", by=PREPARERS, minutes=60)
        assert reasons(chain.verdict_at(G10, nth=1), "PRP-ORDER") == set()

    def test_no_bag_beyond_the_plan(self, chain):
        chain.change("weight_measured", weight_kg=chain.cast.weight_kg - 30)  # 100 kg: one bag
        assert reasons(chain.verdict_at(G10, nth=1), "PRP-ORDER") == {"planned_bags_used"}

    def test_nothing_is_prepared_after_the_end(self, chain):
        ended = bedside.InfusionEnded(dose=chain.cast.dose, ended_at=chain.step("bag_finished").at, completed=False, reason="stopped")
        chain.add(ended, before="bag_preparation_started", nth=1, by="demo-nurse-one")
        assert reasons(chain.verdict_at(G10, nth=1), "PRP-ORDER") == {"infusion_over"}

    def test_every_bag_is_on_site_before_the_first_is_thawed(self, chain):
        chain.drop("bag_accepted", nth=1)
        assert reasons(chain.verdict_at(G10), "PRP-ORDER") == {"bag_not_on_site"}

    def test_bag_sent_back_is_not_on_site(self, chain):
        returned = BagReturned(bag=chain.cast.bags[1], reason="wrong")
        chain.add(returned, before="bag_preparation_started", by="demo-receiver-one")
        assert reasons(chain.verdict_at(G10), "PRP-ORDER") == {"bag_not_on_site"}

    @pytest.mark.parametrize(("spares", "codes"), [(1, {"too_few_spares"}), (0, set())])
    def test_spares_the_study_asks_for_are_reserved(self, chain, spares, codes):
        assert reasons(verdict_with(chain, G10, spare_bags=spares), "PRP-ORDER") == codes


class TestRightBag:
    def test_bag_not_reserved_for_the_dose_blocks_and_no_other_gate_judges_it(self, chain):
        chain.change("bag_preparation_started", bag=chain.cast.bags[2])
        verdict = chain.verdict_at(G10)
        assert blocked_gates(verdict) == {"PRP-BAG"}
        assert reasons(verdict, "PRP-BAG") == {"bag_of_another_dose"}

    def test_two_people_who_scan_different_bags_block(self, chain):
        chain.second_reads("bag_preparation_started", bag=chain.cast.bags[1])
        assert reasons(chain.verdict_at(G10), "PRP-BAG") == {"bags_scanned_differ"}

    def test_foreign_bag_found_leaking_is_never_held(self, chain):
        chain.change("bag_preparation_started", bag=chain.cast.bags[2], container_whole=Answer.NO)
        assert "PRP-INT" not in blocked_gates(chain.verdict_at(G10))


class TestContainer:
    @pytest.mark.parametrize("answer", [Answer.NO, Answer.NOT_CHECKED])
    def test_container_not_whole_blocks_that_bag(self, chain, answer):
        chain.change("bag_preparation_started", container_whole=answer)
        chain.second_reads("bag_preparation_started", container_whole=answer)
        verdict = chain.verdict_at(G10)
        assert blocked_gates(verdict) == {"PRP-INT"}
        assert {f.bag for f in verdict.blocking} == {chain.cast.bags[0]}
        assert reasons(verdict, "PRP-INT") == {"container_not_whole"}

    def test_one_no_of_two_is_enough(self, chain):
        chain.second_reads("bag_preparation_started", container_whole=Answer.NO)
        assert reasons(chain.verdict_at(G10), "PRP-INT") == {"container_not_whole"}

    def test_damage_recorded_before_blocks(self, chain):
        chain.add(BagDamaged(bag=chain.cast.bags[0], description="drop on port"), before="bag_preparation_started", by="demo-preparer-one")
        assert reasons(chain.verdict_at(G10), "PRP-INT") == {"bag_damaged"}


class TestTwoPeople:
    def test_same_person_twice_blocks(self, chain):
        chain.signed_by("bag_preparation_started", "demo-preparer-one", "demo-preparer-one")
        verdict = chain.verdict_at(G10)
        assert blocked_gates(verdict) == {"PRP-TWO"}
        assert reasons(verdict, "PRP-TWO") == {"one_person"}

    def test_same_person_through_two_accounts_blocks(self, chain):
        case, now = chain.case_at(G10)
        first, second = case.signers
        case = dataclasses.replace(case, signers=(first, dataclasses.replace(second, person=first.person)))
        assert reasons(evaluate(G10, case, now), "PRP-TWO") == {"one_person"}

    def test_second_person_who_did_not_scan_blocks(self, chain):
        case, now = chain.case_at(G10)
        assert reasons(evaluate(G10, dataclasses.replace(case, second=None), now), "PRP-TWO") == {"second_did_not_scan"}
