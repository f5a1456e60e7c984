"""Every page that signs takes the PIN when the whole secret was given in this shift, and the entry says which it was."""

import re
from pathlib import Path

import pytest

import custody.web.pages
from custody.workflows.demonstration import SECRET
from tests.web.at_the_desks import NURSE_ONE, NURSE_TWO, bring_to_the_bed, scan_all, signatures
from tests.web.test_people import OTHERS_PIN, PIN, choose_pin

WHOLE_SECRET_ONLY = {"own_secret.py"}
"""The signature policy is accepted once, with the whole secret."""
QA = "demo-qa-one"


def test_no_page_says_by_itself_with_what_somebody_signed():
    """A method written into a page would be recorded whatever the person gave."""
    pages = Path(custody.web.pages.__path__[0])
    named = {path.name for path in pages.rglob("*.py") if re.search(r"""method ?= ?["']""", path.read_text(encoding="utf-8"))}
    assert named == WHOLE_SECRET_ONLY


def hold(browser, secret, number):
    act = "/acts/hold_placed"
    form = browser.get(f"{act}?about=lot:LOT-0001")
    review = browser.send(form, f"{act}/review", {"hold": f"H-{number}", "reason": "to be looked at", "owner": "QA"})
    return browser.send(review, act, {"secret": secret})


def test_general_form_takes_the_password_first_and_the_pin_later(web):
    browser = choose_pin(web, QA, PIN)
    refused = hold(browser, PIN, 1)
    assert refused.code == 403
    assert "whole password" in refused.text
    assert hold(browser, SECRET, 1).code == 200
    assert hold(browser, PIN, 2).code == 200
    assert signatures(web, "lot:LOT-0001")[-2:] == [(QA, "secret"), (QA, "pin")]


def test_wrong_pin_signs_nothing_and_counts(web):
    browser = choose_pin(web, QA, PIN)
    hold(browser, SECRET, 1)
    before = signatures(web, "lot:LOT-0001")
    pages = [hold(browser, OTHERS_PIN, n) for n in range(2, 7)]
    assert [page.code for page in pages] == [403] * 4 + [302]
    assert pages[-1].location == "/sign-in?why=locked"
    assert signatures(web, "lot:LOT-0001") == before


@pytest.mark.parametrize("given", [SECRET, OTHERS_PIN])
def test_second_signature_at_the_bed_by_badge_and_pin(web, given):
    """Rules section 12: badge and PIN at the bed, the full secret for the first signature of a shift."""
    choose_pin(web, NURSE_TWO, OTHERS_PIN)
    bench = choose_pin(web, NURSE_ONE, PIN)
    cast = bring_to_the_bed(web)
    url = f"/bedside/{cast.dose}"
    bench = web.browser(NURSE_ONE)
    bench.send(bench.get("/bench"), "/bench", {"station": "ICU bed 4"})

    def change(account, pin):
        assert bench.post("/sign-in", {"account": f"CU1:badge:{account.upper()}", "secret": pin}).code == 302

    change(NURSE_ONE, PIN)
    scan_all(bench, cast)
    change(NURSE_TWO, OTHERS_PIN)
    web.clock.advance(seconds=30)
    scan_all(bench, cast)
    change(NURSE_ONE, PIN)
    assert "whole password" in bench.send(bench.get(url), f"{url}/start", {"secret": PIN}).text
    assert bench.send(bench.get(url), f"{url}/start", {"secret": SECRET}).code == 303
    change(NURSE_TWO, OTHERS_PIN)
    web.clock.advance(seconds=20)
    first = bench.send(bench.get(url), f"{url}/start", {"secret": given})
    if given == OTHERS_PIN:
        assert "whole password" in first.text, "nobody signs for the first time in a shift with a PIN"
        assert bench.send(bench.get(url), f"{url}/start", {"secret": SECRET}).code == 303
    pause = bench.get(f"{url}/acts/infusion_taken_over")
    assert "Your password or PIN" in pause.text
    assert bench.send(pause, f"{url}/acts/infusion_taken_over", {"secret": OTHERS_PIN}).code == 303
    assert signatures(web, cast.dose.key)[-3:] == [(NURSE_ONE, "secret"), (NURSE_TWO, "secret"), (NURSE_TWO, "pin")]
