"""A day's work without a mouse: sign in, work list, desk, the form of an act, a signature, by Tab and Enter; the focus is always seen."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from custody.workflows import demonstration
from tests.journeys.browsing import DESK, PHONE, serving
from tests.web.conftest import NOW

pytestmark = [pytest.mark.browser, pytest.mark.slow]
TABS_MOST = 120
SEEN = """() => {
  const here = document.activeElement;
  if (!here || here === document.body) return "";
  const style = getComputedStyle(here), box = here.getBoundingClientRect();
  const ringed = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  const inside = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth && box.width * box.height > 0;
  const top = document.elementFromPoint(
    Math.min(Math.max(box.left + box.width / 2, 1), innerWidth - 1), Math.min(Math.max(box.top + box.height / 2, 1), innerHeight - 1));
  const bare = top && (here.contains(top) || top.contains(here));
  return ringed && inside && bare ? "" : `${ringed} ${inside} ${!!bare}: ${here.outerHTML.slice(0, 160)}`;
}"""
"""What is wrong with how the focus shows: without a ring, outside the window, or covered by something."""


@pytest.fixture(scope="module")
def server(demonstration_folder, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUSTODY_WEAK_SECRETS", "1")
        with serving(demonstration_folder, tmp_path_factory.mktemp("keyboard") / "store", NOW) as running:
            yield running


class Keys:
    """Hands on a keyboard: every stop of the focus on the way is looked at."""

    def __init__(self, page):
        self.page = page

    def is_at(self, selector):
        return self.page.evaluate("selector => document.activeElement?.matches(selector) ?? false", selector)

    def tab(self):
        self.page.keyboard.press("Tab")
        assert self.page.evaluate(SEEN) == "", self.page.url

    def to(self, selector):
        for _ in range(TABS_MOST):
            if self.is_at(selector):
                return
            self.tab()
        raise AssertionError(f"Tab never comes to {selector} on {self.page.url}")

    def link(self, text):
        """To the link that reads so."""
        for _ in range(TABS_MOST):
            if self.page.evaluate(
                "text => document.activeElement?.tagName === 'A' && document.activeElement.innerText.trim() === text", text
            ):
                return
            self.tab()
        raise AssertionError(f"Tab never comes to “{text}” on {self.page.url}")

    def enter(self):
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def type(self, text):
        """As a person types: a scan field takes quicker keys for a scanner's, and stumbling ones for a broken scan."""
        self.page.keyboard.type(text, delay=90)

    def answer(self, form):
        """Every field of a form in its order, then its button."""
        for _ in range(TABS_MOST):
            kind = self.page.evaluate(KIND, form)
            if kind == "button":
                return
            if kind == "select":
                self.page.keyboard.press("ArrowDown")
            elif kind in {"radio", "checkbox"}:
                self.page.keyboard.press("Space")
            elif kind in {"text", "textarea"}:
                self.type("seen by hand")
            self.tab()
        raise AssertionError(f"no button ends {form}")


KIND = """form => {
  const here = document.activeElement;
  if (!here?.closest(form)) return "elsewhere";
  if (here.tagName === "BUTTON") return here.classList.contains("button") ? "button" : "other";
  return here.tagName === "INPUT" ? here.type : here.tagName.toLowerCase();
}"""


def sign_in(keys, server, account):
    keys.page.goto(f"{server.url}/sign-in")
    keys.to("[name=account]")
    keys.type(account)
    keys.to("[name=secret]")
    keys.type(demonstration.SECRET)
    keys.enter()


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_hold_is_placed_without_a_mouse_and_the_focus_is_always_seen(browser, server, size):
    context = browser.new_context(viewport=size, locale="en-GB", reduced_motion="reduce")
    keys = Keys(context.new_page())
    sign_in(keys, server, "demo-qa-one")
    expect(keys.page.locator("h1")).to_have_text("Work")
    keys.link("Quality")
    keys.enter()
    expect(keys.page.locator("#field-scan")).to_be_focused()
    keys.type("LOT-0004")
    keys.enter()
    expect(keys.page.locator("h1")).to_have_text("lot LOT-0004")
    keys.link("Hold placed")
    keys.enter()
    keys.to(".act-panel form .input")
    keys.answer(".act-panel form")
    keys.enter()
    keys.to(".signature [name=secret]")
    keys.type(demonstration.SECRET)
    keys.to(".signature button")
    keys.enter()
    expect(keys.page.locator(".confirmation")).to_be_visible()
    keys.link("Back to Quality")
    keys.enter()
    expect(keys.page.locator("h1")).to_have_text("lot LOT-0004")


def test_folded_menu_opens_and_leads_on_by_keyboard(browser, server):
    """People, access review and bench set-up stand in the menu of an administrator, under “More”."""
    keys = Keys(browser.new_context(viewport=PHONE, locale="en-GB", reduced_motion="reduce").new_page())
    sign_in(keys, server, "demo-admin-one")
    for title in ("People", "Access review", "Shared bench"):
        keys.page.goto(f"{server.url}/waiting")
        keys.tab()
        assert keys.is_at(".skip")
        keys.to(".menu summary")
        keys.page.keyboard.press("Enter")
        keys.link(title)
        keys.enter()
        expect(keys.page.locator("h1")).to_have_text(title)
        expect(keys.page.locator(".menu summary")).to_have_text(f"More: {title}")
