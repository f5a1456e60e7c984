"""CLS at hold point G13: every millilitre, every bag and every vital sign accounted for."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from decimal import Decimal

import pytest

from custody.domain.acts import allocation, bedside
from custody.domain.acts.shipping import BagDestroyed
from custody.domain.terms import HoldPoint
from custody.gates import evaluate
from tests.chain import BEDSIDE_AT, blocked_gates, reasons

G13 = HoldPoint.CLOSE
NURSES = ("demo-nurse-one", "demo-nurse-two")
PREPARERS = ("demo-preparer-one", "demo-preparer-two")


def only(verdict, gate, code):
    return blocked_gates(verdict) == {gate} and reasons(verdict, gate) == {code}


def test_valid_dose_may_be_closed(chain):
    assert blocked_gates(chain.verdict_at(G13)) == set()


class TestVolumes:
    @pytest.mark.parametrize(
        ("residual", "codes"), [("2", set()), ("2.01", {"volumes_differ"}), ("-0.01", {"negative_volume"}), ("0", set())]
    )
    def test_two_millilitres_either_way_are_allowed(self, chain, residual, codes):
        chain.change("bag_finished", residual_ml=Decimal(residual))  # 30 ml were given of 30 ml
        assert reasons(chain.verdict_at(G13), "CLS-VOL") == codes

    @pytest.mark.parametrize(("given", "codes"), [("28", set()), ("27.99", {"volumes_differ"})])
    def test_missing_millilitres_block(self, chain, given, codes):
        chain.change("bag_finished", given_ml=Decimal(given))
        assert reasons(chain.verdict_at(G13), "CLS-VOL") == codes

    def test_line_samples_and_spill_count(self, chain):
        chain.change("bag_finished", given_ml=Decimal(10), line_ml=Decimal(8), samples_ml=Decimal(2), spill_ml=Decimal(10))
        assert blocked_gates(chain.verdict_at(G13)) == set()

    def test_negative_part_blocks_even_where_the_sum_is_right(self, chain):
        chain.change("bag_finished", given_ml=Decimal(31), spill_ml=Decimal(-1))
        assert only(chain.verdict_at(G13), "CLS-VOL", "negative_volume")

    def test_bag_without_its_end_blocks(self, chain):
        chain.drop("bag_finished")
        assert reasons(chain.verdict_at(G13), "CLS-VOL") == {"bag_not_finished_once"}

    def test_bag_ended_twice_blocks(self, chain):
        chain.add(chain.step("bag_finished").act, before="dose_closed", by=NURSES)
        assert only(chain.verdict_at(G13), "CLS-VOL", "bag_not_finished_once")

    def test_dose_of_which_nothing_was_opened_blocks(self, chain):
        for name in ("bag_preparation_started", "infusion_started", "next_bag_started"):
            chain.drop_all(name)
        assert reasons(chain.verdict_at(G13), "CLS-VOL") == {"missing"}


class TestFate:
    def reserve_spare(self, chain):
        bags = chain.cast.bags[:3]
        chain.change("dose_allocated", bags=bags)
        return bags[2]

    def test_spare_that_was_never_opened_needs_a_fate(self, chain):
        self.reserve_spare(chain)
        assert only(chain.verdict_at(G13), "CLS-FATE", "bag_without_fate")

    def test_spare_freed_from_the_dose_needs_none(self, chain):
        spare = self.reserve_spare(chain)
        dose = chain.cast.dose
        freed = allocation.DoseDeallocated(dose=dose, cohort=chain.step("dose_allocated").act.cohort, bags=(spare,), reason="not needed")
        chain.add(freed, before="dose_closed", by="demo-iwrs-one")
        assert blocked_gates(chain.verdict_at(G13)) == set()

    def test_spare_destroyed_by_two_has_a_fate(self, chain):
        spare = self.reserve_spare(chain)
        destroyed = BagDestroyed(bag=spare, method="incineration", reason="not needed")
        chain.add(destroyed, before="dose_closed", by=(NURSES[0], PREPARERS[0]))
        assert blocked_gates(chain.verdict_at(G13)) == set()

    def test_discarded_bag_has_a_fate(self, chain):
        chain.drop("bag_finished", 1)
        discarded = bedside.BagDiscarded(dose=chain.cast.dose, bag=chain.cast.bags[1], reason="leak")
        chain.add(discarded, before="infusion_ended", by=PREPARERS)
        chain.drop("next_bag_started")
        chain.drop("bag_destroyed", 1)
        assert blocked_gates(chain.verdict_at(G13)) == set()

    def test_fate_signed_by_one_person_blocks(self, chain):
        chain.drop_all("bag_destroyed")
        case, now = chain.case_at(G13)
        dose = chain.cast.dose
        alone = tuple(
            dataclasses.replace(d, signers=d.signers[:1]) if isinstance(d.act, bedside.BagFinished) else d
            for d in case.dossier.streams[dose.key]
        )
        dossier = dataclasses.replace(case.dossier, streams={**case.dossier.streams, dose.key: alone})
        assert only(evaluate(G13, dataclasses.replace(case, dossier=dossier), now), "CLS-FATE", "fate_without_witness")


class TestVitals:
    """The infusion of the chain runs 75 minutes: due at 5, 15, 30 and 60 min, then 1, 2, 4, 6 and 24 h after the end."""

    def drop_vitals_at(self, chain, minutes):
        at = BEDSIDE_AT + timedelta(minutes=minutes)
        chain.drop("vitals_recorded", where=lambda act: act.measured_at == at)

    @pytest.mark.parametrize("minutes", [5, 15, 30, 60, 75 + 60, 75 + 120, 75 + 240, 75 + 360, 75 + 1440])
    def test_each_point_of_the_schedule_must_be_recorded(self, chain, minutes):
        self.drop_vitals_at(chain, minutes)
        assert only(chain.verdict_at(G13), "CLS-VIT", "vitals_not_done")

    @pytest.mark.parametrize(("late", "codes"), [(5, set()), (5.01, {"vitals_not_done"}), (-5, set()), (-5.01, {"vitals_not_done"})])
    def test_five_minutes_either_way_are_on_time(self, chain, late, codes):
        at = BEDSIDE_AT + timedelta(minutes=60)
        chain.change("vitals_recorded", where=lambda act: act.measured_at == at, measured_at=at + timedelta(minutes=late))
        assert reasons(chain.verdict_at(G13), "CLS-VIT") == codes

    @pytest.mark.parametrize(("missed", "after_end", "minute"), [(30, False, 30), (75 + 240, True, 240)])
    def test_reason_for_a_missed_point_stands_in_for_it(self, chain, missed, after_end, minute):
        self.drop_vitals_at(chain, missed)
        omitted = bedside.VitalsOmitted(dose=chain.cast.dose, after_end=after_end, minute=minute, reason="at the scanner")
        chain.add(omitted, before="dose_closed", by=NURSES[0])
        assert blocked_gates(chain.verdict_at(G13)) == set()

    def test_empty_reason_does_not(self, chain):
        self.drop_vitals_at(chain, 30)
        omitted = bedside.VitalsOmitted(dose=chain.cast.dose, after_end=False, minute=30, reason=" ")
        chain.add(omitted, before="dose_closed", by=NURSES[0])
        assert only(chain.verdict_at(G13), "CLS-VIT", "vitals_not_done")

    @pytest.mark.parametrize(("ran", "minute", "codes"), [(90, 90, {"vitals_not_done"}), (89, None, set())])
    def test_points_run_up_to_the_end_itself(self, chain, ran, minute, codes):
        ended_at = BEDSIDE_AT + timedelta(minutes=ran)
        for hours in (1, 2, 4, 6, 24):
            after = BEDSIDE_AT + timedelta(minutes=75, hours=hours)
            chain.change(
                "vitals_recorded", where=lambda act, at=after: act.measured_at == at, measured_at=ended_at + timedelta(hours=hours)
            )
        chain.change("infusion_ended", ended_at=ended_at)
        verdict = chain.verdict_at(G13)
        assert reasons(verdict, "CLS-VIT") == codes
        assert {f.outcome.reason.values["minute"] for f in verdict.blocking} == ({minute} if minute else set())

    def test_end_before_the_start_blocks(self, chain):
        chain.change("infusion_ended", ended_at=BEDSIDE_AT - timedelta(minutes=1))
        assert only(chain.verdict_at(G13), "CLS-VIT", "ended_before_start")

    @pytest.mark.parametrize("fact", ["infusion_started", "infusion_ended"])
    def test_without_start_or_end_it_blocks(self, chain, fact):
        chain.drop(fact)
        assert reasons(chain.verdict_at(G13), "CLS-VIT") == {"missing"}
