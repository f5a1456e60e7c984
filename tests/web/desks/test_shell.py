"""The shell around the desks: the menu, the work list that leads to them, light and dark, going back."""

import re

QP, NURSE, ANALYST, REVIEWER = "demo-qp-one", "demo-nurse-one", "demo-analyst-one", "demo-qc-reviewer-one"


def test_menu_shows_the_desks_of_this_person_and_marks_the_one_that_is_open(looked_at):
    page = looked_at.signed_in(ANALYST).get("/desks/quality-control")
    assert re.findall(r'href="([^"]+)" aria-current="page"', page.html) == ["/desks/quality-control"]
    assert "/desks/release" not in page.html


def test_desk_stays_marked_while_one_of_its_acts_is_filled_in(looked_at):
    page = looked_at.signed_in(ANALYST).get("/acts/sample_taken?about=lot:LOT-0004&then=/desks/quality-control/lot/LOT-0004")
    assert '<a href="/desks/quality-control" aria-current="page">' in page.html


def test_work_list_leads_to_the_desk_where_the_next_step_is_done(looked_at):
    page = looked_at.signed_in(REVIEWER).get("/")
    needs_you = page.html[page.html.index("Needs you now") : page.html.index("Moving")]
    assert '/desks/quality-control/lot/LOT-0004?act=results_concluded"' in needs_you


def test_what_somebody_else_does_next_stands_under_moving_with_who_and_what(looked_at):
    text = looked_at.signed_in(ANALYST).get("/").text
    assert "QC reviewer: QC results concluded" in text[text.index("Moving") :]


def test_dark_and_light_are_one_tap_and_stay(web):
    browser = web.browser(NURSE)
    page = browser.get("/")
    assert "data-theme" not in page.html
    page = browser.post("/appearance", {**page.form("/appearance"), "theme": "dark", "then": "/search"})
    assert (page.code, page.location) == (302, "/search")
    page = browser.get("/search")
    assert '<html lang="en" data-theme="dark">' in page.html
    browser.post("/appearance", {**page.form("/appearance"), "theme": "light"})
    assert 'data-theme="light"' in browser.get("/").html
    browser.post("/appearance", {**page.form("/appearance"), "theme": "purple"})
    assert "data-theme" not in browser.get("/").html


def test_bedside_and_receiving_offer_the_other_acts_of_their_desks(looked_at):
    assert "/acts/vitals_recorded?" in looked_at.signed_in(NURSE).get("/bedside").html
    assert "/acts/documents_received?" in looked_at.signed_in("demo-receiver-one").get("/receiving").html


def test_desk_pages_carry_no_style_and_no_script_of_their_own(looked_at):
    for path in ("/desks/quality-control", "/desks/quality-control/lot/LOT-0004?act=result_recorded", "/desks/release"):
        html = looked_at.signed_in(QP).get(path).html
        assert " style=" not in html
        assert "<style" not in html
        assert not re.search(r"<script(?![^>]*\bsrc=)", html)
