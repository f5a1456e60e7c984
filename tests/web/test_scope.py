"""Somebody of two sites acts for the one that has to do with the thing, whichever of their grants came first; and who reads a thing again
has it before them.
"""

import re

import pytest

from custody.domain.acts.bedside import BedsideScanned, InfusionPaused, InfusionStarted
from custody.domain.acts.people import AccountCreated, RoleGranted, SignaturePolicyAccepted, SiteRegistered
from custody.domain.acts.record import VerdictGiven
from custody.domain.acts.shipping import BagAccepted
from custody.domain.ids import AccountId, PersonId, SiteId
from custody.domain.terms import Role, SiteKind
from custody.store import entries
from custody.workflows import demonstration
from custody.workflows import people as sessions
from custody.workflows.door import unit_of_work
from custody.workflows.recording import record
from custody.workflows.rehearsal.bedside import NURSES
from custody.workflows.rehearsal.player import Player
from tests.web.at_the_desks import RECEIVER_ONE, acts_of, cast_of, scan_all
from tests.web.test_receiving import bag_answers

FACILITY, HOSPITAL, OTHER = SiteId("A9991"), SiteId("A9992"), SiteId("A9995")
BAG = "DEMO0001B0014"
VERIFIER = "demo-verifier-one"
SECRET = demonstration.SECRET


def do(web, by, act):
    with unit_of_work(web.store) as connection:
        signer = Player.signer(connection, by, act, 0, web.clock())
        assert record(connection, act, signer, web.clock()).kind == "recorded"


def person_of(web, role, *sites):
    """A browser of somebody new, who was granted this role at these sites in this order."""
    name = AccountId("two-sites")
    do(web, "demo-admin-one", SiteRegistered(site=OTHER, name="Other", kind=SiteKind.HOSPITAL, zone="UTC", phone="+86"))
    do(web, "demo-admin-one", AccountCreated(account=name, person=PersonId("P-902"), printed_name="Two", identity_verified_by="nobody"))
    for site in sites:
        do(web, "demo-admin-one", RoleGranted(account=name, role=role, site=site, study=None, valid_from=web.clock().date()))
    do(web, name.value, SignaturePolicyAccepted(account=name, policy_version="1"))
    with unit_of_work(web.store) as connection:
        sessions.choose_secret(connection, web.store, name, SECRET, web.clock())
    return web.browser(name.value)


def entries_of(web, stream, act):
    with web.store.reading() as connection:
        found = entries.load_evidence(connection, stream)
    return [entry for entry in found if isinstance(entry.act, act)]


def test_bag_of_the_second_site_is_recorded_for_that_site(web):
    receiver = person_of(web, Role.HOSPITAL_RECEIVER, OTHER, HOSPITAL)
    form = receiver.get(f"/acts/bag_damaged?about=bag:{BAG}")
    review = receiver.send(form, "/acts/bag_damaged/review", {"bag": f"CU1:bag:{BAG}", "description": "frost on the label"})
    done = receiver.send(review, "/acts/bag_damaged")
    assert done.code in {200, 302, 303}, done.text
    with web.store.reading() as connection:
        last = entries.load_streams(connection, [f"bag:{BAG}"])[f"bag:{BAG}"][-1]
    assert (last.act.rule.name, last.by.site, last.by.account.value) == ("bag_damaged", HOSPITAL, "two-sites")


@pytest.mark.parametrize("sites", [(OTHER, HOSPITAL), (HOSPITAL, OTHER)], ids=["other first", "hospital first"])
def test_receiver_of_two_hospitals_receives_what_goes_to_either(web, sites):
    cast = cast_of(web, "warm")
    receiver = person_of(web, Role.HOSPITAL_RECEIVER, *sites)
    assert f"/receiving/{cast.shipment}" in receiver.get("/receiving").html
    found = receiver.send(receiver.get("/receiving"), "/receiving/find", {"scan": f"CU1:shipper:{cast.shipper}"})
    assert (found.code, found.location) == (303, f"/receiving/{cast.shipment}")
    where = f"/receiving/{cast.shipment}/bags/{cast.bags[0]}"
    page = receiver.send(receiver.get(where), where, bag_answers(cast.bags[0], cast))
    assert page.code == 303, page.text
    assert "somebody else has to" in receiver.get(where).text or "second person" in receiver.get(where).text
    assert receiver.get("/receiving/SH-9999").code == 404


