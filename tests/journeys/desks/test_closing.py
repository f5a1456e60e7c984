"""The closing desk in Chromium: the running bag is finished by two, the infusion ended, and the follow-up that is due is shown."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from custody.workflows import demonstration
from custody.workflows.rehearsal import bedside
from custody.workflows.rehearsal.steps import Script
from tests.journeys.browsing import Person
from tests.journeys.desks.at_a_desk import back, countersign, is_fit_to_use, play, served, sign

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def server(demonstration_folder, tmp_path_factory):
    with served(demonstration_folder, tmp_path_factory.mktemp("closing")) as running:
        yield running


def running(server):
    """The good lot at the bed, its infusion running."""
    cast = server.cast("good")
    road = Script((server.clock() + demonstration.UNTIL_BEDSIDE).replace(second=0, microsecond=0))
    bedside.thaw(road, cast, cast.dose_bags[0], minutes=-40)
    bedside.make_ready_at_the_bed(road, cast)
    bedside.start(road, cast)
    for minute in (5, 15, 30):
        bedside.vitals(road, cast, minutes=minute)
    play(server, road)
    return cast


def test_nurses_account_for_the_bag_and_see_what_is_due(browser, server):
    cast = running(server)
    server.clock.advance(minutes=10)
    one, two = (Person.arrives(browser, server, f"demo-nurse-{n}") for n in ("one", "two"))
    page = one.page
    one.follow("Closing", exact=True)
    expect(page.locator("main")).to_contain_text("infusion running")
    is_fit_to_use(one, "closing_home")
    one.follow("Bag finished")
    expect(page.locator(".beside")).to_contain_text("must add up to 30 ml ± 2 ml")
    volumes = {"given_ml": "17.5", "residual_ml": "12.5", "line_ml": "0", "samples_ml": "0", "spill_ml": "0"}
    sign(one, {"bag": f"CU1:bag:{cast.dose_bags[0]}", **volumes, "reason_if_partial": "the dose needs no more"})
    two.go(f"/desks/closing/dose/{cast.dose}")
    countersign(two)
    one.go("/desks/closing")
    one.follow("Infusion ended")
    sign(one, {"ended_at": server.clock(), "completed": "yes"})
    back(one, "Closing")
    expect(page.locator("main")).to_contain_text("1 h after the end")
    expect(page.locator("main")).to_contain_text("in the way")
    is_fit_to_use(one, "closing_dose")
    page.locator(".criteria summary").first.click()
    expect(page.locator(".criteria").first).to_contain_text("accounted for")
    assert one.foreign == one.complaints == []
