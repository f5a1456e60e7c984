"""Codes that a person typed because the label could not be scanned: which, and why; kept with the entry for ever (rules section 10)."""

from __future__ import annotations

from dataclasses import dataclass

MARK = "typed: "
BETWEEN = " | "
WHY = " = "


@dataclass(frozen=True)
class TypedCode:
    """`name`: the field of the act; `reason`: why its label was not scanned, in the person's words."""

    name: str
    reason: str


def station_with(station: str, codes: tuple[TypedCode, ...]) -> str:
    """The station as the entry keeps it: its name and, behind it, every code typed there with its reason."""
    if not codes:
        return station
    # A bar would part two codes when the note is read again.
    note = MARK + BETWEEN.join(f"{code.name}{WHY}{' '.join(code.reason.replace('|', '/').split())}" for code in codes)
    return f"{station} {note}" if station else note


def typed_codes(station: str) -> tuple[TypedCode, ...]:
    """What `station_with` noted; nothing for an entry whose codes were all scanned."""
    _, mark, note = station.rpartition(MARK)
    if not mark:
        return ()
    parts = (part.partition(WHY) for part in note.split(BETWEEN))
    return tuple(TypedCode(name, reason) for name, _, reason in parts)
