"""The temperatures of a bag over its life: its places, and which files count for them."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from custody.domain.folds.base import MissingFact
from custody.domain.folds.cold_life import ColdLife
from custody.domain.folds.lot import LotFold
from custody.domain.folds.study import StudyFold
from custody.workflows.rehearsal.road import FREEZER, WARD_FREEZER, WARD_LOGGER
from custody.workflows.rehearsal.steps import STUDY
from tests.chain import Memory
from tests.gates.transport import rewrite_trip_file


def life_of(chain, until=None):
    memory = Memory()
    for step in sorted((s for s in chain.steps if until is None or s.at <= until), key=lambda s: s.at):
        memory.play(step)
    bag = chain.cast.bags[0]
    dossier = memory.dossier(bag, STUDY)
    study = StudyFold(dossier, STUDY)
    return ColdLife(dossier, bag, study, LotFold(dossier, chain.cast.lot, study))


def test_places_are_the_freezer_the_shipper_and_the_ward_freezer(chain):
    places = life_of(chain).places
    assert [place.node for place in places] == [FREEZER, chain.cast.shipment, WARD_FREEZER]
    assert places[0].start == chain.step("bag_stored").act.stored_at
    assert places[1].start == chain.step("bag_packed").act.packed_at
    assert places[2].start == places[1].end == chain.step("bag_accepted").at
    assert places[2].end == chain.step("bag_taken_out", 3).act.taken_at


def test_life_ends_with_the_preparation(chain):
    life = life_of(chain)
    prepared = life.judged(chain.step("bag_preparation_started").at)
    closed = life.judged(chain.step("dose_closed").at - timedelta(hours=36))
    assert prepared.klass == closed.klass == 0
    assert prepared.evidence == closed.evidence


def test_good_life_relies_on_the_files_of_every_place(chain):
    now = chain.step("bag_preparation_started").at
    judged = life_of(chain, until=now).judged(now)
    assert (judged.klass, judged.reasons) == (0, ())
    assert len(judged.evidence) == 3


def test_trip_is_not_judged_while_it_is_under_way(chain):
    life = life_of(chain, until=chain.step("handoff_offered", 1).at)
    judged = life.judged(chain.step("handoff_offered", 1).at)
    assert [place.place.node for place in judged.places] == [FREEZER]
    assert judged.klass == 0


def test_minutes_are_summed_over_storage_and_trip(chain):
    rewrite_trip_file(chain, spike=(60, 9, "-140"))
    judged = life_of(chain).judged(chain.step("bag_preparation_started").at)
    assert judged.klass == 1
    assert 0 < judged.temperatures.minutes_outside < 20


def test_bag_left_on_the_bench_before_its_preparation_is_a_gap(chain):
    index = chain.index("bag_taken_out", 3)
    step = chain.steps[index]
    early = step.act.taken_at - timedelta(minutes=40)
    chain.steps[index] = dataclasses.replace(step, act=dataclasses.replace(step.act, taken_at=early), at=early)
    judged = life_of(chain).judged(chain.step("bag_preparation_started").at)
    assert [reason.code for reason in judged.reasons] == ["gap"]


def test_storage_times_that_contradict_each_other_are_no_facts(chain):
    stored_at = chain.step("bag_stored").act.stored_at
    chain.change("bag_taken_out", taken_at=stored_at - timedelta(minutes=1))
    with pytest.raises(MissingFact, match="consistent_storage_times"):
        _ = life_of(chain).places


def test_reading_from_before_the_logger_was_installed_says_nothing_about_the_freezer(chain):
    installed_at = chain.step("bag_packed").act.packed_at - timedelta(hours=1)
    chain.change("logger_installed", where=lambda act: act.equipment == FREEZER, installed_at=installed_at)
    judged = life_of(chain).judged(chain.step("bag_preparation_started").at)
    assert [reason.code for reason in judged.reasons] == ["gap"]


def test_long_time_on_the_bench_is_a_gap_although_the_ward_freezer_was_not_read_yet(chain):
    while any(s.name == "logger_file_read" and s.act.logger == WARD_LOGGER for s in chain.steps):
        chain.drop("logger_file_read", where=lambda act: act.logger == WARD_LOGGER)
    prepared_at = chain.step("bag_preparation_started").at
    chain.change("bag_taken_out", 3, taken_at=prepared_at - timedelta(minutes=31))
    assert [reason.code for reason in life_of(chain).judged(prepared_at).reasons] == ["gap"]
