"""Controlled documents: which version of a procedure's SOP is in force on a day, and which comes next."""

from __future__ import annotations

from datetime import date

from custody.domain.acts.study import DocumentApproved, DocumentWithdrawn
from custody.domain.dossier import Deed, Dossier
from custody.domain.folds.base import MissingFact
from custody.domain.ids import StudyId


def versions_of(dossier: Dossier, study: StudyId, procedure: str | None = None) -> tuple[Deed[DocumentApproved], ...]:
    """The approved versions of one procedure's document (None: of every one), as they were approved; withdrawn ones too."""
    return tuple(deed for deed in dossier.deeds(study, DocumentApproved) if procedure in {None, deed.act.procedure})


def withdrawal_of(dossier: Dossier, study: StudyId, version: DocumentApproved) -> Deed[DocumentWithdrawn] | None:
    which = (version.procedure, version.document_version)
    found = (deed for deed in dossier.deeds(study, DocumentWithdrawn) if (deed.act.procedure, deed.act.document_version) == which)
    return next(found, None)


def standing_versions(dossier: Dossier, study: StudyId, procedure: str) -> tuple[Deed[DocumentApproved], ...]:
    """Those nobody withdrew, by the day they come into force."""
    found = (deed for deed in versions_of(dossier, study, procedure) if withdrawal_of(dossier, study, deed.act) is None)
    return tuple(sorted(found, key=lambda deed: deed.act.effective_from))


def in_force_on(dossier: Dossier, study: StudyId, procedure: str, day: date) -> Deed[DocumentApproved] | None:
    """The version in force on a day: the last that began. None where the study keeps no document of this procedure here.

    Raises MissingFact where it does and none is in force.
    """
    if not versions_of(dossier, study, procedure):
        return None
    begun = [deed for deed in standing_versions(dossier, study, procedure) if deed.act.effective_from <= day]
    if not begun or (begun[-1].act.effective_until is not None and begun[-1].act.effective_until < day):
        raise MissingFact("document_in_force", node=study)
    return begun[-1]


def next_after(dossier: Dossier, study: StudyId, procedure: str, day: date) -> Deed[DocumentApproved] | None:
    """The version that comes into force next, after this day."""
    return next((deed for deed in standing_versions(dossier, study, procedure) if deed.act.effective_from > day), None)
