"""A clock that was set back is all a verdict says; and a participant's own other dose is forbidden, not staggered."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from custody.domain.acts.bedside import ParticipantDoseStarted
from custody.domain.acts.study import StudyDoseStarted
from custody.domain.ids import CohortId, DoseId
from custody.domain.terms import HoldPoint, VerdictWord
from custody.gates import evaluate
from custody.workflows.rehearsal.steps import STUDY
from tests.chain import BEDSIDE_AT, blocked_gates, reasons
from tests.gates.altered import verdict_knowing

G10, G12 = HoldPoint.PREPARE, HoldPoint.BEDSIDE
OTHER = DoseId("DOSE-OTHER")


@pytest.mark.parametrize(("minutes", "word"), [(2, VerdictWord.GO), (2.01, VerdictWord.CANNOT_CHECK), (60, VerdictWord.CANNOT_CHECK)])
def test_clock_set_back_cannot_be_checked_at_the_bed(chain, minutes, word):
    case, now = chain.case_at(G12)
    dossier = replace(case.dossier, last_recorded_at=now + timedelta(minutes=minutes))
    verdict = evaluate(G12, replace(case, dossier=dossier), now)
    assert verdict.word is word
    assert blocked_gates(verdict) == ({"SYS-CLOCK"} if word is VerdictWord.CANNOT_CHECK else set())


def test_clock_set_back_hides_what_the_wrong_time_would_say(chain):
    """An hour earlier there are no vitals and no pre-medication yet: a STOP for these would be as wrong as the clock."""
    case, now = chain.case_at(G12)
    verdict = evaluate(G12, case, now - timedelta(hours=1))
    assert [finding.gate for finding in verdict.findings] == ["SYS-CLOCK"]
    assert verdict.word is VerdictWord.CANNOT_CHECK


def started(dose: DoseId, cohort: str = "P1-1M") -> StudyDoseStarted:
    return StudyDoseStarted(study=STUDY, cohort=CohortId(cohort), dose=dose, started_at=BEDSIDE_AT - timedelta(minutes=50))


@pytest.mark.parametrize(("point", "own", "others"), [(G12, {"BED-DUP"}, {"BED-STUDY"}), (G10, {"ALO-DUP", "BED-DUP"}, {"ALO-COHORT"})])
def test_second_dose_of_the_same_participant_is_forbidden_and_not_staggered(chain, point, own, others):
    of_the_same = ParticipantDoseStarted(participant=chain.cast.participant, dose=OTHER)
    assert blocked_gates(verdict_knowing(chain, point, started(OTHER), of_the_same)) == own
    of_another = verdict_knowing(chain, point, started(OTHER))
    assert blocked_gates(of_another) == others
    assert reasons(of_another, next(iter(others))) == {"stagger_not_over"}
