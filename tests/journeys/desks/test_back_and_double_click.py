"""In Chromium: a double click on the signature and the browser's way back are one act; two windows at one hold tell of each other."""

from __future__ import annotations

import contextlib

import pytest
from playwright.sync_api import Error, expect

from custody.domain.acts.quality import HoldLifted, HoldPlaced
from custody.domain.ids import LotId
from custody.workflows import demonstration
from custody.workflows.dossiers import dossier_of
from tests.journeys.browsing import Person
from tests.journeys.desks.at_a_desk import is_fit_to_use, served, sign

pytestmark = [pytest.mark.browser, pytest.mark.slow]
LOT = LotId("LOT-0004")
SHEET = f"/desks/quality/lot/{LOT}"


@pytest.fixture(scope="module")
def server(demonstration_folder, tmp_path_factory):
    with served(demonstration_folder, tmp_path_factory.mktemp("twice")) as running:
        yield running


def reasons(server, cls):
    with server.store.reading() as connection:
        return [deed.act.reason for deed in dossier_of(connection, [LOT]).deeds(LOT, cls)]


def at_signature(person, values):
    person.fill(values)
    person.press("Continue")
    person.page.fill("[name=secret]", demonstration.SECRET)


def go_back_and_send_again(page):
    """Chromium asks before it sends a form again; whoever says yes is back at the signature."""
    with contextlib.suppress(Error):
        page.go_back()
    for _ in range(20):
        with contextlib.suppress(Error):
            page.reload()
            return
        page.wait_for_timeout(250)


def test_double_click_and_the_way_back_are_one_act(browser, server):
    qa = Person.arrives(browser, server, "demo-qa-one")
    page = qa.page
    qa.go(SHEET)
    qa.follow("Hold placed")
    qa.fill({"hold": "H-1", "reason": "particles seen"})
    qa.press("Continue")
    page.go_back()
    expect(page.locator("[name=reason]")).to_have_value("particles seen")
    at_signature(qa, {})
    page.locator(".signature button").dblclick()
    expect(page.locator(".confirmation")).to_be_visible()
    go_back_and_send_again(page)
    expect(page.locator("main")).to_contain_text("You recorded exactly this already")
    page.fill("[name=secret]", demonstration.SECRET)
    with page.expect_navigation():
        page.locator(".signature button").click()
    expect(page.locator(".confirmation")).to_be_visible()
    assert reasons(server, HoldPlaced).count("particles seen") == 1
    assert qa.complaints == []


def test_second_window_is_shown_what_the_first_decided_and_keeps_what_was_typed(browser, server):
    one, two = (Person.arrives(browser, server, f"demo-{who}-one") for who in ("qa", "qp"))
    one.go(SHEET)
    one.follow("Hold placed")
    sign(one, {"hold": "H-2", "reason": "label hangs loose"})
    server.clock.advance(seconds=2)
    for person in (one, two):
        person.go(f"{SHEET}?act=hold_lifted&hold=H-2")
    at_signature(two, {"reason": "I glued it"})
    sign(one, {"reason": "it holds after all"})
    server.clock.advance(seconds=2)
    with two.page.expect_navigation():
        two.page.locator(".signature button").click()
    assert "it holds after all" in two.text()
    assert "I glued it" in two.text()
    assert "nothing of yours was recorded" in two.text()
    is_fit_to_use(two, "decided_meanwhile")
    assert reasons(server, HoldLifted) == ["it holds after all"]
