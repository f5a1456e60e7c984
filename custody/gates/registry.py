"""The gates and the one way to ask them: `evaluate` runs every gate of a hold point and returns all findings."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from custody.domain.folds.base import MissingFact
from custody.domain.ids import Node
from custody.domain.terms import HoldPoint
from custody.domain.verdict import Blocked, Finding, Outcome, Passed, Reason, Verdict
from custody.gates.case import Case
from custody.gates.hold_points import HOLD_POINTS

log = logging.getLogger(__name__)

Rule = Callable[[Case, datetime], Outcome]


@dataclass(frozen=True, kw_only=True)
class Gate:
    """One rule. `each` says whether it is asked once, or once for each bag or donation of the case."""

    id: str
    revision: int
    title: str
    source: str
    each: Literal["subject", "bag", "donation"]
    rule: Rule

    @property
    def hold_points(self) -> tuple[HoldPoint, ...]:
        return tuple(point for point, ids in HOLD_POINTS.items() if self.id in ids)


GATES: dict[str, Gate] = {}


def gate(
    id: str,  # noqa: A002 - the field's own word
    *,
    revision: int,
    title: str,
    source: str,
    each: Literal["subject", "bag", "donation"] = "subject",
) -> Callable[[Rule], Rule]:
    """Enter a rule under its permanent id. Where it runs is said once, in hold_points.HOLD_POINTS."""

    def enter(rule: Rule) -> Rule:
        assert id not in GATES, f"two gates are called {id}"
        assert any(id in ids for ids in HOLD_POINTS.values()), f"no hold point runs {id}"
        GATES[id] = Gate(id=id, revision=revision, title=title, source=source, each=each, rule=rule)
        return rule

    return enter


def evaluate(hold_point: HoldPoint, case: Case, now: datetime) -> Verdict:
    """Every gate of `hold_point` on `case` at `now`, in the order of the rules page. It never raises and never stops early.

    Only a clock that was set back ends it: most rules compare times, so what they say would be as wrong as the clock. One that was set
    back by less than alarms is not believed either: it is as late as the ledger has already seen it, and what has expired stays so.
    """
    unsure = clock_fault(case, now)
    if unsure is not None:
        return Verdict(hold_point=hold_point, subject=case.subject, judged_at=now, findings=(unsure,))
    latest = _latest_known(case, now)
    findings = tuple(f for gate_id in HOLD_POINTS[hold_point] for f in _findings(gate_id, case, latest))
    return Verdict(hold_point=hold_point, subject=case.subject, judged_at=latest, findings=findings)


def _findings(gate_id: str, case: Case, now: datetime) -> Iterator[Finding]:
    found = GATES.get(gate_id)
    if found is None:  # an id in the table without a rule must never count as passed
        yield _system_error(gate_id)
        return
    for part in _parts(found, case):
        if isinstance(part, Finding):
            yield part
            continue
        outcome = _outcome(found, case if part is None else case.for_part(part), now)
        if outcome is None:
            yield _system_error(gate_id, part)
        else:
            yield Finding(gate=found.id, revision=found.revision, outcome=outcome, about=part)


def _parts(found: Gate, case: Case) -> tuple[Node | Finding | None, ...]:
    if found.each == "subject":
        return (None,)
    try:
        parts: tuple[Node, ...] = case.bags if found.each == "bag" else case.donations
        no_donor = found.each == "donation" and not parts and _is_placebo(case)
    except MissingFact as missing:
        return (Finding(gate=found.id, revision=found.revision, outcome=Blocked(missing.reason, missing.evidence)),)
    except Exception:
        log.exception("gate %s could not list its parts", found.id)
        return (_system_error(found.id),)
    if parts:
        return parts
    outcome = Passed(note=Reason("no_donor")) if no_donor else Blocked(Reason("missing", what=found.each))
    return (Finding(gate=found.id, revision=found.revision, outcome=outcome),)


def _is_placebo(case: Case) -> bool:
    from custody.domain.lineage import is_placebo  # noqa: PLC0415 - only where a case has no donation

    return is_placebo(case.dossier, case.subject, case.proposed)


def _outcome(found: Gate, case: Case, now: datetime) -> Outcome | None:
    """The rule's answer; None when it raised, which blocks as SYS-ERROR with the traceback logged."""
    try:
        return found.rule(case, now)
    except MissingFact as missing:
        return Blocked(missing.reason, missing.evidence)
    except Exception:
        log.exception("gate %s could not run", found.id)
        return None


def _system_error(gate_id: str, part: Node | None = None) -> Finding:
    return Finding(gate="SYS-ERROR", revision=1, outcome=Blocked(Reason("rule_failed", gate=gate_id)), about=part)


def clock_fault(case: Case, now: datetime) -> Finding | None:
    """SYS-CLOCK: the server's clock stands before the last entry, so no time can be trusted (rules section 4). None: it does not."""
    last = case.dossier.last_recorded_at
    if last is None or now >= last - _drift_allowed(case):
        return None
    return Finding(gate="SYS-CLOCK", revision=1, outcome=Blocked(Reason("clock_set_back", now=now, last_entry=last)))


def _latest_known(case: Case, now: datetime) -> datetime:
    last = case.dossier.last_recorded_at
    return now if last is None or last <= now else last.astimezone(now.tzinfo)


def _drift_allowed(case: Case) -> timedelta:
    try:
        return timedelta(seconds=float(case.criteria_now.settings.clock_drift_alarm_s))
    except MissingFact:
        return timedelta(0)
