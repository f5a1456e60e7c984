"""What stands close to an act, to be picked where nothing can be scanned: things this person may find, samples and bags of its subject."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import is_dataclass
from typing import Any

from sqlalchemy import Connection

from custody.domain.acts.allocation import DoseAllocated, SpareAllocated
from custody.domain.acts.base import Act, ActRule, FieldType, alternatives, field_types
from custody.domain.acts.donation import DonorSampled, DonorTestResulted
from custody.domain.acts.manufacturing import BagsFilled
from custody.domain.acts.quality import ResultRecorded, SampleTaken
from custody.domain.dossier import Dossier
from custody.domain.ids import AccountId, BagId, Identifier, Node, StudyId, node_of
from custody.domain.masking import Viewer, act_shown
from custody.store.lookups import WorkItem
from custody.workflows import sight
from custody.workflows.choices import Known
from custody.workflows.dossiers import dossier_of

NEAR_MAX = 20
NOT_OFFERED = (BagId, AccountId, StudyId)
"""A bag is named by its label; an account by its badge or its own list; the study is the one people work in."""
FIT_FIRST: dict[str, frozenset[str]] = {
    "bag_packed": frozenset({"packing_started"}),
    "bag_unpacked": frozenset({"packing_started"}),
    "packing_started": frozenset({"logger_started"}),
    "tissue_packed": frozenset({"logger_started", "cord_collected"}),
    "cord_collected": frozenset({"consent_signed"}),
}
"""Newest acts after which a thing is most likely the one that is meant: it stands first."""


def nearby(connection: Connection, rule: ActRule, subject: Node | None, viewer: Viewer) -> dict[str, tuple[Known, ...]]:
    """Field -> what may be picked for it, newest first. Never a closed list: whatever else exists may be scanned or typed."""
    found = {
        name: _things(connection, rule, kinds, viewer)
        for name, field in _fields(rule.cls)
        if name != rule.subject_field and (kinds := _kinds(field))
    }
    if subject is not None and viewer.may_see(subject):
        found |= _of_subject(connection, rule, subject, viewer)
    return {name: every for name, every in found.items() if every}


def _fields(cls: type[Any]) -> Iterator[tuple[str, FieldType]]:
    """The fields of an act and of its parts, by their own names."""
    for name, field in field_types(cls).items():
        plain = alternatives(field.plain)[0]
        if is_dataclass(plain) and isinstance(plain, type) and not issubclass(plain, Identifier):
            yield from _fields(plain)
        else:
            yield name, field


def _kinds(field: FieldType) -> tuple[type[Node], ...]:
    """The kinds of things a field may name; none for a bag, which is named by its label."""
    kinds = alternatives(field.plain)
    return tuple(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Node) and not issubclass(kind, NOT_OFFERED))


def _things(connection: Connection, rule: ActRule, kinds: tuple[type[Node], ...], viewer: Viewer) -> tuple[Known, ...]:
    items = [item for kind in kinds for item in sight.newest(connection, viewer, kind.kind, NEAR_MAX)]
    first = FIT_FIRST.get(rule.name, frozenset())
    items.sort(key=lambda item: item.act not in first)
    return tuple(_known(item, viewer, several=len(kinds) > 1) for item in items)


def _known(item: WorkItem, viewer: Viewer, *, several: bool) -> Known:
    node = node_of(item.stream)
    # What happened to a thing last may tell the arm; its number never does.
    return Known(value=node.key if several else node.value, act="" if viewer.blind else item.act)


def _of_subject(connection: Connection, rule: ActRule, subject: Node, viewer: Viewer) -> dict[str, tuple[Known, ...]]:
    if rule.cls not in {ResultRecorded, DonorTestResulted}:
        return {}
    dossier = dossier_of(connection, [subject])
    found = {"sample": tuple(_samples(dossier, subject, viewer))}
    if rule.cls is ResultRecorded:
        found["bag"] = tuple(Known(value=bag.value) for bag in dict.fromkeys(_bags(dossier, subject, viewer)))
    return found


def _samples(dossier: Dossier, subject: Node, viewer: Viewer) -> Iterator[Known]:
    """Newest first; a sample taken twice under one number stands once."""
    taken = dossier.deeds(subject, SampleTaken, DonorSampled)
    newest = {deed.act.sample.value: deed.act.rule.name for deed in taken if act_shown(viewer, deed.act)}
    for sample, act in reversed(newest.items()):
        yield Known(value=sample, act=act)


def _bags(dossier: Dossier, subject: Node, viewer: Viewer) -> Iterator[BagId]:
    """The bags filled from a lot, or reserved for a dose."""
    for deed in dossier.deeds(subject, BagsFilled, DoseAllocated, SpareAllocated):
        if act_shown(viewer, deed.act):
            yield from _bags_named(deed.act)


def _bags_named(act: Act) -> Iterable[BagId]:
    match act:
        case BagsFilled() | DoseAllocated():
            return act.bags
        case SpareAllocated():
            return (act.bag,)
    return ()
