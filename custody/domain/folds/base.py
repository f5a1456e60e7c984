"""What all folds share: a fold reads a dossier and says what the acts about one thing add up to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import TypeVar

from custody.domain.acts.base import Act
from custody.domain.deeds import Deed
from custody.domain.ids import Digest, Node
from custody.domain.verdict import Reason

D = TypeVar("D", bound=Act)
T = TypeVar("T")


class MissingFact(Exception):  # noqa: N818 - not an error: the registry turns it into a block
    """A fact that a rule needs is not in the ledger. The gate that asked is blocked, with this reason."""

    def __init__(self, what: str, *, node: Node | None = None, evidence: tuple[Digest, ...] = ()) -> None:
        super().__init__(what)
        self.reason = Reason("missing", what=what, node=node.key) if node is not None else Reason("missing", what=what)
        self.evidence = evidence


class OrderUnclear(MissingFact):
    """The sheet that was recorded last is older than another that says something else: nobody knows which counts."""

    def __init__(self, what: str, *, node: Node, evidence: tuple[Digest, ...]) -> None:
        super().__init__(what, node=node, evidence=evidence)
        self.reason = Reason("order_unclear", what=what, node=node.key)


def newest(deeds: tuple[Deed[D], ...], what: str, node: Node) -> Deed[D] | None:
    """The newest sheet of one kind. Raises OrderUnclear when an older one that says something else was recorded after it."""
    if not deeds:
        return None
    recorded, happened = newest_both_ways(deeds)
    if recorded.act != happened.act:
        raise OrderUnclear(what, node=node, evidence=(recorded.digest, happened.digest))
    return recorded


def newest_both_ways(deeds: tuple[Deed[D], ...]) -> tuple[Deed[D], ...]:
    """The newest by when it was recorded and the newest by when it happened, of which a yes has to be both; nothing of nothing."""
    youngest = youngest_of(deeds)
    return (deeds[-1], youngest) if youngest is not None else ()


def youngest_of(deeds: tuple[Deed[D], ...]) -> Deed[D] | None:
    """The newest by when it happened."""
    return newest_by(deeds, lambda deed: deed.at)


def newest_by(items: Sequence[T], when: Callable[[T], date]) -> T | None:
    """Of `items` in the order recorded the newest by its own date or time; of several of one moment the one recorded last."""
    return max(reversed(items), key=when, default=None)
