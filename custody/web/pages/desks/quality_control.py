"""The quality control desk: what waits, and the sheet of one bank, lot or dose with its samples, results and investigations."""

from __future__ import annotations

from collections.abc import Iterator

from flask import request

from custody.domain.ids import BankId, DoseId, LotId, Node
from custody.web import current
from custody.web.desk_kit import Page, blueprint_of, cut_note, home_page, plain_sheet, sheet_page
from custody.web.desk_parts import Button, CriterionRow, QueueRow, QueueShown, ResultLine, correct_href, desk_href, step_button
from custody.web.desks import desk
from custody.web.standings import next_text, time_left
from custody.web.wording import Line
from custody.words import Words
from custody.workflows.desks import quality_control as read
from custody.workflows.desks.quality_control import Counts, Row, Sheet
from custody.workflows.desks.tested import Investigation, Result, SpecifiedTest

DESK = desk("quality_control")
BAD = frozenset({"failed", "no_verdict"})
GOOD = frozenset({"passed", "not_asked"})


def home() -> Page:
    """Failed results first, then the nearest deadline."""
    words = current.words()
    with current.store().reading() as connection:
        found = read.queue(connection, current.viewer(), current.now()).value
    queue = QueueShown(
        title=words.say("desk.quality_control.queue"),
        rows=tuple(_row(words, row) for row in found.rows),
        empty=words.say("desk.quality_control.empty"),
        note=cut_note() if found.cut else "",
    )
    return home_page(DESK, (queue,), broken=found.unreadable)


def sheet(node: Node) -> Page:
    """Results with unit and limit beside them, exceptions first; nothing that was ever recorded is hidden."""
    if not isinstance(node, BankId | LotId | DoseId):
        return plain_sheet(DESK, node)
    words = current.words()
    with current.store().reading() as connection:
        found = read.sheet(connection, current.viewer(), current.present(), node, DESK.acts).value
    return sheet_page(
        DESK,
        node,
        found.offers,
        template="pages/desks/quality_control_sheet.html",
        facts=_facts(words, found),
        beside=_beside(words, found),
        main=found.counts.next,
        criteria=tuple(_criterion(words, found, test) for test in found.tests),
        sample_columns=_columns(words, "sample", "taken_at", "results_of_sample"),
        samples=[[_cell(s.sample.value, code=True), _cell(words.date_time(s.taken_at)), _cell(str(s.results))] for s in found.samples],
        investigations=tuple(_investigation(words, found, each) for each in found.investigations),
    )


blueprint = blueprint_of(DESK, home=home, sheet=sheet)


def _row(words: Words, row: Row) -> QueueRow:
    step = row.counts.next
    return QueueRow(
        thing=words.named(row.node),
        href=desk_href(DESK, row.node),
        state=state_text(words, row.counts),
        left=time_left(words, row.due_at),
        until=row.due_at,
        late=row.due_at is not None and row.due_at <= current.now(),
        bad=bool(row.counts.failed),
        who=next_text(words, step),
        step=step_button(words, DESK, row.node, step),
    )


def state_text(words: Words, counts: Counts) -> str:
    """How a thing stands in quality control, worst first."""
    numbers = {
        "not_investigated": counts.not_investigated,
        "failed": counts.failed - counts.not_investigated,
        "investigations": counts.investigations,
        "unreviewed": counts.unreviewed,
        "missing": counts.missing,
    }
    texts = [words.say(f"desk.quality_control.{name}", count=number, total=counts.total) for name, number in numbers.items() if number]
    return " · ".join(texts) or words.say("desk.quality_control.all_there")


def _facts(words: Words, found: Sheet) -> tuple[Line, ...]:
    tier = words.say("desk.quality_control.tier_of", tier=words.term(found.tier), version=found.criteria_version)
    lines = [
        Line(words.say("work.state"), state_text(words, found.counts)),
        Line(words.say("desk.quality_control.tier"), tier),
    ]
    if found.disposition:
        lines.append(Line(words.say("passport.disposition"), words.say(f"term.disposition.{found.disposition}")))
    if found.due_at is not None:
        lines.append(Line(words.say("desk.quality_control.due_at"), f"{words.date_time(found.due_at)} · {time_left(words, found.due_at)}"))
    return tuple(lines)


def _beside(words: Words, found: Sheet) -> tuple[Line, ...]:
    """What must be seen while a result is entered or an investigation opened: the limit, and the result it is about."""
    about = found.result(request.args.get("result", "") or request.args.get("retest_of", ""))
    test = found.test(request.args.get("test", "")) or (about[0] if about is not None else None)
    if test is None:
        return ()
    lines = [Line(_title(words, test), ""), Line(words.say("desk.kit.limit"), test.limit or words.say("desk.kit.no_limit"))]
    if about is not None:
        word = words.say(f"desk.quality_control.judged.{about[1].why}")
        lines.append(Line(words.say("desk.quality_control.first_result"), f"{about[1].text} · {word}"))
    return tuple(lines)


