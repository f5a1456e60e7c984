"""The release desk: the queue by deadline, and one bank, lot or dose with what decides it, exceptions first."""

from __future__ import annotations

from flask import request

from custody.domain.acts.release import PendingTest
from custody.domain.ids import BankId, DoseId, LotId, Node
from custody.web import current
from custody.web.desk_kit import Page, blueprint_of, cut_note, home_page, plain_sheet, sheet_page
from custody.web.desk_parts import Button, QueueRow, QueueShown, desk_href, step_button, why_text
from custody.web.desks import desk
from custody.web.foresight import foresight_text, reasons_text, rule_rows
from custody.web.pages.desks import release_tables as tables
from custody.web.pages.desks.release_exception import certificate_href, exception_sheet
from custody.web.standings import next_text, time_left
from custody.web.wording import Line
from custody.words import Words
from custody.workflows.desks import release as read
from custody.workflows.desks.exceptions import ExceptionAsked
from custody.workflows.desks.offers import Offer
from custody.workflows.desks.preview import Preview
from custody.workflows.desks.release import Row, Sheet

DESK = desk("release")


def home() -> Page:
    """What waits for a decision, the nearest deadline first."""
    words = current.words()
    with current.store().reading() as connection:
        found = read.queue(connection, current.viewer(), current.now()).value
    queue = QueueShown(
        title=words.say("desk.release.queue"),
        rows=tuple(_row(words, row) for row in found.rows),
        empty=words.say("desk.release.empty"),
        note=cut_note() if found.cut else "",
    )
    asked = QueueShown(title=words.say("desk.release.exceptions"), rows=tuple(_asked(words, each) for each in found.exceptions), empty="")
    return home_page(DESK, (queue, *((asked,) if asked.rows else ())), broken=found.unreadable)


def sheet(node: Node) -> Page:
    """Criteria as a table, exceptions first; “Release” is disabled with its reason in words."""
    if isinstance(node, DoseId):
        return exception_sheet(DESK, node)
    if not isinstance(node, BankId | LotId):
        return plain_sheet(DESK, node)
    words = current.words()
    with current.store().reading() as connection:
        found = read.sheet(connection, current.viewer(), current.present(), node, DESK.acts, current.now()).value
    offered = tables.worded(words, found.offers, {"released": found.foreseen, "released_conditionally": found.conditional})
    return sheet_page(
        DESK,
        node,
        offered,
        template="pages/desks/release_sheet.html",
        facts=_facts(words, found),
        beside=_beside(words, found, request.args.get("act", "")),
        main=found.next,
        given=_given(found, request.args.get("act", "")),
        certificate=certificate_href(node) if found.disposition in {"released", "conditional"} else "",
        stopped=_stopped(words, found, offered),
        rules=_rules(words, found, found.foreseen),
        rules_sentence=foresight_text(words, found.foreseen),
        conditional=_rules(words, found, found.conditional) if found.conditional is not None else (),
        conditional_title=words.say("desk.release.rules_conditional", tests=_tests(words, found.may_be_pending)),
        conditional_sentence=foresight_text(words, found.conditional) if found.conditional is not None else "",
        criteria=tuple(tables.criterion(words, test) for test in found.tests),
        reviews=tables.reviews(words, found.reviews),
        trail=tables.entries(words, found.trail, found.unread),
        batch_record=tables.entries(words, found.batch_record, frozenset()),
        reading=request.args.get("act", ""),
        unread=len(found.unread),
        deviations=tables.deviations(words, found.deviations),
    )


blueprint = blueprint_of(DESK, home=home, sheet=sheet)


def _stopped(words: Words, found: Sheet, offered: tuple[Offer, ...]) -> Button | None:
    """The release that cannot be signed now, with its reason, where the reason is worth reading: nothing is decided for good yet."""
    release = next((each for each in offered if each.act == "released" and each.why_not is not None), None)
    if release is None or found.disposition not in {"quarantined", "conditional"}:
        return None
    return Button(label=words.act_title(release.act), href="", why_not=why_text(words, release.why_not))


def _row(words: Words, row: Row) -> QueueRow:
    return QueueRow(
        thing=words.named(row.node),
        href=desk_href(DESK, row.node),
        state=_state(words, row),
        left=time_left(words, row.due_at),
        until=row.due_at,
        late=row.due_at is not None and row.due_at <= current.now(),
        bad="QC-FAIL" in {each.gate for each in row.foreseen.blocking},
        remark=reasons_text(words, row.foreseen),
        who=next_text(words, row.next or ("results_concluded" if _is_in_quality_control(row) else "")),
        step=step_button(words, DESK, row.node, row.next),
    )


