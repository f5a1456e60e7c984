"""`custody gates` and `custody drill`."""

import json
from functools import partial

import pytest

from custody.cli import checks
from custody.workflows.drill import run_drill
from custody.workflows.drill.runner import Result
from custody.workflows.drill.table import TABLE

KEYS = {"scenario", "title", "expected", "seen", "ok"}


def test_gates_in_json(nowhere):
    told = nowhere.told("gates")
    assert all(set(gate) == {"id", "revision", "title", "source", "hold_points"} for gate in told)
    assert len({gate["id"] for gate in told}) == len(told) > 80
    assert all(gate["source"] and gate["title"] and isinstance(gate["revision"], int) for gate in told)
    expiry = next(gate for gate in told if gate["id"] == "BAG-EXP")
    assert "G12" in expiry["hold_points"]


def test_gates_for_people_stand_one_to_a_line_and_whole_in_a_pipe(nowhere):
    told = nowhere.told("gates")
    first, columns, *lines = nowhere.done("gates").splitlines()
    assert first == f"{len(told)} gates"
    assert columns.split() == ["id", "revision", "title", "source", "hold", "points"]
    for gate, line in zip(told, lines, strict=True):
        assert line.startswith(gate["id"])
        assert gate["title"] in line
        assert line.endswith(" ".join(gate["hold_points"]))


@pytest.mark.slow
def test_drill_tells_a_program_what_the_real_workflows_answer(nowhere, monkeypatch):
    """Two scenarios here; all of them are played by the tests of the drill itself."""
    monkeypatch.setattr(checks, "run_drill", partial(run_drill, numbers=(1, 7)))
    monkeypatch.setattr(checks, "SCENARIOS", {1: None, 7: None})
    told = nowhere.told("drill")
    assert all(set(each) == KEYS for each in told)
    assert [(each["scenario"], each["title"], each["expected"], each["seen"], each["ok"]) for each in told] == [
        (row.number, row.title, row.expected, row.expected, True) for row in TABLE if row.number in {1, 7}
    ]


def results(*, differing=()):
    return tuple(
        Result(
            scenario=row.number,
            title=row.title,
            expected=row.expected,
            seen="G1 GO" if row.number in differing else row.expected,
            ok=row.number not in differing,
        )
        for row in TABLE
    )


def played(found):
    """A drill that has been played already: what the command makes of results is tested here, the playing elsewhere."""

    def run(_folder, *, on_done):
        for result in found:
            on_done(result)
        return found

    return run


def test_drill_shows_expected_and_seen(nowhere, monkeypatch):
    monkeypatch.setattr(checks, "run_drill", played(results()))
    said = nowhere.done("drill").splitlines()
    assert said[-1] == "34 of 34 as the rules say"
    assert len(said) == 34 + 3
    assert said[2].split() == ["ok", "1", *TABLE[0].title.split(), *TABLE[0].expected.split(), *TABLE[0].expected.split()]


def test_one_difference_fails_the_drill(nowhere, monkeypatch):
    monkeypatch.setattr(checks, "run_drill", played(results(differing={9})))
    answer = nowhere("drill")
    assert answer.exit_code == 1
    assert "33 of 34 as the rules say" in answer.stdout
    assert [line.split()[1] for line in answer.stdout.splitlines() if line.startswith("DIFFERS")] == ["9"]
    answer = nowhere("drill", "--json")
    assert answer.exit_code == 1
    assert [each["scenario"] for each in json.loads(answer.stdout) if not each["ok"]] == [9]


@pytest.mark.parametrize("found", [(), results()[:33]])
def test_drill_that_did_not_play_everything_fails(nowhere, monkeypatch, found):
    monkeypatch.setattr(checks, "run_drill", played(found))
    assert nowhere("drill").exit_code == 1
    assert nowhere("drill", "--json").exit_code == 1
