"""The bench: one product open at a workstation, materials scanned for its next step, passage and doublings beside their limits."""

import re
from datetime import timedelta

import pytest

from custody.domain.acts import manufacturing as acts
from custody.domain.acts.people import ScanRefused
from custody.domain.ids import BagId, BankId, EquipmentId, LotId, MaterialId
from custody.domain.terms import Product, ProductForm
from custody.workflows.rehearsal.player import Player
from custody.workflows.rehearsal.steps import Script
from custody.workflows.rehearsal.upstream import culture_step
from tests.web.at_the_desks import acts_of
from tests.web.desks.test_quality_control import address, inline

DESK = "/desks/bench"
OPERATOR, VERIFIER, COORDINATOR = "demo-operator-one", "demo-verifier-one", "demo-coordinator-one"
LOT = f"{DESK}/lot/LOT-0077"
OTHER = f"{DESK}/lot/LOT-0004"


@pytest.fixture
def in_culture(web):
    """A sixth lot, started and expanded once, today."""
    script = Script(web.clock.now + timedelta(minutes=30))
    lot = LotId("LOT-0077")
    started = acts.LotStarted(
        lot=lot, product=Product.CELLS, form=ProductForm.FROZEN, criteria_version=1, banks=(BankId("WCB-0001"),), vials_drawn=(9,)
    )
    script.do(started, OPERATOR, minutes=-20)
    step = culture_step(script, "expansion", 5, "4000000", "32000000", days=0)
    script.do(acts.LotStepRecorded(lot=lot, culture=step), OPERATOR, minutes=-10)
    player = Player(web.store)
    for each in script.in_order():
        player.play(each)
    web.clock.now = script.start
    return web


def scanned(browser, text, path=LOT):
    """Scan at an open product, and follow where it leads."""
    page = browser.send(browser.get(path), f"{path}/scan", {"scan": text})
    assert page.code == 303, page.text
    return browser.get(page.location)


def stand_at(browser, workstation="BSC-01"):
    """Say at which cabinet the device stands, by its label."""
    page = browser.send(browser.get(DESK), f"{DESK}/workstation", {"workstation": workstation})
    assert page.code == 303, page.text
    return browser.get(page.location)


def open_it(browser, path=LOT):
    stand_at(browser)
    page = browser.send(browser.get(path), f"{path}/open")
    assert page.code == 303, page.text
    return browser.get(page.location)


def test_queue_shows_the_next_step_with_passage_and_doublings(in_culture):
    page = in_culture.browser(OPERATOR).get(DESK)
    assert "lot LOT-0077 In culture: another step, or fill passage 5 of at most 6 · doublings 15.00 of at most 30" in page.text
    assert f"{LOT}?act=bags_filled" in page.html
    assert "LOT-0001" not in page.text, "a released lot waits for nothing here"


def test_sheet_draws_the_family_and_counts_doublings_of_each_step(in_culture):
    page = in_culture.browser(OPERATOR).get(LOT)
    assert re.search(r"expansion · [^ ]+ [^ ]+ \(UTC\+8\) 5 4×10⁶ 3\.2×10⁷ 3\.00 MED-0001, INC-01, BSC-01", page.text), page.text
    family = page.html[page.html.index('class="lineage') :]
    places = [family.index(f" {name}") for name in ("TS-0001", "MCB-0001", "WCB-0001", "LOT-0077")]
    assert places == sorted(places)
    assert '<strong aria-current="true">lot LOT-0077</strong>' in family
    assert "LOT-0001" not in family, "sisters stand elsewhere"


def test_targets_are_made_for_gloves(looked_at):
    for path in (DESK, OTHER):
        assert '<body class="desk scanning">' in looked_at.signed_in(OPERATOR).get(path).html


def test_scanned_materials_and_equipment_fill_the_form_of_the_next_step(in_culture):
    browser = in_culture.browser(OPERATOR)
    open_it(browser)
    for code in ("CU1:material:CRY-0001", "BSC-01"):
        page = scanned(browser, code)
        assert "Fits" in page.text
    assert "Bags filled with these 2" in page.text
    shown = browser.get(address(page, "Bags filled with these 2"))
    assert re.search(r'name="materials" value="CRY-0001"', shown.html)
    assert re.search(r'name="equipment" value="BSC-01"', shown.html)


