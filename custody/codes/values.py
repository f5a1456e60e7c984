"""One value a scan says: what kind of thing it names, and its text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True)
class ScannedValue:
    """`kind` is one of the words of `kinds.py`, or `ai_<n>` / `isbt_<n>` for what custody only passes on."""

    kind: str
    value: str


def moment_text(moment: datetime) -> str:
    """A label's minute, without a zone, as every value of a time is written: `2028-01-20T23:59`."""
    return moment.isoformat(timespec="minutes")
