"""Acts of handling that are recorded while they happen: their time stands in the form already, and can be changed."""

from __future__ import annotations

from custody.web import current

TIMES = {
    "bag_stored": "stored_at",
    "bag_taken_out": "taken_at",
    "bag_packed": "packed_at",
    "handoff_offered": "offered_at",
    "tissue_arrived": "arrived_at",
}
"""The field of the act that says when it happened."""


def time_of_now(act: str) -> dict[str, str]:
    """The parts of that field as a browser sends them."""
    name = TIMES.get(act, "")
    if not name:
        return {}
    local = current.local_now()
    offset = f"{local:%z}"
    return {f"{name}.date": f"{local:%Y-%m-%d}", f"{name}.time": f"{local:%H:%M:%S}", f"{name}.offset": f"{offset[:3]}:{offset[3:]}"}
