"""The passport of a thing: its timeline, what it came from, what came from it, and what can be done next."""

from __future__ import annotations

import base64
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for

from custody.codes.scan import CUSTODY_KINDS, custody_symbol
from custody.domain.acts.base import ACTS
from custody.domain.acts.record import Corrected
from custody.domain.ids import NODE_KINDS, Node, node_of
from custody.errors import NotFoundError
from custody.printing.symbols import qr_svg
from custody.web import current
from custody.web.access import signed_in
from custody.web.corrected import changed_lines, own_lines
from custody.web.desk_parts import thing_href
from custody.web.gaps import gap_shown
from custody.web.lists import csv_file
from custody.web.pages.desks.quality import DESK, LISTED, recall_href
from custody.web.pages.proposals import waiting_columns, waiting_row
from custody.web.standings import blocked_text, state_text
from custody.web.viewing_log import note_view
from custody.web.wording import Line, lines_of, reason_of, told_once, typed_lines, verdict_key
from custody.words import Words
from custody.workflows.desks.corrections import correctable, replacement_of
from custody.workflows.door import unit_of_work
from custody.workflows.receivers import with_names
from custody.workflows.refusals import keep_access
from custody.workflows.sight import refusal
from custody.workflows.standing import Standing
from custody.workflows.tracing import Reached, Traced, followed, trace
from custody.workflows.verdicts import read_verdict
from custody.workflows.viewing import TimelineEvent
from custody.workflows.viewing import passport as passport_of
from custody.workflows.worklist import acts_possible, standing_of, waiting_on

blueprint = Blueprint("things", __name__)
PARENTS_SHOWN = 60
TRACED_SHOWN = 600
"""Things on the page of a trace, nearest first."""
CERTIFIED = frozenset({"released", "released_conditionally", "released_exceptionally"})
"""Acts of which a certificate can be printed."""


@dataclass(frozen=True, kw_only=True)
class EventShown:
    """One line of templates/parts/timeline.html."""

    kind: str
    title: str
    at: datetime | None
    bad: bool
    tags: tuple[str, ...] = ()
    facts: tuple[Line, ...] = ()
    href: str = ""
    correct: str = ""


@blueprint.get("/things/<kind>/<name>")
@signed_in
def passport(kind: str, name: str) -> str:
    """Everything this person may know about one thing."""
    words, viewer, now = current.words(), current.viewer(), current.now()
    node = _node(kind, name)
    try:
        with current.store().reading() as connection:
            story = passport_of(connection, viewer, node, now).value
            stands = standing_of(connection, viewer, node, now).value
            possible = acts_possible(connection, current.present(), node)
            waiting = waiting_on(connection, viewer, current.present(), (node,), now).value
            mine = correctable(connection, viewer, current.present(), node).value
            told = with_names(connection, story.events)
    except NotFoundError:
        _keep_hidden(node)
        raise
    note_view(node.key)
    certified = any(event.kind == "act" and event.act in CERTIFIED and event.stream == node for event in told)
    events = list(_events(words, told, mine))
    return render_template(
        "pages/thing.html",
        page_title=words.named(node),
        node=node,
        shown={"now": _now_text(words, stands), "next": _next_text(words, stands), "bad": bool(stands.blocked),
               "events": [*events, *_planned(words, stands)]},
        blocked=blocked_text(words, stands),
        expires=stands.expires_at,
        gaps=sum(event.kind == "gap" and not event.corrected for event in told),
        print_now="print" in request.args,
        live=_picture(url_for("things.passport", kind=node.kind, name=node.value, _external=True)),
        symbol=custody_symbol(node.kind, node.value) if node.kind in CUSTODY_KINDS else "",
        parents=[_link(words, each) for each in story.parents[:PARENTS_SHOWN]],
        children=[_link(words, each) for each in story.children[:PARENTS_SHOWN]],
        certificate=url_for("certificates.show", kind=node.kind, name=node.value) if certified else "",
        acts=[(words.act_title(act), url_for("acts.form", name=act, about=node.key)) for act in possible],
        waiting_columns=waiting_columns(),
        waiting=[waiting_row(each) for each in waiting],
        forward=url_for("things.traced", kind=node.kind, name=node.value, direction="forward"),
        backward=url_for("things.traced", kind=node.kind, name=node.value, direction="backward"),
    )  # fmt: skip


