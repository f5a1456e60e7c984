"""The safety desk: adverse events, what must be reported to whom by when, and the products behind them."""

from __future__ import annotations

from flask import request

from custody.domain.ids import Node, ParticipantId, StudyId
from custody.web import current
from custody.web.desk_kit import Page, blueprint_of, cut_note, home_page, plain_sheet, sheet_page
from custody.web.desk_parts import CriterionRow, QueueShown, desk_href, thing_href
from custody.web.desks import desk
from custody.web.moments import Moment
from custody.web.pages.desks import safety_rows as rows
from custody.web.wording import Line
from custody.words import Words
from custody.workflows.desks import safety as read
from custody.workflows.desks.safety import ParticipantEvents
from custody.workflows.desks.safety_facts import EventSeen

DESK = desk("safety")


def home() -> Page:
    """Overdue first, then what falls due first; reactions nobody has reported yet."""
    words = current.words()
    with current.store().reading() as connection:
        found = read.queue(connection, current.viewer(), current.now()).value
    queues = [
        QueueShown(
            title=words.say("desk.safety.queue"),
            rows=tuple(rows.event_row(words, DESK, each) for each in found.events),
            empty=words.say("desk.safety.empty"),
            note=cut_note() if found.cut else "",
        )
    ]
    if found.reactions:
        reactions = tuple(rows.reaction_row(words, DESK, each) for each in found.reactions)
        queues.append(QueueShown(title=words.say("desk.safety.reactions"), rows=reactions, empty=""))
    return home_page(DESK, queues, broken=found.unreadable)


def sheet(node: Node) -> Page:
    if isinstance(node, StudyId):
        return plain_sheet(DESK, node)
    return _participant(node) if isinstance(node, ParticipantId) else _product(node)


def _participant(node: ParticipantId) -> Page:
    words, act = current.words(), request.args.get("act", "")
    with current.store().reading() as connection:
        found = read.sheet(connection, current.viewer(), current.present(), node, DESK.acts, current.now()).value
    wanted = request.args.get("event", "")
    one = next((each for each in found.events if each.event.value == wanted), None)
    shown = found.events if one is None else (one,)
    late = sum(seen.state == "overdue" for each in shown for seen in each.clocks)
    sections = [section for each in shown for section in _sections(words, found, each)]
    return sheet_page(
        DESK,
        node,
        found.offers,
        template="pages/desks/safety_sheet.html",
        facts=tuple(line for each in shown for line in rows.facts(words, each)),
        beside=tuple(rows.beside(words, one)),
        problem=words.say("desk.safety.late_now", count=late) if late else "",
        main=shown[0].next if shown else "adverse_event_reported",
        given=_given(found, one, act),
        sections=sections,
        behind=_behind(words, found, shown),
        empty="" if found.events else words.say("desk.safety.no_events"),
        every_href=desk_href(DESK, node) if one is not None and len(found.events) > 1 and not act else "",
    )


def _sections(words: Words, found: ParticipantEvents, each: EventSeen) -> list[tuple[str, tuple[CriterionRow, ...]]]:
    made: list[tuple[str, tuple[CriterionRow, ...]]] = []
    if each.clocks:
        made.append((words.say("desk.safety.clocks", event=each.event.value), rows.clock_rows(words, DESK, each, found.offers)))
    if each.judged or each.told:
        made.append((words.say("desk.safety.assessments", event=each.event.value), rows.told_rows(words, each)))
    return made


def _behind(words: Words, found: ParticipantEvents, shown: tuple[EventSeen, ...]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Each dose and what it came from; every link leads on within this desk."""
    named = {each.dose for each in shown}
    return [
        (
            words.say("desk.safety.behind", dose=words.named(dose)),
            [(words.named(each), _href(each)) for each in (dose, *behind)],
        )
        for dose, behind in found.behind
        if dose in named
    ]


def _href(node: Node) -> str:
    return desk_href(DESK, node) if node.kind in DESK.kinds else thing_href(node)


def _given(found: ParticipantEvents, one: EventSeen | None, act: str) -> dict[str, str]:
    """What a form opens with: a free number, the one event there is, the time it is now."""
    given: dict[str, str] = {}
    if act == "adverse_event_reported":
        given["event"] = f"AE-{len(found.events) + 1}"
    elif one is None and len(found.events) == 1:
        given["event"] = found.events[0].event.value
    field = rows.TIMES.get(act, "")
    if field:
        moment = Moment.of(current.now(), current.zone())
        given |= {name: values[0] for name, values in moment.as_typed(field)}
    return given


def _product(node: Node) -> Page:
    """A dose, bag, lot or donation, with the events after every dose that came from it."""
    words = current.words()
    with current.store().reading() as connection:
        found = read.product_sheet(connection, current.viewer(), current.present(), node, DESK.acts, current.now()).value
    # Behind a donation nobody is named, and its doses lead on: donor and participant never meet on one screen.
    lines = (
        Line(
            rows.event_name(words, each) if found.names_participants else each.event.value,
            f"{rows.standing_text(words, each)} · {words.date_time(each.began_at)}",
        )
        for each in found.events
    )
    doses = [(words.named(dose), desk_href(DESK, dose)) for dose in found.doses if dose != node]
    people = [(rows.event_name(words, each), desk_href(DESK, each.node, event=each.event.value)) for each in found.events]
    behind = [(words.say("desk.safety.doses_behind"), doses)] if doses else []
    if people and found.names_participants:
        behind.append((words.say("desk.safety.events"), people))
    return sheet_page(
        DESK,
        node,
        found.offers,
        template="pages/desks/safety_sheet.html",
        facts=tuple(lines),
        sections=[],
        behind=behind,
        empty="" if found.events else words.say("desk.safety.no_events"),
        every_href="",
    )


blueprint = blueprint_of(DESK, home=home, sheet=sheet)
