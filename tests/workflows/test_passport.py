"""Passports: a thing's whole story as a viewer may read it, with what came late, what is missing and what was put right."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from custody.domain.acts import ACTS
from custody.domain.acts.allocation import DoseAllocated
from custody.domain.acts.donation import ConsentSigned
from custody.domain.acts.manufacturing import BagFilled
from custody.domain.acts.quality import ColdChainDecided, HoldPlaced
from custody.domain.acts.shipping import HandoffOffered
from custody.domain.ids import BagId, LotId, StudyId
from custody.domain.masking import HIDDEN_KINDS, HIDDEN_STAGES, Viewer
from custody.domain.terms import ColdChainDecision, Product, Role
from custody.errors import NotFoundError
from custody.workflows.drill.roads import CAST, QA, START, delivered, road
from custody.workflows.outcome import proposal_digest
from custody.workflows.rehearsal.bedside import NURSES
from custody.workflows.rehearsal.editing import step_of
from custody.workflows.rehearsal.road import OPERATOR, VERIFIER
from custody.workflows.rehearsal.steps import STUDY, people
from custody.workflows.viewing import passport
from tests.workflows.desk import BEDSIDE, CLOSED, ENROLLED, MADE, account
from tests.workflows.test_corrections import corrected

BAG = CAST.dose_bags[0]


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


def story(desk, node, *, blind=False, now=None, study=STUDY, role=Role.BEDSIDE_NURSE):
    with desk.store.reading() as connection:
        return passport(connection, viewer(blind=blind, study=study, role=role), node, now or desk.last_at()).value


@pytest.fixture
def closed(desk_at):
    return desk_at(CLOSED)


def test_p11_10b_bag_tells_its_whole_life_in_order(closed):
    told = story(closed, BAG)
    names = [event.act for event in told.events]
    life = ["bag_filled", "bag_stored", "bag_packed", "shipper_sealed", "shipment_arrived", "bag_accepted", "bag_spiked", "bag_destroyed"]
    assert [name for name in life if name in names] == life
    assert sorted(names.index(name) for name in life) == [names.index(name) for name in life]
    assert [event.recorded_at for event in told.events] == sorted(event.recorded_at for event in told.events)
    assert CAST.lot in told.parents
    assert CAST.dose in told.children


def test_p11_50_each_line_says_who_when_and_with_which_meaning(closed):
    for event in story(closed, CAST.dose).events:
        assert event.by is not None
        assert event.by.printed_name
        assert (event.by.meaning is None) is (not ACTS[event.act].slots or event.kind == "verdict"), event.act


def test_countersignature_is_told_by_the_act_it_signs(closed):
    signed = [event.act for event in story(closed, CAST.dose).events if event.kind == "countersignature"]
    assert signed[:2] == ["bag_preparation_started", "infusion_started"]
    travelled = [event.act for event in story(closed, BAG).events if event.kind == "countersignature"]
    assert "shipper_sealed" in travelled


def test_verdicts_stand_in_the_story(closed):
    verdicts = [event for event in story(closed, CAST.dose).events if event.kind == "verdict"]
    assert {event.act for event in verdicts} >= {"dose_allocated", "infusion_started", "dose_closed"}
    assert all(event.verdict is not None and event.verdict.findings for event in verdicts)


class TestLate:
    @pytest.mark.parametrize(("minutes", "late"), [(15, False), (15.001, True)])
    def test_a11_16_entry_more_than_a_quarter_late_is_flagged(self, desk_at, minutes, late):
        desk = desk_at(BEDSIDE)
        vitals = replace(step_of(road(), "vitals_recorded").act, measured_at=START)
        desk.record(vitals, NURSES[0], START + timedelta(minutes=minutes), happened_at=START)
        event = story(desk, CAST.dose).events[-1]
        assert (event.act, event.late) == ("vitals_recorded", late)
        assert event.recorded_at - event.happened_at == timedelta(minutes=minutes)

    def test_countersignature_that_took_its_time_is_not_late(self, desk_at):
        desk = desk_at(BEDSIDE)
        late = replace(step_of(road(), "weight_measured").act)
        desk.record(late, NURSES[0], START)
        desk.countersign(late, NURSES[1], START + timedelta(hours=2), answers=late)
        assert not story(desk, CAST.participant).events[-1].late


class TestGaps:
    def test_hand_over_left_open_is_drawn_as_a_gap(self, desk_at):
        desk = desk_at(BEDSIDE)
        offer = next(step for step in reversed(road()) if isinstance(step.act, HandoffOffered) and step.act.node == BAG)
        given_back = replace(offer.act, to_person=people()["demo-preparer-one"].person, offered_at=START)
        desk.record(given_back, NURSES[0], START)
        in_time = story(desk, BAG, now=START + timedelta(minutes=15))
        too_long = story(desk, BAG, now=START + timedelta(minutes=16))
        assert not [event for event in in_time.events if event.kind == "gap"]
        (gap,) = [event for event in too_long.events if event.kind == "gap"]
        assert gap.bad
        assert gap.by is None

    def test_unbroken_record_has_no_gap(self, desk_at):
        desk = desk_at(BEDSIDE)
        assert not [event for event in story(desk, BAG).events if event.kind == "gap"]


class TestCorrections:
    def test_a11_8_corrected_line_stays_and_is_marked(self, desk_at):
        desk = desk_at(MADE)
        (deed,) = desk.deeds(CAST.donor, ConsentSigned)
        desk.record(corrected(deed, form_version="C-9.9"), "demo-coordinator-one", START)
        events = {event.act: event for event in story(desk, CAST.donor, role=Role.QP).events}
        assert events["consent_signed"].corrected
        assert dict(events["consent_signed"].values)["form_version"] == deed.act.form_version
        assert dict(events["corrected"].values)["reason"] == "written down wrongly"
        assert not events["donor_registered"].corrected

    def test_correction_by_two_people_marks_the_line_when_both_have_signed(self, desk_at):
        from custody.domain.acts.allocation import WeightMeasured

        desk = desk_at(CLOSED)
        (deed,) = desk.deeds(CAST.participant, WeightMeasured)
        act, now = corrected(deed, weight_kg=deed.act.weight_kg - 1), desk.last_at() + timedelta(minutes=1)

        def marked():
            return [event.act for event in story(desk, CAST.participant).events if event.corrected]

        desk.record(act, NURSES[0], now)
        assert marked() == []
        desk.countersign(act, NURSES[1], now)
        assert marked() == ["weight_measured"]


class TestWaiting:
    def test_what_waits_is_shown_until_it_runs_out(self, desk_at):
        desk = desk_at(BEDSIDE)
        act = step_of(road(), "infusion_started").act
        desk.record(act, NURSES[0], START)
        (waits,) = story(desk, CAST.dose).waiting
        assert waits.proposal == proposal_digest(act).value
        assert story(desk, CAST.dose, now=waits.expires_at).waiting == ()


class TestHidden:
    def test_28_hidden_and_unknown_things_read_alike(self, closed):
        messages = []
        for node in (CAST.lot, LotId("LOT-9999")):
            with pytest.raises(NotFoundError, match="there is no lot") as refused:
                story(closed, node, blind=True)
            messages.append(str(refused.value).replace(node.value, "…"))
        assert messages[0] == messages[1]
        assert story(closed, CAST.lot).events

    def test_thing_of_another_study_is_not_found(self, closed):
        with pytest.raises(NotFoundError, match="there is no bag"):
            story(closed, BAG, study=StudyId("OTHER-01"))

    def test_e6_4_blind_viewer_reads_no_hidden_act_and_names_no_hidden_thing(self, closed):
        for node in (BAG, CAST.dose, CAST.participant, CAST.shipment):
            told = story(closed, node, blind=True)
            assert not {ACTS[event.act].stage for event in told.events if event.kind not in {"verdict", "gap"}} & HIDDEN_STAGES, node
            assert not {each.kind for each in (*told.parents, *told.children)} & HIDDEN_KINDS
            for secret in (CAST.lot, CAST.donor, CAST.donation, CAST.working, CAST.master):
                assert secret.value not in repr(told), (node, secret)

    def test_blind_viewer_reads_neither_a_hidden_correction_nor_a_hidden_proposal(self, desk_at):
        """A correction of the fill names the lot; it stands in the bag's own stream."""
        desk = desk_at(BEDSIDE)
        (deed,) = desk.deeds(CAST.lot, type(step_of(delivered(), "bags_filled").act))
        now = START
        desk.both(corrected(deed, expires_at=deed.act.expires_at - timedelta(days=1)), OPERATOR, VERIFIER, now)
        assert desk.acts(BAG)[-1] == "corrected"
        assert "corrected" in [event.act for event in story(desk, BAG).events]
        told = story(desk, BAG, blind=True)
        assert "corrected" not in [event.act for event in told.events]
        assert CAST.lot.value not in repr(told)

    def test_quality_decision_on_a_bag_is_not_told_to_the_blind(self, desk_at):
        desk = desk_at(BEDSIDE)
        decided = ColdChainDecided(bag=BAG, decision=ColdChainDecision.RELEASE, covers_until=START, reason="short excursion of this arm")
        desk.record(decided, QA, START)
        desk.record(HoldPlaced(node=BAG, hold="H1", reason="asked for", owner="QA"), QA, START)
        assert {"cold_chain_decided", "hold_placed"} <= {event.act for event in story(desk, BAG).events}
        assert not {"cold_chain_decided", "hold_placed"} & {event.act for event in story(desk, BAG, blind=True).events}


