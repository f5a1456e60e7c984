"""Everybody of the road, each in a browser of their own, found at their work list whenever it is their turn."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.sync_api import Browser, Locator

from custody.words import Words
from custody.workflows import demonstration
from tests.journeys.browsing import PHONE, Person, Running, TickingClock

EN = Words("en", ZoneInfo("Asia/Shanghai"))
ON_THE_PHONE = frozenset({"demo-carrier-one", "demo-nurse-one"})
A_MOMENT = timedelta(seconds=1)
TRIES = 5


@dataclass
class StillClock(TickingClock):
    """Stands still until it is put forward, so that a slow machine is no late person."""

    def __call__(self) -> datetime:
        return self.start + self.ahead

    def reach(self, at: datetime) -> None:
        """Forward to that moment; never back."""
        self.now = max(at, self.now + A_MOMENT)


@dataclass
class Company:
    """Who has come so far, by account: each with a context, and so a session, of their own."""

    browser: Browser
    server: Running
    people: dict[str, Person] = field(default_factory=dict)

    def at_work_list(self, account: str) -> Person:
        """This person before their work list: where everybody arrives, and where the menu leads back to."""
        return self._arrived(account) or self._led(account, EN.say("nav.work"))

    def at_desk(self, account: str, desk: str) -> Person:
        """Through the menu to a desk."""
        self._arrived(account)
        return self._led(account, EN.say(f"desk.{desk}.title"))

    def _arrived(self, account: str) -> Person | None:
        """Somebody who comes for the first time signs in, and stands before their work list."""
        if account in self.people:
            return None
        size = {"size": PHONE} if account in ON_THE_PHONE else {}
        self.people[account] = Person.arrives(self.browser, self.server, account, **size)
        return self.people[account]

    def _led(self, account: str, title: str) -> Person:
        """Where the menu says; a session that ended while days went by is begun again by its owner, and leads on."""
        person = self.people[account]
        link = person.page.locator("nav").get_by_role("link", name=title, exact=True)
        # A page at the bed has no menu, nor one that fell asleep: their head leads to the work list. A page at the bed also calls itself
        # anew, and whoever signs in again from there is led back to it: then its head is pressed once more.
        for _ in range(TRIES):
            if link.count():
                break
            click(person, person.page.locator("header a.brand"))
            self._sign_in_again(person)
        click(person, link.first)
        self._sign_in_again(person)
        return person

    @staticmethod
    def _sign_in_again(person: Person) -> None:
        if "/sign-in" not in person.page.url:
            return
        person.page.fill("[name=account]", person.account)
        person.page.fill("[name=secret]", demonstration.SECRET)
        with person.page.expect_navigation(wait_until="domcontentloaded"):
            person.page.locator("main form button").first.click()

    @property
    def complaints(self) -> list[str]:
        return [f"{name}: {text}" for name, person in self.people.items() for text in (*person.foreign, *person.complaints)]


def click(person: Person, what: Locator) -> None:
    """Press what is there, and wait for the page that follows. On a small screen its menu or fold is opened first."""
    if not what.is_visible():
        fold = what.locator("xpath=ancestor::details[not(@open)]/summary")
        for n in range(fold.count()):
            fold.nth(n).click()
    with person.page.expect_navigation(wait_until="domcontentloaded"):
        what.click()
