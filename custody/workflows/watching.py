"""What machines that watch a server may learn: whether it can work, how long the record is, and which verdicts a request came to."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

from custody.domain.acts.record import VerdictGiven
from custody.domain.terms import HoldPoint, VerdictWord
from custody.errors import CustodyError
from custody.store import log as record
from custody.store.conditions import conditions
from custody.store.connection import Store
from custody.workflows.door import from_below, schema_state

Lacking = Literal["store", "tables", "standby"]
log = logging.getLogger(__name__)


def _refusals() -> tuple[type[Exception], ...]:
    return (CustodyError, *from_below())


def lacking(store: Store, *, wants_standby: bool = False) -> Lacking | None:
    """The first thing that keeps this server from its work; None when nothing does."""
    try:
        if schema_state(store) != "current":
            return "tables"
        if wants_standby and not _follows(store):
            return "standby"
    except _refusals() as error:
        log.warning("not ready: %s", type(error).__name__)
        return "store"
    return None


def _follows(store: Store) -> bool:
    return any(each.name == "standby" and each.state == "good" for each in conditions(store, wants_standby=True))


def log_size(store: Store) -> int | None:
    """How many entries the record has; None while the store does not answer."""
    try:
        with store.reading() as connection:
            return record.size(connection)
    except _refusals():
        return None


# ── verdicts of one request ──

Judged = dict[tuple[str, HoldPoint, str], VerdictWord]
_heard: ContextVar[Judged | None] = ContextVar("custody_heard", default=None)


@contextmanager
def listening() -> Iterator[Judged]:
    """Every verdict that is written until the block ends; one that a transaction began anew gives again stands once."""
    judged: Judged = {}
    before = _heard.set(judged)
    try:
        yield judged
    finally:
        _heard.reset(before)


def heard(given: VerdictGiven) -> VerdictGiven:
    """Passes on a verdict that is about to be written."""
    judged = _heard.get()
    if judged is not None:
        judged[f"{given.node.key} {given.proposal.value}", given.hold_point, given.act] = given.word
    return given
