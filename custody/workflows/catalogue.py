"""The list of gates as data, for the command line and for documents."""

from __future__ import annotations

from dataclasses import dataclass

from custody.gates import GATES, HOLD_POINTS


@dataclass(frozen=True, kw_only=True)
class GateRow:
    id: str
    revision: int
    title: str
    source: str
    hold_points: tuple[str, ...]


def gate_rows() -> tuple[GateRow, ...]:
    """Every gate, in the order in which the rules page first names it."""
    order = list(dict.fromkeys(gate_id for ids in HOLD_POINTS.values() for gate_id in ids))
    return tuple(
        GateRow(
            id=found.id,
            revision=found.revision,
            title=found.title,
            source=found.source,
            hold_points=tuple(point.value for point in found.hold_points),
        )
        for found in (GATES[gate_id] for gate_id in order)
    )
