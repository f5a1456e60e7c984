"""Acts and people as the independent model keeps them: plain Python, ids as texts."""

from __future__ import annotations

import dataclasses
from enum import Enum

from custody.domain.ids import Identifier, Node
from custody.workflows.order import guarding_rule
from custody.workflows.rehearsal.steps import people


def plain(value):
    """Anything in an act as plain Python: a thing with a stream as its key, other identifiers and words as text."""
    if isinstance(value, Node):
        return value.key
    if isinstance(value, Identifier):
        return value.value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if dataclasses.is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    return value


def signer_of(account, act, place, at):
    """The person behind an account as the model keeps them."""
    rule = guarding_rule(act)
    roles = rule.slots[place].roles if rule.slots else rule.by
    person = people()[account]
    role = next((r.value for r in person.roles if r in roles), "")
    return {"person": person.person.value, "account": f"account:{account}", "role": role, "site": person.site.key, "at": at}
