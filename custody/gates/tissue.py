"""TIS: the cord arrived in time, cold, sealed, labelled, complete and with its documents (rules G3)."""

from __future__ import annotations

from datetime import datetime, timedelta

from custody.domain.acts.donation import TissueAccepted
from custody.domain.acts.manufacturing import ProcessingStarted
from custody.domain.folds.base import MissingFact
from custody.domain.folds.registers import span
from custody.domain.folds.tissue import TissueFold
from custody.domain.ids import Digest, TissueId
from custody.domain.verdict import Blocked, Outcome, Passed, Reason
from custody.gates.case import Case
from custody.gates.registry import gate


def _tissue(case: Case) -> TissueFold:
    assert isinstance(case.subject, TissueId)
    return TissueFold(case.dossier, case.subject, case.study)


def _readings(case: Case) -> tuple[TissueAccepted, TissueAccepted]:
    """What the first and the second person scanned and counted. Raises MissingFact when one of them is not there."""
    first, second = case.proposed_as(TissueAccepted), case.second
    if first is None or not isinstance(second, TissueAccepted):
        raise MissingFact("second_reading", node=case.subject)
    return first, second


def _equal(expected: object, seen: tuple[object, object], code: str, evidence: tuple[Digest, ...]) -> Outcome:
    other = [value for value in seen if value != expected]
    return Blocked(Reason(code, seen=other[0], expected=expected), evidence) if other else Passed(evidence)


@gate(
    "TIS-TIME",
    revision=1,
    title="Processing begins in time after the birth",
    source="rules G3 and G4; section 5, birth to processing",
)
def processed_in_time(case: Case, now: datetime) -> Outcome:
    """At G3 the hours so far, at G4 those of the first step; no later step can be late again."""
    first_step = case.proposed_as(ProcessingStarted)
    if first_step is None and case.proposed_as(TissueAccepted) is None:
        return Passed(note=Reason("not_first_step"))
    tissue = _tissue(case)
    donation = tissue.donation
    begins_at = now if first_step is None else first_step.started_at
    evidence = (tissue.packed.digest, *donation.collection_evidence)
    if begins_at < donation.delivered_at:
        reason = Reason("processing_before_delivery", started_at=begins_at, delivered_at=donation.delivered_at)
        return Blocked(reason, evidence)
    settings = case.criteria_now.settings
    if begins_at - donation.delivered_at <= span(hours=settings.cord_hours_hard):
        return Passed(evidence, _late_note(begins_at - donation.delivered_at, span(hours=settings.cord_hours_target)))
    values = {"delivered_at": donation.delivered_at, "started_at": begins_at, "hours_max": settings.cord_hours_hard}
    return Blocked(Reason("processing_too_late", **values), evidence)


def _late_note(since_birth: timedelta, target: timedelta) -> Reason | None:
    return Reason("later_than_target") if since_birth > target else None


@gate(
    "TIS-TEMP",
    revision=1,
    title="The cord stayed between 2 and 8 °C on its way",
    source="rules G3; section 11, classes of 2-8 °C",
)
def kept_cold(case: Case, _now: datetime) -> Outcome:
    tissue = _tissue(case)
    evidence = (tissue.packed.digest, tissue.arrived.digest, *(d.digest for d in tissue.trip_files))
    if not tissue.trip_files:
        return Blocked(Reason("missing", what="temperature_record", node=tissue.logger.node.key), evidence)
    if not tissue.verified_trip_files:
        state = tissue.logger.signature_of(tissue.trip_files[-1].act)
        return Blocked(Reason("temperature_file_not_verified", seen=state, logger=tissue.logger.node), evidence)
    arrived_on = tissue.arrived.act.arrived_at.date()
    calibration = tissue.logger.calibration_on(arrived_on)
    if not arrived_on <= calibration.act.due_on:
        reason = Reason("logger_calibration_lapsed", logger=tissue.logger.node, due_on=calibration.act.due_on, used_on=arrived_on)
        return Blocked(reason, (*evidence, calibration.digest))
    trip = tissue.trip
    if trip.klass <= 1:
        return Passed((*evidence, calibration.digest), Reason("cold_chain_noted", klass=trip.klass) if trip.klass else None)
    worst = next(reason for reason in trip.reasons if reason.klass == trip.klass)
    values = {"klass": trip.klass, "why": worst.code, "coldest": trip.coldest, "warmest": trip.warmest, "minutes": trip.minutes_outside}
    return Blocked(Reason("cord_temperature", **values), evidence)


@gate("TIS-SEAL", revision=1, title="The seal is the one it was packed with", source="rules G3")
def seal_equal(case: Case, _now: datetime) -> Outcome:
    packed = _tissue(case).packed
    first, second = _readings(case)
    return _equal(packed.act.seal, (first.seal, second.seal), "tissue_seal_differs", (packed.digest,))


@gate("TIS-LABEL", revision=1, title="The label code is the one it was packed with", source="rules G3")
def label_equal(case: Case, _now: datetime) -> Outcome:
    packed = _tissue(case).packed
    first, second = _readings(case)
    return _equal(packed.act.label_code, (first.label_code, second.label_code), "tissue_label_differs", (packed.digest,))


@gate("TIS-QTY", revision=1, title="As many pieces arrived as were packed", source="rules G3")
def quantity_equal(case: Case, _now: datetime) -> Outcome:
    packed = _tissue(case).packed
    first, second = _readings(case)
    return _equal(packed.act.pieces, (first.pieces, second.pieces), "tissue_pieces_differ", (packed.digest,))


@gate("TIS-DOC", revision=1, title="Every document the study asks for, and every one packed, is there", source="rules G3; study documents")
def documents_there(case: Case, _now: datetime) -> Outcome:
    packed = _tissue(case).packed
    due = dict.fromkeys((*case.criteria_now.documents.tissue, *packed.act.documents))
    seen_by_both = [set(reading.documents) for reading in _readings(case)]
    absent = tuple(code for code in due if not all(code in seen for seen in seen_by_both))
    if absent:
        return Blocked(Reason("tissue_documents_missing", documents=absent), (packed.digest,))
    return Passed((packed.digest,))