@blueprint.get("/things/<kind>/<name>/trace")
@signed_in
def traced(kind: str, name: str) -> str | Response:
    """Recall in both directions: what came from a thing, or what it came from; the nearest on the page, all of it as a file."""
    words = current.words()
    node = _node(kind, name)
    forward = request.args.get("direction", "forward") != "backward"
    try:
        if request.args.get("file") == "csv":
            return _trace_file(node, forward=forward)
        with current.store().reading() as connection:
            found = trace(connection, node, forward=forward, viewer=current.viewer(), limit=TRACED_SHOWN + 1).value
    except NotFoundError:
        _keep_hidden(node)
        raise
    cut, found = len(found) > TRACED_SHOWN, found[:TRACED_SHOWN]
    return render_template(
        "pages/trace.html",
        page_title=words.say("trace_page.forward" if forward else "trace_page.backward"),
        node=node,
        thing=_link(words, node),
        columns=[words.say(key) for key in ("work.what", "trace_page.steps", "trace_page.last")],
        rows=list(_traced_rows(words, found)),
        counted=words.say("trace_page.cut" if cut else "search.found", count=len(found)),
        other=url_for("things.traced", kind=kind, name=name, direction="backward" if forward else "forward"),
        file_href=url_for("things.traced", kind=kind, name=name, direction="forward" if forward else "backward", file="csv"),
        recall_href=recall_href(node) if forward and kind in LISTED and current.holds(*DESK.roles) else "",
        forward=forward,
    )


def _trace_file(node: Node, *, forward: bool) -> Response:
    words, viewer = current.words(), current.viewer()
    columns = ("kind", "name", "steps", "via", "last", "site", "recorded_at")
    return csv_file(
        f"trace-{node.kind}-{node.value}-{'forward' if forward else 'backward'}",
        tuple(words.say(f"trace_page.{column}") for column in columns),
        current.store().reading,
        lambda connection: _file_rows(words, followed(connection, node, forward=forward, viewer=viewer).value),
        lambda count: words.say("trace_page.file_ends", count=count),
    )


def _file_rows(words: Words, found: Iterable[Reached]) -> Generator[list[tuple[object, ...]], None, None]:
    """Times as they were recorded, in UTC."""
    title = cache(lambda act: words.act_title(act) if act in ACTS else "")
    for steps, things in found:
        yield [(*stream.split(":", 1), steps, via, title(act), site, at) for stream, via, act, site, at in things]


def _node(kind: str, name: str) -> Node:
    """Raises NotFoundError for a name that cannot be one."""
    try:
        return node_of(f"{kind}:{name}")
    except ValueError as error:  # pragma: no cover - node_of raises our own errors only
        raise NotFoundError("there is no such thing", code="not_found") from error


def _keep_hidden(node: Node) -> None:
    """Somebody asked for a thing that is not for them: the attempt is kept, and the answer is that of an unknown thing."""
    with current.store().reading() as connection:
        why = refusal(connection, current.viewer(), node)
    if not why:
        return
    with unit_of_work(current.store()) as connection:
        keep_access(connection, current.present(), current.study(), what=node.key, refusal=why, now=current.now())


def _now_text(words: Words, stands: Standing) -> str:
    state = state_text(words, stands)
    if stands.holder and stands.since is not None:
        held = words.say("timeline.with", holder=stands.holder, since=stands.since)
        return f"{held} · {state}" if state else held
    return f"{state} · {words.date_time(stands.since)}" if stands.since is not None else state


def _next_text(words: Words, stands: Standing) -> str:
    """The step that comes next and until when, for what has a deadline."""
    if not stands.next or stands.over:
        return ""
    step = words.act_title(stands.next)
    return step if stands.expires_at is None else words.say("passport_page.by_step", step=step, at=stands.expires_at)


def _picture(address: str) -> str:
    """A QR code of an address, as an image that needs no further request."""
    return "data:image/svg+xml;base64," + base64.b64encode(qr_svg(address).encode()).decode()


def _is_planned_twice(event: TimelineEvent) -> bool:
    """A countersignature's act is told by its proposal already, when both are on one page."""
    return False if event.kind != "act" else event.act in {"proposed", "countersigned"}


