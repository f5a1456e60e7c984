"""One cord tissue: how it was packed, how it travelled, whether it was accepted, and when its processing began."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from custody.domain.acts.donation import TissueAccepted, TissueArrived, TissuePacked, TissueRejected
from custody.domain.acts.manufacturing import ProcessingStarted
from custody.domain.acts.shipping import LoggerFileRead
from custody.domain.cold_chain import ColdChainJudgement, Stay, judge_life
from custody.domain.dossier import Deed, Dossier
from custody.domain.folds.base import MissingFact
from custody.domain.folds.donation import DonationFold
from custody.domain.folds.registers import LoggerFold
from custody.domain.folds.study import StudyFold
from custody.domain.ids import TissueId
from custody.domain.terms import SignatureStateWord


@dataclass(frozen=True)
class TissueFold:
    dossier: Dossier
    node: TissueId
    study: StudyFold

    @cached_property
    def packed(self) -> Deed[TissuePacked]:
        """Raises MissingFact when nobody packed it."""
        found = self.dossier.last(self.node, TissuePacked)
        if found is None:
            raise MissingFact("tissue_packed", node=self.node)
        return found

    @cached_property
    def arrived(self) -> Deed[TissueArrived]:
        """Raises MissingFact when it has not arrived."""
        found = self.dossier.last(self.node, TissueArrived)
        if found is None:
            raise MissingFact("tissue_arrived", node=self.node)
        return found

    @cached_property
    def accepted(self) -> Deed[TissueAccepted] | None:
        return self.dossier.last(self.node, TissueAccepted)

    @cached_property
    def rejected(self) -> Deed[TissueRejected] | None:
        return self.dossier.last(self.node, TissueRejected)

    @cached_property
    def processing_started(self) -> Deed[ProcessingStarted] | None:
        return self.dossier.last(self.node, ProcessingStarted)

    @cached_property
    def donation(self) -> DonationFold:
        return DonationFold(self.dossier, self.packed.act.donation, self.study)

    @cached_property
    def logger(self) -> LoggerFold:
        return LoggerFold(self.dossier, self.packed.act.logger, self.study)

    @cached_property
    def trip_files(self) -> tuple[Deed[LoggerFileRead], ...]:
        """The files of its logger that speak for the way from packing to arrival, whatever their signature is worth."""
        return self.logger.files_over(self.packed.act.packed_at, self.arrived.act.arrived_at)

    @cached_property
    def verified_trip_files(self) -> tuple[Deed[LoggerFileRead], ...]:
        return tuple(d for d in self.trip_files if self.logger.signature_of(d.act) is SignatureStateWord.VERIFIED)

    @cached_property
    def trip(self) -> ColdChainJudgement:
        """The cold-chain class of the way, from the verified files alone, by the 2-8 °C limits in force now.

        Raises MissingFact when the readings of a file are not at hand, or the arrival lies before the packing.
        """
        start, end = self.packed.act.packed_at, self.arrived.act.arrived_at
        if end < start:
            raise MissingFact("tissue_trip_times", node=self.node, evidence=(self.packed.digest, self.arrived.digest))
        files = self.verified_trip_files
        traces = tuple(found for d in files if (found := self.dossier.readings(d.act.series)) is not None)
        if len(traces) != len(files):
            raise MissingFact("temperature_readings", node=self.logger.node, evidence=tuple(d.digest for d in files))
        stay = Stay(
            place=self.node.key,
            start=start,
            end=end,
            traces=traces,
            marks_tripped=("shock_or_tilt",) if any(d.act.shock_or_tilt for d in files) else (),
        )
        return judge_life((stay,), self.study.criteria_now.cold_chain.cold_2_8)
