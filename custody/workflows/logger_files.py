"""The file of a logger by itself, of a store or of cord tissue: kept, shown by the limits of its kind of cold, and recorded."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from custody.domain.folds.base import MissingFact
from custody.domain.folds.study import StudyFold
from custody.domain.ids import Digest, LoggerId
from custody.domain.masking import Viewer
from custody.domain.terms import StorageForm
from custody.errors import InputError, MalformedFileError, NotFoundError
from custody.intake.logger_file import check_signature
from custody.store import attachments
from custody.workflows import sight
from custody.workflows.dossiers import dossier_of
from custody.workflows.outcome import Outcome
from custody.workflows.receiving import MEDIA_TYPE, FileShown, is_recorded, keep_read_file
from custody.workflows.signer import Signer
from custody.workflows.temperature import Upload, judged


def keep_file(connection: Connection, viewer: Viewer, upload: Upload) -> Digest:
    """Keep an uploaded file whole, before anybody accepts it.

    Raises InputError for one that is recorded already, NotFoundError for a logger nobody registered.
    """
    logger = upload.act.logger
    sight.require(connection, viewer, logger)
    if is_recorded(connection, logger, upload.act.file):
        raise InputError(f"this file of logger {logger} is recorded already", code="file_recorded_already", field="file", logger=logger)
    return attachments.keep(connection, upload.kept, MEDIA_TYPE, upload.name)


def show_file(connection: Connection, viewer: Viewer, digest: Digest, form: StorageForm | None = None) -> FileShown:
    """What a kept file says. `form`: whose limits; without it those in whose range most readings lie.

    Raises NotFoundError for what nobody uploaded, what is no file of a logger, and where no study says how to judge.
    """
    if viewer.study is None:
        raise NotFoundError("no study is chosen", code="no_study")
    study = StudyFold(dossier_of(connection, [viewer.study]), viewer.study)
    try:
        table = study.criteria_now.cold_chain
    except MissingFact as error:
        raise NotFoundError("no study is in force", code="no_study") from error
    try:
        said = judged(attachments.fetch(connection, digest).data, tuple(map(table.for_form, StorageForm if form is None else (form,))))
    except (InputError, MalformedFileError) as error:
        raise NotFoundError(f"no attachment {digest}", code="not_found") from error
    logger = LoggerId.parse(said.file.serial)
    sight.require(connection, viewer, logger)
    return FileShown(
        digest=digest,
        logger=logger,
        said=said,
        signature=check_signature(said.file, {key.value for key in study.logger_keys}),
        accepted=is_recorded(connection, logger, digest),
    )


def accept_file(connection: Connection, viewer: Viewer, upload: Upload, signer: Signer, now: datetime) -> Outcome:
    """Record the readings of a kept file. Raises InputError when they are recorded already."""
    logger = upload.act.logger
    sight.require(connection, viewer, logger)
    if is_recorded(connection, logger, upload.act.file):
        raise InputError(f"this file of logger {logger} is recorded already", code="file_recorded_already", logger=logger)
    return keep_read_file(connection, upload, signer, now, expected_logger=logger).outcome
