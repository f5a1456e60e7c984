"""The storage desk: the out-of-storage clock of every bag that is out, what must be put away, and what lies at which position."""

from __future__ import annotations

from flask import request

from custody.domain.folds.cold_places import Place
from custody.domain.ids import BagId, EquipmentId, Node
from custody.web import current
from custody.web.desk_kit import Page, blueprint_of, cut_note, home_page, plain_sheet, sheet_page
from custody.web.desk_parts import QueueRow, QueueShown, desk_href, step_button
from custody.web.desk_times import time_of_now
from custody.web.desk_waiting import waiting_shown
from custody.web.desks import desk
from custody.web.pages.desks.packing_shown import place_text
from custody.web.standings import length, next_text, time_left
from custody.web.wording import Line
from custody.words import Words
from custody.workflows.desks import storage as read
from custody.workflows.desks.storage import Store, next_of
from custody.workflows.desks.whereabouts import Whereabouts

DESK = desk("storage")
Cell = dict[str, object]


def home() -> Page:
    """What is out of the cold comes first, with its clock."""
    words = current.words()
    with current.store().reading() as connection:
        found = read.queue(connection, current.viewer()).value
    out = QueueShown(
        title=words.say("desk.storage.out"),
        rows=tuple(_row(words, each) for each in found.out),
        empty=words.say("desk.storage.nothing_out"),
    )
    away = QueueShown(
        title=words.say("desk.storage.put_away"),
        rows=tuple(_row(words, each) for each in found.put_away),
        empty=words.say("desk.storage.nothing_to_put_away"),
        note=cut_note() if found.cut else "",
    )
    return home_page(
        DESK,
        (out, away),
        template="pages/desks/storage.html",
        broken=found.unreadable,
        store_columns=_columns(words, "store", "bags", "loggers"),
        stores=[_store_row(words, store) for store in found.stores],
    )


def sheet(node: Node) -> Page:
    if isinstance(node, BagId):
        return _bag(node)
    return _store(node) if isinstance(node, EquipmentId) else plain_sheet(DESK, node)


blueprint = blueprint_of(DESK, home=home, sheet=sheet)


def _row(words: Words, each: Whereabouts) -> QueueRow:
    late = each.cold_by is not None and each.cold_by <= current.now()
    return QueueRow(
        thing=words.named(each.bag),
        href=desk_href(DESK, each.bag),
        state=words.term(each.state),
        left=time_left(words, each.cold_by) if each.cold_by is not None else words.say("work.no_limit"),
        until=each.cold_by,
        late=late,
        bad=late or each.in_doubt,
        remark=place_text(words, each, current.now()),
        who=next_text(words, next_of(each)),
        step=step_button(words, DESK, each.bag, next_of(each)),
    )


def _store_row(words: Words, store: Store) -> list[Cell]:
    title = f"{store.node} {store.description}".strip()
    count = words.say("desk.storage.holds", count=len(store.inside))
    if store.twice:
        count += " · " + words.say("desk.storage.twice", positions=store.twice)
    loggers = words.say("format.comma").join(logger.value for logger in store.loggers) or words.say("desk.storage.no_logger")
    return [_cell(title, desk_href(DESK, store.node)), _cell(count), _cell(loggers)]


def _bag(node: BagId) -> Page:
    words, now = current.words(), current.now()
    with current.store().reading() as connection:
        found = read.bag_sheet(connection, current.viewer(), current.present(), node, DESK.acts).value
    where = found.where
    facts = [Line(words.say("work.state"), words.term(where.state)), Line(words.say("desk.storage.place"), place_text(words, where, now))]
    if where.cold_by is not None:
        facts.append(Line(words.say("desk.storage.cold_by"), f"{time_left(words, where.cold_by)} · {words.date_time(where.cold_by)}"))
    if not where.over:
        facts.append(Line(words.say("desk.storage.expires"), f"{time_left(words, where.expires_at)} · {words.date_time(where.expires_at)}"))
    late = where.cold_by is not None and where.cold_by <= now
    return sheet_page(
        DESK,
        node,
        found.offers,
        template="pages/desks/storage_sheet.html",
        facts=tuple(facts),
        problem=words.say("desk.storage.too_long") if late else words.say("desk.storage.in_doubt") if where.in_doubt else "",
        main=next_of(where),
        given=time_of_now(request.args.get("act", "")),
        waiting=waiting_shown(words, node),
        inside_title=words.say("desk.storage.places"),
        inside_columns=_columns(words, "store", "from", "to", "length"),
        inside=[_place_row(words, place) for place in found.places],
    )


def _store(node: EquipmentId) -> Page:
    words = current.words()
    with current.store().reading() as connection:
        found = read.store_sheet(connection, current.viewer(), current.present(), node, DESK.acts).value
    store = found.store
    loggers = words.say("format.comma").join(logger.value for logger in store.loggers)
    facts = (
        Line(words.say("desk.storage.description"), store.description or words.say("format.none")),
        Line(words.say("desk.storage.column.loggers"), loggers or words.say("desk.storage.no_logger")),
        Line(words.say("desk.storage.column.bags"), words.say("desk.storage.holds", count=len(store.inside))),
    )
    return sheet_page(
        DESK,
        node,
        found.offers,
        template="pages/desks/storage_sheet.html",
        facts=facts,
        problem=words.say("desk.storage.twice", positions=store.twice) if store.twice else "",
        waiting=waiting_shown(words, node),
        inside_title=words.say("desk.storage.inside") + (" · " + cut_note() if store.cut else ""),
        inside_columns=_columns(words, "position", "bag", "state", "from"),
        inside=[_inside_row(words, each) for each in store.inside],
    )


def _inside_row(words: Words, each: Whereabouts) -> list[Cell]:
    since = words.date_time(each.since) if each.since is not None else ""
    return [
        _cell(each.position or words.say("desk.storage.no_position")),
        _cell(each.bag.value, desk_href(DESK, each.bag), code=True),
        _cell(words.term(each.state)),
        _cell(since),
    ]


def _place_row(words: Words, place: Place) -> list[Cell]:
    end = place.end or current.now()
    return [
        _cell(words.named(place.node)),
        _cell(words.date_time(place.start)),
        _cell(words.date_time(place.end) if place.end is not None else words.say("desk.storage.still_there")),
        _cell(length(words, end - place.start)),
    ]


def _columns(words: Words, *keys: str) -> list[Cell]:
    return [{"label": words.say(f"desk.storage.column.{key}"), "number": False} for key in keys]


def _cell(text: str, href: str = "", *, code: bool = False) -> Cell:
    return {"text": text, "href": href, "code": code}
