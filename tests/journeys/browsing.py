"""People with browsers: a real server on this machine, Chromium, and hands that type as a scanner or a person does."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from time import monotonic
from typing import Any

import waitress
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Browser, BrowserContext, Error, Locator, Page, Playwright, expect

from custody.config import Config
from custody.workflows import demonstration
from custody.workflows.door import Store, open_store
from tests.journeys.wedge import scan_keys
from tests.require_all import chromium_path
from tests.web.application import application

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE, DESK = {"width": 360, "height": 780}, {"width": 1280, "height": 900}
LOCAL = timezone(timedelta(hours=8))
PATIENCE_MS = 20_000
READY = "domcontentloaded"
"""Style and scripts are there by then; the rest are pictures."""
EVERY_RULE = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]}
BARRIERS = """only => axe.run(document, {runOnly: only, resultTypes: ["violations"], preload: false, iframes: false})
  .then(found => found.violations.map(rule => `${rule.id}: ${rule.nodes[0].html.slice(0, 160)}`))"""
"""Only of what is broken does anybody read the places; listing all that is well takes longer than the rules themselves."""
GONE = "Execution context was destroyed"
TRIES = 20
"""A busy machine types too slowly for a scanner now and then."""


@dataclass
class TickingClock:
    """Runs like any clock from `start`, and can be put forward."""

    start: datetime
    ahead: timedelta = timedelta(0)
    began: float = field(default_factory=monotonic)

    def __call__(self) -> datetime:
        return self.start + self.ahead + timedelta(seconds=monotonic() - self.began)

    @property
    def now(self) -> datetime:
        return self()

    @now.setter
    def now(self, at: datetime) -> None:
        self.ahead += at - self()

    def advance(self, **span: float) -> None:
        self.ahead += timedelta(**span)


@dataclass
class Running:
    """A server over its own copy of the demonstration."""

    url: str
    store: Store
    config: Config
    clock: TickingClock

    def cast(self, word: str):
        return next(lot.cast for lot in demonstration.casts(self.config.key_dir) if lot.word == word)


@contextmanager
def serving(made: Path, folder: Path, now: datetime, *, clock: TickingClock | None = None) -> Iterator[Running]:
    """Serve a copy of the store in `made` on a free port of this machine, until the block ends; `clock` instead of one that ticks."""
    shutil.copytree(made, folder)
    store = open_store(f"sqlite:///{folder / demonstration.DB_NAME}")
    config = Config(database_url=store.url, key_dir=folder / "keys", secure_cookies=False)
    clock = clock or TickingClock(now)
    server = waitress.create_server(application(store, config, clock), host="127.0.0.1", port=0, threads=6)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield Running(f"http://127.0.0.1:{server.effective_port}", store, config, clock)
    finally:
        _end(server, thread)
        store.close()


def _end(server: Any, thread: threading.Thread) -> None:
    """All connections are closed by the thread that waits for them: closed by another, they would be waited for in vain."""
    server.task_dispatcher.shutdown()
    server.trigger.pull_trigger(lambda: server.asyncore.close_all(server._map, ignore_all=True))
    thread.join(timeout=10)
    assert not thread.is_alive()


@contextmanager
def chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
    try:
        yield browser
    finally:
        browser.close()


@dataclass
class Person:
    """One person with a device of their own. `foreign` collects requests that left the server; there must be none."""

    account: str
    server: Running
    context: BrowserContext
    page: Page
    foreign: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @classmethod
    def arrives(
        cls,
        browser: Browser,
        server: Running,
        account: str,
        size: dict[str, int] = DESK,
        language: str = "en-GB",
        *,
        by_hand: bool = False,
    ) -> Person:
        """Signed in and before their work list. `by_hand`: through the sign-in page, as those tests do that are about arriving."""
        context = browser.new_context(viewport=size, locale=language)
        context.set_default_timeout(PATIENCE_MS)
        person = cls(account, server, context, context.new_page())
        person.page.on("request", person._note)
        person.page.on("console", lambda message: person.complaints.append(message.text) if message.type == "error" else None)
        person.page.on("pageerror", lambda error: person.complaints.append(str(error)))
        if by_hand:
            person.go("/sign-in")
            person.page.fill("[name=account]", account)
            person.page.fill("[name=secret]", demonstration.SECRET)
            person.page.locator("main form button").first.click()
        else:
            context.request.post(f"{server.url}/sign-in", form={"account": account, "secret": demonstration.SECRET}, max_redirects=0)
            person.go("/")
        expect(person.page.locator("header .who")).to_contain_text("Demo")
        return person

    def _note(self, request) -> None:
        if not request.url.startswith((self.server.url, "data:")):
            self.foreign.append(request.url)

    def go(self, path: str) -> None:
        self.page.goto(self.server.url + path, wait_until=READY)

    # ── hands ──

    def scan(self, name: str, text: str) -> None:
        """As a wedge does: keys one after the other, then Enter. Where a slow machine cut it short, or made it look typed, once more."""
        box = self.page.locator(f'input[name="{name}"]')
        short = name.removeprefix("scans.")
        reason = self.page.locator(f'[name="typed_why.{short}"]').locator("visible=true")
        for _ in range(TRIES):
            box.focus()
            box.fill("")
            scan_keys(self.page, text, "Enter")
            if self.page.locator("[data-scan-said]").count() == 0 and reason.count() == 0:
                return
            self.page.evaluate("document.querySelector('[data-scan-said]')?.remove()")
        raise AssertionError(f"{text} was never read whole")

    def fill(self, values: dict[str, object]) -> None:
        """Each value into whatever kind of field has this name."""
        for name, value in values.items():
            if isinstance(value, datetime):
                self._moment(name, value)
                continue
            boxes = self.page.locator(f'main [name="{name}"]:not([type=hidden])')
            kind = boxes.first.evaluate("e => e.tagName === 'INPUT' ? e.type : e.tagName.toLowerCase()")
            if kind in {"radio", "checkbox"}:
                for each in value if isinstance(value, list | tuple) else (value,):
                    self.page.check(f'main [name="{name}"][value="{each}"]')
            elif kind == "select":
                boxes.first.select_option(str(value))
            else:
                boxes.first.fill("\n".join(value) if isinstance(value, list | tuple) else str(value))

    def _moment(self, name: str, at: datetime) -> None:
        local = at.astimezone(LOCAL)
        self.page.fill(f'[name="{name}.date"]', local.date().isoformat())
        self.page.fill(f'[name="{name}.time"]', f"{local:%H:%M:%S}")

    def press(self, text: str) -> None:
        """The visible button with these words, and wait for the page that follows."""
        with self.page.expect_navigation(wait_until=READY):
            self.page.get_by_role("button", name=text, exact=True).locator("visible=true").first.click()

    def follow(self, name: str, *, exact: bool = False, within: Locator | None = None) -> None:
        """The first visible link with these words, and wait for the page that follows."""
        with self.page.expect_navigation(wait_until=READY):
            (within or self.page).get_by_role("link", name=name, exact=exact).locator("visible=true").first.click()

    def text(self) -> str:
        return " ".join(self.page.locator("main").inner_text().split())

    # ── whole pieces of work on the general pages ──

    def act(self, name: str, about: str, values: dict[str, object]) -> None:
        """An act through its generic form: fill in, look at it again, sign or record."""
        self.go(f"/acts/{name}?about={about}")
        self.fill(values)
        self.press("Continue")
        if self.page.locator("[name=secret]").count():
            self.page.fill("[name=secret]", demonstration.SECRET)
        with self.page.expect_navigation(wait_until=READY):
            self.page.locator(".signature button").click()
        assert self.page.locator(".confirmation").count(), f"{name}: {self.text()}"

    def countersign(self, title: str, values: dict[str, object] | None = None) -> None:
        """Join what waits for this person: sign what is shown, or scan and read it again."""
        self.go("/waiting")
        self.follow(title, within=self.page.locator("main"))
        self.fill(values or {})
        self.page.fill("[name=secret]", demonstration.SECRET)
        with self.page.expect_navigation(wait_until=READY):
            self.page.locator(".signature button").click()
        assert self.page.locator(".confirmation").count(), f"{title}: {self.text()}"


def barriers(page: Page) -> list[str]:
    """What axe-core finds on the page: rules broken, with where. One that loads itself anew, as those at the bed do, is looked at again."""
    for _ in range(TRIES):
        page.wait_for_load_state()  # before that it may be without its style
        try:
            if not page.evaluate("'axe' in window"):
                page.evaluate(axe())  # once a page: half a megabyte of script takes longer to read than most rules to run
            return page.evaluate(BARRIERS, EVERY_RULE)
        except Error as error:
            if GONE not in error.message:
                raise
    raise AssertionError(f"{page.url} loads itself anew all the time")


@cache
def axe() -> str:
    return AXE_FILE_PATH.read_text(encoding="utf-8")


def no_sideways_scroll(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))
