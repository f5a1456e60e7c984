"""Adverse events in words: a line of the queue, the facts of one, its clocks, assessments and follow-up."""

from __future__ import annotations

from collections.abc import Iterator

from custody.domain.acts.base import ACTS
from custody.web import current
from custody.web.desk_parts import Button, CriterionRow, QueueRow, ResultLine, desk_href
from custody.web.desks import Desk
from custody.web.moments import Moment
from custody.web.standings import next_text, time_left
from custody.web.wording import Line
from custody.words import Words
from custody.workflows.desks.offers import Offer, may_begin
from custody.workflows.desks.safety import Reaction
from custody.workflows.desks.safety_facts import ClockSeen, EventSeen, Judged, Told

SHOWN = {"done": "good", "done_late": "open", "open": "open", "waiting": "open", "overdue": "bad"}
"""A report sent late stays in sight: it is not folded away with the good ones."""
TIMES = {"sponsor_informed": "informed_at", "safety_report_submitted": "submitted_at", "adverse_event_followed_up": "seen_at"}


def event_row(words: Words, desk: Desk, each: EventSeen) -> QueueRow:
    """What is owed for one event next, with the time left."""
    until = each.due.clock.until if each.due is not None else None
    return QueueRow(
        thing=event_name(words, each),
        href=desk_href(desk, each.node, event=each.event.value),
        state=standing_text(words, each),
        left=time_left(words, until) if until is not None else words.say("desk.safety.no_clock"),
        until=until,
        late=each.is_late,
        bad=each.is_late or each.was_late,
        remark=" · ".join(text for text in (clock_name(words, each.due) if each.due is not None else "", each.description[:120]) if text),
        who=next_text(words, each.next) if each.next else "",
        step=Button(label=words.act_title(each.next), href=act_href(desk, each, each.next)) if next_may(each.next) else None,
    )


def next_may(act: str) -> bool:
    """Whether this person may begin it."""
    return bool(act) and may_begin(ACTS[act], current.present(), current.study())


def event_name(words: Words, each: EventSeen) -> str:
    return words.say("desk.safety.event_of", event=each.event.value, participant=words.named(each.node))


def reaction_row(words: Words, desk: Desk, each: Reaction) -> QueueRow:
    may = next_may("adverse_event_reported")
    return QueueRow(
        thing=words.say("desk.safety.reaction_after", dose=words.named(each.dose)),
        href=desk_href(desk, each.node),
        state=words.date_time(each.seen_at),
        left="",
        bad=True,
        remark=f"{each.description[:120]} · {each.by}",
        who=next_text(words, "adverse_event_reported"),
        step=Button(label=words.say("desk.safety.report_it"), href=report_href(desk, each)) if may else None,
    )


def report_href(desk: Desk, each: Reaction) -> str:
    """The report of an event, with what was recorded at the bed filled in."""
    given = {"dose": each.dose.value, "reaction": each.digest.value, "description": each.description}
    moment = Moment.of(each.seen_at, current.zone())
    times = {name: values[0] for field in ("began_at", "learned_at") for name, values in moment.as_typed(field)}
    return desk_href(desk, each.node, "adverse_event_reported", **given, **times)


def act_href(desk: Desk, each: EventSeen, act: str) -> str:
    """The form of an act about this event, with what the clock that runs out first asks for."""
    given = {"event": each.event.value}
    if act == "safety_report_submitted" and each.due is not None and each.due.clock.recipient is not None:
        given |= {"report": each.due.clock.kind, "recipient": each.due.clock.recipient.value}
    return desk_href(desk, each.node, act, **given)


def standing_text(words: Words, each: EventSeen) -> str:
    texts = [words.term(each.seriousness), words.say("desk.safety.grade", grade=each.grade)]
    if each.is_serious:
        texts.append(words.say("desk.safety.unexpected" if each.is_unexpected else "desk.safety.expected"))
        texts.append(words.say("desk.safety.may_be_related" if each.may_be_related else "desk.safety.not_related"))
    if each.closed_at is not None:
        texts.append(words.say("desk.safety.closed"))
    return " · ".join(texts)


def clock_name(words: Words, seen: ClockSeen) -> str:
    clock = seen.clock
    recipient = words.term(clock.recipient) if clock.recipient is not None else ""
    key = {"sponsor": "clock.sponsor", "initial": "clock.initial", "follow_up": "clock.follow_up"}[clock.kind]
    return words.say(f"desk.safety.{key}", recipient=recipient)


