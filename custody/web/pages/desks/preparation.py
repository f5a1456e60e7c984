"""The preparation desk: doses to thaw for, what would stop them shown before the thaw, and the clocks of what is thawed."""

from __future__ import annotations

from custody.domain.ids import BagId, DoseId, Node
from custody.web import current
from custody.web.desk_kit import Page, blueprint_of, cut_note, home_page, plain_sheet, sheet_page
from custody.web.desk_parts import Button, QueueRow, QueueShown, desk_href, step_button
from custody.web.desk_waiting import waiting_shown
from custody.web.desks import desk
from custody.web.pages.desks import preparation_shown as shown
from custody.web.standings import next_text, time_left
from custody.words import Words
from custody.workflows.desks import preparation as read
from custody.workflows.desks.preparation import DoseToPrepare

DESK = desk("preparation")
GLOVES = "desk scanning"


def home() -> Page:
    """Running clocks first; a dose that would be stopped later says so before anything is thawed."""
    words = current.words()
    with current.store().reading() as connection:
        found = read.queue(connection, current.viewer(), current.now()).value
    open_now = QueueShown(
        title=words.say("desk.preparation.thawed"),
        rows=tuple(_row(words, row) for row in found.doses if row.is_thawed),
        empty=words.say("desk.preparation.nothing_thawed"),
    )
    waiting = QueueShown(
        title=words.say("desk.preparation.waiting"),
        rows=tuple(_row(words, row) for row in found.doses if not row.is_thawed),
        empty=words.say("desk.preparation.nothing_waits"),
        note=cut_note() if found.cut else "",
    )
    return home_page(DESK, (open_now, waiting), template="pages/desks/preparation.html", broken=found.unreadable)


def sheet(node: Node) -> Page:
    if isinstance(node, DoseId):
        return _dose(node)
    return _bag(node) if isinstance(node, BagId) else plain_sheet(DESK, node)


blueprint = blueprint_of(DESK, home=home, sheet=sheet)


def _row(words: Words, row: DoseToPrepare) -> QueueRow:
    now = current.now()
    stops = len({each.found.gate for each in row.foresight.stops}) if row.foresight is not None else 0
    until = row.must_start_by if row.must_start_by is not None and row.started_at is None else row.clock
    remark = [shown.ready_text(words, row)]
    if stops:
        remark.insert(0, words.say("desk.preparation.would_stop", count=stops))
    return QueueRow(
        thing=words.named(row.node),
        href=desk_href(DESK, row.node),
        state=shown.state_text(words, row),
        left=time_left(words, until),
        until=until,
        late=until is not None and until <= now,
        bad=bool(stops),
        remark=" · ".join(remark),
        who=next_text(words, row.next),
        # What would be stopped later is looked at before it is begun.
        step=step_button(words, DESK, row.next_about, row.next) if not stops or row.is_thawed else _look(words, row),
    )


def _look(words: Words, row: DoseToPrepare) -> Button:
    return Button(label=words.say("desk.preparation.see_why"), href=desk_href(DESK, row.node))


def _dose(node: DoseId) -> Page:
    words, now = current.words(), current.now()
    with current.store().reading() as connection:
        found = read.dose_sheet(connection, current.viewer(), current.present(), node, DESK.acts, now).value
    dose = found.dose
    return sheet_page(
        DESK,
        node,
        found.offers,
        template="pages/desks/preparation_dose.html",
        facts=shown.dose_facts(words, dose),
        beside=shown.beside(words, dose),
        main=dose.next if dose.next_about == node else "",
        waiting=waiting_shown(words, node),
        step=step_button(words, DESK, dose.next_about, dose.next) if dose.next_about != node else None,
        next_said=next_text(words, dose.next) if dose.next else "",
        sentence=shown.foresight_sentence(words, dose),
        rules=shown.rules(words, dose),
        to_come=shown.to_come(words, dose),
        judged_then=shown.judged_then(words, dose),
        thawed=dose.is_thawed,
        bags=tuple(shown.bag_card(words, DESK, dose, bag, found, now) for bag in dose.bags),
    )


def _bag(node: BagId) -> Page:
    words, now = current.words(), current.now()
    with current.store().reading() as connection:
        found = read.bag_sheet(connection, current.viewer(), current.present(), node, DESK.acts, now).value
    if found.bag is None or found.dose is None:
        return plain_sheet(DESK, node)
    return sheet_page(
        DESK,
        node,
        found.offers,
        template="pages/desks/preparation_bag.html",
        facts=shown.bag_facts(words, found.bag, now),
        main=found.bag.next,
        waiting=waiting_shown(words, node),
        dose=Button(label=words.named(found.dose.node), href=desk_href(DESK, found.dose.node)),
        step=step_button(words, DESK, found.dose.next_about, found.dose.next),
    )
