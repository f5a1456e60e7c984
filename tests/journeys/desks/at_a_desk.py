"""Hands of the journeys: a served store for a module, the form of a desk filled in and signed, a page that is fit to use."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path

import pytest

from custody.workflows import demonstration
from custody.workflows.rehearsal.player import Player
from tests.journeys.browsing import DESK, PHONE, READY, barriers, no_sideways_scroll, serving
from tests.web.conftest import NOW


@contextmanager
def served(made, folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUSTODY_WEAK_SECRETS", "1")
        with serving(made, folder / "store", NOW) as running:
            yield running


def sign(person, values=None):
    """The open form of a desk filled in, read once more, signed where it is signed."""
    person.fill(values or {})
    person.press("Continue")
    if person.page.locator("[name=secret]").count():
        person.page.fill("[name=secret]", demonstration.SECRET)
    with person.page.expect_navigation(wait_until=READY):
        person.page.locator(".signature button").click()
    assert person.page.locator(".confirmation").count(), person.text()


def back(person, desk):
    person.follow(f"Back to {desk}")


def countersign(person, values=None):
    """From the desk: what waits for this person is signed in place."""
    person.follow("Sign as the second person")
    person.fill(values or {})
    person.page.fill("[name=secret]", demonstration.SECRET)
    with person.page.expect_navigation(wait_until=READY):
        person.page.locator(".signature button").click()
    assert person.page.locator(".confirmation").count(), person.text()


def is_fit_to_use(person, name):
    """Both widths: nothing scrolls sideways, axe finds nothing; kept for people to look at where CUSTODY_SCREENSHOTS names a folder."""
    folder = os.environ.get("CUSTODY_SCREENSHOTS")
    for word, size in (("360", PHONE), ("1280", DESK)):
        person.page.set_viewport_size(size)
        assert no_sideways_scroll(person.page), name
        assert barriers(person.page) == [], name
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            person.page.screenshot(path=Path(folder) / f"{name}_{word}.png", full_page=True)


def play(server, road, *, until=""):
    """Steps of a rehearsal in the served store; its clock then stands a minute after the last."""
    player = Player(server.store)
    for step in road.in_order():
        player.play(step)
        server.clock.advance(seconds=(step.at - server.clock()).total_seconds() + 60)
        if step.name == until:
            return
