"""The quality control desk: what waits, results beside their limits, reviews, investigations and retests that hide nothing."""

import re
from datetime import timedelta

import pytest

from custody.domain.acts.people import ScanRefused
from custody.workflows import demonstration
from tests.web.at_the_desks import acts_of

DESK = "/desks/quality-control"
LOT = f"{DESK}/lot/LOT-0004"
ANALYST, REVIEWER, QA = "demo-analyst-one", "demo-qc-reviewer-one", "demo-qa-one"


def inline(browser, path, values):
    """Fill in the form a desk opened, look at it again, sign it; the page that comes last."""
    page = browser.get(path)
    assert page.code == 200, page.text
    action = next(each for each in page.actions if each.startswith("/acts/"))
    page = browser.send(page, action, values)
    assert page.code == 200, page.text
    secret = {"secret": demonstration.SECRET} if 'name="secret"' in page.html else {}
    return browser.send(page, action.removesuffix("/review"), secret)


def measured(web, test, result, unit, **more):
    at = web.clock.now + timedelta(hours=8)
    moment = {"read_at.date": f"{at:%Y-%m-%d}", "read_at.time": f"{at:%H:%M:%S}", "read_at.offset": "+08:00"}
    fixed = {"sample": "Q-LOT-0004", "method": "M-1", "method_version": "1", "instrument": "I-1"}
    return {"test": test, "result": result, "unit": unit, **fixed, **moment, **more}


def enter(web, result, **more):
    page = inline(web.browser(ANALYST), f"{LOT}?act=result_recorded&test=VIA&unit=%25", measured(web, "VIA", result, "%", **more))
    assert 'class="confirmation"' in page.html, page.text
    return page


def address(page, words):
    """The address behind the first button with these words."""
    found = re.search(rf'href="([^"]+)">{words}</a>', page.html)
    assert found, f"no button “{words}”: {page.text}"
    return found[1].replace("&amp;", "&")


def test_queue_shows_what_waits_with_its_next_step_for_whoever_may_take_it(web):
    page = web.browser(REVIEWER).get(DESK)
    assert "lot LOT-0004" in page.text
    assert "/desks/quality-control/lot/LOT-0004?act=results_concluded" in page.html
    assert "act=results_concluded" not in web.browser(ANALYST).get(DESK).html
    assert "LOT-0001" not in page.text, "a released lot waits for nothing"


def test_every_result_stands_beside_its_limit(looked_at):
    text = looked_at.signed_in(ANALYST).get(LOT).text
    assert "Viability Passed Limit ≥ 80.0 % 92.5 % within its limit Reviewed" in text


def test_form_of_a_result_opens_with_test_and_unit_filled_in_and_its_limit_beside(looked_at):
    page = looked_at.signed_in(ANALYST).get(f"{LOT}?act=result_recorded&test=VIA&unit=%25")
    assert "VIA · Viability Limit ≥ 80.0 %" in page.text
    form = page.form("/acts/result_recorded/review")
    assert (form["test"], form["unit"]) == (["VIA"], ["%"])
    assert form["then"] == [LOT]


def test_recorded_result_leads_back_to_the_sheet_and_waits_for_review_first(web):
    page = enter(web, "91.0")
    assert f'<a class="button" href="{LOT}">Back to Quality control</a>' in page.html
    text = web.browser(REVIEWER).get(DESK).text
    assert "to review: 1" in text
    sheet = web.browser(REVIEWER).get(LOT)
    assert sheet.text.index("VIA · Viability To be reviewed") < sheet.text.index("in order")


def test_failed_result_comes_first_and_asks_for_an_investigation(web):
    enter(web, "61.0")
    web.clock.advance(minutes=1)
    page = web.browser(REVIEWER).get(LOT)
    assert "VIA · Viability Out of specification Limit ≥ 80.0 %" in page.text
    assert "61.0 % BELOW its limit" in page.text
    assert "92.5 % within its limit" in page.text, "the result that passed stays beside it"
    assert "failed, not investigated: 1" in web.browser(REVIEWER).get(DESK).text
    assert address(page, "Open an investigation").startswith(f"{LOT}?act=out_of_specification_opened&result=")


