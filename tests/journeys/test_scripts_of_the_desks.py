"""What the pages do by themselves in Chromium: a lost connection, a GO that runs out, and every way in which a scan arrives."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from custody.workflows.rehearsal.bedside import wristband
from tests.journeys.browsing import PHONE, Person, serving
from tests.web.at_the_desks import NURSE_ONE, NURSE_TWO, bring_to_the_bed, cast_of, scan_all
from tests.web.conftest import NOW, Web

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def server(demonstration_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("CUSTODY_WEAK_SECRETS", "1")
    with serving(demonstration_folder, tmp_path / "store", NOW) as running:
        yield running


@pytest.fixture
def beside(server):
    """The same store without a browser on screen, for the second person's hands."""
    return Web(server.store, server.config, server.clock)


@pytest.fixture
def go(browser, server, beside):
    """Nurse one looking at a GO."""
    cast = bring_to_the_bed(beside)
    for account in (NURSE_ONE, NURSE_TWO):
        scan_all(beside.browser(account), cast)
    nurse = Person.arrives(browser, server, NURSE_ONE, PHONE)
    nurse.cast = cast
    nurse.go(f"/bedside/{cast.dose}")
    expect(nurse.page.locator("[data-answer] .verdict-go")).to_be_visible()
    return nurse


def test_go_becomes_cannot_check_when_the_server_cannot_be_reached_and_comes_back_with_it(go):
    go.context.set_offline(True)
    expect(go.page.locator("[data-unsure] .verdict-unsure")).to_be_visible()
    expect(go.page.locator("[data-unsure] .verdict-unsure")).to_contain_text("无法核对，暂勿输注")
    expect(go.page.locator(".verdict-go")).to_be_hidden()
    expect(go.page.locator("[name=secret]")).to_be_hidden()
    go.context.set_offline(False)
    expect(go.page.locator("[data-answer] .verdict-go")).to_be_visible()


def test_go_that_runs_out_becomes_cannot_check_by_itself(go):
    go.server.clock.advance(minutes=4, seconds=50)
    go.page.reload()
    expect(go.page.locator("[data-answer] [data-countdown]")).to_have_text(re.compile(r"0:0\d"))
    expect(go.page.locator(".verdict-go")).to_be_hidden(timeout=20_000)
    expect(go.page.locator(".verdict-unsure >> visible=true")).to_have_count(1)
    expect(go.page.locator("[data-answer]")).to_contain_text("This verdict is too old. Scan again.", timeout=20_000)


def test_device_with_a_wrong_clock_counts_by_the_server(browser, go):
    page = go.context.new_page()
    page.clock.set_fixed_time("2031-01-01T00:00:00Z")
    page.goto(go.page.url)
    expect(page.locator("[data-answer] [data-countdown]")).to_have_text(re.compile(r"4:[0-5]\d"))


def test_stop_stays_stop_when_the_server_cannot_be_reached(browser, server, beside):
    cast = bring_to_the_bed(beside)
    scan_all(beside.browser(NURSE_ONE), cast)
    scan_all(beside.browser(NURSE_TWO), cast, wristband="CU1:wristband:WB9999X7K2M9Q4")
    nurse = Person.arrives(browser, server, NURSE_ONE, PHONE)
    nurse.go(f"/bedside/{cast.dose}")
    with nurse.page.expect_event("requestfailed", lambda request: request.url.endswith("/state")):
        nurse.context.set_offline(True)
    expect(nurse.page.locator("[data-answer] .verdict-stop")).to_be_visible()


def test_step_says_cannot_check_while_offline_and_keeps_what_was_typed(browser, server, beside):
    cast = bring_to_the_bed(beside)
    nurse = Person.arrives(browser, server, NURSE_ONE, PHONE)
    nurse.go(f"/bedside/{cast.dose}")
    nurse.page.locator("[data-scan]").press_sequentially("WB0001", delay=5)
    nurse.context.set_offline(True)
    expect(nurse.page.locator("[data-offline]")).to_be_visible()
    expect(nurse.page.locator("[data-offline]")).to_contain_text("CANNOT CHECK")
    expect(nurse.page.locator("[data-scan]")).to_have_value("WB0001")


def test_session_that_ended_leads_to_the_sign_in(go):
    go.server.clock.advance(minutes=16)
    expect(go.page.locator("main [name=account]")).to_be_visible()


@pytest.fixture
def desk(browser, server, beside):
    """A receiver on the form of a bag, where a scan is followed by other fields."""
    cast = cast_of(beside, "warm")
    receiver = Person.arrives(browser, server, "demo-receiver-one")
    receiver.bag = cast.bags[0]
    receiver.go(f"/receiving/{cast.shipment}/bags/{cast.bags[0]}")
    return receiver


def keys_by_input_method(person, text):
    """As a wedge arrives while a Chinese input method is on: every key is “Process”, only its place on the keyboard is told."""
    session = person.context.new_cdp_session(person.page)
    for character in text:
        code, shift = place_of(character)
        event = {"key": "Process", "code": code, "windowsVirtualKeyCode": 229, "modifiers": 8 if shift else 0}
        session.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **event})
        session.send("Input.dispatchKeyEvent", {"type": "keyUp", **event})


