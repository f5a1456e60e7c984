"""A bag of 2 to 8 °C travels with a logger in November 2022; the receiving desk reads the logger's own file and is stopped by it.

The genuine Berlinger export runs through the same journey as its twin, where its folder is named by CUSTODY_LOGGER_SAMPLES.
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from custody.domain.acts.shipping import BagAccepted, LoggerFileRead
from custody.domain.acts.study import LoggerKeyRegistered
from custody.domain.folds.bag import BagFold
from custody.domain.folds.study import StudyFold
from custody.domain.terms import HoldPoint, SignatureStateWord
from custody.intake.loggers import read_logger_file
from custody.store.connection import open_store
from custody.store.schema import upgrade
from custody.store.verification import verify
from custody.workflows.dossiers import dossier_of
from custody.workflows.receiving import keep_temperature_file
from custody.workflows.rehearsal.editing import step_of, until
from custody.workflows.rehearsal.genuine import TRIP_STUDY, twin_file, until_receipt
from custody.workflows.rehearsal.player import Player, open_ledger

GENUINE = "RCPJ00010_02_202211090128.txt"
ACCEPTED = "bag_accepted"
A_GOOD_TRIP = ("5.0",) * 124


@pytest.fixture
def store(tmp_path):
    opened = open_store(f"sqlite:///{tmp_path / 'trip.db'}")
    upgrade(opened)
    yield opened
    opened.close()


@pytest.fixture(params=["twin", pytest.param("genuine", marks=pytest.mark.logger_sample)])
def data(request):
    if request.param == "twin":
        return twin_file()
    return (Path(os.environ["CUSTODY_LOGGER_SAMPLES"]) / GENUINE).read_bytes()


class Desk:
    """The receiving desk: everything before it was played through the real workflows."""

    def __init__(self, store, steps):
        self.steps = steps
        self.player = Player(store, TRIP_STUDY)
        open_ledger(store, steps[0].at - timedelta(minutes=1))
        for step in until(steps, "logger_file_read", nth=-1):
            self.player.play(step)

    @property
    def bag(self):
        return step_of(self.steps, ACCEPTED).act.bag

    def read_file(self, data):
        """The file read by the receiver, as the page of the receiving desk does it."""
        step = step_of(self.steps, "logger_file_read", nth=-1)
        with self.player.store.writing() as connection:
            signer = self.player.signer(connection, step.by[0], step.act, 0, step.at, study=TRIP_STUDY)
            return keep_temperature_file(connection, data, GENUINE, signer, step.at, expected_logger=step.act.logger)

    def accept(self):
        return self.player.attempt(step_of(self.steps, ACCEPTED))

    def life(self):
        with self.player.store.reading() as connection:
            study = StudyFold(dossier_of(connection, [TRIP_STUDY, self.bag]), TRIP_STUDY)
            return BagFold(study.dossier, self.bag, study).cold_life.judged(step_of(self.steps, ACCEPTED).at)

    def is_sound(self):
        with self.player.store.reading() as connection:
            return verify(connection, checkpoint=None).ok


def reasons(outcome):
    return {finding.outcome.reason.code for finding in outcome.verdict.blocking}


def one_byte_changed(data):
    """One digit of one reading: the warmest value of the table is made a mild one."""
    place = data.index(b"\t24.3\t")
    return data[: place + 1] + b"0" + data[place + 2 :]


def test_warm_trip_is_stopped_at_receipt_by_its_own_file(store, data):
    steps = until_receipt(data)
    desk = Desk(store, steps)
    key = step_of(steps, "logger_key_registered", where=lambda act: act.fingerprint.value == read_logger_file(data).key_fingerprint)
    assert isinstance(key.act, LoggerKeyRegistered)
    assert key.by == ("demo-qa-one",)

    assert desk.read_file(data).signature is SignatureStateWord.VERIFIED
    outcome = desk.accept()

    assert (outcome.kind, outcome.verdict.hold_point) == ("stopped", HoldPoint.RECEIPT)
    assert set(outcome.verdict.codes) == {"BAG-COLD"}
    life = desk.life()
    assert life.klass == 3
    assert {"beyond_class_2", "warm_too_long", "outside_too_long"} & {reason.code for reason in life.reasons}
    assert [trace.signature for trace in life.places[-1].traces] == [SignatureStateWord.VERIFIED]
    assert desk.is_sound()


def test_file_whose_key_nobody_registered_says_so_and_waits_for_quality(store, data):
    desk = Desk(store, until_receipt(data, key_registered=False))
    assert desk.read_file(data).signature is SignatureStateWord.KEY_NOT_REGISTERED
    assert set(desk.accept().verdict.codes) == {"BAG-COLD"}
    assert "key_not_registered" in {reason.code for reason in desk.life().reasons}


def test_good_trip_with_an_unregistered_key_is_stopped_for_the_key_alone(store):
    data = twin_file(*A_GOOD_TRIP)
    desk = Desk(store, until_receipt(data, key_registered=False))
    desk.read_file(data)
    outcome = desk.accept()
    assert set(outcome.verdict.codes) == {"BAG-COLD"}
    assert reasons(outcome) == {"key_not_registered"}
    assert desk.life().klass == 2


def test_file_with_one_byte_changed_never_counts(store, data):
    desk = Desk(store, until_receipt(data))
    changed = one_byte_changed(data)
    assert sum(a != b for a, b in zip(data, changed, strict=True)) == 1
    assert desk.read_file(changed).signature is SignatureStateWord.INVALID
    outcome = desk.accept()
    assert set(outcome.verdict.codes) == {"BAG-COLD"}
    life = desk.life()
    assert life.places[-1].stay.traces == ()
    assert reasons(outcome) == {"signature_invalid"}


def test_good_trip_is_accepted_by_the_same_road(store):
    """The STOP of the warm trip is the trip's: everything else on its road holds."""
    data = twin_file(*A_GOOD_TRIP)
    desk = Desk(store, until_receipt(data))
    assert desk.read_file(data).signature is SignatureStateWord.VERIFIED
    outcome = desk.accept()
    assert outcome.kind == "recorded", outcome.verdict.codes
    assert desk.life().klass == 0


def test_the_file_is_the_one_of_the_logger_that_travelled(store, data):
    steps = until_receipt(data)
    act = step_of(steps, "logger_file_read", nth=-1).act
    accepted = step_of(steps, ACCEPTED).act
    assert isinstance(act, LoggerFileRead)
    assert isinstance(accepted, BagAccepted)
    assert step_of(steps, "packing_started").act.loggers == (act.logger,)
    assert act.logger.value == read_logger_file(data).serial
    assert step_of(steps, ACCEPTED).at.year == 2022
