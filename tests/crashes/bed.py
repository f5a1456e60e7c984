"""One dose at its bed, up to the start of its infusion, while something goes wrong: what each nurse reads, and what the record holds."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from custody.config import Config
from custody.domain.terms import VerdictWord
from custody.store.verification import verify
from custody.workflows import demonstration
from custody.workflows.door import open_ready, open_store
from custody.workflows.rehearsal.road import Cast
from tests.databases import raw
from tests.web.at_the_desks import NURSE_ONE, NURSE_TWO, STEPS, scan_all, scan_values, verdict_on
from tests.web.conftest import Browser, Clock, Page, Web

LETTERS = {
    "bedside_scanned": "s",
    "proposed": "p",
    "proposal_withdrawn": "w",
    "countersigned": "c",
    "bag_spiked": "b",
    "participant_dose_started": "d",
    "study_dose_started": "t",
}
"""The acts of a bed, by a letter each; a verdict is G, or N when it is no GO."""
STARTED = "Gcbdt"
"""One transaction: the second GO with the second signature, and what starts by it."""
WHOLE = f"sGp{STARTED}"
REFUSALS = ('data-verdict="unsure"', "NO VERDICT", "this does not count as recorded", "nothing was recorded")


class Trouble(Protocol):
    """What goes wrong while `under_way`; `heal` ends it."""

    def under_way(self) -> AbstractContextManager[object]: ...
    def heal(self) -> None: ...


@dataclass
class Bed:
    """A copy of the prepared store of its own, with the browsers of two nurses who are signed in."""

    web: Web
    cast: Cast
    one: Browser
    two: Browser
    scan: dict[str, Any]
    size_before: int

    @property
    def url(self) -> str:
        return f"/bedside/{self.cast.dose}"

    def recorded(self) -> str:
        """The acts that came since it was prepared, as the file holds them."""
        found = raw(self.web.store, "SELECT act, envelope FROM entry WHERE id > ? ORDER BY id", (self.size_before,))
        return "".join(_letter(act, json.loads(envelope)) for act, envelope in found)

    def check_whole(self) -> None:
        """The record proves itself, entries and lookups."""
        with closing(open_ready(self.web.store.url)) as store, store.reading() as connection:
            assert verify(connection, checkpoint=None).faults == ()


@dataclass
class Prepared:
    """The dose when all is scanned but the last step of the second nurse; `at` makes a bed of it in a new folder."""

    folder: Path
    cast: Cast
    now: datetime
    cookies: tuple[Any, Any]
    scan: dict[str, Any]
    size: int

    def at(self, folder: Path) -> Bed:
        shutil.copytree(self.folder, folder)
        store = open_store(f"sqlite:///{folder / demonstration.DB_NAME}")
        web = Web(store, Config(database_url=store.url, key_dir=folder / "keys", secure_cookies=False), Clock(self.now))
        one, two = (_with(web.browser(), cookie) for cookie in self.cookies)
        return Bed(web, self.cast, one, two, self.scan, self.size)


def prepare(web: Web, cast: Cast) -> Prepared:
    one, two = web.browser(NURSE_ONE), web.browser(NURSE_TWO)
    scan_all(one, cast)
    web.clock.advance(seconds=20)
    values, url = scan_values(cast), f"/bedside/{cast.dose}"
    page = two.get(url)
    for step in STEPS[:-1]:
        page = two.send(page, f"{url}/scan", {f"scans.{name}": values[name] for name in step})
    last = {**page.form(f"{url}/scan"), **{f"scans.{name}": values[name] for name in STEPS[-1]}}
    [(size,)] = raw(web.store, "SELECT max(id) FROM entry")
    web.store.close()
    cookies = tuple(browser.client.get_cookie("custody_session") for browser in (one, two))
    assert all(cookies)
    return Prepared(web.store.database.path.parent, cast, web.clock.now, cookies, last, size)


def _with(browser: Browser, cookie: Any) -> Browser:
    browser.client.set_cookie(cookie.key, cookie.value)
    return browser


# ── what the nurses do ──


def scan_last(bed: Bed) -> Page:
    return bed.two.post(f"{bed.url}/scan", bed.scan)


def see_go(bed: Bed) -> Page:
    """The verdict; where it could not be given with the scan, it is asked for again."""
    page = bed.two.get(bed.url)
    if f"{bed.url}/check" not in page.actions:
        return page
    asked = bed.two.send(page, f"{bed.url}/check")
    return asked if asked.code != 303 else bed.two.get(bed.url)


def sign_first(bed: Bed) -> Page:
    return _sign(bed, bed.one)


def sign_second(bed: Bed) -> Page:
    return _sign(bed, bed.two)


def see_started(bed: Bed) -> Page:
    return bed.two.get(bed.url)


def _sign(bed: Bed, browser: Browser) -> Page:
    """The start as this nurse's page shows it; that page itself where it shows something else."""
    page = browser.get(bed.url)
    if f"{bed.url}/start" not in page.actions:
        return page
    return browser.post(f"{bed.url}/start", {**page.form(f"{bed.url}/start"), "secret": demonstration.SECRET})


