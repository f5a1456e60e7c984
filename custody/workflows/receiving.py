"""The receiving desk's own work: a temperature file is kept, read, shown, and tied to its logger before anything is decided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from custody.domain.acts.shipping import LoggerFileRead
from custody.domain.folds.shipment import ShipmentFold
from custody.domain.folds.study import StudyFold
from custody.domain.ids import Digest, LoggerId, ShipmentId
from custody.domain.terms import SignatureStateWord
from custody.errors import InputError, MalformedFileError, NotFoundError
from custody.intake.logger_file import LoggerFile, check_signature
from custody.store import attachments, entries, series
from custody.workflows.arriving import dossier_for
from custody.workflows.dossiers import dossier_of
from custody.workflows.outcome import Outcome
from custody.workflows.recording import record
from custody.workflows.signer import Signer
from custody.workflows.temperature import FileJudged, Upload, judged, upload_of

MEDIA_TYPE = "text/plain"


@dataclass(frozen=True, kw_only=True)
class FileRead:
    """A temperature file as the reader sees it, and what became of it."""

    file: LoggerFile
    signature: SignatureStateWord
    outcome: Outcome


@dataclass(frozen=True, kw_only=True)
class FileShown:
    """A temperature file before anybody accepts it; `accepted` once it is recorded."""

    digest: Digest
    logger: LoggerId
    said: FileJudged
    signature: SignatureStateWord
    accepted: bool


def keep_temperature_file(
    connection: Connection, data: bytes, name: str, signer: Signer, now: datetime, *, expected_logger: LoggerId | None = None
) -> FileRead:
    """`keep_read_file`, of a file that was not read before."""
    return keep_read_file(connection, upload_of(data, name), signer, now, expected_logger=expected_logger)


def keep_read_file(
    connection: Connection, upload: Upload, signer: Signer, now: datetime, *, expected_logger: LoggerId | None = None
) -> FileRead:
    """Keep the bytes as evidence and record what the logger measured; the gates judge it wherever the logger travelled.

    Raises InputError for a file that another logger wrote: nothing is then recorded.
    """
    logger = upload.act.logger
    if expected_logger is not None and logger != expected_logger:
        raise _other_logger(logger, (expected_logger,))
    outcome = record(connection, upload.act, signer, now)
    attachments.keep(connection, upload.kept, MEDIA_TYPE, upload.name)
    series.keep_series(connection, upload.file.series, upload.series)
    return FileRead(file=upload.file, signature=_signature(connection, upload.file, signer), outcome=outcome)


def kept_upload(connection: Connection, digest: Digest) -> Upload:
    """A file that was uploaded before, read again. Raises NotFoundError for what nobody uploaded and for what is no file of a logger."""
    kept = attachments.fetch(connection, digest)
    try:
        return upload_of(kept.data, kept.name)
    except (InputError, MalformedFileError) as error:
        raise NotFoundError(f"no attachment {digest}", code="not_found") from error


def keep_upload(connection: Connection, shipment: ShipmentId, upload: Upload, signer: Signer) -> Digest:
    """Keep an uploaded file of a logger of this shipment, whole, before anybody accepts it.

    Raises InputError for a file that a logger of another shipment wrote.
    """
    logger = upload.act.logger
    loggers = _shipment(connection, shipment, signer).loggers
    if logger not in loggers:
        raise _other_logger(logger, loggers)
    return attachments.keep(connection, upload.kept, MEDIA_TYPE, upload.name)


def show_upload(connection: Connection, shipment: ShipmentId, digest: Digest, signer: Signer) -> FileShown:
    """What a kept file says, by the limits of this trip. Raises NotFoundError for a file nobody uploaded, or of another shipment."""
    fold = _shipment(connection, shipment, signer)
    criteria = fold.criteria.cold_chain.for_form(fold.planned.act.form)
    said = judged(attachments.fetch(connection, digest).data, (criteria,))
    logger = LoggerId.parse(said.file.serial)
    if logger not in fold.loggers:
        raise NotFoundError(f"no attachment {digest}", code="not_found")
    return FileShown(
        digest=digest,
        logger=logger,
        said=said,
        signature=_signature(connection, said.file, signer),
        accepted=is_recorded(connection, logger, digest),
    )


def accept_upload(connection: Connection, shipment: ShipmentId, upload: Upload, signer: Signer, now: datetime) -> Outcome | None:
    """Record the readings of a kept file. None when the same bytes are recorded already: they are one record.

    Raises NotFoundError for a file of another shipment.
    """
    logger = upload.act.logger
    if logger not in _shipment(connection, shipment, signer).loggers:
        raise NotFoundError(f"no attachment {upload.act.file}", code="not_found")
    if is_recorded(connection, logger, upload.act.file):
        return None
    return keep_read_file(connection, upload, signer, now, expected_logger=logger).outcome


def is_recorded(connection: Connection, logger: LoggerId, digest: Digest) -> bool:
    stream = entries.load_streams(connection, [logger.key])[logger.key]
    return any(isinstance(entry.act, LoggerFileRead) and entry.act.file == digest for entry in stream)


def _shipment(connection: Connection, shipment: ShipmentId, signer: Signer) -> ShipmentFold:
    dossier, study = dossier_for(connection, shipment, signer)
    return ShipmentFold(dossier, shipment, StudyFold(dossier, study))


def _other_logger(seen: LoggerId, expected: tuple[LoggerId, ...]) -> InputError:
    names = ", ".join(logger.value for logger in expected)
    return InputError(
        f"this file was written by logger {seen}; expected {names}, which travelled with the shipment",
        code="other_logger",
        field="file",
        seen=seen,
        expected=names,
    )


def _signature(connection: Connection, file: LoggerFile, signer: Signer) -> SignatureStateWord:
    if signer.study is None:
        return file.signature
    keys = StudyFold(dossier_of(connection, [signer.study]), signer.study).logger_keys
    return check_signature(file, {key.value for key in keys})
