"""The same request again gets the first answer, marked with its time, and writes nothing (design section 6)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from custody.domain.acts.donation import DonorRegistered
from custody.domain.ids import DonorId
from custody.domain.terms import Answer
from custody.errors import OutOfOrderError, RepeatedKeyError
from custody.workflows.drill.roads import START, road
from custody.workflows.rehearsal.bedside import NURSES
from custody.workflows.rehearsal.editing import step_of
from tests.workflows.desk import BEDSIDE, OPEN

pytestmark = pytest.mark.on_both

COORDINATOR = "demo-coordinator-one"
DONOR = DonorRegistered(donor=DonorId("DN-9001"))
STARTED = step_of(road(), "infusion_started").act


@pytest.fixture
def desk(desk_at):
    desk = desk_at(OPEN)
    desk.now = desk.last_at() + timedelta(minutes=1)
    return desk


def test_same_key_and_body_get_the_first_answer_and_write_nothing(desk):
    first = desk.record(DONOR, COORDINATOR, desk.now, key="K1")
    size = desk.size()
    again = desk.record(DONOR, COORDINATOR, desk.now + timedelta(hours=1), key="K1")
    assert (again.kind, again.entry, again.subject, again.act) == (first.kind, first.entry, first.subject, first.act)
    assert (again.again, again.answered_at) == (True, desk.now)
    assert (first.again, first.answered_at) == (False, desk.now)
    assert desk.size() == size


@pytest.mark.parametrize(
    "changed",
    [
        {"act": replace(DONOR, donor=DonorId("DN-9002"))},
        {"happened_at": -1},
    ],
    ids=["another act", "another time"],
)
def test_same_key_with_another_body_is_refused(desk, changed):
    desk.record(DONOR, COORDINATOR, desk.now, key="K1")
    size = desk.size()
    happened = desk.now - timedelta(hours=1) if "happened_at" in changed else None
    with pytest.raises(RepeatedKeyError, match="for another request"):
        desk.record(changed.get("act", DONOR), COORDINATOR, desk.now, key="K1", happened_at=happened)
    assert desk.size() == size


def test_same_body_without_a_key_is_judged_anew(desk):
    desk.record(DONOR, COORDINATOR, desk.now)
    with pytest.raises(OutOfOrderError, match="is known already"):
        desk.record(DONOR, COORDINATOR, desk.now)


def test_keys_of_two_accounts_have_nothing_to_do_with_each_other(desk):
    desk.record(DONOR, COORDINATOR, desk.now, key="K1")
    hold = step_of(road(), "material_received").act
    other = replace(hold, material=replace(hold.material, value="MED-9001"))
    assert not desk.record(other, "demo-operator-one", desk.now, key="K1").again


def test_refused_request_leaves_its_key_free(desk):
    desk.record(DONOR, COORDINATOR, desk.now)
    with pytest.raises(OutOfOrderError, match="is known already"):
        desk.record(DONOR, COORDINATOR, desk.now, key="K1")
    assert desk.record(replace(DONOR, donor=DonorId("DN-9002")), COORDINATOR, desk.now, key="K1").kind == "recorded"


def test_proposal_and_countersignature_are_each_answered_once(desk_at):
    desk = desk_at(BEDSIDE)
    desk.record(STARTED, NURSES[0], START, key="K1")
    assert desk.record(STARTED, NURSES[0], START, key="K1").again
    first = desk.countersign(STARTED, NURSES[1], START + timedelta(seconds=1), answers=STARTED, key="K2")
    size = desk.size()
    again = desk.countersign(STARTED, NURSES[1], START + timedelta(seconds=9), answers=STARTED, key="K2")
    assert (again.kind, again.entry, again.verdict_entry) == ("recorded", first.entry, first.verdict_entry)
    assert (again.answered_at, desk.size()) == (START + timedelta(seconds=1), size)


def test_stop_is_answered_again_as_the_stop_it_was(desk_at):
    desk = desk_at(BEDSIDE)
    wrong = replace(STARTED, scans=replace(STARTED.scans, physician_present=Answer.NO))
    desk.record(wrong, NURSES[0], START)
    first = desk.countersign(wrong, NURSES[1], START, answers=wrong, key="K2")
    size = desk.size()
    again = desk.countersign(wrong, NURSES[1], START + timedelta(minutes=1), answers=wrong, key="K2")
    assert (again.kind, again.verdict_entry, again.again) == ("stopped", first.verdict_entry, True)
    assert desk.size() == size


def test_cannot_check_is_asked_again(desk_at):
    desk = desk_at(BEDSIDE)
    desk.record(STARTED, NURSES[0], START)
    back = START - timedelta(hours=1)
    assert desk.countersign(STARTED, NURSES[1], back, answers=STARTED, key="K2").kind == "cannot_check"
    right = desk.countersign(STARTED, NURSES[1], START + timedelta(seconds=1), answers=STARTED, key="K2")
    assert (right.kind, right.again) == ("recorded", False)


def test_answer_is_kept_with_the_entries_or_not_at_all(desk):
    """A transaction that is rolled back leaves neither."""
    from custody.workflows import recording

    signer = desk.signer(COORDINATOR, DONOR, key="K1")

    def record_and_fail():
        with desk.store.writing() as connection:
            recording.record(connection, DONOR, signer, desk.now)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        record_and_fail()
    assert not desk.record(DONOR, COORDINATOR, desk.now, key="K1").again
