"""The storage desk in Chromium: a logger's file is read once, and a bag that is out of the cold is put away by its clock."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from playwright.sync_api import expect

from custody.workflows.rehearsal.files import logger_file
from custody.workflows.rehearsal.places import FREEZER_LOGGER
from tests.journeys.browsing import Person
from tests.journeys.desks.at_a_desk import back, is_fit_to_use, served, sign
from tests.web.desks.test_packing import in_store, plan

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PACKER = "demo-coldchain-one"


@pytest.fixture
def server(demonstration_folder, tmp_path):
    with served(demonstration_folder, tmp_path) as running:
        yield running


def upload(person, data):
    person.follow("Read a logger's file")
    person.page.set_input_files("[name=file]", {"name": "store.txt", "mimeType": "text/plain", "buffer": data})
    person.press("Upload")


def test_file_of_the_freezer_is_read_once(browser, server):
    packer = Person.arrives(browser, server, PACKER)
    now = server.clock()
    data = logger_file(FREEZER_LOGGER, now - timedelta(hours=6), now, "-190.0")[2]
    packer.go("/logger-files")
    is_fit_to_use(packer, "storage_file")
    packer.go("/desks/storage")
    upload(packer, data)
    packer.press("Accept these readings")
    expect(packer.page.locator(".confirmation")).to_contain_text("Temperature file read")
    packer.go("/desks/storage")
    assert packer.foreign == packer.complaints == []
    upload(packer, data)
    expect(packer.page.locator("main")).to_contain_text("is recorded already")


def test_bag_out_of_the_cold_is_put_away_from_the_top_of_the_list(browser, server):
    web = SimpleNamespace(store=server.store, config=server.config, clock=server.clock)
    bag = in_store(web)[0]
    plan(web, in_store(web), until="bag_taken_out")
    server.clock.advance(minutes=3)
    packer = Person.arrives(browser, server, PACKER)
    page = packer.page
    packer.follow("Storage", exact=True)
    expect(page.locator("main tbody").first).to_contain_text("OUT OF STORAGE")
    is_fit_to_use(packer, "storage_home")
    with page.expect_navigation():
        packer.scan("scan", f"CU1:bag:{bag}")
    packer.follow("Bag put into storage")
    sign(packer, {"bag": f"CU1:bag:{bag}", "equipment": "CU1:equipment:LN2-01", "position": "Z9-09"})
    back(packer, "Storage")
    expect(page.locator("main")).to_contain_text("LN2-01, position Z9-09")
    is_fit_to_use(packer, "storage_bag")
    packer.go("/desks/storage")
    packer.follow("LN2-01 Vapour-phase freezer")
    expect(page.locator("main")).to_contain_text("Z9-09")
    is_fit_to_use(packer, "storage_freezer")
    assert packer.foreign == packer.complaints == []
