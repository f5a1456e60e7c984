"""One complete sample of every act, the same on every machine: each field filled by its type and name, nothing left out."""

from __future__ import annotations

import dataclasses
import hashlib
import typing
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from typing import Any

from custody.domain.acts import ACTS, Act
from custody.domain.acts.base import FieldType, alternatives, field_types
from custody.domain.ids import AccountId, BagId, Digest, Din, Identifier, Node, SiteId, StudyId, WristbandToken

SAMPLE_TIME = datetime(2026, 6, 15, 10, 30, 0, 250_000, tzinfo=timezone(timedelta(hours=8)))
IDENTIFIERS: dict[type[Identifier], tuple[str, str]] = {
    AccountId: ("demo-nurse-one", "demo-nurse-two"),
    Din: ("A999926000001", "A999926000002"),
    BagId: (BagId.from_random("DEMO0001B001").value, BagId.from_random("DEMO0001B002").value),
    SiteId: ("A9990", "A9991"),
    StudyId: ("NCT06505941", "NCT06505941"),
    WristbandToken: ("WB0001X7K2M9Q4", "WB0002X7K2M9Q4"),
}


def sample_of(name: str) -> Act:
    """The sample of the act called `name`."""
    act = _filled(ACTS[name].cls)
    assert isinstance(act, Act)
    return act


def _filled(cls: type[Any]) -> Any:
    return cls(**{name: _field(name, field) for name, field in field_types(cls).items()})


def _field(name: str, field: FieldType) -> Any:
    if field.repeated:
        return tuple(_value(f"{name} {n}", field.plain) for n in (1, 2))
    return _value(name, field.plain)


def _value(name: str, plain: Any) -> Any:
    if typing.get_origin(plain) is dict:
        return {"one": _value(name, typing.get_args(plain)[1])}
    wanted = alternatives(plain)[0]
    if wanted is Node:
        wanted = BagId
    if issubclass(wanted, Digest):
        return Digest(hashlib.sha256(name.encode()).hexdigest())
    if issubclass(wanted, Identifier):
        return _identifier(wanted, second=name.endswith(" 2"))
    if dataclasses.is_dataclass(wanted):
        return _filled(wanted)
    return _plain(name, wanted)


def _identifier(wanted: type[Identifier], *, second: bool) -> Identifier:
    word = wanted.__name__.removesuffix("Id").upper()
    return wanted.parse(IDENTIFIERS.get(wanted, (f"{word}-1", f"{word}-2"))[second])


def _plain(name: str, wanted: type[Any]) -> Any:
    if issubclass(wanted, StrEnum):
        return next(iter(wanted))
    # Text with a mark beyond ASCII, a decimal with a zero that must not be lost, a time with an offset and a fraction.
    samples: dict[type[Any], Any] = {
        str: f"{name} é 脐带",
        bool: True,
        int: 7,
        Decimal: Decimal("12.50"),
        datetime: SAMPLE_TIME,
        date: SAMPLE_TIME.astimezone(UTC).date(),
    }
    return samples[wanted]
