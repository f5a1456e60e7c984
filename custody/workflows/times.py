"""Times that people write down: what has happened lies behind us, whatever form it was typed into."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from custody.domain.acts.base import Act
from custody.domain.ids import Identifier
from custody.errors import InputError
from custody.store.entries import last_recorded_at

HAPPENED = frozenset(
    {
        "signed_at",
        "withdrawn_at",
        "delivered_at",
        "collected_at",
        "taken_at",
        "reported_at",
        "packed_at",
        "arrived_at",
        "left_at",
        "diagnosed_at",
        "measured_at",
        "given_at",
        "started_at",
        "seen_at",
        "ended_at",
        "filled_at",
        "stored_at",
        "installed_at",
        "removed_at",
        "calibrated_on",
        "passed_on",
        "qualified_on",
        "read_at",
        "began_at",
        "learned_at",
        "informed_at",
        "submitted_at",
    }
)
"""Fields that say when something happened."""
AHEAD = frozenset(
    {
        "expires_at",
        "valid_from",
        "valid_until",
        "due_on",
        "due_at",
        "until",
        "effective_from",
        "effective_until",
        "review_due_on",
        "qualified_until",
        "covers_until",
    }
)
"""Fields that may look ahead: limits, terms and plans."""
JUDGED = frozenset(
    {
        ("consent_signed", "signed_at"),
        ("participant_consented", "signed_at"),
        ("cord_collected", "delivered_at"),
        ("handoff_offered", "offered_at"),
        ("packing_started", "charged_at"),
        # Bounds of a gap are those of the record; those of a file are its own logger's clock.
        ("gap_disposed", "gap_started_at"),
        ("gap_disposed", "gap_ended_at"),
        ("logger_file_read", "starts_at"),
        ("logger_file_read", "ends_at"),
    }
)
"""Fields that a gate or a check of their own judges."""
BETWEEN_CLOCKS = timedelta(minutes=1)
"""Clocks on a wall show minutes, and no two show the same."""
EASTERNMOST = timedelta(hours=14)
"""A day has begun somewhere on earth when it has begun at this offset."""


def future_in(connection: Connection, act: Act, now: datetime) -> Iterator[InputError]:
    """One error for each such field. None where the server's own clock was set back: then nobody knows what lies ahead (SYS-CLOCK)."""
    times = (each for each in sorted(times_of(act)) if each[1] in HAPPENED and (act.rule.name, each[1]) not in JUDGED)
    paths = [path for path, _, value in times if _is_ahead(value, now)]
    last = last_recorded_at(connection) if paths else None
    if last is None or now >= last:
        for path in paths:
            yield InputError("this lies in the future; write when it happened", code="in_future", field=path)


def times_of(part: Any, path: str = "") -> Iterator[tuple[str, str, date]]:
    """Every day and time of an act and of its parts: the path of its field in a form (`culture.started_at`), its name, its value."""
    for field in dataclasses.fields(part):
        value, here = getattr(part, field.name), f"{path}{field.name}"
        if isinstance(value, date):  # a time is a day too
            yield here, field.name, value
        elif _is_part(value):
            yield from times_of(value, f"{here}.")
        elif isinstance(value, tuple):
            for n, each in enumerate(value):
                if _is_part(each):
                    yield from times_of(each, f"{here}-{n}.")


def _is_part(value: object) -> bool:
    return dataclasses.is_dataclass(value) and not isinstance(value, Identifier | type)


def _is_ahead(value: date, now: datetime) -> bool:
    if isinstance(value, datetime):
        return value > now + BETWEEN_CLOCKS
    return value > (now + EASTERNMOST).date()
