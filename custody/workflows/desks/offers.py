"""What one person may do with one thing now, and for everything else the reason in words: a help for people, never a rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from custody.domain.acts.base import ACTS, Act, ActRule
from custody.domain.dossier import Dossier
from custody.domain.duties import roles_at
from custody.domain.ids import Node, StudyId
from custody.domain.terms import Role
from custody.workflows.people import Present


@dataclass(frozen=True, kw_only=True)
class Why:
    """Why something cannot be done now: a key of the catalogue and what it names. `acts` are worded by their titles."""

    key: str
    roles: tuple[Role, ...] = ()
    acts: tuple[str, ...] = ()
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One act about one thing; `why_not` stands where it cannot be begun."""

    act: str
    why_not: Why | None = None


def offers(dossier: Dossier, present: Present, study: StudyId | None, node: Node, acts: Iterable[str]) -> tuple[Offer, ...]:
    """These acts as far as they are about a thing of this kind, in the order given; those that can be begun come first.

    Duty and order are told here; gates and hold points still decide when the act is signed.
    """
    done = frozenset(deed.act.rule.name for deed in dossier.deeds(node, Act))
    fitting = (ACTS[name] for name in acts if type(node) in ACTS[name].about and ACTS[name].opens != "first")
    found = [Offer(act=rule.name, why_not=why_not(rule, present, study, done)) for rule in fitting]
    return tuple(sorted(found, key=lambda offer: offer.why_not is not None))


def why_not(rule: ActRule, present: Present, study: StudyId | None, done: frozenset[str]) -> Why | None:
    """What stands in the way of beginning an act, as far as the person and the stream itself tell."""
    if not may_begin(rule, present, study):
        return Why(key="desk.kit.why_role", roles=tuple(sorted(roles_at(rule, 0))))
    if rule.after and not done & set(rule.after):
        return Why(key="desk.kit.why_first", acts=rule.after)
    return None


def may_begin(rule: ActRule, present: Present, study: StudyId | None) -> bool:
    """Whether one of this person's grants may take the first place in an act."""
    wanted = roles_at(rule, 0)
    return any(grant.role in wanted and grant.covers(study) for grant in present.grants)
