"""Every gate of the rules page is there, says where it comes from, and runs at exactly the hold points named for it."""

from __future__ import annotations

import inspect
import json
import re
from functools import cache
from pathlib import Path

import pytest

from custody.domain.terms import HoldPoint
from custody.gates import GATES, HOLD_POINTS, Gate
from custody.gates.hold_points import BAG_HOLDING, PAIR_CODES
from tests.contracts.golden import HOLD_POINTS as GOLDEN

IDS = sorted({gate for ids in HOLD_POINTS.values() for gate in ids})
ENTERED = [pytest.param(gate, id=gate.id) for gate in GATES.values()]
TESTS = Path(__file__).parent.parent


def test_gates_run_where_the_golden_list_says_and_in_its_order():
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert {point.value: list(ids) for point, ids in HOLD_POINTS.items()} == golden


def test_every_hold_point_runs_at_least_one_gate_and_none_twice():
    assert set(HOLD_POINTS) == set(HoldPoint)
    for point, ids in HOLD_POINTS.items():
        assert ids, point
        assert len(set(ids)) == len(ids), point


def test_every_gate_of_the_table_is_entered_and_no_other():
    assert sorted(GATES) == IDS


@pytest.mark.parametrize("gate", ENTERED)
def test_gate_has_id_title_source_and_revision(gate: Gate):
    assert re.fullmatch(r"[A-Z]{2,3}-[A-Z0-9]{2,8}", gate.id)
    assert re.fullmatch(r"[A-Z].{6,110}[^. ]", gate.title)
    assert len(gate.source.split()) >= 2, "say the section and what it rests on"
    assert gate.revision >= 1
    assert gate.hold_points


@pytest.mark.parametrize("gate", ENTERED)
def test_gate_lives_in_the_module_of_its_prefix(gate: Gate):
    module = gate.rule.__module__.rpartition(".")[2]
    others = {g.rule.__module__.rpartition(".")[2] for g in GATES.values() if g.id.partition("-")[0] == gate.id.partition("-")[0]}
    assert others == {module}, "one code prefix, one module"


@pytest.mark.parametrize("gate", ENTERED)
def test_gate_is_told_the_case_and_the_time_and_nothing_else(gate: Gate):
    assert [name.removeprefix("_") for name in inspect.signature(gate.rule).parameters] == ["case", "now"]


@pytest.mark.parametrize("gate", IDS)
def test_gate_is_named_in_a_test(gate: str):
    assert any(re.search(rf"\b{gate}\b", text) for text in _test_texts()), f"no test names {gate}"


@cache
def _test_texts() -> list[str]:
    """The tests of gates and whole journeys; this folder is about the code itself and proves no rule."""
    found = [path.read_text(encoding="utf-8") for path in TESTS.rglob("*.py") if "contracts" not in path.parts]
    assert found
    return found


def test_codes_with_a_consequence_are_codes_of_gates():
    assert set(IDS) >= BAG_HOLDING
    assert set(IDS) >= PAIR_CODES
