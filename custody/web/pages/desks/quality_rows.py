"""The rows of the quality desk's queues."""

from __future__ import annotations

from datetime import datetime

from custody.domain.ids import BagId
from custody.domain.verdict import Reason
from custody.web import current
from custody.web.desk_parts import Button, QueueRow, desk_href, step_button
from custody.web.desks import desk
from custody.web.pages.desks.quality_sheet import gap_href, gap_text
from custody.web.standings import length, next_text, time_left
from custody.words import Words
from custody.workflows.desks.lot_record import Deviation
from custody.workflows.desks.quality import RecallSeen
from custody.workflows.desks.quality_facts import Cold, GapSeen, Hold

DESK = desk("quality")


def cold(words: Words, each: Cold) -> QueueRow:
    state = words.say("desk.quality.class_is", klass=each.klass)
    act = "cold_chain_decided"
    if each.needs_file:
        state, act = f"{state} · {words.say('desk.quality.needs_file')}", "trace_given_up"
    return QueueRow(
        thing=words.named(each.bag),
        href=desk_href(DESK, each.bag),
        state=state,
        left=time_left(words, each.expires_at),
        until=each.expires_at,
        bad=True,
        remark=reason_text(words, each.reasons[0]) if each.reasons else "",
        who=next_text(words, act),
        step=None if each.needs_file else step_button(words, DESK, each.bag, act),
    )


def reason_text(words: Words, reason: Reason) -> str:
    return words.reason(reason.code, reason.values)


def gap(words: Words, each: GapSeen) -> QueueRow:
    span = length(words, (each.end or current.now()) - each.start)
    step = step_button(words, DESK, each.node, "gap_disposed") if each.end is not None else None
    if step is not None:
        step = Button(label=words.say("desk.quality.step_dispose"), href=gap_href(words, each))
    return QueueRow(
        thing=words.named(each.node),
        href=desk_href(DESK, each.node),
        state=words.say("desk.quality.gap_of", length=span, count=len(each.bags)),
        left=time_left(words, each.expires_at),
        until=each.expires_at,
        bad=True,
        remark=" · ".join((gap_text(words, each), *(() if each.end is not None else (words.say("desk.quality.gap_lasts"),)))),
        who=next_text(words, "gap_disposed"),
        step=step,
    )


def hold(words: Words, each: Hold) -> QueueRow:
    step = step_button(words, DESK, each.node, "hold_lifted")
    if step is not None:
        step = Button(label=words.say("desk.quality.step_lift"), href=desk_href(DESK, each.node, "hold_lifted", hold=each.number))
    return QueueRow(
        thing=words.named(each.node),
        href=desk_href(DESK, each.node),
        state=hold_text(words, each),
        left=words.say("work.no_limit"),
        bad=True,
        remark=_since(words, each.reason, each.since),
        who=next_text(words, "hold_lifted"),
        step=step,
    )


def _since(words: Words, text: str, at: datetime) -> str:
    return " · ".join(part for part in (text, words.say("desk.quality.since", at=at)) if part)


def hold_text(words: Words, each: Hold) -> str:
    """Its number with its owner, or why custody placed it."""
    if each.owner:
        return words.say("desk.quality.held_by", number=each.number, owner=each.owner)
    return words.say("desk.quality.held_by_custody", number=each.number, cause=each.cause)


def deviation(words: Words, each: Deviation) -> QueueRow:
    step = step_button(words, DESK, each.node, "deviation_closed")
    if step is not None:
        given = {"deviation": each.number}
        step = Button(label=words.say("desk.quality.step_close"), href=desk_href(DESK, each.node, "deviation_closed", **given))
    return QueueRow(
        thing=words.named(each.node),
        href=desk_href(DESK, each.node),
        state=f"{each.number} · {words.term(each.severity)}",
        left=words.say("work.no_limit"),
        bad=each.stops_release,
        remark=_since(words, each.description, each.opened_at),
        who=next_text(words, "deviation_closed"),
        step=step,
    )


def recall(words: Words, each: RecallSeen, href: str) -> QueueRow:
    return QueueRow(
        thing=words.named(each.node),
        href=desk_href(DESK, each.node),
        state=each.number,
        left=words.say("work.no_limit"),
        bad=True,
        remark=_since(words, each.reason, each.at),
        who="",
        step=Button(label=words.say("desk.quality.list_for_recall"), href=href),
    )


def unknown(words: Words, bag: BagId) -> QueueRow:
    return QueueRow(thing=words.named(bag), href=desk_href(DESK, bag), state=words.say("desk.quality.unknown"), left="", bad=True)
