"""QC results of one bank, lot or dose: every result judged against its limit, and which one counts (rules section 7)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property

from custody.domain.acts.quality import OutOfSpecificationClosed, OutOfSpecificationOpened, ResultRecorded, ResultReviewed, SampleTaken
from custody.domain.criteria import ReleaseTest, StudyContent
from custody.domain.dossier import A, Deed, Dossier
from custody.domain.folds.base import MissingFact
from custody.domain.ids import BagId, BankId, Digest, DoseId, LotId, PersonId, SampleId
from custody.domain.quality import Judgement, Limit, TextLimit, judge
from custody.domain.terms import Need, Tier
from custody.errors import InputError

TOO_EARLY = "read_too_early"
NO_SAMPLE = "sample_not_taken"
NO_LIMIT = "no_limit"
BLANK = "missing"
"""Reasons of a Judgement without a verdict; the first three are made here, the last by `quality.judge`."""

NOT_YET_A_RESULT = frozenset({TOO_EARLY, NO_SAMPLE, BLANK})

QUALIFIERS_OF_AN_UPPER_BOUND = frozenset({"", "<", "≤"})


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


@dataclass(frozen=True)
class Results:
    """The results of one node against one tier. `label` is the label count in viable cells; `bag` limits a dose's results to one bag."""

    dossier: Dossier
    node: BankId | LotId | DoseId
    tier: Tier
    criteria: StudyContent
    phase: int | None = None
    label: Decimal | None = None
    bag: BagId | None = None

    @cached_property
    def tests(self) -> dict[str, JudgedTest]:
        """Every test of the specification by its code, measured or not."""
        stream = self.dossier.streams.get(self.node.key)
        if stream is None:
            return self._work_out()
        return stream.once((Results, self.node, self.tier, self.criteria, self.phase, self.label, self.bag), self._work_out)

    def _work_out(self) -> dict[str, JudgedTest]:
        by_test: dict[str, list[Deed[ResultRecorded]]] = {}
        for deed in self._recorded:
            if self.bag is None or deed.act.bag == self.bag:
                by_test.setdefault(deed.act.test, []).append(deed)
        return {
            row.code: JudgedTest(
                row=row,
                need=row.need(self.tier, self.phase),
                results=tuple(self._judged(row, deed) for deed in by_test.get(row.code, ())),
            )
            for row in self.criteria.release
        }

    @property
    def binding(self) -> tuple[JudgedTest, ...]:
        return tuple(t for t in self.tests.values() if t.is_binding)

    @property
    def must_pass(self) -> tuple[JudgedTest, ...]:
        return tuple(t for t in self.tests.values() if t.need is Need.MUST_PASS)

    @property
    def may_be_pending(self) -> tuple[JudgedTest, ...]:
        return tuple(t for t in self.tests.values() if t.need is Need.MAY_BE_PENDING)

    @property
    def failing(self) -> tuple[JudgedResult, ...]:
        """Every failed result that stands and stops the lot, test by test."""
        return tuple(r for t in self.binding for r in t.standing if r.failed)

    @property
    def open_investigations(self) -> tuple[Deed[OutOfSpecificationOpened], ...]:
        return tuple(d for d in self._opened if not self._closed_after(d))

    def find(self, result: Digest) -> tuple[JudgedTest, JudgedResult] | None:
        """The test and the judged result with this digest."""
        return next(((t, r) for t in self.tests.values() for r in t.results if r.digest == result), None)

    def measured(self, test: str) -> Decimal:
        """The measured number of a test, in the unit of its limit. Raises MissingFact where there is none, or only a bound."""
        judged = self._counted(test)
        if judged.judgement.number is None or judged.judgement.qualifier:
            raise MissingFact(f"result_{test.lower()}", node=self.node, evidence=(judged.digest,))
        return judged.judgement.number

    def at_most(self, test: str) -> Decimal:
        """What a test says is not exceeded: `< 0.05` is 0.05. Raises MissingFact where no upper bound is known."""
        judged = self._counted(test)
        if judged.judgement.number is None or judged.judgement.qualifier not in QUALIFIERS_OF_AN_UPPER_BOUND:
            raise MissingFact(f"result_{test.lower()}", node=self.node, evidence=(judged.digest,))
        return judged.judgement.number

    def evidence(self, *tests: str) -> tuple[Digest, ...]:
        """Digests of the results that count, of these tests."""
        counted = (self.tests[test].counts for test in tests if test in self.tests)
        return tuple(c.digest for c in counted if c is not None)

    def _counted(self, test: str) -> JudgedResult:
        found = self.tests.get(test)
        if found is None or found.counts is None:
            raise MissingFact(f"result_{test.lower()}", node=self.node)
        return found.counts

    @cached_property
    def _recorded(self) -> tuple[Deed[ResultRecorded], ...]:
        return self.dossier.deeds(self.node, ResultRecorded)

    @cached_property
    def _taken_at(self) -> dict[SampleId, datetime]:
        """When each sample was taken; the later time where one number was used twice."""
        taken: dict[SampleId, datetime] = {}
        for deed in self.dossier.deeds(self.node, SampleTaken):
            taken[deed.act.sample] = max(deed.act.taken_at, taken.get(deed.act.sample, deed.act.taken_at))
        return taken

    @cached_property
    def _reviews(self) -> dict[Digest, list[Deed[ResultReviewed]]]:
        """The reviews of each result."""
        reviews: dict[Digest, list[Deed[ResultReviewed]]] = {}
        for deed in self.dossier.deeds(self.node, ResultReviewed):
            for result in deed.act.results:
                reviews.setdefault(result, []).append(deed)
        return reviews

    @cached_property
    def _retests(self) -> dict[Digest, set[tuple[str, str]]]:
        """For each result that was repeated: the tests and investigations its retests name."""
        retests: dict[Digest, set[tuple[str, str]]] = {}
        for deed in self._recorded:
            if deed.act.retest_of is not None and deed.act.retest_of != deed.digest:
                retests.setdefault(deed.act.retest_of, set()).add((deed.act.test, deed.act.investigation))
        return retests

    @cached_property
    def _opened(self) -> tuple[Deed[OutOfSpecificationOpened], ...]:
        return self.dossier.deeds(self.node, OutOfSpecificationOpened)

    def _closed_after(self, opened: Deed[OutOfSpecificationOpened]) -> Deed[OutOfSpecificationClosed] | None:
        """The last closing of an investigation, when it comes after this opening."""
        closings = (
            d
            for d in self.dossier.deeds(self.node, OutOfSpecificationClosed)
            if d.act.investigation == opened.act.investigation and d.entry.position > opened.entry.position
        )
        return max(closings, key=lambda d: d.entry.position, default=None)

    def _judged(self, row: ReleaseTest, deed: Deed[ResultRecorded]) -> JudgedResult:
        earliest = self._earliest_read_at(row, deed)
        return JudgedResult(
            deed=deed,
            judgement=self._judgement(row, deed.act, earliest),
            reviewed_by=self._reviewers(deed),
            set_aside=self._is_set_aside(deed),
            earliest_read_at=earliest,
        )

    def _judgement(self, row: ReleaseTest, result: ResultRecorded, earliest: datetime | None) -> Judgement:
        try:
            limit = row.limit(self.tier)
        except InputError:
            return Judgement(passed=None, reason=NO_LIMIT)
        judgement = judge(result.result, result.unit, limit, self.criteria.settings.rounding, label=self.label)
        if not judgement.passed:
            return judgement
        if earliest is None:
            return replace(judgement, passed=None, reason=NO_SAMPLE)
        # What has not grown yet may still grow; what has grown needs no more time.
        return judgement if result.read_at >= earliest else replace(judgement, passed=None, reason=TOO_EARLY)

    def _earliest_read_at(self, row: ReleaseTest, deed: Deed[ResultRecorded]) -> datetime | None:
        """When the result may first be read: after its sample was taken, plus the time the test needs. None: no such sample."""
        taken_at = self._taken_at.get(deed.act.sample)
        return taken_at + self._time_to_grow(row) if taken_at is not None else None

    def _time_to_grow(self, row: ReleaseTest) -> timedelta:
        settings = self.criteria.settings
        days = {"STE": settings.sterility_days, "MYCC": settings.mycoplasma_culture_days}.get(row.code, 0)
        return timedelta(days=days, hours=float(row.read_hours_min or 0))

    def _reviewers(self, result: Deed[ResultRecorded]) -> frozenset[PersonId]:
        """Everyone who reviewed the result as it reads now; a review of what was corrected later does not count."""
        reviews = (d for d in self._reviews.get(result.digest, ()) if d.recorded_at >= changed_at(result))
        return frozenset().union(*(d.persons for d in reviews))

    def _is_set_aside(self, first: Deed[ResultRecorded]) -> bool:
        """A retest counts instead of the first only when the investigation of the first is closed and found a laboratory error."""
        retests = self._retests.get(first.digest, set())
        return any(
            (closed := self._closed_after(opened)) is not None and closed.act.laboratory_error
            for opened in self._opened
            if opened.act.result == first.digest and (first.act.test, opened.act.investigation) in retests
        )


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
