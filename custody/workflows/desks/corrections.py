"""Corrections as a person makes them: which entries may be corrected, what stood, and what would stand instead."""

from __future__ import annotations

import json

from sqlalchemy import Connection

from custody.domain.acts.base import Act, ActRule
from custody.domain.acts.codec import act_from, body_of
from custody.domain.acts.record import Corrected
from custody.domain.dossier import Deed, Dossier
from custody.domain.ids import Digest, Node
from custody.domain.masking import Seen, Viewer, act_shown
from custody.errors import CustodyError, NotFoundError
from custody.ledger.canonical import canonical
from custody.workflows.correcting import NEVER_CORRECTED
from custody.workflows.desks.offers import may_begin
from custody.workflows.desks.things import opened
from custody.workflows.people import Present


def correctable(connection: Connection, viewer: Viewer, present: Present, node: Node) -> Seen[frozenset[str]]:
    """The entries of a thing that this person may correct, by digest: those whose first place they may sign."""
    dossier = opened(connection, viewer, node)
    deeds: tuple[Deed[Act], ...] = dossier.deeds(node)
    return Seen(
        frozenset(
            deed.digest.value
            for deed in deeds
            if has_form(deed.act.rule)
            and not isinstance(deed.act, NEVER_CORRECTED)
            and may_begin(deed.act.rule, present, viewer.study)
            and act_shown(viewer, deed.act)
        )
    )


def has_form(rule: ActRule) -> bool:
    """Whether people record this act by hand at all."""
    return not (rule.companion or rule.evidence or rule.stage == Corrected.rule.stage)


def deed_to_correct(connection: Connection, viewer: Viewer, node: Node, digest: Digest) -> Seen[Deed[Act]]:
    """The deed as it stands now, earlier corrections included. Raises NotFoundError where none stands that this viewer may know of."""
    deed = _deed(opened(connection, viewer, node), node, digest)
    if deed is None or not has_form(deed.act.rule) or isinstance(deed.act, NEVER_CORRECTED) or not act_shown(viewer, deed.act):
        raise NotFoundError("the entry to correct does not stand in this stream", code="no_such_entry")
    return Seen(deed)


def _deed(dossier: Dossier, node: Node, digest: Digest) -> Deed[Act] | None:
    deeds: tuple[Deed[Act], ...] = dossier.deeds(node)
    return next((deed for deed in deeds if deed.digest == digest), None)


def correction(deed: Deed[Act], right: Act, reason: str) -> Corrected:
    """The act that puts `right` in the place of what stands."""
    return Corrected(
        node=deed.act.subject,
        entry=deed.digest,
        reason=reason,
        act=right.rule.name,
        act_version=right.rule.version,
        replacement=canonical(body_of(right)).decode(),
    )


def replacement_of(name: str, version: int, replacement: str) -> Act | None:
    """What a correction puts in the place of the wrong act; None where it cannot be read any more."""
    try:
        return act_from(name, version, json.loads(replacement))
    except (CustodyError, ValueError):
        return None
