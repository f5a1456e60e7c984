"""The preparation desk: what would stop a dose is shown before the thaw; clocks run and tests stand beside their limits after it."""

import re
from datetime import timedelta

import pytest

from custody.workflows import demonstration
from custody.workflows.rehearsal import bedside
from custody.workflows.rehearsal.player import Player
from custody.workflows.rehearsal.steps import Script
from tests.web.at_the_desks import acts_of, cast_of
from tests.web.desks.test_quality_control import inline

DESK = "/desks/preparation"
PREPARER, SECOND, PHYSICIAN = "demo-preparer-one", "demo-preparer-two", "demo-physician-one"


@pytest.fixture(scope="module")
def cast(looked_at):
    return cast_of(looked_at, "good")


def play(web, cast, *, until):
    """The pharmacy's road up to one act, forty minutes before the bedside check."""
    road = Script((web.clock.now + demonstration.UNTIL_BEDSIDE).replace(second=0, microsecond=0))
    bedside.thaw(road, cast, cast.dose_bags[0], minutes=-40)
    player = Player(web.store)
    for step in road.in_order():
        player.play(step)
        if step.name == until:
            web.clock.now = step.at + timedelta(minutes=1)
            return
    raise AssertionError(until)


def test_dose_waits_before_the_thaw_with_the_step_that_comes_first(looked_at, cast):
    page = looked_at.signed_in(PREPARER).get(DESK)
    assert f"dose {cast.dose}" in page.text
    assert "physician has not said “ready”" in page.text
    assert "Nothing is thawed." in page.text


def test_every_stop_that_can_be_foreseen_stands_above_the_bags(looked_at, cast):
    text = looked_at.signed_in(PREPARER).get(f"{DESK}/dose/{cast.dose}").text
    assert "What would stop this dose, seen before the thaw" in text
    assert "PRP-READY" in text
    assert "In the way: at the thaw" in text
    assert text.index("PRP-READY") < text.index("Bags, in the order in which they are given")
    assert "Still to be done after the thaw" in text
    assert "If thawed now, usable until" in text


def test_hold_placed_on_the_bag_is_foreseen_before_anything_is_thawed(web):
    cast = cast_of(web, "good")
    bag = cast.dose_bags[0]
    held = {"hold": "H-77", "reason": "label torn", "owner": "QA"}
    page = inline(web.browser("demo-qa-one"), f"/desks/quality/bag/{bag}?act=hold_placed&hold=H-77&owner=QA", held)
    assert 'class="confirmation"' in page.html, page.text
    web.clock.advance(minutes=1)
    page = web.browser(PREPARER).get(DESK)
    assert "would stop this dose: do not thaw yet" in page.text
    assert "See why" in page.text
    assert "BAG-HOLD" in web.browser(PREPARER).get(f"{DESK}/dose/{cast.dose}").text


def test_bag_out_of_storage_shows_how_long(web):
    cast = cast_of(web, "good")
    play(web, cast, until="bag_taken_out")
    text = web.browser(PREPARER).get(f"{DESK}/dose/{cast.dose}").text
    assert "OUT OF STORAGE for" in text
    assert "Next step: Preparer: Bag thaw or preparation started" in text


def test_thawed_bag_shows_its_clock_and_the_tests_beside_their_limits(web):
    cast = cast_of(web, "good")
    play(web, cast, until="sample_taken")
    page = web.browser(PREPARER).get(f"{DESK}/dose/{cast.dose}")
    assert "Thaw clock: 2 h" in page.text
    assert "Infusion must start by" in page.text
    assert "no result yet" in page.text
    found = re.search(r'href="([^"]*act=result_recorded[^"]*test=APP[^"]*)"', page.html)
    assert found, page.text
    form = web.browser(PREPARER).get(found[1].replace("&amp;", "&")).form("/acts/result_recorded/review")
    assert form["bag"] == [cast.dose_bags[0].value]
    assert "Thawed: the clock runs 1" in web.browser(PREPARER).get(DESK).text


def test_thaw_waits_for_the_second_person_and_leads_back_to_the_dose(web):
    cast = cast_of(web, "good")
    play(web, cast, until="bag_taken_out")
    path = f"{DESK}/dose/{cast.dose}"
    scanned = {"bag": f"CU1:bag:{cast.dose_bags[0]}", "container_whole": "yes"}
    page = inline(web.browser(PREPARER), f"{path}?act=bag_preparation_started", scanned)
    assert f'href="{path}">Back to' in page.html, page.text
    assert "waits for another person" in web.browser(SECOND).get(path).text


def test_what_cannot_be_done_now_says_why(looked_at, cast):
    text = looked_at.signed_in(PREPARER).get(f"{DESK}/dose/{cast.dose}").text
    assert "Prepared bag released for infusion" in text
    assert "First: Bag thaw or preparation started." in text


def test_scan_of_a_bag_opens_it_with_its_dose(web):
    cast, browser = cast_of(web, "good"), web.browser(PREPARER)
    page = browser.send(browser.get(DESK), f"{DESK}/find", {"scan": f"CU1:bag:{cast.dose_bags[0]}"})
    assert page.location == f"{DESK}/bag/{cast.dose_bags[0]}"
    assert f"dose {cast.dose}" in browser.get(page.location).text


def test_looking_writes_nothing(web):
    cast = cast_of(web, "good")
    before = len(acts_of(web, f"dose:{cast.dose}"))
    web.browser(PREPARER).get(f"{DESK}/dose/{cast.dose}")
    assert len(acts_of(web, f"dose:{cast.dose}")) == before


@pytest.mark.parametrize("path", ["/dose/DOSE-9999", "/lot/LOT-0001"])
def test_thing_that_is_unknown_or_not_of_this_desk_is_not_found(looked_at, path):
    assert looked_at.signed_in(PREPARER).get(f"{DESK}{path}").code == 404


@pytest.mark.parametrize("language", ["en", "zh"])
def test_pages_are_worded_in_both_languages(looked_at, cast, language):
    for path in (DESK, f"{DESK}/dose/{cast.dose}", f"{DESK}/bag/{cast.dose_bags[0]}", f"{DESK}/dose/{cast.dose}?act=dose_bag_released"):
        page = looked_at.signed_in(PREPARER, language).get(path)
        assert page.code == 200, page.text
        assert not re.search(r"\[[a-z_]+(\.[A-Za-z_]+)*\]", page.html), page.text
