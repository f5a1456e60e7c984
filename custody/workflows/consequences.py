"""What else an act brings about in the same transaction: the same deed in other streams, and the hold of a STOP or a late bad result."""

from __future__ import annotations

from datetime import datetime

from custody.domain.acts.allocation import DoseRequested
from custody.domain.acts.base import Act
from custody.domain.acts.bedside import InfusionRecordedLate
from custody.domain.acts.quality import HoldPlaced, HoldPlacedByCustody, ResultRecorded
from custody.domain.acts.study import StudyDoseStarted
from custody.domain.dossier import Dossier
from custody.domain.folds.base import MissingFact
from custody.domain.folds.judged import BLANK, JudgedTest
from custody.domain.folds.lot import Conditional, LotFold, Released
from custody.domain.folds.study import StudyFold
from custody.domain.ids import BagId, BankId, LotId, StudyId
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
    if not isinstance(lot.disposition, Released | Conditional) or _is_harmless(act, lot):
        return ()
    return (_hold(dossier, act.node, act.test, now),)


def _is_harmless(act: ResultRecorded, lot: LotFold) -> bool:
    """Passed, not read yet, or of a test that stops nothing; whatever cannot be judged is not harmless."""
    row = lot.criteria.release_by_code.get(act.test)
    if row is None:
        return False
    try:
        if not JudgedTest(row=row, need=row.need(lot.tier, lot.phase), results=()).is_binding:
            return True
        limit, rounding = row.limit(lot.tier), lot.criteria.settings.rounding
        judgement = judge(act.result, act.unit, limit, rounding, label=lot.label_cells)
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
