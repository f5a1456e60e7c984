"""Whose things are whose: the scope of everything on the valid road, and how far each role reaches."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.domain.acts.allocation import KitAssigned
from custody.domain.acts.people import RoleGranted
from custody.domain.acts.release import ExceptionRequested
from custody.domain.acts.shipping import HandoffOffered
from custody.domain.acts.study import StudyApproved
from custody.domain.dossier import Deeds, Entry, Signed, deeds_of
from custody.domain.duties import Grant
from custody.domain.ids import AccountId, Digest, KitId, PersonId, SiteId, StudyId, node_of
from custody.domain.scope import ADMINISTERED, AT_A_SITE, EVERYTHING, TRIAL_WIDE, Reach, Scope, reach_of, scope_of, sites_of_study
from custody.domain.terms import PartyKind, Role
from custody.workflows.rehearsal.places import FREEZER, INCUBATOR, MEDIUM, WARD_FREEZER
from custody.workflows.rehearsal.road import Cast
from custody.workflows.rehearsal.steps import STUDY
from tests.chain import Memory, standard_road

MATERNITY, MAKER, HOSPITAL, COURIER, OFFICE = (SiteId(f"A999{n}") for n in range(5))
ELSEWHERE = SiteId("A9995")
CAST = Cast()
NOW = datetime(2026, 6, 20, tzinfo=UTC)


@pytest.fixture(scope="module")
def memory():
    made = Memory()
    for step in standard_road(CAST):
        made.play(step)
    return made


@pytest.fixture(scope="module")
def streams(memory):
    return {key: deeds_of(found) for key, found in memory.streams.items()}


EXPECTED = {
    CAST.donor: {MATERNITY, MAKER},
    CAST.donation: {MATERNITY, MAKER},
    CAST.tissue: {MATERNITY, MAKER},
    CAST.master: {MAKER},
    CAST.working: {MAKER},
    CAST.lot: {MAKER, HOSPITAL, OFFICE},
    CAST.dose_bags[0]: {MAKER, COURIER, HOSPITAL, OFFICE},
    CAST.bags[-1]: {MAKER},
    CAST.shipment: {MAKER, COURIER, HOSPITAL},
    CAST.participant: {HOSPITAL},
    CAST.dose: {HOSPITAL, OFFICE},
    MEDIUM: {MAKER},
    INCUBATOR: {MAKER},
    FREEZER: {MAKER},
    WARD_FREEZER: {MAKER, HOSPITAL},
    CAST.shipper: {MATERNITY, MAKER, HOSPITAL, COURIER, OFFICE},
    CAST.trip_logger: {MATERNITY, MAKER, HOSPITAL, COURIER, OFFICE},
    STUDY: {MATERNITY, MAKER, HOSPITAL, COURIER, OFFICE},
    AccountId("demo-nurse-one"): {HOSPITAL},
    AccountId("demo-packer-nobody"): set(),
}
"""A9994, the office, allocated the dose and its bags; quality of the maker calibrated the hospital's freezer."""


@pytest.mark.parametrize("node", EXPECTED, ids=str)
def test_thing_is_in_the_scope_of_those_who_made_held_or_await_it(streams, node):
    assert scope_of(node, streams).sites == EXPECTED[node]


def test_thing_nobody_made_known_is_in_nobody_s_scope(streams):
    assert scope_of(node_of("lot:LOT-9999"), {"lot:LOT-9999": Deeds()}) == Scope()


def until(memory, node, act):
    """The streams as they stood before the first act of this name about `node`, that act left out."""
    at = next(deed.began.recorded_at for deed in deeds_of(memory.streams[node.key]) if deed.act.rule.name == act)
    return {key: deeds_of([e for e in found if e.recorded_at < at]) for key, found in memory.streams.items()}


def test_tissue_on_its_way_is_bound_for_the_makers_of_the_study(memory):
    before = until(memory, CAST.tissue, "tissue_arrived")
    assert scope_of(CAST.tissue, before).sites == {MATERNITY, MAKER}
    without_study = {**before, STUDY.key: Deeds()}
    assert scope_of(CAST.tissue, without_study).sites == {MATERNITY}


