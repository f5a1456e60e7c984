"""The preparation desk in Chromium: what would stop the dose is read before the thaw, the bag is thawed by two, tested and released."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.browsing import Person
from tests.journeys.desks.at_a_desk import back, countersign, is_fit_to_use, served, sign

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def server(demonstration_folder, tmp_path_factory):
    with served(demonstration_folder, tmp_path_factory.mktemp("preparation")) as running:
        yield running


def test_pharmacists_thaw_a_bag_with_nothing_in_the_way(browser, server):
    cast, clock = server.cast("good"), server.clock
    bag, path = f"CU1:bag:{cast.dose_bags[0]}", f"/desks/preparation/dose/{cast.dose}"
    one, two = (Person.arrives(browser, server, f"demo-preparer-{n}") for n in ("one", "two"))
    page = one.page
    one.follow("Preparation", exact=True)
    expect(page.locator("main")).to_contain_text("would stop this dose: do not thaw yet")
    is_fit_to_use(one, "preparation_home")
    one.follow("See why")
    expect(page.locator(".rules")).to_contain_text("PRP-READY")
    is_fit_to_use(one, "preparation_before")
    Person.arrives(browser, server, "demo-physician-one").act("ready_confirmed", cast.dose.key, {})
    one.go(path)
    expect(page.locator(".rules")).to_contain_text("Nothing that can be known now would stop this dose")
    one.follow("Bag taken out of storage")
    sign(one, {"bag": bag, "taken_at": clock()})
    two.go(f"/desks/preparation/bag/{cast.dose_bags[0]}")
    countersign(two, {"bag": bag})
    clock.advance(seconds=60)
    one.go(path)
    expect(page.locator(".bag-card")).to_contain_text("OUT OF STORAGE")
    one.follow("Bag thaw or preparation started")
    sign(one, {"bag": bag, "container_whole": "yes"})
    two.go(path)
    countersign(two, {"bag": bag, "container_whole": "yes"})
    clock.advance(minutes=8)
    one.go(path)
    expect(page.locator(".bag-card")).to_contain_text("Thaw clock: 2 h")
    is_fit_to_use(one, "preparation_thawed")
    one.follow("Sample taken")
    sign(one, {"sample": "D-SAMPLE-1", "taken_at": clock()})
    back(one, "Preparation")
    expect(page.get_by_role("link", name="Enter APP")).to_be_visible()
    assert one.foreign == one.complaints == []
