"""What all folds share: a fold reads a dossier and says what the acts about one thing add up to."""

from __future__ import annotations

from custody.domain.ids import Digest, Node
from custody.domain.verdict import Reason


class MissingFact(Exception):  # noqa: N818 - not an error: the registry turns it into a block
    """A fact that a rule needs is not in the ledger. The gate that asked is blocked, with this reason."""

    def __init__(self, what: str, *, node: Node | None = None, evidence: tuple[Digest, ...] = ()) -> None:
        super().__init__(what)
        self.reason = Reason("missing", what=what, node=node.key) if node is not None else Reason("missing", what=what)
        self.evidence = evidence
