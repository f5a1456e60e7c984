"""The release certificate: what the qualified person signed of a bank or lot, or of one exceptional dose, with everything it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from custody.domain.acts.base import Act
from custody.domain.acts.release import PendingTest
from custody.domain.dossier import Deed, Dossier, Signed
from custody.domain.folds.base import MissingFact
from custody.domain.folds.exception import ExceptionFold
from custody.domain.folds.lot import Conditional, LotFold, Quarantined, Recalled, Rejected, Released
from custody.domain.folds.study import StudyFold
from custody.domain.ids import BankId, Digest, DoseId, LotId, Node
from custody.domain.masking import Seen, Viewer, act_shown
from custody.domain.terms import Product, ProductForm
from custody.errors import NotFoundError, OutOfOrderError
from custody.workflows.desks.exceptions import ExceptionAsked, asked_for
from custody.workflows.desks.lot_record import Deviation, deviations_over
from custody.workflows.desks.release import disposition_word
from custody.workflows.desks.tested import ORDER, SpecifiedTest, tested, tests
from custody.workflows.desks.things import opened
from custody.workflows.order import unknown_thing


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """Of one bank or lot (rules section 9.1). `decision` is `released`, `conditional` or `exceptional`; `entry`: what was signed.

    `lot_decision`: of an exceptional release how the lot itself stands; it stays not released. `exception`: its signed steps.
    """

    node: BankId | LotId
    decision: str
    signers: tuple[Signed, ...]
    entry: Digest
    product: Product
    form: ProductForm
    containers: int
    expires_at: datetime | None
    criteria_version: int
    tests: tuple[SpecifiedTest, ...]
    pending: tuple[PendingTest, ...]
    deviations: tuple[Deviation, ...]
    lot_decision: str = ""
    exception: ExceptionAsked | None = None


def certificate(connection: Connection, viewer: Viewer, node: Node) -> Seen[Certificate]:
    """Raises NotFoundError for what this person may not see, OutOfOrderError where there is none, with the reason."""
    dossier = opened(connection, viewer, node)
    if viewer.study is None or not isinstance(node, BankId | LotId | DoseId):
        raise unknown_thing(node)
    study = StudyFold(dossier, viewer.study)
    try:
        return Seen(_of_dose(viewer, dossier, node, study) if isinstance(node, DoseId) else of_lot(LotFold(dossier, node, study)))
    except MissingFact as error:
        raise OutOfOrderError(f"{node} was not decided about yet", code="no_certificate_yet", what=node.key) from error


def of_lot(lot: LotFold) -> Certificate:
    """Raises OutOfOrderError where none was given or it is void, MissingFact for a lot that is not filled yet."""
    match lot.disposition:
        case Released(deed) | Conditional(deed):
            return _written(lot, deed, disposition_word(lot), lot.pending)
        case Rejected():
            raise OutOfOrderError(f"{lot.node} was rejected: it has no certificate", code="no_certificate_rejected", what=lot.node.key)
        case Recalled():
            raise OutOfOrderError(f"{lot.node} was recalled: its certificate is void", code="no_certificate_recalled", what=lot.node.key)
        case Quarantined():
            raise OutOfOrderError(f"{lot.node} was not decided about yet", code="no_certificate_yet", what=lot.node.key)


def _of_dose(viewer: Viewer, dossier: Dossier, node: DoseId, study: StudyFold) -> Certificate:
    """Whoever may not see the release or its lot learns nothing of either."""
    fold = ExceptionFold(dossier, node, study)
    if not fold.releases:
        raise OutOfOrderError(f"no exceptional release stands for {node}", code="no_certificate_yet", what=node.key)
    deed = fold.releases[-1]
    if not act_shown(viewer, deed.act) or not viewer.may_see(deed.act.lot):
        raise NotFoundError(f"there is no dose {node}", code="unknown_thing", kind=node.kind, seen=node)
    lot = LotFold(dossier, deed.act.lot, study)
    return _written(lot, deed, "exceptional", lot.pending, lot_decision=disposition_word(lot), exception=asked_for(fold))


def _written(
    lot: LotFold,
    deed: Deed[Act],
    decision: str,
    pending: tuple[PendingTest, ...],
    *,
    lot_decision: str = "",
    exception: ExceptionAsked | None = None,
) -> Certificate:
    every = tests(tested(lot.dossier, lot.node, lot.study))
    return Certificate(
        node=lot.node,
        decision=decision,
        signers=deed.signers,
        entry=deed.digest,
        product=lot.product,
        form=lot.form,
        containers=lot.containers,
        expires_at=lot.expires_at if isinstance(lot.node, LotId) else None,
        criteria_version=lot.criteria.version,
        tests=tuple(sorted(every, key=lambda test: ORDER.index(test.state))),
        pending=pending,
        deviations=deviations_over(lot.dossier, lot.node),
        lot_decision=lot_decision,
        exception=exception,
    )
