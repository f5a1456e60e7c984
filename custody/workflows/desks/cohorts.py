"""What the allocation desk knows of the cohorts: who decided what, places taken, the watch, toxicities, a halt of the study."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from custody.domain.acts.study import CommitteeDecided, StudyHalted
from custody.domain.criteria import Cohort, StudyContent
from custody.domain.dossier import Deed
from custody.domain.folds.base import MissingFact
from custody.domain.folds.registers import span
from custody.domain.folds.study import StudyFold
from custody.domain.ids import CohortId, DoseId
from custody.domain.terms import Committee


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What a committee said last about a cohort; `deed` is None while it has not decided. `needed`: a dose waits for it."""

    committee: Committee
    needed: bool
    deed: Deed[CommitteeDecided] | None


@dataclass(frozen=True, kw_only=True)
class CohortSeen:
    """`next_start_at`: before then no further participant may be thawed for (setting `stagger_h`). `next`: what usually follows."""

    id: CohortId
    phase: int
    cells_per_kg: Decimal
    blinded: bool
    size: int
    after: tuple[CohortId, ...]
    opened_at: datetime | None
    slots: tuple[DoseId, ...]
    started: int
    last_started_at: datetime | None
    next_start_at: datetime | None
    watched_until: datetime | None
    toxicities: int
    toxicities_not_judged: int
    decisions: tuple[Decision, ...]
    next: str

    @property
    def is_open(self) -> bool:
        return self.opened_at is not None

    @property
    def waits_for(self) -> tuple[Committee, ...]:
        """Committees whose approval is needed and does not stand."""
        return tuple(each.committee for each in self.decisions if each.needed and not _approves(each.deed))


@dataclass(frozen=True, kw_only=True)
class StudySeen:
    version: int
    halted: Deed[StudyHalted] | None
    cohorts: tuple[CohortSeen, ...]


def study_seen(study: StudyFold) -> StudySeen:
    """Raises MissingFact while no version of the study is in force."""
    criteria = study.criteria_now
    return StudySeen(
        version=criteria.version,
        halted=study.is_halted,
        cohorts=tuple(_cohort(study, criteria, cohort) for cohort in criteria.cohorts),
    )


def _cohort(study: StudyFold, criteria: StudyContent, cohort: Cohort) -> CohortSeen:
    opened = study.cohort_open(cohort.id)
    starts = [deed.act.started_at for deed in study.doses_started(cohort.id)]
    decisions = tuple(_decisions(study, cohort))
    tox = study.toxicities(cohort.id)
    decided = study.committee_approved(Committee.DATA_SAFETY, cohort.id)
    unjudged = [d for d in tox if decided is None or min(decided.at, decided.recorded_at) < d.recorded_at]
    last = max(starts, default=None)
    stagger, watch = criteria.settings.stagger_h, criteria.settings.dlt_window_d
    waits = [each for each in decisions if each.needed and not _approves(each.deed)]
    return CohortSeen(
        id=cohort.id,
        phase=cohort.phase,
        cells_per_kg=cohort.cells_per_kg,
        blinded=cohort.blinded,
        size=cohort.size,
        after=cohort.after,
        opened_at=opened.at if opened is not None else None,
        slots=study.slots(cohort.id),
        started=len(starts),
        last_started_at=last,
        next_start_at=last + span(hours=stagger) if last is not None and stagger is not None else None,
        watched_until=last + span(days=watch) if last is not None and watch is not None else None,
        toxicities=len(tox),
        toxicities_not_judged=len(unjudged),
        decisions=decisions,
        next="" if opened is not None and not unjudged else "committee_decided" if waits or unjudged else "cohort_opened",
    )


def _decisions(study: StudyFold, cohort: Cohort) -> Iterator[Decision]:
    """Phase 2 needs both committees, a higher dose the data-safety committee (rules section 4, G7); others may decide all the same."""
    needed = {Committee.DATA_SAFETY: bool(cohort.after) or cohort.phase == 2, Committee.ETHICS: cohort.phase == 2}
    said = study.dossier.deeds(study.study, CommitteeDecided)
    for committee, is_needed in needed.items():
        own = [deed for deed in said if deed.act.committee is committee and deed.act.cohort == cohort.id]
        if is_needed or own:
            yield Decision(committee=committee, needed=is_needed, deed=own[-1] if own else None)


def _approves(deed: Deed[CommitteeDecided] | None) -> bool:
    return deed is not None and deed.act.decision.value == "open"


def cohorts_of(study: StudyFold | None) -> StudySeen | None:
    """The cohorts; None where no version of the study is in force, so that there are none."""
    if study is None:
        return None
    try:
        return study.dossier.once(study.study, StudySeen, lambda ledger: study_seen(StudyFold(ledger, study.study)))
    except MissingFact:
        return None
