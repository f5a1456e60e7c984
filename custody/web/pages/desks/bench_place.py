"""Where the bench's device stands and what lies open there, as the record has it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import g, request, url_for

from custody.domain.ids import BankId, EquipmentId, LotId, Node, TissueId
from custody.domain.terms import Role
from custody.web import current
from custody.web.desk_parts import desk_href
from custody.web.desks import desk
from custody.web.workstation import workstation
from custody.words import Words
from custody.workflows.line_clearance import LiesOpen, lies_open_at
from custody.workflows.sight import may_find

DESK = desk("bench")


@dataclass(frozen=True, kw_only=True)
class OpenHere:
    """The one product at this workstation. `may_be_read`: whether this person may see it; it may be of another study."""

    workstation: EquipmentId
    node: TissueId | BankId | LotId
    since: datetime
    by: str
    may_be_read: bool


def open_here() -> OpenHere | None:
    """What lies open where this device stands; worked out once a request, and again after something was recorded."""
    if "bench_open" not in g:
        g.bench_open = _read()
    found: OpenHere | None = g.bench_open
    return found


def forget_open() -> None:
    g.pop("bench_open", None)


def is_open_here(node: Node) -> bool:
    lies_open = open_here()
    return lies_open is not None and lies_open.node == node


def _read() -> OpenHere | None:
    place = workstation().place
    if place is None:
        return None
    with current.store().reading() as connection:
        if not may_find(connection, current.viewer(), place):
            return None  # a device remembers what this person may not see
        found: LiesOpen | None = lies_open_at(connection, current.viewer(), place).value
        if found is None or not isinstance(found.node, TissueId | BankId | LotId):
            return None
        readable = may_find(connection, current.viewer(), found.node)
    return OpenHere(workstation=place, node=found.node, since=found.since, by=found.by, may_be_read=readable)


def station_shown(words: Words) -> dict[str, Any]:
    """What every page of the bench shows of its workstation."""
    place, lies_open = workstation().place, open_here()
    readable = lies_open is not None and lies_open.may_be_read
    name = open_name(words)
    return {
        "station_place": place.value if place is not None else "",
        "station_action": url_for("desk_bench.stand_at"),
        "station_open": name,
        "station_href": desk_href(DESK, lies_open.node) if lies_open is not None and readable else "",
        "station_since": words.say("desk.bench.open_since", at=lies_open.since, by=lies_open.by) if lies_open is not None else "",
        "station_may_clear": readable and Role.OPERATOR in current.viewer().roles,
        "cleared_text": words.say("desk.bench.line_cleared", thing=name),
        "close_text": words.say("desk.bench.close_it", thing=name),
        "ask_clearance": request.args.get("clear") == "1",
    }


def station_line(words: Words) -> str:
    """Where this device stands and what lies open there, for a person who signs away from the bench's own page."""
    place = workstation().place
    if place is None:
        return words.say("desk.bench.no_place_said")
    lies_open = open_here()
    if lies_open is None:
        return f"{place} · {words.say('desk.bench.nothing_open')}"
    since = words.say("desk.bench.open_since", at=lies_open.since, by=lies_open.by)
    return f"{place} · {open_name(words)} · {since}"


def open_name(words: Words) -> str:
    """The open product in words; one of another study without its name."""
    lies_open = open_here()
    if lies_open is None:
        return ""
    return words.named(lies_open.node) if lies_open.may_be_read else words.say("desk.bench.not_yours")
