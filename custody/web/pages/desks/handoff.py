"""The hand-over desk: what waits for its receiver with the minutes left, what can be handed over, what is on its way."""

from __future__ import annotations

from flask import request

from custody.domain.ids import BagId, Node, ShipmentId
from custody.web import current
from custody.web.desk_kit import Page, blueprint_of, cut_note, home_page, plain_sheet, sheet_page
from custody.web.desk_parts import CriterionRow, QueueRow, QueueShown, desk_href, step_button
from custody.web.desk_times import time_of_now
from custody.web.desk_waiting import waiting_shown
from custody.web.desks import desk
from custody.web.standings import length, next_text, time_left
from custody.web.wording import Line
from custody.words import Words
from custody.workflows.desks import handoff as read
from custody.workflows.desks.handoff import HandoverSeen, Held

DESK = desk("handoff")


def home() -> Page:
    """What waits for this person comes first."""
    words = current.words()
    with current.store().reading() as connection:
        found = read.queue(connection, current.viewer(), current.present(), current.now()).value
    waiting = QueueShown(
        title=words.say("desk.handoff.open"),
        rows=tuple(_row(words, row) for row in found.open),
        empty=words.say("desk.handoff.none_open"),
    )
    to_give = QueueShown(
        title=words.say("desk.handoff.to_give"),
        rows=tuple(_row(words, row) for row in found.to_give),
        empty=words.say("desk.handoff.nothing_to_give"),
    )
    way = QueueShown(
        title=words.say("desk.handoff.on_the_way"),
        rows=tuple(_row(words, row) for row in found.on_the_way),
        empty=words.say("desk.handoff.nothing_on_the_way"),
        note=cut_note() if found.cut else "",
    )
    return home_page(DESK, (waiting, to_give, way), template="pages/desks/handoff.html", broken=found.unreadable)


def sheet(node: Node) -> Page:
    """Who answers for it now, and every hand-over it went through."""
    if not isinstance(node, ShipmentId | BagId):
        return plain_sheet(DESK, node)
    words = current.words()
    with current.store().reading() as connection:
        found = read.sheet(connection, current.viewer(), current.present(), node, DESK.acts, current.now()).value
    held = found.held
    return sheet_page(
        DESK,
        node,
        found.offers,
        template="pages/desks/handoff_sheet.html",
        facts=_facts(words, held),
        beside=_beside(words, held),
        problem=words.say("desk.handoff.is_gap") if held.open is not None and held.open.became_gap else "",
        main=_main(held),
        given=time_of_now(request.args.get("act", "")),
        waiting=waiting_shown(words, node),
        past=tuple(_past(words, each) for each in reversed(held.past)),
    )


blueprint = blueprint_of(DESK, home=home, sheet=sheet)


def _main(held: Held) -> str:
    if held.part == "giver" and held.open is not None:
        return ""  # the receiver acts now
    return held.next


def _row(words: Words, row: Held) -> QueueRow:
    until = row.open.gap_at if row.open is not None else row.late_after
    late = until is not None and until <= current.now()
    mine = row.part == ("receiver" if row.open is not None else "holder")
    return QueueRow(
        thing=words.named(row.node),
        href=desk_href(DESK, row.node),
        state=_state(words, row),
        left=time_left(words, until),
        until=until,
        late=late,
        bad=late,
        remark=words.say("desk.handoff.is_gap") if late and row.open is not None else _remark(words, row),
        who=_who(words, row),
        step=step_button(words, DESK, row.node, row.next) if mine and row.next else None,
    )


def _state(words: Words, row: Held) -> str:
    if row.open is None:
        return words.say("desk.handoff.with", custodian=row.custodian, since=row.since or "")
    return words.say("desk.handoff.from_to", giver=row.open.giver, to=row.open.to, at=row.open.started_at)


def _remark(words: Words, row: Held) -> str:
    if row.open is None:
        return words.say("desk.handoff.due") if row.late_after is not None else ""
    return words.say(f"desk.handoff.part.{row.part}")


def _who(words: Words, row: Held) -> str:
    if row.open is not None:
        return words.say("desk.handoff.waits_for", to=row.open.to)
    return next_text(words, row.next)


def _facts(words: Words, held: Held) -> tuple[Line, ...]:
    lines = [Line(words.say("work.holder"), words.say("desk.handoff.with", custodian=held.custodian, since=held.since or ""))]
    if held.open is not None:
        each = held.open
        lines.append(
            Line(words.say("desk.handoff.open_one"), words.say("desk.handoff.from_to", giver=each.giver, to=each.to, at=each.started_at))
        )
        lines.append(Line(words.say("desk.handoff.gap_at"), f"{time_left(words, each.gap_at)} · {words.date_time(each.gap_at)}"))
        lines.append(Line(words.say("desk.handoff.your_part"), words.say(f"desk.handoff.part.{held.part}")))
    if held.late_after is not None:
        lines.append(Line(words.say("desk.handoff.due"), f"{time_left(words, held.late_after)} · {words.date_time(held.late_after)}"))
    return tuple(lines)


def _beside(words: Words, held: Held) -> tuple[Line, ...]:
    """From whom to whom, and how long is left; seals are read from the thing and never shown."""
    if held.open is None:
        return (Line(words.say("work.holder"), held.custodian), Line(words.say("desk.handoff.both_scan"), ""))
    left = time_left(words, held.open.gap_at)
    return (Line(words.say("desk.handoff.open_one"), f"{held.open.giver} → {held.open.to}"), Line(words.say("desk.handoff.gap_at"), left))


def _past(words: Words, each: HandoverSeen) -> CriterionRow:
    ended = each.ended_at
    word = "open" if ended is None else "accepted" if each.accepted_by else "ended"
    took = length(words, (ended or current.now()) - each.started_at)
    said = [
        words.say("desk.handoff.from_to", giver=each.giver, to=each.to, at=each.started_at),
        words.say("desk.handoff.took", length=took),
    ]
    if each.accepted_by and ended is not None:
        said.append(words.say("desk.handoff.accepted_by", name=each.accepted_by, at=ended))
    if each.became_gap:
        said.append(words.say("desk.handoff.is_gap"))
    return CriterionRow(
        name=each.to,
        limit=" · ".join(said),
        state="bad" if each.became_gap else "open" if ended is None else "good",
        word=words.say(f"desk.handoff.word.{word}"),
    )
