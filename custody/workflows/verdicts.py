"""The verdict kept last about a thing at a hold point, as a viewer may read it."""

from __future__ import annotations

from sqlalchemy import Connection

from custody.domain.acts.record import VerdictGiven
from custody.domain.ids import Digest, Node
from custody.domain.masking import Seen, Viewer, verdict_shown
from custody.domain.terms import HoldPoint
from custody.domain.verdict import Verdict
from custody.store import entries
from custody.workflows.judging import finding_kept

NO_PROPOSAL = Digest("0" * 64)
"""Stands where a verdict was about no proposal."""


def latest_verdict(connection: Connection, viewer: Viewer, node: Node, hold_point: HoldPoint) -> Seen[VerdictGiven] | None:
    """The last verdict in the stream of `node` at this hold point, or None."""
    for entry in reversed(entries.load_evidence(connection, node.key)):
        if isinstance(entry.act, VerdictGiven) and entry.act.hold_point is hold_point:
            return Seen(verdict_shown(viewer, entry.act))
    return None


def verdict_of_entry(connection: Connection, viewer: Viewer, digest: Digest) -> Seen[VerdictGiven] | None:
    """The verdict that this entry keeps, or None when it keeps none."""
    entry = entries.entry_by_digest(connection, digest)
    return Seen(verdict_shown(viewer, entry.act)) if entry is not None and isinstance(entry.act, VerdictGiven) else None


def not_kept(viewer: Viewer, verdict: Verdict, act: str) -> Seen[VerdictGiven]:
    """A verdict that could not be kept (CANNOT CHECK), in the form in which pages read verdicts."""
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
    return Seen(verdict_shown(viewer, given))
