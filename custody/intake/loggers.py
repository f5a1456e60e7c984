"""Recognises the format of a temperature logger's file and reads it, or says what was seen instead."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from custody.errors import InputError
from custody.intake.berlinger import read_berlinger
from custody.intake.logger_file import LoggerFile

BERLINGER_START = b"Device: Q-tag "

SIGNS = (
    (b"%PDF", "a PDF report"),
    (b"PK\x03\x04", "a ZIP or Office file"),
    (b"\xef\xbb\xbf", "UTF-8 text with a byte-order mark, as an editor saves it"),
    (b"\xff\xfe", "UTF-16 text, as an editor saves it"),
    (b"\xfe\xff", "UTF-16 text, as an editor saves it"),
)


def read_logger_file(data: bytes, registered_fingerprints: AbstractSet[str] = frozenset()) -> LoggerFile:
    """The file in whatever known format it is; times in UTC, the signature checked against the registered keys.

    Raises InputError for an unknown format, saying what was seen, and MalformedFileError for a known one that is broken.
    """
    if data.startswith(BERLINGER_START):
        return read_berlinger(data, registered_fingerprints)
    seen = _seen(data)
    expected = "the text export of a Berlinger Q-tag or Fridge-tag (.txt), as the logger wrote it"
    raise InputError(
        f"this is {seen}; expected a temperature logger's own file: {expected}",
        code="unknown_logger_format",
        seen=seen,
    )


def _seen(data: bytes) -> str:
    if not data:
        return "an empty file"
    for start, what in SIGNS:
        if data.startswith(start):
            return what
    if b"\x00" in data[:1000]:
        return "a binary file"
    first_line = data[:200].decode("latin-1").splitlines()[0][:60]
    return f"a text that begins with “{''.join(character if character.isprintable() else '·' for character in first_line)}”"
