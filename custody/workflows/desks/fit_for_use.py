"""Whether one scanned thing may be used for the act somebody is filling in, in the words of the gates that will judge it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time

from sqlalchemy import Connection

from custody.domain.acts.base import ActRule
from custody.domain.acts.shipping import LoggerFileRead, LoggerRegistered, LoggerStarted, PackingStarted
from custody.domain.dossier import Dossier
from custody.domain.folds.base import MissingFact
from custody.domain.folds.registers import LoggerFold
from custody.domain.folds.study import StudyFold
from custody.domain.ids import EquipmentId, LoggerId, MaterialId
from custody.domain.masking import Viewer
from custody.workflows.desks.bench_supplies import READY, supply_of
from custody.workflows.desks.things import opened


@dataclass(frozen=True, kw_only=True)
class Fit:
    """`state` as in `bench_supplies.STATES`, and `not_started` for a logger; `until`: usable before this moment."""

    name: str
    state: str
    until: datetime | None = None

    @property
    def is_ready(self) -> bool:
        return self.state == READY


def fit_of(connection: Connection, viewer: Viewer, rule: ActRule, node: MaterialId | EquipmentId | LoggerId, now: datetime) -> Fit:
    """As the thing stands now; `now` is in the time zone whose days count. Raises NotFoundError for one this person may not see."""
    dossier = opened(connection, viewer, node)
    if isinstance(node, LoggerId):
        return _logger(dossier, viewer, rule, node, now)
    supply = supply_of(dossier, node, now)
    return Fit(name=supply.name, state=supply.state, until=supply.until)


def _logger(dossier: Dossier, viewer: Viewer, rule: ActRule, node: LoggerId, now: datetime) -> Fit:
    """A logger that travels must be in calibration and running: a file read since its last start ended that recording."""
    registered = dossier.last(node, LoggerRegistered)
    if registered is None or viewer.study is None:
        return Fit(name="", state="unknown")
    name = registered.act.model
    try:
        due_on = LoggerFold(dossier, node, StudyFold(dossier, viewer.study)).calibration_on(now.date()).act.due_on
    except MissingFact:
        return Fit(name=name, state="not_calibrated")
    if now.date() > due_on:
        return Fit(name=name, state="lapsed")
    last = dossier.last(node, LoggerStarted, LoggerFileRead)
    if rule.cls is PackingStarted and (last is None or not isinstance(last.act, LoggerStarted)):
        return Fit(name=name, state="not_started")
    return Fit(name=name, state=READY, until=datetime.combine(due_on, time.max, tzinfo=now.tzinfo))
