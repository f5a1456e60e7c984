"""The quality control desk in Chromium: a result that fails, its investigation, the retest beside it, and the review by somebody else."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.browsing import Person
from tests.journeys.desks.at_a_desk import back, is_fit_to_use, served, sign

pytestmark = [pytest.mark.browser, pytest.mark.slow]
DESK, LOT = "Quality control", "/desks/quality-control/lot/LOT-0004"
MEASURED = {"sample": "Q-LOT-0004", "method": "M-VIA", "method_version": "1", "instrument": "CYTO-1"}


@pytest.fixture(scope="module")
def server(demonstration_folder, tmp_path_factory):
    with served(demonstration_folder, tmp_path_factory.mktemp("quality_control")) as running:
        yield running


def enter(analyst, result, **more):
    """Viability, measured now, on the form that is open."""
    analyst.fill({"test": "VIA", "result": result, "unit": "%", **MEASURED, "read_at": analyst.server.clock(), **more})
    sign(analyst)
    back(analyst, DESK)


def test_failed_result_is_investigated_and_tested_again_and_stays_in_sight(browser, server):
    analyst, reviewer = (Person.arrives(browser, server, name) for name in ("demo-analyst-one", "demo-qc-reviewer-one"))
    page = analyst.page
    analyst.follow(DESK, exact=True)
    expect(page.locator("#field-scan")).to_be_focused()
    is_fit_to_use(analyst, "quality_control_home")
    with page.expect_navigation():
        analyst.scan("scan", "CU1:lot:LOT-0004")
    analyst.follow("QC result recorded")
    enter(analyst, "61.0")
    expect(page.locator("main")).to_contain_text("BELOW its limit")
    server.clock.advance(seconds=2)
    reviewer.follow(DESK, exact=True)
    expect(reviewer.page.locator("main")).to_contain_text("failed, not investigated: 1")
    reviewer.follow("lot LOT-0004")
    reviewer.follow("Open an investigation")
    sign(reviewer, {"investigation": "OOS-7"})
    server.clock.advance(seconds=2)
    analyst.go(LOT)
    analyst.follow("Retest")
    assert "First result 61.0 %" in analyst.text()
    enter(analyst, "90.0")
    for shown in ("61.0 %", "90.0 %"):
        expect(page.locator("main")).to_contain_text(shown)
    reviewer.go(LOT)
    is_fit_to_use(reviewer, "quality_control_lot")
    assert analyst.foreign + analyst.complaints + reviewer.complaints == []
