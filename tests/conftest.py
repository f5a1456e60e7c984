"""What every test gets: the valid chain, Hypothesis profiles, and the choice of tests that need something this machine may lack."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

QUICK = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}
settings.register_profile("test", max_examples=30, derandomize=True, **QUICK)
settings.register_profile("prove", max_examples=1000, **QUICK)
settings.load_profile(os.environ.get("CUSTODY_TEST_PROFILE", "test"))

JOURNEYS = Path(__file__).parent / "journeys"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests on genuine logger files run only where their folder is named: they are not part of custody.

    Files of minutes are begun first, or one worker would still be at the last of them when the others have long finished.
    """
    items.sort(key=lambda item: not item.path.is_relative_to(JOURNEYS))
    if os.environ.get("CUSTODY_LOGGER_SAMPLES"):
        return
    without = [item for item in items if item.get_closest_marker("logger_sample")]
    items[:] = [item for item in items if not item.get_closest_marker("logger_sample")]
    config.hook.pytest_deselected(items=without)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Figures that a test measured (`record_property("figure", text)`) end the report: how far the stateful machine came."""
    for report in terminalreporter.getreports("passed"):
        for name, text in report.user_properties:
            if name == "figure":
                terminalreporter.write_line(str(text))


@pytest.fixture(scope="session")
def chromium_of_the_worker():
    """One Chromium for all tests of a worker, begun when the first of them needs it."""
    from playwright.sync_api import sync_playwright

    from tests.journeys.browsing import chromium

    with sync_playwright() as playwright, chromium(playwright) as opened:
        yield opened


@pytest.fixture(scope="module")
def browser(chromium_of_the_worker):
    """The worker's Chromium; what a file of tests has opened is closed after it, so that no page goes on asking."""
    yield chromium_of_the_worker
    for context in chromium_of_the_worker.contexts:
        context.close()


@pytest.fixture
def figure(record_property):
    """Says at the end of the run what was tried or measured, and how it ended."""

    def say(text: str) -> None:
        record_property("figure", text)

    return say


@pytest.fixture
def chain():
    from tests.chain import Chain

    return Chain()