def place_of(character):
    if character.isalpha():
        return f"Key{character.upper()}", character.isupper()
    if character.isdigit():
        return f"Digit{character}", False
    return {":": ("Semicolon", True), "-": ("Minus", False)}[character]


def value(person, name="bag"):
    return person.page.locator(f'input[name="{name}"]').input_value()


def test_scanner_suffix_goes_on_to_the_next_field_and_sends_nothing(desk):
    desk.scan("bag", f"CU1:bag:{desk.bag}")
    assert value(desk) == f"CU1:bag:{desk.bag}"
    expect(desk.page.locator('input[name="bag"]')).not_to_be_focused()
    expect(desk.page.locator("main h1")).to_have_text("Receive a bag")
    assert desk.page.locator('input[name="typed"]').count() == 0 or value(desk, "typed") == ""


def test_tab_is_a_suffix_as_well(desk):
    box = desk.page.locator('input[name="bag"]')
    box.focus()
    desk.page.keyboard.type(f"CU1:bag:{desk.bag}")
    desk.page.keyboard.press("Tab")
    assert value(desk) in {f"CU1:bag:{desk.bag}", ""}
    if value(desk):
        expect(box).not_to_be_focused()
    else:  # keys of a slow machine came too slowly for a scanner: the scan is asked for again, where it was made
        expect(desk.page.locator("[data-scan-said]")).to_have_text("The scan was cut short. Scan again.")
        expect(box).to_be_focused()


def test_scan_through_an_input_method_arrives_as_printed(desk):
    desk.page.locator('input[name="bag"]').focus()
    keys_by_input_method(desk, f"CU1:bag:{desk.bag}")
    desk.page.evaluate(
        "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', code: 'Enter', bubbles: true, cancelable: true}))"
    )
    assert value(desk) in {f"CU1:bag:{desk.bag}", ""}
    if not value(desk):
        expect(desk.page.locator("[data-scan-said]")).to_have_text("The scan was cut short. Scan again.")


def test_full_width_letters_become_plain_ones(desk):
    box = desk.page.locator('input[name="bag"]')
    box.focus()
    desk.page.keyboard.insert_text("ＣＵ１：ｂａｇ：ＤＥＭＯ")
    desk.page.keyboard.press("Enter")
    assert value(desk) == "CU1:bag:DEMO"


def test_what_a_person_types_is_marked_and_left_alone(desk):
    box = desk.page.locator('input[name="bag"]')
    box.press_sequentially(str(desk.bag), delay=120)
    desk.page.keyboard.press("Tab")
    assert value(desk) == str(desk.bag)
    assert desk.page.locator('input[name="typed.bag"]').input_value() == "1"
    assert desk.page.locator('input[name="typed"]').input_value() == "1"


def test_typed_wristband_stays_marked_in_the_steps_that_follow(browser, server, beside):
    cast = bring_to_the_bed(beside)
    nurse = Person.arrives(browser, server, NURSE_ONE, PHONE)
    nurse.go(f"/bedside/{cast.dose}")
    why = nurse.page.locator('[name="typed_why.wristband"]')
    expect(why).to_be_hidden()
    nurse.page.locator('[name="scans.wristband"]').press_sequentially(str(wristband(cast)), delay=120)
    nurse.page.keyboard.press("Enter")
    expect(why).to_be_focused()
    why.fill("printed too faint")
    with nurse.page.expect_navigation():
        nurse.page.keyboard.press("Enter")
    assert nurse.page.locator('input[type=hidden][name="typed.wristband"]').input_value() == "1"
    assert nurse.page.locator('input[type=hidden][name="typed_why.wristband"]').input_value() == "printed too faint"


def test_typed_code_left_by_the_mouse_is_asked_for_its_reason_too(desk):
    why = desk.page.locator('[name="typed_why.bag"]')
    desk.page.locator('input[name="bag"]').press_sequentially(str(desk.bag), delay=120)
    desk.page.locator("h1").click()
    expect(why).to_be_visible()
    assert why.evaluate("e => e.required && !e.disabled")
    desk.scan("bag", f"CU1:bag:{desk.bag}")
    expect(why).to_be_hidden()


def test_pause_inside_a_burst_is_a_broken_scan(desk):
    box = desk.page.locator('input[name="bag"]')
    box.focus()
    text = f"CU1:bag:{desk.bag}"
    desk.page.keyboard.type(text[:10])
    desk.page.wait_for_timeout(200)
    desk.page.keyboard.type(text[10:])
    desk.page.keyboard.press("Enter")
    expect(desk.page.locator("[data-scan-said]")).to_have_text("The scan was cut short. Scan again.")
    assert value(desk) == ""


def test_group_separator_survives_as_a_control_character(desk):
    box = desk.page.locator('input[name="bag"]')
    box.focus()
    desk.page.keyboard.type("]d201")
    desk.page.keyboard.press("Control+BracketRight")
    desk.page.keyboard.type("21ABC")
    assert value(desk) == "]d201\u001d21ABC"
