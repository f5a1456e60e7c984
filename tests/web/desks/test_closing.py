"""The closing desk: every millilitre, bag and vital sign of a started dose accounted for before it is closed."""

import re
from datetime import timedelta

import pytest

from custody.workflows import demonstration
from custody.workflows.rehearsal import bedside
from custody.workflows.rehearsal.player import Player
from custody.workflows.rehearsal.steps import Script
from tests.web.at_the_desks import cast_of
from tests.web.desks.test_quality_control import address, inline

DESK = "/desks/closing"
NURSE, SECOND = "demo-nurse-one", "demo-nurse-two"


def play(web, *, hours=None, until="", volumes=None):
    """From the thaw to the end of the infusion, then the vital signs up to so many hours after it; the cast."""
    cast = cast_of(web, "good")
    road = Script((web.clock.now + demonstration.UNTIL_BEDSIDE).replace(second=0, microsecond=0))
    bedside.thaw(road, cast, cast.dose_bags[0], minutes=-40)
    bedside.make_ready_at_the_bed(road, cast)
    bedside.start(road, cast)
    bedside.infuse(road, cast)
    for each in (1, 2, 4, 6, 24):
        if hours is not None and each <= hours:
            bedside.vitals(road, cast, minutes=40 + each * 60)
    player = Player(web.store)
    for step in road.in_order():
        player.play(step)
        web.clock.now = step.at + timedelta(minutes=1)
        if step.name == until:
            break
    return cast


def test_running_bag_comes_first_with_what_its_volumes_must_add_up_to(web):
    cast = play(web, until="infusion_started")
    page = web.browser(NURSE).get(DESK)
    assert "infusion running" in page.text
    assert "bags without a fate: 1" in page.text
    form = web.browser(NURSE).get(address(page, "Bag finished"))
    assert f"bag {cast.dose_bags[0]} must add up to 30 ml ± 2 ml" in form.text
    assert "17.5 ml" in form.text


def test_finished_bag_shows_volumes_cells_fate_and_two_witnesses(web):
    cast = play(web)
    text = web.browser(NURSE).get(f"{DESK}/dose/{cast.dose}").text
    assert re.search(r"30(\.0+)? ml accounted for", text)
    assert "Viable cells given, by label 7×10⁷ cells" in text
    assert "Seen by Demo Nurse One" in text
    assert "17.5 ml given of 17.5 ml" in text


def test_follow_up_that_was_missed_comes_first_and_asks_for_a_reason(web):
    cast = play(web)
    web.clock.advance(hours=1, minutes=40)
    page = web.browser(NURSE).get(DESK)
    assert "vital signs missed: 1" in page.text
    sheet = web.browser(NURSE).get(f"{DESK}/dose/{cast.dose}")
    assert "1 h after the end MISSED" in sheet.text
    form = web.browser(NURSE).get(address(sheet, "Say why it was not taken")).form("/acts/vitals_omitted/review")
    assert (form["after_end"], form["minute"]) == (["yes"], ["60"])


def test_closing_is_disabled_with_the_reason_until_everything_is_accounted_for(web):
    cast = play(web)
    text = web.browser(NURSE).get(f"{DESK}/dose/{cast.dose}").text
    assert "1 rule stands in the way; it is listed below." in text
    assert "CLS-VIT" in text


def test_dose_with_everything_accounted_for_is_closed_by_two_and_leaves_the_desk(web):
    cast = play(web, hours=24)
    path = f"{DESK}/dose/{cast.dose}"
    page = inline(web.browser(NURSE), f"{path}?act=dose_closed", {})
    assert f'href="{path}">Back to' in page.html, page.text
    waiting = web.browser(SECOND).get(path)
    assert "waits for another person" in waiting.text
    proposal = web.browser(SECOND).get(address(waiting, "Sign as the second person"))
    action = next(each for each in proposal.actions if "countersign" in each)
    second = web.browser(SECOND)
    page = second.send(second.get(address(waiting, "Sign as the second person")), action, {"secret": demonstration.SECRET})
    assert 'class="confirmation"' in page.html, page.text
    assert "closed 2026-" in web.browser(NURSE).get(path).text
    assert f"dose {cast.dose}" not in web.browser(NURSE).get(DESK).text


def test_points_shown_as_done_are_those_the_gate_accepts(web):
    cast = play(web, hours=6)
    web.clock.advance(hours=20)
    text = web.browser(NURSE).get(f"{DESK}/dose/{cast.dose}").text
    assert text.count("MISSED") == 1
    missed = re.search(r"24 h after the end MISSED Limit ([^,]+), at the latest", text)
    assert missed, text
    assert f"Vital signs due at {missed[1]} are neither recorded nor reasoned." in text, "gate CLS-VIT names the same point"


def test_dose_that_was_not_started_waits_for_nothing_here(looked_at):
    assert "No dose waits to be closed." in looked_at.signed_in(NURSE).get(DESK).text


@pytest.mark.parametrize("path", ["/dose/DOSE-9999", "/lot/LOT-0001"])
def test_thing_that_is_unknown_or_not_of_this_desk_is_not_found(looked_at, path):
    assert looked_at.signed_in(NURSE).get(f"{DESK}{path}").code == 404


@pytest.mark.parametrize("language", ["en", "zh"])
def test_pages_are_worded_in_both_languages(web, language):
    cast = play(web)
    for path in (DESK, f"{DESK}/dose/{cast.dose}", f"{DESK}/bag/{cast.dose_bags[0]}"):
        page = web.browser(NURSE, language).get(path)
        assert page.code == 200, page.text
        assert not re.search(r"\[[a-z_]+(\.[A-Za-z_]+)*\]", page.html), page.text
