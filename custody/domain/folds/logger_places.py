"""Where temperature loggers are: installed in equipment, taken out of it, or on their way."""

from __future__ import annotations

from datetime import datetime

from custody.domain.acts.equipment import LoggerInstalled, LoggerPlaced
from custody.domain.dossier import Deed, Dossier
from custody.domain.ids import EquipmentId, LoggerId


def equipment_of(dossier: Dossier, logger: LoggerId) -> EquipmentId | None:
    """What it is installed in now; None for nothing, and for a logger installed before places were recorded on its own stream."""
    places = _places(dossier, logger)
    return places[-1].act.equipment if places else None


def loggers_in(dossier: Dossier, equipment: EquipmentId) -> tuple[LoggerId, ...]:
    """Those installed there that were neither taken out nor placed elsewhere since."""
    installed = (deed.act for deed in dossier.deeds(equipment, LoggerInstalled))
    return tuple(dict.fromkeys(act.logger for act in installed if left_at(dossier, act) is None))


def left_at(dossier: Dossier, installed: LoggerInstalled) -> datetime | None:
    """When the logger was taken out again or installed in other equipment; None while it is there."""
    places = [deed.act for deed in _places(dossier, installed.logger)]
    here = LoggerPlaced(logger=installed.logger, equipment=installed.equipment, placed_at=installed.installed_at)
    later = places[places.index(here) + 1 :] if here in places else [act for act in places if act.placed_at > installed.installed_at]
    return next((act.placed_at for act in later if act.equipment != installed.equipment), None)


def _places(dossier: Dossier, logger: LoggerId) -> list[Deed[LoggerPlaced]]:
    """By when it was put there; what was recorded later comes later where both are said to be of one moment."""
    return sorted(dossier.deeds(logger, LoggerPlaced), key=lambda deed: (deed.act.placed_at, deed.entry.position))