def test_bag_and_lot_reach_the_hospital_with_the_shipper_and_not_before(memory):
    before = until(memory, CAST.bags[0], "bag_packed")
    for node in (CAST.bags[0], CAST.lot):
        assert HOSPITAL not in scope_of(node, before).sites
    packed = until(memory, CAST.shipment, "shipper_sealed")
    for node in (CAST.bags[0], CAST.lot):
        assert HOSPITAL in scope_of(node, packed).sites


def test_carrier_of_a_leg_finds_the_shipment_before_it_takes_it_over_and_never_the_lot(memory):
    packed = until(memory, CAST.shipment, "shipper_sealed")
    assert COURIER in scope_of(CAST.shipment, packed).sites
    assert COURIER in scope_of(CAST.bags[0], packed).sites
    assert COURIER not in scope_of(CAST.lot, packed).sites


def test_bag_reserved_in_store_is_in_the_scope_of_the_hospital_of_its_dose(memory, streams):
    reserved = [deed for deed in streams[CAST.bags[0].key] if deed.act.rule.name in {"bag_filled", "bag_stored", "bag_reserved"}]
    here = {**streams, CAST.bags[0].key: Deeds(reserved), CAST.bags[1].key: Deeds(), CAST.bags[2].key: Deeds()}
    assert HOSPITAL in scope_of(CAST.bags[0], here).sites
    assert HOSPITAL in scope_of(CAST.lot, here).sites


def entry(act, *, site=HOSPITAL, position=1):
    by = Signed(account=AccountId("somebody"), person=PersonId("P-1"), printed_name="S", role=Role.IWRS, site=site, meaning=None, at=NOW)
    digest = Digest(f"{position:064x}")
    return Entry(
        stream=act.subject.key, position=position, digest=digest, act=act, happened_at=NOW, recorded_at=NOW, by=by, study=STUDY, station=""
    )


def test_kit_is_in_the_scope_of_the_hospital_of_its_participant(streams):
    kit = KitId("K-1")
    assigned = deeds_of([entry(KitAssigned(kit=kit, participant=CAST.participant, bags=CAST.dose_bags), site=OFFICE)])
    assert scope_of(kit, {**streams, kit.key: assigned}).sites == {OFFICE, HOSPITAL}
    assert scope_of(kit, {kit.key: assigned}) == Scope(sites=frozenset({OFFICE}), unread=(CAST.participant,))


def test_maker_finds_the_dose_for_which_an_exception_of_its_lot_is_asked(streams):
    asked = ExceptionRequested(
        dose=CAST.dose,
        participant=CAST.participant,
        lot=CAST.lot,
        test="VIA",
        result=Digest("0" * 64),
        hazard_if_not_treated="death",
        alternatives_considered="none",
    )
    here = {**streams, CAST.dose.key: Deeds((*streams[CAST.dose.key], *deeds_of([entry(asked)])))}
    assert MAKER not in scope_of(CAST.dose, streams).sites
    assert MAKER in scope_of(CAST.dose, here).sites


def test_person_named_in_the_newest_hand_over_finds_what_they_are_to_accept(streams):
    def offered(person):
        act = HandoffOffered(
            node=CAST.bags[0],
            to_kind=PartyKind.PERSON,
            to_organisation="",
            to_person=None if person is None else PersonId(person),
            seals=(),
            code=Digest("0" * 64),
            offered_at=NOW,
        )
        here = {**streams, CAST.bags[0].key: Deeds((*streams[CAST.bags[0].key], *deeds_of([entry(act)])))}
        return scope_of(CAST.bags[0], here)

    stranger = Reach(sites=frozenset({ELSEWHERE}), person=PersonId("P-9"))
    assert stranger.covers(CAST.bags[0], offered("P-9"))
    assert not stranger.covers(CAST.bags[0], offered("P-8"))
    assert not stranger.covers(CAST.bags[0], offered(None))
    assert not Reach(sites=frozenset({ELSEWHERE})).covers(CAST.bags[0], offered(None))


