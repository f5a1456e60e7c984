"""The allocation desk: participants, cohorts and doses, with arithmetic shown, bags proposed, reserved and freed."""

import html
import re

import pytest

from custody.domain.acts.allocation import DoseAllocated, DoseDeallocated, KitAssigned
from custody.domain.ids import KitId
from custody.workflows.rehearsal.player import Player
from custody.workflows.rehearsal.steps import Step
from tests.web.at_the_desks import acts_of, cast_of, refused_scans
from tests.web.desks.test_quality_control import address, inline

DESK = "/desks/allocation"
ALLOCATOR, PHYSICIAN, NURSE, SPONSOR = "demo-iwrs-one", "demo-physician-one", "demo-nurse-one", "demo-sponsor-one"
STUDY = f"{DESK}/study/NCT06505941"


@pytest.fixture(scope="module")
def cast(looked_at):
    return cast_of(looked_at, "good")


def free_the_bags(web):
    """The reserved bags of the demonstration's dose are freed, so that new ones can be proposed."""
    dose = cast_of(web, "good").dose
    page = inline(web.browser(ALLOCATOR), f"{DESK}/dose/{dose}?act=dose_deallocated", {"reason": "another lot is wanted"})
    assert 'class="confirmation"' in page.html, page.text
    web.clock.advance(minutes=1)
    return dose


def test_home_shows_doses_with_their_next_step_and_the_cohorts(looked_at, cast):
    page = looked_at.signed_in(PHYSICIAN).get(DESK)
    assert f"dose {cast.dose}" in page.text
    assert f"bags reserved: {len(cast.dose_bags)} · prescribed" in page.text
    assert re.search(r"P1-1M\s+open", page.text)
    assert "1 of 6 places taken" in page.text
    assert "P1-5M waits for:" in page.text


def test_dose_arithmetic_is_shown_step_by_step_with_its_limits(looked_at, cast):
    text = looked_at.signed_in(ALLOCATOR).get(f"{DESK}/dose/{cast.dose}").text
    assert "Weight 70 kg entered twice, to 0.1 kg 70.0 kg" in text
    assert "Target cells 1×10⁶ cells/kg × 70.0 kg" in text
    assert "Bags 7×10⁷ ÷ 1.2×10⁸ cells a bag = 0.58, rounded up 1 bag at most 10 bags within" in text
    assert "Volume 30 ml × 7×10⁷ ÷ 1.2×10⁸ cells a bag 17.50 ml at most 300 ml within" in text
    assert "Viable cells measured, of the target" in text


def test_every_eligibility_line_stands_beside_its_limit(looked_at, cast):
    text = looked_at.signed_in(PHYSICIAN).get(f"{DESK}/participant/{cast.participant}").text
    assert "INC-PF · P/F below 150 mmHg Met Limit < 150 mmHg" in html.unescape(text)
    assert "118 mmHg" in text
    assert "both entries agree" in text
    assert "Window since diagnosis ends" in text


def test_bags_are_proposed_oldest_expiry_first_and_reserved_in_place(web):
    dose = free_the_bags(web)
    browser = web.browser(ALLOCATOR)
    page = browser.get(f"{DESK}/dose/{dose}")
    assert "Bags proposed" in page.text
    assert "was freed" in page.text
    href = address(page, "Reserve these bags")
    proposed = re.findall(r"bags=(\w+)", href)
    assert proposed
    page = inline(browser, href, {})
    assert 'class="confirmation"' in page.html, page.text
    allocated = [act for act in acts_of(web, f"dose:{dose}") if isinstance(act, DoseAllocated)]
    assert [bag.value for bag in allocated[-1].bags] == proposed
    assert f'href="{DESK}/dose/{dose}">Back to' in page.html


def assigned(web, participant, bags):
    """A kit that randomisation assigned just now."""
    act, at = KitAssigned(kit=KitId("KIT-4471"), participant=participant, bags=bags), web.clock()
    Player(web.store).play(Step(name=act.rule.name, at=at, by=(ALLOCATOR,), act=act))
    web.clock.advance(minutes=1)
    return act.kit


