"""Finds the thing a field of an act means, where a few fields may name what lies outside the scope of the person."""

from __future__ import annotations

from sqlalchemy import Connection

from custody.domain.acts.base import Act, alternatives, field_types
from custody.domain.ids import Node
from custody.domain.masking import Viewer
from custody.workflows import sight
from custody.workflows.order import NAMED_FROM_OUTSIDE
from custody.workflows.proposing import find_node


def find_for(connection: Connection, act: type[Act], kinds: tuple[type[Node], ...], text: str, *, may_be_new: bool, viewer: Viewer) -> Node:
    """The thing a text means in a field of these kinds. Raises as `find_node`."""
    if not _is_named_from_outside(act, kinds):
        return find_node(connection, kinds, text, may_be_new=may_be_new, viewer=viewer)
    node = find_node(connection, kinds, text, may_be_new=True, viewer=viewer)
    if not sight.may_name_from_outside(connection, viewer, act, node):
        sight.require(connection, viewer, node)
    return node


def _is_named_from_outside(act: type[Act], kinds: tuple[type[Node], ...]) -> bool:
    """What is scanned is read otherwise; of the others those kinds that a field of this act may name from outside."""
    fields = field_types(act)
    outside = (alternatives(fields[name].plain) for name in NAMED_FROM_OUTSIDE.get(act, ()) if not fields[name].scanned)
    return any(set(kinds) == set(each) for each in outside)
