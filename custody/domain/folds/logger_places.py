"""Where temperature loggers are: installed in equipment, taken out of it, or on their way."""

from __future__ import annotations

from datetime import datetime

from custody.domain.acts.equipment import LoggerInstalled, LoggerPlaced
from custody.domain.dossier import Deed, Dossier
from custody.domain.ids import EquipmentId, LoggerId


def equipment_of(dossier: Dossier, logger: LoggerId) -> EquipmentId | None:
    """What it is installed in now; None for nothing, and for a logger installed before places were recorded on its own stream."""
    now: EquipmentId | None = None
    for act in (deed.act for deed in _places(dossier, logger)):
        if act.equipment is not None or act.taken_from in (None, now):
            now = act.equipment
    return now


def loggers_in(dossier: Dossier, equipment: EquipmentId) -> tuple[LoggerId, ...]:
    """Those installed there that were neither taken out nor placed elsewhere since."""
    installed = (deed.act for deed in dossier.deeds(equipment, LoggerInstalled))
    return tuple(dict.fromkeys(act.logger for act in installed if left_at(dossier, act) is None))


def left_at(dossier: Dossier, installed: LoggerInstalled) -> datetime | None:
    """When the logger was taken out again or installed in other equipment; None while it is there."""
    ended = end_of(dossier, installed)
    return ended.act.placed_at if ended is not None else None


def end_of(dossier: Dossier, installed: LoggerInstalled) -> Deed[LoggerPlaced] | None:
    """What took it away from there."""
    deeds = _places(dossier, installed.logger)
    places = [deed.act for deed in deeds]
    here = LoggerPlaced(logger=installed.logger, equipment=installed.equipment, placed_at=installed.installed_at)
    later = deeds[places.index(here) + 1 :] if here in places else [d for d in deeds if d.act.placed_at > installed.installed_at]
    return next((d for d in later if _ends(d.act, installed.equipment)), None)


def _ends(act: LoggerPlaced, equipment: EquipmentId) -> bool:
    """Whether a logger that was in this equipment is in it no longer: to be taken out of another it had to be there."""
    return act.equipment != equipment if act.equipment is not None else act.taken_from in (None, equipment)


def _places(dossier: Dossier, logger: LoggerId) -> list[Deed[LoggerPlaced]]:
    """By when it was put there; what was recorded later comes later where both are said to be of one moment."""
    return sorted(dossier.deeds(logger, LoggerPlaced), key=lambda deed: (deed.act.placed_at, deed.entry.position))
