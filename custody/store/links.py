"""What one act's body says about other things: which came from which, and the identifiers written on them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from custody.domain.acts import ACTS
from custody.domain.acts.base import FOLLOWED, FieldType, alternatives, field_types
from custody.domain.acts.codec import UPCASTERS
from custody.domain.ids import Digest, Identifier, Node, ParticipantId, PersonId, SiteId

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
