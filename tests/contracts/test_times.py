"""Every day and time somebody writes down is of the past, of the future, or judged by a rule of its own: none is simply believed."""

from datetime import date, datetime

import pytest

from custody.domain.acts.base import ACTS, alternatives, field_types
from custody.web.forms import is_part
from custody.workflows.times import AHEAD, HAPPENED, JUDGED


def times_asked_for(cls):
    """The names of the days and times a form of this act asks for, those of its parts included."""
    for name, field in field_types(cls).items():
        plain = alternatives(field.plain)[0]
        if is_part(plain):
            yield from times_asked_for(plain)
        elif plain in {date, datetime}:
            yield name


BY_HAND = [rule for rule in ACTS.values() if not rule.evidence and not rule.companion]
ASKED = [(rule.name, name) for rule in BY_HAND for name in times_asked_for(rule.cls)]
EVERY = {(rule.name, name) for rule in ACTS.values() for name in times_asked_for(rule.cls)}


@pytest.mark.parametrize(("act", "name"), ASKED, ids=[" ".join(each) for each in ASKED])
def test_time_that_is_asked_for_lies_behind_may_lie_ahead_or_is_judged(act, name):
    assert name in HAPPENED | AHEAD or (act, name) in JUDGED, f"say in workflows/times.py whether {name} of {act} may lie ahead"


def test_no_time_is_both_and_none_is_named_that_no_act_has():
    assert frozenset() == HAPPENED & AHEAD
    assert (HAPPENED | AHEAD) - {name for _, name in EVERY} == set()
    assert set() == JUDGED - EVERY


def test_forms_ask_for_times_of_parts_too():
    assert ("lot_step_recorded", "started_at") in ASKED
    assert ("released_conditionally", "due_at") in ASKED
    assert len(ASKED) > 50
