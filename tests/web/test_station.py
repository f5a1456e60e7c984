"""The scan station: test codes judged by the server, commands understood at every desk without a script, and the way back."""

import re

import pytest

from custody.codes.scanner_check import TESTS
from tests.web.at_the_desks import acts_of, cast_of

PACKER, ANALYST, RECEIVER = "demo-coldchain-one", "demo-analyst-one", "demo-receiver-one"
LOT = "/desks/quality-control/lot/LOT-0004"


def command(browser, page, path, name, **more):
    """Scan a command on the page at `path`, as a browser without scripts does."""
    action = next(each for each in page.actions if each.endswith("/find") or "/scan?" in each)
    return browser.send(page, action, {"scan": f"CU1:command:{name}", "here": path, **more})


def check(browser, page, text, **more):
    return browser.send(page, "/station/check", {"scan": text, **more})


def test_three_good_scans_say_that_everything_is_set_right(looked_at):
    browser = looked_at.signed_in(PACKER)
    page = browser.get("/station")
    for test in TESTS:
        assert page.form("/station/check")["test"] == [test.name]
        page = check(browser, page, test.text, by="enter")
    assert "Scanner and keyboard are set right." in page.text


@pytest.mark.parametrize(
    ("change", "sent", "said"),
    [
        (lambda text: text, {"by": "hand"}, "No Enter at the end"),
        (lambda text: text.replace("-", "ß"), {"by": "enter"}, "The keyboard layout is wrong"),
        (lambda text: text, {"by": "enter", "noticed": "input_method"}, "An input method is on"),
    ],
)
def test_fault_is_named_with_what_to_do(looked_at, change, sent, said):
    browser = looked_at.signed_in(PACKER)
    page = check(browser, browser.get("/station"), change(TESTS[0].text), **sent)
    assert page.code == 200
    assert said in page.text


def test_missing_separator_is_named_on_the_second_code(looked_at):
    browser = looked_at.signed_in(PACKER)
    page = check(browser, browser.get("/station"), TESTS[0].text, by="enter")
    page = check(browser, page, TESTS[1].text.replace("\x1d", ""), by="enter")
    assert "The separator (GS) is missing" in page.text


def test_sheet_has_every_command_as_a_bar_code(looked_at):
    page = looked_at.signed_in(PACKER).get("/station")
    assert all(name in page.text for name in ("NEXT", "CANCEL", "UNDO", "PRINT", "SUPERVISOR"))


def test_next_opens_the_form_of_the_step_that_comes_next(looked_at):
    browser = looked_at.signed_in("demo-qc-reviewer-one")
    page = command(browser, browser.get(LOT), LOT, "NEXT")
    assert browser.get(page.location).location == f"{LOT}?act=results_concluded"


def test_next_on_the_page_of_a_desk_opens_the_first_thing(looked_at):
    browser, desk = looked_at.signed_in("demo-qc-reviewer-one"), "/desks/quality-control"
    page = command(browser, browser.get(desk), desk, "NEXT")
    assert browser.get(page.location).location.startswith("/desks/quality-control/")


@pytest.mark.parametrize(
    ("here", "there"), [(f"{LOT}?act=sample_taken", LOT), (LOT, "/desks/quality-control"), ("/desks/quality-control", "/")]
)
def test_cancel_goes_one_page_back(looked_at, here, there):
    browser = looked_at.signed_in(ANALYST)
    assert command(browser, browser.get(LOT), here, "CANCEL").location == there


def test_undo_opens_the_correction_of_the_last_own_entry(looked_at):
    cast, browser = cast_of(looked_at, "good"), looked_at.signed_in(PACKER)
    path = f"/desks/packing/shipment/{cast.shipment}"
    page = command(browser, browser.get(path), path, "UNDO")
    assert re.search(r"/things/shipment/SH-0001/.*correct|/corrections/|correct", page.location), page.location
    assert browser.get(page.location).code == 200


def test_undo_without_an_own_entry_says_so(looked_at):
    browser = looked_at.signed_in("demo-qc-reviewer-one")
    path = "/desks/quality-control/donation/A999926000001"
    page = command(browser, browser.get("/desks/quality-control"), path, "UNDO")
    assert page.code == 404
    assert "You recorded nothing about" in page.text


def test_print_opens_the_history_as_it_is_printed(looked_at):
    browser = looked_at.signed_in(ANALYST)
    page = command(browser, browser.get(LOT), LOT, "PRINT")
    assert page.location == "/things/lot/LOT-0004?print=1"
    assert "data-print-now" in browser.get(page.location).html


def test_supervisor_shows_the_telephone_and_the_way_back(looked_at):
    browser = looked_at.signed_in(ANALYST)
    page = browser.get(command(browser, browser.get(LOT), LOT, "SUPERVISOR").location)
    assert "tel:" in page.html
    assert f'href="{LOT}"' in page.html


def test_command_nobody_knows_is_refused_and_kept(web):
    browser, desk = web.browser(ANALYST), "/desks/quality-control"
    page = command(browser, browser.get(desk), desk, "JUMP")
    assert page.code == 422
    assert "There is no command “JUMP”" in page.text
    assert "unknown_command" in [getattr(act, "refusal", "") for act in acts_of(web, f"account:{ANALYST}")]


def test_command_never_leads_to_another_site(looked_at):
    browser = looked_at.signed_in(ANALYST)
    page = command(browser, browser.get(LOT), "//evil.example/x", "SUPERVISOR")
    assert "evil" not in browser.get(page.location).html


@pytest.mark.parametrize("language", ["en", "zh"])
def test_pages_are_worded_in_both_languages(looked_at, language):
    browser = looked_at.signed_in(PACKER, language)
    for path in ("/station", "/station/supervisor?then=/desks/packing"):
        page = browser.get(path)
        assert page.code == 200
        assert not re.search(r"\[[a-z_]+(\.[A-Za-z_]+)*\]", page.html), page.text