def test_last_scan_is_taken_back_before_anything_is_recorded(in_culture):
    browser = in_culture.browser(OPERATOR)
    open_it(browser)
    page = scanned(browser, "CRY-0001")
    page = browser.get(browser.send(page, f"{DESK}/take-back").location)
    assert "Scan the materials and equipment of the next step." in page.text


def test_material_that_must_not_be_used_is_a_cross_with_the_reason_and_is_kept(in_culture):
    script = Script(in_culture.clock.now)
    received = acts.MaterialReceived(
        material=MaterialId("MED-0099"), name="Medium", supplier="Demo", supplier_lot="S-9", certificate="C-9", animal_origin=False,
        expires_at=script.when(days=90),
    )  # fmt: skip
    script.do(received, OPERATOR)
    Player(in_culture.store).play(script.in_order()[0])
    browser = in_culture.browser(OPERATOR)
    open_it(browser)
    page = scanned(browser, "MED-0099")
    assert "Does not fit MED-0099 NOT released" in page.text
    assert "with these" not in page.text
    kept = [act for act in acts_of(in_culture, f"account:{OPERATOR}") if isinstance(act, ScanRefused)]
    assert [(act.seen, act.refusal) for act in kept] == [("MED-0099", "supply.not_released")]


def test_code_nobody_knows_is_a_cross(in_culture):
    browser = in_culture.browser(OPERATOR)
    open_it(browser)
    assert "Does not fit NOPE-1 not known here" in scanned(browser, "NOPE-1").text


def test_second_product_is_refused_until_the_first_is_closed_and_the_line_cleared(in_culture):
    browser = in_culture.browser(OPERATOR)
    open_it(browser)
    assert "ANOTHER product" in scanned(browser, "LOT-0004").text
    page = browser.get(OTHER)
    assert "lot LOT-0077 is open at this workstation. Close it and clear the line first." in page.text
    assert "Labels printed lot LOT-0077 is open at this workstation; one product at a time." in page.text
    refused = browser.send(page, f"{DESK}/close")
    assert "Confirm that the line is cleared" in browser.get(refused.location).text
    assert "lot LOT-0077 BSC-01 · since" in browser.get(DESK).text.partition("Open at this workstation")[2][:60]
    closed = browser.send(browser.get(OTHER), f"{DESK}/close", {"cleared": "yes"})
    assert "No product is open at this workstation" in browser.get(closed.location).text
    text = browser.get(OTHER).text
    assert "lot LOT-0077 is open at this workstation" not in text
    assert "Labels printed It is not open at BSC-01: open it there first." in text
    of_lot = acts_of(in_culture, "lot:LOT-0077")[-2:]
    assert of_lot == [
        acts.ProductOpened(node=LotId("LOT-0077"), workstation=EquipmentId("BSC-01")),
        acts.LineCleared(node=LotId("LOT-0077"), workstation=EquipmentId("BSC-01")),
    ]


def test_what_lies_open_survives_the_loss_of_the_browser_and_stands_in_front_of_the_second_person(in_culture):
    open_it(in_culture.browser(OPERATOR))
    for account in (OPERATOR, VERIFIER):
        browser = in_culture.browser(account)
        assert "does not say at which bench or cabinet" in browser.get(DESK).text
        assert "Open at BSC-01 since" in browser.get(LOT).text
        assert "Open at this workstation lot LOT-0077 BSC-01 · since" in stand_at(browser).text
    assert "Product opened at a workstation" in in_culture.browser(VERIFIER).get("/things/lot/LOT-0077").text


def label_print(browser, path):
    name = {"copies": "8", "design": "bag_50x25mm"}
    return inline(browser, f"{path}?act=labels_printed", name)


