"""What else an act brings about in the same transaction: the same deed in other streams, and the hold of a STOP or a bad result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial

from custody.domain.acts.allocation import DoseDeallocated, DoseRequested
from custody.domain.acts.base import Act
from custody.domain.acts.bedside import InfusionRecordedLate
from custody.domain.acts.quality import HoldPlaced, HoldPlacedByCustody, ResultRecorded
from custody.domain.acts.study import StudyDoseStarted
from custody.domain.dossier import Dossier
from custody.domain.folds.base import MissingFact
from custody.domain.folds.dose import DoseFold
from custody.domain.folds.dose_contents import DoseContents
from custody.domain.folds.judged import BLANK, JudgedTest
from custody.domain.folds.lot import Conditional, LotFold, Released
from custody.domain.folds.results import Results
from custody.domain.folds.study import StudyFold
from custody.domain.ids import BagId, BankId, DoseId, LotId, StudyId
from custody.domain.lineage import open_holds
from custody.domain.quality import judge
from custody.domain.verdict import Verdict
from custody.errors import InputError
from custody.gates.hold_points import BAG_HOLDING
from custody.workflows.order import check_order


def same_deed_elsewhere(act: Act, dossier: Dossier, study: StudyId | None) -> tuple[Act, ...]:
    """The facts that an act brings to other streams, in a fixed order."""
    return (*act.companions(study), *_counted_late(act, dossier, study))


def checked_elsewhere(act: Act, dossier: Dossier, study: StudyId | None) -> tuple[Act, ...]:
    """The same, each allowed by the order of its own stream. Raises OutOfOrderError or NotFoundError."""
    for fact in act.companions(study):
        check_order(fact, dossier)
    return same_deed_elsewhere(act, dossier, study)


def _counted_late(act: Act, dossier: Dossier, study: StudyId | None) -> tuple[Act, ...]:
    """A dose recorded late counts in its cohort as any other, for the stagger and for the watch on toxicities.

    The order of the study's stream does not matter here: it was given, wherever its place in the cohort stands.
    """
    if not isinstance(act, InfusionRecordedLate) or study is None:
        return ()
    requested = dossier.first(act.dose, DoseRequested)
    if requested is None:
        return ()
    return (StudyDoseStarted(study=study, cohort=requested.act.cohort, dose=act.dose, started_at=act.started_at),)


def holds_of(verdict: Verdict, dossier: Dossier) -> tuple[HoldPlacedByCustody, ...]:
    """The holds a STOP places: on the very bag, for the codes that say so, once a cause (rules section 4)."""
    placed: dict[tuple[BagId, str], None] = {}
    for finding in verdict.blocking:
        if finding.gate in BAG_HOLDING and finding.bag is not None and dossier.knows(finding.bag):
            standing = {getattr(d.act, "cause", "") for d in open_holds(dossier, finding.bag)}
            if finding.gate not in standing:
                placed[finding.bag, finding.gate] = None
    return tuple(_hold(dossier, bag, gate, verdict.judged_at) for bag, gate in placed)


def late_failure(act: Act, dossier: Dossier, study: StudyId | None, now: datetime) -> tuple[Act, ...]:
    """A result that fails after release holds what is left of the lot at once (rules section 9.3)."""
    if not isinstance(act, ResultRecorded) or not isinstance(act.node, BankId | LotId) or study is None:
        return ()
    lot = LotFold(dossier, act.node, StudyFold(dossier, study))
    if not isinstance(lot.disposition, Released | Conditional) or _is_harmless(act, lambda: lot.results):
        return ()
    return (_hold(dossier, act.node, act.test, now),)


def failed_before_freed(act: Act, dossier: Dossier, study: StudyId | None, now: datetime) -> Iterator[HoldPlacedByCustody]:
    """A bag that failed a test for one dose is held when it is free for another, until quality has looked.

    The other dose asks for results of its own, and a failed result counts before one that passes (rules section 7).
    """
    if study is None:
        return
    if isinstance(act, DoseDeallocated):
        yield from (hold for bag in act.bags for hold in _failed_for(act.dose, bag, dossier, study, now))
    elif isinstance(act, ResultRecorded) and isinstance(act.node, DoseId) and act.bag is not None:
        dose = DoseFold(dossier, act.node, StudyFold(dossier, study))
        # A bag that was never this dose's was named by mistake, and another's dose may need it.
        was_freed = any(act.bag in deed.act.bags for deed in dossier.deeds(act.node, DoseDeallocated))
        if was_freed and act.bag not in dose.bags and not _is_harmless(act, partial(_measured_on, act.bag, dose)):
            yield _hold(dossier, act.bag, act.test, now)


def _failed_for(dose: DoseId, bag: BagId, dossier: Dossier, study: StudyId, now: datetime) -> Iterator[HoldPlacedByCustody]:
    try:
        failing = _measured_on(bag, DoseFold(dossier, dose, StudyFold(dossier, study))).failing
    except MissingFact:
        # Its results cannot be judged: what the other dose would ask of them is what holds it.
        yield _hold(dossier, bag, "DOS-TEST", now)
        return
    for test in dict.fromkeys(result.deed.act.test for result in failing):
        yield _hold(dossier, bag, test, now)


def _measured_on(bag: BagId, dose: DoseFold) -> Results:
    contents = DoseContents(dose, (bag,))
    return contents.measured_on(bag, contents.lot_of(bag))


def _is_harmless(act: ResultRecorded, find: Callable[[], Results]) -> bool:
    """Passed, not read yet, or of a test that stops nothing; whatever cannot be judged by what `find` finds is not harmless."""
    try:
        results = find()
        row = results.criteria.release_by_code.get(act.test)
        if row is None:
            return False
        if not JudgedTest(row=row, need=row.need(results.tier, results.phase), results=()).is_binding:
            return True
        limit, rounding = row.limit(results.tier), results.criteria.settings.rounding
        judgement = judge(act.result, act.unit, limit, rounding, label=results.label)
    except (InputError, MissingFact):
        return False
    return judgement.passed is True or judgement.reason == BLANK


def _hold(dossier: Dossier, node: BagId | BankId | LotId, cause: str, now: datetime) -> HoldPlacedByCustody:
    """A hold by a name that nothing on this thing had before, so that lifting one never lifts another."""
    name = f"{cause}-{now:%Y%m%d%H%M%S}"
    used = {d.act.hold for d in dossier.deeds(node, HoldPlaced, HoldPlacedByCustody)}
    again = 2
    while name in used:
        name = f"{cause}-{now:%Y%m%d%H%M%S}-{again}"
        again += 1
    return HoldPlacedByCustody(node=node, hold=name, cause=cause)
