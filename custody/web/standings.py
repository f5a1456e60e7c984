"""How a thing stands, in the reader's words: its state, its time left, what stands in the way, who comes next."""

from __future__ import annotations

from datetime import datetime, timedelta

from custody.web import current
from custody.words import Words
from custody.workflows.next_steps import roles_of_next
from custody.workflows.standing import Fault, Standing

DAYS_FROM = timedelta(days=3)


def state_text(words: Words, row: Standing) -> str:
    return words.say(row.state) if row.state else ""


def time_left(words: Words, until: datetime | None) -> str:
    """Until it expires or is overdue; how long ago where that has passed."""
    if until is None:
        return words.say("work.no_limit")
    left = until - current.now()
    return length(words, left) if left.total_seconds() > 0 else words.say("work.over_since", length=length(words, left))


def length(words: Words, span: timedelta) -> str:
    """Days where hours would say nothing."""
    return words.say("work.days", days=abs(span).days) if abs(span) >= DAYS_FROM else words.duration(span)


def blocked_text(words: Words, row: Standing) -> str:
    return words.say("format.comma").join(fault_text(words, fault) for fault in row.blocked)


def fault_text(words: Words, fault: Fault) -> str:
    return words.say(fault.key, number=fault.number, thing=words.named(fault.node) if fault.node is not None else "")


def next_text(words: Words, act: str) -> str:
    """Who takes this step, and which it is; nothing where nobody can say."""
    if not act:
        return words.say("format.none")
    roles = words.say("format.or").join(words.term(role) for role in roles_of_next(act))
    return words.say("work.next_of", role=roles, act=words.act_title(act))
