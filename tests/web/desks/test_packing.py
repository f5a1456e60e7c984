"""The packing desk: what is ready with its number and limit, bags scanned one by one, the seal, and back on the shipment afterwards."""

import re
from datetime import timedelta

import pytest

from custody.domain.acts import manufacturing, shipping
from custody.domain.acts.people import ScanRefused
from custody.domain.ids import LoggerId, ShipmentId, ShipperId, SiteId
from custody.domain.terms import StorageForm
from custody.workflows.rehearsal.downstream import DOCUMENTS
from custody.workflows.rehearsal.player import Player
from custody.workflows.rehearsal.steps import Script
from tests.web.at_the_desks import acts_of, cast_of
from tests.web.desks.test_quality_control import inline

DESK = "/desks/packing"
PACKER, VERIFIER, CARRIER = "demo-coldchain-one", "demo-verifier-one", "demo-carrier-one"
SHIPMENT = ShipmentId("SH-0101")
PATH = f"{DESK}/shipment/{SHIPMENT}"


def plan(web, bags, *, started=True, until="packing_started", logger=None):
    """A shipment of bags of the good lot that are still in the maker's store, up to one act of its packing."""
    cast = cast_of(web, "good")
    logger = logger or LoggerId("LOGGER-T-0001")
    road = Script(web.clock.now.replace(second=0, microsecond=0))
    planned = shipping.ShipmentPlanned(
        shipment=SHIPMENT,
        origin=SiteId("A9991"),
        destination=SiteId("A9992"),
        form=StorageForm.CRYO,
        bags=bags,
        legs=(shipping.Leg(carrier="Demo Courier"),),
        planned_minutes=240,
        documents=DOCUMENTS,
    )
    road.do(planned, PACKER, minutes=1)
    if started:
        road.do(shipping.LoggerStarted(logger=logger, started_at=road.when(minutes=2)), PACKER, minutes=2)
    packing = shipping.PackingStarted(
        shipment=SHIPMENT, shipper=ShipperId("SHIPPER-0001"), loggers=(logger,), charged_at=road.when(minutes=2)
    )
    road.do(packing, PACKER, minutes=3)
    for n, bag in enumerate(bags):
        road.do(manufacturing.BagTakenOut(bag=bag, taken_at=road.when(minutes=4 + n)), (PACKER, VERIFIER), minutes=4.4 + n)
        packed = shipping.BagPacked(bag=bag, shipment=SHIPMENT, packed_at=road.when(minutes=4.5 + n))
        road.do(packed, (PACKER, VERIFIER), minutes=4.6 + n)
    sealed = shipping.ShipperSealed(shipment=SHIPMENT, shipper=ShipperId("SHIPPER-0001"), seals=cast.seals, documents=DOCUMENTS, bags=bags)
    road.do(sealed, (PACKER, VERIFIER), minutes=9)
    player = Player(web.store)
    for step in road.in_order():
        player.play(step)
        web.clock.now = step.at + timedelta(seconds=20)
        if step.name == until:
            return cast
    raise AssertionError(until)


def in_store(web):
    return cast_of(web, "good").bags[2:4]


def test_empty_desk_says_so_and_shows_the_shippers_that_can_be_taken(looked_at):
    text = looked_at.signed_in(PACKER).get(DESK).text
    assert "No shipment is planned or being packed." in text
    assert "SHIPPER-0001 Demo dry shipper" in text
    assert "LOGGER-T-0001" in text


def test_shipment_stands_on_the_list_until_a_carrier_has_it_with_the_moment_it_must_leave(web):
    plan(web, in_store(web), until="packing_started")
    text = web.browser(PACKER).get(DESK).text
    assert f"shipment {SHIPMENT} being packed: 0 of 2 bags" in text
    assert "8 days" in text, "ten days of hold time less the way and the margin"
    assert "Scan the bags" in text
    assert "Scan the bags" not in web.browser(VERIFIER).get(DESK).text


def test_everything_that_must_be_ready_stands_with_its_number_and_limit(web):
    plan(web, in_store(web))
    text = web.browser(PACKER).get(PATH).text
    assert "qualified until 2027-03-27; arrives 2026-06-01" in text
    assert "a reading every 10 min; limit 10 min" in text
    assert "must leave by" in text
    assert "0 of 2 scanned into the shipper" in text
    assert "What the rules would say if it were sealed now" in text


def test_logger_that_does_not_run_is_named_before_anything_is_sealed(web):
    plan(web, in_store(web), started=False)
    for text in (web.browser(PACKER).get(PATH).text, web.browser(PACKER).get(DESK).text):
        assert "Logger LOGGER-T-0001 is not running." in text


def test_scanned_bag_opens_the_form_of_its_next_step_which_holds_the_scan(web):
    plan(web, in_store(web))
    bag, browser = in_store(web)[0], web.browser(PACKER)
    page = browser.send(browser.get(PATH), f"{DESK}/scan?shipment={SHIPMENT}", {"scan": f"CU1:bag:{bag}"})
    assert page.location.startswith(f"{PATH}?act=bag_taken_out"), page.text
    form = browser.get(page.location).form("/acts/bag_taken_out/review")
    assert form["bag"] == [f"CU1:bag:{bag}"]
    assert form["then"] == [PATH]


