"""Whoever writes goes through the door, which turns a full or failing disk into one sentence."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent / "custody"
OF_THEIR_OWN = {
    "workflows/door.py": "the door itself",
    "workflows/drill/scenarios_record.py": "a scenario that damages its own store",
}


def places_that_write() -> set[str]:
    found = set()
    for folder in ("workflows", "web", "cli"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "writing":
                    found.add(path.relative_to(ROOT).as_posix())
    return found


def test_nobody_opens_a_transaction_that_writes_past_the_door():
    assert places_that_write() == set(OF_THEIR_OWN)
