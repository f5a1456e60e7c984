"""A hand-over names people by what is printed on their badges: in the list, before the signature, and on the timeline."""

from __future__ import annotations

import re

import pytest

from custody.domain.acts.people import AccountDisabled, RoleRevoked
from custody.domain.acts.shipping import HandoffOffered
from custody.domain.ids import AccountId
from custody.domain.terms import Role
from custody.workflows.door import unit_of_work
from custody.workflows.recording import record
from custody.workflows.rehearsal.player import Player
from custody.workflows.rehearsal.steps import people
from tests.web.at_the_desks import RECEIVER_ONE, acts_of, cast_of

BAG = "DEMO0001B0014"
OFFER = "/acts/handoff_offered"
NURSE = "demo-nurse-one"
GIVER = "demo-preparer-one"


def offered_people(page):
    """Account -> the name beside it, in the list of the form."""
    listed = page.html.partition('<datalist id="list-to_person">')[2].partition("</datalist>")[0]
    return dict(re.findall(r'<option value="([^"]*)">([^<]*)</option>', listed))


def form_of(web, account=GIVER):
    return web.browser(account).get(f"{OFFER}?about=bag:{BAG}")


def administer(web, act):
    with unit_of_work(web.store) as connection:
        signer = Player.signer(connection, "demo-admin-one", act, 0, web.clock.now)
        record(connection, act, signer, web.clock.now)


def test_people_are_chosen_by_their_printed_names(web):
    listed = offered_people(form_of(web))
    assert listed[NURSE] == people()[NURSE].printed_name
    assert GIVER not in listed
    assert not any("PERSON" in text for pair in listed.items() for text in pair)


def test_only_people_who_may_take_over_today_are_listed(web):
    here = {name for name, person in people().items() if person.site == people()[GIVER].site}
    taking = {Role.CARRIER, Role.HOSPITAL_RECEIVER, Role.COLD_CHAIN_OPERATOR, Role.BEDSIDE_NURSE, Role.PREPARER}
    able = {name for name in here if taking & set(people()[name].roles)} - {GIVER}
    assert able <= set(offered_people(form_of(web)))
    assert {name for name in offered_people(form_of(web)) if not taking & set(people()[name].roles)} == set()


def test_person_without_a_standing_role_or_account_is_not_listed(web):
    nurse, other = people()[NURSE], "demo-nurse-two"
    administer(web, RoleRevoked(account=AccountId(NURSE), role=Role.BEDSIDE_NURSE, site=nurse.site, study=None, reason="left the ward"))
    administer(web, AccountDisabled(account=AccountId(other), reason="left"))
    assert not {NURSE, other} & set(offered_people(form_of(web)))


@pytest.mark.parametrize("named", [NURSE, f"CU1:badge:{NURSE.upper()}"])
def test_name_stands_where_it_is_signed(web, named):
    browser = web.browser(GIVER)
    page = browser.get(f"{OFFER}?about=bag:{BAG}")
    values = {
        "node": f"CU1:bag:{BAG}",
        "to_kind": "person",
        "to_organisation": "Demo University Hospital",
        "to_person": named,
        "code": "C-771035",
        "offered_at.date": "2026-06-01",
        "offered_at.time": "13:59",
    }
    review = browser.send(page, f"{OFFER}/review", values)
    assert review.code == 200, review.text
    assert f"Person who takes over {people()[NURSE].printed_name}" in review.text
    assert people()[NURSE].person.value not in review.text


def test_name_stands_on_the_timeline(web):
    shipment = cast_of(web, "warm").shipment
    offered = [act for act in acts_of(web, shipment.key) if isinstance(act, HandoffOffered) and act.to_person is not None]
    assert offered
    page = web.browser(RECEIVER_ONE).get(f"/things/shipment/{shipment}")
    for act in offered:
        (name,) = [person.printed_name for person in people().values() if person.person == act.to_person]
        assert f"Person who takes over {name}" in page.text
        assert f"Person who takes over {act.to_person}" not in page.text
