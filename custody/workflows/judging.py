"""From a proposed act to a verdict, and from a verdict to the entry that keeps it."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import datetime
from typing import Any

from custody.domain.acts.base import Act, marked_nodes
from custody.domain.acts.codec import encoded
from custody.domain.acts.record import FindingKept, VerdictGiven
from custody.domain.dossier import Dossier, Signed
from custody.domain.folds.base import MissingFact
from custody.domain.folds.study import StudyFold
from custody.domain.ids import Digest, Node, StudyId
from custody.domain.terms import HoldPoint
from custody.domain.verdict import Blocked, Excepted, Finding, Passed, Reason, Verdict
from custody.errors import LedgerBrokenError
from custody.gates import Case, evaluate
from custody.gates.registry import clock_fault
from custody.ledger.canonical import canonical
from custody.workflows.site_days import site_days
from custody.workflows.watching import heard

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d")


def roots_of(act: Act, *others: Node) -> tuple[Node, ...]:
    """What a dossier starts from: the subject, every id in the act, and the signers' accounts."""
    return tuple(dict.fromkeys((act.subject, *marked_nodes(act, None), *others)))


def judge(
    hold_point: HoldPoint,
    act: Act,
    signers: tuple[Signed, ...],
    dossier: Dossier,
    study: StudyId,
    now: datetime,
    second: Act | None = None,
) -> Verdict:
    days = site_days(dossier, now)
    case = Case(subject=act.subject, proposed=act, signers=signers, dossier=dossier, study_id=study, day_at=days, second=second)
    return evaluate(hold_point, case, now)


def clock_set_back(hold_point: HoldPoint, act: Act, dossier: Dossier, study: StudyId, now: datetime) -> Verdict | None:
    """CANNOT CHECK at once, before anything is written with a time that cannot be trusted; None while the clock is right."""
    case = Case(subject=act.subject, proposed=act, signers=(), dossier=dossier, study_id=study, day_at=site_days(dossier, now))
    fault = clock_fault(case, now)
    return None if fault is None else Verdict(hold_point=hold_point, subject=act.subject, judged_at=now, findings=(fault,))


def ledger_broken(hold_point: HoldPoint, act: Act, error: LedgerBrokenError, now: datetime) -> Verdict:
    """CANNOT CHECK, because the record itself does not prove itself; the entry is named."""
    reason = Reason("ledger_broken", where=str(error.values.get("stream", "")), position=str(error.values.get("position", "")))
    finding = Finding(gate="SYS-LEDGER", revision=1, outcome=Blocked(reason))
    return Verdict(hold_point=hold_point, subject=act.subject, judged_at=now, findings=(finding,))


def kept(
    verdict: Verdict, act: Act, proposal: Digest, signers: tuple[Signed, ...], dossier: Dossier, study: StudyId | None
) -> VerdictGiven:
    """The verdict as the ledger keeps it: gates with revisions, findings, heads read, criteria in force."""
    given = VerdictGiven(
        node=verdict.subject,
        hold_point=verdict.hold_point,
        word=verdict.word,
        act=act.rule.name,
        proposal=proposal,
        judged_at=verdict.judged_at,
        persons=tuple(signer.person.value for signer in signers),
        criteria_versions=_criteria_versions(dossier, study),
        findings=tuple(finding_kept(f) for f in verdict.findings),
        heads=tuple(sorted(f"{key} {head.position} {head.digest}" for key, head in dossier.heads.items())),
    )
    return heard(given)


def _criteria_versions(dossier: Dossier, study: StudyId | None) -> tuple[int, ...]:
    if study is None:
        return ()
    try:
        return tuple(sorted(StudyFold(dossier, study).approved))
    except MissingFact:
        return ()


def finding_kept(finding: Finding) -> FindingKept:
    outcome = finding.outcome
    reason = outcome.note if isinstance(outcome, Passed) else outcome.reason
    return FindingKept(
        gate=finding.gate,
        revision=finding.revision,
        outcome={Passed: "passed", Blocked: "blocked", Excepted: "excepted"}[type(outcome)],
        reason="" if reason is None else reason_text(reason),
        bag="" if finding.about is None else finding.about.key,
        evidence=outcome.evidence,
    )


def reason_text(reason: Reason) -> str:
    """A reason as canonical text: its code and its values."""
    values = {name: _value_text(value) for name, value in reason.values.items()}
    return canonical({"code": reason.code, "values": values}).decode()


def _value_text(value: object) -> Any:
    if isinstance(value, frozenset | set | list):
        value = tuple(sorted(value, key=str))
    return encoded(value)


def reason_from(text: str) -> Reason:
    """The reason behind a kept text; times come back as times."""
    parts = json.loads(text)
    return Reason(parts["code"], **{name: _value_from(value) for name, value in parts["values"].items()})


def _value_from(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_value_from(item) for item in value)
    if isinstance(value, str) and TIME.fullmatch(value):
        # What somebody typed may look like a time and be none.
        with suppress(ValueError):
            return datetime.fromisoformat(value)
    return value
