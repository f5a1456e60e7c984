"""No code of a closed vocabulary is shown raw: settings, reasons of refusals and places have words in both languages."""

import dataclasses
import re
from datetime import UTC

import pytest

from custody.domain.acts.base import ACTS
from custody.domain.criteria import Settings
from custody.errors import InputError, MalformedFileError, NotFoundError, UnreadableCodeError
from custody.store import entries
from custody.web.coded_values import coded_text, place_text, refusal_text
from custody.web.desks import BY_NAME
from custody.web.wording import act_lines
from custody.words import Words
from custody.words.catalogues import phrases
from tests.web.conftest import demonstration_folder, looked_at
from tests.words.test_word_catalogues import calls, literal

__all__ = ["demonstration_folder", "looked_at"]

READERS = [Words("en", UTC, strict=True), Words("zh", UTC, strict=True)]
SNAKE = re.compile(r"\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b")
NOT_A_CODE = {
    ("study_proposed", "content"),
    ("proposed", "body"),
    ("proposed", "act"),
    ("countersigned", "answers"),
    ("corrected", "replacement"),
}
"""Whole documents and bodies, which a passport tells in another way."""


def codes_of(*errors):
    """The codes that the package gives to errors of these classes."""
    names = {error.__name__ for error in errors}
    return {code for _, name, call in calls() if name in names for k in call.keywords if k.arg == "code" and (code := literal(k.value))} | {
        error.code for error in errors
    }


@pytest.mark.parametrize("words", READERS, ids=["en", "zh"])
def test_every_setting_a_study_may_leave_at_its_default_has_a_name(words):
    names = [field.name for field in dataclasses.fields(Settings)]
    assert [name for name in names if coded_text(words, "study_approved", "confirmed_defaults", name) == name] == []


@pytest.mark.parametrize("words", READERS, ids=["en", "zh"])
def test_every_code_by_which_a_scan_or_a_look_is_refused_is_told_in_words(words):
    codes = codes_of(UnreadableCodeError, NotFoundError, InputError, MalformedFileError) | {"masked", "out_of_scope"}
    assert len(codes) > 40
    assert {code: refusal_text(words, code) for code in codes if SNAKE.search(refusal_text(words, code))} == {}


def test_codes_of_scans_have_words_of_their_own_and_one_nobody_foresaw_is_no_code():
    scans = codes_of(UnreadableCodeError) | {"masked", "out_of_scope", "not_found", "unknown_thing"}
    assert {code for code in scans if f"term.refusal.{code}" not in phrases()} == set()
    assert refusal_text(READERS[0], "made_up_long_ago") == "refused"


def test_every_place_of_a_refusal_is_named():
    words = READERS[0]
    places = [f"acts/{name}" for name in ACTS] + [f"desks/{name}" for name in BY_NAME] + ["search", "receiving"]
    assert [place for place in places if SNAKE.search(place_text(words, place)) or place_text(words, place) == place] == []
    assert place_text(words, "bedside DOSE-0001 next bag") == "Bedside · DOSE-0001"


@pytest.mark.parametrize("words", READERS, ids=["en", "zh"])
def test_no_entry_of_the_demonstration_shows_a_raw_code(words, demonstration_entries):
    raw = {}
    for entry in demonstration_entries:
        fields = [field.name for field in dataclasses.fields(entry.act)]
        instead = {name: "" for name in fields if (entry.act.rule.name, name) in NOT_A_CODE}
        for line in act_lines(words, entry.act, instead=instead):
            if SNAKE.search(line.value):
                raw[entry.act.rule.name, line.label] = line.value
    assert raw == {}


@pytest.fixture(scope="module")
def demonstration_entries(looked_at):
    with looked_at.store.reading() as connection:
        streams = [f"{kind}:{name}" for kind, name in THINGS]
        return [entry for found in entries.load_streams(connection, streams).values() for entry in found]


THINGS = [
    *(("donor", "DN-0001"), ("donation", "A999926000001"), ("tissue", "TS-0001"), ("bank", "WCB-0001"), ("lot", "LOT-0001")),
    *(("bag", "DEMO0001B0014"), ("material", "MED-0001"), ("equipment", "LN2-91"), ("shipper", "SHIPPER-0002")),
    *(("logger", "LOGGER-T-0002"), ("shipment", "SH-0002"), ("participant", "P-0001"), ("dose", "DOSE-0001"), ("kit", "KIT-0001")),
    *(("account", "demo-nurse-one"), ("account", "demo-operator-one"), ("site", "A9992"), ("study", "NCT06505941")),
]