def _events(words: Words, events: tuple[TimelineEvent, ...], mine: frozenset[str]) -> Iterator[EventShown]:
    """Each event in words; a correction says what changed, and what this person may correct has the way to it."""
    stands: dict[str, tuple[Line, ...]] = {}
    for event in events:
        if _is_planned_twice(event):
            continue
        made = _event(words, event)
        if event.digest in mine:
            href = url_for("corrections.form", kind=event.stream.kind, name=event.stream.value, digest=event.digest)
            made = replace(made, correct=href)
        if event.act == Corrected.rule.name and event.values:
            yield replace(made, facts=(*_who(words, event), *_corrected(words, dict(event.values), stands)))
            continue
        stands[event.digest] = tuple(lines_of(words, event.act, event.values, {}))
        yield made


def _corrected(words: Words, values: dict[str, Any], stands: dict[str, tuple[Line, ...]]) -> tuple[Line, ...]:
    """The reason, and every line from what to what; later corrections of the same entry follow on."""
    reason = Line(words.field(Corrected.rule.name, "reason"), values["reason"])
    right = replacement_of(values["act"], values["act_version"], values["replacement"])
    if right is None:
        return (reason,)
    entry, after = values["entry"].value, own_lines(words, right)
    changed = changed_lines(words, stands.get(entry, ()), after)
    stands[entry] = after
    return (Line(words.say("correction.of"), words.act_title(right.rule.name)), *changed, reason)


def _event(words: Words, event: TimelineEvent) -> EventShown:
    if event.kind == "gap":
        title, gap_facts = gap_shown(words, event)
        return EventShown(kind="gap", title=title, at=event.happened_at, bad=not event.corrected, facts=gap_facts)
    if event.kind == "verdict":
        return _verdict(words, event)
    tags = [words.say("timeline.late")] * event.late + [words.say("timeline.corrected")] * event.corrected
    tags += [words.say("typed.tag")] * bool(event.typed)
    title = words.act_title(event.act) if event.act in ACTS else event.act
    if event.kind in {"proposal", "countersignature"}:
        tags.append(words.say(f"timeline.{event.kind}"))
    own = lines_of(words, event.act, event.values, {})
    facts = (*_who(words, event), *told_once(line for line in own if line.value), *typed_lines(words, event.act, event.typed))
    return EventShown(kind="act", title=title, at=event.happened_at, bad=event.bad, tags=tuple(tags), facts=facts)


def _who(words: Words, event: TimelineEvent) -> tuple[Line, ...]:
    if event.by is None:
        return ()
    meaning = f" · {words.term(event.by.meaning)}" if event.by.meaning is not None else ""
    return (Line(words.say("timeline.by"), f"{event.by.printed_name} ({words.term(event.by.role)}){meaning}"),)


def _verdict(words: Words, event: TimelineEvent) -> EventShown:
    assert event.verdict is not None
    read = read_verdict(current.viewer(), event.verdict).value
    title = f"{words.say(verdict_key(read))} · {words.term(read.hold_point)}"
    blocking = [reason_of(words, finding) for finding in read.blocking]
    if not blocking:
        passed = Line(words.say("verdict.passed"), words.say("verdict.rules_passed", count=read.passed))
        return EventShown(kind="act", title=title, at=event.happened_at, bad=False, facts=(passed,))
    texts = (Line(reason.rule, reason.chinese if words.language == "zh" else reason.english) for reason in blocking)
    return EventShown(kind="act", title=title, at=event.happened_at, bad=True, facts=tuple(texts))


def _planned(words: Words, stands: Standing) -> list[EventShown]:
    if not stands.next or stands.over:
        return []
    return [EventShown(kind="planned", title=words.act_title(stands.next), at=None, bad=False)]


def _link(words: Words, node: Node) -> tuple[str, str]:
    return words.named(node), url_for("things.passport", kind=node.kind, name=node.value)


def _traced_rows(words: Words, found: Iterable[Traced]) -> Iterator[tuple[str, str, int, str]]:
    """Name, its page, steps and last act of each: hundreds on one page, so that what they share is said once."""
    title = cache(lambda act: words.act_title(act) if act in ACTS else "")
    # No identifier has a character that an address would write otherwise.
    place = cache(lambda kind: thing_href(NODE_KINDS[kind]("X")).removesuffix("X"))
    for each in found:
        yield words.named(each.node), f"{place(each.node.kind)}{each.node.value}", each.steps, title(each.newest_act)
