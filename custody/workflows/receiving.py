"""The receiving desk's own work: a temperature file is kept, read, and tied to its logger before anything is decided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from custody.domain.folds.study import StudyFold
from custody.domain.ids import LoggerId
from custody.errors import InputError
from custody.intake.logger_file import LoggerFile, SignatureState, check_signature
from custody.store import attachments, series
from custody.workflows.dossiers import dossier_of
from custody.workflows.outcome import Outcome
from custody.workflows.recording import record
from custody.workflows.signer import Signer
from custody.workflows.temperature import act_from_file, read


@dataclass(frozen=True, kw_only=True)
class FileRead:
    """A temperature file as the reader sees it, and what became of it."""

    file: LoggerFile
    signature: SignatureState
    outcome: Outcome


def keep_temperature_file(
    connection: Connection, data: bytes, name: str, signer: Signer, now: datetime, *, expected_logger: LoggerId | None = None
) -> FileRead:
    """Keep the bytes as evidence and record what the logger measured; the gates judge it wherever the logger travelled.

    Raises MalformedFileError or InputError for a file that cannot be read, or that another logger wrote: nothing is then recorded.
    """
    file = read(data)
    logger = LoggerId.parse(file.serial)
    if expected_logger is not None and logger != expected_logger:
        raise InputError(
            f"this file was written by logger {logger}; expected {expected_logger}, which travelled with the shipment",
            code="other_logger",
            seen=logger,
            expected=expected_logger,
        )
    outcome = record(connection, act_from_file(logger, file), signer, now)
    attachments.keep(connection, data, "text/plain", name)
    series.keep_series(connection, file.series)
    return FileRead(file=file, signature=_signature(connection, file, signer), outcome=outcome)


def _signature(connection: Connection, file: LoggerFile, signer: Signer) -> SignatureState:
    if signer.study is None:
        return file.signature
    keys = StudyFold(dossier_of(connection, [signer.study]), signer.study).logger_keys
    return check_signature(file, {key.value for key in keys})
