"""What “undo” means: the newest entry of this person about a thing, which a correction puts right and nothing removes."""

from __future__ import annotations

from sqlalchemy import Connection

from custody.domain.acts.base import Act
from custody.domain.dossier import Deed
from custody.domain.ids import Digest, Node
from custody.domain.masking import Viewer
from custody.workflows.desks.corrections import correctable
from custody.workflows.desks.things import opened
from custody.workflows.people import Present


def last_own(connection: Connection, viewer: Viewer, present: Present, node: Node) -> Digest | None:
    """None where this person recorded nothing about it that can be corrected. Raises NotFoundError as `opened`."""
    mine = correctable(connection, viewer, present, node).value
    deeds: tuple[Deed[Act], ...] = opened(connection, viewer, node).deeds(node)
    own = [deed for deed in deeds if deed.digest.value in mine and deed.began.by.account == present.account]
    return max(own, key=lambda deed: deed.entry.recorded_at).digest if own else None
