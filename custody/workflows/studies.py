"""Limits as signed data: a study version is proposed, shown as a difference, and put in force by signature (design section 5)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from custody.domain.acts.study import StudyApproved, StudyProposed
from custody.domain.criteria import StudyContent, content_digest, content_from, problems_of
from custody.domain.ids import StudyId
from custody.errors import NotFoundError
from custody.intake.study_files import load_study
from custody.workflows.dossiers import dossier_of
from custody.workflows.outcome import Outcome
from custody.workflows.recording import record
from custody.workflows.signer import Signer


@dataclass(frozen=True, kw_only=True)
class Change:
    """One value that differs between two versions; empty text where it does not stand."""

    key: str
    before: str
    after: str


def study_in(folder: Path) -> StudyContent:
    """The study in a folder of TOML files, checked. Raises MalformedFileError naming the file and key."""
    return load_study(folder)[0]


def propose(connection: Connection, folder: Path, signer: Signer, now: datetime) -> tuple[int, Outcome]:
    """Propose the study in `folder` as the next version. Raises MalformedFileError naming the file and key of a fault."""
    content, text = load_study(folder)
    versions = [d.act.study_version for d in dossier_of(connection, [content.protocol.id]).deeds(content.protocol.id, StudyProposed)]
    version = max(versions, default=0) + 1
    act = StudyProposed(study=content.protocol.id, study_version=version, content=text)
    return version, record(connection, act, signer, now)


def approve(connection: Connection, study: StudyId, version: int, confirmed: tuple[str, ...], signer: Signer, now: datetime) -> Outcome:
    """Put a proposed version in force; `confirmed` names every default the approver accepts.

    Raises InputError when it is incomplete, its highest dose does not fit, or a default is not confirmed.
    """
    text = proposed_text(connection, study, version)
    act = StudyApproved(study=study, study_version=version, content_digest=content_digest(text), confirmed_defaults=confirmed)
    return record(connection, act, signer, now)


def proposed_text(connection: Connection, study: StudyId, version: int) -> str:
    """The content of a proposed version. Raises NotFoundError."""
    for deed in dossier_of(connection, [study]).deeds(study, StudyProposed):
        if deed.act.study_version == version:
            return deed.act.content
    raise NotFoundError(f"no version {version} of {study} was proposed", code="not_proposed")


def version_in_force(connection: Connection, study: StudyId) -> int | None:
    last = dossier_of(connection, [study]).last(study, StudyApproved)
    return None if last is None else last.act.study_version


def newest_version(connection: Connection, study: StudyId) -> int:
    """The number of the version proposed last. Raises NotFoundError when there is none."""
    last = dossier_of(connection, [study]).last(study, StudyProposed)
    if last is None:
        raise NotFoundError(f"no version of {study} was proposed; run `custody study propose DIR` first", code="not_proposed")
    return last.act.study_version


def problems(connection: Connection, study: StudyId, version: int) -> tuple[str, ...]:
    """Why the version may not be put in force, in words."""
    return tuple(str(problem) for problem in problems_of(content_from(proposed_text(connection, study, version), version)))


def defaults(connection: Connection, study: StudyId, version: int) -> tuple[tuple[str, str], ...]:
    """Names and values of the settings that stand at custody's default."""
    settings = content_from(proposed_text(connection, study, version), version).settings
    return tuple((name, str(getattr(settings, name))) for name in settings.left_at_default)


def changes(connection: Connection, study: StudyId, old: int | None, new: int) -> tuple[Change, ...]:
    """Every value that differs between two versions (None: between nothing and the new one), by its key."""
    before = dict(_flat(json.loads(proposed_text(connection, study, old)))) if old is not None else {}
    after = dict(_flat(json.loads(proposed_text(connection, study, new))))
    keys = sorted(before.keys() | after.keys())
    return tuple(Change(key=key, before=before.get(key, ""), after=after.get(key, "")) for key in keys if before.get(key) != after.get(key))


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Leaves by path; a list of tables is named by what names its rows, so that a new row in the middle is one change."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for n, item in enumerate(value):
            name = item.get("code") or item.get("id") or item.get("version") or str(n)
            yield from _flat(item, f"{path}[{name}]")
    else:
        yield path, ", ".join(map(str, value)) if isinstance(value, list) else str(value)