def test_sites_of_one_study_know_each_other(streams):
    for site in (MATERNITY, HOSPITAL):
        assert scope_of(site, streams).sites == {MATERNITY, MAKER, HOSPITAL, COURIER, OFFICE}
    outside = {**streams, STUDY.key: Deeds()}
    assert scope_of(MATERNITY, outside).sites == {MATERNITY}


def test_study_that_is_only_proposed_names_no_sites_yet(streams):
    proposed = Deeds(deed for deed in streams[STUDY.key] if not isinstance(deed.act, StudyApproved))
    assert sites_of_study(proposed) == ()
    assert {site.id for site in sites_of_study(streams[STUDY.key])} == {MATERNITY, MAKER, HOSPITAL, COURIER, OFFICE}


def test_account_stays_in_the_scope_of_a_site_whose_role_was_taken_away(streams):
    account = AccountId("demo-nurse-one")
    more = RoleGranted(account=account, role=Role.BEDSIDE_NURSE, site=ELSEWHERE, study=None, valid_from=NOW.date(), valid_until=NOW.date())
    here = {**streams, account.key: Deeds((*streams[account.key], *deeds_of([entry(more, site=OFFICE)])))}
    assert scope_of(account, here).sites == {HOSPITAL, ELSEWHERE}


@given(data=st.data())
def test_more_streams_never_take_a_thing_out_of_a_scope(streams, data):
    """Whatever is at hand: own sites count, nothing unread means the last word, and reading on never shrinks a scope."""
    keys = sorted(streams)
    node = node_of(data.draw(st.sampled_from(keys)))
    some = data.draw(st.sets(st.sampled_from(keys))) | {node.key}
    more = some | data.draw(st.sets(st.sampled_from(keys)))
    few, wide, all_of_it = (scope_of(node, {key: streams[key] for key in which}) for which in (some, more, keys))
    assert few.sites <= wide.sites <= all_of_it.sites
    assert not all_of_it.unread
    if not few.unread and node.kind != "site":
        assert few.sites == all_of_it.sites
    if node.kind not in {"account", "site"}:
        assert {deed.entry.by.site for deed in streams[node.key]} <= few.sites


@given(
    roles=st.sets(st.sampled_from(list(Role)), min_size=1),
    site=st.sampled_from([MATERNITY, HOSPITAL, ELSEWHERE]),
    data=st.data(),
)
def test_reach_is_that_of_the_grants_and_nothing_more(streams, roles, site, data):
    node = node_of(data.draw(st.sampled_from(sorted(streams))))
    reach = reach_of((Grant(role, site, None) for role in roles), STUDY)
    scope = scope_of(node, streams)
    allowed = bool(roles & TRIAL_WIDE)
    allowed |= Role.ADMINISTRATOR in roles and node.kind in ADMINISTERED
    allowed |= bool(roles & AT_A_SITE) and site in scope.sites
    assert reach.covers(node, scope) == allowed
    assert EVERYTHING.covers(node, scope)


def test_every_role_works_at_a_site_for_the_trial_or_administers():
    assert TRIAL_WIDE | AT_A_SITE | {Role.ADMINISTRATOR} == frozenset(Role)
    assert not TRIAL_WIDE & AT_A_SITE
    assert Role.ADMINISTRATOR not in TRIAL_WIDE | AT_A_SITE


def test_grant_for_another_study_reaches_nothing():
    other = Grant(Role.QP, MAKER, StudyId("OTHER"))
    assert reach_of((other,), STUDY) == Reach()
    assert reach_of((replace(other, study=None),), STUDY).everywhere


def test_everybody_finds_their_own_account():
    mine = AccountId("somebody")
    assert Reach(account=mine).covers(mine, Scope())
    assert not Reach(account=mine).covers(AccountId("another"), Scope())