def facts(words: Words, each: EventSeen) -> tuple[Line, ...]:
    """One event in lines; in the order in which a reader of the report asks."""
    day_0 = words.date_time(each.sponsor_knew_at) if each.sponsor_knew_at is not None else words.say("desk.safety.unknown_yet")
    lines = [
        Line(each.event.value, standing_text(words, each)),
        Line(words.say("desk.safety.description"), each.description),
        Line(words.say("desk.safety.began"), words.date_time(each.began_at)),
        Line(words.say("desk.safety.learned"), f"{words.date_time(each.learned_at)} · {each.reported_by}"),
    ]
    if each.is_serious:
        lines.append(Line(words.say("desk.safety.day_0"), day_0))
    if each.dose is not None:
        lines.append(Line(words.say("desk.safety.dose"), words.named(each.dose)))
    if each.closed_at is not None:
        lines.append(Line(words.say("desk.safety.closed"), words.date_time(each.closed_at)))
    return tuple(lines)


def clock_rows(words: Words, desk: Desk, each: EventSeen, offered: tuple[Offer, ...]) -> tuple[CriterionRow, ...]:
    can = frozenset(offer.act for offer in offered if offer.why_not is None)
    return tuple(_clock(words, desk, each, seen, can) for seen in each.clocks)


def _clock(words: Words, desk: Desk, each: EventSeen, seen: ClockSeen, can: frozenset[str]) -> CriterionRow:
    clock = seen.clock
    limit = words.say("desk.safety.not_begun")
    if clock.until is not None:
        key = "limit.sponsor" if clock.kind == "sponsor" else "limit.days"
        limit = words.say(f"desk.safety.{key}", until=clock.until)
        if clock.done_at is None:
            limit = f"{limit} · {time_left(words, clock.until)}"
    done = words.say("desk.safety.done_at", at=clock.done_at) if clock.done_at is not None else ""
    act = "sponsor_informed" if clock.kind == "sponsor" else "safety_report_submitted"
    steps = []
    if clock.done_at is None and act in can:
        given = {"event": each.event.value}
        if clock.recipient is not None:
            given |= {"report": clock.kind, "recipient": clock.recipient.value}
        steps.append(Button(label=words.act_title(act), href=desk_href(desk, each.node, act, **given)))
    return CriterionRow(
        name=clock_name(words, seen),
        limit=limit,
        state=SHOWN[seen.state],
        word=words.say(f"desk.safety.state.{seen.state}"),
        results=(ResultLine(text=done, word=""),) if done else (),
        steps=tuple(steps),
    )


def told_rows(words: Words, each: EventSeen) -> tuple[CriterionRow, ...]:
    """Assessments of both sides, then follow-ups and reports in the order in which they happened."""
    return (*(_judged(words, judged) for judged in each.judged), *(_told(words, told) for told in each.told))


def _judged(words: Words, judged: Judged) -> CriterionRow:
    texts = (
        words.term(judged.seriousness),
        words.say("desk.safety.grade", grade=judged.grade),
        words.term(judged.relatedness),
        words.term(judged.expectedness),
    )
    return CriterionRow(
        name=words.say(f"desk.safety.side.{judged.side}"),
        limit=words.date_time(judged.at),
        state="open",
        word=" · ".join(texts),
        results=(ResultLine(text=judged.reason, word=words.say("desk.safety.no_limit", by=judged.by)),),
    )


def _told(words: Words, told: Told) -> CriterionRow:
    return CriterionRow(
        name=words.say(f"desk.safety.told.{told.kind}"),
        limit=words.date_time(told.at),
        state="open",
        word=words.say(told.word),
        results=(ResultLine(text=told.text, word=words.say("desk.safety.no_limit", by=told.by)),),
    )


def beside(words: Words, each: EventSeen | None) -> Iterator[Line]:
    """What must be seen while something is recorded about an event."""
    if each is not None:
        yield from facts(words, each)
        for seen in each.clocks:
            if seen.state in {"open", "overdue"} and seen.clock.until is not None:
                yield Line(clock_name(words, seen), f"{words.date_time(seen.clock.until)} · {time_left(words, seen.clock.until)}")
