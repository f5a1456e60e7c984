"""The allocation desk in Chromium: bags are freed with a reason, others are proposed with their arithmetic, and reserved again."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.browsing import Person
from tests.journeys.desks.at_a_desk import back, is_fit_to_use, served, sign

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def server(demonstration_folder, tmp_path_factory):
    with served(demonstration_folder, tmp_path_factory.mktemp("allocation")) as running:
        yield running


def test_allocator_frees_bags_and_reserves_the_ones_proposed(browser, server):
    cast = server.cast("good")
    allocator = Person.arrives(browser, server, "demo-iwrs-one")
    page = allocator.page
    allocator.follow("Participants and doses", exact=True)
    expect(page.locator("#field-scan")).to_be_focused()
    is_fit_to_use(allocator, "allocation_home")
    with page.expect_navigation():
        allocator.scan("scan", f"CU1:dose:{cast.dose}")
    expect(page.locator(".sums")).to_contain_text("Target cells")
    allocator.follow("Bags freed from the dose")
    sign(allocator, {"reason": "the bag is wanted elsewhere"})
    back(allocator, "Participants and doses")
    expect(page.locator(".proposal")).to_contain_text("Oldest expiry first")
    expect(page.locator(".proposal")).to_contain_text("Nothing stands in the way now")
    is_fit_to_use(allocator, "allocation_proposal")
    allocator.follow("Reserve these bags")
    sign(allocator)
    back(allocator, "Participants and doses")
    expect(page.locator("main")).to_contain_text("Bags are reserved already")
    assert allocator.foreign == allocator.complaints == []