def test_step_at_a_workstation_where_another_product_lies_is_refused_by_the_server_too(in_culture):
    before, browser = in_culture.browser(OPERATOR), in_culture.browser(OPERATOR)
    form = before.get(f"{OTHER}?act=labels_printed")
    assert 'name="copies"' in form.html
    open_it(browser)
    before.client.set_cookie("workstation", browser.client.get_cookie("workstation").value)
    page = before.send(form, "/acts/labels_printed/review", {"copies": "8", "design": "bag_50x25mm"})
    page = before.send(page, "/acts/labels_printed", {"secret": "demonstration"})
    assert page.code == 409, page.text
    assert "Another product is open at BSC-01" in page.text


def test_store_is_no_workstation_and_neither_is_a_thing_nobody_registered(in_culture):
    browser = in_culture.browser(OPERATOR)
    for text, said in (("NOPE-1", "not known here"), ("LN2-01", "a store")):
        page = stand_at(browser, text)
        assert "Does not fit" in page.text, text
        assert said in page.text
        assert "does not say at which bench or cabinet" in page.text


def test_verifier_sees_the_workstation_but_opens_and_clears_nothing(in_culture):
    open_it(in_culture.browser(OPERATOR))
    verifier = in_culture.browser(VERIFIER)
    stand_at(verifier)
    assert "The line is cleared" not in verifier.get(DESK).text
    token = verifier.get(DESK).form(f"{DESK}/find")["csrf_token"]
    assert verifier.post(f"{DESK}/close", {"csrf_token": token, "cleared": "yes"}).code == 403
    assert "Open at this workstation lot LOT-0077" in verifier.get(DESK).text


def test_product_scanned_on_the_page_of_the_desk_lies_open_at_the_workstation(in_culture):
    browser = in_culture.browser(OPERATOR)
    page = browser.send(browser.get(DESK), f"{DESK}/find", {"scan": "CU1:lot:LOT-0077"})
    assert page.location == LOT
    text = browser.get(DESK).text
    assert "Open at this workstation" not in text, "nobody said where this device stands"
    stand_at(browser)
    browser.send(browser.get(DESK), f"{DESK}/find", {"scan": "CU1:lot:LOT-0077"})
    text = browser.get(DESK).text
    assert "Open at this workstation lot LOT-0077" in text
    assert "Fits CU1:lot:LOT-0077 opened" in text
    browser.send(browser.get(DESK), f"{DESK}/find", {"scan": "XYZ"})
    assert "Does not fit XYZ" in browser.get(DESK).text


def test_workstation_that_somebody_changed_is_empty(in_culture):
    browser = in_culture.browser(OPERATOR)
    browser.client.set_cookie("workstation", "bm8ganNvbg==")
    assert browser.get(DESK).code == 200
    assert "does not say at which bench or cabinet" in browser.get(DESK).text


def test_new_bags_have_random_numbers_with_their_check_character(in_culture):
    browser = in_culture.browser(OPERATOR)
    page = browser.get(f"{LOT}/bags?count=12")
    assert page.code == 302
    shown = browser.get(page.location)
    numbers = re.search(r'<textarea[^>]*name="bags"[^>]*>([^<]+)<', shown.html)[1].split()
    assert len(set(numbers)) == 12
    assert all(BagId.parse(number).value == number for number in numbers)
    assert "they say nothing of lot" in shown.text
    assert "Expiry of a bag filled now, at most" in shown.text


@pytest.mark.parametrize("count", ["0", "-3", "201", "12; drop", "9999999999", ""])
def test_impossible_number_of_bags_leads_to_the_plain_form(in_culture, count):
    page = in_culture.browser(OPERATOR).get(f"{LOT}/bags?count={count}")
    assert (page.code, page.location) == (302, f"{LOT}?act=bags_filled")


