"""Somebody of two sites acts for the one that has to do with the thing, whichever of their grants came first."""

import pytest

from custody.domain.acts.people import AccountCreated, RoleGranted, SignaturePolicyAccepted, SiteRegistered
from custody.domain.ids import AccountId, PersonId, SiteId
from custody.domain.terms import Role, SiteKind
from custody.store import entries
from custody.workflows import demonstration
from custody.workflows import people as sessions
from custody.workflows.door import unit_of_work
from custody.workflows.recording import record
from custody.workflows.rehearsal.player import Player

OTHER, HOSPITAL = SiteId("A9995"), SiteId("A9992")
BAG = "DEMO0001B0014"


def do(web, by, act):
    with unit_of_work(web.store) as connection:
        signer = Player.signer(connection, by, act, 0, web.clock())
        assert record(connection, act, signer, web.clock()).kind == "recorded"


@pytest.fixture
def receiver(web):
    """A receiver of another hospital, who also works at the one that has the bag."""
    name = AccountId("two-sites")
    do(web, "demo-admin-one", SiteRegistered(site=OTHER, name="Other", kind=SiteKind.HOSPITAL, zone="UTC", phone="+86"))
    do(web, "demo-admin-one", AccountCreated(account=name, person=PersonId("P-902"), printed_name="Two", identity_verified_by="nobody"))
    for site in (OTHER, HOSPITAL):
        granted = RoleGranted(account=name, role=Role.HOSPITAL_RECEIVER, site=site, study=None, valid_from=web.clock().date())
        do(web, "demo-admin-one", granted)
    do(web, name.value, SignaturePolicyAccepted(account=name, policy_version="1"))
    with unit_of_work(web.store) as connection:
        sessions.choose_secret(connection, web.store, name, demonstration.SECRET, web.clock())
    return web.browser(name.value)


def test_bag_of_the_second_site_is_recorded_for_that_site(web, receiver):
    form = receiver.get(f"/acts/bag_damaged?about=bag:{BAG}")
    review = receiver.send(form, "/acts/bag_damaged/review", {"bag": f"CU1:bag:{BAG}", "description": "frost on the label"})
    done = receiver.send(review, "/acts/bag_damaged")
    assert done.code in {200, 302, 303}, done.text
    with web.store.reading() as connection:
        last = entries.load_streams(connection, [f"bag:{BAG}"])[f"bag:{BAG}"][-1]
    assert (last.act.rule.name, last.by.site, last.by.account.value) == ("bag_damaged", HOSPITAL, "two-sites")
