"""A morning at the quality desk in Chromium: an excursion, a gap, a hold placed and lifted, a recall list."""

import pytest
from playwright.sync_api import expect

from custody.workflows import demonstration
from tests.journeys.browsing import Person, serving
from tests.web.conftest import NOW

pytestmark = [pytest.mark.browser, pytest.mark.slow]
DESK = "/desks/quality"


@pytest.fixture(scope="module")
def server(demonstration_folder, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUSTODY_WEAK_SECRETS", "1")
        with serving(demonstration_folder, tmp_path_factory.mktemp("quality") / "store", NOW) as running:
            yield running


@pytest.fixture
def qa(browser, server):
    person = Person.arrives(browser, server, "demo-qa-one")
    person.go(DESK)
    yield person
    assert not person.foreign + person.complaints
    person.context.close()


def sign(person, values):
    person.fill(values)
    person.press("Continue")
    person.page.fill("[name=secret]", demonstration.SECRET)
    with person.page.expect_navigation():
        person.page.locator(".signature button").click()
    expect(person.page.locator(".confirmation")).to_be_visible()
    person.follow("Back to Quality", exact=True)


def test_excursion_is_decided_with_its_curve_in_sight(qa, server):
    bag = server.cast("warm").bags[0]
    qa.scan("scan", str(bag))
    picture = qa.page.locator("details[open] img").first
    picture.scroll_into_view_if_needed()
    expect(picture).to_be_visible()
    assert picture.evaluate("async image => { await image.decode(); return image.naturalWidth; }") > 100
    qa.follow("Cold-chain excursion decided", exact=True)
    sign(qa, {"decision": "release", "reason": "seven minutes, above the glass transition"})
    expect(qa.page.locator("main")).to_contain_text("seven minutes, above the glass transition")


def test_gap_is_disposed_of_from_the_queue(qa):
    qa.follow("Dispose of it", exact=True)
    sign(qa, {"seals_intact": "yes", "trace_continuous": "yes", "reason": "the courier stood in traffic, seals whole"})
    expect(qa.page.locator("main")).to_contain_text("Disposed of by Demo QA One")


def test_hold_is_placed_and_lifted(qa):
    qa.scan("scan", "LOT-0004")
    qa.follow("Hold placed", exact=True)
    sign(qa, {"reason": "particles seen"})
    expect(qa.page.locator("main")).to_contain_text("particles seen")
    qa.follow("Lift it", exact=True)
    sign(qa, {"reason": "a scratch on the bag"})
    expect(qa.page.locator("main")).to_contain_text("Nothing is held.")


def test_recall_list_opens_in_both_directions(qa, server):
    qa.follow("List of bags, places and participants", exact=True)
    expect(qa.page.locator("main")).to_contain_text(str(server.cast("recalled").bags[0]))
    qa.follow("What it came from", exact=True)
    expect(qa.page.locator("main")).to_contain_text("donor ")
