"""The closing desk: what was given, what became of every bag, and the safety follow-up that is due."""

from __future__ import annotations

from collections.abc import Iterator

from custody.domain.ids import DoseId, Node
from custody.web import current
from custody.web.desk_kit import Page, blueprint_of, cut_note, home_page, plain_sheet, sheet_page
from custody.web.desk_parts import Button, CriterionRow, QueueRow, QueueShown, ResultLine, desk_href, step_button
from custody.web.desk_waiting import waiting_shown
from custody.web.desks import desk
from custody.web.foresight import foresight_text, rule_rows
from custody.web.standings import next_text, time_left
from custody.web.wording import Line
from custody.words import Words
from custody.workflows.desks import closing as read
from custody.workflows.desks.closing import BagCounted, DoseSheet, DoseToClose
from custody.workflows.desks.followed import Point

DESK = desk("closing")
FATES_DONE = frozenset({"finished", "discarded", "destroyed"})
WITNESSES = 2
SHOWN = {"missed": "bad", "due": "open", "to_come": "open", "reasoned": "good", "done": "good"}


def home() -> Page:
    """What was missed first, then the nearest follow-up."""
    words = current.words()
    with current.store().reading() as connection:
        found = read.queue(connection, current.viewer(), current.now()).value
    queue = QueueShown(
        title=words.say("desk.closing.queue"),
        rows=tuple(_row(words, row) for row in found.doses),
        empty=words.say("desk.closing.empty"),
        note=cut_note() if found.cut else "",
    )
    return home_page(DESK, (queue,), broken=found.unreadable)


def sheet(node: Node) -> Page:
    if not isinstance(node, DoseId):
        return plain_sheet(DESK, node)
    words = current.words()
    with current.store().reading() as connection:
        found = read.dose_sheet(connection, current.viewer(), current.present(), node, DESK.acts, current.now()).value
    dose = found.dose
    return sheet_page(
        DESK,
        node,
        found.offers,
        template="pages/desks/closing_dose.html",
        facts=tuple(_facts(words, dose)),
        beside=tuple(_beside(words, dose)),
        main=dose.next,
        waiting=waiting_shown(words, node),
        sentence=foresight_text(words, found.foreseen) if found.foreseen is not None else "",
        rules=rule_rows(words, found.foreseen) if found.foreseen is not None else (),
        bags=tuple(_bag(words, bag) for bag in dose.bags),
        points=tuple(_point(words, found, point) for point in dose.points),
    )


blueprint = blueprint_of(DESK, home=home, sheet=sheet)


def _row(words: Words, row: DoseToClose) -> QueueRow:
    until = row.until
    return QueueRow(
        thing=words.named(row.node),
        href=desk_href(DESK, row.node),
        state=state_text(words, row),
        left=time_left(words, until) if until is not None else words.say("desk.closing.nothing_due"),
        until=until,
        late=bool(row.missed),
        bad=bool(row.missed),
        remark=_follow_up_text(words, row),
        who=next_text(words, row.next),
        step=step_button(words, DESK, row.node, row.next),
    )


def state_text(words: Words, dose: DoseToClose) -> str:
    if dose.closed_at is not None:
        return words.say("desk.closing.closed", at=dose.closed_at)
    if dose.started_at is None:
        return words.say("desk.closing.not_started")
    key = "runs" if dose.ended is None else "ended" if dose.ended.act.completed else "ended_early"
    texts = [words.say(f"desk.closing.{key}"), words.say("desk.closing.given_of", given=dose.given_ml, prescribed=dose.prescribed_ml or "")]
    if dose.unfinished:
        texts.append(words.say("desk.closing.unfinished", count=len(dose.unfinished)))
    return " · ".join(texts)


def _follow_up_text(words: Words, dose: DoseToClose) -> str:
    texts = []
    if dose.missed:
        texts.append(words.say("desk.closing.missed", count=len(dose.missed)))
    if dose.next_point is not None:
        texts.append(words.say("desk.closing.next_point", point=_name(words, dose.next_point)))
    return " · ".join(texts)


