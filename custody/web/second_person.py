"""What the second person scans and reads again, and what the proposal gives them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from custody.domain.acts.base import Act, FieldType, alternatives, field_types
from custody.domain.acts.codec import body_of
from custody.domain.ids import Identifier
from custody.web.forms import is_part

COPIED = (str, datetime)
"""What the second person does not read again: remarks and times, the ledger's own."""


def asked_again(act: Act) -> frozenset[str]:
    """Fields the second person scans, looks at or measures for themselves; where nothing is scanned, all of them."""
    fields = field_types(type(act))
    if not any(_scanned(field) for field in fields.values()):
        return frozenset(fields)
    return frozenset(name for name, field in fields.items() if _scanned(field) or _looked_at(field))


def _scanned(field: FieldType) -> bool:
    plain = alternatives(field.plain)[0]
    return field.scanned or (is_part(plain) and any(_scanned(inner) for inner in field_types(plain).values()))


def _looked_at(field: FieldType) -> bool:
    plain = alternatives(field.plain)[0]
    return not (is_part(plain) or issubclass(plain, Identifier) or plain in COPIED)


def copied(act: Act) -> dict[str, Any]:
    """What the second person does not give again, from the proposal."""
    asked = asked_again(act)
    return {name: value for name, value in body_of(act).items() if name not in asked}
