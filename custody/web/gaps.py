"""A gap in custody in the reader's words: how long nobody answered, from when to when, why, and whether somebody decided about it."""

from __future__ import annotations

from custody.web import current
from custody.web.wording import Line
from custody.words import Words
from custody.workflows.viewing import TimelineEvent


def gap_shown(words: Words, event: TimelineEvent) -> tuple[str, tuple[Line, ...]]:
    """The title and the facts of a gap."""
    length = words.duration((event.ends_at or current.now()) - event.happened_at)
    end = words.date_time(event.ends_at) if event.ends_at is not None else words.say("passport_page.gap_now", at=event.happened_at)
    facts = [Line(words.say("passport_page.gap_from_to"), end)]
    facts.append(Line(words.say("timeline.problem"), words.reason(event.act, dict(event.values))))
    decided = "gap_disposed" if event.corrected else "gap_open"
    facts.append(Line(words.say("passport_page.decision"), words.say(f"passport_page.{decided}")))
    return words.say("timeline.gap", length=length), tuple(facts)
