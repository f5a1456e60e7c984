"""Recall in both directions: what one query finds is what a walk over the entries finds."""

from __future__ import annotations

import itertools

import pytest
from sqlalchemy import select

from custody.domain.acts.base import FOLLOWED, marked_nodes
from custody.domain.acts.study import CohortOpened
from custody.domain.dossier import deeds_of
from custody.domain.ids import NODE_KINDS, CohortId, ParticipantId, StudyId, node_of
from custody.domain.masking import HIDDEN_KINDS, Viewer
from custody.domain.terms import Role
from custody.errors import NotFoundError
from custody.store import entries, lookups
from custody.store.links import kinds_leading_to
from custody.store.tables import stream_head
from custody.workflows.drill.roads import CAST
from custody.workflows.rehearsal.bedside import NURSES
from custody.workflows.rehearsal.places import INCUBATOR, MEDIUM
from custody.workflows.rehearsal.steps import STUDY, people
from custody.workflows.tracing import followed_to, named, trace
from tests.workflows.desk import CLOSED

pytestmark = pytest.mark.on_both

THINGS = (
    CAST.donor,
    CAST.donation,
    CAST.tissue,
    CAST.master,
    CAST.lot,
    CAST.bags[0],
    CAST.dose,
    CAST.participant,
    MEDIUM,
    INCUBATOR,
    CAST.shipment,
)


@pytest.fixture
def desk(desk_at):
    return desk_at(CLOSED)


def viewer(*, blind, study=STUDY, role=Role.BEDSIDE_NURSE):
    nurse = people()[NURSES[0]]
    return Viewer(
        account=nurse.account,
        printed_name=nurse.printed_name,
        roles=frozenset({role}),
        site=nurse.site,
        study=study,
        blind=blind,
    )


def traced(desk, node, *, forward, by=None):
    with desk.store.reading() as connection:
        return {each.node: each.steps for each in trace(connection, node, forward=forward, viewer=by).value}


def links(desk):
    """From and to of every link, as the material goes: a dose follows its participant, and the cells go the other way."""
    with desk.store.reading() as connection:
        streams = [node_of(key) for key in connection.execute(select(stream_head.c.stream)).scalars()]
        loaded = entries.load_streams(connection, [node.key for node in streams])
    for child in streams:
        for deed in deeds_of(loaded[child.key]):
            followed = (node for node in marked_nodes(deed.act, FOLLOWED.word) if node != child)
            yield from ((child, node) if isinstance(node, ParticipantId) else (node, child) for node in followed)


def walked(pairs, node, *, forward):
    """Shortest distances, one ring after the other."""
    distances, ring = {node: 0}, {node}
    for steps in itertools.count(1):
        ring = {(child if forward else parent) for parent, child in pairs if (parent if forward else child) in ring} - distances.keys()
        if not ring:
            return {found: far for found, far in distances.items() if found != node}
        distances.update(dict.fromkeys(ring, steps))
    raise AssertionError


@pytest.mark.parametrize("forward", [True, False], ids=["forward", "backward"])
def test_alc_t_trace_equals_a_walk_over_the_entries(desk, forward):
    pairs = list(links(desk))
    for node in THINGS:
        assert traced(desk, node, forward=forward) == walked(pairs, node, forward=forward), node


def test_alc_t_recall_goes_from_the_donor_to_every_bag_and_the_participant_dosed(desk):
    found = traced(desk, CAST.donor, forward=True)
    assert {CAST.donation, CAST.tissue, CAST.master, CAST.working, CAST.lot, *CAST.bags, CAST.dose, CAST.participant} <= found.keys()


def test_alc_t_participant_leads_back_to_donor_and_materials(desk):
    found = traced(desk, CAST.participant, forward=False)
    assert {CAST.dose, CAST.bags[0], CAST.lot, CAST.donor, MEDIUM, INCUBATOR} <= found.keys()