@dataclass(frozen=True)
class Deed:
    """`does` is done when the page `says` so, and then the record `holds` what it says."""

    does: Callable[[Bed], Page]
    says: Callable[[Page], bool]
    holds: Callable[[str], bool]


def _goes_on(page: Page) -> bool:
    return page.code == 303


def _shows_go(page: Page) -> bool:
    return page.code == 200 and verdict_on(page) == "go"


def _shows_started(page: Page) -> bool:
    return page.code == 200 and "The infusion has started" in page.text


def _is_scanned(recorded: str) -> bool:
    return "s" in recorded


def _is_go(recorded: str) -> bool:
    """The newest verdict is a GO, and nobody has scanned since."""
    return re.search("G[^sN]*$", recorded) is not None


def _is_signed(recorded: str) -> bool:
    return re.search("Gp", recorded) is not None


def _is_started(recorded: str) -> bool:
    return recorded.endswith(STARTED)


SCAN, GO, SIGN, START, SEE = DEEDS = (
    Deed(scan_last, _goes_on, _is_scanned),
    Deed(see_go, _shows_go, _is_go),
    Deed(sign_first, _goes_on, _is_signed),
    Deed(sign_second, _goes_on, _is_started),
    Deed(see_started, _shows_started, _is_started),
)


def go_through(bed: Bed, trouble: Trouble) -> int:
    """All deeds in trouble; each that is refused is done again when all is well. How many were refused.

    Whatever a nurse reads is true at that moment, nothing is ever half recorded, and what is done again works at once. After a verdict that
    could not be given with the second signature, both scan again.
    """
    refused = 0
    for deed in DEEDS:
        with trouble.under_way():
            page = deed.does(bed)
        if not _is_done(bed, deed, page):
            assert _is_refusal(bed, page), (page.code, page.location, page.text)
            refused += 1
            trouble.heal()
            if bed.recorded().endswith("N"):
                _begin_again(bed, deed)
                continue
            page = deed.does(bed)
            # What failed only after its commit is found there.
            assert _is_done(bed, deed, page) or (page.code == 200 and deed.holds(bed.recorded())), (deed, page.code, page.text)
    assert bed.recorded().count(STARTED) == 1
    assert refused or bed.recorded() == WHOLE
    bed.check_whole()
    return refused


def _is_refusal(bed: Bed, page: Page) -> bool:
    """Nothing was done, and the page says so; or a verdict was kept that is no GO, and the page shows that."""
    if page.code == 200:
        return verdict_on(page) == "unsure" and bed.recorded().endswith("N")
    return page.code == 503 and any(words in page.html for words in REFUSALS)


def _begin_again(bed: Bed, upto: Deed) -> None:
    bed.web.clock.advance(seconds=10)
    for nurse in (bed.one, bed.two):
        assert scan_all(nurse, bed.cast, again=True).code == 303
    for deed in DEEDS[1 : DEEDS.index(upto) + 1]:
        page = deed.does(bed)
        assert _is_done(bed, deed, page), (deed, page.code, page.text)


def _is_done(bed: Bed, deed: Deed, page: Page) -> bool:
    """Whether the page says so; then it stands in the record."""
    recorded = bed.recorded()
    assert set(recorded.replace(STARTED, "")) <= set("sGNpw"), recorded
    is_done = deed.says(page)
    assert deed.holds(recorded) or not is_done, (deed, recorded, page.text)
    assert _is_go(recorded) or not _shows_go(page), page.text
    assert _is_started(recorded) or not _shows_started(page), page.text
    return is_done


def _letter(act: str, envelope: dict[str, Any]) -> str:
    if act == "verdict_given":
        return "G" if envelope["body"]["word"] == VerdictWord.GO else "N"
    return LETTERS[act]
