"""Corrections: what may be corrected, what the act is judged on meanwhile, and the same correction in the other streams of the deed."""

from __future__ import annotations

import json

from custody.domain.acts.base import Act
from custody.domain.acts.codec import act_from, body_of
from custody.domain.acts.people import (
    AccountCreated,
    AccountDisabled,
    RoleGranted,
    RoleRevoked,
    SecretSet,
    SignaturePolicyAccepted,
)
from custody.domain.acts.record import Corrected
from custody.domain.acts.study import StudyApproved, StudyProposed
from custody.domain.dossier import Deed, Dossier
from custody.domain.ids import StudyId
from custody.errors import InputError, NotFoundError, OutOfOrderError
from custody.ledger.canonical import canonical
from custody.workflows.consequences import same_deed_elsewhere
from custody.workflows.order import judged_act

NEVER_CORRECTED = (
    # Limits are never edited in place (design section 5): another version is proposed and approved.
    StudyProposed,
    StudyApproved,
    # An account is never made over to somebody else (21 CFR 11.100a); a grant is revoked and given anew.
    AccountCreated,
    AccountDisabled,
    RoleGranted,
    RoleRevoked,
    SecretSet,
    SignaturePolicyAccepted,
)


def check_readable(act: Act) -> None:
    """Raises InputError when what stands in the place of the wrong act cannot be read."""
    if not isinstance(act, Corrected):
        return
    try:
        body = json.loads(act.replacement)
    except ValueError as error:
        raise InputError("the corrected content cannot be read; open the form again", code="not_text", field="replacement") from error
    if not isinstance(body, dict):
        raise InputError("the corrected content is no act; open the form again", code="not_a_group", field="replacement")
    act_from(act.act, act.act_version, body)


def check_correction(act: Act, dossier: Dossier) -> None:
    """Raises NotFoundError, OutOfOrderError or InputError when a correction does not fit the entry it names."""
    if not isinstance(act, Corrected):
        return
    wrong, right = _wrong(act, dossier), judged_act(act)
    if wrong.act.rule.name != act.act or right.subject != act.subject:
        raise OutOfOrderError("a correction keeps the kind of act and what it is about", code="not_the_same_act")
    if isinstance(right, NEVER_CORRECTED):
        raise OutOfOrderError(
            f"“{right.rule.title}” is not corrected in place: record what follows it, such as a new version or grant",
            code="never_corrected",
        )
    if not act.reason.strip():
        raise InputError("a correction needs its reason", code="reason_needed", field="reason")
    if body_of(right) == body_of(wrong.act):
        raise InputError("this correction changes nothing; change the value that is wrong", code="nothing_corrected", field="replacement")
    elsewhere(act, dossier)


def without_wrong(act: Act, dossier: Dossier) -> Dossier:
    """The dossier a correction is judged on: as if the wrong act, and what it brought about in other streams, had never been."""
    if not isinstance(act, Corrected):
        return dossier
    wrong = _wrong(act, dossier)
    known = dossier.without(act.subject, act.entry)
    for deed in _brought_about(wrong, dossier):
        known = known.without(deed.act.subject, deed.digest)
    return known


def elsewhere(act: Corrected, dossier: Dossier) -> tuple[Corrected, ...]:
    """The correction of the same deed in each other stream where its facts change.

    Raises OutOfOrderError when it would need a fact more or less there: that is a step of its own, not a correction.
    """
    wrong = _wrong(act, dossier)
    study = _study(wrong)
    before, after = (same_deed_elsewhere(each, dossier, study) for each in (wrong.act, judged_act(act)))
    if [(type(fact), fact.subject) for fact in before] != [(type(fact), fact.subject) for fact in after]:
        names = ", ".join(sorted({str(fact.subject) for fact in (*before, *after)}))
        raise OutOfOrderError(
            f"this correction would change what stands about other things ({names}); record the steps that undo it and do it again",
            code="correction_reaches_further",
            names=names,
        )
    deeds = _brought_about(wrong, dossier)
    return tuple(
        Corrected(
            node=right.subject,
            entry=deed.digest,
            reason=act.reason,
            act=right.rule.name,
            act_version=right.rule.version,
            replacement=canonical(body_of(right)).decode(),
        )
        for deed, right in zip(deeds, after, strict=True)
        if deed.act != right
    )


def _wrong(act: Corrected, dossier: Dossier) -> Deed[Act]:
    deeds: tuple[Deed[Act], ...] = dossier.deeds(act.subject)
    wrong = next((d for d in deeds if d.digest == act.entry), None)
    if wrong is None:
        raise NotFoundError("the entry to correct does not stand in this stream", code="no_such_entry")
    return wrong


def _study(deed: Deed[Act]) -> StudyId | None:
    return deed.act.subject if isinstance(deed.act.subject, StudyId) else deed.entry.study


def _brought_about(wrong: Deed[Act], dossier: Dossier) -> tuple[Deed[Act], ...]:
    """The deeds in other streams that were written with this one, in the order in which it brings them."""
    return tuple(_written_with(wrong, fact, dossier) for fact in same_deed_elsewhere(wrong.act, dossier, _study(wrong)))


def _written_with(wrong: Deed[Act], fact: Act, dossier: Dossier) -> Deed[Act]:
    deeds: tuple[Deed[Act], ...] = dossier.deeds(fact.subject)
    # One transaction, one time: the same fact of an earlier deed is not meant.
    for deed in deeds:
        if deed.act == fact and deed.recorded_at == wrong.recorded_at:
            return deed
    raise OutOfOrderError(
        f"what this act brought about for {fact.subject} does not stand there as it was written; it cannot be corrected",
        code="consequence_gone",
        seen=fact.subject,
    )
