"""Forms about one thing that two people fill in at once: what the others recorded since a form was opened, in words."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request

from custody.domain.acts.base import ACTS, Act
from custody.domain.acts.record import Corrected
from custody.domain.ids import Node, node_of
from custody.web import current
from custody.web.forms import Typed, one
from custody.web.wording import Line, lines_of
from custody.words import Words
from custody.workflows import meanwhile
from custody.workflows.door import Connection
from custody.workflows.viewing import TimelineEvent

FIELD = "seen_until"
"""Hidden in every form: the newest entry its person had before them."""
SHOWN_MAX = 5


@dataclass(frozen=True)
class Told:
    """What a form that is signed where it is filled in shows of others, and the newest entry its person has then before them."""

    news: tuple[Line, ...]
    seen_until: str


def seen_until(about: str) -> str:
    """For a form about this thing: of one that was sent before what it said, else the newest entry there is now."""
    if not about:
        return ""
    return _number(request.form.get(FIELD, "")) or newest(about)


def newest(about: str) -> str:
    """The newest entry about this thing; nothing where the act makes it known."""
    if not about:
        return ""
    with current.store().reading() as connection:
        return str(meanwhile.newest(connection, node_of(about)))


def told(node: Node, typed: Typed) -> tuple[Line, ...]:
    """What others recorded since the form was opened: who did what when, and what they said, newest last."""
    with current.store().reading() as connection:
        events = _events(connection, node, typed)
    return tuple(_line(current.words(), event) for event in events[-SHOWN_MAX:])


def told_now(node: Node, typed: Typed) -> Told:
    """For a form without a page to read it once more: nothing when it is opened, and each time it comes back what others recorded."""
    until = newest(node.key)  # before the news are read, so that none falls between the two
    return Told(told(node, typed) if _number(one(typed, FIELD)) else (), until)


def done_before(act: Act) -> str:
    """That this person recorded exactly this already, in words; nothing where they did not."""
    with current.store().reading() as connection:
        at = meanwhile.done_before(connection, act, current.present().account)
    return "" if at is None else current.words().say("meanwhile.done_before", at=at)


def check_undecided(connection: Connection, act: Act, typed: Typed) -> None:
    """Raises StaleError where somebody decided the same since this form was shown."""
    meanwhile.check_undecided(act, _events(connection, act.subject, typed))


def _events(connection: Connection, node: Node, typed: Typed) -> tuple[TimelineEvent, ...]:
    since, viewer = _number(one(typed, FIELD)), current.viewer()
    if since:
        return meanwhile.news(connection, viewer, node, int(since)).value
    # An act that makes its thing known: where it is known already, whoever was first is told. Any other form without it was sent by hand.
    return meanwhile.news(connection, viewer, node, 0).value[:1] if not one(typed, "about") else ()


def _line(words: Words, event: TimelineEvent) -> Line:
    assert event.by is not None  # news are of people
    who = words.say("meanwhile.line", who=event.by.printed_name, at=event.recorded_at)
    told = tuple((name, value) for name, value in event.values if event.act != Corrected.rule.name or name == "reason")
    if event.kind == "proposal" and ACTS[event.act].second == "repeat":
        told = ()  # what one of two saw alone is not shown to who may be the other
    said = (f"{line.label}: {line.value}" for line in lines_of(words, event.act, told, {}) if line.value)
    title = words.act_title(event.act)
    match event.kind:
        case "proposal":
            title = words.say("meanwhile.proposed", act=title)
        case "countersignature":
            title = words.say("meanwhile.countersigned", act=title)
    return Line(who, " · ".join((title, *said)))


def _number(text: str) -> str:
    return text if text.isascii() and text.isdigit() and len(text) < len("9" * 16) else ""
