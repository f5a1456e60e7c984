"""What a temperature file becomes: an act on the logger's stream, the parsed series, and the original bytes kept as evidence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from custody.domain.acts.shipping import LoggerFileRead
from custody.domain.cold_chain_criteria import ColdChainCriteria
from custody.domain.ids import Digest, LoggerId
from custody.domain.outline import outline
from custody.domain.readings import Gap, Series
from custody.domain.stored_series import stored_series
from custody.domain.terms import SignatureStateWord, StorageForm
from custody.domain.time_in_band import Excursion
from custody.intake.logger_file import LoggerFile, check_signature
from custody.intake.loggers import read_logger_file
from custody.intake.study_files import load_study
from custody.resources import data_dir
from custody.store.attachments import Packed, packed
from custody.store.connection import Store
from custody.store.series import stored_form
from custody.workflows import reading
from custody.workflows.aside import aside

SIGNATURE_VALID = {
    SignatureStateWord.VERIFIED: True,
    SignatureStateWord.KEY_NOT_REGISTERED: True,
    SignatureStateWord.INVALID: False,
    SignatureStateWord.NONE: None,
}
"""Whether the arithmetic holds; whether the key is trusted is judged by the gates, from the keys registered by then."""


LONG_FROM_BYTES = 1 << 20
"""Forty thousand readings, which take half a second."""


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A logger's file with all that recording it needs: worked out before the lock is taken, for nobody waits while a long one is read."""

    name: str
    kept: Packed
    file: LoggerFile
    series: bytes
    act: LoggerFileRead


@dataclass(frozen=True, kw_only=True)
class FileJudged:
    """What a file says by the limits of `criteria`, all readings together; `outline` is what is drawn of it."""

    file: LoggerFile
    criteria: ColdChainCriteria
    klass: int
    minutes_outside: Decimal
    excursions: tuple[Excursion, ...]
    gaps: tuple[Gap, ...]
    outline: Series


def upload_of(data: bytes, name: str) -> Upload:
    """The file in whatever known format.

    Raises InputError or MalformedFileError naming what was seen, UnreadableCodeError for a serial that is no logger's.
    """
    file, series, act = aside(_read, data) if len(data) > LONG_FROM_BYTES else _read(data)
    return Upload(name=name, kept=packed(data), file=file, series=series, act=act)


def judged(data: bytes, limits: tuple[ColdChainCriteria, ...]) -> FileJudged:
    """By those of `limits` in whose range most readings lie. Raises InputError or MalformedFileError naming what was seen."""
    return aside(_judged, data, limits) if len(data) > LONG_FROM_BYTES else _judged(data, limits)


def _read(data: bytes) -> tuple[LoggerFile, bytes, LoggerFileRead]:
    file = _handed_on(read_logger_file(data))
    return file, stored_form(file.series), act_from_file(LoggerId.parse(file.serial), file)


def _judged(data: bytes, limits: tuple[ColdChainCriteria, ...]) -> FileJudged:
    file = read_logger_file(data)
    criteria = limits[0] if len(limits) == 1 else max(limits, key=lambda each: _inside(file.series, each))
    whole, gaps = file.judged(criteria), file.series.gaps(criteria.silence_allowed(file.interval_minutes))
    return FileJudged(
        file=_handed_on(file),
        criteria=criteria,
        klass=whole.klass,
        minutes_outside=whole.minutes_outside,
        excursions=whole.excursions,
        gaps=gaps,
        outline=outline(file.series, gaps),
    )


def _handed_on(file: LoggerFile) -> LoggerFile:
    """The file, to be handed on: its figures are worked out, and its readings are bytes, which take a tenth of the memory."""
    figures = {name: getattr(file, name) for name in ("lowest", "highest", "mean", "mean_kinetic")}
    shorter = replace(file, series=stored_series(file.series.canonical_bytes))
    vars(shorter).update(figures)
    return shorter


def _inside(series: Series, limits: ColdChainCriteria) -> int:
    """How many readings lie in the range of class 0."""
    low = limits.class_0_from
    return sum((low is None or low <= celsius) and celsius <= limits.class_0_to for celsius in series.celsius_values)


def act_from_file(logger: LoggerId, file: LoggerFile) -> LoggerFileRead:
    return LoggerFileRead(
        logger=logger,
        file=Digest(file.sha256),
        series=Digest(file.series.digest),
        format=file.format,
        signature_valid=SIGNATURE_VALID[file.signature],
        key_fingerprint=None if file.key_fingerprint is None else Digest(file.key_fingerprint),
        interval_minutes=file.interval_minutes,
        count=file.series.count,
        starts_at=file.series.start,
        ends_at=file.series.end,
        celsius_min=file.lowest,
        celsius_max=file.highest,
    )


def summary(data: bytes, store: Store | None, form: StorageForm = StorageForm.COLD_2_8) -> dict[str, Any]:
    """What a file says, for `custody logger read`: times as ISO text in UTC, figures as exact decimals.

    Without a store no key is registered. `form` chooses the range that minutes are counted against: the published one, because a file by
    itself belongs to no study. Raises InputError or MalformedFileError naming what was seen.
    """
    keys = set() if store is None else _registered_keys(store)
    file = read_logger_file(data, keys)
    criteria = load_study(data_dir("seed_data") / "studies" / "nct06505941")[0].cold_chain.for_form(form)
    return {
        "serial": file.serial,
        "format": file.format,
        "interval_minutes": file.interval_minutes,
        "count": file.series.count,
        "start": file.series.start.isoformat(),
        "end": file.series.end.isoformat(),
        "min": file.lowest,
        "max": file.highest,
        "mean": file.mean,
        "mkt": file.mean_kinetic,
        "gaps": [{"start": g.start.isoformat(), "end": g.end.isoformat(), "minutes": g.minutes} for g in file.gaps],
        "minutes_out_of_range": file.judged(criteria).minutes_outside,
        "signature": check_signature(file, keys).value,
    }


def _registered_keys(store: Store) -> set[str]:
    """Fingerprints that any study of the store trusts today."""
    with store.reading() as connection:
        return {key.value for study in reading.studies(connection) for key in reading.study_fold(connection, study).logger_keys}
