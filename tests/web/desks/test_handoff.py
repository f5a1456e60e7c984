"""The hand-over desk: minutes left before an open hand-over is a gap, who gives, who receives, and both on the same page."""

import re

import pytest

from tests.web.at_the_desks import acts_of, bring_to_the_bed, cast_of
from tests.web.desks.test_packing import CARRIER, PACKER, SHIPMENT, in_store, plan
from tests.web.desks.test_quality_control import inline

DESK = "/desks/handoff"
PATH = f"{DESK}/shipment/{SHIPMENT}"


def sealed(web):
    plan(web, in_store(web), until="shipper_sealed")
    return cast_of(web, "good").seals


def offer(web):
    """The packer hands the sealed shipper over to the courier, on the desk's own form."""
    seals = sealed(web)
    values = {
        "node": f"CU1:shipment:{SHIPMENT}",
        "to_kind": "carrier",
        "to_organisation": "Demo Courier",
        "seals": [f"CU1:seal:{seal}" for seal in seals],
        "code": "K7Q2M9",
    }
    page = inline(web.browser(PACKER), f"{PATH}?act=handoff_offered", values)
    assert 'class="confirmation"' in page.html, page.text
    assert f'href="{PATH}">Back to' in page.html
    web.clock.advance(minutes=4)
    return seals


def test_sealed_shipper_can_be_handed_over_by_whoever_answers_for_it(web):
    sealed(web)
    page = web.browser(PACKER).get(DESK)
    assert f"{PATH}?act=handoff_offered" in page.html
    assert f"{PATH}?act=handoff_offered" not in web.browser(CARRIER).get(DESK).html


def test_open_hand_over_counts_down_to_the_gap_for_both_people(web):
    offer(web)
    giver, receiver = web.browser(PACKER).get(DESK), web.browser(CARRIER).get(DESK)
    for page in (giver, receiver):
        assert "Demo Packer One → Demo Courier" in page.text
        assert re.search(r"2[56] min", page.text), page.text
    assert f"{PATH}?act=handoff_accepted" in receiver.html
    assert f"{PATH}?act=handoff_accepted" not in giver.html
    assert "You handed it over yourself: the receiver signs." in web.browser(PACKER).get(PATH).text


def test_receiver_scans_for_themselves_and_becomes_the_custodian(web):
    seals = offer(web)
    browser = web.browser(CARRIER)
    path = f"{PATH}?act=handoff_accepted"
    assert seals[0].value not in browser.get(path).text, "the receiver reads the seals from the shipper"
    values = {"node": f"CU1:shipment:{SHIPMENT}", "seals": [f"CU1:seal:{seal}" for seal in seals], "code": "K7Q2M9"}
    page = inline(browser, path, values)
    assert 'class="confirmation"' in page.html, page.text
    web.clock.advance(minutes=1)
    text = browser.get(PATH).text
    assert "Demo Courier, since" in text
    assert "taken over by Demo Courier One" in text
    assert f"shipment {SHIPMENT}" in browser.get(DESK).text.partition("On the way")[2]


def test_hand_over_that_is_open_for_too_long_is_called_a_gap(web):
    offer(web)
    web.clock.advance(minutes=27)
    assert "this is a gap in custody" in web.browser(CARRIER).get(DESK).text
    assert "this is a gap in custody" in web.browser(PACKER).get(PATH).text


def test_bag_in_a_nurses_hands_shows_from_whom_it_came(web):
    cast = bring_to_the_bed(web)
    text = web.browser("demo-nurse-one").get(f"{DESK}/bag/{cast.dose_bags[0]}").text
    assert "taken over by Demo Nurse One" in text


def test_what_cannot_be_done_now_says_who_answers_for_it(web):
    sealed(web)
    text = web.browser(CARRIER).get(PATH).text
    assert "answers for it now, not you." in text


def test_looking_writes_nothing(web):
    sealed(web)
    before = len(acts_of(web, f"shipment:{SHIPMENT}"))
    web.browser(PACKER).get(PATH)
    assert len(acts_of(web, f"shipment:{SHIPMENT}")) == before


@pytest.mark.parametrize("path", ["/shipment/SH-9999", "/lot/LOT-0001"])
def test_thing_that_is_unknown_or_not_of_this_desk_is_not_found(looked_at, path):
    assert looked_at.signed_in(PACKER).get(f"{DESK}{path}").code == 404


@pytest.mark.parametrize("language", ["en", "zh"])
def test_pages_are_worded_in_both_languages(looked_at, language):
    cast = cast_of(looked_at, "good")
    for path in (DESK, f"{DESK}/shipment/{cast.shipment}", f"{DESK}/bag/{cast.bags[0]}"):
        page = looked_at.signed_in(PACKER, language).get(path)
        assert page.code == 200, page.text
        assert not re.search(r"\[[a-z_]+(\.[A-Za-z_]+)*\]", page.html), page.text
