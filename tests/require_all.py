"""Says loudly which tests this machine cannot run; with CUSTODY_REQUIRE_ALL=1 a test that does not run is a failure.

A pytest plugin, loaded by `-p tests.require_all` in pyproject.toml. Everything else a test run needs is in conftest.py.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Generator
from functools import cache

import pytest

from tests import postgres

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""The first that is there is taken: the one without windows does the same with a third less work."""


@cache
def chromium_path() -> str | None:
    """The installed Chromium that browser tests drive, or None."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def everything_is_required() -> bool:
    return os.environ.get("CUSTODY_REQUIRE_ALL", "") not in ("", "0")


def pytest_report_header() -> list[str]:
    samples = os.environ.get("CUSTODY_LOGGER_SAMPLES")
    return [
        f"Chromium: {chromium_path() or 'NOT FOUND, no browser test will run'}",
        f"PostgreSQL: {postgres.binaries() or 'NOT FOUND, no test will run on it'}",
        f"genuine logger files: {samples or 'CUSTODY_LOGGER_SAMPLES is not set, their tests are deselected'}",
    ]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    lacking = {
        "browser": None if chromium_path() else f"no Chromium here: none of {', '.join(BROWSERS)} is installed",
        "postgresql": postgres.lacking(),
    }
    for marker, why in lacking.items():
        for item in items if why else ():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=why))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if everything_is_required() and report.skipped and not hasattr(report, "wasxfail"):
        refuse(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if everything_is_required() and report.skipped:
        refuse(report)
    return report


def refuse(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure that says why it is one."""
    why = reason_of(report)
    report.outcome = "failed"
    report.longrepr = f"{report.nodeid} was skipped ({why}), and CUSTODY_REQUIRE_ALL allows no skip"


def reason_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    where_and_why = report.longrepr
    text = where_and_why[2] if isinstance(where_and_why, tuple) else str(where_and_why)
    return text.removeprefix("Skipped: ")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Every reason for which something did not run, with its count, after all else so that nobody misses it."""
    reasons = Counter(reason_of(report) for report in terminalreporter.stats.get("skipped", ()))
    if reasons:
        terminalreporter.section("NOT RUN ON THIS MACHINE", yellow=True, bold=True)
    for reason, count in sorted(reasons.items()):
        terminalreporter.line(f"{count} skipped: {reason}", yellow=True)
    if not os.environ.get("CUSTODY_LOGGER_SAMPLES"):
        terminalreporter.line("Tests on genuine logger files were deselected: CUSTODY_LOGGER_SAMPLES is not set.", yellow=True)
