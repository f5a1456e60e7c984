"""Every page there is in Chromium, in both languages, light and dark: no barrier, nothing sideways, targets for fingers and gloves."""

from __future__ import annotations

import os
from zlib import crc32

import pytest
from playwright.sync_api import sync_playwright

from tests.journeys.browsing import DESK, PHONE, barriers, chromium, no_sideways_scroll, serving
from tests.journeys.pages import NO_PAGES, pages_of, people_of, scene, uncovered
from tests.web.conftest import NOW, demonstration_folder

pytestmark = [pytest.mark.browser, pytest.mark.slow]
__all__ = ["demonstration_folder"]
FINGER, GLOVE = 48, 64
COMBINATIONS = tuple((language, scheme) for language in ("en-GB", "zh-CN") for scheme in ("light", "dark"))
SMALL = """([finger, glove]) => {
  const least = document.body.classList.contains("scanning") ? glove : finger;
  const wrong = [];
  const high = (element, want) => {
    if (!element.checkVisibility() || element.closest(".reads-only")) return;
    const height = element.getBoundingClientRect().height;
    if (height < want - 0.5) wrong.push(`${height} px: ${element.outerHTML.slice(0, 120)}`);
  };
  for (const each of document.querySelectorAll("main .button")) high(each, least);
  const others = "button:not(.button), summary, select, textarea, .menu a, .brand, .tasks a, .back, .problems a";
  for (const each of document.querySelectorAll(others)) high(each, finger);
  for (const each of document.querySelectorAll("input:not([type=hidden])")) {
    const box = /radio|checkbox/.test(each.type);
    high(box ? each.closest("label") ?? each : each, finger);
  }
  return wrong;
}"""
"""Things to press that are lower than a finger (48 px), or than a glove (64 px) on pages made for gloves (facts/screens.md, A)."""


@pytest.fixture(scope="module")
def server(demonstration_folder, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUSTODY_WEAK_SECRETS", "1")
        with serving(demonstration_folder, tmp_path_factory.mktemp("every_page") / "store", NOW) as running:
            yield running


@pytest.fixture(scope="module")
def web(server):
    return scene(server.store, server.config, server.clock)


@pytest.fixture(scope="module")
def pages(web):
    return pages_of(web)


def test_every_route_that_shows_a_page_is_looked_at(web, pages):
    assert uncovered(web, pages) == set()
    assert all(len(reason.split()) > 3 for reason in NO_PAGES.values())
    assert NO_PAGES.keys() <= {rule.endpoint for rule in web.app.url_map.iter_rules()}


PROVES = os.environ.get("CUSTODY_TEST_PROFILE") == "prove"


def chosen(pages):
    """Everything under the prove profile; else the first page of each route, and a quarter of the others, always the same ones."""
    first = {page.endpoint: page for page in reversed(pages)}
    return pages if PROVES else tuple(page for page in pages if page == first[page.endpoint] or crc32(page.path.encode()) % 4 == 0)


def combinations(page):
    """All four under the prove profile; else one, always the same for the same page."""
    return COMBINATIONS if PROVES else (COMBINATIONS[crc32(page.path.encode()) % len(COMBINATIONS)],)


def faults(person, page, language, scheme):
    """What is wrong with a page in one language and one scheme, at both widths."""
    person.context.set_extra_http_headers({"Accept-Language": language})
    person.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    answer = person.page.goto(person.server.url + page.path)
    if answer.status != 200 or answer.request.redirected_from is not None:
        return [f"answered {answer.status} at {person.page.url}"]
    found = []
    for size in (DESK, PHONE):
        person.page.set_viewport_size(size)
        if not no_sideways_scroll(person.page):
            found.append(f"scrolls sideways at {size['width']} px")
        found += [f"small target at {size['width']} px: {each}" for each in person.page.evaluate(SMALL, [FINGER, GLOVE])]
    return found + barriers(person.page)


def test_every_page_is_fit_to_use_in_both_languages_light_and_dark(server, pages):
    wrong = []
    with sync_playwright() as playwright, chromium(playwright) as browser:
        for page, person in people_of(browser, server, chosen(pages)):
            for language, scheme in combinations(page):
                wrong += [f"{page.account} {page.path} {language} {scheme}: {each}" for each in faults(person, page, language, scheme)]
            assert person.foreign == [], page.path
    assert wrong == [], "\n".join(wrong)
