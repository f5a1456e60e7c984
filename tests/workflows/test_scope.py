"""Another hospital of the same study, and a site outside it: what they find, and what they may record."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

import pytest

from custody.domain.acts.allocation import DoseRequested, ParticipantRegistered, WeightMeasured
from custody.domain.acts.bedside import BedsideScanned
from custody.domain.acts.equipment import EquipmentRegistered
from custody.domain.acts.manufacturing import BagStored
from custody.domain.acts.people import AccountCreated, RoleGranted, SignaturePolicyAccepted, SiteRegistered
from custody.domain.acts.quality import HoldPlaced
from custody.domain.acts.release import ExceptionRequested
from custody.domain.acts.shipping import BagDamaged
from custody.domain.acts.study import CohortOpened, StudyApproved, StudyProposed
from custody.domain.criteria import content_digest, content_from
from custody.domain.dossier import deeds_of
from custody.domain.duties import Grant
from custody.domain.ids import NODE_KINDS, AccountId, CohortId, Digest, DoseId, EquipmentId, ParticipantId, PersonId, SiteId, node_of
from custody.domain.masking import Viewer
from custody.domain.scope import FOR_A_MAKER, OF_THE_STUDY, reach_of, scope_of
from custody.domain.terms import Role, Sex, SiteKind
from custody.errors import NotFoundError, OutOfOrderError
from custody.ledger.canonical import canonical
from custody.store import entries, lookup_scope, lookups
from custody.store.lookup_scope import Within
from custody.workflows import sight
from custody.workflows.desks.day import day_of
from custody.workflows.dossiers import dossier_of
from custody.workflows.drill.roads import CAST, START
from custody.workflows.finding import find
from custody.workflows.order import study_of
from custody.workflows.people import Present
from custody.workflows.proposing import find_node, person_of, suggestions
from custody.workflows.rehearsal.bedside import NURSES, PHYSICIAN, scans
from custody.workflows.rehearsal.road import ADMIN, QP
from custody.workflows.rehearsal.steps import STUDY, people
from custody.workflows.rehearsal.whole import study_of as study_content
from custody.workflows.tracing import trace
from custody.workflows.viewing import passport
from custody.workflows.worklist import waiting_for
from tests.workflows.desk import BEDSIDE, CLOSED, ENROLLED, MADE

MAKER, HOSPITAL = SiteId("A9991"), SiteId("A9992")
OTHER, OUTSIDE = SiteId("A9995"), SiteId("A9996")
WHO = {"other": OTHER, "outside": OUTSIDE}
STAFF = (Role.INVESTIGATOR, Role.BEDSIDE_NURSE, Role.HOSPITAL_RECEIVER, Role.PREPARER)
THINGS = (CAST.donor, CAST.donation, CAST.tissue, CAST.master, CAST.lot, *CAST.bags, CAST.shipment, CAST.participant, CAST.dose)


def account(where, role):
    return f"{where}-{role.value.replace('_', '-')}"


@dataclass(frozen=True)
class Somebody:
    """What the lists ask of a session: whose it is and which grants they have."""

    person: PersonId
    grants: tuple[Grant, ...]

    @property
    def roles(self):
        return frozenset(grant.role for grant in self.grants)


def open_sites(desk, at):
    """A second hospital, which a new version of the study names, and one that it does not; each with four people."""
    for where, site in WHO.items():
        desk.record(SiteRegistered(site=site, name=f"Demo {where}", kind=SiteKind.HOSPITAL, zone="UTC", phone="+86"), ADMIN, at)
        for role in STAFF:
            name = account(where, role)
            created = AccountCreated(
                account=AccountId(name), person=PersonId(f"P-{name.upper()[:28]}"), printed_name=name, identity_verified_by="nobody real"
            )
            desk.record(created, ADMIN, at)
            desk.record(RoleGranted(account=AccountId(name), role=role, site=site, study=None, valid_from=at.date()), ADMIN, at)
            desk.record(SignaturePolicyAccepted(account=AccountId(name), policy_version="1"), name, at)
    content = json.loads(study_content(CAST.form)[1])
    content["sites"].append({"id": OTHER.value, "name": "Demo other", "kind": "hospital", "zone": "UTC", "phone": "+86"})
    text = canonical(content).decode()
    desk.record(StudyProposed(study=STUDY, study_version=2, content=text), "demo-sponsor-one", at)
    defaults = content_from(text).settings.left_at_default
    approved = StudyApproved(study=STUDY, study_version=2, content_digest=content_digest(text), confirmed_defaults=defaults)
    desk.record(approved, QP, at)


@pytest.fixture(scope="module")
def closed(played, tmp_path_factory):
    """The whole road and the other sites, for tests that only look."""
    from custody.store.connection import open_store
    from custody.store.loading import forget_decoded
    from tests.workflows.desk import Desk

    path = tmp_path_factory.mktemp("scope") / "closed.db"
    played.copy_of(CLOSED, path)
    forget_decoded()
    desk = Desk(open_store(f"sqlite:///{path}"))
    open_sites(desk, desk.last_at() + timedelta(minutes=1))
    yield desk
    desk.store.close()


@pytest.fixture
def enrolled(desk_at):
    desk = desk_at(ENROLLED)
    open_sites(desk, desk.last_at() + timedelta(minutes=1))
    return desk


def viewer(role, site, *, study=STUDY, person=None):
    reach = reach_of((Grant(role, site, None),), study, account=AccountId("somebody"), person=person)
    roles = frozenset({role})
    return Viewer(account=AccountId("somebody"), printed_name="S", roles=roles, site=site, study=study, blind=False, by_grants=reach)


def every_stream(desk):
    with desk.store.reading() as connection:
        keys = [f"{kind}:{name}" for kind in NODE_KINDS for name in _names(connection, kind)]
        return {key: deeds_of(found) for key, found in entries.load_streams(connection, keys).items()}


def _names(connection, kind):
    return [item.stream.partition(":")[2] for item in lookups.streams_of_kind(connection, kind, limit=10_000)]


PLACES = (
    (Role.PROCUREMENT_NURSE, SiteId("A9990")),
    (Role.OPERATOR, MAKER),
    (Role.PREPARER, HOSPITAL),
    (Role.CARRIER, SiteId("A9993")),
    (Role.INVESTIGATOR, OTHER),
    (Role.INVESTIGATOR, OUTSIDE),
    (Role.QP, MAKER),
    (Role.ADMINISTRATOR, OUTSIDE),
)


@pytest.mark.parametrize(("role", "site"), PLACES)
def test_every_thing_is_found_exactly_by_those_in_whose_scope_it_is(closed, role, site):
    """What is read ring by ring decides as if everything had been at hand; and the lists say the same."""
    streams, who = every_stream(closed), viewer(role, site)
    with closed.store.reading() as connection:
        for key in streams:
            node = node_of(key)
            expected = who.reach.covers(node, scope_of(node, streams))
            assert sight.may_find(connection, who, node) == expected, key
            assert (node in sight.listed_among(connection, who, [node])) == expected, key


@pytest.mark.parametrize("few", [True, False], ids=["collected", "tried one by one"])
@pytest.mark.parametrize("site", [MAKER, HOSPITAL, SiteId("A9993"), OTHER], ids=str)
def test_lists_of_a_site_hold_what_is_in_its_scope(closed, monkeypatch, site, few):
    monkeypatch.setattr(lookup_scope, "FEW", 10_000 if few else 0)
    streams = every_stream(closed)
    with closed.store.reading() as connection:
        for kind in sorted(set(NODE_KINDS) - FOR_A_MAKER - OF_THE_STUDY - {"site", "study"}):
            items = lookups.streams_of_kind(connection, kind, within=Within(sites=(site.value,)), limit=10_000)
            expected = {key for key in streams if key.startswith(f"{kind}:") and site in scope_of(node_of(key), streams).sites}
            assert {item.stream for item in items} == expected, kind


@pytest.mark.parametrize("site", [None, MAKER, HOSPITAL], ids=str)
def test_lists_of_what_waits_are_the_same_by_whichever_way_they_are_found(closed, monkeypatch, site):
    """Every act of the road is taken for the end of it once, alone and with the others, though nothing need wait then."""
    within = None if site is None else Within(sites=(site.value,))
    found = 0
    with closed.store.reading() as connection:
        for kind in sorted(set(NODE_KINDS) - FOR_A_MAKER - OF_THE_STUDY - {"site", "study"}):
            ask = partial(lookups.streams_of_kind, connection, kind, within=within, limit=10_000)
            every = ask()
            acts = sorted({item.act for item in every}) or ["never_done"]
            for resting in (*({act} for act in acts), acts, [*acts[:1], "zzz_unknown"], ["aaa_unknown"]):
                expected = [item for item in every if item.act not in resting]
                for way in ("awake", "newest"):
                    monkeypatch.setattr(lookups, "_way", lambda *_, way=way: way)
                    assert list(ask(resting=lookups.Resting(acts=frozenset(resting)))) == expected, (kind, resting, way)
                monkeypatch.undo()
                assert list(ask(resting=lookups.Resting(acts=frozenset(resting)))) == expected
                found += len(expected)
    assert found > 20


def test_person_of_another_hospital_finds_nothing_anywhere(closed):
    who = viewer(Role.INVESTIGATOR, OTHER)
    present = Somebody(person=PersonId("P-X"), grants=(Grant(Role.INVESTIGATOR, OTHER, None),))
    now = closed.last_at()
    with closed.store.reading() as connection:
        for node in THINGS:
            with pytest.raises(NotFoundError, match=f"there is no {node.kind} {node}$"):
                passport(connection, who, node, now)
            with pytest.raises(NotFoundError, match=f"there is no {node.kind} {node}$"):
                trace(connection, node, forward=True, viewer=who)
            with pytest.raises(NotFoundError, match=f"there is no {node.kind} {node}$"):
                find_node(connection, (type(node),), node.value, may_be_new=False, viewer=who)
            assert find(connection, who, node.value).value == ()
        assert suggestions(connection, "bag", who) == ()
        day = day_of(connection, who, present, ("dose", "shipment", "bag", "lot"), now).value
        assert (day.waiting, day.needs_you, day.moving, day.blocked, day.broken) == ((), (), (), (), ())
        assert sight.study_of(connection, who) == STUDY


def test_person_of_a_site_outside_the_study_finds_not_even_the_study(closed):
    who = viewer(Role.INVESTIGATOR, OUTSIDE)
    with closed.store.reading() as connection:
        assert sight.study_of(connection, who) is None
        for node in (STUDY, CAST.shipper, CAST.trip_logger, HOSPITAL, *THINGS):
            assert not sight.may_find(connection, who, node), node
        assert sight.may_find(connection, who, OUTSIDE)


def test_hospital_traces_its_bag_as_far_as_its_lot_and_no_further(closed):
    with closed.store.reading() as connection:
        found = {each.node for each in trace(connection, CAST.dose, forward=False, viewer=viewer(Role.PREPARER, HOSPITAL)).value}
        everything = {each.node for each in trace(connection, CAST.dose, forward=False, viewer=viewer(Role.QP, MAKER)).value}
    assert {CAST.lot, CAST.bags[0], CAST.shipment} <= found
    assert not found & {CAST.donor, CAST.donation, CAST.tissue, CAST.master, CAST.working}
    assert {CAST.donor, CAST.working} <= everything


def test_passport_links_to_nothing_that_is_not_found(closed):
    with closed.store.reading() as connection:
        lot = passport(connection, viewer(Role.PREPARER, HOSPITAL), CAST.lot, closed.last_at()).value
    assert CAST.bags[0] in lot.children
    assert CAST.bags[-1] not in lot.children
    assert CAST.working not in lot.parents


def test_waiting_proposal_of_one_hospital_is_not_on_the_list_of_another(enrolled):
    weight = WeightMeasured(participant=CAST.participant, weight_kg=CAST.weight_kg, height_cm=171, sex=Sex.MALE)
    at = enrolled.last_at() + timedelta(minutes=1)
    assert enrolled.record(weight, NURSES[0], at).kind == "waiting"
    with enrolled.store.reading() as connection:
        for site, count in ((HOSPITAL, 1), (OTHER, 0), (OUTSIDE, 0)):
            present = Somebody(person=PersonId("P-X"), grants=(Grant(Role.BEDSIDE_NURSE, site, None),))
            assert len(waiting_for(connection, viewer(Role.BEDSIDE_NURSE, site), present, at).value) == count
    before = enrolled.size()
    with pytest.raises(NotFoundError, match="there is no participant"):
        enrolled.countersign(weight, account("other", Role.BEDSIDE_NURSE), at, answers=weight)
    assert enrolled.size() == before


def test_nobody_records_about_a_thing_of_another_site(enrolled):
    at, before = enrolled.last_at() + timedelta(minutes=1), enrolled.size()
    weight = WeightMeasured(participant=CAST.participant, weight_kg=CAST.weight_kg, height_cm=171, sex=Sex.MALE)
    held = HoldPlaced(node=CAST.bags[0], hold="H-1", reason="seen from afar", owner="other")
    damaged = BagDamaged(bag=CAST.bags[0], description="seen from afar")
    requested = DoseRequested(dose=DoseId("DOSE-9"), participant=CAST.participant, cohort=CohortId(CAST.cohort), criteria_version=2)
    for act, role in (
        (weight, Role.BEDSIDE_NURSE),
        (held, Role.INVESTIGATOR),
        (damaged, Role.HOSPITAL_RECEIVER),
        (requested, Role.INVESTIGATOR),
    ):
        for where in WHO:
            with pytest.raises(NotFoundError, match=r"there is no (participant|bag|study) "):
                enrolled.record(act, account(where, role), at)
    assert enrolled.size() == before
    assert enrolled.record(held, PHYSICIAN, at).kind == "recorded"


def test_place_of_storage_must_be_one_that_the_person_may_find(enrolled):
    """Stored by their own number, a freezer of another hospital would lend its temperatures to this bag."""
    at, freezer = enrolled.last_at() + timedelta(minutes=1), EquipmentId("LN2-95")
    enrolled.record(EquipmentRegistered(equipment=freezer, name="Freezer", storage=True), account("other", Role.PREPARER), at)
    stored = BagStored(bag=CAST.bags[0], equipment=freezer, position="A1", stored_at=at)
    with pytest.raises(NotFoundError, match="there is no equipment LN2-95"):
        enrolled.record(stored, "demo-receiver-one", at)


def test_number_in_use_at_another_site_is_refused_as_one_that_is_known(enrolled):
    """Two things cannot have one number; that there is one is all that is said."""
    at = enrolled.last_at() + timedelta(minutes=1)
    mine = ParticipantRegistered(participant=CAST.participant)
    with pytest.raises(OutOfOrderError, match="is known already"):
        enrolled.record(mine, account("other", Role.INVESTIGATOR), at)
    own = ParticipantRegistered(participant=ParticipantId("P-0095"))
    assert enrolled.record(own, account("other", Role.INVESTIGATOR), at).kind == "recorded"
    with pytest.raises(NotFoundError, match="there is no participant P-0095"):
        enrolled.record(WeightMeasured(participant=own.participant, weight_kg=70, height_cm=171, sex=Sex.MALE), NURSES[0], at)


def test_nothing_is_made_for_a_study_by_people_of_no_site_of_it(enrolled):
    at, before = enrolled.last_at() + timedelta(minutes=1), enrolled.size()
    with pytest.raises(NotFoundError, match=f"there is no study {STUDY}"):
        enrolled.record(ParticipantRegistered(participant=ParticipantId("P-0096")), account("outside", Role.INVESTIGATOR), at)
    assert enrolled.size() == before


def test_scan_of_a_foreign_bag_at_the_bed_is_kept_as_every_scan(desk_at):
    desk = desk_at(BEDSIDE)
    foreign = replace(scans(CAST, CAST.dose_bags[0]), bag=CAST.bags[-1])
    with desk.store.reading() as connection:
        assert not sight.may_find(connection, viewer(Role.BEDSIDE_NURSE, HOSPITAL), CAST.bags[-1])
    scanned = BedsideScanned(dose=CAST.dose, scans=foreign)
    assert desk.record(scanned, NURSES[0], desk.last_at() + timedelta(seconds=5)).kind == "recorded"


def test_physician_asks_for_an_exception_of_a_lot_kept_back_from_them(desk_at):
    desk = desk_at(MADE)
    with desk.store.reading() as connection:
        assert not sight.may_find(connection, viewer(Role.INVESTIGATOR, HOSPITAL), CAST.lot)
    at = START - timedelta(hours=20)
    desk.record(ParticipantRegistered(participant=CAST.participant), PHYSICIAN, at)
    requested = DoseRequested(dose=CAST.dose, participant=CAST.participant, cohort=CohortId(CAST.cohort), criteria_version=1)
    desk.record(requested, PHYSICIAN, at)
    asked = ExceptionRequested(
        dose=CAST.dose,
        participant=CAST.participant,
        lot=CAST.lot,
        test="VIA",
        result=Digest("0" * 64),
        hazard_if_not_treated="death",
        alternatives_considered="none",
    )
    assert desk.record(asked, PHYSICIAN, at).kind == "recorded"
    with desk.store.reading() as connection:
        assert sight.may_find(connection, viewer(Role.QC_REVIEWER, MAKER), CAST.dose)
        assert not sight.may_find(connection, viewer(Role.QC_REVIEWER, OTHER), CAST.dose)


def test_hold_of_a_lot_by_its_hospital_needs_the_streams_of_its_bags(closed):
    """The dossier of a lot does not hold its bags; with what they say the hospital is in scope, and another still is not."""
    held = HoldPlaced(node=CAST.lot, hold="H-2", reason="reaction", owner="ward")
    with closed.store.reading() as connection:
        more = sight.reader(connection)
        for by, found in ((PHYSICIAN, True), (account("other", Role.INVESTIGATOR), False)):
            signer = closed.signer(by, held)
            dossier = dossier_of(connection, (CAST.lot, signer.account, STUDY))
            with pytest.raises(NotFoundError, match="there is no lot"):
                study_of(held, dossier, signer)
            if found:
                assert study_of(held, dossier, signer, more) == STUDY
            else:
                with pytest.raises(NotFoundError, match="there is no lot"):
                    study_of(held, dossier, signer, more)


def test_trial_wide_role_of_any_site_finds_everything_of_the_study(closed):
    with closed.store.reading() as connection:
        for role in (Role.SPONSOR, Role.INSPECTOR, Role.QA_REVIEWER, Role.IWRS):
            for node in THINGS:
                assert sight.may_find(connection, viewer(role, OUTSIDE), node), (role, node)


def test_administrator_finds_people_and_places_and_no_product(closed):
    who = viewer(Role.ADMINISTRATOR, HOSPITAL)
    with closed.store.reading() as connection:
        assert all(sight.may_find(connection, who, node) for node in (people()[PHYSICIAN].account, OTHER, STUDY))
        assert not any(sight.may_find(connection, who, node) for node in THINGS)


def test_badge_of_another_site_is_read_at_a_hand_over_and_a_typed_name_is_not(closed):
    carrier, receiver = viewer(Role.CARRIER, SiteId("A9993")), people()["demo-receiver-one"]
    with closed.store.reading() as connection:
        assert person_of(connection, "CU1:badge:DEMO-RECEIVER-ONE", carrier) == receiver.person
        for text in ("demo-receiver-one", "CU1:badge:NOBODY-AT-ALL", "nobody-at-all"):
            with pytest.raises(NotFoundError, match="there is no account"):
                person_of(connection, text, carrier)
        assert person_of(connection, "demo-receiver-one", viewer(Role.HOSPITAL_RECEIVER, HOSPITAL)) == receiver.person


def test_refusal_says_why_for_the_record_only(closed):
    with closed.store.reading() as connection:
        assert sight.refusal(connection, viewer(Role.INVESTIGATOR, OTHER), CAST.dose) == "out_of_scope"
        assert sight.refusal(connection, viewer(Role.INVESTIGATOR, OTHER), DoseId("DOSE-9999")) == ""
        assert sight.refusal(connection, viewer(Role.INVESTIGATOR, HOSPITAL), CAST.dose) == ""
        assert sight.refusal(connection, replace(viewer(Role.INVESTIGATOR, HOSPITAL), blind=True), CAST.lot) == "masked"


def test_symbol_is_drawn_of_what_the_person_may_find(closed):
    band = scans(CAST, CAST.dose_bags[0]).wristband.value
    badge = "DEMO-NURSE-ONE"
    with closed.store.reading() as connection:
        for kind, value in (("bag", CAST.bags[0].value), ("wristband", band), ("badge", badge), ("dose", CAST.dose.value)):
            assert sight.named_by_symbol(connection, viewer(Role.BEDSIDE_NURSE, HOSPITAL), kind, value), kind
            assert not sight.named_by_symbol(connection, viewer(Role.BEDSIDE_NURSE, OTHER), kind, value), kind
        assert not sight.named_by_symbol(connection, viewer(Role.BEDSIDE_NURSE, HOSPITAL), "wristband", "WB0000000000")
        assert sight.named_by_symbol(connection, viewer(Role.BEDSIDE_NURSE, OTHER), "command", "UNDO")


def test_cohort_is_opened_for_every_hospital(closed):
    """The study itself is in the scope of all its sites and of no other."""
    with closed.store.reading() as connection:
        dossier = dossier_of(connection, (STUDY, AccountId("demo-sponsor-one")))
    opened = CohortOpened(study=STUDY, cohort=CohortId("P1-5M"))
    assert study_of(opened, dossier, closed.signer("demo-sponsor-one", opened)) == STUDY


def test_session_of_these_tests_has_what_lists_ask_for():
    assert {"person", "grants"} <= set(Present.__dataclass_fields__)
