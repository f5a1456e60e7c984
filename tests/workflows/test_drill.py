"""The drill: every must-block scenario of the rules gives exactly its codes through the real workflows, on a real store."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from custody.domain.acts.quality import HoldPlaced
from custody.domain.terms import ProductForm
from custody.workflows.drill import chains, runner, tree
from custody.workflows.drill.chains import Bench, asked
from custody.workflows.drill.roads import CAST, FRESH, QA, START, delivered, road
from custody.workflows.drill.runner import SCENARIOS, run_drill
from custody.workflows.drill.table import TABLE, Row
from custody.workflows.rehearsal.editing import changed, dropped, inserted, moved, signed_by, step_of, with_file
from custody.workflows.rehearsal.whole import consent_to_closed_dose


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    told = []
    results = run_drill(tmp_path_factory.mktemp("drill"), on_done=told.append)
    assert sorted(told, key=lambda result: result.scenario) == list(results)
    return {result.scenario: result for result in results}


def answers(tmp_path, *branches):
    """What each of some chains answered, in their order."""
    numbered = [tree.Branch(0, place, chain) for place, chain in enumerate(branches)]
    seen = {branch.place: answer for branch, answer in tree.play(numbered, tmp_path / "drill")}
    return [seen[place] for place in sorted(seen)]


@pytest.mark.slow
@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.number} {row.title}")
def test_scenario_gives_exactly_its_codes(results, row):
    result = results[row.number]
    assert result.seen == row.expected
    assert result.ok
    assert (result.title, result.expected) == (row.title, row.expected)


def test_table_has_every_scenario_once_in_order():
    assert [row.number for row in TABLE] == list(range(1, 35)) == sorted(SCENARIOS)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: str(row.number))
def test_scenario_has_a_chain_for_each_hold_point_of_its_row(row):
    named = {part.split()[0] for part in row.expected.split("; ")} & {
        "G1",
        "G2",
        "G4",
        "G5",
        "G6",
        "G7",
        "G8",
        "G9",
        "G10",
        "G12",
        "H",
        "X",
    }
    assert len(SCENARIOS[row.number]()) >= max(1, len(named))


@pytest.mark.slow
@pytest.mark.parametrize("form", list(ProductForm))
def test_unbroken_road_passes_every_hold_point_to_the_closed_dose(tmp_path, form):
    """What the scenarios break is valid: without it no hold point stops anything."""
    steps = consent_to_closed_dose(START, FRESH if form is ProductForm.FRESH else CAST)
    assert answers(tmp_path, asked(steps, "dose_closed")) == ["G13 GO"]


def test_chain_that_is_not_valid_until_its_hold_point_says_where(tmp_path):
    steps = changed(delivered(), "material_received", expires_at=START - timedelta(days=179))
    (answer,) = answers(tmp_path, asked(steps, "bag_accepted"))
    assert answer.startswith("the road is blocked before: processing_started")
    assert "MFG-MAT" in answer


def test_scenario_that_cannot_be_asked_does_not_hide_the_others(tmp_path):
    def broken(_bench: Bench) -> str:
        raise ValueError("no such thing")

    good = asked(delivered(), "cord_collected")
    assert answers(tmp_path, chains.Chain((), broken), good) == ["ValueError: no such thing", "G1 GO"]


def test_two_chains_share_what_they_have_in_common(tmp_path, monkeypatch):
    played = []
    real = tree.Bench.player

    class Counting:
        def __init__(self, player):
            self.player = player

        def play(self, step):
            played.append(step.name)
            return self.player.play(step)

        def attempt(self, step):
            return self.player.attempt(step)

    monkeypatch.setattr(tree.Bench, "player", property(lambda bench: Counting(real.fget(bench))))
    late = moved(delivered(), "consent_signed", step_of(delivered(), "cord_collected").at - timedelta(minutes=1))
    assert answers(tmp_path, asked(delivered(), "cord_collected"), asked(late, "cord_collected")) == ["G1 GO", "G1 GO"]
    assert played.count("study_approved") == 1
    assert played.count("consent_signed") == 2


def test_one_difference_from_the_table_fails():
    row = Row(1, "one", "G7 BAG-DONOR; G8 BAG-DONOR")
    assert runner._result(row, {0: "G7 BAG-DONOR", 1: "G8 BAG-DONOR"}).ok
    for answers in (
        {0: "G7 BAG-DONOR", 1: "G8 BAG-DONOR BAG-HOLD"},
        {0: "G7 BAG-DONOR"},
        {0: "G8 BAG-DONOR", 1: "G7 BAG-DONOR"},
        {0: "G7 GO", 1: "G8 BAG-DONOR"},
    ):
        assert not runner._result(row, answers).ok


def test_only_the_scenarios_asked_for_are_played(tmp_path):
    assert [result.scenario for result in run_drill(tmp_path, numbers=(6, 1))] == [1, 6]
    with pytest.raises(LookupError, match="there is no scenario 35"):
        run_drill(tmp_path, numbers=(35,))


@pytest.mark.slow
def test_two_processes_see_the_same(tmp_path):
    results = run_drill(tmp_path, numbers=(1, 7), processes=2)
    assert [(result.scenario, result.ok) for result in results] == [(1, True), (7, True)]


class TestEditing:
    def test_steps_that_are_not_changed_stay_the_same_objects(self):
        steps = changed(road(), "lot_step_recorded", culture=replace(step_of(road(), "lot_step_recorded").act.culture, passage=5))
        assert sum(a is not b for a, b in zip(steps, road(), strict=True)) == 1

    def test_inserted_act_comes_at_its_time(self):
        at = step_of(road(), "infusion_started").at - timedelta(seconds=1)
        steps = inserted(road(), HoldPlaced(node=CAST.lot, hold="H", reason="r", owner="QA"), QA, at=at)
        names = [step.name for step in steps]
        assert names[names.index("infusion_started") - 1] == "hold_placed"
        assert len(steps) == len(road()) + 1

    def test_moved_step_goes_where_its_time_is(self):
        steps = moved(road(), "dose_closed", START - timedelta(days=300))
        assert steps[0].name == "dose_closed"

    def test_dropped_step_is_gone(self):
        assert not [step for step in dropped(road(), "dose_closed") if step.name == "dose_closed"]

    def test_step_that_is_not_there_is_an_error(self):
        with pytest.raises(LookupError, match="1 steps called dose_closed, so none with the number 1"):
            signed_by(road(), "dose_closed", "demo-qa-one", nth=1)

    def test_late_step_cannot_be_changed_by_fields(self):
        with pytest.raises(LookupError, match="makes its act from the history"):
            changed(road(), "study_approved", study_version=2)

    def test_file_with_other_readings_names_its_own_series(self):
        steps = with_file(road(), CAST.trip_logger, "-180.0")
        step = step_of(steps, "logger_file_read", nth=-1, where=lambda act: act.logger == CAST.trip_logger)
        assert set(step.series.celsius_values) == {step.act.celsius_min}
        assert step.act.series.value == step.series.digest
