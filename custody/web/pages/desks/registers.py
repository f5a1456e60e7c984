"""The registers desk: what is late or soon due across all registers, each register whole, and one registered thing."""

from __future__ import annotations

from collections.abc import Iterator

from flask import url_for

from custody.domain.ids import AccountId, Node, StudyId
from custody.errors import NotFoundError
from custody.web import access, current
from custody.web.desk_kit import Page, blueprint_of, cut_note, home_page, plain_sheet, sheet_page
from custody.web.desk_parts import Button, QueueRow, QueueShown, desk_href, step_button
from custody.web.desk_waiting import waiting_shown
from custody.web.desks import desk
from custody.web.pages.people import LOOK_AFTER
from custody.web.standings import next_text
from custody.web.wording import Line as Fact
from custody.words import Words
from custody.workflows.desks import registers as read
from custody.workflows.desks.registered import WARN_DAYS, Dated, Line
from custody.workflows.desks.registers import KINDS, KeyShown, Registers, Sheet

DESK = desk("registers")
BAD = frozenset({"late"})


def home() -> Page:
    """What is late, waits, or runs out within a month; beneath it every register with its count."""
    words = current.words()
    found = _read(KINDS)
    queue = QueueShown(
        title=words.say("desk.registers.attention", days=WARN_DAYS),
        rows=tuple(_row(words, line) for line in found.attention),
        empty=words.say("desk.registers.nothing_due", days=WARN_DAYS),
        note=cut_note() if found.cut else "",
    )
    queues = (queue, *_documents_due(words, found))
    return home_page(DESK, queues, template="pages/desks/registers.html", broken=found.broken, whole=tuple(_links(words, found)))


def _documents_due(words: Words, found: Registers) -> Iterator[QueueShown]:
    """Documents that ended or are to be reviewed; nothing where none is."""
    rows = tuple(_document_row(words, each) for each in found.documents if each.mood in {"late", "soon"})
    if rows:
        yield QueueShown(title=words.say("desk.registers.documents_due"), rows=rows, empty="")


def _document_row(words: Words, each: Dated) -> QueueRow:
    late = each.mood == "late"
    return QueueRow(
        thing=_named(words, each),
        href=url_for(f"desk_{DESK.name}.whole", kind="documents"),
        state=words.say(f"desk.registers.dated.{each.key}"),
        left=words.say("desk.registers.until", day=each.until) if each.until is not None else "",
        late=late,
        bad=late,
        who=words.say(f"desk.registers.mood.{each.mood}"),
    )


def sheet(node: Node) -> Page:
    words = current.words()
    with current.store().reading() as connection:
        found = read.sheet(connection, current.viewer(), current.present(), node, DESK.acts, current.local_now()).value
    if found.line is None:
        return plain_sheet(DESK, node)
    return sheet_page(
        DESK,
        node,
        found.offers,
        template="pages/desks/registers_sheet.html",
        facts=tuple(_facts(words, found, found.line)),
        beside=tuple(_dated_fact(words, each) for each in found.dated[:1]),
        problem=_mood(words, found.line) if found.line.mood in BAD else "",
        main=found.line.next,
        waiting=waiting_shown(words, node),
        links=tuple(_people_links(words, node)),
        dated_columns=_columns(words, "what", "name", "since", "until", "standing"),
        dated=[_dated_cells(words, each) for each in found.dated],
        key_columns=_columns(words, "issuer", "device_lot", "fingerprint", "since", "registered_by"),
        keys=[_key_cells(words, each) for each in found.keys],
    )


blueprint = blueprint_of(DESK, home=home, sheet=sheet)


@blueprint.get("/of/<kind>")
@access.needs(*DESK.roles)
def whole(kind: str) -> Page:
    """One register from end to end, what needs attention first."""
    if kind not in (*KINDS, "documents"):
        raise NotFoundError(f"there is no register of {kind[:40]}", code="page_not_found")
    words = current.words()
    found = _read(("study",) if kind == "documents" else (kind,))
    if kind == "documents":
        return home_page(
            DESK,
            (),
            template="pages/desks/registers_documents.html",
            broken=found.broken,
            dated_columns=_columns(words, "what", "name", "since", "until", "standing"),
            dated=[_dated_cells(words, each) for each in found.documents],
        )
    queue = QueueShown(
        title=words.say(f"desk.registers.kind.{kind}"),
        rows=tuple(_row(words, line) for line in found.lines[kind]),
        empty=words.say("desk.registers.empty"),
        note=cut_note() if found.cut else "",
    )
    return home_page(DESK, (queue,), template="pages/desks/registers.html", broken=found.broken, whole=())


def _read(kinds: tuple[str, ...]) -> Registers:
    with current.store().reading() as connection:
        return read.registers(connection, current.viewer(), current.local_now(), kinds).value


