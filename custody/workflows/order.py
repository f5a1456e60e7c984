"""STATE-ORDER: what must be known, and what must stand before an act in its own stream (order across streams is a gate)."""

from __future__ import annotations

import json

from custody.domain.acts.base import ACTS, Act, ActRule
from custody.domain.acts.codec import act_from
from custody.domain.acts.record import Corrected, Proposed
from custody.domain.dossier import Deed, Dossier, Entry
from custody.domain.ids import StudyId
from custody.errors import NotFoundError, OutOfOrderError
from custody.workflows.signer import Signer


def guarding_rule(act: Act) -> ActRule:
    """The row of the table whose signers and hold point count: a correction follows the act it corrects."""
    return ACTS[act.act] if isinstance(act, Corrected) else act.rule


def judged_act(act: Act) -> Act:
    """The act a hold point judges: of a correction, what it puts in the place of the wrong one."""
    if isinstance(act, Corrected):
        return act_from(act.act, act.act_version, json.loads(act.replacement))
    return act


def proposed_of(entry: Entry) -> Proposed:
    assert isinstance(entry.act, Proposed)
    return entry.act


def proposed_act(entry: Entry) -> Act:
    proposal = proposed_of(entry)
    return act_from(proposal.act, proposal.act_version, json.loads(proposal.body))


def check_order(act: Act, dossier: Dossier) -> None:
    """Raises NotFoundError for a thing nobody made known, OutOfOrderError for an act that comes too early or twice."""
    deeds: tuple[Deed[Act], ...] = dossier.deeds(act.subject)
    rule = act.rule
    if rule.opens == "no" and not deeds:
        raise NotFoundError(f"there is no {act.subject.kind} {act.subject}", code="unknown_thing", kind=act.subject.kind, seen=act.subject)
    if rule.opens == "first" and deeds:
        raise OutOfOrderError(
            f"{act.subject.kind} {act.subject} is known already", code="known_already", kind=act.subject.kind, seen=act.subject
        )
    if rule.after and not any(deed.act.rule.name in rule.after for deed in deeds):
        expected = ", ".join(ACTS[name].title for name in rule.after)
        raise OutOfOrderError(f"{rule.title}: not yet; first: {expected}", code="too_early", act=rule.name, expected=", ".join(rule.after))


def study_of(act: Act, dossier: Dossier, signer: Signer) -> StudyId | None:
    """The study the entry belongs to: that of the thing, or of whoever makes it known.

    Raises NotFoundError when the signer works for another study: for them the thing does not exist.
    """
    if isinstance(act.subject, StudyId):
        return act.subject
    deeds: tuple[Deed[Act], ...] = dossier.deeds(act.subject)
    first = next(iter(deeds), None)
    standing = first.entry.study if first is not None else None
    if standing is not None and signer.study is not None and standing != signer.study:
        raise NotFoundError(f"there is no {act.subject.kind} {act.subject}", code="unknown_thing", kind=act.subject.kind, seen=act.subject)
    return standing or signer.study
