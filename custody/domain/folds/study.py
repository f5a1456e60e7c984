"""The study as it stands: the versions in force, its cohorts, committees, slots, doses, halts and registered logger keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from custody.domain.acts.study import (
    CohortClosed,
    CohortOpened,
    CohortSlotFreed,
    CohortSlotTaken,
    CommitteeDecided,
    LoggerKeyRegistered,
    StudyApproved,
    StudyDoseStarted,
    StudyHalted,
    StudyProposed,
    StudyResumed,
    ToxicityRecorded,
)
from custody.domain.criteria import StudyContent, content_from
from custody.domain.dossier import Deed, Dossier
from custody.domain.folds.base import MissingFact, newest_both_ways
from custody.domain.ids import CohortId, Digest, DoseId, StudyId
from custody.domain.terms import Committee, CommitteeDecision


@dataclass(frozen=True)
class StudyFold:
    dossier: Dossier
    study: StudyId

    @cached_property
    def approved(self) -> dict[int, StudyContent]:
        """Every version ever put in force, by number; old lots and doses are still judged by theirs."""
        study = self.study
        return self.dossier.once(study, "approved", lambda ledger: _approved(ledger, study))

    def criteria(self, version: int) -> StudyContent:
        """The version with this number. Raises MissingFact when it was never approved."""
        found = self.approved.get(version)
        if found is None:
            raise MissingFact("criteria", node=self.study)
        return found

    def criteria_at(self, moment: datetime) -> StudyContent:
        """The version that was in force at a moment. Raises MissingFact when none was."""
        return self.criteria(self.version_at(moment))

    def version_at(self, moment: datetime) -> int:
        """The number of the version that was in force at a moment. Raises MissingFact when none was."""
        approved = [d.act.study_version for d in self.dossier.deeds(self.study, StudyApproved) if d.recorded_at <= moment]
        if not approved:
            raise MissingFact("criteria", node=self.study)
        return approved[-1]

    @property
    def criteria_now(self) -> StudyContent:
        last = self.dossier.last(self.study, StudyApproved)
        if last is None:
            raise MissingFact("criteria", node=self.study)
        return self.criteria(last.act.study_version)

    @property
    def is_halted(self) -> Deed[StudyHalted] | None:
        """The halt that stands, or None."""
        found = newest_both_ways(self.dossier.deeds(self.study, StudyHalted, StudyResumed))
        return next((d for d in found if isinstance(d.act, StudyHalted)), None)  # type: ignore[return-value]

    def cohort_open(self, cohort: CohortId) -> Deed[CohortOpened] | None:
        """The opening of the cohort, when it is still open."""
        deeds = [d for d in self.dossier.deeds(self.study, CohortOpened, CohortClosed) if d.act.cohort == cohort]
        found = newest_both_ways(tuple(deeds))
        return found[0] if found and all(isinstance(d.act, CohortOpened) for d in found) else None  # type: ignore[return-value]

    def committee_approved(self, committee: Committee, cohort: CohortId) -> Deed[CommitteeDecided] | None:
        """The committee's latest decision on the cohort, when it is to open it."""
        decisions = [d for d in self.dossier.deeds(self.study, CommitteeDecided) if d.act.committee is committee and d.act.cohort == cohort]
        found = newest_both_ways(tuple(decisions))
        return found[0] if found and all(d.act.decision is CommitteeDecision.OPEN for d in found) else None

    def slots(self, cohort: CohortId) -> tuple[DoseId, ...]:
        """Doses that hold a place in the cohort now: one that was started keeps it, whichever of its bags are given back."""
        taken: dict[DoseId, None] = {}
        for deed in self.dossier.deeds(self.study, CohortSlotTaken, CohortSlotFreed):
            if deed.act.cohort != cohort:
                continue
            if isinstance(deed.act, CohortSlotTaken):
                taken[deed.act.dose] = None
            else:
                taken.pop(deed.act.dose, None)
        started = (deed.act.dose for deed in self.doses_started(cohort))
        return tuple(dict.fromkeys((*taken, *started)))

    def doses_started(self, cohort: CohortId) -> tuple[Deed[StudyDoseStarted], ...]:
        return tuple(d for d in self.dossier.deeds(self.study, StudyDoseStarted) if d.act.cohort == cohort)

    def toxicities(self, cohort: CohortId) -> tuple[Deed[ToxicityRecorded], ...]:
        return tuple(d for d in self.dossier.deeds(self.study, ToxicityRecorded) if d.act.cohort == cohort)

    @cached_property
    def logger_keys(self) -> frozenset[Digest]:
        """Fingerprints of the logger keys registered so far."""
        return frozenset(d.act.fingerprint for d in self.dossier.deeds(self.study, LoggerKeyRegistered))


def _approved(dossier: Dossier, study: StudyId) -> dict[int, StudyContent]:
    proposed = {d.act.study_version: d.act.content for d in dossier.deeds(study, StudyProposed)}
    versions = (d.act.study_version for d in dossier.deeds(study, StudyApproved))
    return {version: content_from(proposed[version], version) for version in versions if version in proposed}
