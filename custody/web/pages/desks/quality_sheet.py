"""One thing at the quality desk: its holds, deviations, gaps and custodians as rows, and what must be seen while a decision is signed."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from decimal import Decimal

from flask import request

from custody.web import current
from custody.web.desk_parts import Button, CriterionRow, desk_href
from custody.web.desks import desk
from custody.web.standings import blocked_text, length, state_text
from custody.web.wording import Line
from custody.words import Words
from custody.words.formats import rough_minutes
from custody.workflows.desks.lot_record import Deviation
from custody.workflows.desks.quality import QualitySheet
from custody.workflows.desks.quality_facts import GapSeen, Hold

DESK = desk("quality")
SECOND = timedelta(seconds=1)


def facts(words: Words, found: QualitySheet) -> tuple[Line, ...]:
    stands = found.stands
    lines = (
        Line(words.say("work.state"), state_text(words, stands)),
        Line(words.say("work.holder"), stands.holder),
        Line(words.say("work.blocked"), blocked_text(words, stands)),
        Line(words.say("desk.quality.scope"), reach(words, found)),
    )
    return tuple(line for line in lines if line.value)


def reach(words: Words, found: QualitySheet) -> str:
    """What a hold or recall of this thing stops."""
    said = (words.say("desk.quality.scope_is", count=count, kind=words.say(f"term.node.{kind}")) for kind, count in found.reach)
    return words.say("format.comma").join(said) or words.say("desk.quality.scope_none")


def beside(words: Words, found: QualitySheet, act: str) -> tuple[Line, ...]:
    """What must be seen while a decision is written."""
    if act in {"hold_placed", "recalled", "hold_lifted"}:
        return (Line(words.say("desk.quality.scope"), reach(words, found)), *_the_hold(found, act))
    if act == "gap_disposed":
        return (*_seals(words, found), *_record(words, found))
    if act in {"cold_chain_decided", "trace_given_up"} and found.cold is not None:
        said = (Line(words.say("desk.quality.why_class"), words.reason(each.code, each.values)) for each in found.cold.reasons)
        return (Line(words.say("desk.quality.class_is", klass=found.cold.klass), ""), *said)
    return ()


def _the_hold(found: QualitySheet, act: str) -> tuple[Line, ...]:
    wanted = request.args.get("hold", "")
    hold = next((each for each in found.holds if each.number == wanted), None) if act == "hold_lifted" else None
    return (Line(hold.number, hold.reason or hold.cause),) if hold is not None else ()


def _seals(words: Words, found: QualitySheet) -> tuple[Line, ...]:
    """A decision says that the seals are intact: these are the seals."""
    lines = []
    for shipment, seals in found.seals:
        read = words.say("format.comma").join(seals.read) if seals.read is not None else words.say("desk.quality.seals_not_read")
        put_on = words.say("format.comma").join(seals.put_on)
        lines += [
            Line(words.say("desk.quality.seals_put_on", shipment=shipment), put_on),
            Line(words.say("desk.quality.seals_read"), read),
        ]
    return tuple(lines)


def _record(words: Words, found: QualitySheet) -> tuple[Line, ...]:
    """It also says that the trace is continuous."""
    if found.cold is None:
        return ()
    gaps = found.cold.gaps
    minutes = sum((gap.minutes for gap in gaps), start=Decimal(0))
    text = words.say("desk.quality.record_gaps", minutes=rough_minutes(minutes)) if gaps else words.say("desk.quality.record_whole")
    return (Line(words.say("desk.quality.record_of"), text),)


def holds(words: Words, found: QualitySheet) -> tuple[CriterionRow, ...]:
    return tuple(_hold(words, found, each) for each in found.holds)


def _hold(words: Words, found: QualitySheet, each: Hold) -> CriterionRow:
    own = each.node == found.stands.node
    steps: tuple[Button, ...] = ()
    if can(found, "hold_lifted") and own:
        href = desk_href(DESK, each.node, "hold_lifted", hold=each.number)
        steps = (Button(label=words.say("desk.quality.step_lift"), href=href),)
    elif not own and each.node.kind in DESK.kinds:
        steps = (Button(label=words.named(each.node), href=desk_href(DESK, each.node)),)
    owner = f"{words.say('desk.quality.hold_owner')}: {each.owner}" if each.owner else each.cause
    text = " · ".join(part for part in (each.reason, owner, words.say("desk.quality.since", at=each.since), each.by) if part)
    return CriterionRow(
        name=f"{each.number} · {words.named(each.node)}", limit=text, state="bad", word=words.say("work.blocked"), steps=steps
    )


def can(found: QualitySheet, act: str) -> bool:
    return any(offer.act == act and offer.why_not is None for offer in found.offers)


def deviations(words: Words, found: QualitySheet) -> tuple[CriterionRow, ...]:
    return tuple(_deviation(words, found, each) for each in found.deviations)


def _deviation(words: Words, found: QualitySheet, each: Deviation) -> CriterionRow:
    own = each.node == found.stands.node
    steps: tuple[Button, ...] = ()
    if each.closed_at is None and own and can(found, "deviation_closed"):
        href = desk_href(DESK, each.node, "deviation_closed", deviation=each.number)
        steps = (Button(label=words.say("desk.quality.step_close"), href=href),)
    return CriterionRow(
        name=f"{each.number} · {words.term(each.severity)} · {words.named(each.node)}",
        limit=" · ".join(part for part in (each.description, each.opened_by, each.conclusion) if part),
        state="bad" if each.stops_release else "open" if each.closed_at is None else "good",
        word=words.say("desk.release.deviation_open" if each.closed_at is None else "desk.release.deviation_closed"),
        steps=steps,
    )


def gaps(words: Words, found: QualitySheet) -> tuple[CriterionRow, ...]:
    return tuple(_gap(words, found, each) for each in found.gaps)


def _gap(words: Words, found: QualitySheet, each: GapSeen) -> CriterionRow:
    steps: tuple[Button, ...] = ()
    if each.is_open and each.end is not None and can(found, "gap_disposed"):
        steps = (Button(label=words.say("desk.quality.step_dispose"), href=gap_href(words, each)),)
    word = words.say("desk.quality.gap_open") if each.is_open else words.say("desk.quality.gap_disposed", name=each.disposed_by)
    return CriterionRow(
        name=f"{length(words, (each.end or current.now()) - each.start)} · {words.named(each.node)}",
        limit=" · ".join(part for part in (gap_text(words, each), each.why) if part),
        state="bad" if each.is_open else "good",
        word=word,
        steps=steps,
    )


def gap_text(words: Words, each: GapSeen) -> str:
    """What kind of gap, in the words of the rule that finds it."""
    return words.reason(each.kind, {"start": each.start, "end": each.end or current.now(), "on": each.node.key})


def gap_href(words: Words, each: GapSeen) -> str:
    return desk_href(DESK, each.node, "gap_disposed", **gap_given(each, words.zone))


def custody(words: Words, found: QualitySheet) -> list[list[dict[str, object]]]:
    return [
        [
            cell(each.holder),
            cell(words.date_time(each.start)),
            cell(words.date_time(each.end) if each.end is not None else words.say("desk.quality.until_now")),
        ]
        for each in found.custody
    ]


def columns(words: Words, *names: str) -> list[dict[str, object]]:
    return [{"label": words.say(f"desk.quality.{name}"), "number": False} for name in names]


def cell(text: str, *, href: str = "", code: bool = False) -> dict[str, object]:
    return {"text": text, "href": href, "code": code}


def moment(field: str, at: datetime, zone: tzinfo) -> dict[str, str]:
    """A time as the three parts of its field."""
    local = at.astimezone(zone)
    offset = f"{local:%z}"
    parts = {"date": f"{local:%Y-%m-%d}", "time": f"{local:%H:%M:%S}", "offset": f"{offset[:3]}:{offset[3:5]}"}
    return {f"{field}.{part}": text for part, text in parts.items()}


def gap_given(gap: GapSeen, zone: tzinfo) -> dict[str, str]:
    """The whole gap, rounded outwards to seconds: a decision counts only for a gap that it covers."""
    end = gap.end or current.now()
    last = end if not end.microsecond else end.replace(microsecond=0) + SECOND
    return moment("gap_started_at", gap.start.replace(microsecond=0), zone) | moment("gap_ended_at", last, zone)
