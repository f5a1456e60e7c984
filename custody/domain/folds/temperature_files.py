"""The temperature files of a logger: what each says, whether it is genuine, and whether the logger was in calibration."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from custody.domain.acts.shipping import LoggerCalibrated, LoggerFileRead
from custody.domain.dossier import Deed
from custody.domain.folds.base import MissingFact, newest_by
from custody.domain.folds.study import StudyFold
from custody.domain.ids import LoggerId
from custody.domain.readings import Series
from custody.domain.terms import SignatureStateWord

if TYPE_CHECKING:
    from custody.domain.folds.cold_window import Days


@dataclass(frozen=True, kw_only=True)
class Trace:
    """One temperature file, clipped to the time its logger was in the place, and whether it proves that it is unaltered."""

    deed: Deed[LoggerFileRead]
    series: Series
    signature: SignatureStateWord

    @property
    def counts(self) -> bool:
        """One whose signature is invalid never does; one whose key is not registered does, and waits for QA."""
        return self.signature is not SignatureStateWord.INVALID


def traces_of(
    study: StudyFold, logger: LoggerId, since: datetime | None = None, until: datetime | None = None, days: Days | None = None
) -> tuple[Trace, ...]:
    """The files of one logger; `since`, `until`: readings from before it was in this place, or after it, say nothing about it.

    Those outside `days` are left out.
    Raises MissingFact when the readings of a file are not at hand.
    """
    key = (Trace, since, until, days, study.study)
    return study.dossier.once(logger, key, lambda dossier: tuple(_traces(StudyFold(dossier, study.study), logger, since, until, days)))


def _traces(study: StudyFold, logger: LoggerId, since: datetime | None, until: datetime | None, days: Days | None) -> Iterator[Trace]:
    for deed in study.dossier.deeds(logger, LoggerFileRead):
        if days is not None and days.leave_out(deed):
            continue
        series = study.dossier.readings(deed.act.series)
        if series is None:
            raise MissingFact("temperature_readings", node=logger, evidence=(deed.digest,))
        if (clipped := _within(series, since, until)) is not None:
            yield Trace(deed=deed, series=clipped, signature=signature_of(study, deed.act))


@lru_cache(maxsize=2048)
def _within(series: Series, since: datetime | None, until: datetime | None) -> Series | None:
    """The readings from `since` on and before `until`; None when there is none."""
    if (since is None or since <= series.start) and (until is None or series.end < until):
        return series
    return series.between(since, until)


def signature_of(study: StudyFold, read: LoggerFileRead) -> SignatureStateWord:
    """What the file's signature is worth, by the keys registered so far."""
    if read.signature_valid is None:
        return SignatureStateWord.NONE
    if not read.signature_valid:
        return SignatureStateWord.INVALID
    registered = read.key_fingerprint is not None and read.key_fingerprint in study.logger_keys
    return SignatureStateWord.VERIFIED if registered else SignatureStateWord.KEY_NOT_REGISTERED


def in_calibration(study: StudyFold, logger: LoggerId, start: datetime, end: datetime) -> bool:
    """On every day of a time, as the people who were there at its start counted the days."""
    calibrations = [d.act for d in study.dossier.deeds(logger, LoggerCalibrated)]
    day, last = start.date(), end.astimezone(start.tzinfo).date()
    while day <= last:
        made = [c for c in calibrations if c.calibrated_on <= day]
        youngest = newest_by(made, lambda c: c.calibrated_on)
        if youngest is None or youngest.due_on < day:
            return False
        day += timedelta(days=1)
    return True