def _links(words: Words, found: Registers) -> Iterator[Button]:
    for kind in KINDS:
        label = words.say("desk.registers.with_count", register=words.say(f"desk.registers.kind.{kind}"), count=len(found.lines[kind]))
        yield Button(label=label, href=url_for(f"desk_{DESK.name}.whole", kind=kind))
    label = words.say("desk.registers.with_count", register=words.say("desk.registers.documents"), count=len(found.documents))
    yield Button(label=label, href=url_for(f"desk_{DESK.name}.whole", kind="documents"))
    yield from _people_links(words, None)


def _people_links(words: Words, node: Node | None) -> Iterator[Button]:
    """Accounts, grants and badges have pages of their own."""
    if not current.holds(*LOOK_AFTER):
        return
    if node is None:
        yield Button(label=words.say("desk.registers.people"), href=url_for("people.every"))
    elif isinstance(node, AccountId):
        yield Button(label=words.say("desk.registers.person"), href=url_for("people.one", account=node.value))


def _row(words: Words, line: Line) -> QueueRow:
    late = line.mood == "late"
    return QueueRow(
        thing=words.named(line.node),
        href=desk_href(DESK, line.node),
        state=_state(words, line),
        left=_left(words, line),
        late=late,
        bad=late,
        remark=line.title + (f" · {words.say('desk.registers.until', day=line.due)}" if line.due is not None else ""),
        who=next_text(words, line.next) if line.next else _mood(words, line),
        step=step_button(words, DESK, line.node, line.next),
    )


def _state(words: Words, line: Line) -> str:
    values = dict(line.values)
    if line.key == "untrained":
        values["procedure"] = words.word("training", str(values["procedure"]))
    return words.say(f"desk.registers.state.{line.key}", **values)


def _mood(words: Words, line: Line) -> str:
    """What the date means: an overdue review stops nothing by itself, everything else is refused where it is used."""
    if line.mood == "late" and isinstance(line.node, StudyId):
        return words.say("desk.registers.review_late")
    return words.say(f"desk.registers.mood.{line.mood}")


def _left(words: Words, line: Line) -> str:
    """In days, because the register counts in days; the day itself beside it."""
    if line.due is None:
        return ""
    days = (line.due - current.local_now().date()).days
    key = "due_in" if days >= 0 else "overdue_by"
    return words.say(f"desk.registers.{key}", days=abs(days))


def _facts(words: Words, found: Sheet, line: Line) -> Iterator[Fact]:
    yield Fact(words.say("desk.registers.registered_as"), line.title)
    yield Fact(words.say("work.state"), f"{_state(words, line)} · {_mood(words, line)}")
    if line.due is not None:
        yield Fact(words.say("work.time_left"), f"{_left(words, line)} · {words.say('desk.registers.until', day=line.due)}")
    if found.loggers:
        names = words.say("format.comma").join(logger.value for logger in found.loggers)
        yield Fact(words.say("desk.registers.loggers"), names)
    if found.signature is not None:
        yield Fact(words.say("desk.registers.last_file"), words.term(found.signature))


def _dated_fact(words: Words, each: Dated) -> Fact:
    cells = _dated_cells(words, each)
    return Fact(str(cells[0]["text"]), " · ".join(str(cell["text"]) for cell in cells[1:] if cell["text"]))


def _dated_cells(words: Words, each: Dated) -> list[dict[str, object]]:
    named = _named(words, each)
    texts = (
        words.say(f"desk.registers.dated.{each.key}"),
        named,
        words.value(each.since) if each.since is not None else "",
        words.value(each.until) if each.until is not None else words.say("desk.registers.open_ended"),
        words.say(f"desk.registers.mood.{each.mood}"),
    )
    return [{"text": text, "href": "", "code": False} for text in texts]


def _named(words: Words, each: Dated) -> str:
    """A training with the version of the SOP; an SOP with its procedure and the day its review is due."""
    if each.key in {"training", "delegation"}:
        trained = words.word("training", each.name)
        return words.say("desk.registers.trained_in", procedure=trained, version=each.word) if each.word else trained
    if each.review_due_on is None:
        return each.name
    return words.say("desk.registers.sop", procedure=words.word("training", each.word), document=each.name, day=each.review_due_on)


def _key_cells(words: Words, key: KeyShown) -> list[dict[str, object]]:
    texts = (key.issuer, key.device_lot, key.fingerprint, words.date_time(key.since), key.by)
    return [{"text": text, "href": "", "code": n == 2} for n, text in enumerate(texts)]


def _columns(words: Words, *keys: str) -> list[dict[str, object]]:
    return [{"label": words.say(f"desk.registers.column.{key}"), "number": False} for key in keys]
