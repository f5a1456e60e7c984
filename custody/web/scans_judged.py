"""Each scan of a list in a form, answered at once: tick, or cross with the reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from custody.domain.acts.base import ActRule, alternatives, field_types
from custody.domain.ids import EquipmentId, Identifier, LoggerId, MaterialId, Node, SealNumber
from custody.errors import CustodyError
from custody.web import current
from custody.web.answers import scanned_value
from custody.web.errors import sentence
from custody.web.forms import is_part
from custody.web.scan_lists import MORE, ScanLine, Typed, gathered, one
from custody.workflows.desks.fit_for_use import fit_of
from custody.workflows.door import Connection, unit_of_work
from custody.workflows.from_outside import find_for
from custody.workflows.refusals import keep_scan

Kinds = tuple[type[Identifier], ...]
JUDGED = (MaterialId, EquipmentId, LoggerId)


def judged_scans(rule: ActRule, kinds: Kinds, texts: tuple[str, ...]) -> tuple[ScanLine, ...]:
    """What each scan turned out to be. Of a thing nobody knows here the form carries nothing, nor of one that stands there already."""
    if not texts:
        return ()
    with current.store().reading() as connection:
        return tuple(_judged(connection, rule, kinds, texts))


def _judged(connection: Connection, rule: ActRule, kinds: Kinds, texts: tuple[str, ...]) -> Iterator[ScanLine]:
    words, seen = current.words(), set[Identifier]()
    number = 0
    for text in texts:
        try:
            node = _read(connection, rule, kinds, text)
        except CustodyError as error:
            yield ScanLine(text=text, fits=False, said=sentence(error), kept=False)
            continue
        if node in seen:
            yield ScanLine(text=node.value, fits=False, said=words.say("scans.twice"), kept=False)
            continue
        seen.add(node)
        yield _known(connection, rule, node, number, several=len(kinds) > 1)
        number += 1


def _read(connection: Connection, rule: ActRule, kinds: Kinds, text: str) -> Identifier:
    """What a scan names: a thing on record, or a seal, which has no record of its own. Raises as `find_for` and `scanned_value`."""
    if kinds == (SealNumber,):
        return SealNumber(scanned_value(SealNumber, text))
    nodes = tuple(kind for kind in kinds if issubclass(kind, Node))
    return find_for(connection, rule.cls, nodes, text, may_be_new=False, viewer=current.viewer())


def _known(connection: Connection, rule: ActRule, node: Identifier, number: int, *, several: bool) -> ScanLine:
    """`several`: where more than one kind fits, the form carries the kind too, so that a number is never looked up among the others."""
    words = current.words()
    if several and isinstance(node, Node):
        return ScanLine(text=node.key, shown=words.named(node), number=number, judged=False)
    if not isinstance(node, JUDGED):
        return ScanLine(text=node.value, number=number, judged=False)
    fit = fit_of(connection, current.viewer(), rule, node, current.local_now())
    said = words.say(f"scans.state.{fit.state}")
    if fit.until is not None and fit.is_ready:
        said = words.say("scans.until", until=words.date_time(fit.until))
    return ScanLine(text=node.value, fits=fit.is_ready, said=f"{fit.name} · {said}" if fit.name else said, number=number)


def scanned_on(rule: ActRule, typed: Typed) -> tuple[dict[str, list[str]], bool]:
    """What was typed with the newest scan on its list, and whether the form is shown again. A scan nobody can read is kept as evidence."""
    new = {name.removeprefix(MORE): one(typed, name) for name in typed if name.startswith(MORE) and one(typed, name)}
    if new:
        _keep_unreadable(rule, new)
    kept, goes_on = gathered(typed)
    return dict(kept), goes_on


def _keep_unreadable(rule: ActRule, new: Mapping[str, str]) -> None:
    with unit_of_work(current.store()) as connection:
        for path, text in new.items():
            refusal = _refusal(connection, rule, _kinds_at(rule, path), text)
            if refusal:
                where = f"acts/{rule.name}"
                keep_scan(connection, current.present(), current.study(), where=where, seen=text, refusal=refusal, now=current.now())


def _refusal(connection: Connection, rule: ActRule, kinds: Kinds, text: str) -> str:
    """The code of the error that a scan meets; empty where it names something known."""
    try:
        if kinds:
            _read(connection, rule, kinds, text)
    except CustodyError as error:
        return error.code
    return ""


def _kinds_at(rule: ActRule, path: str) -> Kinds:
    """The kinds a field takes that lies at this path of the act (`culture.materials`); none where there is no such field."""
    fields = field_types(rule.cls)
    kinds: tuple[Any, ...] = ()
    for name in path.split("."):
        if name not in fields:
            return ()
        kinds = alternatives(fields[name].plain)
        fields = field_types(kinds[0]) if is_part(kinds[0]) else {}
    return tuple(kind for kind in kinds if isinstance(kind, type) and (issubclass(kind, Node) or kind is SealNumber))
