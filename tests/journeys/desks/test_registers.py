"""The registers desk in Chromium: a calibration that runs out is found on the desk and renewed in place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from custody.domain.acts.shipping import LoggerCalibrated
from custody.workflows.dossiers import dossier_of
from tests.journeys.browsing import Person
from tests.journeys.desks.at_a_desk import back, is_fit_to_use, served, sign

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def server(demonstration_folder, tmp_path_factory):
    with served(demonstration_folder, tmp_path_factory.mktemp("registers")) as running:
        yield running


def test_quality_renews_a_calibration_before_it_blocks(browser, server):
    cast = server.cast("good")
    with server.store.reading() as connection:
        last = dossier_of(connection, [cast.trip_logger]).last(cast.trip_logger, LoggerCalibrated)
    due = datetime.combine(last.act.due_on, datetime.min.time(), UTC)
    server.clock.advance(seconds=(due - timedelta(days=10) - server.clock()).total_seconds())
    quality = Person.arrives(browser, server, "demo-qa-one")
    page = quality.page
    quality.follow("Registers", exact=True)
    expect(page.locator("#field-scan")).to_be_focused()
    expect(page.locator("main")).to_contain_text("days left")
    is_fit_to_use(quality, "registers_home")
    with page.expect_navigation():
        quality.scan("scan", f"CU1:logger:{cast.trip_logger}")
    quality.follow("Temperature logger calibrated")
    today = server.clock().date()
    sign(quality, {"calibrated_on": today.isoformat(), "due_on": (today + timedelta(days=365)).isoformat(), "certificate": "CAL-77"})
    back(quality, "Registers")
    expect(page.locator("main")).to_contain_text("CAL-77")
    expect(page.locator("main")).to_contain_text("in order")
    is_fit_to_use(quality, "registers_logger")
    quality.go("/desks/registers/of/material")
    is_fit_to_use(quality, "registers_materials")
    assert quality.foreign == quality.complaints == []
