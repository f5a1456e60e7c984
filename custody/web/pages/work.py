"""The first work list, and finding a thing by any number or symbol."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from custody.errors import UnreadableCodeError
from custody.web import current
from custody.web.access import signed_in
from custody.web.desk_parts import QueueShown, standing_rows
from custody.web.desks import desk, desks_of
from custody.web.errors import sentence
from custody.web.pages.desks.safety_rows import event_row
from custody.web.pages.proposals import waiting_columns, waiting_row
from custody.web.problems import Problem
from custody.words import Words
from custody.workflows.desks import safety
from custody.workflows.desks.day import day_of
from custody.workflows.door import unit_of_work
from custody.workflows.finding import Hit, find
from custody.workflows.refusals import keep_scan
from custody.workflows.standing import Standing

blueprint = Blueprint("work", __name__)
SEARCH_MAX = 400
SAFETY = desk("safety")
LISTED = ("dose", "shipment", "bag", "lot", "bank", "tissue", "donation", "donor", "participant")
"""Things that go a road; a register is looked at on its own desk."""
Cell = dict[str, object]


@blueprint.get("/")
@signed_in
def home() -> str:
    """What needs this person now, what is blocked, what moves; each line leads to the desk where the next step is done."""
    words = current.words()
    kinds = dict.fromkeys(kind for desk in desks_of(current.present().roles) for kind in desk.kinds if kind in LISTED)
    with current.store().reading() as connection:
        found = day_of(connection, current.viewer(), current.present(), kinds or LISTED, current.now()).value
    note = words.say("desk.kit.cut") if found.cut else ""
    return render_template(
        "pages/work.html",
        page_title=words.say("work.title"),
        as_of=found.as_of,
        waiting_columns=waiting_columns(),
        waiting=[waiting_row(each) for each in found.waiting],
        needs_you=_queue(words, "needs_you", found.needs_you, words.say("work.nothing"), note),
        blocked=_queue(words, "blocked", found.blocked, words.say("work.none_blocked"), ""),
        moving=_queue(words, "moving", found.moving, words.say("work.none_moving"), note),
        broken=[words.named(node) for node in found.broken],
        safety=_safety(words),
    )


def _safety(words: Words) -> QueueShown | None:
    """Events with a report that is due or overdue, for the people of the safety desk; None where there are none."""
    if not SAFETY.roles & current.present().roles:
        return None
    with current.store().reading() as connection:
        due = safety.due(connection, current.viewer(), current.now()).value
    rows = tuple(event_row(words, SAFETY, each) for each in due)
    return QueueShown(title=words.say("desk.safety.work"), rows=rows, empty="") if rows else None


def _queue(words: Words, key: str, rows: tuple[Standing, ...], empty: str, note: str) -> QueueShown:
    return QueueShown(title=words.say(f"work.{key}"), rows=standing_rows(words, None, rows), empty=empty, note=note)


@blueprint.get("/search")
@signed_in
def search() -> str | Response | tuple[str, int]:
    """One exact hit opens its passport; several are listed; a symbol nobody can read is said to be one, and kept."""
    words = current.words()
    text = request.args.get("q", "").strip()[:SEARCH_MAX]
    hits: tuple[Hit, ...] = ()
    problems: tuple[Problem, ...] = ()
    try:
        if text:
            with current.store().reading() as connection:
                hits = find(connection, current.viewer(), text).value
    except UnreadableCodeError as error:
        problems = (Problem(sentence(error), "q"),)
        with unit_of_work(current.store()) as connection:
            keep_scan(connection, current.present(), current.study(), where="search", seen=text, refusal=error.code, now=current.now())
    exact = [hit for hit in hits if hit.exact]
    if len(exact) == 1:
        return redirect(url_for("things.passport", kind=exact[0].node.kind, name=exact[0].node.value))
    text_page = render_template(
        "pages/search.html",
        page_title=words.say("search.title"),
        q=text,
        problems=problems,
        columns=[{"label": words.say("work.what"), "number": False}, {"label": words.say("search.label"), "number": False}],
        rows=[_hit(words, hit) for hit in hits],
    )
    return text_page, 422 if problems else 200


def _hit(words: Words, hit: Hit) -> list[Cell]:
    href = url_for("things.passport", kind=hit.node.kind, name=hit.node.value)
    return [_cell(words.named(hit.node), href), _cell(hit.name, code=True)]


def _cell(text: str, href: str = "", *, code: bool = False) -> Cell:
    return {"text": text, "href": href, "code": code}
