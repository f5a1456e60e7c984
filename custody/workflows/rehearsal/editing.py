"""Changes one thing in a road: the steps that are not changed stay the very same objects, so that roads know what they share."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from custody.domain.acts.base import Act
from custody.domain.acts.shipping import LoggerFileRead
from custody.domain.ids import LoggerId
from custody.workflows.rehearsal.files import Spike, logger_file
from custody.workflows.rehearsal.steps import Step

Steps = tuple[Step, ...]
Where = Callable[[Any], bool]

A_SECOND = timedelta(seconds=1)


def in_order(steps: Iterable[Step]) -> Steps:
    """The steps by time; steps of one moment keep their order."""
    return tuple(sorted(steps, key=lambda step: step.at))


def index(steps: Steps, name: str, *, nth: int = 0, where: Where | None = None) -> int:
    """Where the `nth` step called `name` stands (negative: from the end); `where` asks its act. Raises LookupError when none does."""
    found = [n for n, step in enumerate(steps) if step.name == name and (where is None or (step.act is not None and where(step.act)))]
    if not -len(found) <= nth < len(found):
        raise LookupError(f"this road has {len(found)} steps called {name}, so none with the number {nth}")
    return found[nth]


def step_of(steps: Steps, name: str, *, nth: int = 0, where: Where | None = None) -> Step:
    return steps[index(steps, name, nth=nth, where=where)]


def until(steps: Steps, name: str, *, nth: int = 0, where: Where | None = None) -> Steps:
    """What comes before that step."""
    return steps[: index(steps, name, nth=nth, where=where)]


def with_step(steps: Steps, name: str, edit: Callable[[Step], Step], *, nth: int = 0, where: Where | None = None) -> Steps:
    """The step replaced by what `edit` makes of it, at the place its time gives it."""
    place = index(steps, name, nth=nth, where=where)
    return in_order((*steps[:place], edit(steps[place]), *steps[place + 1 :]))


def changed(steps: Steps, name: str, *, nth: int = 0, where: Where | None = None, **fields: Any) -> Steps:
    """Other values in one act."""
    return with_step(steps, name, lambda step: replace(step, act=_with(step.act, **fields)), nth=nth, where=where)


def moved(steps: Steps, name: str, to: datetime, *, nth: int = 0, where: Where | None = None, **fields: Any) -> Steps:
    """The entry comes at another time; `fields` change the times inside the act."""
    return with_step(steps, name, lambda step: replace(step, at=to, act=_with(step.act, **fields)), nth=nth, where=where)


def delayed(steps: Steps, name: str, by: timedelta, *times: str) -> Steps:
    """Every step called `name` comes later, and with it the named times inside its act."""

    def later(step: Step) -> Step:
        return replace(step, at=step.at + by, act=_with(step.act, **{field: getattr(step.act, field) + by for field in times}))

    return in_order(later(step) if step.name == name else step for step in steps)


def dropped(steps: Steps, name: str, *, nth: int = 0, where: Where | None = None) -> Steps:
    place = index(steps, name, nth=nth, where=where)
    return (*steps[:place], *steps[place + 1 :])


def signed_by(steps: Steps, name: str, *accounts: str, nth: int = 0, where: Where | None = None) -> Steps:
    return with_step(steps, name, lambda step: replace(step, by=accounts), nth=nth, where=where)


def inserted(steps: Steps, act: Act, by: str | tuple[str, ...], *, at: datetime, **extra: Any) -> Steps:
    """A new act at its time, after whatever happens at the same moment."""
    accounts = (by,) if isinstance(by, str) else by
    return in_order((*steps, Step(name=act.rule.name, at=at, by=accounts, act=act, **extra)))


def before(steps: Steps, name: str, *, nth: int = 0, where: Where | None = None) -> datetime:
    """A moment just before that step."""
    return step_of(steps, name, nth=nth, where=where).at - A_SECOND


def with_file(steps: Steps, logger: LoggerId, celsius: str, *, start: datetime | None = None, spike: Spike | None = None) -> Steps:
    """The last temperature file of `logger` with other readings: begun at `start`, and warm or cold for a while."""

    def edit(step: Step) -> Step:
        assert isinstance(step.act, LoggerFileRead)
        read = step.act
        act, series, data = logger_file(logger, start or read.starts_at, read.ends_at, celsius, int(read.interval_minutes), spike)
        return replace(step, act=act, series=series, file=data)

    return with_step(steps, "logger_file_read", edit, nth=-1, where=lambda act: act.logger == logger)


def _with(act: Act | None, **fields: Any) -> Act:
    if act is None:
        raise LookupError("this step makes its act from the history; insert an act of your own in its place")
    return dataclasses.replace(act, **fields)  # type: ignore[type-var]
