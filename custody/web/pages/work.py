"""The first work list, and finding a thing by any number or symbol."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from custody.errors import UnreadableCodeError
from custody.web import current
from custody.web.access import signed_in
from custody.web.errors import sentence
from custody.web.pages.proposals import waiting_columns, waiting_row
from custody.web.problems import Problem
from custody.words import Words
from custody.workflows.door import unit_of_work
from custody.workflows.finding import Hit, find
from custody.workflows.next_steps import roles_of_next
from custody.workflows.refusals import keep_scan
from custody.workflows.standing import Fault, Standing
from custody.workflows.worklist import WorkList, work_list

blueprint = Blueprint("work", __name__)
SEARCH_MAX = 400
DAYS_FROM = timedelta(days=3)
Cell = dict[str, object]


@blueprint.get("/")
@signed_in
def home() -> str:
    """What waits for this person, what moves, what is blocked."""
    words = current.words()
    found = _work_list()
    return render_template(
        "pages/work.html",
        page_title=words.say("work.title"),
        as_of=found.as_of,
        waiting_columns=waiting_columns(),
        waiting=[waiting_row(each) for each in found.waiting],
        columns=_columns(words, blocked=False),
        moving=[_row(words, row, blocked=False) for row in found.moving],
        blocked_columns=_columns(words, blocked=True),
        blocked=[_row(words, row, blocked=True) for row in found.blocked],
        broken=[words.named(node) for node in found.broken],
    )


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


def _work_list() -> WorkList:
    with current.store().reading() as connection:
        return work_list(connection, current.viewer(), current.present(), current.now()).value


def _columns(words: Words, *, blocked: bool) -> list[Cell]:
    keys = ["work.what", "work.state", "work.holder", "work.time_left", "work.why" if blocked else "work.next_person"]
    return [{"label": words.say(key), "number": False} for key in keys]


def _row(words: Words, row: Standing, *, blocked: bool) -> list[Cell]:
    last = blocked_text(words, row) if blocked else _next(words, row)
    href = url_for("things.passport", kind=row.node.kind, name=row.node.value)
    texts = (state_text(words, row), row.holder or words.say("format.none"), time_left(words, row), last)
    return [_cell(words.named(row.node), href), *(_cell(text) for text in texts)]


def state_text(words: Words, row: Standing) -> str:
    return words.say(row.state) if row.state else ""


def time_left(words: Words, row: Standing) -> str:
    """Until it expires or is overdue; how long ago where that has passed."""
    if row.expires_at is None:
        return words.say("work.no_limit")
    left = row.expires_at - current.now()
    return length(words, left) if left.total_seconds() > 0 else words.say("work.over_since", length=length(words, left))


def length(words: Words, span: timedelta) -> str:
    """Days where hours would say nothing."""
    return words.say("work.days", days=abs(span).days) if abs(span) >= DAYS_FROM else words.duration(span)


def blocked_text(words: Words, row: Standing) -> str:
    return words.say("format.comma").join(fault_text(words, fault) for fault in row.blocked)


def fault_text(words: Words, fault: Fault) -> str:
    return words.say(fault.key, number=fault.number, thing=words.named(fault.node) if fault.node is not None else "")


def _next(words: Words, row: Standing) -> str:
    if not row.next:
        return words.say("format.none")
    roles = words.say("format.or").join(words.term(role) for role in roles_of_next(row.next))
    return words.say("work.next_of", role=roles, act=words.act_title(row.next))


def _hit(words: Words, hit: Hit) -> list[Cell]:
    href = url_for("things.passport", kind=hit.node.kind, name=hit.node.value)
    return [_cell(words.named(hit.node), href), _cell(hit.name, code=True)]


def _cell(text: str, href: str = "", *, code: bool = False) -> Cell:
    return {"text": text, "href": href, "code": code}