def test_bag_out_of_storage_shows_its_clock_and_is_packed_next(web):
    plan(web, in_store(web), until="bag_taken_out")
    bag, browser = in_store(web)[0], web.browser(PACKER)
    assert "OUT OF STORAGE for" in browser.get(PATH).text
    page = browser.send(browser.get(PATH), f"{DESK}/scan?shipment={SHIPMENT}", {"scan": f"CU1:bag:{bag}"})
    assert "act=bag_packed" in page.location
    values = {"packed_at.date": f"{web.clock.now:%Y-%m-%d}", "packed_at.time": f"{web.clock.now + timedelta(hours=8):%H:%M:%S}"}
    page = inline(browser, page.location, values)
    assert f'href="{PATH}">Back to' in page.html, page.text
    assert "waits for another person" in browser.get(PATH).text


def test_bag_that_is_not_on_the_list_is_refused_in_words_and_kept_as_evidence(web):
    plan(web, in_store(web))
    stranger, browser = cast_of(web, "not_released").bags[0], web.browser(PACKER)
    page = browser.send(browser.get(PATH), f"{DESK}/scan?shipment={SHIPMENT}", {"scan": f"CU1:bag:{stranger}"})
    assert page.code == 422
    assert f"Bag {stranger} is not on the packing list of shipment {SHIPMENT}. Do not put it in." in page.text
    assert [act.refusal for act in acts_of(web, f"account:{PACKER}") if isinstance(act, ScanRefused)] == ["bag_not_on_list"]


def test_bag_of_a_lot_that_is_not_released_says_on_its_card_why_it_stops_the_shipment(web):
    bag = cast_of(web, "not_released").bags[0]
    plan(web, (bag,))
    text = web.browser(PACKER).get(PATH).text
    assert "BAG-REL:" in text[text.index("Packing list") :]
    assert "1 rule stands in the way" in web.browser(PACKER).get(DESK).text


def test_shipper_is_not_sealed_before_every_bag_is_in_it(web):
    plan(web, in_store(web), until="bag_taken_out")
    assert "0 of 2 bags of the list are packed." in web.browser(PACKER).get(PATH).text


def test_bags_are_scanned_again_into_a_shipper_that_is_taken_in_place_of_the_first(web):
    plan(web, in_store(web), until="bag_packed")
    bag, browser, road = in_store(web)[0], web.browser(PACKER), Script(web.clock.now.replace(microsecond=0))
    assert "1 of 2 bags of the list are packed." in browser.get(PATH).text
    other = shipping.PackingStarted(
        shipment=SHIPMENT, shipper=ShipperId("SHIPPER-0002"), loggers=(LoggerId("LOGGER-T-0001"),), charged_at=road.when(minutes=0)
    )
    road.do(other, PACKER, minutes=1)
    for step in road.in_order():
        Player(web.store).play(step)
    web.clock.now = road.start + timedelta(minutes=2)
    assert "0 of 2 bags of the list are packed." in browser.get(PATH).text
    page = browser.send(browser.get(PATH), f"{DESK}/scan?shipment={SHIPMENT}", {"scan": f"CU1:bag:{bag}"})
    assert page.location.startswith(f"{PATH}?act=bag_packed"), page.text


def test_sealed_shipper_goes_on_to_the_hand_over_and_prints_its_packing_list(web):
    plan(web, in_store(web), until="shipper_sealed")
    browser = web.browser(PACKER)
    page = browser.get(PATH)
    assert f'href="/desks/handoff/shipment/{SHIPMENT}?act=handoff_offered"' in page.html
    text = browser.get(f"{DESK}/manifest/{SHIPMENT}").text
    assert "S001-4471" in text
    assert all(bag.value in text for bag in in_store(web))


def test_bag_on_a_packing_list_leads_to_its_shipment(web):
    plan(web, in_store(web))
    bag = in_store(web)[0]
    assert web.browser(PACKER).get(f"{DESK}/bag/{bag}").location == f"{PATH}#bag-{bag}"


@pytest.mark.parametrize("path", ["/shipment/SH-9999", "/lot/LOT-0001", "/manifest/SH-9999"])
def test_thing_that_is_unknown_or_not_of_this_desk_is_not_found(looked_at, path):
    assert looked_at.signed_in(PACKER).get(f"{DESK}{path}").code == 404


@pytest.mark.parametrize("language", ["en", "zh"])
def test_pages_are_worded_in_both_languages(web, language):
    plan(web, in_store(web), until="bag_taken_out")
    bag = in_store(web)[0]
    for path in (DESK, PATH, f"{PATH}?act=bag_packed&of={bag}&shipment={SHIPMENT}", f"{DESK}/manifest/{SHIPMENT}"):
        page = web.browser(PACKER, language).get(path)
        assert page.code == 200, page.text
        assert not re.search(r"\[[a-z_]+(\.[A-Za-z_]+)*\]", page.html), page.text
