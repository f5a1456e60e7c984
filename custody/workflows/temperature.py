"""What a temperature file becomes: an act on the logger's stream, the parsed series, and the original bytes kept as evidence."""

from __future__ import annotations

from custody.domain.acts.shipping import LoggerFileRead
from custody.domain.ids import Digest, LoggerId
from custody.intake.logger_file import LoggerFile, SignatureState
from custody.intake.loggers import read_logger_file

SIGNATURE_VALID = {
    SignatureState.VERIFIED: True,
    SignatureState.KEY_NOT_REGISTERED: True,
    SignatureState.INVALID: False,
    SignatureState.NONE: None,
}
"""Whether the arithmetic holds; whether the key is trusted is judged by the gates, from the keys registered by then."""


def read(data: bytes) -> LoggerFile:
    """The file in whatever known format. Raises InputError or MalformedFileError naming what was seen."""
    return read_logger_file(data)


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
