"""The parts of pages: they render in both languages from plain values, show no verdict they were not given, and break no style rule."""

import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined, UndefinedError

from custody.resources import PACKAGE, data_dir
from custody.web.whole import whole
from custody.words import Words
from custody.words.catalogues import phrases

TEMPLATES = data_dir("templates")
STATIC = PACKAGE / "web" / "static"
AT = datetime(2026, 11, 22, 6, 32, tzinfo=UTC)
EN = Words("en", UTC, strict=True)
LANGUAGES = (EN, EN.chinese)


def part(file, macro):
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["whole"] = whole
    environment.globals["pin_will_do"] = lambda: False
    environment.globals["url_for"] = lambda endpoint, filename: f"/{endpoint}/{filename}"
    return getattr(environment.get_template(f"parts/{file}.html").module, macro)


def verdict(word, **changes):
    fields = {
        "word": word,
        "at_bedside": True,
        "reasons": (),
        "steps": (),
        "phone": SimpleNamespace(name="Ward <7>", number="+86 25 5550 0192"),
        "judged_at": AT,
        "valid_until": AT + timedelta(minutes=5),
        "compared": (),
        "remarks": (),
    }
    return part("verdict", "verdict")(EN, SimpleNamespace(**fields | changes))


def field(kind, **changes):
    plain = {"name": "a.b", "kind": kind, "label": "Label", "hint": "", "error": "", "unit": "", "required": True, "value": ""}
    return SimpleNamespace(**plain | {"choices": (), "fields": (), "rows": ()} | changes)


def choice(value, label):
    return SimpleNamespace(value=value, label=label)


@pytest.mark.parametrize(("word", "kind"), [("GO", "go"), ("STOP", "stop"), ("CANNOT CHECK", "unsure")])
def test_verdict_has_its_own_picture_and_words_in_both_languages(word, kind):
    html = verdict(word)
    english, chinese = EN.both({"go": "verdict.go", "stop": "verdict.stop", "unsure": "verdict.cannot_check"}[kind])
    assert f'data-verdict="{kind}"' in html
    assert english in html
    assert chinese in html
    assert 'role="alert"' in html


@pytest.mark.parametrize("word", ["", "go", "PASS", "GO ", None, True])
def test_anything_that_is_no_verdict_is_shown_as_cannot_check(word):
    html = verdict(word)
    assert 'data-verdict="unsure"' in html
    assert "可以输注" not in html


def test_only_a_go_counts_down_and_only_the_others_give_a_number_to_call():
    assert "data-countdown" in verdict("GO")
    assert "tel:" not in verdict("GO")
    for word in ("STOP", "CANNOT CHECK"):
        assert "data-countdown" not in verdict(word)
        assert 'href="tel:+862555500192"' in verdict(word)


def test_reasons_and_steps_stand_in_both_languages_with_the_readers_first():
    reason = SimpleNamespace(english="Too warm.", chinese="过热。", rule="BAG-COLD", about="K7Q2M9X4T1ZB8")
    html = verdict("STOP", reasons=(reason,), steps=(SimpleNamespace(english="Keep it.", chinese="请保留。"),))
    assert html.index("Too warm.") < html.index("过热。")
    assert "BAG-COLD" in html
    assert "请保留。" in html


def test_away_from_the_bed_a_go_does_not_speak_of_infusing():
    assert "可以输注" not in verdict("GO", at_bedside=False)


def test_what_people_typed_is_escaped():
    assert "Ward &lt;7&gt;" in verdict("STOP")


def test_part_that_misses_a_value_fails_instead_of_showing_nothing():
    with pytest.raises(UndefinedError, match="remarks"):
        part("verdict", "verdict")(EN, SimpleNamespace(word="GO", at_bedside=True, reasons=(), steps=(), valid_until=None, phone=None))


@pytest.mark.parametrize("words", LANGUAGES)
@pytest.mark.parametrize(
    "kind", ["text", "long_text", "lines", "decimal", "whole", "date", "yes_no", "answer", "select", "radios", "checkboxes", "file", "scan"]
)
def test_field_shows_label_and_error_and_posts_its_name(words, kind):
    html = part("form_field", "form_field")(words, field(kind, error="Fill this in.", hint="A hint", choices=(choice("x", "X"),)))
    assert "Label" in html
    assert 'name="a.b"' in html
    assert 'id="field-a.b"' in html
    assert 'id="fault-a.b"' in html
    assert "hint-a.b fault-a.b" in html


@pytest.mark.parametrize("kind", ["yes_no", "answer"])
def test_question_is_never_answered_beforehand(kind):
    assert "checked>" not in part("form_field", "form_field")(EN, field(kind)).replace("not_checked", "")


def test_answer_that_was_given_is_kept():
    html = part("form_field", "form_field")(EN, field("answer", value="no"))
    assert re.findall(r'value="(\w+)" checked', html) == ["no"]


def test_time_is_posted_with_its_offset():
    value = SimpleNamespace(date="2026-11-22", time="14:32", offset="+08:00")
    html = part("form_field", "form_field")(EN, field("time", value=value, choices=(choice("+00:00", "UTC"), choice("+08:00", "UTC+8"))))
    assert [f"a.b.{x}" for x in ("date", "time", "offset")] == re.findall(r' name="([^"]+)"', html)
    assert re.findall(r'value="([^"]+)" selected', html) == ["+08:00"]


