"""Shipments of the packing desk in the reader's words: what is ready with its number and limit, and every bag with its place."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime

from custody.domain.ids import BagId, ShipmentId
from custody.printing.symbols import code128_svg
from custody.web.desk_parts import Button, CriterionRow, desk_href
from custody.web.desks import Desk
from custody.web.foresight import reason_text
from custody.web.standings import length, time_left
from custody.web.wording import Line
from custody.words import Words
from custody.workflows.desks.packing import BagToPack, ToPack
from custody.workflows.desks.packing_checks import Check, Supplies
from custody.workflows.desks.whereabouts import Whereabouts

Cell = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class BagCard:
    """One bag of the packing list. `state`: good (packed), bad (would stop the shipment) or open; `stops` say why."""

    anchor: str
    name: str
    href: str
    state: str
    word: str
    place: str
    clock: str
    late: bool
    stops: tuple[str, ...]
    step: Button | None


def state_text(words: Words, row: ToPack) -> str:
    if row.offered_at is not None:
        return words.say("desk.packing.state.offered", at=row.offered_at)
    if row.sealed_at is not None:
        return words.say("desk.packing.state.sealed", at=row.sealed_at)
    if not row.is_started:
        return words.say("desk.packing.state.planned", total=len(row.bags) + len(row.unknown_bags))
    return words.say("desk.packing.state.packing", packed=row.packed, total=len(row.bags) + len(row.unknown_bags))


def facts(words: Words, row: ToPack) -> tuple[Line, ...]:
    lines = [
        Line(words.say("work.state"), state_text(words, row)),
        Line(words.say("desk.packing.goes_to"), f"{row.destination} · {words.say('format.comma').join(row.carriers)}"),
        Line(words.say("desk.packing.kept"), words.word("StorageForm", row.form)),
        Line(words.say("desk.packing.way"), words.say("desk.packing.minutes", minutes=row.planned_minutes)),
    ]
    if row.leave_by is not None and row.sealed_at is None:
        lines.append(Line(words.say("desk.packing.leave_by"), f"{time_left(words, row.leave_by)} · {words.date_time(row.leave_by)}"))
    return tuple(lines)


def beside(words: Words, row: ToPack) -> tuple[Line, ...]:
    """What must be seen while packing or sealing is recorded; numbers that are scanned are not among it."""
    lines = [Line(words.say("desk.packing.documents"), documents(words, row))]
    lines.append(
        Line(words.say("desk.packing.check.bags"), words.say("desk.packing.said.packed_of", packed=row.packed, total=len(row.bags)))
    )
    return tuple(lines)


def beside_bag(words: Words, row: ToPack, bag: BagId) -> tuple[Line, ...]:
    """Which bag this form is about, where it lies, and why it would be stopped."""
    found = next(each for each in row.bags if each.where.bag == bag)
    lines = [Line(words.named(bag), ""), Line(words.say("desk.packing.place"), place_text(words, found.where))]
    lines += [Line(words.gate(each.gate), reason_text(words, each)) for each in found.stops]
    return tuple(lines)


def documents(words: Words, row: ToPack) -> str:
    return words.say("format.comma").join(words.word("document", each) for each in row.documents)


def check_text(words: Words, check: Check) -> str:
    """One line of the checks as a sentence."""
    values = {name: words.value(value) if not isinstance(value, datetime) else value for name, value in check.values.items()}
    return words.say(f"desk.packing.said.{check.key}", about=check.about, **values)


def check_row(words: Words, check: Check) -> CriterionRow:
    about = f" · {check.about}" if check.about else ""
    return CriterionRow(
        name=words.say(f"desk.packing.check.{check.name}") + about,
        limit=check_text(words, check),
        state=check.state,
        word=words.say(f"desk.packing.word.{check.state}"),
    )


def bag_card(words: Words, desk: Desk, row: ToPack, bag: BagToPack, now: datetime, step: Button | None) -> BagCard:
    state = "bad" if bag.stops or bag.elsewhere is not None else "good" if bag.packed_at is not None else "open"
    word = "packed" if bag.packed_at is not None else "to_pack" if bag.where.out_since is not None else "in_store"
    return BagCard(
        anchor=f"bag-{bag.where.bag.value}",
        name=words.named(bag.where.bag),
        href=desk_href(desk, bag.where.bag, "bag_unpacked", shipment=row.node.value)
        if bag.packed_at is not None and row.sealed_at is None
        else "",
        state=state,
        word=words.say(f"desk.packing.bag.{word}", at=bag.packed_at if bag.packed_at is not None else ""),
        place=place_text(words, bag.where, now),
        clock=f"{words.say('desk.packing.expires')}: {time_left(words, bag.where.expires_at)} · {words.date_time(bag.where.expires_at)}",
        late=bag.where.expires_at <= now or (bag.where.cold_by is not None and bag.where.cold_by <= now),
        stops=tuple(f"{each.gate}: {reason_text(words, each)}" for each in bag.stops),
        step=step,
    )


def place_text(words: Words, where: Whereabouts, now: datetime | None = None) -> str:
    """Where a bag is in one line; out of storage with how long it has been and how long it may."""
    if where.in_doubt:
        return words.say("desk.storage.in_doubt")
    if where.out_since is not None:
        if now is None or where.cold_by is None:
            return words.say("desk.storage.out_at", at=where.out_since)
        return words.say(
            "desk.storage.out_since", length=length(words, now - where.out_since), at=where.out_since, left=time_left(words, where.cold_by)
        )
    if isinstance(where.place, ShipmentId):
        return words.say("desk.storage.in_shipper", shipment=where.place)
    if where.place is not None:
        return words.say("desk.storage.stored_in", store=where.place, position=where.position or words.say("desk.storage.no_position"))
    return words.say("desk.storage.nowhere")


def columns(words: Words, *keys: str) -> list[Cell]:
    return [{"label": words.say(f"desk.packing.column.{key}"), "number": False} for key in keys]


def shipper_rows(words: Words, found: Supplies) -> list[list[Cell]]:
    """Shippers, those that are qualified first; the others say so in words."""
    rows = []
    for each in found.shippers:
        until = words.value(each.qualified_until) if each.qualified_until is not None else words.say("format.none")
        hold = words.say("desk.packing.hours", hours=each.hold_minutes // 60) if each.hold_minutes is not None else words.say("format.none")
        rows.append([_cell(f"{each.shipper} {each.model}".strip()), _cell(_or_not(words, until, good=each.good)), _cell(hold)])
    return rows


def logger_rows(words: Words, found: Supplies) -> list[list[Cell]]:
    rows = []
    for each in found.loggers:
        due = words.value(each.due_on) if each.due_on is not None else words.say("format.none")
        started = words.date_time(each.started_at) if each.started_at is not None else words.say("desk.packing.not_running")
        rows.append([_cell(each.logger.value), _cell(_or_not(words, due, good=each.good)), _cell(started)])
    return rows


def manifest_facts(words: Words, row: ToPack) -> tuple[Line, ...]:
    sealed = words.date_time(row.sealed_at) if row.sealed_at is not None else words.say("desk.packing.said.not_sealed")
    seals = words.say("format.comma").join(seal.value for seal in row.seals) or words.say("format.none")
    loggers = words.say("format.comma").join(each.value for each in row.loggers)
    return (
        Line(words.say("desk.packing.goes_to"), row.destination),
        Line(words.say("desk.packing.carrier"), words.say("format.comma").join(row.carriers)),
        Line(words.say("desk.packing.kept"), words.word("StorageForm", row.form)),
        Line(words.say("desk.packing.check.logger"), loggers or words.say("format.none")),
        Line(words.say("desk.packing.check.seals"), seals),
        Line(words.say("desk.packing.sealed_at"), sealed),
        Line(words.say("desk.packing.documents"), documents(words, row)),
    )


def manifest_rows(words: Words, row: ToPack) -> list[list[Cell]]:
    return [
        [
            _cell(str(n)),
            {"text": bag.where.bag.value, "href": "", "code": True},
            _cell(words.date_time(bag.where.expires_at)),
            _cell(words.date_time(bag.packed_at) if bag.packed_at is not None else words.say("desk.packing.not_packed")),
        ]
        for n, bag in enumerate(row.bags, start=1)
    ]


def picture(text: str) -> str:
    """A symbol as an image that needs no further request."""
    return "data:image/svg+xml;base64," + base64.b64encode(code128_svg(text).encode()).decode()


def _or_not(words: Words, text: str, *, good: bool) -> str:
    return text if good else words.say("desk.packing.cannot_be_used", until=text)


def _cell(text: str) -> Cell:
    return {"text": text, "href": "", "code": False}
