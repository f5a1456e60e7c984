"""What the preparation desk knows of one bag of a dose: how far it has come, its clocks, its tests, and the step that comes next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from custody.domain.acts.bedside import CoverBound
from custody.domain.acts.manufacturing import BagStored, BagTakenOut
from custody.domain.acts.quality import SampleTaken
from custody.domain.folds.bag import BagFold, BagState, Clock
from custody.domain.folds.base import MissingFact
from custody.domain.folds.dose import DoseFold
from custody.domain.folds.dose_contents import DoseContents
from custody.domain.folds.judged import shown_limit, shown_result
from custody.domain.folds.results import Results
from custody.domain.ids import BagId
from custody.domain.terms import Need, PreparationMode, Tier
from custody.errors import InputError

ON_A_CLOSED_BAG = ("APP", "CCI", "LAB")
"""Column X of a bag that is thawed unopened (rules section 7, preparation_mode); gate DOS-TEST asks for the same."""
IN_HAND = frozenset({BagState.PREPARED, BagState.DOSE_RELEASED})


@dataclass(frozen=True, kw_only=True)
class TestSeen:
    """A test this bag must pass before its release. `passed` is None without a result."""

    code: str
    title: str
    title_zh: str
    limit: str
    unit: str
    result: str
    passed: bool | None


@dataclass(frozen=True, kw_only=True)
class BagAtHand:
    """One bag of a dose. `clocks`: every clock that runs, nearest first; `out_since`: out of storage and not put back."""

    bag: BagId
    state: str
    position: str
    store: str
    out_since: datetime | None
    thawed_at: datetime | None
    clocks: tuple[Clock, ...]
    tests: tuple[TestSeen, ...]
    covered: bool
    spare: bool
    over: bool
    next: str

    @property
    def expires_at(self) -> datetime | None:
        return self.clocks[0].expires_at if self.clocks else None

    @property
    def is_open(self) -> bool:
        """Thawed, and neither finished nor discarded: its clock runs."""
        return self.thawed_at is not None and not self.over


def at_hand(dose: DoseFold, bag: BagId, *, spare: bool = False) -> BagAtHand:
    """Raises MissingFact for a bag that was never filled."""
    fold = BagFold(dose.dossier, bag, dose.study)
    stored = dose.dossier.last(bag, BagStored)
    last = dose.dossier.last(bag, BagStored, BagTakenOut)
    out = last.act.taken_at if last is not None and isinstance(last.act, BagTakenOut) else None
    on_site = fold.state is BagState.RECEIVED or fold.state in IN_HAND
    covered = dose.dossier.last(bag, CoverBound) is not None
    over = dose.is_over(bag)
    tests = _tests(dose, fold) if fold.prepared is not None else ()
    return BagAtHand(
        bag=bag,
        state=fold.state.value,
        position=stored.act.position if stored is not None and out is None else "",
        store=stored.act.equipment.value if stored is not None and out is None else "",
        out_since=out if on_site else None,
        thawed_at=fold.prepared_at,
        clocks=tuple(sorted(fold.clocks(), key=lambda clock: clock.expires_at)),
        tests=tests,
        covered=covered,
        spare=spare,
        over=over,
        next="" if over else _next(dose, fold, tests, out=out, covered=covered),
    )


def _tests(dose: DoseFold, fold: BagFold) -> tuple[TestSeen, ...]:
    """What must pass on the bag itself, by `preparation_mode`; the rest of column X comes with its lot."""
    mode = dose.criteria.settings.preparation_mode
    own = DoseContents(dose, (fold.node,)).measured_on(fold.node, fold.lot)
    return tuple(
        _seen(own, code)
        for code, test in own.tests.items()
        if test.need is Need.MUST_PASS
        and (mode is PreparationMode.OPEN_WASH or code in ON_A_CLOSED_BAG)
        and (not fold.lot.is_placebo or test.row.placebo is Need.MUST_PASS)
    )


def _seen(own: Results, code: str) -> TestSeen:
    test = own.tests[code]
    try:
        limit = shown_limit(test.row.limit(Tier.DOSE))
    except InputError:
        limit = ""  # recorded for information: nothing limits it
    counts = test.counts
    return TestSeen(
        code=code,
        title=test.row.title,
        title_zh=test.row.title_zh,
        limit=limit,
        unit=test.row.unit,
        result=shown_result(counts.deed.act) if counts is not None else "",
        # A result without a verdict has not passed.
        passed=None if counts is None else counts.judgement.passed is True,
    )


def _next(dose: DoseFold, fold: BagFold, tests: tuple[TestSeen, ...], *, out: datetime | None, covered: bool) -> str:
    """The step that usually follows for one bag, in the hands of the pharmacy."""
    if fold.state is BagState.RECEIVED:
        return "bag_preparation_started" if out is not None else "bag_taken_out"
    if fold.state is BagState.DOSE_RELEASED:
        return "handoff_offered"
    if fold.state is not BagState.PREPARED:
        return ""
    if dose.is_blinded and not covered:
        return "cover_bound"
    if any(test.passed is None for test in tests):
        return "result_recorded" if dose.dossier.last(dose.node, SampleTaken) is not None else "sample_taken"
    return "dose_bag_released" if all(test.passed for test in tests) else "bag_discarded"


def spares_of(dose: DoseFold) -> tuple[BagId, ...]:
    try:
        return dose.spares
    except MissingFact:
        return ()  # without a weight nobody can say which bags are spare
