"""What tests of results, release and dose share: the lot of the chain, its results, and verdicts about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from custody.domain.acts.quality import ResultRecorded
from custody.domain.ids import Digest, Node, SampleId
from custody.domain.terms import HoldPoint
from custody.domain.verdict import Finding, Verdict
from custody.workflows.rehearsal.steps import Step
from tests.chain import Chain

LOT_RELEASE = 2
"""Both banks are concluded and released before the lot."""


def of_test(node: Node, test: str, bag: Node | None = None):
    """Which step records the result of a test."""
    return lambda act: act.node == node and act.test == test and (bag is None or act.bag == bag)


def change_result(chain: Chain, test: str, result: str, unit: str | None = None) -> None:
    """Another result in the lot, in the unit it had unless another is given."""
    fields = {"result": result} if unit is None else {"result": result, "unit": unit}
    chain.change("result_recorded", where=of_test(chain.cast.lot, test), **fields)


def drop_result(chain: Chain, test: str) -> None:
    chain.drop("result_recorded", where=of_test(chain.cast.lot, test))


def at_conclusion(chain: Chain) -> Verdict:
    return chain.verdict_at(HoldPoint.RESULT_REVIEW, nth=LOT_RELEASE)


def at_release(chain: Chain) -> Verdict:
    return chain.verdict_at(HoldPoint.RELEASE, nth=LOT_RELEASE)


def add_result(
    chain: Chain,
    test: str,
    result: str,
    unit: str = "",
    *,
    before: str = "result_reviewed",
    nth: int = LOT_RELEASE,
    minutes: float = 1,
    **more,
) -> None:
    """One more result of the lot, from the lot's own sample, before it is reviewed."""
    at = chain.step(before, nth).at - timedelta(minutes=minutes)
    act = ResultRecorded(
        node=chain.cast.lot,
        test=test,
        sample=SampleId(f"Q-{chain.cast.lot}"),
        result=result,
        unit=unit,
        method=f"M-{test}",
        method_version="1",
        instrument="on file",
        read_at=at,
        **more,
    )
    put(chain, act, "demo-analyst-one", at)


def step_of_lot(chain: Chain, name: str) -> Step:
    """The step of that name that is about the lot: the third, after those of the two banks."""
    return chain.step(name, LOT_RELEASE)


def put(chain: Chain, act, by: str | tuple[str, ...], at: datetime, **extra) -> None:
    """A new act at that time."""
    chain.add(act, before="study_proposed", by=by, **extra)
    chain.steps[-1] = replace(chain.steps[-1], at=at)


def review_again(chain: Chain, at: datetime) -> None:
    """A second person reviews whatever was not reviewed."""
    from custody.domain.acts.quality import ResultReviewed

    lot = chain.cast.lot
    put(
        chain,
        ResultReviewed(node=lot, results=()),
        "demo-qc-reviewer-one",
        at,
        late=lambda seen: ResultReviewed(node=lot, results=seen.results_to_review(lot)),
    )


def result_digest(chain: Chain, test: str, node: Node | None = None) -> Digest:
    """The latest result of a test of the lot."""
    return chain.played().result(node or chain.cast.lot, test)


def finding(verdict: Verdict, gate: str) -> Finding:
    return next(f for f in verdict.findings if f.gate == gate)


def values(verdict: Verdict, gate: str) -> dict[str, object]:
    """What the reason of a blocked gate says was seen and expected."""
    return dict(finding(verdict, gate).outcome.reason.values)  # type: ignore[union-attr]
