"""The monitor desk: findings first, every thing with its verdicts, the trail of a person and a period, and the record verified."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode

from flask import render_template, request, url_for

from custody.domain.acts.record import Corrected, VerdictGiven
from custody.domain.ids import AccountId, Node
from custody.errors import InputError
from custody.web import access, current
from custody.web.corrected import changed_lines, own_lines
from custody.web.desk_kit import Page, blueprint_of, cut_note, home_page, sheet_page
from custody.web.desk_parts import CriterionRow, QueueShown, desk_href, standing_rows, thing_href
from custody.web.desks import desk
from custody.web.errors import sentence
from custody.web.gaps import gap_shown
from custody.web.problems import Problem
from custody.web.standings import blocked_text, state_text, time_left
from custody.web.viewing_log import note_view
from custody.web.wording import Line, reason_of, verdict_key
from custody.words import Words
from custody.workflows.auditing import PERIOD_MAX, Trail, TrailEntry, trail
from custody.workflows.desks import monitor as read
from custody.workflows.desks.corrections import replacement_of
from custody.workflows.desks.monitor import ThingSeen, VerdictSeen
from custody.workflows.proving import prove
from custody.workflows.receivers import with_names
from custody.workflows.viewing import TimelineEvent

DESK = desk("monitor")
DAYS_AT_FIRST = 7
Cell = dict[str, object]


def home() -> Page:
    """What is held, recalled or has a gap comes first."""
    words = current.words()
    note_view("desks/monitor")
    with current.store().reading() as connection:
        found = read.overview(connection, current.viewer(), DESK.kinds, current.now()).value
    findings = QueueShown(
        title=words.say("desk.monitor.findings"),
        rows=standing_rows(words, DESK, found.findings),
        empty=words.say("desk.monitor.no_findings"),
    )
    others = QueueShown(
        title=words.say("desk.monitor.in_scope"),
        rows=standing_rows(words, DESK, found.others),
        empty=words.say("desk.monitor.nothing"),
        note=cut_note() if found.cut else "",
    )
    return home_page(DESK, (findings, others), template="pages/desks/monitor.html", broken=found.broken)


def sheet(node: Node) -> Page:
    """How it stands, what was bad, and every verdict with what blocked."""
    words, now = current.words(), current.now()
    with current.store().reading() as connection:
        found = read.thing(connection, current.viewer(), node, now).value
        told = with_names(connection, found.problems)
    note_view(node.key)
    return sheet_page(
        DESK,
        node,
        (),
        template="pages/desks/monitor_sheet.html",
        facts=_facts(words, found),
        problem=blocked_text(words, found.stands),
        timeline=thing_href(node),
        problems=tuple(_problem(words, event) for event in told),
        verdicts=tuple(_verdict(words, each) for each in found.verdicts),
        families=tuple(
            (words.say(key), tuple((words.named(each), _href(each)) for each in nodes))
            for key, nodes in (("thing.parents", found.parents), ("thing.children", found.children))
            if nodes
        ),
    )


blueprint = blueprint_of(DESK, home=home, sheet=sheet)


@blueprint.get("/audit")
@access.needs(*DESK.roles)
def audit() -> str | tuple[str, int]:
    """Who did what when: of one person or everybody, from one day to another (both included, as days of the reader's site)."""
    words = current.words()
    typed = {name: request.args.get(name, "").strip() for name in ("account", "from", "until")}
    before = request.args.get("before", "")
    today = current.local_now().date()
    typed["from"] = typed["from"] or (today - timedelta(days=DAYS_AT_FIRST)).isoformat()
    typed["until"] = typed["until"] or today.isoformat()
    problems: tuple[Problem, ...] = ()
    found = Trail(rows=(), older=None)
    try:
        start, end = _period(typed["from"], typed["until"])
        account = AccountId.parse(typed["account"]) if typed["account"] else None
        note_view(f"audit {typed['account'] or '*'} {typed['from']} {typed['until']}")
        number = int(before) if before.isascii() and before.isdigit() and len(before) < len("9" * 16) else None
        with current.store().reading() as connection:
            found = trail(connection, current.viewer(), start, end, account=account, before=number).value
    except InputError as error:
        problems = (Problem(sentence(error), "from"),)
    with current.store().reading() as connection:
        people = read.people(connection, current.viewer()).value
    page = render_template(
        "pages/desks/monitor_audit.html",
        page_title=words.say("desk.monitor.audit"),
        back=desk_href(DESK),
        typed=typed,
        people=tuple(each.value for each in people),
        problems=problems,
        columns=_columns(words, "time", "who", "what", "thing", "change", "why", "signature", "chain"),
        rows=[_trail_row(words, each) for each in found.rows],
        older=f"{url_for('desk_monitor.audit')}?{urlencode({**typed, 'before': found.older})}" if found.older is not None else "",
    )
    return (page, 422) if problems else page


@blueprint.post("/verify")
@access.needs(*DESK.roles)
def verify() -> str:
    """The whole record proved again from what is stored; the first fault of each kind is named."""
    words = current.words()
    note_view("verify")
    report = prove(current.store(), None, current.installation().config.key_dir)
    return render_template(
        "pages/desks/monitor_verified.html",
        page_title=words.say("desk.monitor.verified" if report.ok else "desk.monitor.broken"),
        back=desk_href(DESK),
        report=report,
        at=current.now(),
        root=report.root.hex(),
        faults=tuple(str(fault) for fault in report.faults),
        skipped=words.say("format.comma").join(report.skipped_tables),
    )


def _period(first: str, last: str) -> tuple[datetime, datetime]:
    """Both days included. Raises InputError for what is no day, runs backwards or is longer than a year."""
    try:
        days = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError as error:
        raise InputError("this is no day; expected such as 2026-06-01", code="not_a_day") from error
    if not days[0] <= days[1] <= days[0] + PERIOD_MAX:
        raise InputError("the period runs backwards or is longer than a year", code="period_wrong")
    zone = current.zone()
    return datetime.combine(days[0], time(), zone), datetime.combine(days[1] + timedelta(days=1), time(), zone)


def _facts(words: Words, found: ThingSeen) -> tuple[Line, ...]:
    stands = found.stands
    lines = (
        Line(words.say("work.state"), state_text(words, stands)),
        Line(words.say("work.holder"), stands.holder),
        Line(words.say("work.time_left"), time_left(words, stands.expires_at) if stands.expires_at is not None else ""),
        Line(words.say("desk.monitor.events"), str(found.events)),
    )
    return tuple(line for line in lines if line.value)


def _href(node: Node) -> str:
    return desk_href(DESK, node) if node.kind in DESK.kinds else thing_href(node)


def _problem(words: Words, event: TimelineEvent) -> CriterionRow:
    if event.kind == "gap":
        title, facts = gap_shown(words, event)
        said = " · ".join(f"{fact.label}: {fact.value}" for fact in facts)
        return CriterionRow(name=title, limit=said, state="bad", word=words.say("timeline.problem"))
    who = event.by.printed_name if event.by is not None else ""
    reason = next((str(value) for name, value in event.values if name in {"reason", "description"}), "")
    said = " · ".join(text for text in (words.date_time(event.happened_at), who, reason) if text)
    return CriterionRow(name=words.act_title(event.act), limit=said, state="bad", word=words.say("timeline.problem"))


def _verdict(words: Words, each: VerdictSeen) -> CriterionRow:
    blocking = [reason_of(words, finding) for finding in each.read.blocking]
    texts = [f"{reason.rule}: {reason.chinese if words.language == 'zh' else reason.english}" for reason in blocking]
    passed = words.say("verdict.rules_passed", count=each.read.passed)
    at = words.say("desk.monitor.entry", at=each.read.judged_at, position=each.position)
    return CriterionRow(
        name=f"{words.term(each.read.hold_point)} · {words.act_title(each.act)}" if each.act else words.term(each.read.hold_point),
        limit=" · ".join((at, *(texts or [passed]))),
        state="bad" if blocking else "good",
        word=words.say(verdict_key(each.read)),
    )


def _trail_row(words: Words, each: TrailEntry) -> list[Cell]:
    recorded = words.date_time(each.recorded_at)
    late = words.say("desk.monitor.late", at=each.happened_at) if each.late else ""
    who = f"{each.by.printed_name} ({words.term(each.by.role)})"
    signature = words.term(each.by.meaning) if each.by.meaning is not None else words.say("format.none")
    return [
        _cell(f"{recorded} {late}".strip()),
        _cell(who),
        _cell(_what(words, each)),
        _cell(words.named(each.node), thing_href(each.node)),
        _cell(_change(words, each)),
        _cell(each.reason),
        _cell(signature),
        {"text": f"{each.position} · {each.digest.value[:12]}", "href": "", "code": True},
    ]


def _what(words: Words, each: TrailEntry) -> str:
    if isinstance(each.act, VerdictGiven):
        return f"{words.term(each.act.hold_point)}: {words.word('VerdictWord', each.act.word.value)}"
    title = words.act_title(each.act.rule.name)
    return title if each.kind in {"act", "evidence", "correction"} else f"{title} ({words.say(f'desk.monitor.kind.{each.kind}')})"


def _change(words: Words, each: TrailEntry) -> str:
    """Every line that a correction changed, from what to what."""
    if not isinstance(each.act, Corrected) or each.before is None:
        return ""
    right = replacement_of(each.act.act, each.act.act_version, each.act.replacement)
    if right is None:
        return ""
    changed = changed_lines(words, own_lines(words, each.before), own_lines(words, right))
    return words.say("format.comma").join(f"{line.label}: {line.value}" for line in changed)


def _columns(words: Words, *keys: str) -> list[Cell]:
    return [{"label": words.say(f"desk.monitor.column.{key}"), "number": False} for key in keys]


def _cell(text: str, href: str = "") -> Cell:
    return {"text": text, "href": href, "code": False}
