"""A dose at the release desk: the five signed steps of an exceptional release in order, and what hold point X says now."""

from __future__ import annotations

from flask import request, url_for

from custody.domain.ids import DoseId, Node
from custody.web import current
from custody.web.desk_kit import Page, sheet_page
from custody.web.desk_parts import CriterionRow
from custody.web.desks import Desk
from custody.web.foresight import foresight_text, rule_rows
from custody.web.pages.desks import release_tables as tables
from custody.web.standings import next_text
from custody.web.wording import Line
from custody.words import Words
from custody.workflows.desks import exceptions as read
from custody.workflows.desks.exceptions import ExceptionAsked, ExceptionSheet, ExceptionStep


def exception_sheet(desk: Desk, node: DoseId) -> Page:
    """Steps (a) to (e), the failed result beside its limit, and the release, disabled with its reason."""
    words = current.words()
    with current.store().reading() as connection:
        found = read.sheet(connection, current.viewer(), current.present(), node, desk.acts, current.now()).value
    given = {}
    if found.asked is not None and request.args.get("act") == "released_exceptionally":
        asked = found.asked.request
        given = {"lot": asked.lot.value, "test": asked.test, "result": asked.result.value}
    return sheet_page(
        desk,
        node,
        tables.worded(words, found.offers, {"released_exceptionally": found.foreseen}),
        template="pages/desks/release_exception.html",
        facts=_facts(words, found),
        beside=_facts(words, found),
        given=given,
        problem="" if found.asked is not None else words.say("desk.release.no_exception"),
        certificate=certificate_href(node) if found.asked is not None and not found.asked.next else "",
        main=found.asked.next if found.asked is not None else "",
        steps=_steps(words, found.asked) if found.asked is not None else (),
        rules=rule_rows(words, found.foreseen) if found.foreseen is not None else (),
        rules_sentence=foresight_text(words, found.foreseen) if found.foreseen is not None else "",
    )


def certificate_href(node: Node) -> str:
    return url_for("certificates.show", kind=node.kind, name=node.value)


def _facts(words: Words, found: ExceptionSheet) -> tuple[Line, ...]:
    asked = found.asked
    if asked is None:
        return ()
    if found.seen:
        result = words.say("desk.release.result_is", test=asked.request.test, seen=found.seen, expected=found.expected)
    else:
        result = words.say("desk.release.result_gone", test=asked.request.test)
    lines = (
        Line(words.say("desk.release.result"), f"{words.named(asked.request.lot)} · {result}"),
        Line(words.say("desk.release.participant"), asked.request.participant.value),
        Line(words.say("desk.release.asked"), words.date_time(asked.asked_at)),
        Line(words.say("desk.release.valid_until"), words.date_time(asked.valid_until) if asked.valid_until is not None else ""),
    )
    return tuple(line for line in lines if line.value)


def _steps(words: Words, asked: ExceptionAsked) -> tuple[CriterionRow, ...]:
    return tuple(_step(words, step, asked.next) for step in asked.steps)


def _step(words: Words, step: ExceptionStep, following: str) -> CriterionRow:
    if step.at is None:
        word = words.say("desk.release.step_next" if step.act == following else "desk.release.step_open")
        return CriterionRow(name=words.act_title(step.act), limit=next_text(words, step.act), state="open", word=word)
    text = " · ".join(part for part in (step.by, words.date_time(step.at), step.text) if part)
    state = "bad" if step.act == following else "good"  # signed, but out of order: it must be signed again
    return CriterionRow(name=words.act_title(step.act), limit=text, state=state, word=words.say("desk.release.step_done"))