def test_scanned_kit_leads_to_the_participant_it_was_assigned_to(web):
    cast = cast_of(web, "good")
    kit = assigned(web, cast.participant, cast.dose_bags)
    for account in (ALLOCATOR, NURSE):
        browser = web.browser(account)
        found = browser.send(browser.get(DESK), f"{DESK}/find", {"scan": f"CU1:kit:{kit}"})
        assert (found.code, found.location) == (303, f"{DESK}/kit/{kit}")
        assert browser.get(found.location).location == f"{DESK}/participant/{cast.participant}"


def test_kit_nobody_has_yet_heard_of_is_no_kit_of_this_desk(web):
    browser = web.browser(ALLOCATOR)
    page = browser.send(browser.get(DESK), f"{DESK}/find", {"scan": "CU1:kit:KIT-9999"})
    assert page.code == 404
    assert refused_scans(web, ALLOCATOR)[-1].where == "desks/allocation"


def test_freeing_keeps_the_reason_and_waits_for_bags_again(web):
    dose = free_the_bags(web)
    assert [act.reason for act in acts_of(web, f"dose:{dose}") if isinstance(act, DoseDeallocated)] == ["another lot is wanted"]
    assert "no bag reserved" in web.browser(ALLOCATOR).get(DESK).text


def test_what_cannot_be_done_now_says_why(looked_at, cast):
    text = looked_at.signed_in(ALLOCATOR).get(f"{DESK}/dose/{cast.dose}").text
    assert "Bags are reserved already: free them first." in text
    text = looked_at.signed_in(NURSE).get(f"{DESK}/dose/{cast.dose}").text
    assert "Bags freed from the dose This is done by: Randomisation and kit system." in text


def test_cohort_that_waits_for_a_committee_leads_to_its_form_filled_in(looked_at):
    page = looked_at.signed_in(SPONSOR).get(DESK)
    found = re.search(r'href="([^"]*act=committee_decided[^"]*cohort=P1-5M[^"]*)"', page.html)
    assert found, page.text
    form = looked_at.signed_in(SPONSOR).get(found[1].replace("&amp;", "&")).form("/acts/committee_decided/review")
    assert form["cohort"] == ["P1-5M"]


def test_weight_waits_for_the_second_person_who_does_not_see_the_first_entry(web):
    cast = cast_of(web, "good")
    path = f"{DESK}/participant/{cast.participant}"
    inline(web.browser(NURSE), f"{path}?act=weight_measured", {"weight_kg": "71.3", "height_cm": "172", "sex": "male"})
    page = web.browser("demo-nurse-two").get(path)
    assert "waits for another person" in page.text
    assert "71.3" not in page.text


def test_dose_is_requested_from_the_participant_without_typing_the_code_again(looked_at, cast):
    page = looked_at.signed_in(PHYSICIAN).get(f"/acts/dose_requested?participant={cast.participant}&then={DESK}")
    assert page.form("/acts/dose_requested/review")["participant"] == [cast.participant.value]


@pytest.mark.parametrize("path", ["/dose/DOSE-9999", "/bag/DEMO0001B0014", "/participant/P-0%00"])
def test_thing_that_is_unknown_or_not_of_this_desk_is_not_found(looked_at, path):
    assert looked_at.signed_in(PHYSICIAN).get(f"{DESK}{path}").code in {404, 422}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("account", [ALLOCATOR, PHYSICIAN, SPONSOR])
def test_pages_are_worded_in_both_languages(looked_at, cast, account, language):
    for path in (DESK, f"{DESK}/dose/{cast.dose}", f"{DESK}/participant/{cast.participant}", STUDY):
        page = looked_at.signed_in(account, language).get(path)
        assert page.code == 200, page.text
        assert not re.search(r"\[[a-z_]+(\.[A-Za-z_]+)*\]", page.html), page.text
