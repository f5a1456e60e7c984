"""What the allocation desk knows of one participant: consent, each eligibility line beside its limit, weighings, wristband, doses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from custody.domain.acts.allocation import (
    ParticipantConsented,
    ParticipantEligibilityRecorded,
    ParticipantLeft,
    ParticipantRegistered,
    WeightMeasured,
    WristbandIssued,
)
from custody.domain.acts.bedside import ParticipantDoseStarted
from custody.domain.criteria import EligibilityCriterion, StudyContent
from custody.domain.dossier import Deed, Dossier
from custody.domain.folds.base import MissingFact
from custody.domain.folds.participant import ParticipantFold
from custody.domain.folds.registers import span
from custody.domain.folds.study import StudyFold
from custody.domain.ids import Digest, DoseId, ParticipantId
from custody.domain.terms import Answer, Sex

PATH = (
    (ParticipantConsented, "participant_consented"),
    (ParticipantEligibilityRecorded, "participant_eligibility_recorded"),
    (WeightMeasured, "weight_measured"),
    (WristbandIssued, "wristband_issued"),
)
"""What a participant needs before a dose is requested, in the order of the day."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One criterion with its answer. `state`: not_met, beyond, no_value, missing, twice or met."""

    criterion: EligibilityCriterion
    state: str
    answer: Answer | None = None
    value: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class Weighing:
    digest: Digest
    measured_at: datetime
    people: tuple[str, ...]
    weight_kg: Decimal
    height_cm: Decimal
    sex: Sex
    agrees: bool


@dataclass(frozen=True, kw_only=True)
class Enrolled:
    """One participant. `window_ends_at`: the last moment since diagnosis; `next`: the step that usually follows."""

    node: ParticipantId
    registered_at: datetime | None
    consent: Deed[ParticipantConsented] | None
    left: Deed[ParticipantLeft] | None
    eligibility: Deed[ParticipantEligibilityRecorded] | None
    lines: tuple[Line, ...]
    window_ends_at: datetime | None
    weighings: tuple[Weighing, ...]
    wristband: Deed[WristbandIssued] | None
    doses: tuple[DoseId, ...]
    started: bool
    next: str

    @property
    def not_met(self) -> int:
        """Lines that stand in the way, answered or not."""
        return sum(line.state != "met" for line in self.lines)


def enrolled(dossier: Dossier, node: ParticipantId, study: StudyFold) -> Enrolled:
    return dossier.once(node, (Enrolled, study.study), lambda ledger: _enrolled(ledger, node, StudyFold(ledger, study.study)))


def _enrolled(dossier: Dossier, node: ParticipantId, study: StudyFold) -> Enrolled:
    fold = ParticipantFold(dossier, node, study)
    criteria = _criteria(study)
    record = dossier.last(node, ParticipantEligibilityRecorded)
    registered = dossier.first(node, ParticipantRegistered)
    window = span(hours=criteria.settings.enrol_window_h) if criteria is not None else None
    return Enrolled(
        node=node,
        registered_at=registered.at if registered is not None else None,
        consent=dossier.last(node, ParticipantConsented),
        left=fold.left,
        eligibility=record,
        lines=_lines(criteria, record),
        window_ends_at=record.act.diagnosed_at + window if record is not None and window is not None else None,
        weighings=tuple(_weighing(deed) for deed in reversed(fold.weights)),
        wristband=dossier.last(node, WristbandIssued),
        doses=fold.doses_requested,
        started=dossier.last(node, ParticipantDoseStarted) is not None,
        next=_next(dossier, node, fold),
    )


def _criteria(study: StudyFold) -> StudyContent | None:
    try:
        return study.criteria_now
    except MissingFact:
        return None  # no version in force: there are no lines to show, and no dose can be requested


def _lines(criteria: StudyContent | None, record: Deed[ParticipantEligibilityRecorded] | None) -> tuple[Line, ...]:
    """Every criterion of the study in force, answered or not; a criterion without an answer is never taken for met."""
    if criteria is None or record is None:
        return ()
    return tuple(_line(criterion, record) for criterion in criteria.eligibility)


def _line(criterion: EligibilityCriterion, record: Deed[ParticipantEligibilityRecorded]) -> Line:
    given = [line for line in record.act.lines if line.code == criterion.code]
    if len(given) != 1:
        return Line(criterion=criterion, state="twice" if given else "missing")
    answer, value = given[0].satisfied, given[0].value
    if answer is not Answer.YES:
        state = "not_met"
    elif not criterion.has_number:
        state = "met"
    elif value is None:
        state = "no_value"
    else:
        state = "met" if criterion.allows(value) else "beyond"
    return Line(criterion=criterion, state=state, answer=answer, value=value)


def _weighing(deed: Deed[WeightMeasured]) -> Weighing:
    return Weighing(
        digest=deed.digest,
        measured_at=deed.at,
        people=tuple(signer.printed_name for signer in deed.signers),
        weight_kg=deed.act.weight_kg,
        height_cm=deed.act.height_cm,
        sex=deed.act.sex,
        agrees=deed.is_repeated_alike,
    )


def _next(dossier: Dossier, node: ParticipantId, fold: ParticipantFold) -> str:
    if fold.left is not None:
        return ""
    for kind, act in PATH:
        if dossier.last(node, kind) is None:
            return act
    return "" if fold.doses_requested else "dose_requested"