def test_two_hundred_bags_are_filled_by_two_and_each_can_be_stored_or_retained(in_culture):
    operator, verifier = in_culture.browser(OPERATOR), in_culture.browser(VERIFIER)
    path = operator.get(f"{LOT}/bags?count=200").location
    at = in_culture.clock.now + timedelta(hours=8)
    end = at + timedelta(days=365)
    filled = {
        "lot": "CU1:lot:LOT-0077", "volume_ml": "30", "viable_cells_label": "120000000", "materials": "CRY-0001", "equipment": "BSC-01",
        "filled_at.date": f"{at:%Y-%m-%d}", "filled_at.time": f"{at:%H:%M:%S}", "filled_at.offset": "+08:00",
        "expires_at.date": f"{end:%Y-%m-%d}", "expires_at.time": "12:00:00", "expires_at.offset": "+08:00",
        "balance.unit": "bags", "balance.quantity_in": "200", "balance.quantity_out": "200",
        "balance.samples": "0", "balance.waste": "0", "balance.retains": "0",
    }  # fmt: skip
    numbers = re.search(r'<textarea[^>]*name="bags"[^>]*>([^<]+)<', operator.get(path).html)[1].split()
    page = inline(operator, path, filled | {"bags": "\n".join(numbers)})
    assert 'class="confirmation"' in page.html, page.text
    in_culture.clock.advance(minutes=1)
    home = verifier.get(DESK)
    assert "Waits for your check" in home.text
    signing = address(home, "Check and sign")
    page = verifier.get(signing)
    page = verifier.send(page, next(each for each in page.actions if each.endswith("/countersign")), {"secret": "demonstration"})
    assert 'class="confirmation"' in page.html, page.text
    in_culture.clock.advance(minutes=1)
    sheet = operator.get(LOT)
    assert "bags: 200, retained: 0" in sheet.text
    assert f"{DESK}/bag/{numbers[0]}?act=bag_stored" in sheet.html
    assert "It is filled already" in sheet.text
    kept = inline(
        operator, f"{DESK}/bag/{numbers[1]}?act=bag_retained", {"bag": numbers[1], "place": "Retain store 1", "until": f"{end:%Y-%m-%d}"}
    )
    assert 'class="confirmation"' in kept.html, kept.text
    in_culture.clock.advance(minutes=1)
    text = operator.get(LOT).text
    assert "bags: 200, retained: 1" in text
    assert "Retain sample: Retain store 1" in text


def test_undo_last_is_a_correction_of_ones_own_entry(in_culture):
    page = in_culture.browser(OPERATOR).get(LOT)
    href = re.search(r'href="(/corrections/lot/LOT-0077/[^"]+)">Undo last: correct “Manufacturing step of a lot”', page.html)[1]
    assert in_culture.browser(OPERATOR).get(href.replace("&amp;", "&")).code == 200
    assert "Undo last" not in in_culture.browser(VERIFIER).get(LOT).text
    assert "Undo last" not in in_culture.browser(OPERATOR).get(OTHER).text, "weeks ago is not “last”"


def test_cord_shows_its_hours_but_never_the_seal_two_people_must_read(looked_at):
    text = looked_at.signed_in(OPERATOR).get(f"{DESK}/tissue/TS-0001").text
    assert "Way at 2 to 8 °C class 0, 5.0 to 5.0 °C" in text
    assert "Processing must have begun" in text
    assert "C001-1188" not in text


def test_supplies_say_what_is_usable_until_when(looked_at):
    text = looked_at.signed_in(OPERATOR).get(OTHER).text
    assert re.search(r"MED-0001 .*? ready \d{4}-", text)


def test_bench_is_closed_to_others_and_knows_only_its_own_things(looked_at):
    assert looked_at.signed_in(COORDINATOR).get(DESK).code == 403
    assert looked_at.signed_in(OPERATOR).get(f"{DESK}/lot/LOT-9999").code == 404
    page = looked_at.signed_in(OPERATOR).get(DESK)
    token = page.form(f"{DESK}/find")["csrf_token"]
    for path in ("lot/LOT-9999/scan", "lot/LOT-9999/open", "dose/DOSE-0001/open"):
        found = looked_at.signed_in(OPERATOR).post(f"{DESK}/{path}", {"csrf_token": token, "scan": "MED-0001"})
        assert found.code == 404, (path, found.text)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    "path", [DESK, OTHER, f"{DESK}/bank/WCB-0001", f"{DESK}/tissue/TS-0001", f"{DESK}/bag/DEMO0004B0013", f"{OTHER}?act=labels_printed"]
)
def test_pages_are_worded_in_both_languages(looked_at, path, language):
    page = looked_at.signed_in(OPERATOR, language).get(path)
    assert page.code == 200, page.text
    assert not re.search(r"\[[a-z_]+(\.[A-Za-z_]+)*\]", page.html)
