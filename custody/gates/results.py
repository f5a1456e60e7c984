"""QC: every required result is there, has a verdict, passes, was reviewed by a second person, and no investigation is open (rules G5)."""

from __future__ import annotations

from datetime import datetime

from custody.domain.acts.release import ResultsConcluded
from custody.domain.folds.judged import NOT_YET_A_RESULT, JudgedResult, JudgedTest, shown_limit, shown_result
from custody.domain.folds.results import Results
from custody.domain.ids import Digest
from custody.domain.verdict import Blocked, Outcome, Passed, Reason
from custody.gates.case import Case
from custody.gates.registry import gate

SOURCE = "rules 7, G5"


@gate("QC-UNIT", revision=1, title="Every result has a verdict: its unit and number can be compared with the limit", source=SOURCE)
def results_can_be_judged(case: Case, _now: datetime) -> Outcome:
    results = case.lot.results
    for test in results.binding:
        for judged in test.standing:
            if judged.judgement.passed is None and judged.judgement.reason not in NOT_YET_A_RESULT:
                return Blocked(why_no_verdict(results, test, judged), (judged.digest,))
    return Passed(_standing(results))


def why_no_verdict(results: Results, test: JudgedTest, judged: JudgedResult) -> Reason:
    """Why a recorded result has no verdict: its unit, its number, or because it is not a result yet."""
    result, why = judged.deed.act, judged.judgement.reason
    match why:
        case "unit_unconvertible":
            return Reason("unit_not_convertible", test=test.code, seen=result.unit, expected=test.row.unit)
        case "label_missing":
            return Reason("missing", what="label_cells", node=results.node.key)
        case "read_too_early":
            return Reason("read_too_early", test=test.code, seen=result.read_at, expected=judged.earliest_read_at)
        case "sample_not_taken":
            return Reason("sample_not_taken", test=test.code, sample=result.sample)
        case "missing":
            return Reason("results_missing", tests=test.code)
        case _:
            return Reason("result_unreadable", test=test.code, seen=shown_result(result))


@gate("QC-MISS", revision=1, title="Every required result is there", source=SOURCE)
def results_are_there(case: Case, _now: datetime) -> Outcome:
    results = case.lot.results
    if not results.must_pass:  # a specification that asks for nothing proves nothing
        return Blocked(Reason("missing", what="release_specification"))
    missing = [test.code for test in results.must_pass if test.counts is None]
    if missing:
        return Blocked(Reason("results_missing", tests=", ".join(missing)))
    for test in results.must_pass:
        judged = test.counts
        if judged is not None and judged.judgement.reason in NOT_YET_A_RESULT:
            return Blocked(why_no_verdict(results, test, judged), (judged.digest,))
    return Passed(results.evidence(*(test.code for test in results.must_pass)))


@gate("QC-FAIL", revision=1, title="No result is outside its limit", source=SOURCE)
def results_within_limits(case: Case, _now: datetime) -> Outcome:
    results = case.lot.results
    for test in results.binding:
        failed = [r for r in test.standing if r.failed]
        if failed:
            return Blocked(out_of_limits(results, test, failed[-1]), tuple(r.digest for r in failed))
    return Passed(_standing(results))


def out_of_limits(results: Results, test: JudgedTest, judged: JudgedResult) -> Reason:
    """What was measured and what the specification expects."""
    expected = shown_limit(test.row.limit(results.tier))
    return Reason("result_out_of_limits", test=test.code, seen=shown_result(judged.deed.act), expected=expected)


@gate("QC-REVIEW", revision=1, title="A second person reviewed every result", source="rules 3, 7, G5")
def results_are_reviewed(case: Case, _now: datetime) -> Outcome:
    results = case.lot.results
    concluding = frozenset(s.person for s in case.signers) if case.proposed_as(ResultsConcluded) is not None else frozenset()
    standing = [(test, judged) for test in results.binding for judged in test.standing]
    for test, judged in standing:
        if judged.is_reviewed and not concluding & judged.analysts:
            continue
        if judged.reviewed_by or concluding & judged.analysts:
            return Blocked(Reason("own_result_reviewed", test=test.code), (judged.digest,))
        return Blocked(Reason("result_not_reviewed", test=test.code), (judged.digest,))
    if not standing:
        return Blocked(Reason("missing", what="results", node=results.node.key))
    return Passed(_standing(results))


@gate("QC-OOS", revision=1, title="No out-of-specification investigation is open", source=SOURCE)
def investigations_are_closed(case: Case, _now: datetime) -> Outcome:
    opened = case.lot.results.open_investigations
    if not opened:
        return Passed()
    names = ", ".join(d.act.investigation for d in opened)
    return Blocked(Reason("investigation_open", investigations=names), tuple(d.digest for d in opened))


def _standing(results: Results) -> tuple[Digest, ...]:
    return tuple(r.digest for test in results.binding for r in test.standing)