def test_each_thing_says_what_was_done_about_it_last(desk):
    with desk.store.reading() as connection:
        newest = {each.node: each.newest_act for each in trace(connection, CAST.lot, forward=True, viewer=None).value}
    assert newest[CAST.dose] == "dose_closed"
    assert newest[CAST.bags[0]] == "bag_destroyed"


@pytest.mark.parametrize("kind", sorted(NODE_KINDS))
def test_walk_towards_one_kind_finds_as_many_of_it_as_the_whole_walk_and_as_near(desk, kind):
    """What it leaves out because nothing of that kind can lie behind it."""
    for node in THINGS:
        with desk.store.reading() as connection:
            found = followed_to(connection, node, kind, viewer=viewer(blind=False, role=Role.INSPECTOR)).value
            near = {thing[0]: each.steps for each in found for thing in each.things if thing[0].startswith(f"{kind}:")}
        assert near == {other.key: far for other, far in traced(desk, node, forward=True).items() if other.kind == kind}, node


def test_every_link_is_between_kinds_that_the_table_of_acts_links(desk):
    pairs = {(parent.kind, child.kind) for parent, child in links(desk)}
    assert len(pairs) > 12
    assert [(parent, child) for parent, child in pairs if parent not in kinds_leading_to(child)] == []


def test_unknown_thing_and_thing_of_another_study_are_not_found(desk):
    for node, by in ((CAST.lot.__class__("LOT-9999"), None), (CAST.lot, viewer(blind=False, study=StudyId("OTHER-01")))):
        with pytest.raises(NotFoundError, match=f"there is no lot {node}"):
            traced(desk, node, forward=True, by=by)


class TestBlind:
    def test_28_hidden_thing_is_not_found(self, desk):
        for node in (CAST.lot, CAST.donor, MEDIUM):
            with pytest.raises(NotFoundError, match="there is no"):
                traced(desk, node, forward=True, by=viewer(blind=True))

    def test_e6_4_trace_never_leads_through_a_hidden_thing(self, desk):
        """A placebo has no bank: the incubator behind the lot would tell the arms apart, by name or by distance."""
        found = traced(desk, CAST.participant, forward=False, by=viewer(blind=True, role=Role.BLINDED_MONITOR))
        assert {CAST.dose, CAST.dose_bags[0]} <= found.keys()
        assert not {node.kind for node in found} & HIDDEN_KINDS
        assert INCUBATOR not in found
        visible = [pair for pair in links(desk) if not {node.kind for node in pair} & HIDDEN_KINDS]
        assert found == walked(visible, CAST.participant, forward=False)

    def test_newest_act_of_a_hidden_stage_is_not_told(self, desk):
        from datetime import timedelta

        from custody.domain.acts.quality import HoldPlaced
        from custody.workflows.drill.roads import QA

        held = HoldPlaced(node=CAST.bags[0], hold="H1", reason="lot under suspicion", owner="QA")
        desk.record(held, QA, desk.last_at() + timedelta(minutes=1))
        with desk.store.reading() as connection:
            seen = {
                blind: {
                    each.node: each.newest_act for each in trace(connection, CAST.dose, forward=False, viewer=viewer(blind=blind)).value
                }
                for blind in (True, False)
            }
        assert (seen[False][CAST.bags[0]], seen[True][CAST.bags[0]]) == ("hold_placed", "")


class TestNames:
    def test_thing_is_found_by_kind_and_value_or_by_a_value_only_it_carries(self, desk):
        with desk.store.reading() as connection:
            assert named(connection, CAST.lot.key) == CAST.lot
            assert named(connection, CAST.lot.value) == CAST.lot

    def test_name_that_nothing_carries_is_not_found(self, desk):
        with desk.store.reading() as connection, pytest.raises(NotFoundError, match="nothing carries it"):
            named(connection, "LOT-00")


def test_lookups_agree_with_the_entries(desk):
    from datetime import timedelta

    desk.record(CohortOpened(study=STUDY, cohort=CohortId("P1-5M")), "demo-sponsor-one", desk.last_at() + timedelta(minutes=1))
    with desk.store.reading() as connection:
        assert lookups.differences(connection) == ()
