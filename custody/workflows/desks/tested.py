"""What quality control knows of one bank, lot or dose: its samples, every result it ever had, and the investigations of bad ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from custody.domain.acts.bedside import BagPreparationStarted, DoseClosed
from custody.domain.acts.quality import OutOfSpecificationClosed, OutOfSpecificationOpened, SampleTaken
from custody.domain.criteria import ReleaseTest, StudyContent
from custody.domain.dossier import Dossier
from custody.domain.folds.base import MissingFact
from custody.domain.folds.dose import DoseFold
from custody.domain.folds.judged import NOT_YET_A_RESULT, JudgedResult, JudgedTest, shown_limit, shown_result
from custody.domain.folds.lot import Conditional, LotFold, Quarantined
from custody.domain.folds.results import Results
from custody.domain.folds.study import StudyFold
from custody.domain.ids import BankId, Digest, DoseId, LotId, Node, SampleId
from custody.domain.terms import Need, Tier
from custody.errors import InputError

ORDER = ("failed", "no_verdict", "unreviewed", "too_early", "missing", "set_aside", "passed", "not_asked")
"""States of a test, exceptions first. `not_asked`: the specification does not ask for it here."""
EXCEPTIONS = frozenset({"failed", "no_verdict"})


@dataclass(frozen=True, kw_only=True)
class Result:
    """One result as it stands: never hidden, whatever came after it. `passed` is None without a verdict, `why` then says why."""

    digest: Digest
    text: str
    passed: bool | None
    why: str
    sample: SampleId
    method: str
    instrument: str
    read_at: datetime
    analyst: str
    is_reviewed: bool
    set_aside: bool
    counts: bool
    is_retest: bool
    corrected: bool
    earliest_read_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class SpecifiedTest:
    """One row of the specification with its limit and all its results, oldest first. `state` is one of ORDER."""

    code: str
    title: str
    title_zh: str
    limit: str
    unit: str
    must_pass: bool
    state: str
    results: tuple[Result, ...]


@dataclass(frozen=True, kw_only=True)
class Investigation:
    number: str
    result: Digest
    test: str
    opened_at: datetime
    opened_by: str
    closed_at: datetime | None = None
    laboratory_error: bool = False
    conclusion: str = ""


@dataclass(frozen=True, kw_only=True)
class Sample:
    sample: SampleId
    taken_at: datetime
    results: int


@dataclass(frozen=True)
class Tested:
    """One thing with what judges it."""

    dossier: Dossier
    node: BankId | LotId | DoseId
    results: Results
    criteria: StudyContent
    lot: LotFold | None

    @property
    def due_at(self) -> datetime | None:
        """When the first pending test is due; else when the bags expire."""
        if self.lot is None:
            return None
        pending = [self.lot.due_at(each) for each in self.lot.pending]
        if pending:
            return min(pending)
        try:
            return self.lot.expires_at
        except MissingFact:
            return None

    @property
    def is_begun(self) -> bool:
        """Whether there is anything to test: a dose is tested from its first thaw on."""
        return self.lot is not None or self.dossier.last(self.node, BagPreparationStarted, SampleTaken) is not None

    @property
    def is_over(self) -> bool:
        """Nothing more is tested: the lot is decided and nothing is pending, the dose is closed."""
        if self.lot is None:
            return self.dossier.last(self.node, DoseClosed) is not None
        decided = self.lot.disposition
        return not isinstance(decided, Quarantined) and not (isinstance(decided, Conditional) and self.lot.pending)


def tested(dossier: Dossier, node: Node, study: StudyFold | None) -> Tested:
    if study is None:
        raise MissingFact("criteria", node=node)
    if isinstance(node, DoseId):
        dose = DoseFold(dossier, node, study)
        return Tested(dossier, node, Results(dossier, node, Tier.DOSE, dose.criteria, dose.phase), dose.criteria, None)
    assert isinstance(node, BankId | LotId)
    lot = LotFold(dossier, node, study)
    return Tested(dossier, node, lot.results, lot.criteria, lot)


def samples(judged: Tested) -> Iterator[Sample]:
    recorded = [result.deed.act.sample for test in judged.results.tests.values() for result in test.results]
    for deed in judged.dossier.deeds(judged.node, SampleTaken):
        yield Sample(sample=deed.act.sample, taken_at=deed.act.taken_at, results=recorded.count(deed.act.sample))


def tests(judged: Tested) -> Iterator[SpecifiedTest]:
    for test in judged.results.tests.values():
        if test.need is Need.NOT_TESTED and not test.results:
            continue
        yield SpecifiedTest(
            code=test.code,
            title=test.row.title,
            title_zh=test.row.title_zh,
            limit=_limit(test.row, judged.results.tier),
            unit=test.row.unit,
            must_pass=test.need is Need.MUST_PASS,
            state=_state(test),
            results=tuple(_result(test, result) for result in test.results),
        )


def _limit(row: ReleaseTest, tier: Tier) -> str:
    try:
        return shown_limit(row.limit(tier))
    except InputError:
        return ""  # recorded for information: nothing limits it


def _state(test: JudgedTest) -> str:
    counts = test.counts
    if counts is None:
        return "set_aside" if test.results else "missing" if test.need is Need.MUST_PASS else "not_asked"
    if counts.failed:
        return "failed"
    if counts.judgement.passed is None:
        return "too_early" if counts.judgement.reason in NOT_YET_A_RESULT else "no_verdict"
    return "passed" if all(result.is_reviewed for result in test.standing) else "unreviewed"


def _result(test: JudgedTest, judged: JudgedResult) -> Result:
    act = judged.deed.act
    return Result(
        digest=judged.digest,
        text=shown_result(act),
        passed=judged.judgement.passed,
        why=judged.judgement.reason,
        sample=act.sample,
        method=f"{act.method} {act.method_version}",
        instrument=act.instrument,
        read_at=act.read_at,
        analyst=judged.deed.began.by.printed_name,
        is_reviewed=judged.is_reviewed,
        set_aside=judged.set_aside,
        counts=test.counts is judged,
        is_retest=act.retest_of is not None,
        corrected=judged.deed.corrected,
        earliest_read_at=judged.earliest_read_at,
    )


def investigations(judged: Tested) -> Iterator[Investigation]:
    """Every investigation, open ones first."""
    opened_deeds = judged.dossier.deeds(judged.node, OutOfSpecificationOpened)
    still_open = {deed.digest for deed in judged.results.open_investigations}
    for deed in sorted(opened_deeds, key=lambda each: each.digest not in still_open):
        found = judged.results.find(deed.act.result)
        closings = (c for c in judged.dossier.deeds(judged.node, OutOfSpecificationClosed) if c.act.investigation == deed.act.investigation)
        closed = None if deed.digest in still_open else max(closings, key=lambda each: each.entry.position, default=None)
        yield Investigation(
            number=deed.act.investigation,
            result=deed.act.result,
            test=found[0].code if found is not None else "",
            opened_at=deed.at,
            opened_by=deed.signers[0].printed_name,
            closed_at=closed.at if closed is not None else None,
            laboratory_error=closed is not None and closed.act.laboratory_error,
            conclusion=closed.act.conclusion if closed is not None else "",
        )
