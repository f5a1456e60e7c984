"""The registers: the last decision on a material, the calibration of a day, the signature of a file."""

import dataclasses
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.domain.acts.manufacturing import MaterialRefused
from custody.domain.acts.shipping import LoggerFileRead
from custody.domain.folds.base import MissingFact
from custody.domain.folds.registers import EquipmentFold, LoggerFold, MaterialFold, span, training_of, use_of
from custody.domain.folds.study import StudyFold
from custody.domain.ids import AccountId, Digest, EquipmentId, MaterialId
from custody.domain.terms import SignatureStateWord
from custody.workflows.rehearsal.road import INCUBATOR, MEDIUM
from custody.workflows.rehearsal.steps import STUDY


def dossier_of(chain, *nodes):
    return chain.played().dossier(*nodes, STUDY)


@given(st.decimals(min_value=0, max_value=400, places=6))
def test_a_length_of_time_never_grows_when_it_is_made_of_decimals(days):
    exact = Decimal(86_400_000_000) * days
    assert span(days=days) // timedelta(microseconds=1) == int(exact)


def test_lengths_of_time_add_up():
    assert span(days=Decimal(1), hours=Decimal("1.5"), minutes=Decimal("0.5")) == timedelta(days=1, hours=1, minutes=30, seconds=30)


def test_a_material_is_released_until_it_is_refused(chain):
    assert MaterialFold(dossier_of(chain, MEDIUM), MEDIUM).released is not None
    chain.add(MaterialRefused(material=MEDIUM, reason="recalled"), before="bank_started", by="demo-qa-one")
    material = MaterialFold(dossier_of(chain, MEDIUM), MEDIUM)
    assert material.released is None
    assert material.refused.act.reason == "recalled"


def test_an_unknown_material_is_a_missing_fact(chain):
    unknown = MaterialId("MED-9999")
    with pytest.raises(MissingFact, match="material"):
        _ = MaterialFold(dossier_of(chain, unknown), unknown).received


def test_the_calibration_of_a_day_is_the_last_one_made_until_then(chain):
    first = chain.step("equipment_calibrated", where=lambda act: act.equipment == INCUBATOR).act
    again = dataclasses.replace(first, calibrated_on=first.calibrated_on + timedelta(days=30), certificate="second")
    chain.add(again, before="bags_filled", by="demo-qa-one")
    equipment = EquipmentFold(dossier_of(chain, INCUBATOR), INCUBATOR)
    assert equipment.calibration_on(first.calibrated_on + timedelta(days=29)).act == first
    assert equipment.calibration_on(first.calibrated_on + timedelta(days=30)).act == again
    with pytest.raises(MissingFact, match="calibration"):
        equipment.calibration_on(first.calibrated_on - timedelta(days=1))


def test_unknown_equipment_is_a_missing_fact(chain):
    unknown = EquipmentId("INC-99")
    with pytest.raises(MissingFact, match="equipment"):
        _ = EquipmentFold(dossier_of(chain, unknown), unknown).registered


@pytest.mark.parametrize(
    ("valid", "key", "state"),
    [
        (True, "known", SignatureStateWord.VERIFIED),
        (True, "other", SignatureStateWord.KEY_NOT_REGISTERED),
        (True, None, SignatureStateWord.KEY_NOT_REGISTERED),
        (False, "known", SignatureStateWord.INVALID),
        (None, None, SignatureStateWord.NONE),
    ],
)
def test_a_file_proves_itself_by_its_arithmetic_and_a_registered_key(chain, valid, key, state):
    dossier = dossier_of(chain, chain.cast.cord_logger)
    logger = LoggerFold(dossier, chain.cast.cord_logger, StudyFold(dossier, STUDY))
    file = logger.files[0].act
    assert isinstance(file, LoggerFileRead)
    fingerprint = {"known": file.key_fingerprint, "other": Digest("0" * 64), None: None}[key]
    assert logger.signature_of(dataclasses.replace(file, signature_valid=valid, key_fingerprint=fingerprint)) is state


def test_a_file_counts_for_a_time_it_touches(chain):
    dossier = dossier_of(chain, chain.cast.cord_logger)
    logger = LoggerFold(dossier, chain.cast.cord_logger, StudyFold(dossier, STUDY))
    starts_at, ends_at = logger.files[0].act.starts_at, logger.files[0].act.ends_at
    second = timedelta(seconds=1)
    assert len(logger.files_over(ends_at, ends_at + second)) == 1
    assert len(logger.files_over(starts_at - second, starts_at)) == 1
    assert logger.files_over(ends_at + second, ends_at + 2 * second) == ()
    assert logger.files_over(starts_at - 2 * second, starts_at - second) == ()


def test_the_latest_training_in_a_procedure_counts(chain):
    operator = AccountId("demo-operator-one")
    first = chain.step("training_recorded", where=lambda act: act.account == operator).act
    again = dataclasses.replace(first, valid_until=date(2030, 1, 1))
    chain.add(again, before="bags_filled", by="demo-qp-one")
    assert training_of(dossier_of(chain, operator), operator, "manufacturing").act == again
    with pytest.raises(MissingFact, match="training"):
        training_of(dossier_of(chain, operator), operator, "bedside")


def test_a_culture_step_is_in_use_until_it_is_recorded(chain):
    now = datetime(2026, 5, 1, tzinfo=UTC)
    act = chain.step("lot_step_recorded").act
    use = use_of(act, now)
    assert (use.started_at, use.ended_at) == (act.culture.started_at, now)
    assert use_of(chain.step("bags_filled").act, now).ended_at == chain.step("bags_filled").act.filled_at
    assert use_of(chain.step("lot_started").act, now) is None
