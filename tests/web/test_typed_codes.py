"""A code typed on any form needs its reason, stays marked at the signature, and shows on the timeline for ever."""

from __future__ import annotations

import pytest

from custody.workflows.demonstration import SECRET
from tests.web.at_the_desks import RECEIVER_ONE, cast_of, stations_of

BAG = "DEMO0001B0014"
FORM = "/acts/bag_damaged"
BY_HAND = {"bag": BAG, "description": "a leak at the port", "typed.bag": "1"}


def damaged(browser, **changed):
    return browser.send(browser.get(f"{FORM}?about=bag:{BAG}"), f"{FORM}/review", BY_HAND | changed)


@pytest.mark.parametrize(("language", "said"), [("en", "This code was typed, not scanned: write why"), ("zh", "请填写原因")])
def test_typed_code_without_a_reason_is_asked_for_it(web, language, said):
    browser = web.browser("demo-preparer-one", language)
    page = damaged(browser)
    assert page.code == 422
    assert said in page.text
    form = page.form(f"{FORM}/review")
    assert (form["bag"], form["typed.bag"]) == ([BAG], ["1"])
    assert browser.send(page, f"{FORM}/review", {"typed_why.bag": "label torn"}).code == 200


def test_reason_travels_to_the_entry_and_the_timeline(web):
    browser = web.browser("demo-preparer-one")
    review = damaged(browser, **{"typed_why.bag": "label torn"})
    assert browser.send(review, FORM).code == 200
    assert stations_of(web, f"bag:{BAG}")[-1].endswith("typed: bag = label torn")
    timeline = browser.get(f"/things/bag/{BAG}")
    assert "Typed, not scanned Bag: label torn" in timeline.text
    assert "手工输入，未扫描" in web.browser("demo-preparer-one", "zh").get(f"/things/bag/{BAG}").text


def test_reason_left_out_at_the_signature_records_nothing(web):
    browser = web.browser("demo-preparer-one")
    review = damaged(browser, **{"typed_why.bag": "label torn"})
    before = len(stations_of(web, f"bag:{BAG}"))
    assert browser.send(review, FORM, {"typed_why.bag": ""}).code == 422
    assert len(stations_of(web, f"bag:{BAG}")) == before


def test_scanned_code_shows_no_mark(web):
    browser = web.browser("demo-preparer-one")
    assert browser.send(damaged(browser, **{"typed.bag": "", "bag": f"CU1:bag:{BAG}"}), FORM).code == 200
    assert "Typed, not scanned" not in browser.get(f"/things/bag/{BAG}").text


def test_mark_on_a_field_that_no_form_has_is_refused(web):
    page = damaged(web.browser("demo-preparer-one"), **{"typed.bag": "", "typed.B A G": "1", "typed_why.B A G": "x"})
    assert page.code == 422


def test_second_person_who_types_is_marked_with_their_own_reason(web):
    at = {"taken_at.date": "2026-06-01", "taken_at.time": "13:59"}
    one, two = web.browser("demo-preparer-one"), web.browser("demo-preparer-two")
    act = "/acts/bag_taken_out"
    review = one.send(one.get(f"{act}?about=bag:{BAG}"), f"{act}/review", {"bag": f"CU1:bag:{BAG}", **at})
    one.send(review, act, {"secret": SECRET})
    link = two.get("/waiting").html.partition('href="/proposals/')[2].partition('"')[0]
    typed = {"bag": BAG, "typed.bag": "1", "secret": SECRET}
    asked = two.send(two.get(f"/proposals/{link}"), f"/proposals/{link}/countersign", typed)
    assert asked.code == 422
    done = two.send(asked, f"/proposals/{link}/countersign", {"typed_why.bag": "frost on the label", "secret": SECRET})
    assert done.code == 200, done.text
    assert "Typed, not scanned Bag: frost on the label" in two.get(f"/things/bag/{BAG}").text


def test_receiving_desk_asks_too(web):
    cast = cast_of(web, "warm")
    where = f"/receiving/{cast.shipment}/arrival"
    browser = web.browser(RECEIVER_ONE)
    page = browser.send(browser.get(where), where, {"shipper": str(cast.shipper), "typed.shipper": "1"})
    assert page.code == 422
    assert "This code was typed, not scanned" in page.text


@pytest.mark.parametrize("path", ["/bedside", "/receiving", f"{FORM}"])
def test_field_that_only_looks_something_up_asks_for_no_reason(looked_at, path):
    account = {"/bedside": "demo-nurse-one", "/receiving": RECEIVER_ONE}.get(path, "demo-preparer-one")
    assert "typed_why." not in looked_at.signed_in(account).get(path).html
