"""A kit at a desk: what its number stands for there, which is the dose it is reserved for, or the participant it was assigned to."""

from __future__ import annotations

from sqlalchemy import Connection

from custody.domain.acts.allocation import KitAssigned
from custody.domain.folds.base import MissingFact
from custody.domain.folds.dose import DoseFold
from custody.domain.folds.study import StudyFold
from custody.domain.ids import DoseId, KitId, ParticipantId, node_of
from custody.domain.masking import Seen, Viewer, act_shown
from custody.store import lookups
from custody.workflows import sight
from custody.workflows.desks.things import opened
from custody.workflows.dossiers import dossier_of


def meant_by(connection: Connection, viewer: Viewer, kit: KitId) -> Seen[DoseId | ParticipantId | None]:
    """The dose this kit is reserved for, else its participant; None while it is neither's. Raises NotFoundError as `opened`."""
    dossier = opened(connection, viewer, kit)
    children = [node_of(key) for key in lookups.edges(connection, kit.key)[1]]
    doses = [node for node in sight.listed_among(connection, viewer, children) if isinstance(node, DoseId)]
    reserved = next((dose for dose in doses if _has(connection, viewer, dose, kit)), None)
    assigned = dossier.last(kit, KitAssigned)
    if reserved is not None or assigned is None or not act_shown(viewer, assigned.act):
        return Seen(reserved)
    found = sight.listed_among(connection, viewer, (assigned.act.participant,))
    return Seen(assigned.act.participant if found else None)


def _has(connection: Connection, viewer: Viewer, dose: DoseId, kit: KitId) -> bool:
    if viewer.study is None:
        return False
    dossier = dossier_of(connection, (dose, viewer.study))
    try:
        return DoseFold(dossier, dose, StudyFold(dossier, viewer.study)).kit == kit
    except MissingFact:
        return False  # the dose's own page says what is missing