def test_rows_offer_one_more_and_one_less():
    html = part("form_field", "form_field")(EN, field("rows", rows=((field("text", name="r.0.x"),), (field("text", name="r.1.x"),))))
    assert re.findall(r'name="(add|remove)" value="([^"]+)"', html) == [("remove", "a.b.0"), ("remove", "a.b.1"), ("add", "a.b")]


def test_problems_link_to_their_fields_and_are_silent_when_there_are_none():
    problem = SimpleNamespace(label="Donor", text="Fill this in.", field="donor")
    html = part("error_summary", "error_summary")(EN, [problem])
    assert '<a href="#field-donor">Donor: Fill this in.</a>' in html
    assert part("error_summary", "error_summary")(EN, []).strip() == ""


def test_signature_shows_all_that_is_signed_and_posts_its_digest():
    shown = SimpleNamespace(
        title="Released",
        lines=(choice("", ""),),
        meaning="I certify release",
        signer="Li Wei",
        role="QP",
        digest="ab" * 32,
        error="",
        button="Sign",
    )
    shown.lines = (SimpleNamespace(label="Lot", value="LOT-1"), SimpleNamespace(label="Remark", value=""))
    html = part("signature", "signature")(EN, shown)
    assert f'name="digest" value="{"ab" * 32}"' in html
    assert "I certify release" in html
    assert "not given" in html
    assert 'type="password"' in html


def test_gap_in_custody_and_bad_event_are_diamonds_and_not_only_coloured():
    event = {"at": AT, "bad": False, "tags": (), "facts": (), "href": ""}
    shown = SimpleNamespace(
        now="With the ward",
        next="",
        bad=False,
        events=(
            SimpleNamespace(kind="act", title="Packed", **event),
            SimpleNamespace(kind="gap", title="37 min", **event),
            SimpleNamespace(kind="act", title="Leak", **event | {"bad": True}),
        ),
    )
    html = part("timeline", "timeline")(EN, shown)
    assert re.findall(r"#(dot|diamond)", html) == ["dot", "diamond", "diamond"]
    assert EN.say("timeline.problem") in html


@pytest.mark.parametrize("words", LANGUAGES)
def test_lists_and_confirmation_render(words):
    task = SimpleNamespace(label="Seal", href="", state="problem", hint="")
    assert words.say("task.problem") in part("task_list", "task_list")(words, [task])
    columns = [SimpleNamespace(label="What", number=False)]
    assert words.say("table.empty") in part("table", "table")(words, "Caption", columns, [])
    cell = SimpleNamespace(text="LOT-1", href="/lot", code=True)
    assert 'data-label="What"' in part("table", "table")(words, "Caption", columns, [[cell]])
    shown = SimpleNamespace(title="Done", remark="", reference="ab12", steps=(), contact=None)
    assert "ab12" in part("confirmation", "confirmation")(words, shown)
    assert 'alt="CU1:bag:X"' in part("code_symbol", "code_symbol")("/x.svg", "CU1:bag:X")


def templates():
    return sorted(TEMPLATES.rglob("*.html"))


def test_templates_carry_no_style_and_no_script_of_their_own():
    for file in templates():
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=|<script(?![^>]*\ssrc=)|\|\s*safe", file.read_text(encoding="utf-8")), file.name


def test_templates_say_only_what_the_catalogue_has():
    said = {
        key
        for file in templates()
        for key in re.findall(r"words(?:\.other)?\.(?:say|both)\(\s*[\"']([\w.]+)[\"']\s*[,)]", file.read_text("utf-8"))
    }
    assert said
    assert said - set(phrases()) == set()


def test_templates_use_only_icons_of_the_sprite_and_every_icon_is_a_symbol():
    drawn = set(re.findall(r'<symbol id="([\w-]+)"', (STATIC / "icons.svg").read_text(encoding="utf-8")))
    used = {name for file in templates() for name in re.findall(r"icon\(\"([\w-]+)\"", file.read_text("utf-8"))}
    assert used <= drawn
    assert {"tick-circle", "octagon", "triangle"} <= drawn


def contrast(first, second):
    def light(colour):
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((light(first), light(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(
    ("front", "back", "least"),
    [
        ("ink", "ground", 7),
        ("muted", "ground", 4.5),
        ("accent", "ground", 4.5),
        ("fault", "fault-pale", 4.5),
        ("edge", "ground", 3),
        ("unsure-ink", "unsure", 7),
        ("go-edge", "go", 3),
    ],
)
def test_colours_keep_their_contrast(front, back, least):
    tokens = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", (STATIC / "custody.css").read_text(encoding="utf-8")))
    assert contrast(tokens[front], tokens[back]) >= least


def test_verdicts_have_the_colours_they_were_tested_with():
    tokens = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", (STATIC / "custody.css").read_text(encoding="utf-8")))
    assert {name: tokens[name] for name in ("go", "go-edge", "stop", "unsure", "unsure-ink")} == {
        "go": "#a6e9bd",
        "go-edge": "#00612f",
        "stop": "#8a0f14",
        "unsure": "#0b0c0c",
        "unsure-ink": "#ffdd00",
    }
    assert contrast(tokens["go"], "#000000") > 7
    assert contrast(tokens["stop"], "#ffffff") > 7