def _state(words: Words, row: Row) -> str:
    if row.pending:
        return words.say("desk.release.pending", tests=_tests(words, row.pending))
    if row.next in {"released", "released_conditionally"}:
        return words.say("desk.release.ready")
    if row.next:
        return words.say("desk.release.waits_for_review")
    return words.say("desk.release.waits_for_quality_control" if _is_in_quality_control(row) else "desk.release.waits_elsewhere")


def _is_in_quality_control(row: Row) -> bool:
    return bool(read.OF_QUALITY_CONTROL & {each.gate for each in row.foreseen.blocking})


def _asked(words: Words, asked: ExceptionAsked) -> QueueRow:
    request_ = asked.request
    return QueueRow(
        thing=words.named(asked.dose),
        href=desk_href(DESK, asked.dose),
        state=words.say("desk.release.exception_of", test=request_.test, lot=request_.lot),
        left=words.date_time(asked.asked_at),
        bad=True,
        who=next_text(words, asked.next),
        step=step_button(words, DESK, asked.dose, asked.next) if asked.next in DESK.acts else None,
    )


def _tests(words: Words, pending: tuple[PendingTest, ...]) -> str:
    said = (words.say("desk.release.pending_test", test=each.test, at=each.due_at) for each in pending)
    return words.say("format.comma").join(said)


def _facts(words: Words, found: Sheet) -> tuple[Line, ...]:
    disposition = words.say(f"term.disposition.{found.disposition}")
    decided = found.decision
    labels = found.labels
    agree = labels.printed == labels.applied + labels.destroyed
    lines = [
        Line(
            words.say("desk.release.disposition"),
            disposition if decided is None else words.say("desk.release.decided", disposition=disposition, name=decided.by, at=decided.at),
        ),
        Line(words.say("desk.release.decided_because"), _because(words, found)),
        Line(
            words.say("desk.release.product"),
            words.say("desk.release.product_is", product=words.term(found.product), form=words.term(found.form), count=found.containers),
        ),
        Line(words.say("desk.release.criteria"), words.say("desk.release.criteria_version", version=found.criteria_version)),
        Line(words.say("desk.release.expires"), words.date_time(found.expires_at) if found.expires_at is not None else ""),
        Line(words.say("desk.release.due"), time_left(words, found.due_at) if found.due_at is not None and decided is None else ""),
        Line(words.say("desk.release.pending_tests"), _tests(words, found.pending)),
        Line(
            words.say("desk.release.labels"),
            words.say(
                "desk.release.labels_count" if agree else "desk.release.labels_differ",
                printed=labels.printed,
                applied=labels.applied,
                destroyed=labels.destroyed,
            ),
        ),
    ]
    return tuple(line for line in lines if line.value)


def _because(words: Words, found: Sheet) -> str:
    if found.decision is None or not found.decision.reason:
        return ""
    code = words.word("rejection", found.decision.reason_code)
    return f"{code} · {found.decision.reason}"


def _given(found: Sheet, act: str) -> dict[str, str]:
    """What a form of this desk opens with, as the record knows it."""
    return tables.pending_given(found.may_be_pending, current.words().zone) if act == "released_conditionally" else {}


def _beside(words: Words, found: Sheet, act: str) -> tuple[Line, ...]:
    """What exactly is signed: the entries read, or the thing certified."""
    signed = words.say("desk.release.read_now")
    if act == "audit_trail_reviewed":
        corrected = sum(entry.corrected for entry in found.trail)
        text = words.say("desk.release.read_now_trail", count=len(found.trail), position=found.last_position, corrected=corrected)
        return (Line(signed, text),)
    if act == "batch_record_reviewed":
        return (Line(signed, words.say("desk.release.read_now_batch", count=len(found.batch_record))),)
    if act in {"released", "released_conditionally"}:
        version = words.say("desk.release.criteria_version", version=found.criteria_version)
        return (Line(words.say("desk.release.certify"), f"{words.named(found.node)} · {version}"),)
    return ()


def _rules(words: Words, found: Sheet, preview: Preview) -> tuple[object, ...]:
    return rule_rows(words, preview, lambda digest: tables.evidence(words, found.entry(digest)))
