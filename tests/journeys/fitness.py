"""Whether a page is fit to use: no barrier for axe, nothing sideways, targets for fingers and gloves; in both languages, light and dark."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Browser, Page

from tests.counts import IN_FULL
from tests.journeys.browsing import BARRIERS, DESK, PATIENCE_MS, PHONE, Running, no_sideways_scroll, serving
from tests.journeys.pages import Looked, enter, pages_of, scene, speak
from tests.web.conftest import NOW, Web

FINGER, GLOVE = 48, 64
LANGUAGES = {"en": "en", "zh": "zh-Hans"}
SCHEMES = ("light", "dark")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", *(["best-practice"] if IN_FULL else [])]
EVERY_RULE = {"type": "tag", "values": TAGS}
COLOURS = ["color-contrast"]
"""The only rule whose answer changes with the scheme: the page itself stays the same."""
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


@dataclass(frozen=True)
class Shown:
    """The scene behind a server, and the pages of it that a file of tests looks at."""

    server: Running
    web: Web
    pages: tuple[Looked, ...]


@contextmanager
def shown(made: Path, folder: Path, **which):
    """The demonstration a little later, served until the block ends; `which` as `pages_of` takes it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUSTODY_WEAK_SECRETS", "1")
        with serving(made, folder / "store", NOW) as server:
            web = scene(server.store, server.config, server.clock)
            yield Shown(server, web, pages_of(web, **which))


def chosen(pages: tuple[Looked, ...]) -> tuple[Looked, ...]:
    """Everything under the prove profile; else the first page of each route, and a quarter of the others, always the same ones."""
    first = {page.endpoint: page for page in reversed(pages)}
    return pages if IN_FULL else tuple(page for page in pages if page == first[page.endpoint] or crc32(page.path.encode()) % 4 == 0)


def ways(page: Looked) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Languages, each with its schemes: all four under the prove profile; else one, always the same for the same page."""
    if IN_FULL:
        return tuple((language, SCHEMES) for language in LANGUAGES)
    place = crc32(page.path.encode())
    return (((*LANGUAGES,)[place % 2], (SCHEMES[place // 2 % 2],)),)


def wrong_with(shown: Shown, browser: Browser) -> list[str]:
    """Every fault of every chosen page, with who saw it where; one browser whose person changes."""
    wrong, foreign = [], []
    context = browser.new_context(viewport=PHONE)
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(path=AXE_FILE_PATH)
    page = context.new_page()
    page.on("request", lambda request: foreign.append(request.url) if not _own(request.url, shown.server) else None)
    for each in chosen(shown.pages):
        enter(context, shown.server, shown.web, each.account)
        for language, schemes in ways(each):
            found = faults(page, shown.server, each, language, schemes)
            wrong += [f"{each.account} {each.path} {language} {schemes}: {fault}" for fault in found]
    return wrong + [f"asked elsewhere: {url}" for url in foreign]


def faults(page: Page, server: Running, looked: Looked, language: str, schemes: tuple[str, ...]) -> list[str]:
    """What is wrong with a page in one language, loaded once: at both widths, for axe, and in each scheme for the colours."""
    speak(page.context, server, language)
    page.emulate_media(color_scheme=schemes[0], reduced_motion="reduce")
    answer = page.goto(server.url + looked.path)
    if answer.status != 200 or answer.request.redirected_from is not None:
        return [f"answered {answer.status} at {page.url}"]
    if page.locator("html").get_attribute("lang") != LANGUAGES[language]:
        return ["is in another language"]
    found = []
    for size in (DESK, PHONE):
        page.set_viewport_size(size)
        if not no_sideways_scroll(page):
            found.append(f"scrolls sideways at {size['width']} px")
        found += [f"small target at {size['width']} px: {each}" for each in page.evaluate(SMALL, [FINGER, GLOVE])]
    found += page.evaluate(BARRIERS, EVERY_RULE)
    for scheme in schemes[1:]:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found += [f"{scheme}: {each}" for each in page.evaluate(BARRIERS, COLOURS)]
    return found


def _own(url: str, server: Running) -> bool:
    return url.startswith((server.url, "data:"))
