"""What waits for somebody's signature, how one thing stands, and what may be done with it; every line through the masking door."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from custody.domain.acts.base import ACTS, Act
from custody.domain.acts.record import Corrected
from custody.domain.dossier import Dossier, Signed
from custody.domain.duties import Grant, may_join, roles_at
from custody.domain.ids import Digest, Node, node_of
from custody.domain.masking import Seen, Viewer, act_shown
from custody.domain.scope import OF_NO_STUDY
from custody.domain.terms import Role
from custody.store import lookups
from custody.store.lookups import WaitingProposal
from custody.workflows import sight
from custody.workflows.dossiers import dossier_of
from custody.workflows.order import guarding_rule, proposed_act
from custody.workflows.people import Present
from custody.workflows.recording import find_proposal
from custody.workflows.standing import Standing, standing


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A proposal that waits: what, about what, who has signed, which roles may sign next; `mine`: this person may."""

    node: Node
    act: str
    proposal: Digest
    signed: tuple[Signed, ...]
    roles: tuple[Role, ...]
    expires_at: datetime
    mine: bool


def waiting_for(connection: Connection, viewer: Viewer, present: Present, now: datetime) -> Seen[tuple[Waiting, ...]]:
    """Every proposal this person may see: those they can sign first, then the others."""
    found = tuple(_waiting(connection, viewer, present, now))
    return Seen(tuple(sorted(found, key=lambda each: (not each.mine, each.expires_at))))


def waiting_on(connection: Connection, viewer: Viewer, present: Present, nodes: Sequence[Node], now: datetime) -> Seen[tuple[Waiting, ...]]:
    """The proposals that wait on some things, thing by thing."""
    found = tuple(_waiting(connection, viewer, present, now, frozenset(node.key for node in nodes)))
    return Seen(tuple(sorted(found, key=lambda each: nodes.index(each.node))))


def _dossier(connection: Connection, viewer: Viewer, node: Node) -> Dossier:
    return dossier_of(connection, [node, *([viewer.study] if viewer.study is not None else [])])


def _waiting(
    connection: Connection, viewer: Viewer, present: Present, now: datetime, among: frozenset[str] | None = None
) -> Iterator[Waiting]:
    """`among`: of these streams only."""
    every = (item for item in lookups.waiting(connection) if among is None or item.stream in among)
    here = [item for item in every if item.expires_at > now and _of_study(item, viewer)]
    listed = frozenset(sight.listed_among(connection, viewer, dict.fromkeys(node_of(item.stream) for item in here)))
    for item in here:
        if node_of(item.stream) not in listed:
            continue
        found = _one(connection, viewer, present, item)
        if found is not None:
            yield found


def _of_study(item: WaitingProposal, viewer: Viewer) -> bool:
    return viewer.study is None or item.study in {None, viewer.study.value} or node_of(item.stream).kind in OF_NO_STUDY


def _one(connection: Connection, viewer: Viewer, present: Present, item: WaitingProposal) -> Waiting | None:
    node, digest = node_of(item.stream), Digest(item.proposal)
    if not sight.may_find(connection, viewer, node):
        return None
    entry, signed = find_proposal(connection, node, digest)
    act = proposed_act(entry)
    if not act_shown(viewer, act):
        return None
    roles = roles_at(guarding_rule(act), len(signed))
    study = viewer.study if node.kind in OF_NO_STUDY else entry.study
    may = any(grant.role in roles and grant.covers(study) and _joins(act, signed, grant) for grant in present.grants)
    return Waiting(
        node=node,
        act=item.act,
        proposal=digest,
        signed=signed,
        roles=tuple(sorted(roles)),
        expires_at=item.expires_at,
        mine=may and present.person not in {signer.person for signer in signed},
    )


def _joins(act: Act, signed: tuple[Signed, ...], grant: Grant) -> bool:
    return isinstance(act, Corrected) or may_join(guarding_rule(act), signed[0], grant.site)


def standing_of(connection: Connection, viewer: Viewer, node: Node, now: datetime) -> Seen[Standing]:
    """How one thing stands, for its passport."""
    return Seen(standing(_dossier(connection, viewer, node), viewer, node, now))


def acts_possible(connection: Connection, present: Present, node: Node) -> tuple[str, ...]:
    """Acts about this thing that this person may begin, and whose own order allows them now; gates and hold points still decide."""
    done = {deed.act.rule.name for deed in dossier_of(connection, [node]).deeds(node, Act)}
    return tuple(
        rule.name
        for rule in ACTS.values()
        if type(node) in rule.about
        and rule.opens != "first"
        and not (rule.companion or rule.evidence)
        and rule.stage != "record"
        and present.roles & roles_at(rule, 0)
        and (not rule.after or done & set(rule.after))
    )
