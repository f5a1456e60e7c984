"""The participant as the ledger knows them: consent, eligibility, weights, wristband, doses; nothing that names a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from custody.domain.acts.allocation import (
    ParticipantConsented,
    ParticipantDoseRequested,
    ParticipantEligibilityRecorded,
    ParticipantLeft,
    WeightMeasured,
    WristbandIssued,
)
from custody.domain.acts.bedside import ParticipantDoseClosed, ParticipantDoseStarted
from custody.domain.dossier import Deed, Dossier
from custody.domain.folds.base import MissingFact, newest, youngest_of
from custody.domain.folds.study import StudyFold
from custody.domain.ids import DoseId, ParticipantId


@dataclass(frozen=True)
class ParticipantFold:
    dossier: Dossier
    node: ParticipantId
    study: StudyFold

    @property
    def consent(self) -> Deed[ParticipantConsented]:
        """The latest consent. Raises MissingFact when nobody consented."""
        found = newest(self.dossier.deeds(self.node, ParticipantConsented), "participant_consent", self.node)
        if found is None:
            raise MissingFact("participant_consent", node=self.node)
        return found

    @property
    def left(self) -> Deed[ParticipantLeft] | None:
        """The withdrawal, death or screen failure, which is final."""
        return self.dossier.first(self.node, ParticipantLeft)

    @property
    def eligibility(self) -> Deed[ParticipantEligibilityRecorded]:
        """The latest signed eligibility record. Raises MissingFact when there is none."""
        found = newest(self.dossier.deeds(self.node, ParticipantEligibilityRecorded), "participant_eligibility", self.node)
        if found is None:
            raise MissingFact("participant_eligibility", node=self.node)
        return found

    @cached_property
    def weights(self) -> tuple[Deed[WeightMeasured], ...]:
        """Every weighing, oldest first."""
        return self.dossier.deeds(self.node, WeightMeasured)

    def weight_known_at(self, when: datetime | None = None) -> Deed[WeightMeasured]:
        """The newest weighing of those recorded up to `when` (None: of all), by when it was done: a sheet found later is no newer weight.

        Raises MissingFact when there is none.
        """
        youngest = youngest_of(tuple(d for d in self.weights if when is None or d.recorded_at <= when))
        if youngest is None:
            raise MissingFact("weight", node=self.node)
        return youngest

    @property
    def wristband(self) -> Deed[WristbandIssued]:
        """The wristband that counts: the last one put on, which revokes those before. Raises MissingFact when there is none."""
        found = newest(self.dossier.deeds(self.node, WristbandIssued), "wristband", self.node)
        if found is None:
            raise MissingFact("wristband", node=self.node)
        return found

    @cached_property
    def doses_requested(self) -> tuple[DoseId, ...]:
        return tuple(dict.fromkeys(d.act.dose for d in self.dossier.deeds(self.node, ParticipantDoseRequested)))

    @cached_property
    def doses_started(self) -> tuple[Deed[ParticipantDoseStarted], ...]:
        """Doses this participant has been given any of, those recorded late included."""
        return self.dossier.deeds(self.node, ParticipantDoseStarted)

    @cached_property
    def doses_closed(self) -> tuple[DoseId, ...]:
        return tuple(dict.fromkeys(d.act.dose for d in self.dossier.deeds(self.node, ParticipantDoseClosed)))