@pytest.mark.parametrize("sites", [(OTHER, HOSPITAL), (HOSPITAL, OTHER)], ids=["other first", "hospital first"])
def test_nurse_of_two_hospitals_finds_and_starts_the_dose_of_either(at_the_bed, sites):
    web = at_the_bed
    one, two = web.browser(NURSES[0]), person_of(web, Role.BEDSIDE_NURSE, *sites)
    assert re.findall(r'href="/bedside/([^"]+)"', two.get("/bedside").html) == [web.cast.dose.value]
    for nurse in (one, two):
        scan_all(nurse, web.cast)
    web.clock.advance(seconds=20)
    for nurse in (one, two):
        nurse.send(nurse.get(web.url), f"{web.url}/start", {"secret": SECRET})
    assert {entry.by.site for entry in entries_of(web, web.cast.dose.key, BedsideScanned)} == {HOSPITAL}
    assert "The infusion has started" in two.get(web.url).text
    assert two.get("/bedside/DOSE-9999").code == 404
    page = two.send(two.get(f"{web.url}/acts/infusion_paused"), f"{web.url}/acts/infusion_paused", {"reason": "cough"})
    assert page.code == 303, page.text
    assert [entry.by.site for entry in entries_of(web, web.cast.dose.key, InfusionPaused)] == [HOSPITAL]


# ── the second person ──


@pytest.fixture
def received_by_one(web):
    """A bag that one receiver has scanned; the form for the second, as everybody's list of what waits leads to it."""
    web.cast = cast_of(web, "warm")
    web.bag = web.cast.bags[0]
    where = f"/receiving/{web.cast.shipment}/bags/{web.bag}"
    one = web.browser(RECEIVER_ONE)
    assert one.send(one.get(where), where, bag_answers(web.bag, web.cast)).code == 303
    web.sheet = f"/desks/packing/shipment/{web.cast.shipment}"
    web.form = re.search(r'href="(/proposals/bag/[^"]+)"', one.get("/waiting").html)[1]
    return web


def test_who_is_somewhere_else_is_offered_no_second_signature_and_cannot_give_one(received_by_one):
    """The facility's verifier has a role that may, and finds the bag; but it lies in the hospital."""
    web, away = received_by_one, received_by_one.browser(VERIFIER)
    assert "Sign as the second person" not in away.get(web.sheet).text
    assert web.form not in away.get("/waiting").html.partition("Waiting for somebody else")[0]
    page = away.get(web.form)
    assert 'name="secret"' not in page.html
    token = page.form("/sign-out")["csrf_token"]
    made = {"csrf_token": token, "idempotency_key": "made-by-hand-0001", **bag_answers(web.bag, web.cast)}
    page = away.post(f"{web.form}/countersign", made)
    assert (page.code, "must be where the first is (A9992)" in page.text) == (403, True), page.text
    assert entries_of(web, web.bag.key, VerdictGiven) == []


def test_who_works_at_both_sites_signs_where_the_first_person_is(received_by_one):
    web = received_by_one
    both = person_of(web, Role.VERIFIER, FACILITY, HOSPITAL)
    assert web.form in both.get("/waiting").html
    page = both.send(both.get(web.form), f"{web.form}/countersign", bag_answers(web.bag, web.cast))
    assert page.code in {200, 303}, page.text
    [verdict] = entries_of(web, web.bag.key, VerdictGiven)
    assert (verdict.by.site, verdict.by.account.value) == (HOSPITAL, "two-sites")
    assert not any(isinstance(act, BagAccepted | InfusionStarted) for act in acts_of(web, web.bag.key)), "the bag was warm"
