"""Secrets and people in Chromium: a bench changes hands by badge and PIN, a reset ends in the owner's own secret, a bed never waits."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from custody.domain.acts.bedside import ReactionRecorded
from custody.store import entries
from custody.workflows.demonstration import SECRET
from tests.journeys.browsing import DESK, PHONE, Person, barriers, no_sideways_scroll, serving
from tests.web.at_the_desks import NURSE_ONE, NURSE_TWO, bring_to_the_bed
from tests.web.conftest import NOW, Web
from tests.web.test_bedside import start
from tests.workflows.door import PIN

pytestmark = [pytest.mark.browser, pytest.mark.slow]
ADMIN, QA = "demo-admin-one", "demo-qa-one"
OTHERS_PIN, CHOSEN = "805193", "chosen with the code"
TARGET_PX = 48


@pytest.fixture
def server(demonstration_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("CUSTODY_WEAK_SECRETS", "1")
    with serving(demonstration_folder, tmp_path / "store", NOW) as running:
        yield running


def picture(person, name):
    """No barrier, nothing sideways and no small target at both widths; kept for people where CUSTODY_SCREENSHOTS names a folder."""
    folder = os.environ.get("CUSTODY_SCREENSHOTS")
    for word, size in (("360", PHONE), ("1280", DESK)):
        person.page.set_viewport_size(size)
        assert no_sideways_scroll(person.page), f"{name} at {word} px scrolls sideways"
        assert barriers(person.page) == [], f"{name} at {word} px"
        assert small_targets(person.page) == [], f"{name} at {word} px"
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            person.page.screenshot(path=Path(folder) / f"{name}_{word}.png", full_page=True)


def small_targets(page):
    """Buttons and fields of the content lower than a finger."""
    script = """least => [...document.querySelectorAll('main button, main input:not([type=hidden]), main summary, main .button')]
        .filter(e => e.checkVisibility() && e.getBoundingClientRect().height < least).map(e => e.outerHTML.slice(0, 120))"""
    return page.evaluate(script, TARGET_PX)


def arrives(browser, server, account, **more):
    person = Person.arrives(browser, server, account, by_hand=True, **more)
    person.go("/policy")
    if person.page.locator("main [name=secret]").count():
        person.page.fill("main [name=secret]", SECRET)
        person.press("I accept")
    return person


def choose_pin(person, pin):
    person.go("/account")
    for name, value in (("pin", pin), ("pin_again", pin), ("secret", SECRET)):
        person.page.fill(f"main [name={name}]", value)
    person.press("Set my PIN")
    expect(person.page.locator("main")).to_contain_text("PIN chosen on")


def who(person):
    return person.page.locator("header .who").inner_text()


def badge_in(person, account, pin):
    """As at a bench: badge by scanner, PIN by hand, Enter."""
    person.go("/sign-in")
    box = person.page.locator("[name=account]")
    for _ in range(5):
        box.focus()
        box.fill("")
        person.page.keyboard.type(f"CU1:badge:{account.upper()}")
        person.page.keyboard.press("Enter")
        if person.page.locator("[data-scan-said]").count() == 0:
            break
        person.page.evaluate("document.querySelector('[data-scan-said]').remove()")
    person.page.fill("[name=secret]", pin)
    with person.page.expect_navigation():
        person.page.keyboard.press("Enter")


def test_bench_changes_hands_by_badge_and_pin_in_seconds(browser, server):
    two = arrives(browser, server, NURSE_TWO)
    choose_pin(two, OTHERS_PIN)
    one = arrives(browser, server, NURSE_ONE)
    choose_pin(one, PIN)
    picture(one, "own_account")
    one.go("/bench")
    picture(one, "bench_closed")
    one.page.fill("[name=station]", "Ward 3 bench")
    one.press("Open the bench")
    picture(one, "bench_open")
    one.go("/sign-in")
    picture(one, "sign_in_at_bench")
    badge_in(one, NURSE_TWO, OTHERS_PIN)
    assert "Demo Nurse Two" in who(one)
    badge_in(one, NURSE_ONE, PIN)
    assert "Demo Nurse One" in who(one)
    badge_in(one, NURSE_TWO, PIN)
    expect(one.page.locator(".problems")).to_contain_text("do not belong together")
    picture(one, "sign_in_wrong_pin")
    assert (one.foreign, two.foreign) == ([], [])


def test_reset_from_the_administrator_to_a_secret_of_ones_own(browser, server):
    admin = arrives(browser, server, ADMIN)
    admin.go("/people")
    picture(admin, "people")
    admin.go(f"/people/{NURSE_ONE}")
    picture(admin, "person")
    admin.follow("Reset the password")
    picture(admin, "person_reset")
    for name, value in (("identity_verified_by", "staff card with photograph"), ("reason", "forgotten"), ("secret", SECRET)):
        admin.page.fill(f"main [name={name}]", value)
    admin.press("Sign and show the code")
    picture(admin, "person_code")
    code = re.search(r"\b[0-9A-Z]{5}-[0-9A-Z]{5}\b", admin.text())[0]
    witness = arrives(browser, server, NURSE_TWO)
    witness.go("/waiting")
    witness.follow("Secret reset by an administrator")
    picture(witness, "reset_witness")
    witness.page.fill("main [name=secret]", SECRET)
    with witness.page.expect_navigation():
        witness.page.locator(".signature button").click()
    owner = witness
    owner.go("/reset")
    picture(owner, "reset")
    for name, value in (("account", NURSE_ONE), ("code", code.lower()), ("new_secret", CHOSEN), ("new_secret_again", CHOSEN)):
        owner.page.fill(f"main [name={name}]", value)
    owner.press("Set my password")
    for name, value in (("account", NURSE_ONE), ("secret", CHOSEN)):
        owner.page.fill(f"main [name={name}]", value)
    with owner.page.expect_navigation():
        owner.page.locator("main form button").first.click()
    assert "Demo Nurse One" in who(owner)
    owner.go("/account")
    expect(owner.page.locator("main")).to_contain_text("Your password was reset by Demo Administrator One")
    picture(owner, "own_account_after_reset")
    admin.go(f"/people/{NURSE_ONE}")
    picture(admin, "person_after_reset")
    admin.go(f"/people/{NURSE_ONE}/badge")
    picture(admin, "person_badge")


def test_access_review_is_read_and_signed(browser, server):
    qa = arrives(browser, server, QA)
    server.clock.advance(days=200)
    qa = arrives(browser, server, QA)
    qa.go("/people")
    picture(qa, "people_review_overdue")
    qa.go("/access-review")
    picture(qa, "access_review")
    qa.page.fill("[name=secret]", SECRET)
    qa.press("Sign: this list is right")
    expect(qa.page.locator("main")).to_contain_text("Access reviewed")
    qa.go("/people")
    expect(qa.page.locator("main")).to_contain_text("Last reviewed at")


def running_infusion(server):
    """Both nurses scan and sign by their own devices; the cast of the dose."""
    web = Web(server.store, server.config, server.clock)
    web.cast = bring_to_the_bed(web)
    web.url = f"/bedside/{web.cast.dose}"
    start(web)
    return web


def test_page_of_a_running_infusion_that_fell_asleep_still_leads_to_the_reaction_form(browser, server):
    infusion = running_infusion(server)
    nurse = Person.arrives(browser, server, NURSE_ONE, PHONE)
    nurse.go(infusion.url)
    expect(nurse.page.get_by_role("link", name="Stop")).to_be_visible()
    server.clock.advance(minutes=16)
    expect(nurse.page.locator("main")).to_contain_text("Demo Nurse One was signed in here")
    assert nurse.page.url.endswith(f"/sign-in?then={infusion.url}")
    picture(nurse, "bedside_asleep")
    nurse.page.fill("[name=account]", NURSE_TWO)
    nurse.page.fill("[name=secret]", SECRET)
    nurse.press("Reaction")
    assert nurse.page.url.endswith(f"{infusion.url}/acts/reaction_recorded")
    nurse.fill({"seen_at": server.clock(), "description": "flush and wheeze"})
    server.clock.advance(minutes=16)
    nurse.press("Record")
    expect(nurse.page.locator("main")).to_contain_text("What you typed is kept")
    picture(nurse, "bedside_asleep_with_typed_values")
    nurse.page.fill("[name=secret]", SECRET)
    with nurse.page.expect_navigation():
        nurse.page.locator("main form button").first.click()
    expect(nurse.page.locator("main")).to_contain_text("flush and wheeze")
    picture(nurse, "bedside_resume")
    nurse.press("Send it")
    with server.store.reading() as connection:
        written = [e for e in entries.load_evidence(connection, infusion.cast.dose.key) if isinstance(e.act, ReactionRecorded)]
    assert [(e.by.account.value, e.act.description) for e in written] == [(NURSE_TWO, "flush and wheeze")]


@pytest.mark.parametrize("path", ["/sign-in", "/reset", "/account", "/bench", "/people", f"/people/{NURSE_ONE}", "/access-review"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_page_has_no_barrier_in_chinese_and_in_the_dark(browser, server, path, theme):
    person = Person.arrives(browser, server, QA, language="zh-CN", by_hand=True)
    person.page.emulate_media(color_scheme=theme)
    person.go(path)
    picture(person, f"zh_{theme}{path.replace('/', '_')}")