class TestTwoWorlds:
    """Worlds that differ in the arm only read the same to a blinded monitor, who reaches every site (design section 8)."""

    LOT = LotId("LOT-0007")
    BAG = BagId.from_random("DEMO0007B001")

    def world(self, desk_at, product):
        """One more lot with one bag, which a dose asks for too early."""
        desk = desk_at(ENROLLED)
        steps, now, cells = delivered(), desk.last_at() + timedelta(minutes=1), product is Product.CELLS
        started = replace(
            step_of(steps, "lot_started").act,
            lot=self.LOT,
            product=product,
            banks=(CAST.working,) if cells else (),
            vials_drawn=(2,) if cells else (),
        )
        step = replace(step_of(steps, "lot_step_recorded").act, lot=self.LOT)
        filled = replace(
            step_of(steps, "bags_filled").act,
            lot=self.LOT,
            bags=(self.BAG,),
            viable_cells_label=step_of(steps, "bags_filled").act.viable_cells_label * cells,
            filled_at=now,
        )
        balance = replace(filled.balance, quantity_in=Decimal(1), quantity_out=Decimal(1))
        stored = replace(step_of(steps, "bag_stored").act, bag=self.BAG, stored_at=now)
        for outcome in (
            desk.record(started, OPERATOR, now),
            desk.record(step, OPERATOR, now),
            desk.both(replace(filled, balance=balance), OPERATOR, VERIFIER, now),
            desk.record(stored, "demo-coldchain-one", now + timedelta(minutes=1)),
        ):
            assert outcome.kind == "recorded", [str(finding) for finding in outcome.verdict.blocking]
        desk.play(*(step for step in road() if step.name in {"weight_measured", "wristband_issued", "dose_requested"}))
        allocated = DoseAllocated(dose=CAST.dose, cohort=step_of(road(), "dose_allocated").act.cohort, bags=(self.BAG,))
        assert desk.record(allocated, "demo-iwrs-one", START - timedelta(hours=17)).kind == "stopped"
        return desk

    def shown(self, desk, node):
        told = story(desk, node, blind=True, now=START, role=Role.BLINDED_MONITOR)
        # The digest of an entry is over everything before it, hidden or not: it differs, and says nothing.
        events = tuple(replace(event, digest="", verdict=self.plain(event.verdict)) for event in told.events)
        return repr(replace(told, events=events))

    @staticmethod
    def plain(verdict):
        return verdict and replace(verdict, findings=tuple(replace(finding, evidence=()) for finding in verdict.findings))

    def test_e6_4_passports_of_both_arms_are_the_same_to_the_blind(self, desk_at):
        worlds = [self.world(desk_at, product) for product in (Product.CELLS, Product.PLACEBO)]
        for node in (self.BAG, CAST.dose, CAST.participant, STUDY):
            first, second = (self.shown(desk, node) for desk in worlds)
            assert first == second, node
        told = [repr(story(desk, CAST.dose, now=START)) for desk in worlds]
        assert told[0] != told[1]


def test_bag_knows_its_fill(closed):
    (deed,) = closed.deeds(BAG, BagFilled)
    assert deed.act.lot == CAST.lot
    assert deed.signers[0].account == account(VERIFIER)
