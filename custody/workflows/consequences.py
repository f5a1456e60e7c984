"""What else an act brings about in the same transaction: the same deed in other streams, and the hold that a late bad result places."""

from __future__ import annotations

from datetime import datetime

from custody.domain.acts.base import Act
from custody.domain.acts.quality import HoldPlacedByCustody, ResultRecorded
from custody.domain.acts.record import Corrected
from custody.domain.dossier import Dossier
from custody.domain.folds.lot import Conditional, LotFold, Released
from custody.domain.folds.study import StudyFold
from custody.domain.ids import BankId, LotId, StudyId
from custody.domain.quality import judge
from custody.domain.verdict import Verdict
from custody.workflows.judging import holds_after


def companions_of(act: Act, dossier: Dossier, study: StudyId | None, now: datetime) -> tuple[Act, ...]:
    """Acts written with `act`; a correction brings none, because the first deed already stands in the other streams."""
    if isinstance(act, Corrected):
        return ()
    return (*act.companions(study), *_late_failure(act, dossier, study, now))


def holds_of(verdict: Verdict, dossier: Dossier) -> tuple[HoldPlacedByCustody, ...]:
    return holds_after(verdict, dossier)


def _late_failure(act: Act, dossier: Dossier, study: StudyId | None, now: datetime) -> tuple[Act, ...]:
    """A result that fails after release holds what is left of the lot at once (rules section 9.3)."""
    if not isinstance(act, ResultRecorded) or not isinstance(act.node, BankId | LotId) or study is None:
        return ()
    lot = LotFold(dossier, act.node, StudyFold(dossier, study))
    if not isinstance(lot.disposition, Released | Conditional):
        return ()
    row = lot.criteria.release_by_code.get(act.test)
    if row is not None and judge(act.result, act.unit, row.limit(lot.tier), lot.criteria.settings.rounding).passed:
        return ()
    stamp = now.strftime("%Y%m%d%H%M%S")
    return (HoldPlacedByCustody(node=act.node, hold=f"{act.test}-{stamp}", cause=act.test),)
