"""A correction in words: each line that changes, from what to what."""

from __future__ import annotations

import dataclasses

from custody.domain.acts.base import Act
from custody.domain.acts.record import Corrected
from custody.web import current
from custody.web.wording import Line, lines_of
from custody.words import Words
from custody.workflows.desks.corrections import deed_to_correct
from custody.workflows.order import judged_act


def own_lines(words: Words, act: Act) -> tuple[Line, ...]:
    """Every line of an act except the thing it is about, which no correction changes."""
    names = (field.name for field in dataclasses.fields(act))  # type: ignore[arg-type]
    values = tuple((name, getattr(act, name)) for name in names if name not in {act.rule.subject_field, "content"})
    return tuple(lines_of(words, act.rule.name, values, {}))


def changed_lines(words: Words, before: tuple[Line, ...], after: tuple[Line, ...]) -> tuple[Line, ...]:
    """The lines that differ, as `old → new`; rows that come or go are told too."""
    old, new = ({line.label: line.value for line in each} for each in (before, after))
    nothing = words.say("format.nothing")
    return tuple(
        Line(label, words.say("correction.from_to", before=old.get(label) or nothing, after=new.get(label) or nothing))
        for label in dict.fromkeys((*old, *new))
        if old.get(label) != new.get(label)
    )


def lines_to_sign(words: Words, act: Corrected) -> tuple[Line, ...]:
    """What somebody signs who signs a correction: every line from what to what, and the reason.

    Raises NotFoundError where the entry does not stand, or may not be known to the person of this request.
    """
    with current.store().reading() as connection:
        wrong = deed_to_correct(connection, current.viewer(), act.subject, act.entry).value.act
    changed = changed_lines(words, *(own_lines(words, each) for each in (wrong, judged_act(act))))
    return (*changed, Line(words.field(act.rule.name, "reason"), act.reason))
