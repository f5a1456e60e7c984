"""The whole application on PostgreSQL: whatever page a menu leads to, for everybody, and a dose from its scans to the infusion."""

from __future__ import annotations

import re

import pytest

from custody.domain.acts.record import Countersigned
from custody.store.verification import verify
from custody.workflows.rehearsal.steps import people
from tests import postgres
from tests.web.at_the_desks import acts_of, bring_to_the_bed, verdict_on
from tests.web.conftest import Copied, over_a_copy
from tests.web.test_bedside import start

pytestmark = pytest.mark.postgresql
PAGES_EACH = 8


@pytest.fixture(scope="module")
def server():
    with postgres.running() as running:
        yield running


@pytest.fixture(scope="module")
def web(server, demonstration_folder, tmp_path_factory):
    yield from over_a_copy(demonstration_folder, tmp_path_factory.mktemp("postgresql") / "store", on=Copied(server))


def addresses(page):
    return dict.fromkeys(each.partition("#")[0] for each in re.findall(r'<a [^>]*href="(/[^"]*)"', page.html) if "/static/" not in each)


@pytest.mark.parametrize("account", sorted(people()))
def test_pages_that_somebody_is_led_to_are_shown(web, account):
    browser = web.browser(account)
    waiting, seen = ["/"], {}
    while waiting and len(seen) < PAGES_EACH:
        address = waiting.pop(0)
        page = browser.get(address)
        seen[address] = page.code
        waiting += [each for each in addresses(page) if each not in seen and each not in waiting and each != "/sign-out"]
    assert {address: code for address, code in seen.items() if code >= 400} == {}
    assert len(seen) > 3


def test_dose_goes_from_two_scans_to_the_infusion(web):
    web.cast = bring_to_the_bed(web)
    web.url = f"/bedside/{web.cast.dose}"
    one, _ = start(web)
    assert isinstance(acts_of(web, web.cast.dose.key)[-1], Countersigned)
    assert verdict_on(one.get(web.url)) is None
    with web.store.reading() as connection:
        assert verify(connection, checkpoint=None).faults == ()


def test_character_that_no_text_holds_is_refused_in_one_sentence(web):
    nurse = web.browser("demo-nurse-one")
    assert nurse.get("/search?q=a%00b").code == 422
    stranger = web.browser()
    page = stranger.post("/sign-in", {"account": "a\0b", "secret": "x", "station": "s\0", "then": "/"})
    assert (page.code, "without a meaning" in page.text) == (422, True)


def test_while_the_database_does_not_answer_every_page_says_so_and_afterwards_all_goes_on(web, server):
    reader, nurse = web.browser("demo-qa-one"), web.browser("demo-nurse-one")
    server.stop()
    try:
        for browser, address in ((reader, "/"), (reader, "/search?q=LOT"), (web.browser(), "/sign-in"), (nurse, "/bedside")):
            page = browser.get(address)
            told = "NO VERDICT: do not give" if address == "/bedside" else "The database server cannot be reached"
            assert (page.code, told in page.text) == (503, True), (address, page.text[:500])
        page = reader.post("/sign-in", {"account": "demo-qa-one", "secret": "x", "then": "/"})
        assert (page.code, "cannot be reached" in page.text) == (503, True)
    finally:
        server.start()
    assert [browser.get(address).code for browser, address in ((reader, "/"), (nurse, "/bedside"))] == [200, 200]
