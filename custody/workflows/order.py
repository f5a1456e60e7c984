"""STATE-ORDER: what must be known, and what must stand before an act in its own stream (order across streams is a gate)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import is_dataclass
from typing import Any

from custody.domain.acts.base import ACTS, PLAIN, Act, ActRule, field_types
from custody.domain.acts.bedside import BedsideScanned
from custody.domain.acts.codec import act_from
from custody.domain.acts.record import Corrected, Proposed
from custody.domain.acts.release import ExceptionRequested
from custody.domain.dossier import Deed, Deeds, Dossier, Entry
from custody.domain.duties import AccountFold, Grant
from custody.domain.ids import Node, StudyId
from custody.domain.scope import ADMINISTERED, OF_NO_STUDY, Reach, reach_of, scope_of, sites_of_study
from custody.errors import NotFoundError, OutOfOrderError
from custody.workflows.signer import Signer

NAMED_FROM_OUTSIDE: dict[type[Act], frozenset[str]] = {
    # A scan is evidence, whatever was scanned; the hold point at the bed judges it.
    BedsideScanned: frozenset({"scans"}),
    # The physician asks for a lot that was kept back from them: no bag of it was sent or reserved yet (rules section 9.4 a).
    ExceptionRequested: frozenset({"lot"}),
}
"""Fields that may name a thing outside the signer's scope."""

ReadMore = Callable[[tuple[Node, ...]], Mapping[str, Deeds]]


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
        raise unknown_thing(act.subject)
    if rule.opens == "first" and deeds:
        raise OutOfOrderError(
            f"{act.subject.kind} {act.subject} is known already", code="known_already", kind=act.subject.kind, seen=act.subject
        )
    if rule.after and not any(deed.act.rule.name in rule.after for deed in deeds):
        expected = ", ".join(ACTS[name].title for name in rule.after)
        raise OutOfOrderError(f"{rule.title}: not yet; first: {expected}", code="too_early", act=rule.name, expected=", ".join(rule.after))


def unknown_thing(node: Node) -> NotFoundError:
    """What is said of a thing nobody made known, and of one that does not exist for whoever asks."""
    return NotFoundError(f"there is no {node.kind} {node}", code="unknown_thing", kind=node.kind, seen=node)


def study_of(act: Act, dossier: Dossier, signer: Signer, read_more: ReadMore | None = None) -> StudyId | None:
    """The study the entry belongs to: that of the thing, or of whoever makes it known.

    Raises NotFoundError when the signer works for another study, or the thing or one that the act names lies outside the scope of their
    site: for them it does not exist. `read_more` reads streams that could bring it into scope and that the dossier does not hold.
    """
    _check_scope(act, dossier, signer, read_more)
    if isinstance(act.subject, StudyId):
        return act.subject
    deeds: tuple[Deed[Act], ...] = dossier.deeds(act.subject)
    first = next(iter(deeds), None)
    standing = first.entry.study if first is not None else None
    is_elsewhere = standing is not None and signer.study is not None and standing != signer.study
    if is_elsewhere and act.subject.kind not in OF_NO_STUDY:
        raise unknown_thing(act.subject)
    return standing or signer.study


def _check_scope(act: Act, dossier: Dossier, signer: Signer, read_more: ReadMore | None) -> None:
    """Of a thing that may be new there is nothing to be found: whether it is known already, its order says."""
    person = AccountFold(dossier, signer.account).person
    reach = reach_of((Grant(signer.role, signer.site, None),), signer.study, account=signer.account, person=person)
    subject = () if act.rule.opens == "first" else (act.subject,)
    for node in dict.fromkeys((*_study_in_force(act, dossier, signer), *subject, *_named(act))):
        if dossier.knows(node) and not _is_in_scope(reach, node, dossier.streams, read_more):
            raise unknown_thing(node)


def _study_in_force(act: Act, dossier: Dossier, signer: Signer) -> tuple[StudyId, ...]:
    """Nothing is made or done for a study by people of a site that is none of its sites; accounts and sites belong to no study alone."""
    if signer.study is None or act.subject.kind in ADMINISTERED:
        return ()
    return (signer.study,) if sites_of_study(dossier.streams.get(signer.study.key, Deeds())) else ()


def _is_in_scope(reach: Reach, node: Node, streams: Mapping[str, Deeds], read_more: ReadMore | None) -> bool:
    scope = scope_of(node, streams)
    while not reach.covers(node, scope):
        if read_more is None or not scope.unread:
            return False
        streams = {**streams, **read_more(scope.unread)}
        scope = scope_of(node, streams)
    return True


def _named(act: Act) -> Iterator[Node]:
    """Other things that an act names by number. What is scanned at a hold point is there, wherever it belongs: gates judge it."""
    judged = judged_act(act)
    from_outside = NAMED_FROM_OUTSIDE.get(type(judged), frozenset())
    left_out = from_outside | {judged.rule.subject_field}
    return _nodes_in(judged, left_out, scanned_too=guarding_rule(act).hold_point is None)


def _nodes_in(value: Any, left_out: frozenset[str], *, scanned_too: bool) -> Iterator[Node]:
    for name, field in field_types(type(value)).items():
        if name in left_out:
            continue
        content = getattr(value, name)
        for item in content if isinstance(content, tuple) else (content,):
            if isinstance(item, Node):
                if scanned_too or not field.scanned:
                    yield item
            elif not isinstance(item, PLAIN) and is_dataclass(item):
                yield from _nodes_in(item, frozenset(), scanned_too=scanned_too)
