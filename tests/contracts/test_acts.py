"""The table of acts holds what the design asks of every act, whoever adds one."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

import pytest

from custody.domain.acts import ACTS, ActRule
from custody.domain.acts.base import FieldType, alternatives, field_types
from custody.domain.ids import Identifier, Node, SiteId, StudyId
from custody.domain.terms import HoldPoint
from tests.contracts.samples import sample_of

RULES = [pytest.param(rule, id=name) for name, rule in ACTS.items()]

# The words of EPCIS 2.0 for what happened (GS1 Core Business Vocabulary 2.0, section 7.1).
WORDS = """
    accepting arriving assembling collecting commissioning consigning creating_class_instance cycle_counting decommissioning departing
    destroying disassembling dispensing encoding entering_exiting holding inspecting installing killing loading other packing picking
    receiving removing repackaging repairing replacing reserving retail_selling sampling sensor_reporting shipping staging_outbound
    stock_taking stocking storing transporting unloading unpacking void_shipping
"""
BIZ_STEPS = frozenset(WORDS.split())
# `collecting` means taking back for disposal, and `killing` is the kill command of a radio tag: no act of ours is either.
NOT_OURS = frozenset({"collecting", "killing", "retail_selling"})

COMPARED_ONLY = {
    ("bedside_scanned", "scans.bag"): "gate BED-BAG compares what was scanned with the dose's own bags",
    ("infusion_started", "scans.bag"): "gate BED-BAG compares what was scanned with `bag`, which is marked",
    ("next_bag_started", "scans.bag"): "gate BED-BAG compares what was scanned with `bag`, which is marked",
    ("shipment_arrived", "shipper"): "gate RCV-DEC compares what was scanned with the shipper that was sealed",
}
"""Ids a scanner read that no dossier follows: following what a person scanned would let a wrong scan choose the evidence."""

WRITTEN_BY_THE_WORKFLOW = frozenset({"hold_placed_by_custody"})
"""Companions that no act writes by itself: they follow from a STOP."""


@pytest.mark.parametrize("rule", RULES)
def test_act_is_guarded_by_a_hold_point_or_says_why_not(rule: ActRule):
    if rule.hold_point is not None:
        assert rule.hold_point in HoldPoint
        assert rule.unguarded_because == "", "it cannot be both guarded and excused"
    else:
        assert len(rule.unguarded_because.split()) >= 3, "the reason must be an argument"


@pytest.mark.parametrize("rule", RULES)
def test_act_has_a_title_and_a_word_of_epcis(rule: ActRule):
    assert re.fullmatch(r"[A-Z][^.]{3,70}[^. ]", rule.title)
    assert rule.biz_step in BIZ_STEPS - NOT_OURS


@pytest.mark.parametrize("rule", RULES)
def test_act_is_recorded_by_somebody_or_written_with_another(rule: ActRule):
    if rule.companion:
        assert rule.roles == frozenset(), "a companion is recorded by the people of the act it belongs to"
    else:
        assert rule.roles
        assert not (rule.slots and rule.by), "either it is signed or it is recorded"


@pytest.mark.parametrize("rule", RULES)
def test_what_must_come_before_can_stand_in_the_same_stream(rule: ActRule):
    for name in rule.after:
        assert name in ACTS
        assert _share_a_kind(ACTS[name], rule), f"{name} is never written in a stream of {rule.name}"


def _share_a_kind(one: ActRule, other: ActRule) -> bool:
    return any(issubclass(a, b) or issubclass(b, a) for a in one.about for b in other.about)


@pytest.mark.parametrize("rule", RULES)
def test_first_act_of_a_thing_needs_nothing_before_it(rule: ActRule):
    if rule.opens != "no":
        assert rule.after == ()


@pytest.mark.parametrize("kind", sorted({kind.kind for rule in ACTS.values() for kind in rule.about if kind is not Node}))
def test_every_kind_of_thing_can_be_made_known(kind: str):
    assert any(rule.opens != "no" for rule in ACTS.values() if kind in {about.kind for about in rule.about})


def ids_in(cls: type, prefix: str = "") -> Iterator[tuple[str, FieldType, type[Node]]]:
    """Every field of the act, its parts included, that names a thing with a stream."""
    for name, field in field_types(cls).items():
        for plain in alternatives(field.plain):
            if not isinstance(plain, type):
                continue
            if issubclass(plain, Node):
                yield prefix + name, field, plain
            elif dataclasses.is_dataclass(plain) and not issubclass(plain, Identifier):
                yield from ids_in(plain, f"{prefix}{name}.")


@pytest.mark.parametrize("rule", RULES)
def test_every_id_is_the_subject_or_says_whether_it_is_followed(rule: ActRule):
    for name, field, plain in ids_in(rule.cls):
        if name == rule.subject_field or (rule.name, name) in COMPARED_ONLY:
            continue
        if plain in (StudyId, SiteId):
            continue  # always followed, through the envelope (design: the dossier)
        assert field.mark in {"followed", "named", "contained"}, f"{name} must be Parent, Names or Contents"


@pytest.mark.parametrize(("act", "name"), COMPARED_ONLY)
def test_ids_that_are_only_compared_come_from_a_scanner(act: str, name: str):
    (field,) = [field for found, field, _ in ids_in(ACTS[act].cls) if found == name]
    assert field.scanned
    assert not field.mark


def test_subject_is_one_id_and_never_optional():
    for rule in ACTS.values():
        field = field_types(rule.cls)[rule.subject_field]
        assert not field.repeated, rule.name
        assert not field.optional, rule.name


def test_every_hold_point_guards_an_act():
    assert {rule.hold_point for rule in ACTS.values()} - {None} == set(HoldPoint)


@pytest.mark.parametrize("rule", RULES)
def test_act_class_is_frozen_exact_and_named_like_its_act(rule: ActRule):
    assert rule.cls.__dataclass_params__.frozen
    assert all(field.kw_only for field in dataclasses.fields(rule.cls))
    assert re.sub(r"(?<!^)(?=[A-Z])", "_", rule.cls.__name__).lower() == rule.name
    for name, field in field_types(rule.cls).items():
        assert float not in alternatives(field.plain), f"{name} holds a float"


REPEATED = [pytest.param(rule, id=name) for name, rule in ACTS.items() if rule.second == "repeat"]


@pytest.mark.parametrize("rule", REPEATED)
def test_act_repeated_by_a_second_person_has_one_and_something_to_repeat(rule: ActRule):
    assert len(rule.slots) == 2
    assert any(field.scanned for field in all_fields(rule.cls)) or rule.name == "weight_measured"


def all_fields(cls: type) -> Iterator[FieldType]:
    for field in field_types(cls).values():
        yield field
        for plain in alternatives(field.plain):
            if dataclasses.is_dataclass(plain) and isinstance(plain, type) and not issubclass(plain, Identifier):
                yield from all_fields(plain)


def test_companions_are_written_by_the_acts_they_belong_to():
    written = {c.rule.name for name in ACTS for c in sample_of(name).companions(StudyId("NCT06505941"))}
    assert written == {name for name, rule in ACTS.items() if rule.companion} - WRITTEN_BY_THE_WORKFLOW


def test_no_deed_writes_two_entries_of_one_name_in_one_stream():
    """One deed that touches several streams writes one entry in each."""
    for name in ACTS:
        act = sample_of(name)
        written = [(one.subject.key, one.rule.name) for one in (act, *act.companions(StudyId("NCT06505941")))]
        assert len(written) == len(set(written)), name


def test_evidence_that_no_gate_reads_is_guarded_by_none():
    for rule in ACTS.values():
        if rule.evidence:
            assert rule.hold_point is None
            assert rule.slots == ()
