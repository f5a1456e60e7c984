"""What lies open at a bench or cabinet: one product, from its opening until the line is cleared of it."""

from __future__ import annotations

from datetime import datetime

from custody.domain.acts.manufacturing import WorkstationCleared, WorkstationTaken
from custody.domain.dossier import Deed, Dossier
from custody.domain.ids import EquipmentId


def open_at(dossier: Dossier, workstation: EquipmentId, at: datetime | None = None) -> Deed[WorkstationTaken] | None:
    """The opening of the product that lay open there at a moment (None: now); None where the line was cleared since."""
    openings = [deed for deed in dossier.deeds(workstation, WorkstationTaken) if at is None or deed.at <= at]
    cleared = [deed for deed in dossier.deeds(workstation, WorkstationCleared) if at is None or deed.at <= at]
    if not openings or (cleared and cleared[-1].began.position > openings[-1].began.position):
        return None
    return openings[-1]
