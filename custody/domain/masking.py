"""What a viewer may see: the one door through which a dossier, a verdict or a page leaves a workflow (design section 8).

In the blinded phase a blinded role learns nothing that only one arm can have: no lot, donor, bank, QC value, and one neutral sentence
for every reason that would tell the arms apart (rules section 13). In an open phase nothing is masked.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Generic, TypeVar

from custody.domain.acts.base import Act, marked_nodes
from custody.domain.acts.codec import act_from
from custody.domain.acts.record import Corrected, FindingKept, VerdictGiven
from custody.domain.duties import Grant
from custody.domain.ids import AccountId, Node, SiteId, StudyId
from custody.domain.scope import Reach, reach_of
from custody.domain.terms import BLINDED_ROLES, Role

T_co = TypeVar("T_co", covariant=True)

HIDDEN_KINDS = frozenset({"donor", "donation", "tissue", "bank", "lot", "material"})
"""Things of which a blinded role may not learn that they exist."""

HIDDEN_STAGES = frozenset({"donation", "manufacturing", "quality", "release"})
"""Acts of these stages are not shown to a blinded role; holds on a bag reach it as a neutral STOP."""

TELLING_GATES = frozenset(
    {"BAG-REL", "BAG-COLD", "BAG-RECALL", "BAG-DONOR", "BAG-HOLD", "DOS-TEST", "DOS-CELLS", "DOS-ENDO", "DOS-DMSO", "ALO-MIX"}
)
"""Gates whose reason, or whose very code, only one arm may have."""

NEUTRAL_GATE = "BAG-STOP"
NEUTRAL_REASON = '{"code":"not_for_use","values":{}}'


@dataclass(frozen=True, kw_only=True)
class Viewer:
    """Who looks. `blind` is true when every role they hold is a blinded one and a blinded phase of their study has begun.

    `by_grants` is how far their grants reach; without it, all their roles are taken to be held at `site`.
    """

    account: AccountId
    printed_name: str
    roles: frozenset[Role]
    site: SiteId
    study: StudyId | None
    blind: bool
    by_grants: Reach | None = None

    @cached_property
    def reach(self) -> Reach:
        """Which things are in their scope (design section 7)."""
        if self.by_grants is not None:
            return self.by_grants
        return reach_of((Grant(role, self.site, None) for role in self.roles), self.study, account=self.account)

    def may_see(self, node: Node) -> bool:
        return not (self.blind and node.kind in HIDDEN_KINDS)


def is_blind(roles: frozenset[Role], *, blinded_phase: bool) -> bool:
    return blinded_phase and bool(roles) and roles <= BLINDED_ROLES


@dataclass(frozen=True)
class Seen(Generic[T_co]):
    """A value that went through the door. Pages, exports and messages accept nothing else."""

    value: T_co


def act_shown(viewer: Viewer, act: Act) -> bool:
    """Whether an act may appear at all for this viewer."""
    if not viewer.blind:
        return True
    if isinstance(act, Corrected):
        act = act_from(act.act, act.act_version, json.loads(act.replacement))
    if act.rule.stage in HIDDEN_STAGES:
        return False
    return all(viewer.may_see(node) for node in marked_nodes(act, None))


def verdict_shown(viewer: Viewer, verdict: VerdictGiven) -> VerdictGiven:
    """The verdict as this viewer may read it: telling gates become one neutral finding, heads and persons stay."""
    if not viewer.blind:
        return verdict
    findings = tuple(_neutral(finding) if finding.gate in TELLING_GATES else _without_note(finding) for finding in verdict.findings)
    return replace(verdict, findings=tuple(dict.fromkeys(findings)), heads=())


def _neutral(finding: FindingKept) -> FindingKept:
    if finding.outcome == "passed":
        return FindingKept(gate=NEUTRAL_GATE, revision=1, outcome="passed", bag=finding.bag)
    return FindingKept(gate=NEUTRAL_GATE, revision=1, outcome=finding.outcome, reason=NEUTRAL_REASON, bag=finding.bag)


def _without_note(finding: FindingKept) -> FindingKept:
    """What a passed gate adds (“no donor”, “made without cells”) may tell the arm."""
    return replace(finding, reason="") if finding.outcome == "passed" else finding
