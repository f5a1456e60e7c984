"""What a hold point would say now, before anybody signs: it reads, asks the gates themselves, and writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection

from custody.domain.acts.base import ACTS, Act, ActRule, field_types
from custody.domain.acts.record import FindingKept, VerdictGiven
from custody.domain.dossier import Dossier, Signed
from custody.domain.duties import roles_at
from custody.domain.ids import Digest, Node, StudyId
from custody.domain.masking import Seen, Viewer, verdict_shown
from custody.domain.terms import HoldPoint
from custody.domain.verdict import Reason, Verdict
from custody.errors import LedgerBrokenError, NotFoundError
from custody.workflows import sight
from custody.workflows.dossiers import dossier_of
from custody.workflows.judging import finding_kept, judge, ledger_broken, roots_of
from custody.workflows.people import Present
from custody.workflows.verdicts import NO_PROPOSAL, read_finding

SECOND_TO_COME = frozenset({"one_person", "second_did_not_scan"})
"""Reasons that say no more than that the second person has not come yet."""
BROUGHT_BY_THE_ACT = frozenset(
    {"step", "preparation", "bedside_scans", "release_signature", "sealing", "signer", "receiver", "second_reading"}
)
"""Missing facts that the act itself brings in: what is scanned, answered and signed there."""
AT_RECEIPT = frozenset({"acceptance", "receipt_by_one_person"})
"""The same at G9; at every later hold point an acceptance that is missing stands in the way."""

Foresight = Literal["passed", "excepted", "blocked", "later"]


@dataclass(frozen=True, kw_only=True)
class Foreseen:
    """What one rule says now. `later`: it judges what is scanned, answered or signed at the act itself, so nobody can say yet.

    `reason` of a passed rule is its note. `about`: the bag (or other part) it speaks of, empty for the thing itself.
    """

    gate: str
    outcome: Foresight
    reason: Reason | None = None
    about: str = ""
    evidence: tuple[Digest, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Preview:
    """All rules of a hold point, in the order of the rules page. Never a verdict: the gates run again when the act is signed."""

    hold_point: HoldPoint
    subject: Node
    judged_at: datetime
    findings: tuple[Foreseen, ...]

    def of(self, *outcomes: Foresight) -> tuple[Foreseen, ...]:
        """The rules that came out like this."""
        return tuple(each for each in self.findings if each.outcome in outcomes)

    @property
    def blocking(self) -> tuple[Foreseen, ...]:
        """What stands in the way already."""
        return self.of("blocked")

    @property
    def is_clear(self) -> bool:
        """Nothing that can be known now stands in the way, and something was judged. Not a GO."""
        return not self.blocking and bool(self.of("passed", "excepted"))


@dataclass(frozen=True, kw_only=True)
class _NothingYet(Act):
    """Stands where nobody can say yet what the act will bring: the gates then judge what is recorded, and miss the rest."""

    node: Node

    @property
    def subject(self) -> Node:
        return self.node


def preview(
    connection: Connection, viewer: Viewer, what: Act | HoldPoint, node: Node, now: datetime, *, present: Present | None = None
) -> Seen[Preview]:
    """What the hold point would say about `node` now. Reads only.

    `what`: the act somebody would do, with what is known of it (scans that nobody made must not be made up); or a hold point: then the
    act is the one in which nothing need be said but its thing, and where there is none, rules that need the act are `later`.
    `present`: who would sign first; without them rules about signers are `later`.
    Raises NotFoundError for `node`, or a thing the act names, that does not exist for this viewer.
    """
    act = what if isinstance(what, Act) else plain_act(what, node)
    hold_point = what if isinstance(what, HoldPoint) else what.rule.hold_point
    if hold_point is None:
        raise NotFoundError(f"no hold point guards “{act.rule.title}”", code="page_not_found")
    roots = roots_of(act, node)
    for each in roots:
        sight.require(connection, viewer, each)
    others = (*(() if viewer.study is None else (viewer.study,)), *(() if present is None else (present.account,)))
    try:
        dossier = dossier_of(connection, dict.fromkeys((*roots, *others)))
    except LedgerBrokenError as error:
        return _seen(viewer, ledger_broken(hold_point, act, error, now))
    return foreseen(dossier, viewer, act, hold_point, now, present=present)


def foreseen(
    dossier: Dossier, viewer: Viewer, act: Act, hold_point: HoldPoint, now: datetime, *, present: Present | None = None
) -> Seen[Preview]:
    """The same on a dossier that is open already, as for every row of a list. It must hold what the act names and the signer's account.

    Whoever opened it has asked whether this viewer may see these things. Raises NotFoundError where no study says how to judge.
    """
    if viewer.study is None:
        raise NotFoundError("no study is chosen", code="no_study")
    signers = () if present is None or isinstance(act, _NothingYet) else _signers(present, act.rule, viewer.study, now)
    return _seen(viewer, judge(hold_point, act, signers, dossier, viewer.study, now))


def plain_act(hold_point: HoldPoint, node: Node) -> Act:
    """The one act at this hold point that says nothing but what it is about; a stand-in that brings nothing where there is none."""
    fitting = [rule for rule in ACTS.values() if rule.hold_point is hold_point and type(node) in rule.about and _says_nothing_else(rule)]
    return fitting[0].cls(**{fitting[0].subject_field: node}) if len(fitting) == 1 else _NothingYet(node=node)


def _says_nothing_else(rule: ActRule) -> bool:
    required = {name for name, field in field_types(rule.cls).items() if field.required}
    return required == {rule.subject_field}


def _signers(present: Present, rule: ActRule, study: StudyId, now: datetime) -> tuple[Signed, ...]:
    """The person as they would sign in the first place; nobody where none of their grants allows it."""
    wanted = roles_at(rule, 0)
    grant = next((grant for grant in present.grants if grant.role in wanted and grant.covers(study)), None)
    if grant is None:
        return ()
    meaning = rule.slots[0].meaning if rule.slots else None
    by = Signed(
        account=present.account,
        person=present.person,
        printed_name=present.printed_name,
        role=grant.role,
        site=grant.site,
        meaning=meaning,
        at=now,
    )
    return (by,)


def _seen(viewer: Viewer, verdict: Verdict) -> Seen[Preview]:
    """Through the same door as every verdict: a blinded person reads the neutral sentence."""
    given = VerdictGiven(
        node=verdict.subject,
        hold_point=verdict.hold_point,
        word=verdict.word,
        act="",
        proposal=NO_PROPOSAL,
        judged_at=verdict.judged_at,
        persons=(),
        criteria_versions=(),
        findings=tuple(map(finding_kept, verdict.findings)),
        heads=(),
    )
    shown = verdict_shown(viewer, given)
    return Seen(
        Preview(
            hold_point=shown.hold_point,
            subject=shown.node,
            judged_at=shown.judged_at,
            findings=tuple(_foreseen(viewer, shown.hold_point, finding) for finding in shown.findings),
        )
    )


def _foreseen(viewer: Viewer, hold_point: HoldPoint, finding: FindingKept) -> Foreseen:
    reason = read_finding(finding).reason
    outcome: Foresight = "passed" if finding.outcome == "passed" else "excepted" if finding.outcome == "excepted" else "blocked"
    if outcome == "blocked" and reason is not None and _comes_with_the_act(hold_point, reason):
        outcome = "later"
    evidence = () if viewer.blind else finding.evidence
    return Foreseen(gate=finding.gate, outcome=outcome, reason=reason, about=finding.bag.partition(":")[2], evidence=evidence)


def _comes_with_the_act(hold_point: HoldPoint, reason: Reason) -> bool:
    what = reason.values.get("what") if reason.code == "missing" else reason.code
    nobody_signs_yet = reason.code == "not_signed_by_qualified_person" and not reason.values.get("seen")
    return (
        reason.code in SECOND_TO_COME
        or nobody_signs_yet
        or (reason.code == "missing" and what in BROUGHT_BY_THE_ACT)
        or (hold_point is HoldPoint.RECEIPT and what in AT_RECEIPT)
    )
