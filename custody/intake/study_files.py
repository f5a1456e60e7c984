"""A study is a folder of TOML files: read, checked key by key, and made one canonical text that the ledger keeps."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path
from typing import Any

from custody.domain.criteria import StudyContent, content_from
from custody.errors import InputError, MalformedFileError
from custody.ledger.canonical import canonical


def load_study(folder: Path) -> tuple[StudyContent, str]:
    """The study in `folder` and its canonical JSON text, in which the order of files and keys makes no difference.

    Raises MalformedFileError naming the file and line of a TOML fault, or the key that is unknown, doubled, missing or of the wrong kind.
    """
    files = sorted(folder.glob("*.toml"))
    if not files:
        raise MalformedFileError(f"{folder} holds no .toml files; a study is a folder of them", code="study_empty")
    content: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for file in files:
        for key, value in _read(file).items():
            if key in content:
                raise MalformedFileError(f"{file.name}: [{key}] stands in {origin[key]} already", code="study_doubled", field=key)
            content[key] = value
            origin[key] = file.name
    text = canonical(content).decode()
    try:
        return content_from(text), text
    except InputError as error:
        where = origin.get((error.field or "").partition(".")[0], folder.name)
        raise MalformedFileError(f"{where}: {error}", code="study_key", field=error.field) from error


def _read(file: Path) -> dict[str, Any]:
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"), parse_float=str)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MalformedFileError(f"{file.name}: {error}", code="study_toml") from error
    return {key: _plain(value) for key, value in table.items()}


def _plain(value: Any) -> Any:
    """Dates and times as text; numbers with a decimal point came as text already, so that they stay exact."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, dt.date | dt.time) else value
