"""A bag that failed a test for one dose goes to no other unseen."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from custody.domain.acts.allocation import DoseDeallocated, SpareAllocated
from custody.domain.acts.quality import HoldPlacedByCustody, ResultRecorded
from custody.domain.ids import CohortId
from custody.workflows.drill.roads import CAST, START
from custody.workflows.rehearsal.bedside import PREPARERS
from tests.workflows.desk import BEDSIDE
from tests.workflows.test_corrections import corrected

pytestmark = pytest.mark.on_both

IWRS = "demo-iwrs-one"
BAG = CAST.dose_bags[1]
FREED = DoseDeallocated(dose=CAST.dose, cohort=CohortId(CAST.cohort), bags=(BAG,), reason="not needed")
AGAIN = SpareAllocated(dose=CAST.dose, bag=BAG)
SECOND = timedelta(seconds=1)


@pytest.fixture
def at_bed(desk_at):
    return desk_at(BEDSIDE)


def measured(desk, test, result):
    """A result of the dose's first bag, as if it had been measured on the second, which nobody has thawed."""
    like = next(deed.act for deed in desk.deeds(CAST.dose, ResultRecorded) if deed.act.test == test)
    return replace(like, bag=BAG, result=result)


def causes(desk):
    return [deed.act.cause for deed in desk.deeds(BAG, HoldPlacedByCustody)]


def test_bag_that_leaked_is_held_when_it_is_freed_and_reserved_for_nobody(at_bed):
    at_bed.record(measured(at_bed, "CCI", "leak"), PREPARERS[0], START)
    assert not causes(at_bed)
    at_bed.record(FREED, IWRS, START + SECOND)
    assert causes(at_bed) == ["CCI"]
    stopped = at_bed.record(AGAIN, IWRS, START + 2 * SECOND)
    assert stopped.kind == "stopped"
    assert "BAG-HOLD" in stopped.verdict.codes


def test_bag_whose_leak_is_recorded_after_it_was_freed_is_held_too(at_bed):
    at_bed.record(FREED, IWRS, START)
    at_bed.record(measured(at_bed, "CCI", "leak"), PREPARERS[0], START + SECOND)
    assert causes(at_bed) == ["CCI"]


def test_bag_that_was_never_of_this_dose_is_not_held_for_being_named(at_bed):
    foreign = CAST.bags[2]
    at_bed.record(replace(measured(at_bed, "CCI", "leak"), bag=foreign), PREPARERS[0], START)
    assert not at_bed.deeds(foreign, HoldPlacedByCustody)


@pytest.mark.parametrize("freed_first", [False, True])
def test_bag_whose_tests_passed_is_free(at_bed, freed_first):
    passed = measured(at_bed, "CCI", "no leak"), PREPARERS[0]
    steps = [(FREED, IWRS), passed] if freed_first else [passed, (FREED, IWRS)]
    for n, (act, by) in enumerate(steps):
        at_bed.record(act, by, START + n * SECOND)
    assert not causes(at_bed)
    assert "BAG-HOLD" not in at_bed.record(AGAIN, IWRS, START + 3 * SECOND).verdict.codes


def test_result_corrected_before_the_bag_is_freed_holds_nothing(at_bed):
    at_bed.record(measured(at_bed, "CCI", "leak"), PREPARERS[0], START)
    wrong = at_bed.deeds(CAST.dose, ResultRecorded)[-1]
    at_bed.record(corrected(wrong, result="no leak"), PREPARERS[0], START + SECOND)
    at_bed.record(FREED, IWRS, START + 2 * SECOND)
    assert not causes(at_bed)


def test_result_corrected_so_that_it_fails_after_the_bag_was_freed_holds_it(at_bed):
    at_bed.record(measured(at_bed, "CCI", "no leak"), PREPARERS[0], START)
    at_bed.record(FREED, IWRS, START + SECOND)
    wrong = at_bed.deeds(CAST.dose, ResultRecorded)[-1]
    at_bed.record(corrected(wrong, result="leak"), PREPARERS[0], START + 2 * SECOND)
    assert causes(at_bed) == ["CCI"]


def test_each_failed_test_is_named_and_held_once(at_bed):
    for n, (test, result) in enumerate((("APP", "turbid"), ("CCI", "leak"), ("CCI", "leak"))):
        at_bed.record(measured(at_bed, test, result), PREPARERS[0], START + n * SECOND)
    at_bed.record(FREED, IWRS, START + 3 * SECOND)
    assert causes(at_bed) == ["APP", "CCI"]
