"""The release certificate as a page to print: what was decided about a lot or one dose, on what, by whom, and where the record stood."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

from flask import Blueprint, render_template

from custody.domain.deeds import Signed
from custody.domain.ids import Node, node_of
from custody.printing.symbols import qr_svg
from custody.web import current
from custody.web.access import signed_in
from custody.web.desk_parts import CriterionRow, thing_href
from custody.web.pages.desks import release_tables as tables
from custody.web.viewing_log import note_view
from custody.web.wording import Line
from custody.words import Words
from custody.workflows import proving
from custody.workflows.desks import certificate as read
from custody.workflows.desks.certificate import Certificate
from custody.workflows.desks.exceptions import ExceptionAsked
from custody.workflows.proving import Standing

blueprint = Blueprint("certificates", __name__)


@blueprint.get("/certificates/<kind>/<name>")
@signed_in
def show(kind: str, name: str) -> str:
    """Of a bank or lot that was released, or of a dose released exceptionally; of anything else it says why there is none."""
    words, node = current.words(), node_of(f"{kind}:{name}")
    with current.store().reading() as connection:
        found = read.certificate(connection, current.viewer(), node).value
    record = proving.standing(current.store(), current.installation().config.key_dir)
    note_view(node.key)
    return render_template(
        "pages/certificate.html",
        page_title=words.say(f"certificate.title.{found.decision}", thing=words.named(found.node)),
        back=thing_href(node),
        back_text=words.named(node),
        facts=_facts(words, found, node),
        signatures=tuple(_signature(words, signer) for signer in found.signers),
        entry=found.entry.value,
        criteria=tuple(tables.criterion(words, test) for test in found.tests),
        pending=tuple(_pending(words, found)),
        deviations=tables.deviations(words, found.deviations),
        steps=_steps(words, found.exception) if found.exception is not None else (),
        root_picture=_picture(record),
        root_text=record.text,
        root_size=record.size,
        root_signature=record.signature,
    )


def utc(at: datetime) -> str:
    """A time that reads alike on every sheet, whatever the zone of who printed it: `2026-11-22 06:32:07 UTC`."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _picture(record: Standing) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(qr_svg(record.text).encode()).decode()


def _facts(words: Words, found: Certificate, node: Node) -> tuple[Line, ...]:
    counted = words.say("desk.release.product_is", product=words.term(found.product), form=words.term(found.form), count=found.containers)
    lines = (
        Line(words.say("certificate.decision"), words.say(f"certificate.decided.{found.decision}")),
        Line(words.say("certificate.dose"), words.named(node) if found.exception is not None else ""),
        Line(words.say("certificate.lot"), words.named(found.node)),
        Line(words.say("certificate.lot_stands"), words.say(f"term.disposition.{found.lot_decision}") if found.lot_decision else ""),
        Line(words.say("desk.release.product"), counted),
        Line(words.say("desk.release.criteria"), words.say("desk.release.criteria_version", version=found.criteria_version)),
        Line(words.say("desk.release.expires"), utc(found.expires_at) if found.expires_at is not None else ""),
        *_of_exception(words, found.exception),
    )
    return tuple(line for line in lines if line.value)


def _of_exception(words: Words, asked: ExceptionAsked | None) -> tuple[Line, ...]:
    if asked is None:
        return ()
    until = utc(asked.valid_until) if asked.valid_until is not None else ""
    covers = words.say("certificate.covers_is", test=asked.request.test, digest=asked.request.result.value[:16])
    return (Line(words.say("certificate.covers"), covers), Line(words.say("desk.release.valid_until"), until))


def _signature(words: Words, signer: Signed) -> Line:
    meaning = words.term(signer.meaning) if signer.meaning is not None else ""
    return Line(signer.printed_name, words.say("certificate.signed", meaning=meaning, role=words.term(signer.role), at=utc(signer.at)))


def _pending(words: Words, found: Certificate) -> tuple[CriterionRow, ...]:
    titles = {test.code: test.title_zh if words.language == "zh" else test.title for test in found.tests}
    return tuple(
        CriterionRow(
            name=f"{each.test} · {titles.get(each.test, '')}",
            limit=words.say("certificate.due", at=utc(each.due_at)),
            state="open",
            word=words.say("certificate.pending_word"),
        )
        for each in found.pending
    )


def _steps(words: Words, asked: ExceptionAsked) -> tuple[CriterionRow, ...]:
    return tuple(
        CriterionRow(
            name=words.act_title(step.act),
            limit=" · ".join(part for part in (step.by, utc(step.at), step.text) if part),
            state="good",
            word=words.say("desk.release.step_done"),
        )
        for step in asked.steps
        if step.at is not None
    )
