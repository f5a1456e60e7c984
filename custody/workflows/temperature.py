"""What a temperature file becomes: an act on the logger's stream, the parsed series, and the original bytes kept as evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from custody.domain.acts.shipping import LoggerFileRead
from custody.domain.ids import Digest, LoggerId
from custody.domain.terms import SignatureStateWord, StorageForm
from custody.intake.logger_file import LoggerFile, check_signature
from custody.intake.loggers import read_logger_file
from custody.intake.study_files import load_study
from custody.resources import data_dir
from custody.store.connection import Store
from custody.store.series import stored_form
from custody.workflows import reading

SIGNATURE_VALID = {
    SignatureStateWord.VERIFIED: True,
    SignatureStateWord.KEY_NOT_REGISTERED: True,
    SignatureStateWord.INVALID: False,
    SignatureStateWord.NONE: None,
}
"""Whether the arithmetic holds; whether the key is trusted is judged by the gates, from the keys registered by then."""


def read(data: bytes) -> LoggerFile:
    """The file in whatever known format. Raises InputError or MalformedFileError naming what was seen."""
    return read_logger_file(data)


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A logger's file with all that recording it needs: worked out before the lock is taken, for nobody waits while a long one is read."""

    data: bytes
    name: str
    file: LoggerFile
    series: bytes
    act: LoggerFileRead


def upload_of(data: bytes, name: str) -> Upload:
    """Raises InputError or MalformedFileError naming what was seen, UnreadableCodeError for a serial that is no logger's."""
    file = read(data)
    return Upload(data=data, name=name, file=file, series=stored_form(file.series), act=act_from_file(LoggerId.parse(file.serial), file))


def act_from_file(logger: LoggerId, file: LoggerFile) -> LoggerFileRead:
    return LoggerFileRead(
        logger=logger,
        file=Digest(file.sha256),
        series=Digest(file.series.digest),
        format=file.format,
        signature_valid=SIGNATURE_VALID[file.signature],
        key_fingerprint=None if file.key_fingerprint is None else Digest(file.key_fingerprint),
        interval_minutes=file.interval_minutes,
        count=len(file.series.readings),
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
        "count": len(file.series.readings),
        "start": file.series.start.isoformat(),
        "end": file.series.end.isoformat(),
        "min": file.lowest,
        "max": file.highest,
        "mean": file.mean,
        "mkt": file.mean_kinetic,
        "gaps": [{"start": g.start.isoformat(), "end": g.end.isoformat(), "minutes": g.minutes} for g in file.gaps],
        "minutes_out_of_range": file.minutes_out_of_range(criteria),
        "signature": check_signature(file, keys).value,
    }


def _registered_keys(store: Store) -> set[str]:
    """Fingerprints that any study of the store trusts today."""
    with store.reading() as connection:
        return {key.value for study in reading.studies(connection) for key in reading.study_fold(connection, study).logger_keys}
