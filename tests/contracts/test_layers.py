"""The arrows between the folders point down: import-linter checks the contracts of pyproject.toml, and would see a break."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run in a process of its own: the linter must read the files of `folder`, not what this run has imported."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_layers_and_direct_imports_hold():
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 broken." in done.stdout


BREAKS = {
    "a gate that queries": ("gates/bag.py", "from custody.store import entries"),
    "a core that imports a framework": ("domain/ids.py", "import flask"),
    "a rule that reads the clock": ("domain/dose.py", "from custody import clock"),
    "a view that reaches the store": ("web/access.py", "from custody.store import entries"),
    "a view that judges": ("web/access.py", "from custody import gates"),
    "a store that knows HTTP": ("store/entries.py", "import flask"),
    "a module without a layer": ("helpers.py", ""),
}


@pytest.mark.slow
@pytest.mark.parametrize("break_", BREAKS)
def test_broken_layer_is_noticed(break_: str, tmp_path: Path):
    where, line = BREAKS[break_]
    shutil.copytree(ROOT / "custody", tmp_path / "custody", ignore=shutil.ignore_patterns("__pycache__", "static"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / "custody" / where).open("a", encoding="utf-8") as module:
        module.write(f"\n{line}\n")
    done = lint_imports(tmp_path)
    assert done.returncode != 0, break_
