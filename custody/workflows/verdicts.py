"""Verdicts as a viewer may read them: the word, and what blocks, with its reason; kept ones and those that could not be kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from custody.domain.acts.record import FindingKept, VerdictGiven
from custody.domain.ids import Digest, Node
from custody.domain.masking import Seen, Viewer, verdict_shown
from custody.domain.terms import HoldPoint, VerdictWord
from custody.domain.verdict import Reason, Verdict
from custody.gates.hold_points import BAG_HOLDING
from custody.store import entries
from custody.workflows.judging import finding_kept, reason_from
from custody.workflows.outcome import Outcome

NO_PROPOSAL = Digest("0" * 64)
"""Stands where a verdict was about no proposal."""


@dataclass(frozen=True, kw_only=True)
class FindingRead:
    """One rule that blocks. `about`: the name of the bag (or other part) it speaks of, empty for the thing itself."""

    gate: str
    reason: Reason | None
    about: str


@dataclass(frozen=True, kw_only=True)
class VerdictRead:
    """`holds`: whether this STOP put a bag on hold; `passed`: how many rules held."""

    word: VerdictWord
    hold_point: HoldPoint
    judged_at: datetime
    blocking: tuple[FindingRead, ...]
    passed: int
    holds: bool


def read_verdict(viewer: Viewer, given: VerdictGiven) -> Seen[VerdictRead]:
    """A kept verdict through the masking door."""
    shown = verdict_shown(viewer, given)
    blocking = [finding for finding in shown.findings if finding.outcome == "blocked"]
    read = VerdictRead(
        word=shown.word,
        hold_point=shown.hold_point,
        judged_at=shown.judged_at,
        blocking=tuple(dict.fromkeys(map(read_finding, blocking))),
        passed=len(shown.findings) - len(blocking),
        holds=shown.word is VerdictWord.STOP and any(map(places_hold, blocking)),
    )
    return Seen(read)


def read_finding(finding: FindingKept) -> FindingRead:
    reason = reason_from(finding.reason) if finding.reason else None
    return FindingRead(gate=finding.gate, reason=reason, about=finding.bag.partition(":")[2])


def places_hold(finding: FindingKept) -> bool:
    """Whether a STOP for this reason puts that very bag on hold; no other code holds anything (rules section 4)."""
    return finding.outcome == "blocked" and finding.gate in BAG_HOLDING and bool(finding.bag)


def verdict_of(connection: Connection, viewer: Viewer, outcome: Outcome) -> Seen[VerdictRead] | None:
    """The verdict behind an outcome, kept or not; None when no hold point judged."""
    if outcome.verdict_entry is not None:
        entry = entries.entry_by_digest(connection, outcome.verdict_entry)
        if entry is not None and isinstance(entry.act, VerdictGiven):
            return read_verdict(viewer, entry.act)
    return None if outcome.verdict is None else not_kept(viewer, outcome.verdict, outcome.act)


def latest_verdict(connection: Connection, viewer: Viewer, node: Node, hold_point: HoldPoint) -> Seen[VerdictRead] | None:
    """The last verdict in the stream of `node` at this hold point, or None."""
    for entry in reversed(entries.load_evidence(connection, node.key)):
        if isinstance(entry.act, VerdictGiven) and entry.act.hold_point is hold_point:
            return read_verdict(viewer, entry.act)
    return None


def not_kept(viewer: Viewer, verdict: Verdict, act: str) -> Seen[VerdictRead]:
    """A verdict that could not be kept: CANNOT CHECK, because the record or the system itself stands in the way."""
    given = VerdictGiven(
        node=verdict.subject,
        hold_point=verdict.hold_point,
        word=verdict.word,
        act=act,
        proposal=NO_PROPOSAL,
        judged_at=verdict.judged_at,
        persons=(),
        criteria_versions=(),
        findings=tuple(finding_kept(finding) for finding in verdict.findings),
        heads=(),
    )
    return read_verdict(viewer, given)
