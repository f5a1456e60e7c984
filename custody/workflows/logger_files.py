"""The file of a logger by itself, of a store or of cord tissue: kept, shown by the limits of its kind of cold, and recorded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from custody.domain.cold_chain import Stay, judge_life
from custody.domain.cold_chain_criteria import ColdChainCriteria
from custody.domain.folds.base import MissingFact
from custody.domain.folds.study import StudyFold
from custody.domain.ids import Digest, LoggerId
from custody.domain.masking import Viewer
from custody.domain.terms import StorageForm
from custody.errors import InputError, MalformedFileError, NotFoundError
from custody.intake.logger_file import LoggerFile, check_signature
from custody.store import attachments
from custody.workflows import sight
from custody.workflows.dossiers import dossier_of
from custody.workflows.outcome import Outcome
from custody.workflows.receiving import MEDIA_TYPE, FileShown, is_recorded, keep_read_file
from custody.workflows.signer import Signer
from custody.workflows.temperature import Upload, read


@dataclass(frozen=True, kw_only=True)
class FileFound(FileShown):
    """`klass`: what all readings together would be judged, by the limits of `criteria`."""

    klass: int


def keep_file(connection: Connection, viewer: Viewer, upload: Upload) -> Digest:
    """Keep an uploaded file whole, before anybody accepts it.

    Raises InputError for one that is recorded already, NotFoundError for a logger nobody registered.
    """
    logger = upload.act.logger
    sight.require(connection, viewer, logger)
    if is_recorded(connection, logger, upload.act.file):
        raise InputError(f"this file of logger {logger} is recorded already", code="file_recorded_already", field="file", logger=logger)
    return attachments.keep(connection, upload.data, MEDIA_TYPE, upload.name)


def show_file(connection: Connection, viewer: Viewer, digest: Digest, form: StorageForm | None = None) -> FileFound:
    """What a kept file says. `form`: whose limits; without it those in whose range most readings lie.

    Raises NotFoundError for what nobody uploaded, what is no file of a logger, and where no study says how to judge.
    """
    file = _readable(attachments.fetch(connection, digest).data, digest)
    logger = LoggerId.parse(file.serial)
    sight.require(connection, viewer, logger)
    if viewer.study is None:
        raise NotFoundError("no study is chosen", code="no_study")
    study = StudyFold(dossier_of(connection, [viewer.study]), viewer.study)
    try:
        table = study.criteria_now.cold_chain
    except MissingFact as error:
        raise NotFoundError("no study is in force", code="no_study") from error
    criteria = table.for_form(form) if form is not None else max(map(table.for_form, StorageForm), key=lambda limits: _inside(file, limits))
    judged = judge_life((Stay(place=file.serial, start=file.series.start, end=file.series.end, traces=(file.series,)),), criteria)
    return FileFound(
        digest=digest,
        logger=logger,
        file=file,
        signature=check_signature(file, {key.value for key in study.logger_keys}),
        criteria=criteria,
        excursions=judged.excursions,
        minutes_outside=judged.minutes_outside,
        gaps=file.series.gaps(criteria.silence_allowed(file.interval_minutes)),
        accepted=is_recorded(connection, logger, digest),
        klass=judged.klass,
    )


def accept_file(connection: Connection, viewer: Viewer, upload: Upload, signer: Signer, now: datetime) -> Outcome:
    """Record the readings of a kept file. Raises InputError when they are recorded already."""
    logger = upload.act.logger
    sight.require(connection, viewer, logger)
    if is_recorded(connection, logger, upload.act.file):
        raise InputError(f"this file of logger {logger} is recorded already", code="file_recorded_already", logger=logger)
    return keep_read_file(connection, upload, signer, now, expected_logger=logger).outcome


def _readable(data: bytes, digest: Digest) -> LoggerFile:
    try:
        return read(data)
    except (InputError, MalformedFileError) as error:
        raise NotFoundError(f"no attachment {digest}", code="not_found") from error


def _inside(file: LoggerFile, limits: ColdChainCriteria) -> int:
    """How many readings lie in the range of class 0."""
    low = limits.class_0_from
    return sum((low is None or low <= reading.celsius) and reading.celsius <= limits.class_0_to for reading in file.series.readings)
