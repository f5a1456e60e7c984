"""The catalogues hold every word the code needs, in both languages, with the same values in both."""

import ast
import enum
import importlib
import pkgutil
from collections import defaultdict
from pathlib import Path

import pytest

import custody.domain
from custody.codes.kinds import CUSTODY_KINDS
from custody.domain import terms
from custody.domain.acts import ACTS
from custody.domain.acts.base import alternatives, field_types
from custody.domain.ids import NODE_KINDS, Identifier
from custody.gates.hold_points import HOLD_POINTS
from custody.words import catalogues
from custody.words.catalogues import PARTS, phrases, phrases_in, placeholders

CUSTODY = Path(custody.domain.__path__[0]).parent
NOTES = {"cold_chain_noted", "later_than_target", "another_bag_scanned"}
"""Reasons that only note why a rule passed, reached through a variable; the others are found by their place in the code."""
SYSTEM_GATES = ("STATE-ORDER", "SYS-CLOCK", "SYS-LEDGER", "SYS-ERROR")


def parsed_sources():
    for file in sorted(CUSTODY.rglob("*.py")):
        yield file, ast.parse(file.read_text(encoding="utf-8"))


def calls():
    """Every call in the package: file, name of what is called, the call."""
    for file, tree in parsed_sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield file, getattr(node.func, "id", getattr(node.func, "attr", "")), node


def literal(node):
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def error_codes():
    """Code -> the value names each place that raises it gives."""
    found = defaultdict(list)
    for _, name, call in calls():
        codes = [literal(k.value) for k in call.keywords if k.arg == "code"]
        if codes and codes[0] and (name.endswith("Error") or name == "cls"):
            found[codes[0]].append({k.arg for k in call.keywords} - {"code", "field"})
    for _, tree in parsed_sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name.endswith("Error"):
                for line in node.body:
                    if isinstance(line, ast.Assign) and line.targets[0].id == "code":
                        found[line.value.value].append(set())
    return found


def reason_codes(*modules):
    """Code -> the value names each place that gives it names; None where they come from a mapping."""
    found = defaultdict(list)
    for file, name, call in calls():
        if modules and file.stem not in modules:
            continue
        if name == "Reason" and call.args and literal(call.args[0]):
            names = {k.arg for k in call.keywords}
            found[literal(call.args[0])].append(None if None in names else names)
        if name == "ClassReason":
            given = {k.arg: k.value for k in call.keywords}
            found[literal(given["code"])].append(None)
    return found


def notes():
    """Codes that only say why a rule passed; nothing is to be done about them."""
    for _, name, call in calls():
        for keyword in call.keywords:
            if name == "Passed" and keyword.arg == "note" and isinstance(keyword.value, ast.Call) and keyword.value.args:
                yield literal(keyword.value.args[0])


def missing_facts():
    """What rules and folds say is missing."""
    for _, name, call in calls():
        if name in {"MissingFact", "_needed"}:
            yield from filter(None, map(literal, call.args))
        yield from (literal(k.value) for k in call.keywords if k.arg == "what" and literal(k.value))


def act_fields():
    """(act, field) for every field of every act, the fields of its parts included."""

    def walk(act, cls):
        for name, field in field_types(cls).items():
            yield act, name
            part = alternatives(field.plain)[0]
            if hasattr(part, "__dataclass_fields__") and not issubclass(part, Identifier):
                yield from walk(act, part)

    for name, rule in ACTS.items():
        yield from walk(name, rule.cls)


def shown_enums():
    """The vocabularies of the domain: all enums of its modules."""
    for module in pkgutil.walk_packages(custody.domain.__path__, "custody.domain."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, type) and issubclass(value, enum.Enum) and value.__module__ == module.name and value.__members__:
                yield value


def test_every_phrase_has_the_same_values_in_both_languages():
    own_english = {"message"}  # an error's own sentence; the other language may word it from its values
    different = {
        key
        for key, phrase in phrases().items()
        if placeholders(phrase.en) - own_english != placeholders(phrase.zh) - own_english and placeholders(phrase.en) != own_english
    }
    assert different == set()


def test_no_chinese_phrase_is_left_in_english():
    same = {key for key, p in phrases().items() if p.en and p.en == p.zh and not key.endswith(":unit")}
    assert same == {"format.node"}, same


@pytest.mark.parametrize("name", ACTS)
def test_act_has_its_title_from_the_table_of_acts(name):
    assert phrases()[f"act.{name}"].en == ACTS[name].title


def test_every_field_of_an_act_has_a_label():
    assert {f for act, f in act_fields() if f"field.{act}.{f}" not in phrases() and f"field.{f}" not in phrases()} == set()


def test_catalogue_names_no_act_or_field_that_does_not_exist():
    known = {f for _, f in act_fields()}
    of_act = set(act_fields())
    for key in phrases():
        kind, _, rest = key.partition(":")[0].partition(".")
        if kind == "act":
            assert rest in ACTS
        if kind == "field":
            act, _, field = rest.rpartition(".")
            assert (act, field) in of_act if act else field in known, key


def test_every_quantity_shows_its_unit():
    units = ("_ml", "_kg", "_cm", "_celsius", "_percent", "_mmhg", "_ml_per_min", "_minutes", "_days", "_years")
    without = {
        f for a, f in act_fields() if f.endswith(units) and f"field.{a}.{f}:unit" not in phrases() and f"field.{f}:unit" not in phrases()
    }
    assert without == set()