def _criterion(words: Words, found: Sheet, test: SpecifiedTest) -> CriterionRow:
    return CriterionRow(
        name=_title(words, test),
        limit=test.limit,
        state="bad" if test.state in BAD else "good" if test.state in GOOD else "open",
        word=words.say(f"desk.quality_control.state.{test.state}"),
        results=tuple(_result(words, found, test, result) for result in test.results),
        steps=_enter(words, found, test) if not test.results else (),
    )


def _title(words: Words, test: SpecifiedTest) -> str:
    return f"{test.code} · {test.title_zh if words.language == 'zh' else test.title}"


def _enter(words: Words, found: Sheet, test: SpecifiedTest) -> tuple[Button, ...]:
    if not _can(found, "result_recorded"):
        return ()
    # Of several samples the analyst says which; one is filled in.
    sample = found.samples[0].sample.value if len(found.samples) == 1 else ""
    href = desk_href(DESK, found.node, "result_recorded", test=test.code, unit=test.unit, sample=sample)
    return (Button(label=words.say("desk.quality_control.step.enter"), href=href),)


def _result(words: Words, found: Sheet, test: SpecifiedTest, result: Result) -> ResultLine:
    tags = {
        "set_aside": result.set_aside,
        "retest": result.is_retest,
        "counts": result.counts and len(test.results) > 1,
        "reviewed": result.is_reviewed,
        "not_reviewed": not result.is_reviewed,
        "corrected": result.corrected,
    }
    facts = [
        Line(words.say("desk.quality_control.read_at"), words.date_time(result.read_at)),
        Line(words.say("desk.quality_control.sample"), result.sample.value),
        Line(words.say("desk.quality_control.method"), result.method),
        Line(words.say("desk.quality_control.instrument"), result.instrument),
        Line(words.say("desk.quality_control.analyst"), result.analyst),
    ]
    if result.earliest_read_at is not None and result.why == "read_too_early":
        facts.append(Line(words.say("desk.quality_control.reads_from"), words.date_time(result.earliest_read_at)))
    return ResultLine(
        text=result.text,
        word=words.say(f"desk.quality_control.judged.{result.why}"),
        tags=tuple(words.say(f"desk.quality_control.tag.{name}") for name, shown in tags.items() if shown),
        facts=tuple(facts),
        steps=tuple(_steps(words, found, test, result)),
    )


def _steps(words: Words, found: Sheet, test: SpecifiedTest, result: Result) -> Iterator[Button]:
    """What can be done about one result. A retest names the first, which stays."""
    investigated = next((each for each in found.investigations if each.result == result.digest), None)
    failed = result.passed is False and not result.set_aside
    digest = result.digest.value
    if failed and investigated is None and _can(found, "out_of_specification_opened"):
        href = desk_href(DESK, found.node, "out_of_specification_opened", result=digest)
        yield Button(label=words.say("desk.quality_control.step.investigate"), href=href, is_main=True)
    if investigated is not None and _can(found, "result_recorded"):
        given = {"test": test.code, "unit": test.unit, "retest_of": digest, "investigation": investigated.number}
        yield Button(label=words.say("desk.quality_control.step.retest"), href=desk_href(DESK, found.node, "result_recorded", **given))
    if _can(found, "result_recorded"):
        yield Button(label=words.say("desk.quality_control.step.correct"), href=correct_href(DESK, found.node, digest))


def _investigation(words: Words, found: Sheet, each: Investigation) -> CriterionRow:
    """One investigation as a row of the criteria part: what it is about, how it ended."""
    about = found.result(each.result.value)
    word = "investigation_open" if each.closed_at is None else "laboratory_error" if each.laboratory_error else "result_stands"
    facts = [Line(words.say("desk.quality_control.opened_by"), f"{each.opened_by} · {words.date_time(each.opened_at)}")]
    if each.conclusion:
        facts.append(Line(words.say("desk.quality_control.conclusion"), each.conclusion))
    steps: tuple[Button, ...] = ()
    if each.closed_at is None and _can(found, "out_of_specification_closed"):
        href = desk_href(DESK, found.node, "out_of_specification_closed", investigation=each.number)
        steps = (Button(label=words.say("desk.quality_control.step.close"), href=href),)
    return CriterionRow(
        name=each.number,
        limit=about[0].limit if about is not None else "",
        state="open" if each.closed_at is None else "good",
        word=words.say(f"desk.quality_control.{word}"),
        results=(ResultLine(text=f"{each.test} {about[1].text if about is not None else ''}", word="", facts=tuple(facts)),),
        steps=steps,
    )


def _can(found: Sheet, act: str) -> bool:
    return any(offer.act == act and offer.why_not is None for offer in found.offers)


def _columns(words: Words, *keys: str) -> list[dict[str, object]]:
    return [{"label": words.say(f"desk.quality_control.{key}"), "number": key == "results_of_sample"} for key in keys]


def _cell(text: str, *, code: bool = False) -> dict[str, object]:
    return {"text": text, "href": "", "code": code}
