"""A test that does not run is named loudly, and is a failure where everything is required."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SKIPPING = """
import pytest

def test_passes():
    pass

def test_skips():
    pytest.skip("no printer here")

@pytest.mark.skip(reason="not on this system")
def test_is_marked():
    pass

@pytest.mark.xfail(reason="known")
def test_is_expected_to_fail():
    assert False
"""
MODULE_SKIPPING = "import pytest\npytest.skip('no such library', allow_module_level=True)\n"
BROWSER = "import pytest\n\n@pytest.mark.browser\ndef test_looks():\n    pass\n"


def run(folder: Path, content: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run one test file with the plugin and nothing else of this project."""
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = browser\n", encoding="utf-8")
    (folder / "test_it.py").write_text(content, encoding="utf-8")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("CUSTODY_", "PYTEST_"))}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.require_all", "-p", "no:randomly", "-p", "no:cacheprovider", str(folder)]
    environment = clean | {"PYTHONPATH": str(ROOT)} | variables
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_skips_are_named_with_their_reasons(tmp_path: Path):
    done = run(tmp_path, SKIPPING)
    assert done.returncode == 0, done.stdout
    assert "NOT RUN ON THIS MACHINE" in done.stdout
    assert "1 skipped: no printer here" in done.stdout
    assert "1 skipped: not on this system" in done.stdout


def test_skips_are_failures_where_everything_is_required(tmp_path: Path):
    done = run(tmp_path, SKIPPING, CUSTODY_REQUIRE_ALL="1")
    assert done.returncode == 1, done.stdout
    assert "1 failed, 1 passed, 1 xfailed, 1 error" in done.stdout
    assert "CUSTODY_REQUIRE_ALL allows no skip" in done.stdout


@pytest.mark.parametrize(("required", "passes"), [("0", True), ("", True), ("1", False)])
def test_module_that_skips_itself_is_a_failure_where_everything_is_required(tmp_path: Path, required: str, passes: bool):
    done = run(tmp_path, MODULE_SKIPPING + "def test_never():\n    pass\n", CUSTODY_REQUIRE_ALL=required)
    assert ("no such library" in done.stdout) is True
    assert (done.returncode in {0, 5}) is passes, done.stdout


def test_browser_tests_are_skipped_and_named_without_chromium(tmp_path: Path):
    done = run(tmp_path, BROWSER, PATH=str(tmp_path))
    assert done.returncode == 0, done.stdout
    assert "1 skipped: no Chromium here" in done.stdout


def test_genuine_logger_files_are_asked_for_by_name(tmp_path: Path):
    done = run(tmp_path, "def test_passes():\n    pass\n")
    assert "CUSTODY_LOGGER_SAMPLES is not set" in done.stdout
