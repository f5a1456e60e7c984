"""Bad input at the desks: two people at one thing, a night away, a second press, another unit, tomorrow, long and foreign text."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from custody.domain.acts.quality import ColdChainDecided, HoldLifted, HoldPlaced, ResultRecorded
from custody.web.desks import desk
from custody.workflows.demonstration import SECRET
from tests.web.at_the_desks import acts_of, cast_of
from tests.web.desks.test_quality_control import ANALYST, LOT, inline, measured

MATERIAL = {
    "material": "MED-0777",
    "name": "medium",
    "supplier": "Demo Supplier",
    "supplier_lot": "B-1",
    "certificate": "C-1",
    "animal_origin": "no",
    "expires_at.date": "2027-06-01",
    "expires_at.time": "12:00:00",
}
QA, QP = "demo-qa-one", "demo-qp-one"
SHEET = "/desks/quality/lot/LOT-0004"
FOREIGN = {
    "right-to-left": "\u0634\u0642 \u0641\u064a \u0627\u0644\u0643\u064a\u0633 \u05e1\u05d3\u05e7",
    "emoji": "\U0001f469\U0001f3fd\u200d\U0001f52c \U0001f9ec leaked",
    "both ways": "left \u2067\u064a\u0645\u064a\u0646\u2069 left",
    "long": "r" * 10_000,
}


def reviewed(browser, path, values):
    """The form of a desk, sent once: the page that asks for the signature, and where it is sent."""
    page = browser.get(path)
    action = next(each for each in page.actions if each.startswith("/acts/"))
    return browser.send(page, action, values), action.removesuffix("/review")


def signed(browser, page, action):
    return browser.send(page, action, {"secret": SECRET} if 'name="secret"' in page.html else {})


def of(web, stream, cls):
    return [act for act in acts_of(web, stream) if isinstance(act, cls)]


# ── two people at one thing ──


@pytest.fixture
def held(web):
    inline(web.browser(QA), f"{SHEET}?act=hold_placed", {"hold": "H-1", "reason": "a crack", "owner": "QA"})
    web.clock.advance(minutes=1)
    return f"{SHEET}?act=hold_lifted&hold=H-1"


def test_second_of_two_who_lift_a_hold_reads_what_the_first_wrote_and_loses_nothing(web, held):
    one, two = web.browser(QA), web.browser(QP)
    mine, action = reviewed(one, held, {"hold": "H-1", "reason": "it was a scratch"})
    theirs, _ = reviewed(two, held, {"hold": "H-1", "reason": "I looked again: only dust"})
    assert 'class="confirmation"' in signed(one, mine, action).html
    web.clock.advance(seconds=30)
    page = signed(two, theirs, action)
    assert page.code == 409
    assert "Somebody else has decided this meanwhile, and nothing of yours was recorded." in page.text
    assert "Demo QA One, 2026-06-01 14:01:20 (UTC+8) Hold lifted" in page.text
    assert "it was a scratch" in page.text
    assert page.form(action)["reason"] == ["I looked again: only dust"]
    again = signed(two, page, action)
    assert again.code == 409, "the record itself refuses what is done already"
    assert "H-1" in again.text
    assert again.form(action)["reason"] == ["I looked again: only dust"]
    assert [act.reason for act in of(web, "lot:LOT-0004", HoldLifted)] == ["it was a scratch"]


def test_other_decision_about_an_excursion_is_signed_only_by_who_has_read_the_first(web):
    bag = cast_of(web, "warm").bags[0]
    path = f"/desks/quality/bag/{bag}?act=cold_chain_decided"
    one, two = web.browser(QA), web.browser(QP)
    mine, action = reviewed(one, path, {"decision": "release", "reason": "seven minutes"})
    theirs, _ = reviewed(two, path, {"decision": "reject", "reason": "above the glass transition"})
    assert 'class="confirmation"' in signed(one, mine, action).html
    web.clock.advance(seconds=5)
    page = signed(two, theirs, action)
    assert (page.code, len(of(web, f"bag:{bag}", ColdChainDecided))) == (409, 1)
    assert "seven minutes" in page.text.partition("Recorded by others since you opened this form")[2]
    assert 'class="confirmation"' in signed(two, page, action).html, "now it was read, and is this person's own decision"
    assert [act.reason for act in of(web, f"bag:{bag}", ColdChainDecided)] == ["seven minutes", "above the glass transition"]


def test_form_left_open_tells_before_the_signature_what_others_recorded(web):
    slow = web.browser(QP)
    page = slow.get(f"{SHEET}?act=deviation_opened")
    inline(web.browser(QA), f"{SHEET}?act=hold_placed", {"hold": "H-7", "reason": "label hangs loose", "owner": "QA"})
    web.clock.advance(minutes=1)
    review = slow.send(page, "/acts/deviation_opened/review", {"deviation": "D-7", "description": "loose label", "severity": "minor"})
    assert review.code == 200, review.text
    assert "Demo QA One" in review.text.partition("Recorded by others since you opened this form")[2]
    assert "label hangs loose" in review.text
    assert 'class="confirmation"' in signed(slow, review, "/acts/deviation_opened").html, "another matter is no reason to wait"


def test_nobody_is_told_of_their_own_entries_nor_of_what_they_have_seen(web, held):
    one = web.browser(QA)
    page = one.get(held)
    inline(one, f"{SHEET}?act=deviation_opened", {"deviation": "D-1", "description": "mine", "severity": "minor"})
    review = one.send(page, "/acts/hold_lifted/review", {"hold": "H-1", "reason": "fine"})
    assert "Recorded by others" not in review.text
    assert "Recorded by others" not in reviewed(web.browser(QP), held, {"hold": "H-1", "reason": "fine"})[0].text


def test_two_holds_of_two_numbers_are_two_decisions(web):
    one, two = web.browser(QA), web.browser(QP)
    pages = [
        reviewed(who, f"{SHEET}?act=hold_placed", {"hold": number, "reason": number, "owner": "QA"})
        for who, number in ((one, "H-1"), (two, "H-2"))
    ]
    for who, (page, action) in zip((one, two), pages, strict=True):
        web.clock.advance(seconds=1)
        assert 'class="confirmation"' in signed(who, page, action).html
    assert {act.hold for act in of(web, "lot:LOT-0004", HoldPlaced)} == {"H-1", "H-2"}


def test_two_who_give_a_new_thing_one_number_learn_who_was_first(web):
    path, values = "/acts/material_received?then=/desks/storage", MATERIAL
    one, two = web.browser("demo-operator-one"), web.browser("demo-coldchain-one")
    pages = [reviewed(who, path, values) for who in (one, two)]
    assert [page.code for page, _ in pages] == [200, 200], pages[0][0].text
    signed(one, *pages[0])
    page = signed(two, *pages[1])
    assert "Demo Operator One" in page.text.partition("Recorded by others")[2]
    assert page.form(pages[1][1])["supplier"] == ["Demo Supplier"]


# ── a night away ──

LEFT_OPEN = (
    ("demo-coordinator-one", "/desks/donor/donor/DN-0001?act=consent_withdrawn", {"reason": "she called"}),
    ("demo-operator-one", "/desks/bench/lot/LOT-0004?act=sample_taken", {"sample": "Q-9"}),
    (ANALYST, f"{LOT}?act=result_recorded&test=VIA", {"result": "91.5", "unit": "%"}),
    (QP, "/desks/release/lot/LOT-0004?act=rejected", {"reason": "she called"}),
    (QA, f"{SHEET}?act=hold_placed", {"reason": "a crack"}),
    ("demo-nurse-one", "/desks/allocation/participant/P-0001?act=weight_measured", {"weight_kg": "70.4"}),
    ("demo-coldchain-one", "/desks/storage/equipment/LN2-01?act=logger_installed", {"logger": "LOGGER-T-0001"}),
    ("demo-physician-one", "/desks/safety/participant/P-0001?act=adverse_event_reported", {"description": "flush"}),
)


@pytest.mark.parametrize(("account", "path", "values"), LEFT_OPEN, ids=[path.split("/")[2] for _, path, _ in LEFT_OPEN])
def test_form_of_a_desk_left_open_overnight_comes_back_as_it_was(web, account, path, values):
    browser = web.browser(account)
    page = browser.get(path)
    action = next((each for each in page.actions if each.startswith("/acts/")), None)
    assert action, page.text
    web.clock.advance(hours=14)
    lost = browser.send(page, action, values)
    assert lost.code == 401
    assert "What you typed is kept" in lost.text
    resumed = browser.send(lost, "/sign-in", {"account": account, "secret": SECRET})
    back = browser.send(resumed, action)
    assert back.code in {200, 422}, back.text
    shown = back.form(action.removesuffix("/review") if back.code == 200 else action)
    assert {name: shown[name][0] for name in values} == values
    assert shown["then"] == [path.partition("?")[0]]


# ── back, and a second press ──


def test_second_press_and_the_way_back_are_one_act(web):
    browser = web.browser(QA)
    page, action = reviewed(browser, f"{SHEET}?act=hold_placed", {"hold": "H-1", "reason": "a crack", "owner": "QA"})
    first, second = signed(browser, page, action), signed(browser, page, action)
    assert first.code == second.code == 200
    assert "was recorded already" in second.text or "before" in second.text, second.text
    changed = browser.send(page, "/acts/hold_placed/review", {"reason": "two cracks"})
    third = signed(browser, changed, action)
    assert third.code == 409, "the form that was used up holds something else now"
    assert [act.reason for act in of(web, "lot:LOT-0004", HoldPlaced)] == ["a crack"]


def test_form_filled_in_a_second_time_with_the_same_values_says_that_it_is_recorded_already(web):
    browser, path, values = web.browser(ANALYST), f"{LOT}?act=result_recorded&test=VIA", measured(web, "VIA", "91.0", "%")
    page, action = reviewed(browser, path, values)
    assert "exactly this already" not in page.text
    signed(browser, page, action)
    web.clock.advance(minutes=1)
    again, _ = reviewed(browser, path, values)
    assert "You recorded exactly this already, on 2026-06-01 14:00:20 (UTC+8)." in again.text
    assert "exactly this already" not in reviewed(web.browser(ANALYST), path, values | {"result": "91.5"})[0].text


# ── another unit, and what is still to come ──


@pytest.mark.parametrize(
    ("result", "unit", "said"),
    [
        ("92", "cells/mL", "92 cells/mL cannot be compared with the limit of VIA, which is in %."),
        ("92", "", "92 cannot be compared with the limit of VIA, which is in %."),
        ("925", "%", "925 % cannot be compared"),
        ("about ninety", "%", "about ninety % cannot be compared"),
    ],
)
def test_result_in_another_unit_is_refused_beside_its_field_and_kept(web, result, unit, said):
    page, _ = reviewed(web.browser(ANALYST), f"{LOT}?act=result_recorded&test=VIA", measured(web, "VIA", result, unit))
    assert page.code == 422
    assert said in page.text
    shown = page.form("/acts/result_recorded/review")
    assert (shown["result"], shown["unit"]) == ([result], [unit])
    assert len([act for act in of(web, "lot:LOT-0004", ResultRecorded) if act.test == "VIA"]) == 1


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"weight_kg": "70400", "height_cm": "172"}, "70400 kg cannot be. Look at the unit and the decimal point; expected 1–500 kg."),
        ({"weight_kg": "70.4", "height_cm": "1.72"}, "1.72 cm cannot be."),
        ({"weight_kg": "70,4", "height_cm": "172"}, "such as 28.5"),
        ({"weight_kg": "154 lb", "height_cm": "172"}, "such as 28.5"),
    ],
)
def test_weight_or_height_in_another_unit_is_refused_beside_its_field(web, values, said):
    path = "/desks/allocation/participant/P-0001?act=weight_measured"
    page, _ = reviewed(web.browser("demo-nurse-one"), path, values | {"sex": "male"})
    assert page.code == 422
    assert said in page.text
    shown = page.form("/acts/weight_measured/review")
    assert {name: shown[name][0] for name in values} == values


def test_result_of_tomorrow_is_refused_beside_its_field_and_kept(web):
    tomorrow = f"{web.clock.now + timedelta(days=1):%Y-%m-%d}"
    values = measured(web, "VIA", "91.0", "%") | {"read_at.date": tomorrow}
    page, _ = reviewed(web.browser(ANALYST), f"{LOT}?act=result_recorded&test=VIA", values)
    assert page.code == 422
    assert "Read at: This lies in the future; write when it happened." in page.text
    assert page.form("/acts/result_recorded/review")["read_at.date"] == [tomorrow]


# ── long and foreign text in every form of every desk ──


WRITTEN = re.compile(r'<(?:textarea class="input"|input class="input [^"]*") id="[^"]*" name="([^"]+)"')
"""Fields that somebody writes in. Codes are scanned, and what is no code is refused by tests of its own."""
THINGS = {
    "donor": ("demo-coordinator-one", ("donor/DN-0001", "donation/A999926000001", "tissue/TS-0001")),
    "bench": ("demo-operator-one", ("lot/LOT-0004", "bank/WCB-0001", "tissue/TS-0001", "bag/DEMO0004B0013")),
    "quality_control": ("demo-analyst-one", ("lot/LOT-0004", "bank/WCB-0001")),
    "release": ("demo-qp-one", ("lot/LOT-0004", "dose/DOSE-0001")),
    "quality": ("demo-qa-one", ("lot/LOT-0004", "bag/DEMO0002B0027", "shipment/SH-0003")),
    "registers": ("demo-coldchain-one", ("material/MED-0001", "equipment/INC-01", "shipper/SHIPPER-0001")),
    "allocation": ("demo-nurse-one", ("participant/P-0001", "dose/DOSE-0001")),
    "packing": ("demo-coldchain-one", ("shipment/SH-0001", "bag/DEMO0001B003Z")),
    "storage": ("demo-coldchain-one", ("bag/DEMO0001B003Z", "equipment/LN2-01")),
    "preparation": ("demo-preparer-one", ("dose/DOSE-0001", "bag/DEMO0001B0014")),
    "safety": ("demo-physician-one", ("participant/P-0001", "dose/DOSE-0001")),
}


def forms_of(browser, name):
    """The form of each act of a desk that this person may begin now: within a sheet, or, of a new thing, on its own page."""
    home = f"/desks/{name.replace('_', '-')}"
    for act in desk(name).acts:
        action = f"/acts/{act}/review"
        for path in (*(f"{home}/{thing}?act={act}" for thing in THINGS[name][1]), f"/acts/{act}?then={home}"):
            page = browser.get(path)
            if action in page.actions:
                yield action, page
                break


@pytest.mark.parametrize("name", THINGS)
def test_every_form_keeps_or_refuses_long_and_foreign_text(looked_at, name):
    browser, asked = looked_at.signed_in(THINGS[name][0]), set()
    for action, page in forms_of(browser, name):
        written = WRITTEN.findall(page.html.partition(f'action="{action}"')[2].partition("</form>")[0])
        for text in FOREIGN.values():
            typed = dict.fromkeys(written, text)
            answer = browser.send(page, action, typed)
            assert answer.code in {200, 422}, f"{action}: {answer.text}"
            shown = answer.form(action.removesuffix("/review"))
            assert {field: shown[field][0] for field in typed} == typed, action
        asked.update(written)
    assert asked, "no field for text was found"


def test_foreign_text_is_recorded_letter_by_letter_and_every_page_still_opens(web):
    for n, text in enumerate(FOREIGN.values()):
        page = inline(web.browser(QA), f"{SHEET}?act=hold_placed", {"hold": f"H-{n}", "reason": text, "owner": "QA"})
        assert 'class="confirmation"' in page.html, page.text
        web.clock.advance(seconds=1)
    assert [act.reason for act in of(web, "lot:LOT-0004", HoldPlaced)] == list(FOREIGN.values())
    for path in (SHEET, "/desks/quality", "/things/lot/LOT-0004", "/"):
        page = web.browser(QA).get(path)
        assert page.code == 200, path