def test_retest_never_hides_the_first_result(web):
    enter(web, "61.0")
    web.clock.advance(minutes=1)
    reviewer, qa = web.browser(REVIEWER), web.browser(QA)
    page = inline(reviewer, address(reviewer.get(LOT), "Open an investigation"), {"investigation": "OOS-7"})
    assert 'class="confirmation"' in page.html, page.text
    web.clock.advance(minutes=1)
    retest = address(web.browser(ANALYST).get(LOT), "Retest")
    assert "investigation=OOS-7" in retest
    shown = web.browser(ANALYST).get(retest)
    assert "First result 61.0 % · BELOW its limit" in shown.text
    inline(web.browser(ANALYST), retest, measured(web, "VIA", "90.0", "%"))
    web.clock.advance(minutes=1)
    page = inline(qa, address(qa.get(LOT), "Close it"), {"laboratory_error": "yes", "conclusion": "cuvette scratched"})
    assert 'class="confirmation"' in page.html, page.text
    text = qa.get(LOT).text
    assert "61.0 % BELOW its limit Set aside: laboratory error" in text
    assert "90.0 % within its limit Retest" in text
    assert "Closed: laboratory error" in text


def test_what_cannot_be_done_now_says_why(looked_at):
    text = looked_at.signed_in(ANALYST).get(LOT).text
    assert "QC results concluded This is done by: QC reviewer." in text
    text = looked_at.signed_in(REVIEWER).get(LOT).text
    assert "QC result reviewed by a second person Every result has been reviewed." in text
    assert "Out-of-specification investigation opened No result is out of its limit." in text


def test_chosen_act_that_cannot_be_done_shows_the_reason_instead_of_its_form(looked_at):
    page = looked_at.signed_in(ANALYST).get(f"{LOT}?act=results_concluded")
    assert "This is done by: QC reviewer." in page.text
    assert not any(action.startswith("/acts/") for action in page.actions)


def test_scan_opens_the_thing_within_the_desk(web):
    browser = web.browser(ANALYST)
    page = browser.send(browser.get(DESK), f"{DESK}/find", {"scan": "LOT-0004"})
    assert (page.code, page.location) == (303, LOT)
    page = browser.send(browser.get(DESK), f"{DESK}/find", {"scan": "CU1:lot:LOT-0004"})
    assert page.location == LOT


def test_scan_of_another_kind_is_refused_in_words_and_kept(web):
    browser = web.browser(ANALYST)
    page = browser.send(browser.get(DESK), f"{DESK}/find", {"scan": "DEMO0001B0014"})
    assert page.code == 422
    assert "There is a problem" in page.text
    assert [act.seen for act in acts_of(web, f"account:{ANALYST}") if isinstance(act, ScanRefused)] == ["DEMO0001B0014"]


def test_blank_scan_is_refused_and_nothing_is_kept(web):
    browser = web.browser(ANALYST)
    assert browser.send(browser.get(DESK), f"{DESK}/find", {"scan": " "}).code == 422
    assert not [act for act in acts_of(web, f"account:{ANALYST}") if isinstance(act, ScanRefused)]


@pytest.mark.parametrize("path", ["/lot/LOT-9999", "/bag/DEMO0001B0014", "/lot/LOT-0004%00"])
def test_thing_that_is_unknown_or_not_of_this_desk_is_not_found(looked_at, path):
    assert looked_at.signed_in(ANALYST).get(f"{DESK}{path}").code in {404, 422}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("path", [DESK, LOT, f"{LOT}?act=result_recorded&test=VIA", f"{DESK}/bank/MCB-0001", f"{DESK}/dose/DOSE-0001"])
def test_pages_are_worded_in_both_languages(looked_at, path, language):
    page = looked_at.signed_in(ANALYST, language).get(path)
    assert page.code in {200, 404}, page.text
    assert not re.search(r"\[[a-z_]+(\.[A-Za-z_]+)*\]", page.html)


def test_way_back_counts_only_when_it_is_a_desk_of_this_site(looked_at):
    browser = looked_at.signed_in(ANALYST)
    for then in ("https://elsewhere.example/desks/quality-control", "//elsewhere.example", "/desks/quality-control-x", "/search"):
        page = browser.get(f"/acts/sample_taken?about=lot:LOT-0004&then={then}")
        assert "then" not in page.form("/acts/sample_taken/review"), then
    page = browser.get(f"/acts/sample_taken?about=lot:LOT-0004&then={LOT}")
    assert page.form("/acts/sample_taken/review")["then"] == [LOT]
