"""The storage desk: the clock of what is out of the cold, what lies at which position, and every place a bag was in."""

import re

import pytest

from tests.web.at_the_desks import cast_of
from tests.web.desks.test_packing import PACKER, in_store, plan
from tests.web.desks.test_quality_control import inline

DESK = "/desks/storage"
OPERATOR = "demo-operator-one"


def test_every_store_of_the_list_says_how_many_bags_lie_in_it(looked_at):
    text = looked_at.signed_in(PACKER).get(DESK).text
    assert re.search(r"LN2-01 Vapour-phase freezer \d+ bags LOGGER-F01", text), text
    assert "Nothing is out of storage." in text


def test_freezer_lists_its_positions(looked_at):
    cast = cast_of(looked_at, "good")
    text = looked_at.signed_in(PACKER).get(f"{DESK}/equipment/LN2-91").text
    assert f"H1-01 {cast.bags[0]}" in text


def test_bag_out_of_storage_stands_first_with_the_time_left_until_it_is_a_gap(web):
    plan(web, in_store(web), until="bag_taken_out")
    bag = in_store(web)[0]
    web.clock.advance(minutes=3)
    text = web.browser(PACKER).get(DESK).text
    assert f"bag {bag}" in text.partition("To put away")[0]
    assert re.search(r"OUT OF STORAGE for 3 min|OUT OF STORAGE for 4 min", text), text
    assert re.search(r"2[67] min", text), "thirty minutes for a frozen bag"


def test_bag_that_was_out_for_too_long_says_who_decides(web):
    plan(web, in_store(web), until="bag_taken_out")
    web.clock.advance(minutes=40)
    text = web.browser(PACKER).get(f"{DESK}/bag/{in_store(web)[0]}").text
    assert "Out of storage for longer than its criteria allow" in text


def test_bag_put_back_lies_at_its_new_position_and_the_page_leads_back(web):
    plan(web, in_store(web), until="bag_taken_out")
    bag, browser = in_store(web)[0], web.browser(PACKER)
    path = f"{DESK}/bag/{bag}"
    values = {"bag": f"CU1:bag:{bag}", "equipment": "CU1:equipment:LN2-01", "position": "Z9-09"}
    page = inline(browser, f"{path}?act=bag_stored", values)
    assert f'href="{path}">Back to' in page.html, page.text
    web.clock.advance(minutes=1)
    assert "LN2-01, position Z9-09" in browser.get(path).text


def test_position_recorded_for_two_bags_is_called_out(web):
    plan(web, in_store(web), until="bag_taken_out")
    taken = cast_of(web, "good").bags[3]
    browser = web.browser(PACKER)
    position = re.search(r"LN2-01, position (\S+)", browser.get(f"{DESK}/bag/{taken}").text)[1]
    bag = in_store(web)[0]
    inline(
        browser, f"{DESK}/bag/{bag}?act=bag_stored", {"bag": f"CU1:bag:{bag}", "equipment": "CU1:equipment:LN2-01", "position": position}
    )
    web.clock.advance(minutes=1)
    assert f"Recorded for more than one bag: position {position}" in browser.get(f"{DESK}/equipment/LN2-01").text


def test_every_place_of_a_bag_is_told_with_how_long(looked_at):
    cast = cast_of(looked_at, "good")
    text = looked_at.signed_in(PACKER).get(f"{DESK}/bag/{cast.bags[0]}").text
    assert "equipment LN2-01" in text
    assert f"shipment {cast.shipment}" in text
    assert "still there" in text


def test_what_cannot_be_done_now_says_why(web):
    plan(web, in_store(web), until="bag_taken_out")
    assert "It lies in no storage now." in web.browser(OPERATOR).get(f"{DESK}/bag/{in_store(web)[0]}").text


@pytest.mark.parametrize("path", ["/bag/DEMO9999B0016", "/lot/LOT-0001", "/equipment/LN2-99"])
def test_thing_that_is_unknown_or_not_of_this_desk_is_not_found(looked_at, path):
    assert looked_at.signed_in(PACKER).get(f"{DESK}{path}").code in {404, 422}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_pages_are_worded_in_both_languages(looked_at, language):
    cast = cast_of(looked_at, "good")
    for path in (DESK, f"{DESK}/bag/{cast.bags[0]}", f"{DESK}/equipment/LN2-91"):
        page = looked_at.signed_in(PACKER, language).get(path)
        assert page.code == 200, page.text
        assert not re.search(r"\[[a-z_]+(\.[A-Za-z_]+)*\]", page.html), page.text
