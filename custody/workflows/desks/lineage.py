"""The family of one thing: what it was made from, back to the donor, and everything made from it, as one tree to be drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from sqlalchemy import Connection

from custody.domain.criteria import Settings
from custody.domain.dossier import Dossier
from custody.domain.folds.base import MissingFact
from custody.domain.folds.culture import CultureFold, VialsFold
from custody.domain.folds.lot import LotFold
from custody.domain.folds.study import StudyFold
from custody.domain.ids import BagId, BankId, LotId, Node, TissueId, node_of
from custody.domain.lineage import ancestors_of
from custody.domain.masking import Seen, Viewer
from custody.store import lookups
from custody.workflows import sight
from custody.workflows.dossiers import dossier_of

FAMILY = frozenset({"donor", "donation", "tissue", "bank", "lot", "bag"})
DRAWN_MAX = 60
"""Descendants that are drawn; of a larger family the rest is counted."""
CHILDREN_MAX = 12
"""Children of one thing that are drawn by name; a lot of 200 bags says how many more there are."""


@dataclass(frozen=True, kw_only=True)
class Culture:
    """Passage and cumulative doublings of one thing, beside the limits that judge it."""

    passage: int
    passage_max: int
    doublings: Decimal
    doublings_max: Decimal


@dataclass(frozen=True, kw_only=True)
class Kin:
    """One thing of a family. `more`: children that are not drawn; `again`: its family is drawn at another of its parents."""

    node: Node
    here: bool
    culture: Culture | None = None
    vials_left: int | None = None
    disposition: str = ""
    children: tuple[Kin, ...] = ()
    more: int = 0
    again: bool = False


def lineage(connection: Connection, viewer: Viewer, node: Node) -> Seen[tuple[Kin, ...]]:
    """The family of a thing as this person may see it: usually one tree, from the donor down. Raises NotFoundError as the thing itself.

    Sisters of its ancestors are left out: the family is the line it stands in, and what came from it.
    """
    sight.require(connection, viewer, node)
    below, cut = _below(connection, viewer, node)
    study = () if viewer.study is None else (viewer.study,)
    loaded = [each for each in below if not isinstance(each, BagId)]
    dossier = dossier_of(connection, [node, *loaded, *study])
    above = sight.listed_among(connection, viewer, (each for each in ancestors_of(dossier, node) if each.kind in FAMILY))
    family = (*above, node, *below)
    children = _children(connection, dossier, family)
    born = {child for brood in children.values() for child in brood}
    roots = [each for each in family if each not in born] or [node]
    fold = None if viewer.study is None else StudyFold(dossier, viewer.study)
    tree = _Tree(dossier, fold, node, children, cut, set())
    return Seen(tuple(tree.kin(root) for root in roots))


def _below(connection: Connection, viewer: Viewer, node: Node) -> tuple[tuple[Node, ...], Mapping[Node, int]]:
    """Its descendants, nearest first, and for each thing with too many children how many are left out."""
    found: dict[Node, None] = {}
    left_out: dict[Node, int] = {}
    ring: tuple[Node, ...] = (node,)
    while ring and len(found) < DRAWN_MAX:
        following: list[Node] = []
        for each in ring:
            born = _seen_children(connection, viewer, each)
            # Bags are named where their lot is looked at; further up they are counted.
            named = [child for child in born if each == node or not isinstance(child, BagId)][:CHILDREN_MAX]
            if len(born) > len(named):
                left_out[each] = len(born) - len(named)
            following += [child for child in named if child not in found and child != node]
        found.update(dict.fromkeys(following))
        ring = tuple(each for each in dict.fromkeys(following) if not isinstance(each, BagId))
    return tuple(found), left_out


def _seen_children(connection: Connection, viewer: Viewer, node: Node) -> tuple[Node, ...]:
    _, names = lookups.edges(connection, node.key)
    return sight.listed_among(connection, viewer, (each for each in map(node_of, names) if each.kind in FAMILY))


def _children(connection: Connection, dossier: Dossier, family: Iterable[Node]) -> dict[Node, tuple[Node, ...]]:
    """Parent -> children, among the family alone."""
    members = dict.fromkeys(family)
    found: dict[Node, list[Node]] = {}
    for child in members:
        parents = dossier.parents(child) if not isinstance(child, BagId) else ()
        if isinstance(child, BagId):
            parents = tuple(map(node_of, lookups.edges(connection, child.key)[0]))
        for parent in dict.fromkeys(parents):
            if parent in members and parent != child:
                found.setdefault(parent, []).append(child)
    return {parent: tuple(born) for parent, born in found.items()}


@dataclass(frozen=True)
class _Tree:
    """Draws each thing once; `drawn` grows on the way."""

    dossier: Dossier
    study: StudyFold | None
    here: Node
    children: Mapping[Node, tuple[Node, ...]]
    left_out: Mapping[Node, int]
    drawn: set[Node]

    def kin(self, node: Node) -> Kin:
        one = self._alone(node)
        if node in self.drawn:
            return replace(one, again=bool(self.children.get(node)))
        self.drawn.add(node)
        born = tuple(self.kin(child) for child in self.children.get(node, ()))
        return replace(one, children=born, more=self.left_out.get(node, 0))

    def _alone(self, node: Node) -> Kin:
        bank = VialsFold(self.dossier, node) if isinstance(node, BankId) else None
        return Kin(
            node=node,
            here=node == self.here,
            culture=culture_of(self.dossier, self.study, node),
            vials_left=_vials_left(bank) if bank is not None else None,
            disposition=self._disposition(node),
        )

    def _disposition(self, node: Node) -> str:
        if self.study is None or not isinstance(node, BankId | LotId):
            return ""
        return type(LotFold(self.dossier, node, self.study).disposition).__name__.lower()


def _vials_left(vials: VialsFold) -> int | None:
    try:
        return vials.left
    except MissingFact:
        return None  # not filled yet


def culture_of(dossier: Dossier, study: StudyFold | None, node: Node) -> Culture | None:
    """Passage and doublings as recorded; None where nothing was cultured, or what would be needed to say it is missing."""
    if study is None or not isinstance(node, TissueId | BankId | LotId):
        return None
    try:
        settings = settings_of(dossier, study, node)
        fold = CultureFold(dossier, node)
        return Culture(passage=fold.passage, passage_max=settings.max_passage, doublings=fold.doublings, doublings_max=settings.max_cpd)
    except MissingFact:
        return None


def settings_of(dossier: Dossier, study: StudyFold, node: Node) -> Settings:
    """The limits that judge it: a lot by the version it was started under, everything else by the one in force now."""
    return LotFold(dossier, node, study).criteria.settings if isinstance(node, LotId) else study.criteria_now.settings
