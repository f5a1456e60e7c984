"""Controlled documents for the registers: every version with its dates, and by when people must be trained in the next one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from custody.domain.acts.people import TrainingRecorded
from custody.domain.acts.study import DocumentApproved
from custody.domain.deeds import Deed
from custody.domain.dossier import Dossier
from custody.domain.folds.base import MissingFact
from custody.domain.folds.documents import in_force_on, next_after, standing_versions, versions_of, withdrawal_of
from custody.domain.folds.study import StudyFold
from custody.domain.ids import AccountId


@dataclass(frozen=True, kw_only=True)
class Version:
    """One approved version. `state`: withdrawn, superseded, expired, in_force or to_come; `until`: its last day, None while open."""

    procedure: str
    number: str
    version: str
    since: date
    until: date | None
    review_due_on: date
    approved_by: str
    state: str


@dataclass(frozen=True, kw_only=True)
class Untrained:
    """A person of a procedure who must be trained in `version`, by the day it comes into force; `is_due`: it is in force already."""

    procedure: str
    version: str
    by: date
    is_due: bool


def versions(study: StudyFold, today: date) -> tuple[Version, ...]:
    """Every version of every document, the newest of each first."""
    found = versions_of(study.dossier, study.study)
    return tuple(_version(study, deed, today) for deed in sorted(found, key=lambda d: (d.act.procedure, -d.act.effective_from.toordinal())))


def _version(study: StudyFold, deed: Deed[DocumentApproved], today: date) -> Version:
    act = deed.act
    withdrawn = withdrawal_of(study.dossier, study.study, act)
    standing = standing_versions(study.dossier, study.study, act.procedure)
    later = next((each.act for each in standing if each.act.effective_from > act.effective_from), None)
    state: str
    until: date | None
    if withdrawn is not None:
        state, until = "withdrawn", withdrawn.recorded_at.date()
    elif later is not None and later.effective_from <= today:
        state, until = "superseded", date.fromordinal(later.effective_from.toordinal() - 1)
    else:
        until = act.effective_until if later is None else date.fromordinal(later.effective_from.toordinal() - 1)
        ended = act.effective_until is not None and act.effective_until < today
        state = "to_come" if act.effective_from > today else "expired" if ended else "in_force"
    return Version(
        procedure=act.procedure,
        number=act.number,
        version=act.document_version,
        since=act.effective_from,
        until=until,
        review_due_on=act.review_due_on,
        approved_by=deed.signers[0].printed_name,
        state=state,
    )


def untrained(dossier: Dossier, account: AccountId, study: StudyFold | None, today: date) -> tuple[Untrained, ...]:
    """In which versions this person still has to be trained, for procedures they were ever trained in; what is due already first."""
    if study is None:
        return ()
    found: list[Untrained] = []
    for procedure in dict.fromkeys(deed.act.procedure for deed in dossier.deeds(account, TrainingRecorded)):
        trained = {deed.act.document_version for deed in dossier.deeds(account, TrainingRecorded) if deed.act.procedure == procedure}
        for version, is_due in (
            (_current(study, procedure, today), True),
            (next_after(study.dossier, study.study, procedure, today), False),
        ):
            if version is not None and version.act.document_version not in trained:
                act = version.act
                found.append(Untrained(procedure=procedure, version=act.document_version, by=act.effective_from, is_due=is_due))
    return tuple(sorted(found, key=lambda each: (not each.is_due, each.by)))


def _current(study: StudyFold, procedure: str, today: date) -> Deed[DocumentApproved] | None:
    try:
        return in_force_on(study.dossier, study.study, procedure, today)
    except MissingFact:
        return None  # the register of documents says that none is in force
