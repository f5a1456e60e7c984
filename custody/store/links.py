"""What one act's body says about other things: which came from which, and the identifiers written on them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from custody.domain.acts import ACTS
from custody.domain.acts.base import FOLLOWED, FieldType, alternatives, field_types
from custody.domain.acts.codec import UPCASTERS
from custody.domain.ids import NODE_KINDS, Digest, Identifier, Node, ParticipantId, PersonId, SiteId

# What a person scans or types to find something; longer text is no identifier.
NAME_LENGTH_MAX = 64
# Files are found by their entry and people by their account, never by a search for either.
_NOT_SEARCHED = (Digest, PersonId)
_RECEIVER = ParticipantId.kind + ":"


# Rows of the lookups: (from, to) is an edge in the direction the material goes, donor to bag to dose to participant;
# (name,) is an identifier written on the thing.
Links = frozenset[tuple[str, ...]]
NO_LINKS: Links = frozenset()
_STEPS: dict[Any, tuple[_Step, ...]] = {}


@dataclass(frozen=True)
class _Step:
    field: str
    what: str
    parts: tuple[_Step, ...] = ()


def has_links(act: str) -> bool:
    """Whether entries of this act can say anything about other things."""
    return bool(_steps(ACTS[act].cls))


def links_of(stream: str, act: str, version: int, body: Mapping[str, Any]) -> Links:
    """The links in the body of an act in effect; the body is as the ledger keeps it."""
    rule = ACTS[act]
    steps = _steps(rule.cls)
    if not steps:
        return NO_LINKS
    while version < rule.version:
        body = UPCASTERS[act, version](body)
        version += 1
    found: set[tuple[str, ...]] = set()
    _collect(found, stream, steps, body)
    return frozenset(found)


@cache
def kinds_leading_to(kind: str) -> frozenset[str]:
    """The kinds of things from which links, in the direction the material goes, can lead to one of this kind, by the table of acts."""
    before: dict[str, set[str]] = {}
    for parent, child in _kind_pairs():
        before.setdefault(child, set()).add(parent)
    found: set[str] = set()
    waiting = [kind]
    while waiting:
        new = before.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return frozenset(found)


def _kind_pairs() -> Iterator[tuple[str, str]]:
    for rule in ACTS.values():
        for named in _followed_kinds(rule.cls):
            for about in rule.about:
                for own in _kinds(about):
                    yield (own, named) if named == ParticipantId.kind else (named, own)


def _followed_kinds(cls: Any) -> Iterator[str]:
    """Of every thing that a field of this class, or of a part of it, can name as one to follow."""
    for name, field in field_types(cls).items():
        plain = alternatives(field.plain)[0]
        if not issubclass(plain, Identifier) and dataclasses.is_dataclass(plain):
            yield from _followed_kinds(plain)
        elif (step := _step(name, field)) is not None and step.what == "edge":
            for each in alternatives(field.plain):
                yield from _kinds(each)


def _kinds(of: type[Node]) -> tuple[str, ...]:
    return tuple(kind for kind, cls in NODE_KINDS.items() if issubclass(cls, of))


def _edge(stream: str, followed: str) -> tuple[str, str]:
    # A dose follows its participant, but the cells go the other way.
    return (stream, followed) if followed.startswith(_RECEIVER) else (followed, stream)


def _collect(found: set[tuple[str, ...]], stream: str, steps: tuple[_Step, ...], body: Mapping[str, Any]) -> None:
    """All links of one body into `found`. Verification asks for those of every entry, so there is no generator between."""
    for step in steps:
        content = body.get(step.field)
        if content is None:
            continue
        for item in content if isinstance(content, list | tuple) else (content,):
            if item is None:
                continue
            if step.parts:
                _collect(found, stream, step.parts, item)
            elif step.what == "name":
                if 0 < len(item) <= NAME_LENGTH_MAX:
                    found.add((item,))
            elif item != stream:
                found.add(_edge(stream, item))


def _steps(cls: Any) -> tuple[_Step, ...]:
    if cls not in _STEPS:
        _STEPS[cls] = _steps_anew(cls)
    return _STEPS[cls]


def _steps_anew(cls: Any) -> tuple[_Step, ...]:
    steps = (_step(name, field) for name, field in field_types(cls).items())
    return tuple(step for step in steps if step is not None)


def _step(name: str, field: FieldType) -> _Step | None:
    plain = alternatives(field.plain)[0]
    if issubclass(plain, Node):
        # A site named is where the thing comes from, goes to or, for an account, has a role: lists are narrowed by it.
        return _Step(name, "edge") if field.mark == FOLLOWED.word or plain is SiteId else None
    if issubclass(plain, Identifier):
        return None if issubclass(plain, _NOT_SEARCHED) else _Step(name, "name")
    if plain is str:
        return _Step(name, "name") if field.scanned else None
    if dataclasses.is_dataclass(plain):
        parts = _steps(plain)
        return _Step(name, "", parts) if parts else None
    return None
