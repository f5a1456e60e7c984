"""The monitor's desk: findings first, verdicts and trail to read, the record verified, nothing to write, and the reading itself kept."""

import re

import pytest

from custody.domain.acts.people import RecordViewed
from tests.databases import edit
from tests.web.at_the_desks import acts_of, cast_of

DESK = "/desks/monitor"
INSPECTOR, MONITOR = "demo-inspector-one", "demo-monitor-one"
PERIOD = "from=2026-05-01&until=2026-06-01"


def test_findings_come_first(looked_at):
    page = looked_at.signed_in(INSPECTOR).get(DESK)
    assert "LOT-0005" in page.text.partition("Everything else")[0], "the recalled lot"


def test_nothing_can_be_written_from_here(looked_at):
    browser = looked_at.signed_in(INSPECTOR)
    for path in (DESK, f"{DESK}/lot/LOT-0001", f"{DESK}/audit?{PERIOD}", "/things/lot/LOT-0001"):
        page = browser.get(path)
        own = ("/sign-in", "/sign-out", "/language", "/appearance", f"{DESK}/find", f"{DESK}/verify", f"{DESK}/audit", "/search")
        assert "/acts/" not in page.html, path
        assert [action for action in page.actions if "/acts" in action or "correct" in action] == [], (path, own)


def test_thing_shows_its_verdicts_with_what_blocked(looked_at):
    bag = cast_of(looked_at, "good").bags[0]
    text = looked_at.signed_in(INSPECTOR).get(f"{DESK}/bag/{bag}").text
    assert "Verdicts, newest first" in text
    assert "rules" in text.partition("Verdicts, newest first")[2]


def test_problems_of_a_thing_are_listed_with_who_and_why(looked_at):
    text = looked_at.signed_in(INSPECTOR).get(f"{DESK}/lot/LOT-0005").text
    assert "demonstration: sister lot under investigation" in text.partition("Problems in its history")[2]


def test_trail_of_a_person_and_a_period_says_who_what_and_signed_as_what(looked_at):
    text = looked_at.signed_in(INSPECTOR).get(f"{DESK}/audit?account=demo-coldchain-one&{PERIOD}").text
    rows = text.partition("Entries, newest first")[2]
    assert "Demo Packer One (Cold-chain operator)" in rows
    assert "shipment SH-0001" in rows
    assert "Demo Receiver One" not in rows


def test_trail_goes_on_with_older_entries(looked_at):
    browser = looked_at.signed_in(INSPECTOR)
    page = browser.get(f"{DESK}/audit?from=2025-11-01&until=2026-06-01")
    older = re.search(r'href="([^"]*before=\d+[^"]*)"', page.html)
    assert older, page.text[-500:]
    first = re.search(r"<tbody.*?</tr>", page.html, re.DOTALL)[0]
    again = browser.get(older[1].replace("&amp;", "&"))
    assert again.code == 200
    assert first not in again.html


@pytest.mark.parametrize("asked", ["from=2026-06-01&until=2026-05-01", "from=x&until=2026-05-01", "from=2020-01-01&until=2026-05-01"])
def test_period_that_is_none_is_refused_in_words(looked_at, asked):
    page = looked_at.signed_in(INSPECTOR).get(f"{DESK}/audit?{asked}")
    assert page.code == 422
    assert "There is a problem" in page.text


def test_record_is_verified_by_a_button(web):
    browser = web.browser(INSPECTOR)
    page = browser.send(browser.get(DESK), f"{DESK}/verify")
    assert "No fault was found." in page.text


def test_verification_names_the_entry_somebody_changed(web):
    browser = web.browser(INSPECTOR)
    page = browser.get(DESK)
    edit(
        web.store,
        "UPDATE entry SET envelope = replace(envelope, 'Demo Packer One', 'Demo Packer Two') WHERE stream = 'shipment:SH-0001'",
    )
    page = browser.send(page, f"{DESK}/verify")
    assert "THE RECORD DOES NOT PROVE ITSELF" in page.text
    assert "SH-0001" in page.text


def test_what_an_inspector_looks_at_is_kept(web):
    browser = web.browser(INSPECTOR)
    for path in (f"{DESK}/lot/LOT-0001", "/things/lot/LOT-0002", f"{DESK}/audit?account=demo-qa-one&{PERIOD}"):
        assert browser.get(path).code == 200
    seen = [act.what for act in acts_of(web, f"account:{INSPECTOR}") if isinstance(act, RecordViewed)]
    assert seen == ["lot:LOT-0001", "lot:LOT-0002", "audit demo-qa-one 2026-05-01 2026-06-01"]


def test_of_people_who_work_here_no_reading_is_kept(web):
    assert web.browser("demo-qa-one").get("/things/lot/LOT-0001").code == 200
    assert not [act for act in acts_of(web, "account:demo-qa-one") if isinstance(act, RecordViewed)]


@pytest.mark.parametrize("path", ["/lot/LOT-9999", "/equipment/LN2-01"])
def test_thing_that_is_unknown_or_not_of_this_desk_is_not_found(looked_at, path):
    assert looked_at.signed_in(INSPECTOR).get(f"{DESK}{path}").code == 404


@pytest.mark.parametrize("language", ["en", "zh"])
def test_pages_are_worded_in_both_languages(looked_at, language):
    browser = looked_at.signed_in(MONITOR, language)
    for path in (DESK, f"{DESK}/lot/LOT-0005", f"{DESK}/shipment/SH-0003", f"{DESK}/audit?{PERIOD}"):
        page = browser.get(path)
        assert page.code == 200, page.text
        assert not re.search(r"\[[a-z_]+(\.[A-Za-z_]+)*\]", page.html), page.text