def test_every_word_of_a_vocabulary_is_worded():
    missing = {
        f"{vocabulary.__name__}.{member}"
        for vocabulary in shown_enums()
        for member in ((m.name.lower() if isinstance(m, enum.IntEnum) else m.value) for m in vocabulary)
        if f"term.{vocabulary.__name__}.{member}" not in phrases()
    }
    assert missing == set()


def test_terms_of_a_vocabulary_name_only_its_own_words():
    for name, vocabulary in vars(terms).items():
        if isinstance(vocabulary, type) and issubclass(vocabulary, enum.StrEnum) and vocabulary.__members__:
            worded = {key.removeprefix(f"term.{name}.") for key in phrases() if key.startswith(f"term.{name}.")}
            assert worded == {m.value for m in vocabulary}


@pytest.mark.parametrize("kind", sorted(NODE_KINDS))
def test_kind_of_thing_has_a_word(kind):
    assert f"term.node.{kind}" in phrases()


@pytest.mark.parametrize("kind", sorted(CUSTODY_KINDS))
def test_kind_of_code_has_a_word(kind):
    assert phrases()[f"term.code.{kind}"].en == CUSTODY_KINDS[kind]


def test_every_rule_has_a_title_and_every_title_a_rule():
    gates = {gate for ids in HOLD_POINTS.values() for gate in ids} | set(SYSTEM_GATES)
    assert {key.removeprefix("gate.") for key in phrases() if key.startswith("gate.")} == gates


def test_every_error_code_has_a_sentence():
    assert set(error_codes()) - {key.removeprefix("error.") for key in phrases() if key.startswith("error.")} == set()


def test_sentence_of_an_error_asks_only_for_values_that_some_place_gives():
    for code, places in error_codes().items():
        phrase = phrases()[f"error.{code}"]
        assert (placeholders(phrase.en) | placeholders(phrase.zh)) - {"message"} <= set().union(*places), code


def test_every_reason_code_has_a_sentence():
    assert set(reason_codes()) - {key.removeprefix("reason.") for key in phrases() if key.startswith("reason.")} == set()


def test_sentence_of_a_reason_asks_only_for_values_that_every_place_gives():
    asking = {
        key
        for code, places in reason_codes().items()
        for key in (f"reason.{code}", f"reason.{code}:next")
        for given in places
        if key in phrases() and given is not None and not placeholders(phrases()[key].en) <= given
    }
    assert asking == set()


def test_every_reason_that_blocks_says_what_to_do_now():
    keys = {f"reason.{code}:next" for code in set(reason_codes()) - set(notes()) - NOTES}
    assert {key for key in keys if key not in phrases() or not phrases()[key].en} == set()


def test_every_missing_fact_has_a_name():
    assert {what for what in missing_facts() if f"reason.what.{what}" not in phrases() and f"field.{what}" not in phrases()} == set()


def test_no_sentence_that_a_blinded_person_may_read_names_an_arm():
    seen_blinded = reason_codes("bag", "receipt", "handoff", "allocation", "preparation", "dose", "bedside", "closing")
    keys = {f"reason.{code}" for code in seen_blinded} | {key for key in phrases() if key.startswith(("error.", "gate."))}
    assert {key for key in keys for arm in ("placebo", "安慰剂") if arm in (phrases()[key].en + phrases()[key].zh).lower()} == set()


def test_sentences_for_people_end_as_sentences():
    wrong = {
        key
        for key, phrase in phrases().items()
        if key.startswith(("reason.", "error."))
        and not key.startswith("reason.what.")
        and key != "error.title"
        and phrase.en
        and not (phrase.en.endswith((".", "?", "{message}", "do not give")) and phrase.zh.endswith(("。", "？", "）", "请勿输注")))
    }
    assert wrong == set()


def catalogue(folder, name, text):
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_phrase_without_chinese_is_refused(tmp_path):
    with pytest.raises(ValueError, match="seal_differs lacks en or zh"):
        list(phrases_in(catalogue(tmp_path, "reasons_x.toml", '[seal_differs]\nen = "Seals differ."\n')))


def test_unknown_part_of_a_phrase_is_refused(tmp_path):
    with pytest.raises(ValueError, match="has nxt_en"):
        list(phrases_in(catalogue(tmp_path, "reasons_x.toml", '[a]\nen = "A."\nzh = "甲。"\nnxt_en = "B."\n')))


def test_phrase_in_two_files_is_refused(tmp_path, monkeypatch):
    for name in ("reasons_x.toml", "reasons_y.toml"):
        catalogue(tmp_path, name, '[a]\nen = "A."\nzh = "甲。"\n')
    monkeypatch.setattr(catalogues, "FOLDER", tmp_path)
    with pytest.raises(ValueError, match=r"reason\.a stands in another catalogue"):
        phrases.__wrapped__()


def test_parts_of_a_phrase_are_kept_beside_it(tmp_path):
    found = dict(phrases_in(catalogue(tmp_path, "reasons_x.toml", '[a]\nen = "A."\nzh = "甲。"\nnext_en = "B."\nnext_zh = "乙。"\n')))
    assert (found["reason.a"].en, found["reason.a:next"].zh) == ("A.", "乙。")
    assert "next" in PARTS
