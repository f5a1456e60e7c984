"""Every module opens with a sentence, and none has grown past what one reader can hold."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "custody"
MODULES = [pytest.param(path, id=path.relative_to(PACKAGE).as_posix()) for path in sorted(PACKAGE.rglob("*.py"))]
MODULE_LINES_MAX = 300
FUNCTION_LINES_MAX = 60

ONE_CLASS_PER_ACT = "a table: one class per act of one stage, no logic; splitting a stage would hide its order"
LONGER_MODULES = {
    "domain/acts/bedside.py": ONE_CLASS_PER_ACT,
    "domain/acts/manufacturing.py": ONE_CLASS_PER_ACT,
    "domain/acts/people.py": ONE_CLASS_PER_ACT,
    "domain/acts/shipping.py": ONE_CLASS_PER_ACT,
    "domain/criteria.py": "a table: one field per limit of the rules page, with its source beside it",
}
LONGER_FUNCTIONS = {
    ("store/migrations/versions/0001_first_store.py", "upgrade"): "a migration is one list of statements, frozen once it has run",
}


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", MODULES)
def test_module_opens_with_one_sentence(path: Path):
    module = tree(path)
    if not module.body:
        return  # an empty __init__.py has nothing to say
    opening = (ast.get_docstring(module) or "").split("\n\n")[0]
    assert opening, "the module has no docstring"
    assert opening[0].isupper() or opening.startswith(("custody ", "`"))
    assert opening.rstrip().endswith((".", ":"))


@pytest.mark.parametrize("path", MODULES)
def test_module_is_short_or_argued(path: Path):
    name = path.relative_to(PACKAGE).as_posix()
    lines = len(path.read_text(encoding="utf-8").splitlines())
    if name in LONGER_MODULES:
        assert lines > MODULE_LINES_MAX, "short again: take it out of the list"
    else:
        assert lines <= MODULE_LINES_MAX, f"{lines} lines: split it by topic"


@pytest.mark.parametrize("path", MODULES)
def test_functions_are_short_or_argued(path: Path):
    name = path.relative_to(PACKAGE).as_posix()
    for node in ast.walk(tree(path)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or (name, node.name) in LONGER_FUNCTIONS:
            continue
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        assert lines <= FUNCTION_LINES_MAX, f"{node.name} has {lines} lines, so it has two jobs"


def test_argued_exceptions_still_exist():
    assert all((PACKAGE / name).exists() for name in LONGER_MODULES)
    for name, function in LONGER_FUNCTIONS:
        found = [node for node in ast.walk(tree(PACKAGE / name)) if isinstance(node, ast.FunctionDef) and node.name == function]
        assert found, f"{name} has no {function}"
