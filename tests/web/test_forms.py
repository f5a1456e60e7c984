"""Forms made from the table of acts: what they show comes back as the same act, and what does not fit is named."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.domain.acts.base import ACTS, field_types
from custody.domain.acts.codec import body_of
from custody.domain.ids import Digest, node_of
from custody.errors import InputError
from custody.web.answers import Answers, plain_value
from custody.web.deeds import ELSEWHERE
from custody.web.forms import FormMaker, as_typed, without_row
from custody.web.moments import Moment, offsets
from custody.words import Words
from custody.workflows import demonstration
from tests.web.conftest import NOW

WORDS = Words("en", ZoneInfo("Asia/Shanghai"))


def thing(kinds, text):
    return node_of(text) if ":" in text else kinds[0].parse(text)


def read_back(rule, typed, **more):
    digests = {name: lambda text, _: text for name, field in field_types(rule.cls).items() if field.plain is Digest}
    return Answers(rule=rule, typed=typed, words=WORDS, now=NOW, find=thing, fixed={}, readers=digests, **more)


def made(rule, typed, errors=None, choices=lambda _: ()):
    return FormMaker(rule=rule, words=WORDS, typed=typed, now=NOW, choices=choices, errors=errors or {}).fields()


def posted(fields):
    """What a browser would send back."""
    values = {}
    for field in fields:
        if field.kind == "group":
            values |= posted(field.fields)
        elif field.kind == "rows":
            for row in field.rows:
                values |= posted(row)
        elif field.kind == "time":
            values |= dict(field.value.as_typed(field.name))
        elif field.kind in {"checkboxes", "scans"}:
            values[field.name] = list(field.value)
        else:
            values[field.name] = [field.value]
    return values


def acts_of_the_road(tmp_path):
    acts = (step.act for step in demonstration.script(tmp_path / "keys", NOW) if step.act is not None)
    return [act for act in acts if act.rule.name not in ELSEWHERE]


def test_every_act_of_the_whole_road_comes_back_from_its_form_unchanged(tmp_path):
    acts = acts_of_the_road(tmp_path)
    assert len({act.rule.name for act in acts}) > 50
    for act in acts:
        shown = made(act.rule, as_typed(act.rule, body_of(act), WORDS, NOW))
        answers = read_back(act.rule, posted(shown))
        again = answers.act()
        assert answers.errors == {}, act
        assert again == act


@pytest.mark.parametrize(
    "act", sorted(name for name, rule in ACTS.items() if not (rule.companion or rule.evidence) and rule.stage != "record")
)
def test_blank_form_names_fields_of_the_form_only_and_makes_no_act_with_gaps(act):
    rule = ACTS[act]
    fields = made(rule, {})
    answers = read_back(rule, {})
    answers.act()
    names = set(posted(fields)) | {name.rpartition(".")[0] for name in posted(fields)}
    assert answers.errors, act
    assert set(answers.errors) <= names


@given(typed=st.dictionaries(st.sampled_from(["hold", "reason", "owner", "node"]), st.lists(st.text(max_size=60), max_size=3)))
def test_any_text_is_read_or_refused_by_field(typed):
    answers = read_back(ACTS["hold_placed"], typed)
    act = answers.act()
    assert (act is None) == bool(answers.errors)


@given(text=st.text(max_size=40), act=st.sampled_from(["vitals_recorded", "weight_measured", "shipper_qualified", "logger_registered"]))
def test_any_text_in_every_field_is_read_or_refused_by_field(text, act):
    rule = ACTS[act]
    answers = read_back(rule, {name: [text] for name in posted(made(rule, {}))})
    made_act = answers.act()
    assert (made_act is None) == bool(answers.errors)


@pytest.mark.parametrize("text", ["", "2026-13-01", "2026-02-29", "today"])
def test_day_that_is_none_is_refused(text):
    from datetime import date

    with pytest.raises(InputError, match="is not a date"):
        plain_value(date, text)


@pytest.mark.parametrize(
    ("day", "clock", "offset", "expected"),
    [
        ("2026-11-22", "14:32", "+08:00", "2026-11-22T14:32:00+08:00"),
        ("2026-11-22", "14:32:07", "-03:30", "2026-11-22T14:32:07-03:30"),
        ("2026-11-22", "00:00", "+00:00", "2026-11-22T00:00:00+00:00"),
    ],
)
def test_time_is_read_with_its_offset(day, clock, offset, expected):
    assert Moment(day, clock, offset).read().isoformat() == expected


@pytest.mark.parametrize(
    ("day", "clock", "offset"), [("2026-11-22", "24:01", "+08:00"), ("", "14:32", "+08:00"), ("2026-11-22", "14:32", "")]
)
def test_time_without_day_clock_or_offset_is_refused(day, clock, offset):
    with pytest.raises(InputError, match="is not a time"):
        Moment(day, clock, offset).read()


def test_offset_of_the_reader_is_chosen_beforehand_and_odd_ones_can_be_chosen():
    assert Moment.typed({}, "at", WORDS.zone, NOW).offset == "+08:00"
    values = [choice.value for choice in offsets("+08:00", "here")]
    assert {"+05:30", "+05:45", "-03:30", "+00:00", "+14:00"} <= set(values)
    assert [choice.label for choice in offsets("+08:00", "here") if choice.value == "-03:30"] == ["UTC−3:30"]


def test_removed_row_closes_up_and_leaves_the_rest_alone():
    typed = {"lines-0.code": ["A"], "lines-1.code": ["B"], "lines-2.code": ["C"], "other": ["x"]}
    assert without_row(typed, "lines.1") == {"lines-0.code": ["A"], "lines-1.code": ["C"], "other": ["x"]}
    assert without_row(typed, "nonsense") == typed
