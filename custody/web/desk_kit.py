"""The kit every desk is built of: its routes, the page with its queue and ready scan, the sheet of one thing with the form of one act."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from flask import Blueprint, g, redirect, render_template, request
from werkzeug.wrappers import Response

from custody.domain.acts.base import ACTS, field_types
from custody.domain.ids import Node, node_of
from custody.errors import InputError, NotFoundError
from custody.web import access, current
from custody.web.commands import DO_NEXT, command_of, follow
from custody.web.deeds import empty_typed, form_fields, happened_field, task
from custody.web.desk_parts import (
    ActPanel,
    QueueShown,
    act_links,
    desk_href,
    offer_buttons,
    signature_texts,
    standing_rows,
    step_href,
    thing_href,
    why_text,
)
from custody.web.desks import Desk
from custody.web.errors import sentence, status_of
from custody.web.problems import Problem
from custody.web.signing import policy_first
from custody.web.standings import blocked_text, state_text, time_left
from custody.web.wording import Line
from custody.workflows.desks.day import Queue, queue_of
from custody.workflows.desks.day import plain_sheet as read_sheet
from custody.workflows.desks.offers import Offer
from custody.workflows.desks.things import meant
from custody.workflows.door import unit_of_work
from custody.workflows.refusals import keep_access, keep_scan
from custody.workflows.sight import refusal

Page = str | Response | tuple[str, int]
SCAN_MAX = 400
NOT_GIVEN = frozenset({"act"})
NOTHING_GIVEN: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class _Fault:
    """A scan at this desk that named nothing usable here."""

    seen: str
    text: str
    status: int


def blueprint_of(desk: Desk, *, home: Callable[[], Page] | None = None, sheet: Callable[[Node], Page] | None = None) -> Blueprint:
    """The routes of a desk: its page, the scan, and a thing within it. Without views of its own it shows the plain ones."""
    blueprint = Blueprint(f"desk_{desk.name}", __name__, url_prefix=f"/desks/{desk.name.replace('_', '-')}")
    at_the_desk = access.needs(*desk.roles)

    def show_home() -> Page:
        return home() if home is not None else plain_home(desk)

    def find() -> Page:
        return _find(desk, show_home)

    def show_sheet(kind: str, name: str) -> Page:
        node = _node(desk, kind, name)
        try:
            return sheet(node) if sheet is not None else plain_sheet(desk, node)
        except NotFoundError:
            _keep_hidden(node)
            raise

    blueprint.add_url_rule("", "home", at_the_desk(show_home), methods=["GET"])
    blueprint.add_url_rule("/find", "find", at_the_desk(find), methods=["POST"])
    blueprint.add_url_rule("/<kind>/<name>", "sheet", at_the_desk(show_sheet), methods=["GET"])
    return blueprint


def home_page(
    desk: Desk, queues: Iterable[QueueShown], *, template: str = "pages/desks/plain.html", broken: Iterable[Node] = (), **own: Any
) -> Page:
    """The page of a desk: the ready scan, its queues, and what can be started.

    `broken`: things whose record could not be read. `own`: what its template reads besides.
    """
    words = current.words()
    queues = tuple(queues)
    first = next((row for queue in queues for row in queue.rows), None)
    if request.args.get("do") == DO_NEXT and first is not None:
        return redirect(first.step.href if first.step is not None else first.href)
    fault: _Fault | None = g.get("desk_fault")
    new, about = act_links(words, desk)
    text = render_template(
        template,
        page_title=words.say(desk.title_key),
        desk=desk,
        scanned=fault.seen if fault is not None else "",
        fault=fault.text if fault is not None else "",
        problems=(Problem(fault.text, "scan"),) if fault is not None else (),
        queues=queues,
        new_acts=new,
        other_acts=about,
        as_of=current.now(),
        broken=tuple(words.named(node) for node in broken),
        **own,
    )
    return text, fault.status if fault is not None else 200


def sheet_page(
    desk: Desk,
    node: Node,
    offered: tuple[Offer, ...],
    *,
    template: str = "pages/desks/plain_sheet.html",
    facts: tuple[Line, ...] = (),
    beside: tuple[Line, ...] = (),
    problem: str = "",
    main: str = "",
    form: ActPanel | None = None,
    given: Mapping[str, str] = NOTHING_GIVEN,
    **own: Any,
) -> Page:
    """One thing within a desk: its facts, a button for each act, and the form of the act the address names (`?act=`).

    `beside` stands beside that form; `problem` above everything; `main` is the step that comes next. `form`: that of an act about something
    that lies within the thing, such as a bag of a shipment. `given`: what the form of the address opens with (`covers_until.date` and
    `pending-0.test` name parts of a field), unless the address says otherwise.
    `own`: what the template reads besides.
    """
    words = current.words()
    wanted = request.args.get("act", "")
    chosen = next((offer for offer in offered if offer.act == wanted), None)
    if request.args.get("do") == DO_NEXT and any(offer.act == main and offer.why_not is None for offer in offered):
        return redirect(step_href(main, node, desk))
    if chosen is not None and chosen.why_not is None:
        there = policy_first(ACTS[chosen.act], 0, request.full_path)
        if there is not None:
            return there
    return render_template(
        template,
        page_title=words.named(node),
        desk=desk,
        node=node,
        facts=facts,
        problem=problem,
        # The form that is open needs no button that opens it.
        buttons=offer_buttons(words, desk, node, (each for each in offered if each is not chosen or each.why_not), main=main),
        panel=form or (act_panel(desk, node, chosen, beside=beside, given=given) if chosen is not None else None),
        home_href=desk_href(desk),
        passport_href=thing_href(node),
        **own,
    )


def act_panel(desk: Desk, node: Node, offer: Offer, *, beside: tuple[Line, ...] = (), given: Mapping[str, str] = NOTHING_GIVEN) -> ActPanel:
    """The form of one act about a thing, as it opens: what the address gives is filled in, what the record knows is not asked."""
    words, rule = current.words(), ACTS[offer.act]
    with current.store().reading() as connection:
        todo = task(connection, rule, node)
    fields = field_types(rule.cls).keys() - NOT_GIVEN
    # `pending-0.test` and `read_at.date` are parts of fields.
    asked = {name: request.args.getlist(name) for name in request.args if re.split(r"[-.]", name)[0] in fields}
    typed = {**empty_typed(todo), **{name: [value] for name, value in given.items()}, **asked}
    return ActPanel(
        title=words.act_title(rule.name),
        act=rule.name,
        about=node.key,
        fields=form_fields(todo, typed, {}) if offer.why_not is None else (),
        happened=happened_field(typed, {}),
        signatures=signature_texts(words, rule),
        then=desk_href(desk, node),
        beside=beside,
        leave_href=desk_href(desk, node),
        why_not=why_text(words, offer.why_not),
    )


def plain_home(desk: Desk) -> Page:
    """A desk whose queue is told by the newest act of each thing: what waits for a step of this desk, and what is held."""
    with current.store().reading() as connection:
        found = queue_of(connection, current.viewer(), desk.kinds, desk.acts, current.now()).value
    return home_page(desk, plain_queues(desk, found), broken=found.broken)


def plain_queues(desk: Desk, found: Queue) -> tuple[QueueShown, ...]:
    """A queue as the plain page shows it."""
    words = current.words()
    here = QueueShown(
        title=words.say("desk.kit.waits_here"),
        rows=standing_rows(words, desk, found.here),
        empty=words.say("desk.kit.nothing_waits"),
        note=cut_note() if found.cut else "",
    )
    blocked = QueueShown(title=words.say("work.blocked"), rows=standing_rows(words, desk, found.blocked), empty="")
    return (here, *((blocked,) if blocked.rows else ()))


def cut_note() -> str:
    """An honest word under a list that shows only the newest things."""
    return current.words().say("desk.kit.cut")


def plain_sheet(desk: Desk, node: Node) -> Page:
    """A thing as it stands, with every act of the desk about it."""
    words, now = current.words(), current.now()
    with current.store().reading() as connection:
        found = read_sheet(connection, current.viewer(), current.present(), node, desk.acts, now).value
    stands = found.stands
    facts = (
        Line(words.say("work.state"), state_text(words, stands)),
        Line(words.say("work.holder"), stands.holder),
        Line(words.say("work.time_left"), time_left(words, stands.expires_at)),
        Line(words.say("desk.kit.next_step"), words.act_title(stands.next) if stands.next else ""),
    )
    return sheet_page(
        desk,
        node,
        found.offers,
        facts=tuple(line for line in facts if line.value),
        problem=blocked_text(words, stands),
        main=stands.next,
    )


def _find(desk: Desk, again: Callable[[], Page]) -> Page:
    """The scanned thing opens within this desk; what cannot be used here is kept as evidence and said beside the field."""
    text = request.form.get("scan", "").strip()[:SCAN_MAX]
    try:
        command = command_of(text)
        if command:
            return follow(desk, command)
        with current.store().reading() as connection:
            node = meant(connection, current.viewer(), desk.kinds, text)
    except (InputError, NotFoundError) as error:
        if text:
            with unit_of_work(current.store()) as connection:
                where = f"desks/{desk.name}"
                keep_scan(connection, current.present(), current.study(), where=where, seen=text, refusal=error.code, now=current.now())
        g.desk_fault = _Fault(text, sentence(error), status_of(error))
        return again()
    return redirect(desk_href(desk, node), 303)


def _node(desk: Desk, kind: str, name: str) -> Node:
    """Raises NotFoundError for a thing that does not lie on this desk."""
    node = node_of(f"{kind}:{name}")
    if node.kind not in desk.kinds:
        raise NotFoundError(f"there is no {node.kind} at this desk", code="unknown_thing", kind=node.kind, seen=node)
    return node


def _keep_hidden(node: Node) -> None:
    """Somebody asked for a thing that is not for them: the attempt is kept, and the answer is that of an unknown thing."""
    with current.store().reading() as connection:
        why = refusal(connection, current.viewer(), node)
    if not why:
        return
    with unit_of_work(current.store()) as connection:
        keep_access(connection, current.present(), current.study(), what=node.key, refusal=why, now=current.now())
