"""Every page and every act form opens for somebody, in both languages, and says so with the right code."""

import re

import pytest

from custody.domain.acts.base import ACTS
from custody.domain.ids import NODE_KINDS
from custody.workflows.rehearsal.steps import people
from tests.web.test_people import accept_policy

FORMS = sorted(rule.name for rule in ACTS.values() if not (rule.companion or rule.evidence) and rule.stage != "record")


def account_for(rule):
    """Somebody of the demonstration who may begin this act, or None."""
    roles = rule.slots[0].roles if rule.slots else rule.by
    return next((person.account.value for person in people().values() if roles & set(person.roles)), None)


def nothing_unworded(page):
    """A text without its words is shown by its key in brackets."""
    assert not re.search(r"\[[a-z_]+(\.[A-Za-z_]+)*\]", page.html)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("act", FORMS)
def test_form_of_every_act_opens_for_somebody_who_may_begin_it(looked_at, act, language):
    rule = ACTS[act]
    account = account_for(rule)
    assert account is not None, f"nobody in the demonstration may begin {act}"
    browser = looked_at.signed_in(account, language)
    page = browser.get(f"/acts/{act}")
    if page.location.startswith("/policy?"):  # whoever never signed anything reads first what a signature means
        page = accept_policy(browser).get(f"/acts/{act}")
    assert page.code == 200, page.text
    nothing_unworded(page)
    about = re.search(rf'href="(/acts/{act}\?about=[^"]+)"', page.html)
    if about:
        page = browser.get(about[1])
        assert page.code == 200, page.text
        assert f'action="/acts/{act}/review"' in page.html
        nothing_unworded(page)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("path", ["/", "/acts", "/waiting", "/search", "/search?q=DEMO", "/secret", "/policy"])
def test_general_page_opens_in_both_languages(looked_at, path, language):
    page = looked_at.signed_in("demo-qp-one", language).get(path)
    assert page.code == 200
    nothing_unworded(page)
    assert f'<html lang="{"zh-Hans" if language == "zh" else "en"}">' in page.html


def everything_in(browser):
    """A thing of each kind that the search finds."""
    found = {}
    for kind in NODE_KINDS:
        page = browser.get(f"/search?q={kind}:")
        hits = re.findall(r'href="(/things/[^"]+)"', page.html)
        found[kind] = page.location or next((hit for hit in hits if hit.startswith(f"/things/{kind}/")), "")
    return found


@pytest.mark.parametrize("language", ["en", "zh"])
def test_passport_and_trace_of_a_thing_of_every_kind_open(looked_at, language):
    browser = looked_at.signed_in("demo-qp-one", language)
    things = everything_in(browser)
    assert {kind for kind, path in things.items() if not path} <= {"kit"}
    for path in filter(None, things.values()):
        for address in (path, f"{path}/trace", f"{path}/trace?direction=backward"):
            page = browser.get(address)
            assert page.code == 200, (address, page.text)
            nothing_unworded(page)


def first_page_for(web, rule, language):
    """The page as the first of these people who may open it sees it."""
    for account in dict.fromkeys(("demo-qp-one", "demo-receiver-one", "demo-nurse-one", *people())):
        page = web.signed_in(account, language).get(rule.rule)
        if page.code != 403:
            return page
    raise AssertionError(f"nobody may open {rule.rule}")


FOR_MACHINES = frozenset({"metrics.counted"})
"""To people it is a page that does not exist (tests/web/test_metrics.py)."""


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_page_with_a_plain_address_opens(looked_at, language):
    there = looked_at.app.url_map.iter_rules()
    rules = [rule for rule in there if "GET" in rule.methods and not rule.arguments and rule.endpoint not in FOR_MACHINES]
    assert len(rules) > 10
    for rule in rules:
        page = first_page_for(looked_at, rule, language)
        assert page.code == 200, (rule.rule, page.text)
        nothing_unworded(page)


def test_every_link_of_every_menu_leads_to_a_page(looked_at):
    for account in ("demo-qp-one", "demo-receiver-one", "demo-nurse-one"):
        browser = looked_at.signed_in(account)
        home = browser.get("/").html
        for href in re.findall(r'<li><a href="([^"]+)"', home[: home.index("</nav>")]):
            assert browser.get(href).code == 200, (account, href)


def test_every_page_without_a_session_leads_to_the_sign_in_page(looked_at):
    browser = looked_at.browser()
    for rule in looked_at.app.url_map.iter_rules():
        view = looked_at.app.view_functions[rule.endpoint]
        if rule.endpoint == "static" or view.custody_access.public or "GET" not in rule.methods:
            continue
        address = re.sub(r"<[^>]+>", "x", re.sub(r"<int:[^>]+>", "1", rule.rule))
        page = browser.get(address)
        assert page.code == 302, address
        assert page.location.startswith("/sign-in"), address


def test_health_page_answers_without_a_session(looked_at):
    page = looked_at.browser().get("/healthz")
    assert (page.code, page.html) == (200, "ok\n")


def test_strict_headers_stand_on_every_answer(looked_at):
    for path in ("/sign-in", "/nosuch", "/healthz"):
        response = looked_at.browser().client.get(path)
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cache-Control"] == "no-store"


def test_no_page_carries_styles_or_scripts_of_its_own(looked_at):
    browser = looked_at.browser("demo-qp-one")
    for path in ("/", "/acts", "/waiting", "/acts/hold_placed?about=lot:LOT-0001", "/things/bag/DEMO0001B0014"):
        html = browser.get(path).html
        assert " style=" not in html
        assert "<style" not in html
        assert not re.search(r"<script(?![^>]*\bsrc=)", html)
        assert not re.search(r"\son[a-z]+=", html)
