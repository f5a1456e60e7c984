"""Whether a version of a controlled document fits the versions that stand."""

from __future__ import annotations

from custody.domain.acts.study import DocumentApproved, DocumentWithdrawn
from custody.domain.dossier import Dossier
from custody.domain.folds.documents import standing_versions, versions_of
from custody.errors import InputError, OutOfOrderError


def approved_fits(act: DocumentApproved, dossier: Dossier) -> None:
    """Raises InputError for dates in reverse or a version that was used, OutOfOrderError for one that begins before what it supersedes."""
    if act.effective_until is not None and act.effective_until < act.effective_from:
        raise InputError("it ends before it begins", code="document_reversed", field="effective_until")
    if not act.document_version.strip() or not act.number.strip():
        raise InputError("give the number and the version that stand on the document", code="document_unnamed", field="document_version")
    if act.document_version in {deed.act.document_version for deed in versions_of(dossier, act.study, act.procedure)}:
        raise InputError(
            "this version was approved before", code="document_version_known", field="document_version", seen=act.document_version
        )
    standing = standing_versions(dossier, act.study, act.procedure)
    if standing and act.effective_from <= standing[-1].act.effective_from:
        before = standing[-1].act
        raise OutOfOrderError(
            f"version {before.document_version} begins on {before.effective_from}; a later one begins after it",
            code="document_begins_before",
            field="effective_from",
            expected=before.effective_from,
            seen=before.document_version,
        )


def withdrawn_fits(act: DocumentWithdrawn, dossier: Dossier) -> None:
    """Raises OutOfOrderError for a version that does not stand."""
    standing = {deed.act.document_version for deed in standing_versions(dossier, act.study, act.procedure)}
    if act.document_version not in standing:
        raise OutOfOrderError(
            f"no version {act.document_version} stands", code="document_unknown", field="document_version", seen=act.document_version
        )
