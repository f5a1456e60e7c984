"""The temperatures of one bag from storage to preparation: every place, its loggers' files, and what QA decided (rules section 11)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Literal, TypeVar

from custody.domain.acts.bedside import BagPreparing
from custody.domain.acts.equipment import LoggerInstalled
from custody.domain.acts.quality import ColdChainDecided, TraceGivenUp
from custody.domain.acts.shipping import BagAccepted
from custody.domain.cold_chain import ClassReason, ColdChainJudgement, Stay, judge_life
from custody.domain.cold_chain_criteria import ColdChainCriteria
from custody.domain.dossier import Deed, Dossier
from custody.domain.folds.cold_events import cold_events, learned_beside
from custody.domain.folds.cold_places import JudgedPlace, Place, places_of
from custody.domain.folds.cold_trips import loggers_of_trip, marks_of, may_be_of_the_trip
from custody.domain.folds.cold_window import days_of
from custody.domain.folds.logger_places import left_at
from custody.domain.folds.lot import LotFold
from custody.domain.folds.registers import span
from custody.domain.folds.shipment import ShipmentFold
from custody.domain.folds.study import StudyFold
from custody.domain.folds.temperature_files import Trace, in_calibration, traces_of
from custody.domain.ids import BagId, Digest, EquipmentId, LoggerId, ShipmentId
from custody.domain.terms import Answer, ColdChainDecision, ProductForm, SignatureStateWord, StorageForm

R = TypeVar("R")
NOT_RELEASABLE = frozenset({"missing_trace", "nothing_measured", "signature_invalid"})
"""Class 2 until the raw file is read or QA gives it up (rules section 11): a decision cannot stand in for a temperature record."""
FilesAre = Literal["young", "too_old"]
_ENDLESS = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class JudgedLife:
    """The class of the life so far with all reasons, worst first, and the files and decisions relied on.

    `last_event_at` is the end of the last thing that is not class 0; `known_at` when the last of them became known.
    """

    klass: int
    reasons: tuple[ClassReason, ...]
    temperatures: ColdChainJudgement
    evidence: tuple[Digest, ...]
    last_event_at: datetime | None
    known_at: datetime | None
    places: tuple[JudgedPlace, ...] = field(repr=False)


@dataclass(frozen=True)
class ColdLife:
    dossier: Dossier
    node: BagId
    study: StudyFold
    lot: LotFold

    @property
    def form(self) -> StorageForm:
        return StorageForm.CRYO if self.lot.form is ProductForm.FROZEN else StorageForm.COLD_2_8

    @property
    def criteria(self) -> ColdChainCriteria:
        """By the lot's own version: minutes are summed over storage and every trip, so one set of limits must judge them all."""
        return self.lot.criteria.cold_chain.for_form(self.form)

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """Where it was, oldest first, until its preparation began. Raises MissingFact when the times contradict each other."""
        return places_of(self.dossier, self.node)

    @property
    def prepared_at(self) -> datetime | None:
        prepared = self.dossier.first(self.node, BagPreparing)
        return prepared.at if prepared is not None else None

    @property
    def rejection(self) -> Deed[ColdChainDecided] | None:
        """QA's rejection is final, whatever was decided before or after."""
        decisions = self.dossier.deeds(self.node, ColdChainDecided)
        return next((d for d in decisions if d.act.decision is ColdChainDecision.REJECT), None)

    def release_of(self, life: JudgedLife) -> Deed[ColdChainDecided] | None:
        """QA's release that covers everything known of this class 2 life, and nothing later than it says."""
        if life.klass != 2 or any(r.code in NOT_RELEASABLE for r in life.reasons) or life.last_event_at is None or life.known_at is None:
            return None
        for deed in reversed(self.dossier.deeds(self.node, ColdChainDecided)):
            covered = life.last_event_at <= min(deed.act.covers_until, deed.recorded_at)
            if covered and life.known_at <= deed.recorded_at:
                return deed
        return None

    def judged(self, now: datetime, *, sign_of_thaw: bool = False) -> JudgedLife:
        """The class of the life so far. `sign_of_thaw`: the receiver sees one now, and it is not yet recorded.

        Raises MissingFact when a temperature file that was read is not at hand, or times contradict each other.
        """
        files = self._files_are(now)
        if files is None:
            return self._judged(now, sign_of_thaw)
        return self._once(("judged", files, sign_of_thaw), lambda fold: ColdLife._judged(fold, ColdLife._moment(fold, files), sign_of_thaw))

    def _files_are(self, now: datetime) -> FilesAre | None:
        """Whether the files of its last storage count at `now`, where that is all that time changes; None where it changes more.

        Once a bag is prepared its cold life is over. In storage it is judged as far as its files reach, while they are young enough.
        """
        last = self.places[-1] if self.places else None
        if last is None or not (self._is_read_in_storage(last, now) if self.prepared_at is None else last.end is not None):
            return None
        return "young" if now <= self._moment("young") else "too_old" if last.end is not None else None

    def _is_read_in_storage(self, last: Place, now: datetime) -> bool:
        """Whether all loggers and files of the place it is in count already, none of them only later than `now`."""
        if last.end is not None or isinstance(last.node, ShipmentId):
            return False
        installed = self.dossier.deeds(last.node, LoggerInstalled)
        there = all(d.act.installed_at < now for d in installed) and self._is_measured_on(last.node, now)
        return there and self._last_storage_read_to() <= now

    def _moment(self, files: FilesAre) -> datetime:
        """The last moment at which they are young enough, or the first at which they are too old."""
        young_until = self._last_storage_read_to() + span(hours=self.study.criteria_now.settings.storage_trace_age_h)
        return young_until if files == "young" else young_until + timedelta(microseconds=1)

    def _last_storage_read_to(self) -> datetime:
        return self._once("read_to", ColdLife._read_to_in_last_storage)

    def _read_to_in_last_storage(self) -> datetime:
        """How far the files of the last place reach into it; for a shipper, whose files never get too old, its end."""
        last = self.places[-1]
        end = last.end if last.end is not None else _ENDLESS
        if isinstance(last.node, ShipmentId):
            return end
        _, traces = self._of_storage(last.node, end)
        return _read_to(traces, last.start, end)

    def _once(self, key: object, work_out: Callable[[ColdLife], R]) -> R:
        def anew(dossier: Dossier) -> R:
            study = StudyFold(dossier, self.study.study)
            return work_out(ColdLife(dossier, self.node, study, LotFold(dossier, self.lot.node, study)))

        return self.dossier.once(self.node, (ColdLife, key, self.study.study), anew)

    def _judged(self, now: datetime, sign_of_thaw: bool) -> JudgedLife:
        places = tuple(self._judged_places(now))
        stays = [p.stay for p in places]
        if sign_of_thaw and stays:
            stays[-1] = replace(stays[-1], sign_of_thaw=True)
        temperatures = judge_life((*stays, *self._end_of_handling(places, now)), self.criteria)
        reasons = sorted((*self._named(temperatures, places), *_doubts(places)), key=lambda reason: -reason.klass)
        evidence = tuple(dict.fromkeys(t.deed.digest for p in places for t in p.overlapping))
        events = cold_events(temperatures, reasons, places, self.criteria)
        return JudgedLife(
            klass=max((r.klass for r in reasons), default=0),
            reasons=tuple(reasons),
            temperatures=temperatures,
            evidence=evidence,
            last_event_at=max((event.ended_at for event in events), default=None),
            known_at=max((*(event.known_at for event in events), *learned_beside(self.dossier, places)), default=None),
            places=places,
        )

    def _judged_places(self, now: datetime) -> Iterator[JudgedPlace]:
        reached = [place for place in self.places if not self._is_under_way(place)]
        for place in reached:
            if isinstance(place.node, ShipmentId):
                yield self._trip(place, place.node, now)
            elif (judged := self._storage(place, place.node, now, last=place is reached[-1])) is not None:
                yield judged

    def _is_under_way(self, place: Place) -> bool:
        """Its loggers are read on arrival; until then nobody can judge the trip."""
        if not isinstance(place.node, ShipmentId) or place.end is not None:
            return False
        return ShipmentFold(self.dossier, place.node, self.study).arrived is None

    def _trip(self, place: Place, node: ShipmentId, now: datetime) -> JudgedPlace:
        shipment = ShipmentFold(self.dossier, node, self.study)
        with_it = loggers_of_trip(self.dossier, self.node, node)
        traces = tuple(trace for logger, times in with_it.items() for trace in traces_of(self.study, logger, *times))
        given_up = (*self.dossier.deeds(node, TraceGivenUp), *self.dossier.deeds(self.node, TraceGivenUp))
        end = place.end if place.end is not None else max(now, place.start)
        stay = Stay(
            place=node.key,
            start=place.start,
            end=end,
            traces=tuple(t.series for t in traces if t.counts),
            marks_tripped=tuple(marks_of(shipment, [t for t in traces if may_be_of_the_trip(self.dossier, t, place.start, end)])),
            sign_of_thaw=self._thaw_recorded(node),
            qa_gave_up=bool(given_up),
        )
        return self._judged_place(place, stay, traces, tuple(with_it))

    def _thaw_recorded(self, shipment: ShipmentId) -> bool:
        accepted = (d for d in self.dossier.deeds(self.node, BagAccepted) if d.act.shipment == shipment)
        return any(d.act.no_sign_of_thaw is Answer.NO for d in accepted)

    def _storage(self, place: Place, equipment: EquipmentId, now: datetime, *, last: bool) -> JudgedPlace | None:
        """Storage it is in, or has just left, is judged as far as its files reach, while they are young enough; None before the first."""
        end = place.end if place.end is not None else (self.prepared_at or max(now, place.start))
        loggers, traces = self._of_storage(equipment, end)
        if last and self._is_measured_on(equipment, end):
            oldest = now - span(hours=self.study.criteria_now.settings.storage_trace_age_h)
            read_to = _read_to(traces, place.start, end)
            if read_to < end and read_to >= oldest:
                end = read_to
        if last and end == place.start:
            return None
        stay = Stay(
            place=equipment.key,
            start=place.start,
            end=end,
            traces=tuple(t.series for t in traces if t.counts),
            qa_gave_up=bool(self.dossier.deeds(self.node, TraceGivenUp)),
        )
        return self._judged_place(place, stay, traces, loggers)

    def _is_measured_on(self, equipment: EquipmentId, end: datetime) -> bool:
        """Whether a logger is there to the end: where none is, no later file will fill the time without one."""
        installed = [d.act for d in self.dossier.deeds(equipment, LoggerInstalled) if d.act.installed_at < end]
        left = [left_at(self.dossier, act) for act in installed]
        return not installed or any(at is None or at >= end for at in left)

    def _of_storage(self, equipment: EquipmentId, end: datetime) -> tuple[tuple[LoggerId, ...], tuple[Trace, ...]]:
        """The loggers installed there before `end`, and their files from then on, until they were taken out or installed elsewhere."""
        installed = [d.act for d in self.dossier.deeds(equipment, LoggerInstalled) if d.act.installed_at < end]
        days = days_of(self.dossier, self.node, self.places)
        traces = tuple(
            t for act in installed for t in traces_of(self.study, act.logger, act.installed_at, left_at(self.dossier, act), days)
        )
        return tuple(act.logger for act in installed), traces

    def _judged_place(self, place: Place, stay: Stay, traces: tuple[Trace, ...], loggers: tuple[LoggerId, ...]) -> JudgedPlace:
        judged = JudgedPlace(place=place, stay=stay, traces=traces, uncalibrated=())
        doubtful = {t.deed.act.logger for t in judged.overlapping if t.counts and not self._in_calibration(t, stay)}
        return replace(judged, uncalibrated=tuple(n for n in dict.fromkeys(loggers) if n in doubtful))

    def _in_calibration(self, trace: Trace, stay: Stay) -> bool:
        """While the file measured this stay; the days are those of where it began."""
        start, end = max(stay.start, trace.series.start), min(stay.end, trace.series.end)
        return in_calibration(self.study, trace.deed.act.logger, start.astimezone(stay.start.tzinfo), end)

    def _end_of_handling(self, places: tuple[JudgedPlace, ...], now: datetime) -> Iterator[Stay]:
        """A bag taken out of storage is in nobody's cold until its preparation begins, or until now: that time is a gap when long.

        It is said by a stay of no length at the end of it, so that the time before it counts as time without data.
        """
        left_at = self.places[-1].end if self.places else None
        if left_at is None:
            return
        over = self.prepared_at or now
        read_to_the_end = bool(places) and places[-1].stay.end == left_at
        too_long = over - left_at > span(minutes=self.criteria.gap_minutes_max)
        if over > left_at and (read_to_the_end or too_long):
            yield Stay(place=self.node.key, start=over, end=over)

    def _named(self, temperatures: ColdChainJudgement, places: tuple[JudgedPlace, ...]) -> Iterator[ClassReason]:
        """The reasons found, with a missing trace named by its cause where its file was read and was not genuine."""
        for reason in temperatures.reasons:
            silent = next((p for p in places if reason.code == "missing_trace" and p.place.node.key == reason.values["place"]), None)
            invalid = [t for t in silent.overlapping if not t.counts] if silent is not None else []
            if invalid:
                yield ClassReason(code="signature_invalid", klass=2, values={"logger": invalid[-1].deed.act.logger})
            else:
                yield reason


def _read_to(traces: tuple[Trace, ...], start: datetime, end: datetime) -> datetime:
    """How far into the stay the files that count reach."""
    return max((min(t.series.end, end) for t in traces if t.counts and start <= t.series.end and t.series.start <= end), default=start)


def _doubts(places: tuple[JudgedPlace, ...]) -> Iterator[ClassReason]:
    """What makes a trace wait for QA besides its temperatures."""
    for place in places:
        for logger in place.uncalibrated:
            yield ClassReason(code="logger_not_calibrated", klass=2, values={"logger": logger, "start": place.stay.start})
        strangers = [t for t in place.overlapping if t.signature is SignatureStateWord.KEY_NOT_REGISTERED]
        for trace in strangers:
            yield ClassReason(code="key_not_registered", klass=2, values={"logger": trace.deed.act.logger})
