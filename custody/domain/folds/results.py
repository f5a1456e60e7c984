"""QC results of one bank, lot or dose: every result judged against its limit, and which one counts (rules section 7)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property

from custody.domain.acts.quality import OutOfSpecificationClosed, OutOfSpecificationOpened, ResultRecorded, ResultReviewed, SampleTaken
from custody.domain.criteria import ReleaseTest, StudyContent
from custody.domain.dossier import Deed, Dossier
from custody.domain.folds.base import MissingFact
from custody.domain.folds.judged import NO_LIMIT, NO_SAMPLE, TOO_EARLY, JudgedResult, JudgedTest, changed_at
from custody.domain.ids import BagId, BankId, Digest, DoseId, LotId, PersonId, SampleId
from custody.domain.quality import Judgement, judge
from custody.domain.terms import Need, Tier
from custody.errors import InputError

QUALIFIERS_OF_AN_UPPER_BOUND = frozenset({"", "<", "≤"})


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
        key = (Results, self.node, self.tier, self.criteria, self.phase, self.label, self.bag)
        return self.dossier.once(self.node, key, lambda dossier: Results._work_out(replace(self, dossier=dossier)))

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
