"""One QC result and one test as judged: which result counts, and whether a bad one stops the lot (rules section 7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from custody.domain.acts.quality import ResultRecorded
from custody.domain.criteria import ReleaseTest
from custody.domain.deeds import A, Deed
from custody.domain.ids import Digest, PersonId
from custody.domain.quality import Judgement, Limit, TextLimit
from custody.domain.terms import Need

TOO_EARLY = "read_too_early"
NO_SAMPLE = "sample_not_taken"
NO_LIMIT = "no_limit"
BLANK = "missing"
"""Reasons of a Judgement without a verdict; the first three are made here, the last by `quality.judge`."""

NOT_YET_A_RESULT = frozenset({TOO_EARLY, NO_SAMPLE, BLANK})


def changed_at(deed: Deed[A]) -> datetime:
    """When the act last got the content it has now: a correction counts from its own signatures."""
    return max(signer.at for signer in deed.signers) if deed.corrected else deed.recorded_at


@dataclass(frozen=True, kw_only=True)
class JudgedResult:
    """One result and its verdict. `set_aside`: proven a laboratory error and measured again; it stays visible and does not count.

    `earliest_read_at` is when the test may be read for the first time, where it needs time to grow.
    """

    deed: Deed[ResultRecorded]
    judgement: Judgement
    reviewed_by: frozenset[PersonId]
    set_aside: bool
    earliest_read_at: datetime | None

    @property
    def digest(self) -> Digest:
        return self.deed.digest

    @property
    def failed(self) -> bool:
        return self.judgement.passed is False

    @property
    def analysts(self) -> frozenset[PersonId]:
        """Who measured it and who corrected it."""
        return self.deed.persons | {self.deed.began.by.person}

    @property
    def is_reviewed(self) -> bool:
        """Reviewed, since its last correction, by somebody who did not measure it."""
        return bool(self.reviewed_by - self.analysts)


@dataclass(frozen=True, kw_only=True)
class JudgedTest:
    """One row of the release specification with all its results, oldest first."""

    row: ReleaseTest
    need: Need
    results: tuple[JudgedResult, ...]

    @property
    def code(self) -> str:
        return self.row.code

    @property
    def standing(self) -> tuple[JudgedResult, ...]:
        return tuple(r for r in self.results if not r.set_aside)

    @cached_property
    def counts(self) -> JudgedResult | None:
        """The result that counts: a failed one before one without a verdict before the latest; never an average (rules section 7).

        An interim reading or one of an unknown sample counts only when there is nothing else.
        """
        standing = self.standing
        for group in (
            [r for r in standing if r.failed],
            [r for r in standing if r.judgement.passed is None and r.judgement.reason not in NOT_YET_A_RESULT],
            [r for r in standing if r.judgement.passed],
            standing,
        ):
            if group:
                return group[-1]
        return None

    @property
    def passed(self) -> bool:
        return self.counts is not None and self.counts.judgement.passed is True

    @property
    def failed(self) -> bool:
        return self.counts is not None and self.counts.failed

    @property
    def is_binding(self) -> bool:
        """Whether a bad result stops the lot: every test that must pass or may be pending.

        Growth, an organism or a leak stops it even where the tier does not ask for that test; information never does.
        """
        asked = self.need in {Need.MUST_PASS, Need.MAY_BE_PENDING}
        return asked or (self.need is Need.NOT_TESTED and bool(self.row.accepted))


def shown_limit(limit: Limit) -> str:
    """A limit as people write it: `80–120 % of label`, `≤ 0.5 EU/ml`, `no growth`."""
    if isinstance(limit, TextLimit):
        return " / ".join(limit.accepted)
    if limit.lowest is not None and limit.highest is not None:
        return f"{limit.lowest}–{limit.highest} {limit.unit}".strip()
    return f"≥ {limit.lowest} {limit.unit}" if limit.lowest is not None else f"≤ {limit.highest} {limit.unit}"


def shown_result(result: ResultRecorded) -> str:
    """A result as the analyst wrote it, with its unit."""
    return f"{result.result} {result.unit}".strip()