def _name(words: Words, point: Point) -> str:
    if point.after_end:
        return words.say("desk.closing.hours_after_end", hours=point.minute // 60)
    return words.say("desk.closing.minutes_after_start", minutes=point.minute)


def _facts(words: Words, dose: DoseToClose) -> Iterator[Line]:
    yield Line(words.say("work.state"), state_text(words, dose))
    yield Line(words.say("desk.closing.participant"), words.named(dose.participant))
    if dose.started_at is not None:
        yield Line(words.say("desk.closing.started_at"), words.date_time(dose.started_at))
    if dose.ended is not None:
        act = dose.ended.act
        yield Line(words.say("desk.closing.ended_at"), " · ".join(text for text in (words.date_time(act.ended_at), act.reason) if text))
    if dose.prescribed_ml is not None:
        given = words.say("desk.closing.given_of", given=dose.given_ml, prescribed=dose.prescribed_ml)
        yield Line(words.say("desk.closing.given"), given)
    if dose.cells_given is not None:
        yield Line(words.say("desk.closing.cells_given"), words.say("desk.closing.cells", cells=dose.cells_given))
    text = _follow_up_text(words, dose)
    if text:
        yield Line(words.say("desk.closing.follow_up"), text)


def _beside(words: Words, dose: DoseToClose) -> Iterator[Line]:
    """What each open bag held, which the five volumes must add up to, and what was prescribed."""
    for bag in dose.unfinished:
        if bag.held_ml is not None and bag.opened:
            adds_up = words.say("desk.closing.must_add_up", held=bag.held_ml, tolerance=bag.tolerance_ml)
            yield Line(words.named(bag.bag), adds_up)
    if dose.prescribed_ml is not None:
        left = max(dose.prescribed_ml - dose.given_ml, dose.prescribed_ml * 0)
        yield Line(words.say("desk.closing.still_to_give"), f"{words.value(left)} ml")


def _bag(words: Words, bag: BagCounted) -> CriterionRow:
    """One bag: its volumes against what it held, its cells, its fate and who saw it."""
    witnessed = bag.fate in FATES_DONE and len(bag.witnesses) >= WITNESSES
    bad = bag.adds_up is False or (bag.fate in FATES_DONE and not witnessed)
    limit = words.say("desk.closing.must_add_up", held=bag.held_ml, tolerance=bag.tolerance_ml) if bag.held_ml is not None else ""
    results = []
    if bag.sum_ml is not None:
        facts = [Line(words.field("bag_finished", name), f"{words.value(volume)} ml") for name, volume in bag.volumes]
        if bag.cells_given is not None:
            facts.append(Line(words.say("desk.closing.cells_given"), words.say("desk.closing.cells", cells=bag.cells_given)))
        if bag.reason_if_partial:
            facts.append(Line(words.field("bag_finished", "reason_if_partial"), bag.reason_if_partial))
        word = words.say("desk.closing.adds_up" if bag.adds_up else "desk.closing.does_not_add_up")
        results.append(ResultLine(text=f"{words.value(bag.sum_ml)} ml", word=word, facts=tuple(facts)))
    if bag.witnesses:
        seen_by = words.say("format.comma").join(bag.witnesses)
        text = words.say("desk.closing.witnessed" if witnessed else "desk.closing.one_witness", people=seen_by)
        results.append(ResultLine(text="", word=text))
    if bag.destroyed_at is not None:
        results.append(ResultLine(text="", word=words.say("desk.closing.destroyed_at", at=bag.destroyed_at)))
    return CriterionRow(
        name=words.named(bag.bag),
        limit=limit,
        state="bad" if bad else "good" if witnessed and bag.adds_up is not False else "open",
        word=words.say(f"desk.closing.fate.{bag.fate}"),
        results=tuple(results),
        steps=tuple(_bag_steps(words, bag)),
    )


def _bag_steps(words: Words, bag: BagCounted) -> Iterator[Button]:
    """A used bag is destroyed by two; an unopened one goes back or is destroyed. Labels are scanned in the form."""
    if bag.destroyed_at is None and bag.fate != "running":
        step = step_button(words, DESK, bag.bag, "bag_destroyed")
        if step is not None:
            yield step
    if bag.fate == "none" and not bag.opened:
        step = step_button(words, DESK, bag.bag, "bag_returned")
        if step is not None:
            yield step


def _point(words: Words, found: DoseSheet, point: Point) -> CriterionRow:
    """One point of the schedule with the way to record it, or to say why it was not taken."""
    can = frozenset(offer.act for offer in found.offers if offer.why_not is None)
    node = found.dose.node
    steps = []
    if point.state == "due" and "vitals_recorded" in can:
        href = desk_href(DESK, node, "vitals_recorded")
        steps.append(Button(label=words.act_title("vitals_recorded"), href=href, is_main=True))
    if point.state == "missed" and "vitals_omitted" in can:
        given = {"after_end": "yes" if point.after_end else "no", "minute": str(point.minute)}
        href = desk_href(DESK, node, "vitals_omitted", **given)
        steps.append(Button(label=words.say("desk.closing.give_reason"), href=href))
    return CriterionRow(
        name=_name(words, point),
        limit=words.say("desk.closing.due_at", at=point.due_at, until=point.until),
        state=SHOWN[point.state],
        word=words.say(f"desk.closing.point.{point.state}"),
        results=(ResultLine(text="", word=point.reason),) if point.reason else (),
        steps=tuple(steps),
    )
