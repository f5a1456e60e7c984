"""Acts about acts: proposals, countersignatures, corrections, and the verdicts themselves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from custody.domain.acts.base import Act, act
from custody.domain.ids import Digest, Node
from custody.domain.terms import HoldPoint, Meaning, Role, VerdictWord

ANYTHING = (Node,)
EVERYONE = tuple(Role)
RECORD = "it follows the rules of the act it is about"


@act(
    "proposed",
    opens="may",
    title="Proposed, waiting for the other person",
    about=ANYTHING,
    unguarded_because="a proposal has no effect until its last signature, when the hold point runs",
    biz_step="other",
    by=EVERYONE,
)
@dataclass(frozen=True, kw_only=True)
class Proposed(Act):
    """`proposal` is the digest that was signed: act, version and body in canonical form; `body` is that canonical text."""

    node: Node
    proposal: Digest
    act: str
    act_version: int
    body: str
    expires_at: datetime


@act(
    "countersigned",
    title="Countersigned",
    about=ANYTHING,
    after=("proposed",),
    unguarded_because=RECORD,
    biz_step="other",
    by=EVERYONE,
)
@dataclass(frozen=True, kw_only=True)
class Countersigned(Act):
    """`answers` is the canonical text of everything the second person scanned and read again, empty where they only signed."""

    node: Node
    proposal: Digest
    meaning: Meaning
    answers: str = ""


@act(
    "proposal_withdrawn",
    title="Proposal withdrawn",
    about=ANYTHING,
    after=("proposed",),
    unguarded_because="it only takes away",
    biz_step="other",
    by=EVERYONE,
)
@dataclass(frozen=True, kw_only=True)
class ProposalWithdrawn(Act):
    node: Node
    proposal: Digest
    reason: str


@act(
    "corrected",
    title="Corrected",
    about=ANYTHING,
    unguarded_because="it passes the hold point of the act it corrects",
    biz_step="other",
    by=EVERYONE,
)
@dataclass(frozen=True, kw_only=True)
class Corrected(Act):
    """The entry `entry` stays visible; from now on the dossier reads `replacement` (canonical text of the body) in its place."""

    node: Node
    entry: Digest
    reason: str
    act: str
    act_version: int
    replacement: str


@dataclass(frozen=True, kw_only=True)
class FindingKept:
    """One finding of a verdict: gate and revision, outcome, and for a block the reason as canonical text."""

    gate: str
    revision: int
    outcome: str
    reason: str = ""
    bag: str = ""
    evidence: tuple[Digest, ...] = ()


@act(
    "verdict_given",
    title="Verdict",
    about=ANYTHING,
    unguarded_because="a verdict is evidence, go or no-go",
    biz_step="inspecting",
    by=EVERYONE,
    evidence=True,
)
@dataclass(frozen=True, kw_only=True)
class VerdictGiven(Act):
    """Everything needed to show the verdict again for ever, and to judge it again with the same software.

    `heads`: how far each stream had been written when the verdict read it, as `stream position digest`.
    """

    node: Node
    hold_point: HoldPoint
    word: VerdictWord
    act: str
    proposal: Digest
    judged_at: datetime
    persons: tuple[str, ...]
    criteria_versions: tuple[int, ...]
    findings: tuple[FindingKept, ...]
    heads: tuple[str, ...]
