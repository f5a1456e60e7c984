"""Donation -> tissue -> bank -> lot -> bag -> dose: who descends from what, and how holds and recalls pass down (rules section 6)."""

from __future__ import annotations

from collections.abc import Iterable

from custody.domain.acts.base import Act, marked_nodes
from custody.domain.acts.manufacturing import LotStarted
from custody.domain.acts.quality import HoldLifted, HoldPlaced, HoldPlacedByCustody, Recalled
from custody.domain.dossier import Deed, Dossier
from custody.domain.ids import BagId, BankId, Din, DonorId, KitId, LotId, Node, ShipmentId, TissueId
from custody.domain.terms import Product

CELL_LINE = (TissueId, BankId, LotId, BagId)
"""Nodes whose followed ids of these kinds (and donations, donors) are their biological ancestors."""

HOLDS_REACH_THROUGH = (DonorId, Din, TissueId, BankId, LotId, ShipmentId, KitId, BagId)


def ancestors_of(dossier: Dossier, node: Node, proposed: Act | None = None) -> tuple[Node, ...]:
    """Biological ancestors of a node, nearest first, with those the proposed act would give it."""
    if proposed is None:
        return dossier.once(node, "ancestors", lambda ledger: _ancestors(ledger, node, None))
    return _ancestors(dossier, node, proposed)


def _ancestors(dossier: Dossier, node: Node, proposed: Act | None) -> tuple[Node, ...]:
    found: dict[Node, None] = {}
    ring = [*dossier.parents(node), *(marked_nodes(proposed, "followed") if proposed is not None else ())]
    while ring:
        ring = [n for n in ring if n not in found and n != node and isinstance(n, (*CELL_LINE, Din, DonorId))]
        found.update(dict.fromkeys(ring))
        ring = [p for n in ring for p in dossier.parents(n)]
    return tuple(found)


def donations_of(dossier: Dossier, node: Node, proposed: Act | None = None) -> tuple[Din, ...]:
    """The donations a node descends from: the union of its parents' (rules section 6)."""
    return tuple(n for n in ancestors_of(dossier, node, proposed) if isinstance(n, Din))


def lots_of(dossier: Dossier, node: Node, proposed: Act | None = None) -> tuple[LotId, ...]:
    """The drug-product lots behind a node, itself included."""
    own = (node,) if isinstance(node, LotId) else ()
    return (*own, *(n for n in ancestors_of(dossier, node, proposed) if isinstance(n, LotId)))


def is_placebo(dossier: Dossier, node: Node, proposed: Act | None = None) -> bool:
    """True when every lot behind the node is a placebo lot, and there is one. A lot about to be started counts as proposed."""
    if isinstance(proposed, LotStarted) and node == proposed.lot:
        return proposed.product is Product.PLACEBO
    started = [dossier.first(lot, LotStarted) for lot in lots_of(dossier, node, proposed)]
    return bool(started) and all(d is not None and d.act.product is Product.PLACEBO for d in started)


def open_holds(dossier: Dossier, node: Node) -> tuple[Deed[HoldPlaced | HoldPlacedByCustody], ...]:
    """Holds on this very node that nobody has lifted."""
    lifted = {d.act.hold for d in dossier.deeds(node, HoldLifted)}
    return tuple(d for d in dossier.deeds(node, HoldPlaced, HoldPlacedByCustody) if d.act.hold not in lifted)


def holds_over(dossier: Dossier, nodes: Iterable[Node]) -> tuple[Deed[HoldPlaced | HoldPlacedByCustody], ...]:
    """Open holds on any of these nodes."""
    reached = tuple(node for node in nodes if isinstance(node, HOLDS_REACH_THROUGH))
    if not reached:
        return ()
    return dossier.once(reached[0], ("holds", reached), lambda ledger: tuple(hold for node in reached for hold in open_holds(ledger, node)))


def recalls_over(dossier: Dossier, nodes: tuple[Node, ...]) -> tuple[Deed[Recalled], ...]:
    """Recalls of any of these nodes; a recall is final."""
    if not nodes:
        return ()
    return dossier.once(
        nodes[0], ("recalls", nodes), lambda ledger: tuple(recall for node in nodes for recall in ledger.deeds(node, Recalled))
    )
