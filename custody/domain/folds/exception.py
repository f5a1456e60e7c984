"""The exceptional release of one failed result for one dose: its steps, how long it is valid, and what it covers (rules section 9.4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property

from custody.domain.acts.base import Act
from custody.domain.acts.release import (
    ExceptionAccepted,
    ExceptionNeverListConfirmed,
    ExceptionRequested,
    ExceptionRiskEvaluated,
    ExceptionSponsorNotified,
    ReleasedExceptionally,
)
from custody.domain.criteria import Settings
from custody.domain.dossier import Deed, Dossier
from custody.domain.folds.dose import DoseFold
from custody.domain.folds.judged import JudgedResult, JudgedTest, changed_at, shown_limit, shown_result
from custody.domain.folds.lot import LotFold
from custody.domain.folds.results import Results
from custody.domain.folds.study import StudyFold
from custody.domain.ids import Digest, DoseId, LotId
from custody.domain.quality import NumberLimit
from custody.domain.terms import Need, Tier
from custody.domain.verdict import Reason

STEPS: tuple[type[Act], ...] = (
    ExceptionRequested,
    ExceptionRiskEvaluated,
    ExceptionNeverListConfirmed,
    ExceptionAccepted,
    ExceptionSponsorNotified,
)
"""Steps (a) to (e) of rules section 9.4, in their order."""


@dataclass(frozen=True)
class FailedResult:
    """A failed result that somebody wants excepted, with the results it stands among."""

    results: Results
    test: JudgedTest
    result: JudgedResult


@dataclass(frozen=True)
class ExceptionFold:
    dossier: Dossier
    node: DoseId
    study: StudyFold

    @cached_property
    def dose(self) -> DoseFold:
        return DoseFold(self.dossier, self.node, self.study)

    @property
    def settings(self) -> Settings:
        """By the study version that judges the dose."""
        return self.dose.criteria.settings

    @cached_property
    def steps(self) -> tuple[Deed[Act] | None, ...]:
        """The last act of each step, in the order of the rules; None where there is none."""
        return tuple(self.dossier.last(self.node, kind) for kind in STEPS)

    @property
    def request(self) -> Deed[ExceptionRequested] | None:
        return self.dossier.last(self.node, ExceptionRequested)

    @property
    def first_step_out_of_order(self) -> type[Act] | None:
        """The first step that is missing, or that was signed before the step it answers (or before its correction)."""
        before: Deed[Act] | None = None
        for kind, deed in zip(STEPS, self.steps, strict=True):
            if deed is None:
                return kind
            if before is not None and (deed.entry.position < before.entry.position or deed.recorded_at < changed_at(before)):
                return kind
            before = deed
        return None

    @property
    def releases(self) -> tuple[Deed[ReleasedExceptionally], ...]:
        return self.dossier.deeds(self.node, ReleasedExceptionally)

    @property
    def valid_until(self) -> datetime | None:
        """The end of the latest exceptional release; at this moment it is no longer valid. None when there is none."""
        return max((self._ends(d) for d in self.releases), default=None)

    def _ends(self, release: Deed[ReleasedExceptionally]) -> datetime:
        return min(release.at, release.recorded_at) + timedelta(hours=float(self.settings.exceptional_valid_h))

    def covering(self, lot: LotId, test: str, result: Digest, now: datetime) -> Deed[ReleasedExceptionally] | None:
        """The exceptional release that is valid now and covers exactly this result, which may still be excepted as it reads today."""
        for deed in self.releases:
            act = deed.act
            if (act.lot, act.test, act.result) == (lot, test, result) and now < self._ends(deed) and self.never_reason(act) is None:
                return deed
        return None

    def covers(self, lot: LotId, test: str, result: Digest, now: datetime) -> bool:
        return self.covering(lot, test, result, now) is not None

    def covers_lot(self, lot: LotFold, now: datetime) -> tuple[Digest, ...]:
        """Evidence that a valid exceptional release stands for the whole of an unreleased lot: its one failed result. Empty: it does not.

        Every other test must have passed, or may be pending; a second failure, or a missing result, is nobody's exception.
        """
        if not isinstance(lot.node, LotId):
            return ()
        candidates = {d.act.result for d in self.releases if d.act.lot == lot.node}
        for digest in candidates:
            failed = self.failed_result(lot.node, digest)
            if failed is None or any(other_faults(lot, failed)):
                continue
            covering = self.covering(lot.node, failed.test.code, digest, now)
            if covering is not None:
                return (digest, covering.digest)
        return ()

    def failed_result(self, lot: LotId, result: Digest) -> FailedResult | None:
        """The result with this digest, of the lot or measured on the dose itself; None when it is not there or does not stand failed."""
        for results in (LotFold(self.dossier, lot, self.study).results, self.dose_results(lot)):
            found = results.find(result)
            if found is not None and found[1].failed and found[1] in found[0].standing:
                return FailedResult(results, *found)
        return None

    def dose_results(self, lot: LotId) -> Results:
        """What was measured on the dose itself, against column X and the label of its lot."""
        label = LotFold(self.dossier, lot, self.study).label_cells
        return Results(self.dossier, self.node, Tier.DOSE, self.dose.criteria, self.dose.phase, label)

    def never_reason(self, release: ReleasedExceptionally | ExceptionRequested) -> Reason | None:
        """Why this result may never be excepted; None when it may."""
        lot = LotFold(self.dossier, release.lot, self.study)
        row = lot.criteria.release_by_code.get(release.test)
        if row is None or row.kind == "never":
            return Reason("on_never_list", test=release.test)
        failed = self.failed_result(release.lot, release.result)
        if failed is None or failed.test.code != release.test:
            return Reason("result_not_failed", test=release.test)
        return beyond_exception(failed, self.settings) or next(other_faults(lot, failed), None)


def beyond_exception(failed: FailedResult, settings: Settings) -> Reason | None:
    """Whether the value lies too far out: viability and count have a floor, a marker a few points (rules section 4, exceptions)."""
    judgement, row = failed.result.judgement, failed.test.row
    limit = row.limit(failed.results.tier)
    seen = shown_result(failed.result.deed.act)
    if judgement.number is None or judgement.qualifier or not isinstance(limit, NumberLimit):
        return Reason("beyond_exception", test=row.code, seen=seen, expected=shown_limit(limit))
    lowest, highest = _excepted_range(row.kind, limit, settings)
    if (lowest is None or judgement.number >= lowest) and (highest is None or judgement.number <= highest):
        return None
    expected = f"≥ {lowest} {limit.unit}" if lowest is not None else f"≤ {highest} {limit.unit}"
    return Reason("beyond_exception", test=row.code, seen=seen, expected=expected)


def _excepted_range(kind: str, limit: NumberLimit, settings: Settings) -> tuple[Decimal | None, Decimal | None]:
    """The lowest and highest value that an exceptional release may cover."""
    points = settings.exception_phenotype_points
    ranges: dict[str, tuple[Decimal | None, Decimal | None]] = {
        "viability": (settings.viability_floor, limit.highest),
        "viable_count": (settings.exception_count_floor, limit.highest),
        "phenotype": (
            None if limit.lowest is None else limit.lowest - points,
            None if limit.highest is None else limit.highest + points,
        ),
    }
    return ranges[kind]


def other_faults(lot: LotFold, failed: FailedResult) -> Iterator[Reason]:
    """Everything in the lot's results that the one excepted result does not explain."""
    for test in lot.results.binding:
        for judged in test.standing:
            if judged.failed and judged.digest != failed.result.digest:
                yield Reason("other_test_not_passed", test=test.code)
        is_the_one = any(r.digest == failed.result.digest for r in test.results)
        if test.need is Need.MUST_PASS and not test.passed and not is_the_one:
            yield Reason("other_test_not_passed", test=test.code)
